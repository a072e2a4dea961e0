//! Carrying faults out around a call that is answered here.

use std::{
    collections::BTreeSet,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use hyper::body::Frame;
use serde_json::{Value, json};

use super::{Effect, Fired, Lag, When, methods};
use crate::{
    error::ApiError,
    mailbox::{History, Kind, Mailbox},
    server::Sim,
    stopwatch::Stopwatch,
};

/// The wire form in which a refusal is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Api,
    OAuth,
}

/// Marks a response that the server must not send: it closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hangup;

/// An answer, whether faults changed it, and which fired.
pub(crate) struct Outcome {
    pub response: Response,
    pub changed: bool,
    pub faults: Vec<u64>,
}

/// Runs one call under the faults that are set.
pub(crate) async fn around(
    sim: &Sim,
    method: &str,
    account: Option<&str>,
    style: Style,
    watch: &mut Stopwatch,
    work: impl FnOnce() -> Response,
) -> Outcome {
    let fired = sim.fired(method, account);
    let faults = fired.iter().map(|fired| fired.id).collect();
    for one in fired.iter().filter(|one| one.when == When::Before) {
        if let Some(response) = watch.pause(instead(sim, &one.effect, style)).await {
            return Outcome { response, changed: true, faults };
        }
    }
    let mut response = work();
    let mut changed = false;
    for one in &fired {
        if one.when == When::After
            && let Some(replaced) = watch.pause(instead(sim, &one.effect, style)).await
        {
            return Outcome { response: replaced, changed: true, faults };
        }
        let (reshaped, altered) = match watch.pause(reshape(sim, one, method, account, response)).await {
            Ok(reshaped) => reshaped,
            Err(error) => (error.into_response(), true),
        };
        response = reshaped;
        changed |= altered;
    }
    Outcome { response, changed, faults }
}

fn hangup() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(Hangup);
    response
}

/// The answer that stands in for the call's own; a delay only takes its time.
async fn instead(sim: &Sim, effect: &Effect, style: Style) -> Option<Response> {
    let error = match effect {
        Effect::Delay { delay_ms } => {
            tokio::time::sleep(Duration::from_millis(*delay_ms)).await;
            return None;
        }
        Effect::Drop(_) => return Some(hangup()),
        Effect::Answer { status, body } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            return Some((status, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], text).into_response());
        }
        Effect::RetryAt { status, reason, retry_in_ms } => {
            let at = sim.read(|world| world.now_ms()) + retry_in_ms;
            let message = format!("User-rate limit exceeded.  Retry after {}", crate::error::timestamp(at));
            ApiError::new(*status, reason, message)
        }
        Effect::Refuse { status, reason, message, retry_after } => {
            let message = message.clone().unwrap_or_else(|| wording(*status, reason).to_owned());
            ApiError { retry_after: *retry_after, ..ApiError::new(*status, reason, message) }
        }
        Effect::Truncate { .. } | Effect::Lag { .. } | Effect::Vanish { .. } | Effect::Push { .. } => return None,
    };
    Some(match style {
        Style::Api => error.into_response(),
        Style::OAuth => crate::oauth::refusal(&error),
    })
}

/// How Google words a refusal of this reason.
fn wording(status: u16, reason: &str) -> &str {
    match (status, reason) {
        (429, "rateLimitExceeded" | "userRateLimitExceeded") => "Resource has been exhausted (e.g. check quota).",
        (_, "rateLimitExceeded") => "Rate Limit Exceeded",
        (_, "userRateLimitExceeded") => "User Rate Limit Exceeded",
        (_, "quotaExceeded") => "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'.",
        (_, "dailyLimitExceeded") => "Daily Limit Exceeded",
        (_, "insufficientPermissions") => "Request had insufficient authentication scopes.",
        (_, "domainPolicy") => "The domain administrators have disabled Gmail apps.",
        (_, "accessNotConfigured") => {
            "Gmail API has not been used in this project before or it is disabled. Enable it, then retry."
        }
        (_, "forbidden") => "The caller does not have permission",
        (_, "invalid_grant") => "Bad Request",
        (_, "invalid_client") => "Unauthorized",
        (400, "invalidArgument") => "Request contains an invalid argument.",
        (409, _) => "The operation was aborted.",
        (400, "failedPrecondition") => "Precondition check failed.",
        (401, _) => "Request had invalid authentication credentials.",
        (404, _) => "Requested entity was not found.",
        (500, _) => "Internal error encountered.",
        (502, _) => "Bad Gateway",
        (503, _) => "The service is currently unavailable.",
        (504, _) => "Deadline expired before operation could complete.",
        _ => reason,
    }
}

