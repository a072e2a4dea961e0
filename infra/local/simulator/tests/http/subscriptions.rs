//! Subscriptions: policies, redelivery, dead letters, expiry, duplicates, disorder, forged and replayed requests.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::{Body, Bytes, to_bytes};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet};
use serde_json::{Value, json};
use simulator::{Config, DeadLetterPolicy, Effect, Fault, Forgery, Policy, PolicyError, PushFault, Subscription, When};
use tokio::{net::TcpListener, sync::mpsc};

use crate::support::{Fixture, SUPPORT, config, mail, start_with};

const TOPIC: &str = "projects/p/topics/gmail";
const NAME: &str = "projects/p/subscriptions/gmail-push";
const AUDIENCE: &str = "https://push.example.com/audience";
const ACCOUNT: &str = "pusher@p.iam.example.com";
const DAY_MS: i64 = 86_400_000;

#[derive(Debug)]
struct Got {
    token: Option<String>,
    bytes: Bytes,
}

impl Got {
    fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn message_id(&self) -> String {
        self.body()["message"]["messageId"].as_str().unwrap().to_owned()
    }

    fn history_id(&self) -> u64 {
        let data = BASE64_STANDARD.decode(self.body()["message"]["data"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&data).unwrap()["historyId"].as_u64().unwrap()
    }
}

type Pushes = mpsc::UnboundedReceiver<Got>;

/// An endpoint that answers with the given statuses, then 204; 0 is no answer at all.
async fn endpoint(statuses: &[u16]) -> (String, Pushes) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/push", listener.local_addr().unwrap());
    let (send, receive) = mpsc::unbounded_channel();
    let script = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (send, script) = (send.clone(), script.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (send, script) = (send.clone(), script.clone());
                async move {
                    let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap());
                    let token = bearer.map(|bearer| bearer["Bearer ".len()..].to_owned());
                    let bytes = to_bytes(Body::new(request.into_body()), 65_536).await.unwrap();
                    let status = script.lock().unwrap().pop_front().unwrap_or(204);
                    send.send(Got { token, bytes }).unwrap();
                    if status == 0 {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, Infallible>(Response::builder().status(status).body(Body::empty()).unwrap())
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, receive)
}

fn subscription(push_endpoint: String) -> Subscription {
    Subscription {
        topic: TOPIC.into(),
        subscription: NAME.into(),
        push_endpoint,
        audience: AUDIENCE.into(),
        service_account: ACCOUNT.into(),
    }
}

async fn watched(url: String, policy: Policy) -> Fixture {
    // The clock is set ahead by more than a year; the token of the start serves all along.
    let lasting = Config { access_token_seconds: 40_000_000, ..config() };
    let at = start_with(Config { subscriptions: vec![subscription(url)], ..lasting }).await;
    at.sim.policy(NAME, policy).unwrap();
    watch(&at).await;
    at
}

async fn watch(at: &Fixture) {
    let (status, watch) = at.post("watch", json!({"topicName": TOPIC, "labelIds": ["INBOX"]})).await;
    assert_eq!(status, 200, "{watch}");
}

fn quick() -> Policy {
    Policy { minimum_backoff_ms: Some(1), maximum_backoff_ms: Some(4), ..Policy::default() }
}

fn deliver(at: &Fixture, id: &str) -> u64 {
    at.deliver(&mail(id, id, ""));
    at.sim.dump(SUPPORT).unwrap().history_id
}

async fn settled(at: &Fixture) {
    while at.sim.pending_pushes() > 0 {
        tokio::task::yield_now().await;
    }
}

fn on_push(push: PushFault) -> Fault {
    Fault {
        method: "pubsub.push".into(),
        account: None,
        nth: 1,
        times: 1,
        when: When::Before,
        effect: Effect::Push { push },
    }
}

#[tokio::test]
async fn what_is_refused_too_often_becomes_a_dead_letter_that_can_be_read() {
    let (url, mut pushes) = endpoint(&[500; 5]).await;
    let dead = DeadLetterPolicy { topic: "projects/p/topics/dead".into(), max_delivery_attempts: 5 };
    let at = watched(url, Policy { dead_letter: Some(dead), ..quick() }).await;
    let history_id = deliver(&at, "a@customer.test");
    let mut attempts = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let got = pushes.recv().await.unwrap();
        attempts.push(got.body()["deliveryAttempt"].as_u64().unwrap());
        ids.push(got.message_id());
    }
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
    settled(&at).await;
    let url = at.url("/_sim/pubsub/dead-letters?topic=projects/p/topics/dead");
    let letters: Vec<Value> = at.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0]["message_id"], &letters[0]["history_id"]), (&json!(ids[0]), &json!(history_id)));
    assert_eq!((&letters[0]["delivery_attempts"], &letters[0]["subscription"]), (&json!(5), &json!(NAME)));
    assert_eq!(at.sim.dead_letters().len(), 1);
    deliver(&at, "b@customer.test");
    assert_eq!(pushes.recv().await.unwrap().body()["deliveryAttempt"], 1);
}

