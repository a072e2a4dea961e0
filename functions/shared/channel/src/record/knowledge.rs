//! The knowledge base: its documents, the snapshot that answers are made from, and the questions that it could not
//! answer. Texts lie in the bucket; the table keeps what is said about them.
//!
//! Invariant: a text serves until another of the same document has been read; a newer version that cannot be read takes
//! nothing away.

use crate::address::EmailAddress;
use crate::ids::{DocumentId, GapId, MailboxId, ThreadId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `KBHEAD`: which snapshot answers are made from, and whether another is to be built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeHead {
    #[serde(skip)]
    pub ver: u64,
    /// Its name in the bucket; none before the first was built. A name is never used twice.
    pub snapshot: Option<String>,
    /// Raised with each change of a text: read, replaced, removed.
    pub changes: u64,
    /// How many of the changes the snapshot holds.
    pub built: u64,
    pub built_at: Option<Timestamp>,
    /// Set while a change waits for a snapshot.
    pub due_at: Option<Timestamp>,
}

impl KnowledgeHead {
    /// After one more change of a text.
    #[must_use]
    pub fn changed(mut self, now: Timestamp) -> Self {
        self.changes += 1;
        self.due_at = Some(now);
        self
    }
}

/// `KB#<doc>`: one document and its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    #[serde(skip)]
    pub ver: u64,
    pub id: DocumentId,
    pub kind: DocumentKind,
    /// The question, for a pair.
    pub title: String,
    /// Uploaded last; `text` may still be of an earlier one.
    pub newest: Edition,
    pub reading: Reading,
    /// What is searched.
    pub text: Option<StoredText>,
    pub added_at: Timestamp,
    /// Set while reading is outstanding.
    pub due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    File,
    /// A question and its answer, written in the console.
    Pair,
}

/// One version of a document, as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// From 1; never used twice.
    pub version: u64,
    pub file_name: String,
    pub media_type: String,
    /// Where it lies in the bucket; a name is never used twice.
    pub file: String,
    /// Bytes; 0 until it has arrived.
    pub size: u64,
    pub at: Timestamp,
    /// None when it was put in by the command line.
    pub by: Option<EmailAddress>,
}

/// How far the newest version is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reading {
    /// A link was given out. What has not arrived by then is given up.
    Uploading {
        until: Timestamp,
    },
    Waiting,
    /// Begun this often; the last one may still be at it until `due_at`.
    Reading {
        attempt: u32,
    },
    Done,
    Failed {
        reason: String,
        remedy: String,
    },
}

/// The text of one version in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredText {
    pub edition: Edition,
    pub characters: u64,
    pub passages: u32,
    /// Passages by language (BCP 47; `und` where it cannot be told).
    pub languages: BTreeMap<String, u32>,
    /// The document is longer than what is read of one.
    pub truncated: bool,
    /// The change of [`KnowledgeHead::changes`] that it came with.
    pub change: u64,
    pub read_at: Timestamp,
}

/// What a page says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentStatus {
    Uploading,
    /// Waiting, being read, or read and not in the snapshot yet.
    Reading,
    Ready,
    Failed {
        reason: String,
        remedy: String,
    },
}

impl Document {
    /// Derived from facts, never stored.
    pub fn status(&self, head: &KnowledgeHead) -> DocumentStatus {
        match &self.reading {
            Reading::Uploading { .. } => DocumentStatus::Uploading,
            Reading::Waiting | Reading::Reading { .. } => DocumentStatus::Reading,
            Reading::Failed { reason, remedy } => {
                DocumentStatus::Failed { reason: reason.clone(), remedy: remedy.clone() }
            }
            Reading::Done if self.text.as_ref().is_some_and(|text| text.change <= head.built) => DocumentStatus::Ready,
            Reading::Done => DocumentStatus::Reading,
        }
    }

    /// The text that answers are made from while the newest version is not ready: of an earlier one.
    pub fn former_text(&self) -> Option<&StoredText> {
        self.text.as_ref().filter(|text| text.edition.version < self.newest.version)
    }

    /// Somebody or something is at it: no other version is taken in meanwhile.
    pub fn is_busy(&self) -> bool {
        matches!(self.reading, Reading::Waiting | Reading::Reading { .. })
    }
}

/// Everything of the knowledge base lies below this.
pub const KNOWLEDGE_FILES: &str = "kb/";

/// Where a version lies as it was handed in. `token` keeps apart what two people hand in at once.
pub fn original_file(document: &DocumentId, version: u64, token: &str) -> String {
    format!("{KNOWLEDGE_FILES}{document}/{version}.{token}")
}

/// Where the text of a version lies.
pub fn text_file(document: &DocumentId, version: u64) -> String {
    format!("{KNOWLEDGE_FILES}{document}/{version}.md")
}

/// Where a snapshot lies.
pub fn snapshot_file(name: &str) -> String {
    format!("{KNOWLEDGE_FILES}index/{name}")
}

/// `GAP#<id>`: a group of like questions that no source answers. It holds no content: the questions do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    #[serde(skip)]
    pub ver: u64,
    pub gap: GapId,
    pub state: GapState,
    pub opened_at: Timestamp,
    /// Set while turns are to be planned again.
    pub due_at: Option<Timestamp>,
    /// Later than its last question's.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum GapState {
    Open,
    /// No question joins any more; those that wait are answered from this document.
    Answered {
        document: DocumentId,
        at: Timestamp,
        by: EmailAddress,
    },
}

/// `GAPQ#…`: what one turn asked and no source supported. One a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapQuestion {
    #[serde(skip)]
    pub ver: u64,
    pub gap: GapId,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub turn: u32,
    /// The customer's words, cut short.
    pub text: String,
    /// BCP 47; `und` where it cannot be told.
    pub language: String,
    /// What it is compared by: stems and concepts.
    pub terms: Vec<String>,
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
}
