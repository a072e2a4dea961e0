//! One mailbox: messages, drafts, labels, history and watch.
//!
//! Invariant: every change of a message goes through [`Mailbox::add`], [`Mailbox::remove`] or [`Mailbox::relabel`],
//! each of which appends its history record, so history and messages never disagree. No look-up walks all messages:
//! [`Messages`] keeps an index for each.

mod drafts;
mod history;
mod messages;

use std::{collections::BTreeSet, sync::Arc};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use drafts::{Draft, Drafts};
pub(crate) use history::{History, Kept, Kind, Record};
pub(crate) use messages::{Messages, Narrow};

use crate::mime::{self, Envelope};

pub(crate) const SYSTEM_LABELS: [&str; 14] = [
    "INBOX",
    "SENT",
    "DRAFT",
    "UNREAD",
    "STARRED",
    "IMPORTANT",
    "SPAM",
    "TRASH",
    "CHAT",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub id: String,
    pub thread_id: String,
    pub labels: BTreeSet<String>,
    pub internal_ms: i64,
    pub history_id: u64,
    /// Read once from `raw`; threading looks at it for every mail of the box.
    pub envelope: Envelope,
    /// Shared by every copy of the mail; in the saved state a file of its own.
    #[serde(skip)]
    pub raw: Bytes,
}

impl Mail {
    /// A mail that is not in a mailbox yet; without `thread` it begins one.
    pub fn new(id: String, thread: Option<String>, labels: BTreeSet<String>, internal_ms: i64, raw: Vec<u8>) -> Self {
        Self {
            thread_id: thread.unwrap_or_else(|| id.clone()),
            id,
            labels,
            internal_ms,
            history_id: 0,
            envelope: mime::envelope(&raw),
            // A boxed slice has no spare room, which a buffer that grew has.
            raw: Bytes::from(raw.into_boxed_slice()),
        }
    }

    pub fn has(&self, label: &str) -> bool {
        self.labels.contains(label)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub colour: Option<(String, String)>,
    #[serde(default)]
    pub message_visibility: Option<String>,
    #[serde(default)]
    pub label_visibility: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub topic: String,
    pub labels: BTreeSet<String>,
    pub exclude: bool,
    pub expiration_ms: i64,
}

impl Watch {
    fn wants(&self, record: &Record) -> bool {
        if self.labels.is_empty() {
            return true;
        }
        let touched = record.labels.union(&record.changed).any(|label| self.labels.contains(label));
        touched != self.exclude
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Mailbox {
    pub address: String,
    #[serde(skip)]
    pub messages: Messages,
    #[serde(skip)]
    pub drafts: Drafts,
    pub labels: Vec<Label>,
    pub history: History,
    pub watch: Option<Watch>,
    pub last_push_ms: Option<i64>,
    /// The highest number a label's id has had.
    #[serde(default)]
    pub last_label: u64,
    /// The newest change that the watch wants announced.
    #[serde(skip)]
    pub unpublished: Option<u64>,
}

/// What changed in a mailbox since it was last asked; `None`: it is gone.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    pub mails: Vec<(Arc<str>, Option<Mail>)>,
    pub drafts: Vec<(String, Option<Draft>)>,
    pub records: Vec<Record>,
}

impl Mailbox {
    pub fn new(address: String, first_history_id: u64, kept: Kept) -> Self {
        Self {
            address,
            messages: Messages::default(),
            drafts: Drafts::default(),
            labels: Vec::new(),
            history: History::new(first_history_id, kept),
            watch: None,
            last_push_ms: None,
            last_label: 0,
            unpublished: None,
        }
    }

    /// Puts back what is saved apart from the mailbox itself.
    pub fn restore(
        &mut self,
        mails: impl IntoIterator<Item = Mail>,
        drafts: impl IntoIterator<Item = Draft>,
        records: impl IntoIterator<Item = Record>,
    ) {
        self.messages = Messages::restore(mails);
        self.drafts = Drafts::restore(drafts);
        self.history.restore(records);
    }

