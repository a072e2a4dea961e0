//! The Gmail API: routes, authorisation, prices, and the call log around every method.

pub(crate) mod drafts;
mod history;
mod labels;
mod messages;
mod params;
mod profile;
mod render;
pub(crate) mod search;
pub(crate) mod send;
mod threads;
mod upload;

use std::sync::Arc;

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::{
    calls::UNITS_PER_MINUTE,
    error::ApiError,
    faults::Style,
    server::Sim,
    state::{World, canonical},
};
pub(crate) use params::Params;

const MAIL: &str = "https://mail.google.com/";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";
const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";

/// One method of the API: its name in the log, its price, and the scopes any of which admits to it.
struct Method {
    name: &'static str,
    units: u32,
    /// Whether the state is worth saving afterwards.
    changes: bool,
    scopes: &'static [&'static str],
}

const READ: &[&str] = &[MAIL, MODIFY, READONLY];
const LOOK: &[&str] = &[MAIL, MODIFY, READONLY, METADATA];
const CHANGE: &[&str] = &[MAIL, MODIFY];
const WRITE: &[&str] = &[MAIL, MODIFY, COMPOSE];

pub(crate) fn routes() -> Router<Arc<Sim>> {
    const USER: &str = "/gmail/v1/users/{user}";
    let at = |path: &str| format!("{USER}{path}");
    let up = |path: &str| format!("/upload{USER}{path}");
    Router::new()
        .route(&at("/profile"), get(profile::get))
        .route(&at("/watch"), post(history::watch))
        .route(&at("/stop"), post(history::stop))
        .route(&at("/history"), get(history::list))
        .route(&at("/messages"), get(messages::list))
        .route(&at("/messages/{id}"), get(messages::get))
        .route(&at("/messages/{id}/modify"), post(messages::modify))
        .route(&at("/messages/{id}/attachments/{attachment}"), get(messages::attachment))
        .route(&at("/threads"), get(threads::list))
        .route(&at("/threads/{id}"), get(threads::get))
        .route(&at("/labels"), get(labels::list).post(labels::create))
        .route(&at("/labels/{id}"), get(labels::get))
        .route(&at("/drafts"), get(drafts::list).post(drafts::create))
        .route(&at("/drafts/send"), post(drafts::send))
        .route(&at("/drafts/{id}"), get(drafts::get).put(drafts::update).delete(drafts::delete))
        .route(&up("/drafts"), post(drafts::create))
        .route(&up("/drafts/send"), post(drafts::send))
        .route(&up("/drafts/{id}"), axum::routing::put(drafts::update))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Admits the caller, runs the method on the world and logs the call.
async fn run(
    sim: &Sim,
    method: &'static Method,
    user: &str,
    headers: &HeaderMap,
    work: impl FnOnce(&mut World, &str) -> Result<Value, ApiError>,
) -> Response {
    let token = bearer(headers);
    let account = token.and_then(|token| sim.read(|world| world.access(token).map(|a| a.address.clone())));
    sim.call(method.name, account.clone(), method.units, Style::Api, || {
        let result = admit(sim, method, user, token, account.as_deref())
            .and_then(|address| sim.with(method.changes, |world| work(world, &address)));
        match result {
            Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
            Ok(value) => Json(value).into_response(),
            Err(error) => error.into_response(),
        }
    })
    .await
}

fn admit(
    sim: &Sim,
    method: &Method,
    user: &str,
    token: Option<&str>,
    account: Option<&str>,
) -> Result<String, ApiError> {
    let (Some(token), Some(account)) = (token, account) else {
        return Err(ApiError::unauthenticated());
    };
    if user != "me" && canonical(user) != account {
        return Err(ApiError::new(403, "forbidden", format!("Delegation denied for {account}")));
    }
    let allowed = sim.read(|world| {
        world.access(token).is_some_and(|a| a.scopes.iter().any(|scope| method.scopes.contains(&scope.as_str())))
    });
    if !allowed {
        return Err(ApiError::insufficient_scope());
    }
    if sim.config.enforce_quota && sim.recent_units(account) + u64::from(method.units) > UNITS_PER_MINUTE {
        return Err(ApiError::new(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."));
    }
    Ok(account.to_owned())
}

/// The mailbox of an admitted caller.
fn mailbox<'a>(world: &'a mut World, address: &str) -> Result<&'a mut crate::mailbox::Mailbox, ApiError> {
    world
        .accounts
        .get_mut(address)
        .map(|account| &mut account.mailbox)
        .ok_or_else(|| ApiError::new(400, "failedPrecondition", "Mail service not enabled"))
}

/// The request body as JSON; no body at all is an empty object.
fn json_body<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| ApiError::new(400, "parseError", format!("Invalid JSON payload received. {error}")))
}

/// Ids of messages and threads are hex; anything else is a malformed request, not a missing entity.
fn hex_id(id: &str) -> Result<&str, ApiError> {
    let good = !id.is_empty() && id.len() <= 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(id) } else { Err(ApiError::invalid("Invalid id value")) }
}
