//! Subscriptions, their policies and their ends, and what became of messages.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::{
    config::Subscription,
    error::ApiError,
    pubsub::{DeadLetter, Policy, PolicyError},
    server::{Running, Sim},
};

impl From<PolicyError> for ApiError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Subscription(_) => Self::new(404, "notFound", error.to_string()),
            _ => Self::invalid(error.to_string()),
        }
    }
}

impl Sim {
    fn dead_letters(&self, topic: Option<&str>) -> Vec<DeadLetter> {
        let of = |dead: &&DeadLetter| topic.is_none_or(|topic| dead.topic == topic);
        self.read(|world| world.pubsub.dead.iter().filter(of).cloned().collect())
    }
}

impl Running {
    /// Sets how a subscription delivers; what the policy leaves open is as by default.
    pub fn policy(&self, subscription: &str, policy: Policy) -> Result<(), PolicyError> {
        self.sim.write(|world| world.set_policy(subscription, policy))
    }

    pub fn delete_subscription(&self, subscription: &str) -> Result<(), PolicyError> {
        self.sim.write(|world| world.delete_subscription(subscription))
    }

    /// It stays listed, but gets nothing more.
    pub fn detach_subscription(&self, subscription: &str) -> Result<(), PolicyError> {
        self.sim.write(|world| world.detach_subscription(subscription))
    }

    /// Lets the subscription's idle time pass; returns whether that ended it.
    pub fn idle_subscription(&self, subscription: &str) -> Result<bool, PolicyError> {
        self.sim.write(|world| world.let_idle(subscription))
    }

    /// What was refused too often, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.sim.dead_letters(None)
    }
}

pub(super) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/pubsub", get(subscriptions).post(add))
        .route("/pubsub/announce", post(announce))
        .route("/pubsub/policy", post(policy))
        .route("/pubsub/delete", post(delete))
        .route("/pubsub/detach", post(detach))
        .route("/pubsub/idle", post(idle))
        .route("/pubsub/dead-letters", get(dead_letters))
}

type Shared = State<Arc<Sim>>;

async fn subscriptions(State(sim): Shared) -> Response {
    let (known, pending) = sim.write(|world| {
        world.expire_subscriptions();
        let show = |known: &Subscription| {
            let name = &known.subscription;
            let mut shown = json!(known);
            shown["policy"] = json!(world.pubsub.policy(name));
            shown["detached"] = json!(!world.pubsub.takes(name));
            shown
        };
        (world.subscriptions.iter().map(show).collect::<Vec<_>>(), world.pushes.len())
    });
    Json(json!({"subscriptions": known, "pending": pending})).into_response()
}

#[derive(Deserialize)]
struct New {
    #[serde(flatten)]
    subscription: Subscription,
    #[serde(default)]
    policy: Option<Policy>,
}

async fn add(State(sim): Shared, Json(new): Json<New>) -> Result<StatusCode, ApiError> {
    sim.write(|world| {
        let name = new.subscription.subscription.clone();
        world.set_subscription(new.subscription);
        new.policy.map_or(Ok(()), |policy| world.set_policy(&name, policy))
    })?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Announcement {
    account: String,
    topic: String,
    history_id: u64,
}

async fn announce(State(sim): Shared, Json(wish): Json<Announcement>) -> Response {
    let announced = sim.announce(&wish.account, &wish.topic, wish.history_id);
    Json(json!({"announced": announced})).into_response()
}

#[derive(Deserialize)]
struct SetPolicy {
    subscription: String,
    policy: Policy,
}

async fn policy(State(sim): Shared, Json(wish): Json<SetPolicy>) -> Result<StatusCode, ApiError> {
    sim.write(|world| world.set_policy(&wish.subscription, wish.policy))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Named {
    subscription: String,
}

async fn delete(State(sim): Shared, Json(wish): Json<Named>) -> Result<StatusCode, ApiError> {
    sim.write(|world| world.delete_subscription(&wish.subscription))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn detach(State(sim): Shared, Json(wish): Json<Named>) -> Result<StatusCode, ApiError> {
    sim.write(|world| world.detach_subscription(&wish.subscription))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn idle(State(sim): Shared, Json(wish): Json<Named>) -> Result<Response, ApiError> {
    let ended = sim.write(|world| world.let_idle(&wish.subscription))?;
    Ok(Json(json!({"ended": ended})).into_response())
}

#[derive(Deserialize)]
struct Topic {
    topic: Option<String>,
}

async fn dead_letters(State(sim): Shared, Query(wish): Query<Topic>) -> Json<Vec<DeadLetter>> {
    Json(sim.dead_letters(wish.topic.as_deref()))
}
