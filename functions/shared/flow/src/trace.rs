//! How a run came to what it did, in words, for *Why?* (`C6`).
//!
//! Invariant: no text of a mail stands in it; of text that was looked at it tells the length.

use channel::ids::StepName;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Chosen,
    NotChosen,
    Skipped,
    Asked,
    Begins,
    Done,
    Waits,
    Held,
    Failed,
}

impl Decision {
    fn in_words(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::NotChosen => "not chosen",
            Self::Skipped => "skipped",
            Self::Asked => "asked",
            Self::Begins => "begins",
            Self::Done => "done",
            Self::Waits => "waits",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The step's key; none for the choice of a flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<StepName>,
    /// The step's name or kind, or the flow's name.
    pub title: String,
    pub decision: Decision,
    pub why: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.decision.in_words())?;
        if self.why.is_empty() { Ok(()) } else { write!(f, ", {}", self.why) }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub entries: Vec<Entry>,
}

impl Trace {
    pub(crate) fn add(&mut self, key: Option<&StepName>, title: &str, decision: Decision, why: impl Into<String>) {
        self.entries.push(Entry { key: key.cloned(), title: title.to_owned(), decision, why: why.into() });
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
