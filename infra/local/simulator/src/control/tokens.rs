//! The ends of tokens and clients, and who may consent.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::ApiError,
    oauth::{EndTokens, Restore},
    server::{Running, Sim},
};

impl Running {
    /// Ends refresh tokens in one of Google's ways; returns how many died now.
    pub fn end_tokens(&self, wish: &EndTokens) -> Result<usize, ApiError> {
        self.sim.write(|world| world.end_tokens(wish))
    }

    /// Lifts what lies on accounts and clients; tokens that are dead stay so.
    pub fn restore(&self, wish: &Restore) {
        self.sim.write(|world| world.restore(wish));
    }

    /// Lets only people of one organisation consent to a client; `None`: everybody.
    pub fn internal_to(&self, client_id: &str, domain: Option<&str>) {
        self.sim.write(|world| world.rules.set_internal(client_id, domain.map(str::to_owned)));
    }
}

pub(super) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/tokens/end", post(end))
        .route("/tokens/restore", post(restore))
        .route("/clients/internal", post(internal))
}

type Shared = State<Arc<Sim>>;

async fn end(State(sim): Shared, Json(wish): Json<EndTokens>) -> Result<Json<Value>, ApiError> {
    let ended = sim.write(|world| world.end_tokens(&wish))?;
    Ok(Json(json!({"ended": ended})))
}

async fn restore(State(sim): Shared, Json(wish): Json<Restore>) -> StatusCode {
    sim.write(|world| world.restore(&wish));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Internal {
    client_id: String,
    domain: Option<String>,
}

async fn internal(State(sim): Shared, Json(wish): Json<Internal>) -> StatusCode {
    sim.write(|world| world.rules.set_internal(&wish.client_id, wish.domain));
    StatusCode::NO_CONTENT
}
