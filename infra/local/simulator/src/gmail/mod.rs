//! The Gmail API: routes, scopes, and what its methods share.

mod arrival;
mod bounce;
mod call;
pub(crate) mod drafts;
mod fields;
mod history;
pub(crate) mod labels;
mod messages;
mod palette;
mod params;
mod post;
mod profile;
mod render;
mod resumable;
pub(crate) mod search;
mod search_syntax;
pub(crate) mod send;
pub(crate) mod settings;
mod strict;
mod threads;
mod upload;
mod vacation;
mod watch;

use std::{pin::Pin, sync::Arc};

use axum::{
    Router,
    extract::{FromRequest, Request, State},
    handler::Handler,
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, patch, post, put},
};

use self::call::{Call, Method, run};
use crate::{
    error::ApiError,
    faults::Style,
    server::Sim,
    state::{Account, World},
};
pub(crate) use params::Params;
pub(crate) use resumable::Sessions;

const MAIL: &str = "https://mail.google.com/";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
const SEND: &str = "https://www.googleapis.com/auth/gmail.send";
const INSERT: &str = "https://www.googleapis.com/auth/gmail.insert";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";
const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
const BASIC: &str = "https://www.googleapis.com/auth/gmail.settings.basic";
const SHARING: &str = "https://www.googleapis.com/auth/gmail.settings.sharing";

const READ: &[&str] = &[MAIL, MODIFY, READONLY];
const LOOK: &[&str] = &[MAIL, MODIFY, READONLY, METADATA];
const CHANGE: &[&str] = &[MAIL, MODIFY];
const WRITE: &[&str] = &[MAIL, MODIFY, COMPOSE];
/// Deleting for good is not part of `gmail.modify`.
const DELETE: &[&str] = &[MAIL];

/// Largest uploads, in bytes, of methods that send and of those that store.
const SENT_LIMIT: usize = 36_700_160;
const STORED_LIMIT: usize = 157_286_400;

/// A method as the router takes it.
#[derive(Clone, Copy)]
struct On(&'static Method);

impl Handler<(), Arc<Sim>> for On {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, sim: Arc<Sim>) -> Self::Future {
        Box::pin(async move {
            match Call::from_request(request, &sim).await {
                Ok(call) => run(call, self.0).await,
                Err(refused) => refused,
            }
        })
    }
}

fn on(method: &'static Method) -> On {
    On(method)
}

pub(crate) fn routes() -> Router<Arc<Sim>> {
    let mut router = Router::new();
    for (path, handler) in [mail(), organising(), settings::routes()].into_iter().flatten() {
        router = router.route(&format!("/gmail/v1/users/{{user}}{path}"), handler);
    }
    for place in upload::PLACES {
        for (path, handler) in uploads() {
            router = router.route(&format!("{place}gmail/v1/users/{{user}}{path}"), handler);
        }
    }
    router.route("/batch", any(batch)).route("/batch/gmail/v1", any(batch))
}

type Routes = Vec<(&'static str, MethodRouter<Arc<Sim>>)>;

fn mail() -> Routes {
    vec![
        ("/profile", get(on(&profile::GET))),
        ("/watch", post(on(&watch::WATCH))),
        ("/stop", post(on(&watch::STOP))),
        ("/history", get(on(&history::LIST))),
        ("/messages", get(on(&messages::LIST)).post(on(&post::INSERT))),
        ("/messages/send", post(on(&post::SEND_MAIL))),
        ("/messages/import", post(on(&post::IMPORT))),
        ("/messages/batchModify", post(on(&messages::BATCH_MODIFY))),
        ("/messages/batchDelete", post(on(&messages::BATCH_DELETE))),
        ("/messages/{id}", get(on(&messages::GET)).delete(on(&messages::DELETE_ONE))),
        ("/messages/{id}/modify", post(on(&messages::MODIFY_ONE))),
        ("/messages/{id}/trash", post(on(&messages::TRASH))),
        ("/messages/{id}/untrash", post(on(&messages::UNTRASH))),
        ("/messages/{id}/attachments/{attachment}", get(on(&messages::ATTACHMENT))),
        ("/drafts", get(on(&drafts::LIST)).post(on(&drafts::CREATE))),
        ("/drafts/send", post(on(&drafts::SEND))),
        ("/drafts/{id}", get(on(&drafts::GET)).put(on(&drafts::UPDATE)).delete(on(&drafts::DELETE))),
    ]
}

fn organising() -> Routes {
    vec![
        ("/threads", get(on(&threads::LIST))),
        ("/threads/{id}", get(on(&threads::GET)).delete(on(&threads::DELETE_ALL))),
        ("/threads/{id}/modify", post(on(&threads::MODIFY_ALL))),
        ("/threads/{id}/trash", post(on(&threads::TRASH))),
        ("/threads/{id}/untrash", post(on(&threads::UNTRASH))),
        ("/labels", get(on(&labels::LIST)).post(on(&labels::CREATE))),
        ("/labels/{id}", get(on(&labels::GET)).put(on(&labels::UPDATE))),
        ("/labels/{id}", patch(on(&labels::PATCH)).delete(on(&labels::DELETE))),
    ]
}

/// A resumable upload continues with PUT whatever it began with, hence both verbs.
fn uploads() -> Routes {
    let both = |method: &'static Method| post(on(method)).put(on(method));
    vec![
        ("/drafts", both(&drafts::CREATE)),
        ("/drafts/send", both(&drafts::SEND)),
        ("/drafts/{id}", put(on(&drafts::UPDATE))),
        ("/messages", both(&post::INSERT)),
        ("/messages/send", both(&post::SEND_MAIL)),
        ("/messages/import", both(&post::IMPORT)),
    ]
}

/// Batches are refused as a whole: calls are made one by one.
async fn batch(State(sim): State<Arc<Sim>>) -> Response {
    let message = "Batch requests are not simulated. Make each call by itself.";
    sim.call("gmail.batch", None, 0, Style::Api, || ApiError::new(400, "badRequest", message).into_response()).await
}

fn account<'a>(world: &'a mut World, address: &str) -> Result<&'a mut Account, ApiError> {
    world.accounts.get_mut(address).ok_or_else(|| ApiError::new(400, "failedPrecondition", "Mail service not enabled"))
}

/// The mailbox of an admitted caller.
fn mailbox<'a>(world: &'a mut World, address: &str) -> Result<&'a mut crate::mailbox::Mailbox, ApiError> {
    account(world, address).map(|account| &mut account.mailbox)
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
