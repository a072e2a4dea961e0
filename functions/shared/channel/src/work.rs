//! What goes through the queues: hints that name work, never content. A lost one costs at most a minute, a doubled one
//! nothing. Versioned: `v` is raised when a meaning changes, and former shapes keep decoding.

use crate::ids::{HistoryId, LabelId, MailboxId, MessageId, StepName, ThreadId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    pub v: u8,
    #[serde(flatten)]
    pub work: T,
}

/// The version that is written.
pub const VERSION: u8 = 1;

impl<T> Envelope<T> {
    pub fn new(work: T) -> Self {
        Self { v: VERSION, work }
    }
}

/// For `mail-sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SyncWork {
    Sync {
        mailbox: MailboxId,
        /// The history id that a push named: a hint only.
        pushed: Option<HistoryId>,
    },
    Ingest {
        mailbox: MailboxId,
        message: MessageId,
        thread: Option<ThreadId>,
        /// When it was first queued; a deferred mail is parked after an hour.
        first_seen: Timestamp,
        /// Labels that its history record told, none when it came from a list.
        labels: Vec<LabelId>,
    },
}

/// For `ai-worker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WorkerWork {
    Turn {
        mailbox: MailboxId,
        thread: ThreadId,
        turn: u32,
    },
    Act {
        mailbox: MailboxId,
        thread: ThreadId,
        turn: u32,
        step: StepName,
    },
    /// The team is told what became of a turn.
    Notify {
        mailbox: MailboxId,
        thread: ThreadId,
        turn: u32,
    },
    /// Parked work of the mailbox is taken up.
    Resume {
        mailbox: MailboxId,
    },
}
