//! What an operator sets for a mailbox (`A3`). Each change takes effect with the next decision.

use crate::address::EmailAddress;
use crate::assistant::Personality;
use crate::ids::{LabelId, MailboxId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Answers are sent by machine, after the response delay.
    AutoReply,
    /// Answers become drafts that a person sends.
    Draft,
    /// Mail is recorded and nothing is answered.
    ReceiveOnly,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exclusions {
    pub senders: Vec<EmailAddress>,
    pub domains: Vec<String>,
    pub labels: Vec<LabelId>,
    /// Compared without case, anywhere in the subject.
    pub subject_words: Vec<String>,
    /// Mailing lists and bulk mail.
    pub bulk: bool,
}

impl Default for Exclusions {
    fn default() -> Self {
        Self { senders: vec![], domains: vec![], labels: vec![], subject_words: vec![], bulk: true }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub auto_reply: bool,
    pub draft_only: bool,
    /// Watched labels; a mail in any of them counts.
    pub labels: Vec<LabelId>,
    #[serde(default)]
    pub exclusions: Exclusions,
    /// Response delay in seconds; applies to sending only.
    pub delay_secs: u32,
    pub enabled: bool,
    #[serde(default)]
    pub personality: Personality,
    /// What models may cost for this mailbox in a UTC day, in US cents (`B11`). Zero means that no model is asked.
    #[serde(default = "default_model_budget")]
    pub model_budget_cents: u32,
}

/// One US dollar a day.
pub const DEFAULT_MODEL_BUDGET_CENTS: u32 = 100;
pub const MAX_MODEL_BUDGET_CENTS: u32 = 100_000;

fn default_model_budget() -> u32 {
    DEFAULT_MODEL_BUDGET_CENTS
}

/// The longest response delay, seven days.
pub const MAX_DELAY_SECS: u32 = 7 * 24 * 3600;

impl Settings {
    /// What a mailbox starts with: drafts for review, the inbox, no bulk mail (`A10`).
    pub fn initial(mailbox: MailboxId) -> Self {
        Self {
            ver: 0,
            mailbox,
            auto_reply: false,
            draft_only: true,
            labels: LabelId::parse("INBOX").into_iter().collect(),
            exclusions: Exclusions::default(),
            delay_secs: 0,
            enabled: true,
            personality: Personality::default(),
            model_budget_cents: DEFAULT_MODEL_BUDGET_CENTS,
        }
    }

    /// Draft wins when both are on (`B1`).
    pub fn mode(&self) -> Mode {
        match (self.auto_reply, self.draft_only) {
            (_, true) => Mode::Draft,
            (true, false) => Mode::AutoReply,
            (false, false) => Mode::ReceiveOnly,
        }
    }

    pub fn delay(&self) -> Duration {
        Duration::from_secs(u64::from(self.delay_secs.min(MAX_DELAY_SECS)))
    }

    pub fn watches(&self, labels: &[LabelId]) -> bool {
        labels.iter().any(|label| self.labels.contains(label))
    }
}
