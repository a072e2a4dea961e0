//! Faults as data: which call, how often, before or after its effect, and what the caller sees.
//!
//! Invariant: a fault that could never fire is refused when it is set, so that a test cannot pass because of a
//! misspelt name.

mod apply;
mod check;
mod methods;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use apply::{Hangup, Outcome, Style, around};
pub use check::FaultError;

/// The method of a push in the log and in faults.
pub(crate) const PUSH: &str = "pubsub.push";
/// The moment at which a person has allowed or refused on the consent page.
pub(crate) const CONSENT: &str = "oauth2.consent";

/// "Fail the `nth` matching call, `times` times, before or after its effect."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A method of the call log, such as `gmail.users.messages.get`; a trailing `*` matches the rest.
    pub method: String,
    #[serde(default)]
    pub account: Option<String>,
    /// Counted from 1 among the matching calls since the fault was set.
    #[serde(default = "one")]
    pub nth: u64,
    #[serde(default = "one")]
    pub times: u64,
    #[serde(default)]
    pub when: When,
    pub effect: Effect,
}

fn one() -> u64 {
    1
}

/// Whether the call has had its effect when it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    #[default]
    Before,
    After,
}

/// What happens to the call. The last five act on the call's own answer, whatever [`When`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Effect {
    /// A refusal that names in its message when to come back, by the simulator's clock.
    RetryAt {
        status: u16,
        reason: String,
        retry_in_ms: i64,
    },
    Refuse {
        status: u16,
        reason: String,
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Any answer at all; a JSON string is sent as it is, so garbage can be said too.
    Answer {
        status: u16,
        body: Value,
    },
    Delay {
        delay_ms: u64,
    },
    Drop(DropConnection),
    /// The announced length is right, and the connection closes after this share of the body (percent).
    Truncate {
        truncate: u8,
    },
    /// Lists do not show yet what is young.
    Lag {
        lag: Lag,
    },
    /// Of the messages that a list names, this many are deleted for good right after it.
    Vanish {
        vanish: usize,
    },
    Push {
        push: PushFault,
    },
}

/// The connection is closed without an answer; in JSON the string `drop_connection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropConnection {
    DropConnection,
}

/// How far the index behind `history.list`, `messages.list` and `threads.list` is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lag {
    /// What is younger is not shown; `None`: nothing that came since the fault was set, until it is cleared.
    #[serde(default)]
    pub younger_than_ms: Option<i64>,
    /// `history.list` names the mailbox's newest id although it does not show the records up to it.
    #[serde(default)]
    pub ahead: bool,
    /// `messages.get` answers 404 for what lists do not show.
    #[serde(default)]
    pub gets: bool,
}

/// What becomes of one notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFault {
    Lost,
    /// Pub/Sub delivers the acknowledged message once more: the same message id, a token of its own.
    Twice,
    /// Held back until a later notification of the mailbox has been delivered.
    Reordered,
    /// The same request once more, byte for byte: body and token.
    Replayed,
    /// The request carries a token that Google would not have made for it.
    Forged(Forgery),
}

/// What is wrong with a forged token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// A published `kid` over another key's signature.
    WrongKey,
    /// A `kid` that is not published.
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    WrongEmail,
    UnverifiedEmail,
    AlgNone,
    /// HMAC with the published public key as its secret.
    Hs256,
    Expired,
    NoToken,
}

impl Effect {
    pub fn refuse(status: u16, reason: &str) -> Self {
        Self::Refuse { status, reason: reason.to_owned(), message: None, retry_after: None }
    }

    pub fn drop_connection() -> Self {
        Self::Drop(DropConnection::DropConnection)
    }

    /// Whether calls of `method` can show it. `*` was resolved by the caller.
    fn acts_on(&self, method: &str) -> bool {
        match self {
            Self::Lag { lag } => methods::LISTS.contains(&method) || (lag.gets && method == methods::GET),
            Self::Vanish { .. } => [methods::MESSAGES, methods::HISTORY].contains(&method),
            Self::Push { .. } => method == PUSH,
            Self::Truncate { .. } => method != PUSH && method != CONSENT,
            Self::Refuse { .. } => true,
            _ => method != CONSENT,
        }
    }
}

/// A fault that is set, and how it went so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedFault {
    pub id: u64,
    pub fault: Fault,
    /// Matching calls since it was set.
    pub seen: u64,
    /// How many of them it changed.
    pub fired: u64,
    /// Whether it will not fire again.
    pub spent: bool,
    /// By the simulator's clock.
    pub set_at_ms: i64,
}

/// What fires for one call.
#[derive(Debug, Clone)]
pub(crate) struct Fired {
    pub id: u64,
    pub when: When,
    pub effect: Effect,
    pub set_at_ms: i64,
}

/// The faults that are set, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<ArmedFault>,
    last: u64,
}

impl Faults {
    pub fn set(&mut self, fault: Fault, set_at_ms: i64) -> u64 {
        self.last += 1;
        self.armed.push(ArmedFault { id: self.last, fault, seen: 0, fired: 0, spent: false, set_at_ms });
        self.last
    }

    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Whether there was such a fault.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.armed.len();
        self.armed.retain(|armed| armed.id != id);
        self.armed.len() < before
    }

    pub fn list(&self) -> Vec<ArmedFault> {
        self.armed.clone()
    }

    /// Counts one call and returns what fires for it.
    pub fn hit(&mut self, method: &str, account: Option<&str>) -> Vec<Fired> {
        let mut fired = Vec::new();
        for armed in &mut self.armed {
            let fault = &armed.fault;
            let owned = fault
                .account
                .as_deref()
                .is_none_or(|wanted| account.is_some_and(|account| account.eq_ignore_ascii_case(wanted)));
            if !owned || !methods::named(&fault.method, method) || !fault.effect.acts_on(method) {
                continue;
            }
            armed.seen += 1;
            let last = fault.nth.saturating_add(fault.times - 1);
            if (fault.nth..=last).contains(&armed.seen) {
                armed.fired += 1;
                armed.spent = armed.seen >= last;
                fired.push(Fired {
                    id: armed.id,
                    when: fault.when,
                    effect: fault.effect.clone(),
                    set_at_ms: armed.set_at_ms,
                });
            }
        }
        fired
    }
}
