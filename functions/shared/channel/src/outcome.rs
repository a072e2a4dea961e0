//! What became of a piece of work. The choice is made where the failure is known; `runtime` turns it into an answer for
//! the queue, the push, the schedule or the browser.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Nothing to do, and why (a code).
    Ignore(&'static str),
    /// A fault: the same work again after this long.
    Retry {
        after: Duration,
        reason: String,
    },
    /// No fault: a lease, a rate limit, not due yet.
    Defer {
        after: Duration,
        reason: &'static str,
    },
    /// It will never work as it is.
    Fail(String),
}

impl Outcome {
    pub fn retry(reason: impl std::fmt::Display) -> Self {
        Self::Retry { after: Duration::from_secs(5), reason: reason.to_string() }
    }
}