#[tokio::test]
async fn without_a_dead_letter_policy_no_attempt_is_counted_and_it_goes_on() {
    let (url, mut pushes) = endpoint(&[500; 25]).await;
    let at = watched(url, quick()).await;
    deliver(&at, "a@customer.test");
    for _ in 0..26 {
        assert!(pushes.recv().await.unwrap().body().get("deliveryAttempt").is_none());
    }
    settled(&at).await;
    assert!(at.sim.dead_letters().is_empty());
}

#[tokio::test]
async fn the_ack_deadline_is_the_time_out_of_the_request() {
    let (url, mut pushes) = endpoint(&[0]).await;
    let at = watched(url, Policy { ack_deadline_ms: Some(20), ..quick() }).await;
    deliver(&at, "a@customer.test");
    let (first, second) = (pushes.recv().await.unwrap(), pushes.recv().await.unwrap());
    assert_eq!(first.message_id(), second.message_id());
    settled(&at).await;
    let statuses: Vec<u16> =
        at.sim.calls().iter().filter(|call| call.method == "pubsub.push").map(|call| call.status).collect();
    assert_eq!(statuses, [0, 204]);
}

#[tokio::test]
async fn messages_are_kept_as_long_as_the_retention_says() {
    let (url, mut pushes) = endpoint(&[500]).await;
    let policy = Policy { retention_ms: 600_000, minimum_backoff_ms: Some(300), ..Policy::default() };
    let at = watched(url, policy).await;
    deliver(&at, "a@customer.test");
    pushes.recv().await.unwrap();
    at.sim.set_clock_offset(600_001);
    settled(&at).await;
    assert!(pushes.try_recv().is_err(), "it was dropped, not delivered");
}

#[tokio::test]
async fn an_idle_subscription_is_deleted_and_its_pushes_vanish() {
    let (url, mut pushes) = endpoint(&[]).await;
    let at = watched(url.clone(), quick()).await;
    at.sim.set_clock_offset(20 * DAY_MS);
    watch(&at).await;
    deliver(&at, "used@customer.test");
    pushes.recv().await.unwrap();
    settled(&at).await;
    at.sim.set_clock_offset(50 * DAY_MS);
    watch(&at).await;
    deliver(&at, "kept@customer.test");
    pushes.recv().await.unwrap();
    settled(&at).await;
    at.sim.set_clock_offset(81 * DAY_MS + 1_000);
    watch(&at).await;
    deliver(&at, "gone@customer.test");
    assert_eq!(at.sim.pending_pushes(), 0, "31 days after the last acknowledgement");
    let shown: Value = at.http.get(at.url("/_sim/pubsub")).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["subscriptions"], json!([]));
    assert_eq!(at.sim.policy(NAME, Policy::default()), Err(PolicyError::Subscription(NAME.into())));
    watch(&at).await;

    let again = json!({
        "topic": TOPIC, "subscription": NAME, "push_endpoint": url, "audience": AUDIENCE,
        "service_account": ACCOUNT, "policy": {"expiration_ms": null},
    });
    assert_eq!(at.http.post(at.url("/_sim/pubsub")).json(&again).send().await.unwrap().status(), 204);
    at.sim.set_clock_offset(400 * DAY_MS);
    watch(&at).await;
    deliver(&at, "never@customer.test");
    pushes.recv().await.unwrap();
}

