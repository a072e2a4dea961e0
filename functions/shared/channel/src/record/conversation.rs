//! A conversation is one Gmail thread: its head, mails, turns, actions and traces.

use crate::address::{EmailAddress, Mailbox};
use crate::assistant::{Author, Source, Usage};
use crate::ids::{DraftId, GapId, LabelId, MailboxId, MessageId, StepName, ThreadId};
use crate::mail::{Attachment, Authentication, MailHeaders, Obstacle, OutgoingReply, Suppression};
use crate::record::{Lease, Notice};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// `HEAD`: what a list shows of a conversation, the thread lease and the turn counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    /// The subject of the first mail.
    pub title: String,
    /// Who is answered: the author of the first mail that is not ours.
    pub customer: Mailbox,
    /// The address that the answer comes from.
    pub answered_by: EmailAddress,
    pub state: ConversationState,
    /// For people: why it waits, or why nothing was answered.
    pub state_reason: Option<String>,
    pub unread: bool,
    /// Internal date of the newest mail or the time of the last change of state, whichever is later.
    pub updated_at: Timestamp,
    /// The assistant is off on this thread: taken over, or a person answered by themselves.
    pub taken_over: Option<TakenOver>,
    /// Number of the newest turn; 0 when there was none.
    pub last_turn: u32,
    /// How many mails are stored.
    pub mails: u32,
    pub lease: Option<Lease>,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    pub at: Timestamp,
    /// A code: `own_reply`, `taken_over`, `routed`.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationState {
    /// Recorded; nothing is to be done by itself.
    Received,
    /// A turn is open: the assistant is at it.
    Working,
    /// A draft waits for a person's review.
    Review,
    /// An answer will be sent at its due time.
    Pending,
    Answered,
    NeedsPerson,
    /// Nothing is answered, and the reason says why (a machine wrote, for instance).
    NoAnswer,
    /// The mailbox is paused or disconnected, and the turn waits.
    Held,
}

impl ConversationState {
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Working,
        Self::Review,
        Self::Pending,
        Self::Answered,
        Self::NeedsPerson,
        Self::NoAnswer,
        Self::Held,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Working => "working",
            Self::Review => "review",
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::NeedsPerson => "needs_person",
            Self::NoAnswer => "no_answer",
            Self::Held => "held",
        }
    }

    /// States that wait for someone are listed over all mailboxes.
    pub fn waits_for_someone(self) -> bool {
        matches!(self, Self::Review | Self::NeedsPerson)
    }
}

/// `MSG#…`: one mail, cleaned. Never the raw mail, never an attachment's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMail {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub message: MessageId,
    /// When Google accepted it.
    pub internal_date: Timestamp,
    pub author: Author,
    pub headers: MailHeaders,
    pub text: String,
    #[serde(default)]
    pub truncated: bool,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    #[serde(default)]
    pub obstacles: Vec<Obstacle>,
    pub labels: Vec<LabelId>,
    /// The turn that answers it; none for history, our own mail and what needs no answer.
    pub turn: Option<u32>,
    pub expires_at: Timestamp,
}

impl StoredMail {
    pub fn authentication(&self) -> &Authentication {
        &self.headers.authentication
    }

    pub fn suppression(&self) -> &[Suppression] {
        &self.headers.suppression
    }
}

/// `CORR#…`: who took part, by pseudonym, so that erasing a correspondent finds the conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correspondent {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub address_hash: String,
    pub expires_at: Timestamp,
}

/// `TURN#…`: the mails that one answer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub no: u32,
    /// Raised by each mail that joins; a plan is made for one revision.
    pub rev: u32,
    pub state: TurnState,
    /// A code and, for people, what it means; for the states that end a turn without an answer.
    pub reason: Option<String>,
    pub opened_at: Timestamp,
    /// No plan before this moment, so that mails sent in a row are answered once.
    pub settle_until: Timestamp,
    pub mails: Vec<MessageId>,
    /// The one answering step of this turn and the revision it answers.
    pub slot: Option<AnswerSlot>,
    /// Which flow and version decides; fixed when the turn opens.
    pub flow: String,
    /// The group that its question was put in, since no source supported an answer (`C10`).
    #[serde(default)]
    pub gap: Option<GapId>,
    pub due_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerSlot {
    pub step: StepName,
    pub rev: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// Waits for its settle time, or is being planned.
    Open,
    /// A plan exists; its actions carry on.
    Planned,
    /// Opened or held while the mailbox was paused or could not be used.
    Parked,
    Answered,
    NeedsPerson,
    NoAnswer,
}

impl TurnState {
    /// Mails still join, and a new revision replaces the plan.
    pub fn joinable(self) -> bool {
        matches!(self, Self::Open | Self::Planned | Self::Parked)
    }
}