/// What an effect makes of the call's own answer, and whether that is another one now.
async fn reshape(
    sim: &Sim,
    fired: &Fired,
    method: &str,
    account: Option<&str>,
    answer: Response,
) -> Result<(Response, bool), ApiError> {
    Ok(match fired.effect {
        Effect::Truncate { truncate } => (cut(answer, truncate).await?, true),
        Effect::Lag { lag } if answer.status() == StatusCode::OK => {
            let Some(account) = account else { return Ok((answer, false)) };
            let (parts, mut body, bytes) = opened(answer).await?;
            let hidden = sim.read(|world| {
                let now = world.now_ms();
                let mailbox = &world.accounts.get(account)?.mailbox;
                Some(hide(mailbox, method, lag, &|at| young(lag, fired.set_at_ms, now, at), &mut body))
            });
            match hidden {
                Some(Hidden::Whole) => (ApiError::not_found().into_response(), true),
                Some(Hidden::Part) => (Response::from_parts(parts, Body::from(body.to_string())), true),
                Some(Hidden::Nothing) | None => (Response::from_parts(parts, Body::from(bytes)), false),
            }
        }
        Effect::Vanish { vanish } if answer.status() == StatusCode::OK => {
            let (parts, body, bytes) = opened(answer).await?;
            let ids = listed(&body);
            let gone = account.map_or(0, |account| {
                ids.iter().take(vanish).filter(|id| crate::control::delete_mail(sim, account, id).is_ok()).count()
            });
            (Response::from_parts(parts, Body::from(bytes)), gone > 0)
        }
        _ => (answer, false),
    })
}

/// An answer taken apart; `Null` stands for a body that is no JSON.
async fn opened(answer: Response) -> Result<(http::response::Parts, Value, Bytes), ApiError> {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(|error| {
        tracing::error!(%error, "an answer of our own could not be read");
        ApiError::new(500, "backendError", "Internal error encountered.")
    })?;
    let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok((parts, value, bytes))
}

fn young(lag: Lag, set_at_ms: i64, now_ms: i64, at_ms: i64) -> bool {
    match lag.younger_than_ms {
        Some(age) => now_ms - at_ms < age,
        None => at_ms >= set_at_ms,
    }
}

enum Hidden {
    Nothing,
    Part,
    Whole,
}

/// Takes out of an answer what the index does not know yet.
fn hide(mailbox: &Mailbox, method: &str, lag: Lag, young: &dyn Fn(i64) -> bool, body: &mut Value) -> Hidden {
    let history = &mailbox.history;
    let Some(first) = history.since(0).find(|record| young(record.at_ms)).map(|record| record.id) else {
        return Hidden::Nothing;
    };
    let new: BTreeSet<&str> = history
        .since(0)
        .filter(|record| record.id >= first && record.kind == Kind::MessageAdded)
        .map(|record| record.message_id.as_str())
        .collect();
    match method {
        methods::HISTORY => older_history(history, first, lag.ahead, body),
        methods::MESSAGES => without(body, "messages", |id| !new.contains(id)),
        methods::THREADS => {
            without(body, "threads", |id| mailbox.thread(id).iter().any(|mail| !new.contains(mail.id.as_str())))
        }
        _ if body["id"].as_str().is_some_and(|id| new.contains(id)) => Hidden::Whole,
        _ => Hidden::Nothing,
    }
}

fn older_history(history: &History, first_hidden: u64, ahead: bool, body: &mut Value) -> Hidden {
    let known = history.since(0).rev().find(|record| record.id < first_hidden);
    if !ahead {
        body["historyId"] = json!(known.map_or(history.floor, |record| record.id).to_string());
    }
    if let Some(records) = body["history"].as_array_mut() {
        let all = records.len();
        let id = |record: &Value| record["id"].as_str().and_then(|id| id.parse::<u64>().ok());
        records.retain(|record| id(record).is_some_and(|id| id < first_hidden));
        let (left, cut) = (records.len(), records.len() < all);
        if cut {
            body.as_object_mut().and_then(|body| body.remove("nextPageToken"));
        }
        if left == 0 {
            body.as_object_mut().and_then(|body| body.remove("history"));
        }
    }
    Hidden::Part
}

fn without(body: &mut Value, key: &str, keep: impl Fn(&str) -> bool) -> Hidden {
    let Some(items) = body[key].as_array_mut() else { return Hidden::Nothing };
    let all = items.len();
    items.retain(|item| item["id"].as_str().is_some_and(&keep));
    let left = items.len();
    if left == all {
        return Hidden::Nothing;
    }
    body["resultSizeEstimate"] = json!(left);
    if left == 0 {
        body.as_object_mut().and_then(|body| body.remove(key));
    }
    Hidden::Part
}

/// The messages that a list names, in its order.
fn listed(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().into_iter().flatten().map(|message| &message["id"]);
    let added = body["history"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|record| record["messagesAdded"].as_array())
        .flatten()
        .map(|added| &added["message"]["id"]);
    messages.chain(added).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The answer with its full length announced, and a body that breaks off. One without a body is not sent at all.
async fn cut(answer: Response, percent: u8) -> Result<Response, ApiError> {
    let (mut parts, _, bytes) = opened(answer).await?;
    if bytes.is_empty() {
        return Ok(hangup());
    }
    let kept = bytes.slice(..bytes.len() * usize::from(percent) / 100);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(Response::from_parts(parts, Body::new(Cut { kept: Some(kept), flushed: false })))
}

/// Yields its bytes, lets them be sent, then fails.
struct Cut {
    kept: Option<Bytes>,
    flushed: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the body ends early on request")]
struct EndsEarly;

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = EndsEarly;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EndsEarly>>> {
        if let Some(kept) = self.kept.take().filter(|kept| !kept.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(kept))));
        }
        if !self.flushed {
            // Failing at once would throw away what is still in the server's buffer.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(EndsEarly)))
    }
}
