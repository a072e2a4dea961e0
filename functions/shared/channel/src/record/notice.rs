//! Who of the team is told when a conversation needs a person (`B4`), and what became of telling them.
//!
//! Invariant: an address that is itself a secret is stored sealed; what is shown of it is its host.

use crate::ids::{MailboxId, TargetId, ThreadId};
use crate::record::{Conversation, Turn};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A secret under a key of the `app` secret: safe to store, useless without that key, and still never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

/// `TARGETS`: the notification targets of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub targets: Vec<Target>,
}

impl Targets {
    pub fn none(mailbox: MailboxId) -> Self {
        Self { ver: 0, mailbox, targets: vec![] }
    }

    pub fn find(&self, id: &TargetId) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == *id)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub id: TargetId,
    /// What people call it.
    pub name: String,
    pub place: Place,
    pub events: Vec<NoticeEvent>,
    /// Says that something waits and where, and nothing of the mail.
    pub without_content: bool,
    pub added_at: Timestamp,
    /// Why the last notification did not get there; gone with the next one that does.
    pub problem: Option<TargetProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Place {
    /// An incoming webhook of Slack. Who knows its address can post.
    SlackWebhook { host: String, url: Sealed },
    /// A channel that our bot posts to; its token is in the `app` secret.
    SlackChannel { channel: String },
    /// Any receiver; requests are signed with `secret`.
    Webhook { host: String, url: Sealed, secret: Sealed },
    /// The e-mail topic of the deployment.
    Topic,
}

impl Place {
    /// The receiver knows a notification by its id, so that sending it again does no harm.
    pub fn knows_repeats(&self) -> bool {
        matches!(self, Self::Webhook { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetProblem {
    pub at: Timestamp,
    /// In words, for people.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// A turn ended as *needs a person*.
    NeedsPerson,
}

impl NoticeEvent {
    pub fn code(self) -> &'static str {
        match self {
            Self::NeedsPerson => "conversation.needs_person",
        }
    }
}

/// `NOTE#…`: one turn's notification, written with what it tells of, and how far each target has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub turn: u32,
    pub event: NoticeEvent,
    /// In words; the assistant may have written them.
    pub reason: String,
    /// One for each target that was set when the notice was first taken up; none before that.
    pub deliveries: Option<Vec<Delivery>>,
    pub created_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

impl Notice {
    /// The notice that `turn` needs a person; none when the team was told of this turn before.
    pub fn needs_person(conversation: &Conversation, turn: &Turn, reason: &str, now: Timestamp) -> Option<Self> {
        if conversation.notice(turn.no).is_some() {
            return None;
        }
        Some(Self {
            ver: 0,
            mailbox: turn.mailbox.clone(),
            thread: turn.thread.clone(),
            turn: turn.no,
            event: NoticeEvent::NeedsPerson,
            reason: reason.to_owned(),
            deliveries: None,
            created_at: now,
            due_at: Some(now),
            expires_at: turn.expires_at,
        })
    }
}

/// One target's part of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub target: TargetId,
    /// The target's name when the notice was taken up.
    pub name: String,
    pub state: DeliveryState,
    /// How often it was begun.
    pub attempts: u32,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not before this moment; with why, when a try failed.
    Planned {
        not_before: Timestamp,
        why: Option<String>,
    },
    /// The request may have been sent.
    Sending,
    Delivered,
    /// Not delivered, and not tried again.
    Failed {
        why: String,
    },
    /// The answer was lost, and the receiver could not tell a repetition from a new notification.
    Unknown {
        why: String,
    },
}

impl DeliveryState {
    pub fn ended(&self) -> bool {
        matches!(self, Self::Delivered | Self::Failed { .. } | Self::Unknown { .. })
    }
}
