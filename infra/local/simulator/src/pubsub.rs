//! Pub/Sub push: signed delivery of notifications, with redelivery until acknowledged or given up.
//!
//! Invariant: a notification leaves the state only when its endpoint acknowledged it or its attempts are used up, so
//! one that is under way at a stop is delivered after the next start.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    faults::{Effect, When},
    server::{Sim, stopped},
    state::Push,
};

/// Statuses that acknowledge; everything else is a refusal.
const ACKNOWLEDGED: [u16; 5] = [102, 200, 201, 202, 204];
const METHOD: &str = "pubsub.push";

/// Delivers one push until it is acknowledged, given up, lost by a fault, or the server stops.
pub(crate) async fn deliver(sim: Arc<Sim>, id: String) {
    let mut stopping = sim.stopping();
    let mut pause = sim.config.push_min_backoff;
    loop {
        let Some(push) = sim.read(|world| world.pushes.get(&id).cloned()) else {
            return;
        };
        let outcome = tokio::select! {
            outcome = attempt(&sim, &push) => outcome,
            () = stopped(&mut stopping) => return,
        };
        let attempts = push.attempts + 1;
        if outcome != Outcome::Refused || attempts >= sim.config.push_max_attempts {
            if outcome == Outcome::Refused {
                tracing::warn!(attempts, "a push was given up");
            }
            sim.write(|world| world.pushes.remove(&id));
            return;
        }
        sim.write(|world| {
            if let Some(push) = world.pushes.get_mut(&id) {
                push.attempts = attempts;
            }
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stopping) => return,
        }
        pause = (pause * 2).min(sim.config.push_max_backoff).max(Duration::from_millis(1));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    Refused,
    /// A fault made it vanish, as Gmail may.
    Lost,
}

/// One delivery. Faults of `pubsub.push`: a dropped connection loses the notification, a refusal before counts as the
/// endpoint's, one after has the notification delivered and yet delivered again.
async fn attempt(sim: &Sim, push: &Push) -> Outcome {
    let fired = sim.fired(METHOD, Some(&push.address));
    let log = |status| sim.log(METHOD, Some(push.address.clone()), 0, status, !fired.is_empty());
    for (when, effect) in &fired {
        match effect {
            Effect::Delay { delay_ms } => tokio::time::sleep(Duration::from_millis(*delay_ms)).await,
            Effect::Drop(_) => {
                log(0);
                return Outcome::Lost;
            }
            Effect::Refuse { status, .. } | Effect::Answer { status, .. } if *when == When::Before => {
                log(*status);
                return Outcome::Refused;
            }
            Effect::Refuse { .. } | Effect::Answer { .. } => {}
        }
    }
    let status = post(sim, push).await;
    log(status);
    let repeat = fired.iter().any(|(when, effect)| *when == When::After && !matches!(effect, Effect::Delay { .. }));
    if ACKNOWLEDGED.contains(&status) && !repeat { Outcome::Acknowledged } else { Outcome::Refused }
}

/// Posts the notification and returns the answer's status, 0 for none.
async fn post(sim: &Sim, push: &Push) -> u16 {
    let token = match sim.sign(&claims(sim, push)) {
        Ok(token) => token,
        Err(error) => {
            tracing::error!(%error, "a push could not be signed");
            return 0;
        }
    };
    let answer = sim
        .http
        .post(&push.subscription.push_endpoint)
        .bearer_auth(token)
        .timeout(sim.config.push_ack_deadline)
        .json(&body(push))
        .send()
        .await;
    match &answer {
        Ok(response) => response.status().as_u16(),
        Err(error) => {
            tracing::debug!(connect = error.is_connect(), timeout = error.is_timeout(), "a push was not answered");
            0
        }
    }
}

fn claims(sim: &Sim, push: &Push) -> Value {
    let issued = sim.read(|world| world.now_ms()) / 1_000;
    // The service account's numeric id is not known here; any stable number of its name serves.
    let number: u64 = push
        .subscription
        .service_account
        .bytes()
        .fold(1_469_598_103, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211));
    json!({
        "iss": sim.issuer,
        "aud": push.subscription.audience,
        "azp": number.to_string(),
        "sub": number.to_string(),
        "email": push.subscription.service_account,
        "email_verified": true,
        "iat": issued,
        "exp": issued + 3_600,
    })
}

fn body(push: &Push) -> Value {
    let data = json!({"emailAddress": push.address, "historyId": push.history_id});
    let published = jiff::Timestamp::from_millisecond(push.published_ms)
        .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    json!({
        "message": {
            "data": BASE64_STANDARD.encode(data.to_string()),
            "messageId": push.message_id,
            "message_id": push.message_id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": push.subscription.subscription,
    })
}
