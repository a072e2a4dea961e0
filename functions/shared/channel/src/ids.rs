//! Identifiers. Gmail's are opaque; ours are safe inside a table key and a secret's name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An identifier that would break a table key, a URL path or a log line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an identifier has 1 to 128 characters out of A-Z a-z 0-9 . _ - : @ ( ) +, this one has not")]
pub struct BadId;

fn checked(value: String) -> Result<String, BadId> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:@()+".contains(c);
    if value.is_empty() || value.len() > 128 || !value.chars().all(allowed) { Err(BadId) } else { Ok(value) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn parse(value: impl Into<String>) -> Result<Self, BadId> {
                checked(value.into()).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(value: String) -> Result<Self, BadId> {
                Self::parse(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One connected mailbox; kept over reconnects.
    MailboxId
);
id!(
    /// One OAuth grant of a mailbox. A reconnect makes a new one.
    GrantId
);
id!(
    /// Gmail's thread id.
    ThreadId
);
id!(
    /// Gmail's message id; not the `Message-ID` header.
    MessageId
);
id!(
    /// Gmail's draft id; stays while the draft's message id changes with every update.
    DraftId
);
id!(
    /// Gmail's label id, such as `INBOX` or `Label_12`.
    LabelId
);
id!(
    /// The name of one step of a turn's plan; with mailbox, thread and turn it is the key of an action.
    StepName
);
id!(
    /// A question to the assistant that has no effect.
    ExampleId
);
id!(
    /// A notification target of a mailbox.
    TargetId
);
id!(
    /// Names the holder of a lease.
    LeaseToken
);
id!(
    /// One document of the knowledge base; kept over its versions.
    DocumentId
);
id!(
    /// A group of like questions that the knowledge base could not answer.
    GapId
);

/// Gmail's history id: compared as a number, never as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HistoryId(pub u64);

impl fmt::Display for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
