//! Pub/Sub push: signed delivery of notifications, with redelivery until acknowledged or given up.
//!
//! Invariant: a notification leaves the state only when its endpoint acknowledged it, when it is given up (attempts,
//! retention, the end of its subscription), or when a fault loses it; so one that is under way at a stop is delivered
//! after the next start.

mod policy;

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    calls::Call,
    faults::{Effect, Fired, Forgery, PUSH, PushFault, When},
    keys::KeyError,
    server::{Sim, stopped},
    state::Push,
};
pub(crate) use policy::Book;
pub use policy::{DeadLetter, DeadLetterPolicy, Policy, PolicyError};

/// Statuses that acknowledge; everything else is a refusal.
const ACKNOWLEDGED: [u16; 5] = [102, 200, 201, 202, 204];

/// Delivers one push until it is acknowledged, given up, lost by a fault, or the server stops.
pub(crate) async fn deliver(sim: Arc<Sim>, id: String) {
    let mut stopping = sim.stopping();
    loop {
        let Some((push, policy)) = sim.write(|world| world.still_wanted(&id)) else {
            return;
        };
        let outcome = tokio::select! {
            outcome = attempt(&sim, &push, &policy) => outcome,
            () = stopped(&mut stopping) => return,
        };
        match outcome {
            Outcome::Refused => {}
            Outcome::Acknowledged | Outcome::Lost => {
                sim.write(|world| world.pushes.remove(&id));
                return;
            }
        }
        let attempts = push.attempts.saturating_add(1);
        if !sim.write(|world| keep_trying(world, &id, attempts, &policy, sim.config.push_max_attempts)) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause(&sim, &policy, attempts)) => {}
            () = stopped(&mut stopping) => return,
        }
    }
}

/// Whether a refused push is delivered again; otherwise it leaves the state, for the dead letters if there are any.
fn keep_trying(world: &mut crate::state::World, id: &str, attempts: u32, policy: &Policy, limit: u32) -> bool {
    let dead_at = policy.dead_letter.as_ref().map(|dead| dead.max_delivery_attempts);
    if attempts < dead_at.unwrap_or(limit).min(limit) {
        return match world.pushes.get_mut(id) {
            Some(push) => {
                push.attempts = attempts;
                true
            }
            None => false,
        };
    }
    tracing::warn!(attempts, "a push was given up");
    if let (Some(push), Some(dead)) = (world.pushes.remove(id), &policy.dead_letter) {
        world.pubsub.dead.push(DeadLetter {
            topic: dead.topic.clone(),
            subscription: push.subscription.subscription,
            message_id: push.message_id,
            account: push.address,
            history_id: push.history_id,
            delivery_attempts: attempts,
        });
    }
    false
}

/// The pause after so many attempts: the first one, doubled with each further one, up to the longest.
fn pause(sim: &Sim, policy: &Policy, attempts: u32) -> Duration {
    let first = policy.minimum_backoff_ms.map_or(sim.config.push_min_backoff, Duration::from_millis);
    let longest = policy.maximum_backoff_ms.map_or(sim.config.push_max_backoff, Duration::from_millis).max(first);
    let doubled = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(31)));
    doubled.min(longest).max(Duration::from_millis(1))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    Refused,
    /// A fault made it vanish, as Gmail may.
    Lost,
}

/// One delivery. Of the general faults a dropped connection loses the notification, a refusal before counts as the
/// endpoint's, and one after has the notification delivered and yet delivered again.
async fn attempt(sim: &Sim, push: &Push, policy: &Policy) -> Outcome {
    let fired = sim.fired(PUSH, Some(&push.address));
    for one in &fired {
        match &one.effect {
            Effect::Delay { delay_ms } => tokio::time::sleep(Duration::from_millis(*delay_ms)).await,
            Effect::Drop(_) | Effect::Push { push: PushFault::Lost } => {
                log(sim, push, 0, &fired);
                return Outcome::Lost;
            }
            Effect::RetryAt { status, .. } | Effect::Refuse { status, .. } | Effect::Answer { status, .. }
                if one.when == When::Before =>
            {
                log(sim, push, *status, &fired);
                return Outcome::Refused;
            }
            Effect::Push { push: PushFault::Reordered } => behind_another(sim, push).await,
            _ => {}
        }
    }
    if policy.disorder && push.attempts == 0 && sim.write(|world| world.pubsub.first_of_two(&push.address)) {
        behind_another(sim, push).await;
    }
    let has = |wanted| fired.iter().any(|one| matches!(one.effect, Effect::Push { push } if push == wanted));
    let forgery = fired.iter().find_map(|one| match one.effect {
        Effect::Push { push: PushFault::Forged(forgery) } => Some(forgery),
        _ => None,
    });
    let request = match request(sim, push, policy, forgery) {
        Ok(request) => request,
        Err(error) => {
            tracing::error!(%error, "a push could not be signed");
            return Outcome::Refused;
        }
    };
    let status = post(sim, push, policy, &request).await;
    log(sim, push, status, &fired);
    if !ACKNOWLEDGED.contains(&status) {
        return Outcome::Refused;
    }
    sim.write(|world| {
        let now = world.now_ms();
        world.pubsub.used(&push.subscription.subscription, now);
        *world.pubsub.delivered.entry(push.address.clone()).or_default() += 1;
    });
    sim.delivered.send_modify(|count| *count += 1);
    if has(PushFault::Replayed) {
        let status = post(sim, push, policy, &request).await;
        log(sim, push, status, &fired);
    }
    // An acknowledgement that Pub/Sub did not get in time looks the same to the endpoint.
    let after = |one: &Fired| {
        one.when == When::After
            && matches!(one.effect, Effect::RetryAt { .. } | Effect::Refuse { .. } | Effect::Answer { .. })
    };
    let again = has(PushFault::Twice) || fired.iter().any(after) || (policy.duplicates && push.attempts == 0);
    if again { Outcome::Refused } else { Outcome::Acknowledged }
}

