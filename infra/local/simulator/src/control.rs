//! The control plane under `/_sim/`, and the same as methods for tests that run the simulator in their own process.

mod faults;
mod pubsub;
mod tokens;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    calls::{Call, CallQuery},
    config::{AccountConfig, Client, Subscription},
    dump::{AccountDump, dump},
    error::ApiError,
    gmail::send::{self, Deliver, Delivered, Verdict},
    keys::KeyError,
    mailbox::Mailbox,
    server::{Running, Sim},
    state::canonical,
};

/// Tokens made without the consent page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub refresh_token: String,
    pub access_token: String,
}

impl Sim {
    fn dump(&self, address: &str) -> Result<AccountDump, ApiError> {
        self.read(|world| {
            let account = world.accounts.get(&canonical(address)).ok_or_else(ApiError::not_found)?;
            Ok(dump(&account.config.name, &account.mailbox))
        })
    }

    /// Changes one mailbox as its person would in Gmail's own page.
    fn in_mailbox<T>(&self, address: &str, change: impl FnOnce(&mut Mailbox, i64) -> Option<T>) -> Result<T, ApiError> {
        self.write(|world| {
            let now = world.now_ms();
            let account = world.accounts.get_mut(&canonical(address)).ok_or_else(ApiError::not_found)?;
            change(&mut account.mailbox, now).ok_or_else(ApiError::not_found)
        })
    }

    fn take_in(&self, address: &str, raw: Vec<u8>, options: &Deliver) -> Result<Delivered, ApiError> {
        let address = canonical(address);
        self.write(|world| {
            if !world.accounts.contains_key(&address) {
                return Err(ApiError::not_found());
            }
            send::deliver(world, &address, raw, options)
        })
    }

    fn forget(&self, address: &str) -> Result<(), ApiError> {
        self.in_mailbox(address, |mailbox, _| {
            mailbox.history.forget();
            Some(())
        })
    }

    /// Registers a client; one that was deleted or had its secret changed is as good as new.
    fn register(&self, client: Client) {
        self.write(|world| {
            world.rules.registered(&client.client_id);
            world.set_client(client);
        });
    }

    fn find_calls(&self, query: CallQuery) -> Vec<Call> {
        self.calls(&CallQuery { account: query.account.as_deref().map(canonical), ..query })
    }

    /// Sends a notification that no change asked for, such as a second or a belated one.
    fn announce(&self, address: &str, topic: &str, history_id: u64) -> usize {
        let ids = self.write(|world| world.announce(&canonical(address), topic, history_id));
        let count = ids.len();
        self.start_pushes(ids);
        count
    }

    fn mint(&self, client_id: &str, address: &str, scopes: &[String]) -> Result<Tokens, ApiError> {
        let address = canonical(address);
        let seconds = self.config.access_token_seconds;
        self.write(|world| {
            let client = world.clients.iter().find(|c| c.client_id == client_id).cloned();
            let client = client.ok_or_else(ApiError::not_found)?;
            if !world.accounts.contains_key(&address) {
                return Err(ApiError::not_found());
            }
            let grant = world.add_grant(&client, &address, scopes, true);
            let access_token = world.add_access(&grant, seconds).token;
            let refresh_token = grant.refresh_token.ok_or_else(ApiError::not_found)?;
            Ok(Tokens { refresh_token, access_token })
        })
    }
}

impl Running {
    /// Adds a mailbox; one that exists stays as it is.
    pub fn account(&self, account: AccountConfig) {
        let kept = self.sim.config.history_kept();
        self.sim.write(|world| world.add_account(account, kept));
    }

    /// Puts a mail into a mailbox from outside.
    pub fn deliver(&self, address: &str, raw: impl Into<Vec<u8>>, options: &Deliver) -> Result<Delivered, ApiError> {
        self.sim.take_in(address, raw.into(), options)
    }

    pub fn dump(&self, address: &str) -> Result<AccountDump, ApiError> {
        self.sim.dump(address)
    }

    /// The whole log, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.sim.calls(&CallQuery::default())
    }

    pub fn calls_where(&self, query: &CallQuery) -> Vec<Call> {
        self.sim.find_calls(query.clone())
    }

    pub fn client(&self, client: Client) {
        self.sim.register(client);
    }

    pub fn subscription(&self, subscription: Subscription) {
        self.sim.write(|world| world.set_subscription(subscription));
    }

    /// Sends a notification that no change asked for; returns to how many subscriptions.
    pub fn announce(&self, address: &str, topic: &str, history_id: u64) -> usize {
        self.sim.announce(address, topic, history_id)
    }

    /// Sets how far the simulator's clock is ahead of the machine's.
    pub fn set_clock_offset(&self, offset_ms: i64) {
        self.sim.write(|world| world.clock_offset_ms = offset_ms);
    }

    /// Makes every earlier history id too old.
    pub fn forget_history(&self, address: &str) -> Result<(), ApiError> {
        self.sim.forget(address)
    }

    /// Ends every grant of an account, as its person would in the account's settings.
    pub fn revoke_grants(&self, address: &str) -> usize {
        self.sim.write(|world| world.revoke(&canonical(address), None))
    }

    /// A consent without the page: offline access for a known client and account.
    pub fn grant(&self, client_id: &str, address: &str, scopes: &[&str]) -> Result<Tokens, ApiError> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.sim.mint(client_id, address, &scopes)
    }

    /// Changes labels as the mailbox's person would.
    pub fn relabel(&self, address: &str, id: &str, add: &[&str], remove: &[&str]) -> Result<(), ApiError> {
        let own = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        self.sim.in_mailbox(address, |mailbox, now| mailbox.relabel(id, &own(add), &own(remove), now).map(|_| ()))
    }

    /// Deletes a message for good, as the mailbox's person would.
    pub fn delete_message(&self, address: &str, id: &str) -> Result<(), ApiError> {
        delete_mail(&self.sim, address, id)
    }

    /// Publishes a second key, which signs from now on.
    pub fn rotate_key(&self) -> Result<(), KeyError> {
        self.sim.rotate_key()
    }

    /// Pushes that no endpoint has acknowledged yet.
    pub fn pending_pushes(&self) -> usize {
        self.sim.read(|world| world.pushes.len())
    }
}

