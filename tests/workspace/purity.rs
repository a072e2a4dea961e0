//! The domain performs no I/O: a rule that no lint covers whole.

use crate::repository::{assert_none, present, read};

const PURE: [&str; 2] = ["functions/shared/channel/src/", "functions/shared/flow/src/"];

/// Ways out of a pure crate. Clocks and the environment are banned for everyone by `clippy.toml`.
const OUTSIDE: [&str; 9] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
];

/// Comments may speak of what the code may not do.
fn reaches_outside(path: &str, source: &str) -> Vec<String> {
    if !PURE.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (number, line) in source.lines().enumerate() {
        // An address as a value is data: no socket comes of it.
        let code = line.split("//").next().unwrap_or(line).replace("std::net::Ipv4Addr", "");
        for way in OUTSIDE.iter().filter(|way| code.contains(**way)) {
            violations.push(format!("{path}:{}: {way} in a pure crate", number + 1));
        }
    }
    violations
}

#[test]
fn the_domain_performs_no_io() {
    let sources: Vec<_> = present()
        .into_iter()
        .filter(|path| path.ends_with(".rs") && crate::repository::bytes(path).is_some())
        .collect();
    assert!(sources.iter().any(|path| path.starts_with(PURE[0])));
    let violations: Vec<_> = sources.iter().flat_map(|path| reaches_outside(path, &read(path))).collect();
    assert_none(&violations);
}

#[test]
fn a_way_out_is_named() {
    let path = "functions/shared/channel/src/mail.rs";
    let bad = "fn f() {}\nuse std::fs::read; // to see\n";
    assert_eq!(reaches_outside(path, bad), [format!("{path}:2: std::fs in a pure crate")]);
    assert!(reaches_outside(path, "//! reads no std::fs\nuse std::fmt;").is_empty());
    assert!(reaches_outside("functions/shared/aws/src/lib.rs", bad).is_empty());
}
