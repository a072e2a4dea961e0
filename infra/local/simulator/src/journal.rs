//! The rows of the saved state and what they add up to.
//!
//! Invariant: a later row overtakes an earlier one of the same thing, so folding the rows up to any commit gives the
//! state of that commit.

use std::{collections::BTreeMap, path::Path};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    mailbox::{Draft, Mail, Record},
    state::{Account, World},
    store::StateError,
};

/// Raised when rows come to mean something else.
pub(crate) const FORMAT: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    /// The first row of every journal.
    Format(u32),
    World {
        field: String,
        value: Value,
    },
    /// An account without what has rows of its own.
    Account {
        address: String,
        value: Value,
    },
    AccountGone {
        address: String,
    },
    /// A mail without its bytes, of which there are `size`.
    Mail {
        mailbox: String,
        size: usize,
        mail: Mail,
    },
    MailGone {
        mailbox: String,
        id: String,
    },
    Draft {
        mailbox: String,
        draft: Draft,
    },
    DraftGone {
        mailbox: String,
        id: String,
    },
    Record {
        mailbox: String,
        record: Record,
    },
    /// What precedes it counts.
    Commit,
}

/// Appends a row as a line.
pub(crate) fn line(lines: &mut Vec<u8>, row: &Row) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *lines, row)?;
    lines.push(b'\n');
    Ok(())
}

/// Why a journal cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Version(u32),
    Line(usize, String),
}

impl Unreadable {
    pub fn of(self, dir: &Path) -> StateError {
        let dir = dir.to_owned();
        match self {
            Self::Version(format) => StateError::Version { dir, what: format!("format {format}, not {FORMAT}") },
            Self::Line(number, problem) => {
                StateError::Damaged { dir, at: format!("line {number} of state.log: {problem}") }
            }
        }
    }
}

/// What is kept of one account.
#[derive(Debug, Default)]
pub(crate) struct KeptAccount {
    pub value: Value,
    mails: BTreeMap<String, (usize, Mail)>,
    drafts: BTreeMap<String, Draft>,
    records: BTreeMap<u64, Record>,
}

/// What the rows of a journal add up to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub world: serde_json::Map<String, Value>,
    pub accounts: BTreeMap<String, KeptAccount>,
    /// Of the journal, up to and with its last commit.
    pub length: u64,
    pub rows: usize,
}

/// Reads a journal; what no commit follows is left out, a last line without its end included.
pub(crate) fn fold(journal: &[u8]) -> Result<Folded, Unreadable> {
    let mut folded = Folded::default();
    let (mut pending, mut at) = (Vec::new(), 0);
    for (number, line) in journal.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            break;
        }
        at += line.len();
        let row = serde_json::from_slice(line).map_err(|error| Unreadable::Line(number + 1, error.to_string()))?;
        match row {
            Row::Format(FORMAT) if number == 0 => pending.push(row),
            Row::Format(other) if number == 0 => return Err(Unreadable::Version(other)),
            _ if number == 0 => return Err(Unreadable::Line(1, "no format is named".to_owned())),
            Row::Commit => {
                folded.rows += pending.len() + 1;
                for row in pending.drain(..) {
                    folded.apply(row);
                }
                folded.length = at as u64;
            }
            other => pending.push(other),
        }
    }
    for account in folded.accounts.values_mut() {
        let floor = account.value.pointer("/mailbox/history/floor").and_then(Value::as_u64).unwrap_or(0);
        account.records.retain(|id, _| *id > floor);
    }
    Ok(folded)
}

impl Folded {
    fn account(&mut self, address: String) -> &mut KeptAccount {
        self.accounts.entry(address).or_default()
    }

    fn apply(&mut self, row: Row) {
        match row {
            Row::Format(_) | Row::Commit => {}
            Row::World { field, value } => {
                self.world.insert(field, value);
            }
            Row::Account { address, value } => self.account(address).value = value,
            Row::AccountGone { address } => {
                self.accounts.remove(&address);
            }
            Row::Mail { mailbox, size, mail } => {
                self.account(mailbox).mails.insert(mail.id.clone(), (size, mail));
            }
            Row::MailGone { mailbox, id } => {
                self.account(mailbox).mails.remove(&id);
            }
            Row::Draft { mailbox, draft } => {
                self.account(mailbox).drafts.insert(draft.id.clone(), draft);
            }
            Row::DraftGone { mailbox, id } => {
                self.account(mailbox).drafts.remove(&id);
            }
            Row::Record { mailbox, record } => {
                self.account(mailbox).records.insert(record.id, record);
            }
        }
    }

    /// How many rows say the same without any that is overtaken.
    pub fn least_rows(&self) -> usize {
        let accounts = self.accounts.values();
        let theirs = accounts.map(|kept| 1 + kept.mails.len() + kept.drafts.len() + kept.records.len());
        2 + self.world.len() + theirs.sum::<usize>()
    }

    /// The same state as a journal of its own, and its number of rows.
    pub fn lines(self) -> Result<(Vec<u8>, usize), serde_json::Error> {
        let (mut lines, mut rows) = (Vec::new(), 0);
        let mut put = |row: Row| {
            rows += 1;
            line(&mut lines, &row)
        };
        put(Row::Format(FORMAT))?;
        for (field, value) in self.world {
            put(Row::World { field, value })?;
        }
        for (address, kept) in self.accounts {
            let mailbox = || address.clone();
            put(Row::Account { address: mailbox(), value: kept.value })?;
            for (size, mail) in kept.mails.into_values() {
                put(Row::Mail { mailbox: mailbox(), size, mail })?;
            }
            for draft in kept.drafts.into_values() {
                put(Row::Draft { mailbox: mailbox(), draft })?;
            }
            for record in kept.records.into_values() {
                put(Row::Record { mailbox: mailbox(), record })?;
            }
        }
        put(Row::Commit)?;
        Ok((lines, rows))
    }

    /// The world again; `read` fetches the bytes of a mail.
    pub fn into_world(
        self,
        read: impl Fn(&str, &str, usize) -> Result<Vec<u8>, StateError>,
        dir: &Path,
    ) -> Result<World, StateError> {
        let other_version =
            |error: serde_json::Error| StateError::Version { dir: dir.to_owned(), what: error.to_string() };
        let mut world: World = serde_json::from_value(Value::Object(self.world)).map_err(other_version)?;
        for (address, kept) in self.accounts {
            let mut account: Account = serde_json::from_value(kept.value).map_err(other_version)?;
            let mut mails = Vec::with_capacity(kept.mails.len());
            for (size, mut mail) in kept.mails.into_values() {
                mail.raw = Bytes::from(read(&address, &mail.id, size)?.into_boxed_slice());
                mails.push(mail);
            }
            account.mailbox.restore(mails, kept.drafts.into_values(), kept.records.into_values());
            world.accounts.insert(address, account);
        }
        Ok(world)
    }
}
