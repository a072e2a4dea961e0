//! A push as API Gateway hands it over, to the answer that Pub/Sub gets.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "../../shared/google/tests/wire/signer.rs"]
mod signer;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::address::EmailAddress;
use channel::ids::{HistoryId, MailboxId};
use channel::ports::*;
use channel::record::{AddressOwner, MailboxMeta, MailboxView, Organisation};
use channel::time::Timestamp;
use channel::work::SyncWork;
use gmail_webhook::{Webhook, respond};
use google::jwks::Jwks;
use google::push::{PushRules, PushVerifier};
use lambda_http::Request;
use runtime::once::Once;
use serde_json::{Value, json};
use signer::Signer;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const EVENT: &str = include_str!("../../../tests/fixtures/events/gmail-webhook.json");
/// What the fixture's push says.
const SUBSCRIPTION: &str = "projects/postroom-local/subscriptions/gmail-push";
const MAILBOX_ADDRESS: &str = "support@postroom.test";
const HISTORY_ID: u64 = 4711;

const AUDIENCE: &str = "https://postroom.example/gmail/push";
const ACCOUNT: &str = "gmail-push@postroom-local.iam.gserviceaccount.test";
const NOW: i64 = 1_795_363_200;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new("k1"));

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }
}

/// The address itself, so that a test sees what was looked up.
struct PlainPseudonyms;

impl Pseudonyms for PlainPseudonyms {
    fn of(&self, address: &EmailAddress) -> String {
        address.canonical()
    }
}

#[derive(Default)]
struct World {
    owner: Option<AddressOwner>,
    store_down: bool,
    queue_down: AtomicBool,
    lookups: Mutex<Vec<String>>,
    queued: Mutex<Vec<(SyncWork, Duration)>>,
}

#[async_trait]
impl Mailboxes for World {
    async fn mailbox(&self, _: &MailboxId) -> Result<Option<MailboxView>, StoreError> {
        panic!("a push reads nothing but the owner of its address")
    }

    async fn mailboxes(&self) -> Result<Vec<MailboxMeta>, StoreError> {
        panic!("a push reads nothing but the owner of its address")
    }

    async fn organisation(&self) -> Result<Organisation, StoreError> {
        panic!("a push reads nothing but the owner of its address")
    }

    async fn address_owner(&self, address_hash: &str) -> Result<Option<AddressOwner>, StoreError> {
        self.lookups.lock().unwrap().push(address_hash.to_owned());
        if self.store_down { Err(StoreError::Unavailable("down".to_owned())) } else { Ok(self.owner.clone()) }
    }
}

#[async_trait]
impl SyncQueue for World {
    async fn send(&self, work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError> {
        if self.queue_down.load(Ordering::SeqCst) {
            return Err(QueueError("throttled".to_owned()));
        }
        self.queued.lock().unwrap().extend(work.into_iter().map(|work| (work, after)));
        Ok(())
    }
}

fn owned(mailbox: Option<&str>) -> World {
    let mailbox = mailbox.map(|id| MailboxId::parse(id).unwrap());
    World { owner: Some(AddressOwner { ver: 1, address_hash: MAILBOX_ADDRESS.into(), mailbox }), ..World::default() }
}

/// Serves the signer's keys for ever.
async fn key_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            let body = SIGNER.jwks().to_string();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    url
}

fn webhook(keys_url: &str, world: &Arc<World>) -> Webhook {
    let jwks = Arc::new(Jwks::new(runtime::http::client().unwrap(), keys_url, Arc::new(FixedClock)));
    let rules = PushRules {
        issuer: "https://accounts.google.com".into(),
        audience: AUDIENCE.into(),
        service_account: EmailAddress::parse(ACCOUNT).unwrap(),
    };
    Webhook {
        verifier: PushVerifier::new(jwks, Arc::new(FixedClock), rules),
        subscription: SUBSCRIPTION.into(),
        pseudonyms: Arc::new(PlainPseudonyms),
        mailboxes: world.clone(),
        queue: world.clone(),
    }
}