#[tokio::test]
async fn idleness_detachment_and_deletion_on_request() {
    for word in ["idle", "detach", "delete"] {
        let (url, mut pushes) = endpoint(&[]).await;
        let at = watched(url.clone(), quick()).await;
        let other = Subscription { subscription: "projects/p/subscriptions/other".into(), ..subscription(url) };
        at.sim.subscription(other);
        deliver(&at, "a@customer.test");
        let both = [pushes.recv().await.unwrap(), pushes.recv().await.unwrap()];
        assert_ne!(both[0].body()["subscription"], both[1].body()["subscription"], "each gets its own");
        settled(&at).await;
        let url = at.url(&format!("/_sim/pubsub/{word}"));
        let name = json!({"subscription": NAME});
        assert!(at.http.post(&url).json(&name).send().await.unwrap().status().is_success(), "{word}");
        deliver(&at, "b@customer.test");
        assert_eq!(pushes.recv().await.unwrap().body()["subscription"], "projects/p/subscriptions/other");
        settled(&at).await;
        assert!(pushes.try_recv().is_err());
        let status = at.http.post(&url).json(&name).send().await.unwrap().status();
        assert_eq!(status.is_success(), word == "detach", "{word}: only that one is still there");
    }
    let (url, _pushes) = endpoint(&[]).await;
    let at = watched(url, Policy { expiration_ms: None, ..quick() }).await;
    assert_eq!(at.sim.idle_subscription(NAME), Ok(false), "it never expires");
}

#[tokio::test]
async fn policies_are_held_to_their_limits() {
    let (url, _pushes) = endpoint(&[]).await;
    let at = watched(url, quick()).await;
    let dead = |attempts| DeadLetterPolicy { topic: "t".into(), max_delivery_attempts: attempts };
    for wrong in [
        Policy { ack_deadline_ms: Some(600_001), ..quick() },
        Policy { maximum_backoff_ms: Some(600_001), ..quick() },
        Policy { minimum_backoff_ms: Some(5), ..quick() },
        Policy { dead_letter: Some(dead(4)), ..quick() },
        Policy { dead_letter: Some(dead(101)), ..quick() },
        Policy { retention_ms: 1, ..quick() },
        Policy { expiration_ms: Some(1), ..quick() },
    ] {
        assert!(at.sim.policy(NAME, wrong.clone()).is_err(), "{wrong:?}");
    }
    let unknown = json!({"subscription": NAME, "policy": {"ack_dedline_ms": 1}});
    let response = at.http.post(at.url("/_sim/pubsub/policy")).json(&unknown).send().await.unwrap();
    assert_eq!(response.status(), 422);
}

#[tokio::test]
async fn duplicates_and_disorder_come_as_the_policy_says() {
    let (url, mut pushes) = endpoint(&[]).await;
    let at = watched(url, Policy { duplicates: true, ..quick() }).await;
    deliver(&at, "a@customer.test");
    let (first, second) = (pushes.recv().await.unwrap(), pushes.recv().await.unwrap());
    assert_eq!((first.message_id(), &first.bytes), (second.message_id(), &second.bytes));
    settled(&at).await;
    assert!(pushes.try_recv().is_err(), "twice, not more");

    at.sim.policy(NAME, Policy { disorder: true, ..quick() }).unwrap();
    let early = deliver(&at, "b@customer.test");
    let late = deliver(&at, "c@customer.test");
    let order = [pushes.recv().await.unwrap().history_id(), pushes.recv().await.unwrap().history_id()];
    assert_eq!(order, [late, early]);
}

#[tokio::test]
async fn a_push_is_overtaken_by_a_later_one() {
    let (url, mut pushes) = endpoint(&[]).await;
    let at = watched(url, quick()).await;
    at.sim.fault(on_push(PushFault::Reordered));
    let early = deliver(&at, "a@customer.test");
    let late = deliver(&at, "b@customer.test");
    let order = [pushes.recv().await.unwrap().history_id(), pushes.recv().await.unwrap().history_id()];
    assert_eq!(order, [late, early]);
    settled(&at).await;

    at.sim.fault(on_push(PushFault::Reordered));
    let held = deliver(&at, "c@customer.test");
    while at.sim.faults().iter().all(|armed| armed.fired == 0 || armed.id == 1) {
        tokio::task::yield_now().await;
    }
    at.sim.clear_faults();
    assert_eq!(pushes.recv().await.unwrap().history_id(), held, "clearing lets it go");
}

#[tokio::test]
async fn repeated_is_another_token_and_replayed_is_the_same() {
    let (url, mut pushes) = endpoint(&[]).await;
    let at = watched(url, quick()).await;
    at.sim.fault(on_push(PushFault::Replayed));
    deliver(&at, "a@customer.test");
    let (first, second) = (pushes.recv().await.unwrap(), pushes.recv().await.unwrap());
    assert_eq!((&first.bytes, &first.token), (&second.bytes, &second.token));
    settled(&at).await;
    at.sim.fault(on_push(PushFault::Twice));
    deliver(&at, "b@customer.test");
    let (first, second) = (pushes.recv().await.unwrap(), pushes.recv().await.unwrap());
    assert_eq!(first.message_id(), second.message_id());
    settled(&at).await;
    at.sim.fault(on_push(PushFault::Lost));
    deliver(&at, "c@customer.test");
    settled(&at).await;
    assert!(pushes.try_recv().is_err());
}

