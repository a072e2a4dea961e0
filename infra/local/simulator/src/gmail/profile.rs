//! `users.getProfile`.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;
use serde_json::json;

use super::{COMPOSE, MAIL, METADATA, MODIFY, Method, READONLY, mailbox, run};
use crate::server::Sim;

static GET: Method = Method {
    name: "gmail.users.getProfile",
    units: 1,
    changes: false,
    scopes: &[MAIL, MODIFY, READONLY, METADATA, COMPOSE],
};

pub(super) async fn get(State(sim): State<Arc<Sim>>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    run(&sim, &GET, &user, &headers, |world, address| {
        let mailbox = mailbox(world, address)?;
        Ok(json!({
            "emailAddress": mailbox.address,
            "messagesTotal": mailbox.messages.len(),
            "threadsTotal": mailbox.messages.thread_count(),
            "historyId": mailbox.history.newest.to_string(),
        }))
    })
    .await
}
