//! What git keeps must make sense on any machine: no home folder of anyone's, no package registry but the public ones.

use crate::repository::{assert_none, bytes, tracked};

/// Put together here, so that this file passes its own rule.
const HOMES: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("C:\\Us", "ers\\")];

const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
const NPM: &str = "\"resolved\": \"https://registry.npmjs.org/";

/// Settings that point a package manager to another registry; each manager's spelling.
const REDIRECTIONS: [&str; 5] = [
    concat!("index", "-url"),
    concat!("index", "_url"),
    concat!("npm_config", "_registry"),
    concat!("replace", "-with"),
    concat!("[", "registries"),
];

/// Whether `line` names a folder that begins with `home`; the tail of a longer path or of an address does not count.
fn names_home(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        line[..at].chars().next_back().is_none_or(|before| !(before.is_alphanumeric() || "._-~/}".contains(before)))
    })
}

fn names_registry(path: &str, line: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let line = line.trim();
    match file {
        "Cargo.lock" => line.starts_with("source = ") && line != CRATES_IO,
        "package-lock.json" | "npm-shrinkwrap.json" => line.starts_with("\"resolved\"") && !line.starts_with(NPM),
        ".npmrc" => line.starts_with("registry"),
        _ => {
            let lower = line.to_lowercase();
            REDIRECTIONS.iter().any(|setting| lower.contains(setting))
        }
    }
}

fn tied_to_a_machine(path: &str, text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if HOMES.iter().any(|home| names_home(line, home)) {
            violations.push(format!("{path}:{number}: a path of one machine"));
        }
        if names_registry(path, line) {
            violations.push(format!("{path}:{number}: a package registry"));
        }
    }
    violations
}

#[test]
fn tracked_files_name_no_machine() {
    let files = tracked();
    assert!(files.iter().any(|path| path == "Cargo.toml"));
    let mut violations = Vec::new();
    for path in &files {
        let Some(bytes) = bytes(path) else { continue };
        // Other people's mails, kept byte for byte.
        if path.starts_with("tests/fixtures/") {
            continue;
        }
        if bytes.contains(&0) {
            continue; // not text
        }
        violations.extend(tied_to_a_machine(path, &String::from_utf8_lossy(&bytes)));
    }
    assert_none(&violations);
}

#[cfg(test)]
mod rules {
    use super::*;

    #[test]
    fn home_folders_are_found() {
        for home in HOMES {
            for line in [
                format!("{home}ada/x"),
                format!("path = \"{home}ada\""),
                format!("PATH=/bin:{home}ada/bin"),
                format!("(see {home}ada)"),
            ] {
                assert_eq!(tied_to_a_machine("a.md", &line).len(), 1, "{line}");
            }
        }
        for line in [
            format!("https://example.com{}page", HOMES[0]),
            format!("functions{}x", HOMES[0]),
            format!("${{HOME}}{}x", HOMES[1]),
            "a home / a root".to_owned(),
        ] {
            assert!(tied_to_a_machine("a.md", &line).is_empty(), "{line}");
        }
    }

    #[test]
    fn other_registries_are_found() {
        let mirror = "https://mirror.example/simple";
        for (path, line) in [
            ("Cargo.lock", format!("source = \"registry+{mirror}\"")),
            ("a/package-lock.json", format!("  \"resolved\": \"{mirror}/x.tgz\",")),
            (".npmrc", format!("registry={mirror}")),
            ("requirements.txt", format!("--{} {mirror}", REDIRECTIONS[0])),
            ("up.rs", format!("PIP_{}", REDIRECTIONS[1].to_uppercase())),
            (".cargo/config.toml", format!("{} = \"m\"", REDIRECTIONS[3])),
            (".cargo/config.toml", format!("{}.m]", REDIRECTIONS[4])),
        ] {
            assert_eq!(tied_to_a_machine(path, &line).len(), 1, "{path}: {line}");
        }
        for (path, line) in [
            ("Cargo.lock", CRATES_IO.to_owned()),
            ("package-lock.json", format!("      {NPM}x.tgz\",")),
            ("requirements.txt", "ministack==1.5.33".to_owned()),
        ] {
            assert!(tied_to_a_machine(path, &line).is_empty(), "{path}: {line}");
        }
    }
}