/// What a careful endpoint finds wrong with a token.
fn verdict(token: Option<&str>, keys: &JwkSet, issuer: &str) -> String {
    let Some(token) = token else { return "no token".into() };
    let Ok(header) = decode_header(token) else { return "header".into() };
    if header.alg != Algorithm::RS256 {
        return format!("{:?}", header.alg);
    }
    let Some(key) = keys.find(header.kid.as_deref().unwrap_or_default()) else { return "unknown key".into() };
    let mut wanted = Validation::new(Algorithm::RS256);
    wanted.set_audience(&[AUDIENCE]);
    wanted.set_issuer(&[issuer]);
    match decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &wanted) {
        Ok(token) if token.claims["email"] != ACCOUNT => "e-mail".into(),
        Ok(token) if token.claims["email_verified"] != true => "unverified".into(),
        Ok(_) => "good".into(),
        Err(error) => match error.kind() {
            ErrorKind::InvalidSignature => "signature".into(),
            ErrorKind::InvalidAudience => "audience".into(),
            ErrorKind::InvalidIssuer => "issuer".into(),
            ErrorKind::ExpiredSignature => "expired".into(),
            other => format!("{other:?}"),
        },
    }
}

#[tokio::test]
async fn each_forgery_is_wrong_in_one_way_and_the_redelivery_is_good() {
    let (url, mut pushes) = endpoint(&[401, 204].repeat(10)).await;
    let at = watched(url, quick()).await;
    let keys: JwkSet = at.http.get(at.url("/oauth2/v3/certs")).send().await.unwrap().json().await.unwrap();
    for (forgery, wanted) in [
        (Forgery::WrongKey, "signature"),
        (Forgery::UnknownKey, "unknown key"),
        (Forgery::WrongAudience, "audience"),
        (Forgery::WrongIssuer, "issuer"),
        (Forgery::WrongEmail, "e-mail"),
        (Forgery::UnverifiedEmail, "unverified"),
        (Forgery::AlgNone, "header"),
        (Forgery::Hs256, "HS256"),
        (Forgery::Expired, "expired"),
        (Forgery::NoToken, "no token"),
    ] {
        at.sim.fault(on_push(PushFault::Forged(forgery)));
        deliver(&at, "a@customer.test");
        let forged = pushes.recv().await.unwrap();
        assert_eq!(verdict(forged.token.as_deref(), &keys, at.sim.url()), wanted, "{forgery:?}");
        if forgery == Forgery::AlgNone {
            assert!(forged.token.as_deref().unwrap().ends_with('.'), "without a signature");
        }
        let again = pushes.recv().await.unwrap();
        assert_eq!(verdict(again.token.as_deref(), &keys, at.sim.url()), "good", "{forgery:?}");
        assert_eq!(again.message_id(), forged.message_id());
        settled(&at).await;
    }
}

#[tokio::test]
async fn policies_dead_letters_and_pushes_survive_a_restart() {
    let dir = std::env::temp_dir().join(format!("simulator-subscriptions-{}", std::process::id()));
    let (url, mut pushes) = endpoint(&[500, 500]).await;
    let kept = Config { state_dir: Some(dir.clone()), ..config() };
    let at = start_with(Config { subscriptions: vec![subscription(url)], ..kept.clone() }).await;
    let dead = DeadLetterPolicy { topic: "projects/p/topics/dead".into(), max_delivery_attempts: 100 };
    let slow = Policy { minimum_backoff_ms: Some(600_000), dead_letter: Some(dead), ..Policy::default() };
    at.sim.policy(NAME, slow).unwrap();
    watch(&at).await;
    deliver(&at, "a@customer.test");
    let first = pushes.recv().await.unwrap();
    while at.sim.calls().iter().all(|call| call.method != "pubsub.push") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    at.sim.stop().await.unwrap();
    let at = start_with(kept).await;
    let again = pushes.recv().await.unwrap();
    assert_eq!(again.message_id(), first.message_id());
    assert_eq!(again.body()["deliveryAttempt"], 2, "the policy and the count were kept");
    at.sim.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
