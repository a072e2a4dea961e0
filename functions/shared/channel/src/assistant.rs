//! What an assistant is asked and what it may say. An answer is data: it fills these fields and nothing else.
//! Recipients, labels, links and targets never come from it.

use crate::address::EmailAddress;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Who wrote one mail of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    Customer,
    /// A mail that this product wrote.
    Assistant,
    /// A person of the team, from Gmail or from Chat.
    Person,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainMail {
    pub author: Author,
    pub at: Timestamp,
    /// Cleaned: no quoted history, no signature.
    pub text: String,
}

/// The settings of the assistant (`A3.2`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Personality {
    pub tone: String,
    pub instructions: String,
    /// BCP 47; empty means the customer's own language.
    pub language: String,
    pub signature: String,
    /// Added below a mail that no person sent. Empty switches it off.
    pub disclosure: Option<String>,
}

/// One thread, and nothing of any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRequest {
    pub subject: String,
    /// Oldest first; the last ones are the customer's mails that this turn answers.
    pub chain: Vec<ChainMail>,
    /// How many mails at the end of `chain` are to be answered; at least one.
    pub open: usize,
    /// Names of attachments that were not read.
    pub unread_attachments: Vec<String>,
    pub personality: Personality,
}

/// A passage of the knowledge base that supports an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `<document>#<chunk>`.
    pub id: String,
    pub title: String,
    /// The passage, as it stands in the document.
    pub passage: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// BCP 47 of the customer's mail, `und` when it cannot be told.
    pub language: String,
    /// The knowledge base supports the whole answer.
    pub answerable: bool,
    /// 0 to 1.
    pub confidence: f32,
    /// Plain text, without signature and disclosure. Empty exactly when `answerable` is false.
    pub reply: String,
    pub sources: Vec<Source>,
    /// Why a person should take it, for people; set exactly when `answerable` is false.
    pub reason_for_person: Option<String>,
    /// The secret word of the instructions that the model was given. A reply that holds it, in any disguise, leaks them.
    #[serde(skip)]
    pub canary: Option<String>,
}

/// What a guard is shown. Everything in it is bounded by the caller's store; nothing in it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct GuardCase<'a> {
    pub request: &'a AnswerRequest,
    pub answer: &'a Answer,
    /// The mailbox's own addresses.
    pub own: &'a [EmailAddress],
    /// Written below an answer that no person sends; the owner's words.
    pub disclosure: &'a str,
}

/// What a guard makes of an answer, from mild to grave (`C7`, `C8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardEffect {
    Pass,
    /// It may be a draft; it is not sent by machine.
    Draft,
    /// It reaches nobody, not even as a draft.
    Person,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardVerdict {
    /// The guard's name, stable.
    pub guard: &'static str,
    pub effect: GuardEffect,
    /// Completes "because …", for people, and quotes neither mail nor reply. Empty when it passed.
    pub reason: String,
}

/// An answer that the guards have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The reply as plain text, which is what the guards judged: this goes into the mail, never [`Answer::reply`].
    pub reply: String,
    /// One for each guard, in their order.
    pub verdicts: Vec<GuardVerdict>,
}

impl Guarded {
    /// Reasons of the guards that came to this effect.
    pub fn reasons(&self, effect: GuardEffect) -> impl Iterator<Item = &str> {
        self.verdicts.iter().filter(move |verdict| verdict.effect == effect).map(|verdict| verdict.reason.as_str())
    }

    pub fn passed(&self) -> usize {
        self.reasons(GuardEffect::Pass).count()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    /// Worth another try later.
    #[error("the assistant is not available: {0}")]
    Unavailable(String),
    /// The provider refused or answered with something that is no answer; a person takes over.
    #[error("the assistant gave no usable answer: {0}")]
    Unusable(String),
}

/// One document of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeDocument {
    pub id: String,
    pub title: String,
    /// Markdown or plain text.
    pub text: String,
    /// Raised with each replacement.
    pub version: u64,
}
