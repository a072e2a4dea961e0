//! Faults as data: which call, how often, before or after its effect, and what the caller sees.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;

/// "Fail the `nth` matching call, `times` times, before or after its effect."
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What happens to the call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Effect {
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
}

/// The connection is closed without an answer; in JSON the string `drop_connection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropConnection {
    DropConnection,
}

impl Effect {
    pub fn refuse(status: u16, reason: &str) -> Self {
        Self::Refuse { status, reason: reason.to_owned(), message: None, retry_after: None }
    }

    pub fn drop_connection() -> Self {
        Self::Drop(DropConnection::DropConnection)
    }
}

/// The wire form in which a refusal is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Api,
    OAuth,
}

/// Marks a response that the server must not send: it closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hangup;

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
}

/// The faults that are set, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
}

impl Faults {
    pub fn set(&mut self, fault: Fault) {
        self.armed.push(Armed { fault, seen: 0 });
    }

    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Counts one call and returns what fires for it.
    pub fn hit(&mut self, method: &str, account: Option<&str>) -> Vec<(When, Effect)> {
        let mut fired = Vec::new();
        for armed in &mut self.armed {
            let named = match armed.fault.method.strip_suffix('*') {
                Some(prefix) => method.starts_with(prefix),
                None => method == armed.fault.method,
            };
            let owned = armed
                .fault
                .account
                .as_deref()
                .is_none_or(|wanted| account.is_some_and(|account| account.eq_ignore_ascii_case(wanted)));
            if !named || !owned {
                continue;
            }
            armed.seen += 1;
            let first = armed.fault.nth.max(1);
            if armed.seen >= first && armed.seen - first < armed.fault.times {
                fired.push((armed.fault.when, armed.fault.effect.clone()));
            }
        }
        fired
    }
}

/// Carries out what fires in one phase; `Some` replaces the call's own answer.
pub(crate) async fn apply(fired: &[(When, Effect)], phase: When, style: Style) -> Option<Response> {
    for (_, effect) in fired.iter().filter(|(when, _)| *when == phase) {
        match effect {
            Effect::Delay { delay_ms } => tokio::time::sleep(Duration::from_millis(*delay_ms)).await,
            Effect::Drop(_) => {
                let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
                response.extensions_mut().insert(Hangup);
                return Some(response);
            }
            Effect::Answer { status, body } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                return Some(
                    (status, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], text).into_response(),
                );
            }
            Effect::Refuse { status, reason, message, retry_after } => {
                let mut error = ApiError::new(*status, reason, message.clone().unwrap_or_else(|| reason.clone()));
                error.retry_after = *retry_after;
                return Some(match style {
                    Style::Api => error.into_response(),
                    Style::OAuth => crate::oauth::refusal(&error),
                });
            }
        }
    }
    None
}
