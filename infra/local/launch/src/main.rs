//! What `cargo xtask` runs first: it builds the real tool as a member of the whole workspace, then becomes it.
//!
//! `cargo run --package xtask` would give the crates that it shares with the functions another set of features, and
//! compile all of them a second time. This program needs no crate, so it is there in a second, and cargo shows what it
//! does meanwhile.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let build = Command::new("cargo")
        .args(["build", "--workspace", "--bin", "xtask"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
        .status();
    match build {
        Ok(status) if status.success() => {}
        Ok(_) => return ExitCode::FAILURE,
        Err(cause) => return failure(&format!("cannot start cargo: {cause}")),
    }
    // Both are of one profile and target, so they lie in one folder.
    match std::env::current_exe() {
        Ok(own) => {
            let tool = own.with_file_name("xtask");
            let cause = Command::new(&tool).args(std::env::args_os().skip(1)).exec();
            failure(&format!("cannot start {}: {cause}", tool.display()))
        }
        Err(cause) => failure(&format!("cannot tell where this program lies: {cause}")),
    }
}

fn failure(text: &str) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::FAILURE
}
