//! One mailbox: messages, drafts, labels, history and watch.
//!
//! Invariant: every change of a message goes through [`Mailbox::add`], [`Mailbox::remove`] or [`Mailbox::relabel`],
//! each of which appends its history record, so history and messages never disagree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

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
    #[serde(with = "as_base64")]
    pub raw: Vec<u8>,
}

mod as_base64 {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
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
            raw,
        }
    }

    pub fn has(&self, label: &str) -> bool {
        self.labels.contains(label)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub id: String,
    pub message_id: String,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    MessageAdded,
    MessageDeleted,
    LabelAdded,
    LabelRemoved,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub id: u64,
    pub kind: Kind,
    pub message_id: String,
    pub thread_id: String,
    /// The message's labels after the change.
    pub labels: BTreeSet<String>,
    /// What a label change added or removed.
    pub changed: BTreeSet<String>,
    /// When it was written, by the simulator's clock.
    #[serde(default)]
    pub at_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct History {
    pub records: VecDeque<Record>,
    pub newest: u64,
    /// Start ids below it are too old: what followed them is no longer known.
    pub floor: u64,
    pub limit: usize,
}

impl History {
    /// Ids rise with gaps, as real ones do.
    fn next(&mut self) -> u64 {
        self.newest += 1 + (self.newest.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59);
        self.newest
    }

    pub fn forget(&mut self) {
        self.records.clear();
        self.floor = self.newest;
    }
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
    pub messages: BTreeMap<String, Mail>,
    pub drafts: BTreeMap<String, Draft>,
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

impl Mailbox {
    pub fn new(address: String, first_history_id: u64, limit: usize) -> Self {
        Self {
            address,
            messages: BTreeMap::new(),
            drafts: BTreeMap::new(),
            labels: Vec::new(),
            history: History { records: VecDeque::new(), newest: first_history_id, floor: first_history_id, limit },
            watch: None,
            last_push_ms: None,
            last_label: 0,
            unpublished: None,
        }
    }

    pub fn add(&mut self, mut mail: Mail, now_ms: i64) {
        mail.history_id =
            self.record(Kind::MessageAdded, &mail.id, &mail.thread_id, mail.labels.clone(), BTreeSet::new(), now_ms);
        self.messages.insert(mail.id.clone(), mail);
    }

    pub fn remove(&mut self, id: &str, now_ms: i64) -> Option<Mail> {
        let mail = self.messages.remove(id)?;
        self.record(Kind::MessageDeleted, &mail.id, &mail.thread_id, mail.labels.clone(), BTreeSet::new(), now_ms);
        Some(mail)
    }

    /// Adds and removes labels; only a real change makes a record. `None`: no such message.
    pub fn relabel(&mut self, id: &str, add: &[String], remove: &[String], now_ms: i64) -> Option<&Mail> {
        let mail = self.messages.get_mut(id)?;
        let added: BTreeSet<String> = add.iter().filter(|label| !mail.labels.contains(*label)).cloned().collect();
        let removed: BTreeSet<String> =
            remove.iter().filter(|label| mail.labels.contains(*label) && !add.contains(label)).cloned().collect();
        mail.labels.extend(added.iter().cloned());
        mail.labels.retain(|label| !removed.contains(label));
        let (thread, labels) = (mail.thread_id.clone(), mail.labels.clone());
        let mut newest = None;
        if !added.is_empty() {
            newest = Some(self.record(Kind::LabelAdded, id, &thread, labels.clone(), added, now_ms));
        }
        if !removed.is_empty() {
            newest = Some(self.record(Kind::LabelRemoved, id, &thread, labels, removed, now_ms));
        }
        let mail = self.messages.get_mut(id)?;
        if let Some(history_id) = newest {
            mail.history_id = history_id;
        }
        Some(mail)
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
        let record = Record { id, kind, message_id, thread_id, labels, changed, at_ms: now_ms };
        if self.watch.as_ref().is_some_and(|watch| watch.expiration_ms > now_ms && watch.wants(&record)) {
            self.unpublished = Some(id);
        }
        self.history.records.push_back(record);
        while self.history.records.len() > self.history.limit {
            if let Some(old) = self.history.records.pop_front() {
                self.history.floor = old.id;
            }
        }
        id
    }

    /// The messages of a thread, oldest first.
    pub fn thread(&self, id: &str) -> Vec<&Mail> {
        let mut mails: Vec<&Mail> = self.messages.values().filter(|mail| mail.thread_id == id).collect();
        mails.sort_by(|a, b| (a.internal_ms, &a.id).cmp(&(b.internal_ms, &b.id)));
        mails
    }

    /// All messages, newest first.
    pub fn newest_first(&self) -> Vec<&Mail> {
        let mut mails: Vec<&Mail> = self.messages.values().collect();
        mails.sort_by(|a, b| (b.internal_ms, &b.id).cmp(&(a.internal_ms, &a.id)));
        mails
    }

    pub fn draft_of(&self, message_id: &str) -> Option<&Draft> {
        self.drafts.values().find(|draft| draft.message_id == message_id)
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
                .values()
                .find(|mail| {
                    !mail.has("DRAFT")
                        && mail.envelope.message_id.as_ref() == Some(ancestor)
                        && mail.envelope.subject_key == envelope.subject_key
                })
                .map(|mail| mail.thread_id.clone())
        })
    }

    /// Whether a mail of ours that names this thread is taken into it: subject and references must agree too.
    pub fn joins_thread(&self, thread: &str, envelope: &Envelope) -> bool {
        let thread = self.thread(thread);
        let mut known = thread.iter().filter(|mail| !mail.has("DRAFT")).map(|mail| &mail.envelope);
        known.clone().any(|one| one.subject_key == envelope.subject_key)
            && known.any(|one| one.message_id.as_ref().is_some_and(|id| envelope.references.contains(id)))
    }
}
