//! Which faults are refused, and with what advice.

use super::{Effect, Fault, PUSH, PushFault, methods};

/// Why a fault was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("no call is named {method:?}; near names: {}", near.join(", "))]
    Method { method: String, near: Vec<&'static str> },
    #[error("{what} does nothing to {method}; it wants {wants}")]
    NeverActs { what: &'static str, method: String, wants: &'static str },
    #[error("there is no account {account:?}; the accounts are {}", known.join(", "))]
    Account { account: String, known: Vec<String> },
    #[error("{0} counts from 1")]
    Zero(&'static str),
    #[error("{0} is no HTTP status of an answer; 200 to 599 are")]
    Status(u16),
    #[error("{0} % leaves nothing out; a body can be cut after 0 to 99 %")]
    Whole(u8),
}

/// Refuses what can never fire.
pub(super) fn check<'a>(fault: &Fault, accounts: impl Iterator<Item = &'a String>) -> Result<(), FaultError> {
    let matching = methods::matching(&fault.method);
    if matching.is_empty() {
        return Err(FaultError::Method { method: fault.method.clone(), near: methods::near(&fault.method) });
    }
    if !matching.iter().any(|method| fault.effect.acts_on(method)) {
        let (what, wants) = wants(&fault.effect);
        return Err(FaultError::NeverActs { what, method: fault.method.clone(), wants });
    }
    if let Some(wanted) = &fault.account {
        let known: Vec<String> = accounts.cloned().collect();
        if !known.iter().any(|account| account.eq_ignore_ascii_case(wanted)) {
            return Err(FaultError::Account { account: wanted.clone(), known });
        }
    }
    if fault.nth == 0 {
        return Err(FaultError::Zero("nth"));
    }
    if fault.times == 0 {
        return Err(FaultError::Zero("times"));
    }
    match fault.effect {
        Effect::RetryAt { status, .. } | Effect::Refuse { status, .. } | Effect::Answer { status, .. }
            if !(200..600).contains(&status) =>
        {
            Err(FaultError::Status(status))
        }
        Effect::Truncate { truncate } if truncate > 99 => Err(FaultError::Whole(truncate)),
        _ => Ok(()),
    }
}

/// What an effect is called, and which methods show it.
fn wants(effect: &Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Lag { .. } => ("a lagging index", "history.list, messages.list or threads.list"),
        Effect::Vanish { .. } => ("a message that vanishes", "history.list or messages.list"),
        Effect::Push { push: PushFault::Forged(_) } => ("a forged token", PUSH),
        Effect::Push { .. } => ("a fault of delivery", PUSH),
        Effect::Truncate { .. } => ("a truncated answer", "a call that is answered here"),
        _ => ("this effect", "any method but oauth2.consent, which takes a refusal"),
    }
}

impl super::Faults {
    /// [`super::Faults::set`] for what can fire at all.
    pub fn checked<'a>(
        &mut self,
        mut fault: Fault,
        set_at_ms: i64,
        accounts: impl Iterator<Item = &'a String>,
    ) -> Result<u64, FaultError> {
        fault.account = fault.account.map(|account| crate::state::canonical(&account));
        check(&fault, accounts)?;
        Ok(self.set(fault, set_at_ms))
    }
}
