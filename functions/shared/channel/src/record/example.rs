//! A question to the assistant that has no effect: *Ask*, and the live example of a personality.

use crate::address::EmailAddress;
use crate::assistant::{Personality, Source, Usage};
use crate::ids::{ExampleId, MailboxId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What was asked and, once the worker has been at it, what would be answered. No mail, no draft, no conversation comes
/// of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    #[serde(skip)]
    pub ver: u64,
    pub id: ExampleId,
    /// Who asked. Nobody else is shown it.
    pub operator: EmailAddress,
    /// Whose example it is; none for a question to the knowledge base itself.
    pub mailbox: Option<MailboxId>,
    pub subject: String,
    pub text: String,
    /// As it stands in the form, saved or not.
    pub personality: Personality,
    pub asked_at: Timestamp,
    pub state: ExampleState,
    pub expires_at: Timestamp,
}

impl Example {
    /// Whose budgets it takes from: the mailbox, or one account of the organisation's own.
    pub fn account(&self) -> MailboxId {
        let organisation =
            || MailboxId::parse("organisation").unwrap_or_else(|_| unreachable!("a constant that is a valid id"));
        self.mailbox.clone().unwrap_or_else(organisation)
    }
}

/// Moves forward only, so that a message that comes twice asks no model twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ExampleState {
    Asked,
    Answering {
        since: Timestamp,
    },
    Answered {
        answer: Box<ExampleAnswer>,
    },
    /// For people.
    Failed {
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExampleAnswer {
    /// BCP 47 of what was asked.
    pub language: String,
    /// 0 to 1.
    pub confidence: f32,
    /// Plain text without signature and disclosure, as the guards judged it; none when nobody would get to see one.
    pub reply: Option<String>,
    /// Why a person would take it, when the assistant has no answer.
    pub person: Option<String>,
    /// The guards that would let nobody see the answer.
    pub withheld: Vec<HeldBy>,
    /// The guards and rules that would make a draft of what is to be sent by machine.
    pub held: Vec<HeldBy>,
    /// How many guards passed.
    pub guards: u32,
    pub sources: Vec<Source>,
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// The guard's name.
    pub guard: String,
    /// Completes "because …", for people.
    pub reason: String,
}
