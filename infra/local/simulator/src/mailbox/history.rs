//! What happened to the messages of one mailbox, for as long as it is kept.
//!
//! Invariant: ids rise; every record after `floor` up to `newest` is here.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    MessageAdded,
    MessageDeleted,
    LabelAdded,
    LabelRemoved,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub id: u64,
    pub at_ms: i64,
    pub kind: Kind,
    pub message_id: String,
    pub thread_id: String,
    /// The message's labels after the change.
    pub labels: BTreeSet<String>,
    /// What a label change added or removed.
    pub changed: BTreeSet<String>,
}

/// How much history is kept: what exceeds either is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub records: usize,
    pub age_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct History {
    #[serde(skip)]
    records: VecDeque<Record>,
    pub newest: u64,
    /// Start ids below it are too old: what followed them is no longer known.
    pub floor: u64,
    pub kept: Kept,
    /// The newest record that was handed over for saving.
    #[serde(skip)]
    saved: u64,
}

impl History {
    pub fn new(first: u64, kept: Kept) -> Self {
        Self { records: VecDeque::new(), newest: first, floor: first, kept, saved: first }
    }

    /// Puts records back that stand in the saved state; those that were forgotten since are left out.
    pub(super) fn restore(&mut self, records: impl IntoIterator<Item = Record>) {
        self.records = records.into_iter().filter(|record| record.id > self.floor).collect();
        self.saved = self.newest;
    }

    /// Ids rise with gaps, as real ones do.
    pub(super) fn next(&mut self) -> u64 {
        self.newest += 1 + (self.newest.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59);
        self.newest
    }

    pub(super) fn push(&mut self, record: Record) {
        let now_ms = record.at_ms;
        self.records.push_back(record);
        self.expire(now_ms);
    }

    /// Forgets what is too much or too old at `now_ms`.
    pub fn expire(&mut self, now_ms: i64) {
        let oldest_ms = now_ms.saturating_sub(self.kept.age_ms);
        while let Some(first) = self.records.front()
            && (self.records.len() > self.kept.records || first.at_ms < oldest_ms)
        {
            self.floor = first.id;
            self.records.pop_front();
        }
    }

    pub fn forget(&mut self) {
        self.records.clear();
        self.floor = self.newest;
    }

    /// The records after an id, oldest first.
    pub fn since(&self, id: u64) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.range(self.records.partition_point(|record| record.id <= id)..)
    }

    pub(super) fn take_unsaved(&mut self) -> Vec<Record> {
        let fresh = self.since(self.saved).cloned().collect();
        self.saved = self.newest;
        fresh
    }
}