/// `ACT#…`: one effect, recorded before it is begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub turn: u32,
    pub step: StepName,
    /// The revision of the turn that it was planned for.
    pub rev: u32,
    pub kind: ActionKind,
    pub state: ActionState,
    pub reply: OutgoingReply,
    pub draft: Option<DraftRef>,
    /// When it is to be done, or looked at again.
    pub due_at: Option<Timestamp>,
    /// Not before this moment, whatever is due: a rate limit or a second look.
    pub not_before: Option<Timestamp>,
    /// Its answer budgets were taken; another try takes none.
    #[serde(default)]
    pub budget_taken: bool,
    /// Who approved it, discarded it or wrote it.
    pub by: Option<EmailAddress>,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A draft that a person sends.
    Draft,
    /// Sent by machine at its due time.
    Send,
    /// Written by a person in Chat, sent at once.
    PersonReply,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRef {
    pub draft: DraftId,
    /// Changes with each update of the draft, so that an edit by a person is seen.
    pub message: MessageId,
}

/// `PLANNED → DRAFTING → DRAFTED → [APPROVED] → SENDING → SENT | UNKNOWN | FAILED`, with `CANCELLED` and
/// `NEEDS_PERSON` as the other ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ActionState {
    Planned,
    /// `drafts.create` may have happened.
    Drafting {
        since: Timestamp,
    },
    Drafted,
    /// A person approved the message they were shown; another text, when they edited it.
    Approved {
        message: MessageId,
        text: Option<String>,
    },
    /// `drafts.send` may have happened.
    Sending {
        since: Timestamp,
        attempt: u32,
    },
    /// The answer of `drafts.send` was lost.
    Unknown {
        since: Timestamp,
        attempt: u32,
        looks: u32,
    },
    Sent {
        message: MessageId,
        at: Timestamp,
    },
    Failed {
        reason: String,
    },
    /// A draft of ours still has to be removed from Gmail before this is the end, when `cleanup` says so.
    Cancelled {
        reason: String,
        cleanup: bool,
    },
    NeedsPerson {
        reason: String,
    },
}

impl ActionState {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Drafting { .. } => "drafting",
            Self::Drafted => "drafted",
            Self::Approved { .. } => "approved",
            Self::Sending { .. } => "sending",
            Self::Unknown { .. } => "unknown",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::NeedsPerson { .. } => "needs_person",
        }
    }

    /// Whether a mail may be on its way: nothing else of the thread moves until that is known.
    pub fn in_flight(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Unknown { .. })
    }

    pub fn ended(&self) -> bool {
        match self {
            Self::Sent { .. } | Self::Failed { .. } | Self::NeedsPerson { .. } => true,
            Self::Cancelled { cleanup, .. } => !cleanup,
            _ => false,
        }
    }
}

/// `TRACE#…`: why a turn went the way it went. Decisions and short inputs; no bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub turn: u32,
    pub rev: u32,
    pub entries: Vec<TraceEntry>,
    /// The passages that support the answer.
    pub sources: Vec<Source>,
    pub confidence: Option<f32>,
    /// What was spent on this turn's answer; none when no model was asked.
    #[serde(default)]
    pub usage: Option<Usage>,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    pub at: Timestamp,
    /// `suppression`, `mode`, `assistant`, `guard`, `plan` …
    pub step: String,
    /// In words, for people.
    pub said: String,
}

/// `SEEN#…`: what became of a mail, so that it is read once however often it is announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub message: MessageId,
    pub state: SeenState,
    pub at: Timestamp,
    /// Outlives the content, so that an old mail that is labelled again is not new.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SeenState {
    /// Raised just before each try to read it; a third start parks it as unreadable.
    Reading {
        tries: u32,
    },
    Stored,
    Filtered {
        reason: String,
    },
    Unreadable {
        reason: String,
    },
    /// It was deleted before it could be read.
    Gone,
}

impl SeenState {
    /// Nothing more is to be done about the mail.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Reading { .. })
    }
}

/// One conversation as a whole, without what has expired.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub head: Head,
    /// Oldest first.
    pub mails: Vec<StoredMail>,
    pub turns: Vec<Turn>,
    pub actions: Vec<Action>,
    pub traces: Vec<Trace>,
    pub correspondents: Vec<Correspondent>,
    pub notices: Vec<Notice>,
}

impl Conversation {
    pub fn turn(&self, no: u32) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.no == no)
    }

    pub fn action(&self, turn: u32, step: &StepName) -> Option<&Action> {
        self.actions.iter().find(|action| action.turn == turn && action.step == *step)
    }

    pub fn notice(&self, turn: u32) -> Option<&Notice> {
        self.notices.iter().find(|notice| notice.turn == turn)
    }

    pub fn trace(&self, turn: u32) -> Option<&Trace> {
        self.traces.iter().find(|trace| trace.turn == turn)
    }
}
