//! What goes through the queues: hints that name work, never content. A lost one costs at most a minute, a doubled one
//! nothing. Versioned: `v` is raised when a meaning changes, and former shapes keep decoding.

use crate::ids::{DocumentId, ExampleId, GapId, HistoryId, LabelId, MailboxId, MessageId, StepName, ThreadId};
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
    /// A question without an effect is answered.
    Example {
        example: ExampleId,
        /// Whose budgets it takes from.
        account: MailboxId,
    },
    /// Long work, in bounded steps.
    Job {
        job: Job,
    },
}

/// What belongs to no mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Job {
    /// A version of a document is read and its text stored.
    ReadDocument { document: DocumentId, version: u64 },
    /// The texts become the snapshot that answers are made from.
    BuildSnapshot,
    /// A question was answered once: the turns that wait for it are planned again.
    CloseGap { gap: GapId },
}

impl From<Job> for WorkerWork {
    fn from(job: Job) -> Self {
        Self::Job { job }
    }
}

/// What is worked on in turn, so that one busy mailbox does not hold up the others.
pub const JOBS: &str = "knowledge";

impl WorkerWork {
    /// The mailbox, for work that has one.
    pub fn mailbox(&self) -> Option<&MailboxId> {
        match self {
            Self::Turn { mailbox, .. }
            | Self::Act { mailbox, .. }
            | Self::Notify { mailbox, .. }
            | Self::Resume { mailbox } => Some(mailbox),
            Self::Example { account, .. } => Some(account),
            Self::Job { .. } => None,
        }
    }
}
