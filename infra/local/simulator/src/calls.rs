//! The log of API calls: who called what, at what price, with what result. Never a token, never content.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Older entries fall out; `seq` goes on.
const KEPT: usize = 20_000;

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub seq: u64,
    pub at_ms: i64,
    pub account: Option<String>,
    pub method: String,
    pub units: u32,
    /// What the caller saw; 0 when the connection was dropped.
    pub status: u16,
    /// The reason code of a refusal, such as `rateLimitExceeded` or `invalid_grant`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether a fault changed the answer.
    pub fault: bool,
    /// The faults that fired for it, also those that only took time.
    #[serde(default)]
    pub faults: Vec<u64>,
}

/// Which calls to show; what is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallQuery {
    pub account: Option<String>,
    /// The beginning of a method's name.
    pub method: Option<String>,
    /// Only what came after this `seq`.
    pub since: Option<u64>,
    /// `ok`, `refused`, `dropped`, `faulted`, a status (`429`, `4xx`), or a reason code.
    pub outcome: Option<String>,
    /// The newest so many.
    pub limit: Option<usize>,
}

impl CallQuery {
    fn wants(&self, call: &Call) -> bool {
        self.since.is_none_or(|seq| call.seq > seq)
            && self.account.as_deref().is_none_or(|wanted| call.account.as_deref() == Some(wanted))
            && self.method.as_deref().is_none_or(|prefix| call.method.starts_with(prefix.trim_end_matches('*')))
            && self.outcome.as_deref().is_none_or(|outcome| call.came_out(outcome))
    }
}

impl Call {
    fn came_out(&self, outcome: &str) -> bool {
        match outcome {
            "ok" => (200..400).contains(&self.status),
            "refused" => self.status >= 400,
            "dropped" => self.status == 0,
            "faulted" => !self.faults.is_empty(),
            "2xx" | "3xx" | "4xx" | "5xx" => outcome.starts_with(&(self.status / 100).to_string()),
            _ => self.reason.as_deref() == Some(outcome) || outcome.parse() == Ok(self.status),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: VecDeque<Call>,
    seq: u64,
}

impl CallLog {
    pub fn push(&mut self, mut call: Call) {
        self.seq += 1;
        call.seq = self.seq;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// Oldest first.
    pub fn matching(&self, query: &CallQuery) -> Vec<Call> {
        let hits = self.calls.iter().filter(|call| query.wants(call));
        let skipped = query.limit.map_or(0, |limit| hits.clone().count().saturating_sub(limit));
        hits.skip(skipped).cloned().collect()
    }
}