/// Deletes a message for good.
pub(crate) fn delete_mail(sim: &Sim, address: &str, id: &str) -> Result<(), ApiError> {
    sim.in_mailbox(address, |mailbox, now| remove(mailbox, id, now))
}

fn remove(mailbox: &mut Mailbox, id: &str, now: i64) -> Option<()> {
    mailbox.remove(id, now)?;
    mailbox.drafts.remove_of(id);
    Some(())
}

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/health", get(|| async { Json(json!({"ok": true})) }))
        .route("/accounts", get(accounts).post(add_account))
        .route("/accounts/{address}", get(show_account))
        .route("/accounts/{address}/messages", post(put_message))
        .route("/accounts/{address}/messages/{id}", delete(delete_message))
        .route("/accounts/{address}/messages/{id}/labels", post(relabel))
        .route("/calls", get(calls))
        .route("/clients", post(add_client))
        .route("/clock", get(show_clock).post(clock))
        .route("/history/forget", post(forget))
        .route("/grants", post(add_grant))
        .route("/grants/{address}/revoke", post(revoke))
        .route("/keys/rotate", post(rotate))
        .merge(crate::stats::routes())
        .merge(crate::cloud::routes())
        .merge(crate::gmail::settings::control_routes())
        .merge(crate::limits::routes())
        .merge(faults::routes())
        .merge(pubsub::routes())
        .merge(tokens::routes())
}

type Shared = State<Arc<Sim>>;

async fn accounts(State(sim): Shared) -> Json<Vec<AccountConfig>> {
    Json(sim.read(|world| world.accounts.values().map(|account| account.config.clone()).collect()))
}

async fn add_account(State(sim): Shared, Json(account): Json<AccountConfig>) -> Response {
    if !account.address.contains('@') {
        return ApiError::invalid("address").into_response();
    }
    let kept = sim.config.history_kept();
    sim.write(|world| world.add_account(account, kept));
    StatusCode::NO_CONTENT.into_response()
}

async fn show_account(State(sim): Shared, Path(address): Path<String>) -> Result<Json<AccountDump>, ApiError> {
    sim.dump(&address).map(Json)
}

#[derive(Deserialize)]
struct PutOptions {
    /// Label ids, separated by commas.
    labels: Option<String>,
    internal_date: Option<i64>,
    authentication: Option<Verdict>,
}

async fn put_message(
    State(sim): Shared,
    Path(address): Path<String>,
    Query(options): Query<PutOptions>,
    body: Bytes,
) -> Result<Json<Delivered>, ApiError> {
    let labels = options.labels.unwrap_or_default();
    let options = Deliver {
        labels: labels.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        internal_date: options.internal_date,
        authentication: options.authentication,
    };
    sim.take_in(&address, body.to_vec(), &options).map(Json)
}

async fn delete_message(
    State(sim): Shared,
    Path((address, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    delete_mail(&sim, &address, &id).map(|()| StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Relabel {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

async fn relabel(
    State(sim): Shared,
    Path((address, id)): Path<(String, String)>,
    Json(labels): Json<Relabel>,
) -> Result<StatusCode, ApiError> {
    sim.in_mailbox(&address, |mailbox, now| mailbox.relabel(&id, &labels.add, &labels.remove, now).map(|_| ()))
        .map(|()| StatusCode::NO_CONTENT)
}

async fn calls(State(sim): Shared, Query(query): Query<CallQuery>) -> Json<Vec<Call>> {
    Json(sim.find_calls(query))
}

async fn add_client(State(sim): Shared, Json(client): Json<Client>) -> StatusCode {
    sim.register(client);
    StatusCode::NO_CONTENT
}

#[derive(Serialize, Deserialize)]
struct Clock {
    offset_ms: i64,
}

async fn show_clock(State(sim): Shared) -> Json<Clock> {
    Json(Clock { offset_ms: sim.read(|world| world.clock_offset_ms) })
}

async fn clock(State(sim): Shared, Json(clock): Json<Clock>) -> StatusCode {
    sim.write(|world| world.clock_offset_ms = clock.offset_ms);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Forget {
    account: String,
}

async fn forget(State(sim): Shared, Json(forget): Json<Forget>) -> Result<StatusCode, ApiError> {
    sim.forget(&forget.account).map(|()| StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct NewGrant {
    client_id: String,
    account: String,
    scopes: Vec<String>,
}

async fn add_grant(State(sim): Shared, Json(grant): Json<NewGrant>) -> Result<Json<Tokens>, ApiError> {
    sim.mint(&grant.client_id, &grant.account, &grant.scopes).map(Json)
}

async fn revoke(State(sim): Shared, Path(address): Path<String>) -> Response {
    let revoked = sim.write(|world| world.revoke(&canonical(&address), None));
    Json(json!({"revoked": revoked})).into_response()
}

async fn rotate(State(sim): Shared) -> StatusCode {
    match sim.rotate_key() {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(%error, "no new key");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
