//! Keeping the state in a directory: whole files, replaced atomically, never half written.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::state::World;

const FILE: &str = "state.json";

/// Replaces `name` in `dir`. The files hold keys and tokens, hence the mode.
pub(crate) fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let part = dir.join(format!("{name}.part"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, dir.join(name))
}

pub(crate) fn load(dir: &Path) -> io::Result<Option<World>> {
    match fs::read(dir.join(FILE)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn save(dir: &Path, world: &[u8]) -> io::Result<()> {
    write_atomically(dir, FILE, world)
}
