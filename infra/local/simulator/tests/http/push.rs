use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::{Body, to_bytes};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use simulator::{Config, Effect, Fault, Subscription, When};
use tokio::{net::TcpListener, sync::mpsc};

use crate::support::{Fixture, SUPPORT, config, mail, reason, start_with};

const TOPIC: &str = "projects/p/topics/gmail";
const AUDIENCE: &str = "https://push.example.com/audience";
const ACCOUNT: &str = "pusher@p.iam.example.com";

struct Got {
    token: String,
    body: Value,
}

/// An endpoint that answers with the given statuses, then 204.
async fn endpoint(statuses: &[u16]) -> (String, mpsc::UnboundedReceiver<Got>) {
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
                    let token = request.headers()["authorization"].to_str().unwrap()["Bearer ".len()..].to_owned();
                    let bytes = to_bytes(Body::new(request.into_body()), 65_536).await.unwrap();
                    let status = script.lock().unwrap().pop_front().unwrap_or(204);
                    send.send(Got { token, body: serde_json::from_slice(&bytes).unwrap() }).unwrap();
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
        subscription: "projects/p/subscriptions/gmail-push".into(),
        push_endpoint,
        audience: AUDIENCE.into(),
        service_account: ACCOUNT.into(),
    }
}

async fn watched(url: String, change: impl FnOnce(&mut Config)) -> (Fixture, Value) {
    let mut config =
        Config { push_min_backoff: Duration::from_millis(5), subscriptions: vec![subscription(url)], ..config() };
    change(&mut config);
    let at = start_with(config).await;
    let (status, watch) = at.post("watch", json!({"topicName": TOPIC, "labelIds": ["INBOX"]})).await;
    assert_eq!(status, 200, "{watch}");
    (at, watch)
}

#[tokio::test]
async fn a_change_is_pushed_signed_and_again_after_a_refusal() {
    let (url, mut pushes) = endpoint(&[503, 400]).await;
    let (at, watch) = watched(url, |_| {}).await;
    assert!(watch["expiration"].as_str().unwrap().parse::<i64>().unwrap() > 0);
    at.deliver(&mail("a@customer.test", "Parcel", ""));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(pushes.recv().await.unwrap());
    }
    let ids: Vec<_> = seen.iter().map(|got| &got.body["message"]["messageId"]).collect();
    assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "the same message, delivered again");
    let got = &seen[2];
    assert_eq!(got.body["message"]["messageId"], got.body["message"]["message_id"]);
    assert_eq!(got.body["subscription"], "projects/p/subscriptions/gmail-push");
    assert!(got.body["message"]["publishTime"].as_str().unwrap().ends_with('Z'));
    let data = BASE64_STANDARD.decode(got.body["message"]["data"].as_str().unwrap()).unwrap();
    let data: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(data, json!({"emailAddress": SUPPORT, "historyId": at.sim.dump(SUPPORT).unwrap().history_id}));

    let keys: JwkSet = at.http.get(at.url("/oauth2/v3/certs")).send().await.unwrap().json().await.unwrap();
    let kid = decode_header(&got.token).unwrap().kid.unwrap();
    let mut wanted = Validation::new(Algorithm::RS256);
    wanted.set_audience(&[AUDIENCE]);
    wanted.set_issuer(&[at.sim.url()]);
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let claims = decode::<Value>(&got.token, &key, &wanted).unwrap().claims;
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(ACCOUNT), &json!(true)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    while at.sim.pending_pushes() > 0 {
        tokio::task::yield_now().await;
    }
    let statuses: Vec<u16> =
        at.sim.calls().iter().filter(|call| call.method == "pubsub.push").map(|call| call.status).collect();
    assert_eq!(statuses, [503, 400, 204]);
}

#[tokio::test]
async fn only_the_watched_label_is_announced_until_the_watch_ends() {
    let (url, mut pushes) = endpoint(&[]).await;
    let (at, _) = watched(url, |_| {}).await;
    let starred = simulator::Deliver { labels: vec!["STARRED".into()], ..Default::default() };
    at.sim.deliver(SUPPORT, mail("s@customer.test", "Star", ""), &starred).unwrap();
    let announced = at.deliver(&mail("a@customer.test", "Parcel", ""));
    pushes.recv().await.unwrap();
    at.sim.relabel(SUPPORT, &announced.id, &[], &["INBOX"]).unwrap();
    pushes.recv().await.unwrap();

    at.sim.set_clock_offset(7 * 86_400_000 + 1);
    at.deliver(&mail("b@customer.test", "Late", ""));
    at.sim.set_clock_offset(0);
    assert_eq!(at.post("stop", json!({})).await.0, 204);
    at.deliver(&mail("c@customer.test", "Stopped", ""));
    assert_eq!(at.sim.pending_pushes(), 0);
    let (status, _) = at.post("watch", json!({"topicName": TOPIC, "labelIds": ["INBOX"]})).await;
    assert_eq!(status, 200);
    let last = at.deliver(&mail("d@customer.test", "Seen", ""));
    let got = pushes.recv().await.unwrap();
    let data = BASE64_STANDARD.decode(got.body["message"]["data"].as_str().unwrap()).unwrap();
    let data: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(data["historyId"], at.sim.dump(SUPPORT).unwrap().history_id, "{last:?}");
}

