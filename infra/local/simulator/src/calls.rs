//! The log of API calls: who called what, at what price, with what result. Never a token, never content.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Older entries fall out; `seq` goes on.
const KEPT: usize = 20_000;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub seq: u64,
    pub at_ms: i64,
    pub account: Option<String>,
    pub method: String,
    pub units: u32,
    /// What the caller saw; 0 when the connection was dropped.
    pub status: u16,
    /// Whether a fault changed the answer.
    pub fault: bool,
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

    pub fn since(&self, seq: u64, account: Option<&str>) -> Vec<Call> {
        self.calls
            .iter()
            .filter(|call| call.seq > seq && account.is_none_or(|wanted| call.account.as_deref() == Some(wanted)))
            .cloned()
            .collect()
    }
}
