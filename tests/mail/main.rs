//! The mails of others: reply parsers, bounce collections, MIME torture, hostile HTML. One binary, so that the crate
//! links once. Fixtures lie in `tests/fixtures/mime`, each folder with its licence.

#![expect(clippy::unwrap_used, reason = "a fixture that does not open fails its test")]

mod bounds;

mod collections;

mod writing;

use std::path::{Path, PathBuf};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mime")
}

pub fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    let path = fixtures().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&bytes(path)).unwrap()
}

/// All files below a folder that end so, sorted.
pub fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![fixtures().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {end} in {folder}");
    found
}

/// A body as the mail of a person who answers.
pub fn answer(media_type: &str, body: &str) -> Vec<u8> {
    format!(
        "From: Ada <ada@example.com>\r\nTo: help@example.net\r\nSubject: Re: Order\r\nMIME-Version: 1.0\r\n\
         Content-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Text without regard to how its blanks are set.
pub fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
