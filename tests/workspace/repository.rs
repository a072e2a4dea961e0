//! Reads the working tree: files, `git`, `cargo metadata`.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in a folder of the repository")
        .to_path_buf()
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the program prints; panics with its messages when it fails.
fn run(program: &std::ffi::OsStr, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(
        output.status.success(),
        "{} {}: {}",
        program.display(),
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(&cargo, args)
}

/// `cargo metadata` of the members alone: their manifests as cargo reads them, without resolving anything.
pub fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        serde_json::from_str(&text).expect("cargo prints JSON")
    })
}

/// The files that git keeps, relative to the root.
pub fn tracked() -> Vec<String> {
    listed(&["ls-files", "-z"])
}

/// As [`tracked`], with those that are new and not ignored.
pub fn present() -> Vec<String> {
    listed(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
}

fn listed(args: &[&str]) -> Vec<String> {
    run("git".as_ref(), args).split_terminator('\0').map(str::to_owned).collect()
}

/// The bytes of a listed file, or nothing when it was removed but is still in git's index.
pub fn bytes(path: &str) -> Option<Vec<u8>> {
    match std::fs::read(root().join(path)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Fails with one violation a line.
#[track_caller]
pub fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}