    pub fn take_unsaved(&mut self) -> Unsaved {
        Unsaved {
            mails: self.messages.take_unsaved(),
            drafts: self.drafts.take_unsaved(),
            records: self.history.take_unsaved(),
        }
    }

    pub fn add(&mut self, mut mail: Mail, now_ms: i64) {
        mail.history_id =
            self.record(Kind::MessageAdded, &mail.id, &mail.thread_id, mail.labels.clone(), BTreeSet::new(), now_ms);
        self.messages.insert(mail);
    }

    pub fn remove(&mut self, id: &str, now_ms: i64) -> Option<Mail> {
        let mail = self.messages.remove(id)?;
        self.record(Kind::MessageDeleted, &mail.id, &mail.thread_id, mail.labels.clone(), BTreeSet::new(), now_ms);
        Some(mail)
    }

    /// Adds and removes labels; only a real change makes a record. `None`: no such message.
    pub fn relabel(&mut self, id: &str, add: &[String], remove: &[String], now_ms: i64) -> Option<&Mail> {
        let mail = self.messages.get(id)?;
        let added: BTreeSet<String> = add.iter().filter(|label| !mail.labels.contains(*label)).cloned().collect();
        let removed: BTreeSet<String> =
            remove.iter().filter(|label| mail.labels.contains(*label) && !add.contains(label)).cloned().collect();
        let thread = mail.thread_id.clone();
        self.messages.relabel(id, &added, &removed);
        let labels = self.messages.get(id)?.labels.clone();
        for (kind, changed) in [(Kind::LabelAdded, added), (Kind::LabelRemoved, removed)] {
            if !changed.is_empty() {
                let history_id = self.record(kind, id, &thread, labels.clone(), changed, now_ms);
                self.messages.touch(id, history_id);
            }
        }
        self.messages.get(id)
    }

    fn record(
        &mut self,
        kind: Kind,
        message_id: &str,
        thread_id: &str,
        labels: BTreeSet<String>,
        changed: BTreeSet<String>,
        now_ms: i64,
    ) -> u64 {
        let id = self.history.next();
        let (message_id, thread_id) = (message_id.to_owned(), thread_id.to_owned());
        let record = Record { id, at_ms: now_ms, kind, message_id, thread_id, labels, changed };
        if self.watch.as_ref().is_some_and(|watch| watch.expiration_ms > now_ms && watch.wants(&record)) {
            self.unpublished = Some(id);
        }
        self.history.push(record);
        id
    }

    /// The messages of a thread, oldest first.
    pub fn thread(&self, id: &str) -> Vec<&Mail> {
        self.messages.thread(id)
    }

    /// All messages, newest first.
    pub fn newest_first(&self) -> Vec<&Mail> {
        self.messages.newest_first().collect()
    }

    pub fn draft_of(&self, message_id: &str) -> Option<&Draft> {
        self.drafts.of(message_id)
    }

    pub fn knows_label(&self, id: &str) -> bool {
        SYSTEM_LABELS.contains(&id) || self.labels.iter().any(|label| label.id == id)
    }

    pub fn label_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.labels.iter().find(|label| label.id == id).map_or(id, |label| label.name.as_str())
    }

    /// Where an incoming mail belongs: the thread of an ancestor with the same subject.
    pub fn thread_for_incoming(&self, envelope: &Envelope) -> Option<String> {
        envelope.references.iter().rev().find_map(|ancestor| {
            self.messages
                .with_message_id(ancestor)
                .find(|mail| !mail.has("DRAFT") && mail.envelope.subject_key == envelope.subject_key)
                .map(|mail| mail.thread_id.clone())
        })
    }

    /// Whether a mail of ours that names this thread is taken into it: subject and references must agree too.
    pub fn joins_thread(&self, thread: &str, envelope: &Envelope) -> bool {
        let thread = self.messages.thread(thread);
        let mut known = thread.iter().filter(|mail| !mail.has("DRAFT")).map(|mail| &mail.envelope);
        known.clone().any(|one| one.subject_key == envelope.subject_key)
            && known.any(|one| one.message_id.as_ref().is_some_and(|id| envelope.references.contains(id)))
    }
}

#[cfg(test)]
mod model_tests;