fn log(sim: &Sim, push: &Push, status: u16, fired: &[Fired]) {
    let faults: Vec<u64> = fired.iter().map(|one| one.id).collect();
    sim.log(Call {
        account: Some(push.address.clone()),
        method: PUSH.to_owned(),
        status,
        fault: !faults.is_empty(),
        faults,
        ..Call::default()
    });
}

/// Waits until another notification of the mailbox was delivered, or what is held is let go.
async fn behind_another(sim: &Sim, push: &Push) {
    let mut changed = sim.delivered.subscribe();
    let look = || sim.read(|world| (world.pubsub.delivered.get(&push.address).copied(), world.pubsub.released));
    let before = look();
    while look() == before {
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// What goes over the wire: the bytes of the body, and the token if there is one.
struct Request {
    body: String,
    token: Option<String>,
}

fn request(sim: &Sim, push: &Push, policy: &Policy, forgery: Option<Forgery>) -> Result<Request, KeyError> {
    let claims = claims(sim, push, forgery);
    let token = match forgery {
        Some(Forgery::NoToken) => None,
        Some(forgery) => Some(sim.keys(|keys| keys.forge(&claims, forgery))?),
        None => Some(sim.sign(&claims)?),
    };
    Ok(Request { body: body(push, policy).to_string(), token })
}

/// Posts the notification and returns the answer's status, 0 for none.
async fn post(sim: &Sim, push: &Push, policy: &Policy, request: &Request) -> u16 {
    let deadline = policy.ack_deadline_ms.map_or(sim.config.push_ack_deadline, Duration::from_millis);
    let mut post = sim
        .http
        .post(&push.subscription.push_endpoint)
        .header("content-type", "application/json")
        .timeout(deadline)
        .body(request.body.clone());
    if let Some(token) = &request.token {
        post = post.bearer_auth(token);
    }
    match &post.send().await {
        Ok(response) => response.status().as_u16(),
        Err(error) => {
            tracing::debug!(connect = error.is_connect(), timeout = error.is_timeout(), "a push was not answered");
            0
        }
    }
}

fn claims(sim: &Sim, push: &Push, forgery: Option<Forgery>) -> Value {
    let mut issued = sim.read(|world| world.now_ms()) / 1_000;
    if forgery == Some(Forgery::Expired) {
        issued -= 7_200;
    }
    let email = match forgery {
        Some(Forgery::WrongEmail) => "somebody-else@another-project.iam.example.com",
        _ => &push.subscription.service_account,
    };
    let audience = match forgery {
        Some(Forgery::WrongAudience) => "https://another-service.example.com/push",
        _ => &push.subscription.audience,
    };
    let issuer = match forgery {
        Some(Forgery::WrongIssuer) => "https://accounts.example.com",
        _ => &sim.issuer,
    };
    // The service account's numeric id is not known here; any stable number of its name serves.
    let number: u64 =
        email.bytes().fold(1_469_598_103, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211));
    json!({
        "iss": issuer,
        "aud": audience,
        "azp": number.to_string(),
        "sub": number.to_string(),
        "email": email,
        "email_verified": forgery != Some(Forgery::UnverifiedEmail),
        "iat": issued,
        "exp": issued + 3_600,
    })
}

fn body(push: &Push, policy: &Policy) -> Value {
    let data = json!({"emailAddress": push.address, "historyId": push.history_id});
    let published = crate::error::timestamp(push.published_ms);
    let mut body = json!({
        "message": {
            "data": BASE64_STANDARD.encode(data.to_string()),
            "messageId": push.message_id,
            "message_id": push.message_id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": push.subscription.subscription,
    });
    if policy.dead_letter.is_some() {
        body["deliveryAttempt"] = json!(push.attempts.saturating_add(1));
    }
    body
}
