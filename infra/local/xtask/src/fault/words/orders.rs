//! The control request that each word stands for.

use super::{CONSENT, Calls, Form, Named, Policy, Push, REASONS, Subscription, Which, Word};
use crate::fault::Order;
use crate::{Error, Result};
use clap::ValueEnum;
use reqwest::Method;
use serde_json::{Value, json};

/// As often as it matches.
const ALWAYS: u64 = u64::MAX;

impl Word {
    pub fn order(&self) -> Result<Order> {
        Ok(match self {
            Self::List => Order::bare(Method::GET, "faults"),
            Self::Clear { id: None } => Order::bare(Method::DELETE, "faults"),
            Self::Clear { id: Some(id) } => Order::bare(Method::DELETE, format!("faults/{id}")),
            Self::Refuse { calls, reason, status, retry_at, retry_after } => {
                calls.fault(refusal(reason.as_deref(), *status, *retry_at, *retry_after)?)
            }
            Self::Drop(calls) => calls.fault(json!("drop_connection")),
            Self::Delay { calls, by } => calls.fault(json!({ "delay_ms": by })),
            Self::Truncate { calls, percent } => calls.fault(json!({ "truncate": percent })),
            Self::Garbage { calls, form } => calls.fault(json!({ "status": 200, "body": form.body() })),
            Self::HistoryGone { account } => Order::post("history/forget", json!({ "account": account })),
            Self::Lag { account, younger_than, ahead, gets } => {
                let lag = json!({ "younger_than_ms": younger_than, "ahead": ahead, "gets": gets });
                let which = Which { account: Some(account.clone()), nth: 1, times: 1, always: true };
                which.fault("gmail.users.*", false, json!({ "lag": lag }))
            }
            Self::Vanish { calls, count } => calls.fault(json!({ "vanish": count })),
            Self::Push(push) => push.order()?,
            Self::Token { kind, account, client, lasts } => Order::post(
                "tokens/end",
                json!({ "kind": name(*kind)?, "account": account, "client_id": client, "for_ms": lasts }),
            ),
            Self::Restore { account, client } => {
                Order::post("tokens/restore", json!({ "account": account, "client_id": client }))
            }
            Self::Consent { code, account, page } => consent(code, account.as_deref(), *page)?,
            Self::Subscription(wish) => wish.order(),
            Self::Clock { offset } => Order::post("clock", json!({ "offset_ms": offset })),
            Self::Keys => Order::bare(Method::POST, "keys/rotate"),
        })
    }
}

fn refusal(reason: Option<&str>, status: Option<u16>, retry_at: Option<i64>, after: Option<u64>) -> Result<Value> {
    let usual = |status| match status {
        400 => "failedPrecondition",
        401 => "authError",
        403 => "forbidden",
        404 => "notFound",
        409 => "aborted",
        429 => "rateLimitExceeded",
        _ => "backendError",
    };
    let of_reason = reason.and_then(|reason| REASONS.iter().find(|(known, _)| *known == reason));
    let status = status.or(of_reason.map(|(_, status)| *status)).unwrap_or(503);
    let reason = reason.unwrap_or_else(|| usual(status));
    if status < 400 {
        return Err(Error::new(format!("{status} is no refusal")).remedy("name a status from 400 on"));
    }
    Ok(match retry_at {
        Some(span) => json!({ "status": status, "reason": reason, "retry_in_ms": span }),
        None => json!({ "status": status, "reason": reason, "retry_after": after }),
    })
}

fn consent(code: &str, account: Option<&str>, page: bool) -> Result<Order> {
    let (code, status, shown) =
        CONSENT.iter().find(|(known, _, _)| *known == code).ok_or_else(|| Error::new(format!("no error {code}")))?;
    let mut effect = json!({ "status": status, "reason": code });
    if page || *shown {
        effect["message"] = json!("Access blocked: you can't sign in because of this error.");
    }
    let which = Which { account: account.map(str::to_owned), nth: 1, times: 1, always: false };
    Ok(which.fault("oauth2.consent", false, effect))
}

/// The value as it is written on the command line.
fn name(value: impl ValueEnum) -> Result<String> {
    let value = value.to_possible_value().ok_or_else(|| Error::new("a kind has no name"))?;
    Ok(value.get_name().to_owned())
}

impl Calls {
    fn fault(&self, effect: Value) -> Order {
        self.which.fault(&self.method, self.after, effect)
    }
}

impl Which {
    fn fault(&self, method: &str, after: bool, effect: Value) -> Order {
        let fault = json!({
            "method": method,
            "account": self.account,
            "nth": self.nth,
            "times": if self.always { ALWAYS } else { self.times },
            "when": if after { "after" } else { "before" },
            "effect": effect,
        });
        Order::post("faults", fault)
    }

    fn push(&self, effect: Value) -> Order {
        self.fault("pubsub.push", false, effect)
    }
}

impl Form {
    fn body(self) -> Value {
        match self {
            Self::Html => json!("<!doctype html><title>Error 502 (Server Error)</title><p>That's all we know.</p>"),
            Self::HalfJson => json!("{\"historyId\": \"17\", \"messages\": [{\"id\": \"18"),
            Self::WrongTypes => json!({ "id": 18, "threadId": [], "historyId": -1, "messages": "none", "payload": 7 }),
            Self::Empty => json!(""),
        }
    }
}

impl Push {
    fn order(&self) -> Result<Order> {
        Ok(match self {
            Self::Lost(which) => which.push(json!({ "push": "lost" })),
            Self::Twice(which) => which.push(json!({ "push": "twice" })),
            Self::Late { by, which } => which.push(json!({ "delay_ms": by })),
            Self::Reordered(which) => which.push(json!({ "push": "reordered" })),
            Self::Forged { kind, which } => which.push(json!({ "push": { "forged": name(*kind)?.replace('-', "_") } })),
            Self::Replayed(which) => which.push(json!({ "push": "replayed" })),
        })
    }
}

impl Subscription {
    fn order(&self) -> Order {
        let to = |path: &str, named: &Named| Order::post(path, json!({ "subscription": named.subscription }));
        match self {
            Self::Set(policy) => Order::post(
                "pubsub/policy",
                json!({ "subscription": policy.named.subscription, "policy": policy.wire() }),
            ),
            Self::Idle(named) => to("pubsub/idle", named),
            Self::Detach(named) => to("pubsub/detach", named),
            Self::Delete(named) => to("pubsub/delete", named),
        }
    }
}

impl Policy {
    fn wire(&self) -> Value {
        let dead = self
            .dead_letter
            .as_ref()
            .map(|topic| json!({ "topic": topic, "max_delivery_attempts": self.max_attempts }));
        json!({
            "ack_deadline_ms": self.ack_deadline,
            "minimum_backoff_ms": self.min_backoff,
            "maximum_backoff_ms": self.max_backoff,
            "dead_letter": dead,
            "retention_ms": self.retention,
            "expiration_ms": (!self.no_expiration).then_some(self.expiration),
            "duplicates": self.duplicates,
            "disorder": self.disorder,
        })
    }
}
