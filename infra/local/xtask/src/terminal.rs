//! What the words print, a line at a time.

use crate::{Context, Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Writes a line to standard output. A reader that has gone away (`| head`) ends the program: nobody wants the rest.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(cause) => Err(Error::new(format!("standard output: {cause}"))),
        Ok(()) => Ok(()),
    }
}

pub fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value).why(|| "as JSON".into())?)
}

/// 1 when what was looked at is not well, though the look succeeded.
pub fn exit_code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
