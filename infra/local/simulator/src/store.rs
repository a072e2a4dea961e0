//! Keeping the state in a directory: a journal of what changed, and each mail as a file of its own.
//!
//! `state.log` holds one JSON row a line. Rows count from the commit row that follows them, so a process that is
//! killed at any moment leaves the state of its last commit: what stands after that is cut off at the next start.
//! `mail/<address>/<id>.eml` is written once, before the row that names it is committed, and removed after the row that
//! takes it away is. A file that no row names is therefore a leftover, and one that a row names is whole.
//!
//! Nothing is forced to the disk on the way: after a power cut the state may be refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    journal::{self, FORMAT, Row},
    mailbox::{Mail, Unsaved},
    state::World,
};

const JOURNAL: &str = "state.log";
const MAIL: &str = "mail";
const LOCK: &str = "lock";
/// The one file in which an earlier version kept everything.
const FORMER: &str = "state.json";
/// A journal with more rows than this, most of them overtaken, is written anew.
const WORTH_COMPACTING: usize = 100_000;

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {path} could not be used: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the state in {dir} is in use by another simulator; stop it, or choose another directory with --state")]
    InUse { dir: PathBuf },
    #[error(
        "the state in {dir} was written by another version of the simulator ({what}); \
         start anew with `cargo xtask up --reset`, or remove that directory"
    )]
    Version { dir: PathBuf, what: String },
    #[error("the state is damaged at {at}; start anew with `cargo xtask up --reset`, or remove {dir}")]
    Damaged { dir: PathBuf, at: String },
    #[error("the state could not be put into words: {0}")]
    Words(#[from] serde_json::Error),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |source| StateError::Io { path: path.to_owned(), source }
}

/// Replaces `name` in `dir`. The files hold keys and tokens, hence the mode.
pub(crate) fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let part = dir.join(format!("{name}.part"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, dir.join(name))
}

/// The state's files, open for writing by this process alone.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    journal: File,
    /// Of the journal, up to and with its last commit.
    length: u64,
    rows: usize,
    /// Rows of the journal when it held nothing that was overtaken.
    least_rows: usize,
    /// What was taken from the world and is not committed yet; a failed write leaves it here for the next.
    backlog: Vec<Row>,
    /// The small parts as they were taken last, to see which of them changed.
    world: serde_json::Map<String, Value>,
    accounts: BTreeMap<String, Value>,
    _lock: File,
}