fn claims() -> Value {
    json!({"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": true,
        "iat": NOW - 1, "exp": NOW + 3599})
}

fn request(token: Option<&str>, body: Option<&[u8]>) -> Request {
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    match token {
        Some(token) => event["headers"]["authorization"] = json!(format!("Bearer {token}")),
        None => drop(event["headers"].as_object_mut().unwrap().remove("authorization")),
    }
    if let Some(body) = body {
        event["body"] = json!(STANDARD.encode(body));
        event["isBase64Encoded"] = json!(true);
    }
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

fn push(address: &str, subscription: &str) -> Vec<u8> {
    let data = STANDARD.encode(json!({"emailAddress": address, "historyId": HISTORY_ID}).to_string());
    json!({"message": {"data": data, "messageId": "1"}, "subscription": subscription}).to_string().into()
}

async fn answer(world: World, request: &Request) -> (u16, Arc<World>) {
    let world = Arc::new(world);
    let status = webhook(&key_server().await, &world).answer(request).await;
    (status.as_u16(), world)
}

fn queued(world: &World) -> Vec<(SyncWork, Duration)> {
    world.queued.lock().unwrap().clone()
}

#[tokio::test]
async fn a_push_becomes_one_sync_of_its_mailbox() {
    let (status, world) = answer(owned(Some("m1")), &request(Some(&SIGNER.sign(&claims())), None)).await;
    assert_eq!(status, 204);
    let sync = SyncWork::Sync { mailbox: MailboxId::parse("m1").unwrap(), pushed: Some(HistoryId(HISTORY_ID)) };
    assert_eq!(queued(&world), [(sync, Duration::ZERO)]);
    assert_eq!(*world.lookups.lock().unwrap(), [MAILBOX_ADDRESS]);
}

#[tokio::test]
async fn a_body_in_base64_and_an_address_in_capitals_are_read() {
    let body = push("SUPPORT@PostRoom.test", SUBSCRIPTION);
    let (status, world) = answer(owned(Some("m1")), &request(Some(&SIGNER.sign(&claims())), Some(&body))).await;
    assert_eq!((status, queued(&world).len()), (204, 1));
    assert_eq!(*world.lookups.lock().unwrap(), [MAILBOX_ADDRESS]);
}

#[tokio::test]
async fn fault_25_a_push_without_a_good_token_reads_and_writes_nothing() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        SIGNER.sign(&claims)
    };
    for token in [
        None,
        Some("not-a-token".to_owned()),
        Some(String::new()),
        Some(Signer::new("k1").sign(&claims())),
        Some(with("aud", json!("https://else.example"))),
        Some(with("iss", json!("https://else.example"))),
        Some(with("email", json!("someone@else.example"))),
        Some(with("email_verified", json!(false))),
        Some(with("exp", json!(NOW - 61))),
        Some(with("iat", json!(NOW + 61))),
    ] {
        let (status, world) = answer(owned(Some("m1")), &request(token.as_deref(), None)).await;
        assert_eq!(status, 401, "{token:?}");
        assert!(world.lookups.lock().unwrap().is_empty() && queued(&world).is_empty(), "{token:?}");
    }
}

#[tokio::test]
async fn the_authoriser_in_front_is_not_believed() {
    // The fixture's `authorizer` names good claims, yet its token is none.
    let request = lambda_http::request::from_str(EVENT).unwrap();
    let (status, world) = answer(owned(Some("m1")), &request).await;
    assert_eq!((status, queued(&world).len()), (401, 0));
}

