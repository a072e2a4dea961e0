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

/// The text of one attachment. It is read for a turn and never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentText {
    pub name: String,
    /// Markdown.
    pub text: String,
    /// There was more than what is given.
    pub truncated: bool,
}

/// One thread, and nothing of any other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerRequest {
    pub subject: String,
    /// Oldest first; the last ones are the customer's mails that this turn answers.
    pub chain: Vec<ChainMail>,
    /// How many mails at the end of `chain` are to be answered; at least one.
    pub open: usize,
    /// What was read of the attachments of the open mails (`A11`). Strangers' words, as the mails are.
    pub attachments: Vec<AttachmentText>,
    /// Names of attachments that were not read.
    pub unread_attachments: Vec<String>,
    pub personality: Personality,
    /// When the answer has to be there; whoever asks needs what is left after it for itself.
    pub deadline: Option<Timestamp>,
}

/// What a customer wants, as far as routing asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Something that a knowledge base may answer.
    Question,
    /// Prices, offers, an interest in buying.
    Sales,
    /// Help with something that was bought or is used.
    Support,
    Complaint,
    /// Thanks, small talk, a message that asks nothing.
    Chat,
    #[default]
    Other,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sentiment {
    Positive,
    #[default]
    Neutral,
    Negative,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Low,
    #[default]
    Normal,
    High,
}

/// What asking a model took, the calls that failed included. All zero for an assistant without a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// `bedrock`, `openai`, `anthropic`; empty without a model.
    pub provider: String,
    pub model: String,
    /// The size of what was asked, by our own approximate count.
    pub context_tokens: u32,
    /// Mails of the thread that found no room in the context.
    pub mails_left_out: u32,
    /// Passages that the model was given.
    pub passages: u32,
    /// As the provider counts them.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub calls: u32,
    /// Empty where passages are found by their words alone.
    pub embedding_model: String,
    pub embedding_calls: u32,
    /// As the provider counts them, by our own approximate count where it does not.
    pub embedding_tokens: u64,
    /// How passages were found, for people; empty without embeddings.
    pub search: String,
    /// Millionths of a US dollar; 0 while the price of the model is not configured.
    pub cost_micro_usd: u64,
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

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub intent: Intent,
    #[serde(default)]
    pub sentiment: Sentiment,
    #[serde(default)]
    pub urgency: Urgency,
    #[serde(default)]
    pub usage: Usage,
    /// What was asked and no passage supports, in the customer's words; empty when the knowledge base is not to blame.
    #[serde(default)]
    pub unanswered: Vec<String>,
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
    #[error("the assistant is not available: {why}")]
    Unavailable { why: String, usage: Box<Usage> },
    /// The provider refused or answered with something that is no answer; a person takes over.
    #[error("the assistant gave no usable answer: {why}")]
    Unusable { why: String, usage: Box<Usage> },
}

impl AssistantError {
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), usage: Box::default() }
    }

    pub fn unusable(why: impl Into<String>) -> Self {
        Self::Unusable { why: why.into(), usage: Box::default() }
    }

    /// What was spent on no answer.
    pub fn usage(&self) -> &Usage {
        match self {
            Self::Unavailable { usage, .. } | Self::Unusable { usage, .. } => usage,
        }
    }
}

/// What answers are made from: the texts of all documents at one moment, as they lie in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub format: u32,
    pub documents: Vec<KnowledgeDocument>,
}

/// Raised when a former release could not read what this one writes. Every lower one stays readable.
pub const SNAPSHOT_FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshot {
    #[error("the snapshot of the knowledge base is of format {0}, which a later release wrote: deploy that release")]
    Later(u32),
    #[error("the snapshot of the knowledge base cannot be read: replace any document, and it is built anew")]
    Unreadable,
}

impl Snapshot {
    pub fn new(documents: Vec<KnowledgeDocument>) -> Self {
        Self { format: SNAPSHOT_FORMAT, documents }
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>, BadSnapshot> {
        serde_json::to_vec(self).map_err(|_| BadSnapshot::Unreadable)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSnapshot> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // The format alone, since a later one may look different in all else.
        let Format { format } = serde_json::from_slice(bytes).map_err(|_| BadSnapshot::Unreadable)?;
        if format > SNAPSHOT_FORMAT {
            return Err(BadSnapshot::Later(format));
        }
        serde_json::from_slice(bytes).map_err(|_| BadSnapshot::Unreadable)
    }
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