#[tokio::test]
async fn a_watch_is_checked() {
    let (url, _pushes) = endpoint(&[]).await;
    let (at, _) = watched(url.clone(), |_| {}).await;
    assert_eq!(at.post("watch", json!({"topicName": "gmail"})).await.0, 400);
    assert_eq!(at.post("watch", json!({"topicName": "projects/p/topics/unknown"})).await.0, 404);
    let other =
        Subscription { topic: "projects/p/topics/other".into(), subscription: "other".into(), ..subscription(url) };
    at.sim.subscription(other);
    let (status, body) = at.post("watch", json!({"topicName": "projects/p/topics/other"})).await;
    assert_eq!((status, reason(&body)), (400, "invalidArgument"));
    assert!(body["error"]["message"].as_str().unwrap().contains("Only one user push notification client"));
}

#[tokio::test]
async fn a_push_is_given_up_after_its_attempts() {
    let (url, mut pushes) = endpoint(&[500; 8]).await;
    let (at, _) = watched(url, |config| config.push_max_attempts = 3).await;
    at.deliver(&mail("a@customer.test", "Parcel", ""));
    for _ in 0..3 {
        pushes.recv().await.unwrap();
    }
    while at.sim.pending_pushes() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(at.sim.calls().iter().filter(|call| call.method == "pubsub.push").count(), 3);
}

#[tokio::test]
async fn above_one_a_second_pushes_are_dropped_when_asked_for() {
    let (url, mut pushes) = endpoint(&[]).await;
    let (at, _) = watched(url, |config| config.push_rate_limit = true).await;
    at.deliver(&mail("a@customer.test", "One", ""));
    at.sim.set_clock_offset(-60_000);
    at.deliver(&mail("b@customer.test", "Two", ""));
    assert!(at.sim.pending_pushes() <= 1, "the second was dropped");
    pushes.recv().await.unwrap();
    at.sim.set_clock_offset(5_000);
    at.deliver(&mail("c@customer.test", "Three", ""));
    let got = pushes.recv().await.unwrap();
    let data = BASE64_STANDARD.decode(got.body["message"]["data"].as_str().unwrap()).unwrap();
    let data: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(data["historyId"], at.sim.dump(SUPPORT).unwrap().history_id);
}

#[tokio::test]
async fn notifications_are_lost_repeated_and_invented_on_demand() {
    let (url, mut pushes) = endpoint(&[]).await;
    let (at, _) = watched(url, |_| {}).await;
    let number = |got: &Got| {
        let data = BASE64_STANDARD.decode(got.body["message"]["data"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&data).unwrap()["historyId"].clone()
    };
    let set = |when, effect| Fault { method: "pubsub.push".into(), account: None, nth: 1, times: 1, when, effect };
    at.sim.fault(set(When::Before, Effect::drop_connection()));
    at.deliver(&mail("lost@customer.test", "Lost", ""));
    while at.sim.pending_pushes() > 0 {
        tokio::task::yield_now().await;
    }
    at.sim.fault(set(When::After, Effect::refuse(503, "again")));
    at.deliver(&mail("twice@customer.test", "Twice", ""));
    let (first, second) = (pushes.recv().await.unwrap(), pushes.recv().await.unwrap());
    assert_eq!(number(&first), at.sim.dump(SUPPORT).unwrap().history_id);
    assert_eq!(first.body["message"]["messageId"], second.body["message"]["messageId"]);
    assert_eq!(at.sim.announce(SUPPORT, TOPIC, 7), 1);
    assert_eq!(number(&pushes.recv().await.unwrap()), 7);
}

#[tokio::test]
async fn a_notification_under_way_survives_a_restart() {
    let dir = std::env::temp_dir().join(format!("simulator-push-{}", std::process::id()));
    let (url, mut pushes) = endpoint(&[503]).await;
    let keep = dir.clone();
    let (at, _) = watched(url.clone(), move |config| {
        config.state_dir = Some(keep);
        config.push_min_backoff = Duration::from_secs(3_600);
        config.push_max_backoff = Duration::from_secs(3_600);
    })
    .await;
    at.deliver(&mail("a@customer.test", "Parcel", ""));
    let refused = pushes.recv().await.unwrap();
    at.sim.stop().await.unwrap();

    let at = start_with(Config { state_dir: Some(dir.clone()), ..config() }).await;
    let again = pushes.recv().await.unwrap();
    assert_eq!(again.body, refused.body);
    at.sim.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