#[tokio::test]
async fn fault_27_a_signed_push_that_makes_no_sense_is_acknowledged() {
    let data = |text: &str| {
        let message = json!({"data": STANDARD.encode(text), "messageId": "1"});
        json!({"message": message, "subscription": SUBSCRIPTION}).to_string().into_bytes()
    };
    for body in [
        Vec::new(),
        b"{".to_vec(),
        vec![0xff; 16],
        json!({"emailAddress": MAILBOX_ADDRESS, "historyId": 7}).to_string().into_bytes(),
        json!({"message": {"data": "%%%"}, "subscription": SUBSCRIPTION}).to_string().into_bytes(),
        data("not json"),
        data(r#"{"emailAddress":"support@postroom.test","historyId":"soon"}"#),
        data(r#"{"emailAddress":"support@postroom.test","historyId":-1}"#),
        data(r#"{"emailAddress":"support@postroom.test","historyId":1.5}"#),
        data(r#"{"emailAddress":"support@postroom.test","historyId":18446744073709551616}"#),
        data(r#"{"historyId":7}"#),
        vec![b'x'; 5 * 1024 * 1024],
        push(MAILBOX_ADDRESS, "projects/other/subscriptions/gmail-push"),
        // Unwrapped, as a subscription without its envelope sends it.
        json!({"emailAddress": MAILBOX_ADDRESS, "historyId": HISTORY_ID}).to_string().into_bytes(),
    ] {
        let (status, world) = answer(owned(Some("m1")), &request(Some(&SIGNER.sign(&claims())), Some(&body))).await;
        assert_eq!(status, 204, "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
        assert!(world.lookups.lock().unwrap().is_empty() && queued(&world).is_empty());
    }
}

#[tokio::test]
async fn a_push_for_a_mailbox_that_is_not_ours_is_acknowledged() {
    for world in [World::default(), owned(None)] {
        let (status, world) = answer(world, &request(Some(&SIGNER.sign(&claims())), None)).await;
        assert_eq!((status, queued(&world).len()), (204, 0));
        assert_eq!(world.lookups.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn fault_28_a_push_comes_again_while_store_or_queue_is_down() {
    for world in
        [World { store_down: true, ..owned(Some("m1")) }, World { queue_down: true.into(), ..owned(Some("m1")) }]
    {
        let (status, world) = answer(world, &request(Some(&SIGNER.sign(&claims())), None)).await;
        assert_eq!((status, queued(&world).len()), (503, 0));
    }
}

#[tokio::test]
async fn fault_28_the_repeated_push_is_queued_once_the_queue_is_back() {
    let world = Arc::new(World { queue_down: true.into(), ..owned(Some("m1")) });
    let webhook = webhook(&key_server().await, &world);
    let push = request(Some(&SIGNER.sign(&claims())), None);
    for _ in 0..3 {
        assert_eq!(webhook.answer(&push).await.as_u16(), 503);
    }
    assert!(queued(&world).is_empty());
    world.queue_down.store(false, Ordering::SeqCst);
    assert_eq!(webhook.answer(&push).await.as_u16(), 204);
    assert_eq!(queued(&world).len(), 1, "nothing is lost");
}

#[tokio::test]
async fn fault_26_a_push_comes_again_while_no_key_is_to_be_had() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/certs", listener.local_addr().unwrap());
    drop(listener);
    let world = Arc::new(owned(Some("m1")));
    let webhook = webhook(&nobody, &world);
    let status = webhook.answer(&request(Some(&SIGNER.sign(&claims())), None)).await;
    assert_eq!((status.as_u16(), queued(&world).len()), (503, 0));
    assert!(world.lookups.lock().unwrap().is_empty());
}

#[tokio::test]
async fn fault_41_a_function_that_cannot_be_set_up_refuses_and_tries_again() {
    let world = Arc::new(owned(Some("m1")));
    let (url, tries) = (key_server().await, Arc::new(AtomicUsize::new(0)));
    let (counted, shared) = (tries.clone(), world.clone());
    let once = Once::new(move || {
        let first_tries = counted.fetch_add(1, Ordering::SeqCst) < 2;
        let result =
            if first_tries { Err("POSTROOM_TABLE: found nothing".to_owned()) } else { Ok(webhook(&url, &shared)) };
        async move { result }
    });
    let request = request(Some(&SIGNER.sign(&claims())), None);
    for (status, syncs) in [(503, 0), (503, 0), (204, 1), (204, 2)] {
        let response = respond(&once, &request).await;
        assert_eq!((response.status().as_u16(), queued(&world).len()), (status, syncs));
        assert!(response.body().is_empty());
    }
    // Built once, then kept.
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}
