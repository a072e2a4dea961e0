//! A flow that is known to be right.
//!
//! Invariant: whom a mail goes to, which label, which address and which channel is used are types of their own that hold a
//! literal of the document, a reference to a setting, or the mail's parsed sender. No template makes one.

use crate::condition::{Condition, Refusal};
use crate::template::Template;
use channel::address::EmailAddress;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A compiled flow.
#[derive(Debug)]
pub struct Flow {
    pub name: String,
    /// What it is good for, for people.
    pub description: Option<String>,
    /// Lower goes first.
    pub priority: u32,
    /// None: every mail.
    pub when: Option<Condition>,
    pub steps: Vec<Step>,
}

#[derive(Debug)]
pub struct Step {
    /// Where it stands, such as `3` or `2.b1.1`: third step; first step of the first branch of the second.
    pub path: String,
    pub name: Option<String>,
    pub guard: Option<Condition>,
    pub on_error: OnError,
    pub action: Action,
}

/// What becomes of the flow when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Nothing more is done.
    Stop,
    /// The next step.
    Continue,
    /// A person takes the conversation.
    Human,
}

#[derive(Debug)]
pub enum Action {
    AiRequest { system: Option<Template>, input: Option<Template>, result: String },
    Classify { labels: Vec<(String, String)>, input: Option<Template>, result: String },
    SendReply { subject: Template, body: Template },
    CreateDraft { to: Recipient, subject: Template, body: Template },
    AddLabel(LabelName),
    RemoveLabel(LabelName),
    MarkRead,
    Archive,
    Forward { to: Recipient, note: Option<Template> },
    RouteToHuman { reason: Option<Template> },
    Notify { message: Template },
    Slack { channel: SlackChannel, message: Template },
    Webhook { url: WebhookUrl, message: Option<Template> },
    Wait(Duration),
    Stop { reason: Option<String> },
    Choose(Vec<Branch>),
}

#[derive(Debug)]
pub struct Branch {
    /// None: `else`.
    pub guard: Option<Condition>,
    pub steps: Vec<Step>,
}

impl Action {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AiRequest { .. } => "ai_request",
            Self::Classify { .. } => "classify",
            Self::SendReply { .. } => "send_reply",
            Self::CreateDraft { .. } => "create_draft",
            Self::AddLabel(_) => "add_label",
            Self::RemoveLabel(_) => "remove_label",
            Self::MarkRead => "mark_read",
            Self::Archive => "archive",
            Self::Forward { .. } => "forward",
            Self::RouteToHuman { .. } => "route_to_human",
            Self::Notify { .. } => "notify",
            Self::Slack { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Wait(_) => "wait",
            Self::Stop { .. } => "stop",
            Self::Choose(_) => "choose",
        }
    }

    /// Writes to the customer, or makes what is written: no more of it once a person is asked.
    pub(crate) fn answers(&self) -> bool {
        matches!(
            self,
            Self::AiRequest { .. } | Self::Classify { .. } | Self::SendReply { .. } | Self::CreateDraft { .. }
        )
    }
}

impl Flow {
    /// Names of settings that the flow refers to, for whoever saves it to look up.
    pub fn settings(&self) -> Vec<&str> {
        fn of<'a>(steps: &'a [Step], found: &mut Vec<&'a str>) {
            for step in steps {
                match &step.action {
                    Action::CreateDraft { to: Recipient::Setting(name), .. }
                    | Action::Forward { to: Recipient::Setting(name), .. } => found.push(name),
                    Action::Choose(branches) => branches.iter().for_each(|branch| of(&branch.steps, found)),
                    _ => {}
                }
            }
        }
        let mut found = vec![];
        of(&self.steps, &mut found);
        found
    }
}

/// Whom a mail goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Whoever an answer to the mail goes to, from its parsed headers.
    Sender,
    /// An address of the owner's settings.
    Setting(String),
    /// An address of the document.
    Address(EmailAddress),
}

impl Recipient {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let inner: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if matches!(inner.as_str(), "{{sender_email}}" | "{{user.email}}" | "{{sender.email}}" | "sender") {
            return Ok(Self::Sender);
        }
        if let Some(name) = text.trim().strip_prefix("settings.")
            && is_identifier(name)
        {
            return Ok(Self::Setting(name.to_owned()));
        }
        EmailAddress::parse(text).map(Self::Address).map_err(|_| {
            Refusal::new(
                format!("`{}` as a recipient", crate::problem::short(text)),
                "`{{sender_email}}`, `settings.NAME` or an address; never other text of a mail",
            )
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sender => f.write_str("the sender"),
            Self::Setting(name) => write!(f, "settings.{name}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

macro_rules! literal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

literal!(
    /// A Gmail label of the owner's, nested by `/`; made where it is missing.
    LabelName
);
literal!(
    /// A Slack channel: `#name` or an id.
    SlackChannel
);
literal!(
    /// Where a webhook goes. Whether that may be connected to is decided by whoever connects.
    WebhookUrl
);

const RESERVED: [&str; 12] = [
    "inbox",
    "sent",
    "draft",
    "drafts",
    "spam",
    "trash",
    "chat",
    "chats",
    "starred",
    "important",
    "unread",
    "scheduled",
];

impl LabelName {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let refusal = |found: String, meant: &str| {
            Refusal::new(found, "a label of your own, nested by `/`, at most 225 characters, no `{{ }}`")
                .correct(text, meant)
        };
        if text.contains(['{', '}']) || text.chars().any(char::is_control) {
            return Err(refusal(format!("`{}` as a label", crate::problem::short(text)), "Support/AI-Processed"));
        }
        if text.is_empty() || text.chars().count() > 225 || text.split('/').any(|part| part.trim().is_empty()) {
            let parts: Vec<&str> = text.split('/').map(str::trim).filter(|part| !part.is_empty()).collect();
            let meant: String = parts.join("/").chars().take(225).collect();
            return Err(refusal(format!("`{}` as a label", crate::problem::short(text)), &meant));
        }
        if RESERVED.contains(&text.to_lowercase().as_str()) {
            let found = format!("Gmail's own label `{text}` (`archive` and `mark_read` are steps)");
            return Err(refusal(found, &format!("Flow/{text}")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl SlackChannel {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let name = text.strip_prefix('#').unwrap_or(text);
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.chars().count() > 80 || !name.chars().all(allowed) {
            return Err(Refusal::new(
                format!("`{}` as a Slack channel", crate::problem::short(text)),
                "`\"#name\"` in quotes, or a channel's id; no `{{ }}`",
            )
            .correct(text, "#support"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl WebhookUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let bad = |c: char| c.is_whitespace() || c.is_control() || "{}<>\"\\^`|".contains(c);
        if text.len() > 2_048 || text.chars().any(bad) || host.is_none_or(|host| host.is_empty() || host.contains('@'))
        {
            return Err(Refusal::new(
                format!("`{}` as an address", crate::problem::short(text)),
                "an address written out, `https://HOST/PATH`; no user name, no `{{ }}`",
            )
            .correct(text, "https://hooks.example.com/flow"));
        }
        Ok(Self(text.to_owned()))
    }
}

pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && text.len() <= 40
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
