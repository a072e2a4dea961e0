//! The door for Gmail's pushes: verify, find the mailbox, enqueue a Sync, answer.
//!
//! Invariants: nothing is read or written before the token was found good; nothing here calls Gmail; anything but a
//! success is answered so that Pub/Sub sends the push again, and a push that no repetition can help is acknowledged.

mod wire;

pub use wire::wire;

use channel::outcome::Outcome;
use channel::ports::{Mailboxes, Pseudonyms, SyncQueue};
use channel::work::SyncWork;
use google::push::{self, PushHint, PushRefused, PushVerifier};
use lambda_http::http::StatusCode;
use lambda_http::http::header::AUTHORIZATION;
use lambda_http::{Body, Request, Response};
use runtime::clock::Stopwatch;
use runtime::once::Once;
use runtime::web::push_status;
use std::sync::Arc;
use std::time::Duration;

pub struct Webhook {
    pub verifier: PushVerifier,
    /// The one subscription that pushes may come from.
    pub subscription: String,
    pub pseudonyms: Arc<dyn Pseudonyms>,
    pub mailboxes: Arc<dyn Mailboxes>,
    pub queue: Arc<dyn SyncQueue>,
}

impl Webhook {
    pub async fn answer(&self, request: &Request) -> StatusCode {
        let watch = Stopwatch::start();
        // A header that is not text is no token.
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match self.verifier.verify(authorization).await {
            Ok(()) => {}
            Err(PushRefused::Unauthenticated(reason)) => {
                tracing::warn!(outcome = "fail", reason, duration_ms = watch.millis(), "push refused");
                return StatusCode::UNAUTHORIZED;
            }
            Err(PushRefused::KeysUnavailable) => {
                let reason = "keys_unavailable";
                tracing::error!(outcome = "retry", reason, duration_ms = watch.millis(), "push");
                return StatusCode::SERVICE_UNAVAILABLE;
            }
        }
        let (hint, outcome) = match push::decode(request.body()) {
            Ok(hint) => {
                let outcome = self.enqueue(&hint).await;
                (Some(hint), outcome)
            }
            Err(error) => (None, Outcome::Ignore(error.code())),
        };
        report(hint.as_ref(), &outcome, &watch);
        push_status(&outcome)
    }

    async fn enqueue(&self, hint: &PushHint) -> Outcome {
        if hint.subscription != self.subscription {
            return Outcome::Ignore("wrong_subscription");
        }
        let owner = match self.mailboxes.address_owner(&self.pseudonyms.of(&hint.address)).await {
            Ok(owner) => owner,
            Err(error) => return Outcome::retry(error),
        };
        let Some(mailbox) = owner.and_then(|owner| owner.mailbox) else {
            return Outcome::Ignore("unknown_mailbox");
        };
        tracing::debug!(mailbox.id = %mailbox, history.id = %hint.history_id, "a sync is enqueued");
        let sync = SyncWork::Sync { mailbox, pushed: Some(hint.history_id) };
        match self.queue.send(vec![sync], Duration::ZERO).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error),
        }
    }
}

fn report(hint: Option<&PushHint>, outcome: &Outcome, watch: &Stopwatch) {
    let push = hint.and_then(|hint| hint.message_id.as_deref()).unwrap_or_default();
    let duration_ms = watch.millis();
    match outcome {
        Outcome::Done => tracing::info!(push.id = push, outcome = "done", duration_ms, "push"),
        Outcome::Ignore(reason) => tracing::warn!(push.id = push, outcome = "ignore", reason, duration_ms, "push"),
        other => tracing::error!(push.id = push, outcome = "retry", reason = ?other, duration_ms, "push"),
    }
}

/// Answers one push. While the webhook cannot be set up, because the configuration is wrong or the secret is not to be
/// read, every push is refused: Pub/Sub keeps it and sends it again. `Once` tells the reason.
pub async fn respond<E: std::fmt::Display>(webhook: &Once<Webhook, E>, request: &Request) -> Response<Body> {
    let status = match webhook.get().await {
        Ok(webhook) => webhook.answer(request).await,
        Err(_told_already) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}