impl Store {
    /// Opens a directory and reads the world in it, or `None` from a new one.
    pub fn open(dir: &Path) -> Result<(Self, Option<World>), StateError> {
        fs::create_dir_all(dir).map_err(at(dir))?;
        let lock = lock(dir)?;
        let path = dir.join(JOURNAL);
        if !path.exists() && dir.join(FORMER).exists() {
            return Err(StateError::Version { dir: dir.to_owned(), what: format!("it holds {FORMER}") });
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        let folded = journal::fold(&bytes).map_err(|wrong| wrong.of(dir))?;
        drop(bytes);
        let journal = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(at(&path))?;
        journal.set_len(folded.length).map_err(at(&path))?;
        let mut store = Self {
            dir: dir.to_owned(),
            journal,
            length: folded.length,
            rows: folded.rows,
            least_rows: 0,
            backlog: Vec::new(),
            world: serde_json::Map::new(),
            accounts: BTreeMap::new(),
            _lock: lock,
        };
        if folded.length == 0 {
            store.backlog.push(Row::Format(FORMAT));
            return Ok((store, None));
        }
        store.least_rows = folded.least_rows();
        store.compact_if_worthwhile()?;
        store.world = folded.world.clone();
        store.accounts = folded.accounts.iter().map(|(address, kept)| (address.clone(), kept.value.clone())).collect();
        let world = folded.into_world(|address, id, size| store.read_mail(address, id, size), dir)?;
        store.sweep(&world)?;
        Ok((store, Some(world)))
    }

    /// Takes from the world what changed; quick, since it happens under the world's lock.
    pub fn collect(&mut self, world: &mut World) -> Result<(), StateError> {
        let Value::Object(fields) = serde_json::to_value(&*world)? else {
            return Ok(());
        };
        for (field, value) in fields {
            if self.world.get(&field) != Some(&value) {
                self.world.insert(field.clone(), value.clone());
                self.backlog.push(Row::World { field, value });
            }
        }
        for address in self.accounts.keys().filter(|address| !world.accounts.contains_key(*address)) {
            self.backlog.push(Row::AccountGone { address: address.clone() });
        }
        self.accounts.retain(|address, _| world.accounts.contains_key(address));
        for (address, account) in &mut world.accounts {
            let value = serde_json::to_value(&*account)?;
            if self.accounts.get(address) != Some(&value) {
                self.accounts.insert(address.clone(), value.clone());
                self.backlog.push(Row::Account { address: address.clone(), value });
            }
            self.take(address, account.mailbox.take_unsaved());
        }
        Ok(())
    }

    fn take(&mut self, address: &str, unsaved: Unsaved) {
        let mailbox = || address.to_owned();
        self.backlog.extend(unsaved.mails.into_iter().map(|(id, mail)| match mail {
            Some(mail) => Row::Mail { mailbox: mailbox(), size: mail.raw.len(), mail },
            None => Row::MailGone { mailbox: mailbox(), id: id.to_string() },
        }));
        self.backlog.extend(unsaved.drafts.into_iter().map(|(id, draft)| match draft {
            Some(draft) => Row::Draft { mailbox: mailbox(), draft },
            None => Row::DraftGone { mailbox: mailbox(), id },
        }));
        let records = unsaved.records.into_iter();
        self.backlog.extend(records.map(|record| Row::Record { mailbox: mailbox(), record }));
    }

    /// Writes what was taken, mails first, then the rows that name them.
    pub fn commit(&mut self) -> Result<(), StateError> {
        if self.backlog.is_empty() {
            return Ok(());
        }
        for row in &self.backlog {
            if let Row::Mail { mailbox, mail, .. } = row {
                self.write_mail(mailbox, mail)?;
            }
        }
        let mut lines = Vec::new();
        for row in self.backlog.iter().chain([&Row::Commit]) {
            journal::line(&mut lines, row)?;
        }
        let path = self.dir.join(JOURNAL);
        if let Err(source) = self.journal.write_all(&lines) {
            self.journal.set_len(self.length).map_err(at(&path))?;
            return Err(StateError::Io { path, source });
        }
        self.length += lines.len() as u64;
        self.rows += self.backlog.len() + 1;
        for row in std::mem::take(&mut self.backlog) {
            if let Row::MailGone { mailbox, id } = row {
                remove(&self.mail_path(&mailbox, &id))?;
            }
        }
        self.compact_if_worthwhile()
    }

    /// Writes the journal anew without the rows that later ones overtook. It is made from the journal itself, so
    /// nobody waits for it but the next save.
    fn compact_if_worthwhile(&mut self) -> Result<(), StateError> {
        if self.rows < WORTH_COMPACTING || self.rows < 2 * self.least_rows {
            return Ok(());
        }
        let path = self.dir.join(JOURNAL);
        let bytes = fs::read(&path).map_err(at(&path))?;
        let folded = journal::fold(&bytes).map_err(|wrong| wrong.of(&self.dir))?;
        drop(bytes);
        self.least_rows = folded.least_rows();
        if self.rows < 2 * self.least_rows {
            return Ok(());
        }
        let (lines, rows) = folded.lines()?;
        write_atomically(&self.dir, JOURNAL, &lines).map_err(at(&path))?;
        self.journal = OpenOptions::new().append(true).open(&path).map_err(at(&path))?;
        (self.length, self.rows) = (lines.len() as u64, rows);
        Ok(())
    }

    fn mail_path(&self, address: &str, id: &str) -> PathBuf {
        self.dir.join(MAIL).join(folder(address)).join(format!("{id}.eml"))
    }

    /// A mail never changes, so a file of its size is the mail.
    fn write_mail(&self, address: &str, mail: &Mail) -> Result<(), StateError> {
        let path = self.mail_path(address, &mail.id);
        if fs::metadata(&path).is_ok_and(|file| file.len() == mail.raw.len() as u64) {
            return Ok(());
        }
        let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(&self.dir)).and_then(|()| open())
            }
            opened => opened,
        }
        .map_err(at(&path))?;
        file.write_all(&mail.raw).map_err(at(&path))
    }

    fn read_mail(&self, address: &str, id: &str, size: usize) -> Result<Vec<u8>, StateError> {
        let path = self.mail_path(address, id);
        let bytes = fs::read(&path).map_err(at(&path));
        match bytes {
            Ok(bytes) if bytes.len() == size => Ok(bytes),
            Ok(_) => Err(self.damaged(&path)),
            Err(StateError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Err(self.damaged(&path)),
            Err(error) => Err(error),
        }
    }

    fn damaged(&self, path: &Path) -> StateError {
        StateError::Damaged { dir: self.dir.clone(), at: path.display().to_string() }
    }

    /// Removes mails that were written but never committed, or taken away but not removed.
    fn sweep(&self, world: &World) -> Result<(), StateError> {
        for (address, account) in &world.accounts {
            let folder = self.dir.join(MAIL).join(folder(address));
            let known: BTreeSet<String> =
                account.mailbox.messages.newest_first().map(|mail| format!("{}.eml", mail.id)).collect();
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(StateError::Io { path: folder, source }),
            };
            for entry in entries {
                let path = entry.map_err(at(&folder))?.path();
                let named = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| known.contains(name));
                if !named && path.extension().is_some_and(|extension| extension == "eml") {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Held until the process ends, however it ends.
fn lock(dir: &Path) -> Result<File, StateError> {
    let path = dir.join(LOCK);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StateError::InUse { dir: dir.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(StateError::Io { path, source }),
    }
}

/// An address as a folder's name. It holds an `@`, so it is never `..`.
fn folder(address: &str) -> String {
    let mut name = String::with_capacity(address.len());
    for byte in address.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' | b'+' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
