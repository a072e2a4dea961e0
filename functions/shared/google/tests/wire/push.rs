//! Whose push is believed, and what is read from it.

use crate::fakes::*;
use crate::peer::{Peer, Reply, nobody};
use crate::signer::{Signer, part};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use channel::address::EmailAddress;
use channel::ids::HistoryId;
use google::jwks::Jwks;
use google::push::{MAX_BODY, PushHint, PushRefused, PushRules, PushUnreadable, PushVerifier, decode};
use serde_json::{Value, json};
use std::sync::Arc;

const AUDIENCE: &str = "https://postroom.example/gmail/push";
const ACCOUNT: &str = "push@project.iam.gserviceaccount.example";

fn rules() -> PushRules {
    PushRules {
        issuer: "https://accounts.google.com".into(),
        audience: AUDIENCE.into(),
        service_account: EmailAddress::parse(ACCOUNT).unwrap(),
    }
}

fn claims() -> Value {
    json!({"iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1", "email": ACCOUNT,
        "email_verified": true, "iat": NOW - 10, "exp": NOW + 3590})
}

struct Bench {
    verifier: PushVerifier,
    clock: Arc<ManualClock>,
    peer: Peer,
}

async fn bench(replies: impl IntoIterator<Item = Reply>) -> Bench {
    let (peer, clock) = (Peer::with(replies).await, ManualClock::new());
    let jwks = Arc::new(Jwks::new(http(), format!("{}/certs", peer.url), clock.clone()));
    Bench { verifier: PushVerifier::new(jwks, clock.clone(), rules()), clock, peer }
}

impl Bench {
    async fn verify(&self, token: &str) -> Result<(), PushRefused> {
        self.verifier.verify(Some(&format!("Bearer {token}"))).await
    }
}

fn keys(signer: &Signer) -> Reply {
    Reply::With(200, vec![("cache-control", "public, max-age=3600".into())], signer.jwks().to_string())
}

fn unauthenticated(result: Result<(), PushRefused>) -> &'static str {
    match result {
        Err(PushRefused::Unauthenticated(code)) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_token_of_our_subscription_passes() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer)]).await;
    b.verify(&signer.sign(&claims())).await.unwrap();
    let mut short = claims();
    short["iss"] = json!("accounts.google.com");
    b.verify(&signer.sign(&short)).await.unwrap();
    b.verifier.verify(Some(&format!("bearer {}", signer.sign(&claims())))).await.unwrap();
    b.peer.done();
}

#[tokio::test]
async fn fault_25_a_forged_claim_is_refused() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer)]).await;
    for (name, value, code) in [
        ("iss", json!("https://accounts.example"), "issuer"),
        ("iss", json!(["https://accounts.google.com"]), "claims"),
        ("iss", json!("https://accounts.google.com/"), "issuer"),
        ("aud", json!("https://postroom.example/gmail/push/"), "audience"),
        ("aud", json!("https://POSTROOM.example/gmail/push"), "audience"),
        ("aud", json!([AUDIENCE]), "claims"),
        ("email", json!("other@project.iam.gserviceaccount.example"), "account"),
        ("email_verified", json!(false), "account"),
        ("email_verified", json!("true"), "claims"),
        ("exp", json!(NOW - 60), "time"),
        ("iat", json!(NOW + 61), "time"),
        ("exp", json!("9999999999"), "claims"),
        ("exp", json!(-1), "time"),
    ] {
        let mut forged = claims();
        forged[name] = value.clone();
        assert_eq!(unauthenticated(b.verify(&signer.sign(&forged)).await), code, "{name} {value}");
    }
    for name in ["iss", "aud", "email", "email_verified", "iat", "exp"] {
        let mut forged = claims();
        forged.as_object_mut().unwrap().remove(name);
        assert_eq!(unauthenticated(b.verify(&signer.sign(&forged)).await), "claims", "{name}");
    }
    b.peer.done();
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer)]).await;
    for (iat, exp) in [(NOW - 3600, NOW - 59), (NOW + 60, NOW + 3600)] {
        let mut skewed = claims();
        skewed["iat"] = json!(iat);
        skewed["exp"] = json!(exp);
        b.verify(&signer.sign(&skewed)).await.unwrap();
    }
}

#[tokio::test]
async fn fault_25_a_forged_signature_is_refused() {
    let (signer, stranger) = (Signer::new("k1"), Signer::new("k1"));
    let b = bench([keys(&signer)]).await;
    // So that the keys are there, and none of what follows fetches.
    b.verify(&signer.sign(&claims())).await.unwrap();
    let good = signer.sign(&claims());
    let unsigned = |header: Value| format!("{}.{}.", part(&header), part(&claims()));
    let public_key_as_secret = {
        use aws_lc_rs::hmac;
        let message = format!("{}.{}", part(&json!({"alg": "HS256", "kid": "k1"})), part(&claims()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, signer.modulus().as_bytes()), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let header = |name: &str, value: Value| {
        let mut header = signer.header();
        header[name] = value;
        signer.sign_as(&header, &claims())
    };
    let mut no_kid = signer.header();
    no_kid.as_object_mut().unwrap().remove("kid");
    for (what, token, code) in [
        ("another key", stranger.sign(&claims()), "signature"),
        ("none", unsigned(json!({"alg": "none", "kid": "k1"})), "malformed"),
        ("None", unsigned(json!({"alg": "None", "kid": "k1"})), "malformed"),
        ("no signature", unsigned(signer.header()), "malformed"),
        ("the public key as a secret", public_key_as_secret, "malformed"),
        ("another hash", header("alg", json!("RS512")), "malformed"),
        ("an extension", header("crit", json!(["b64"])), "malformed"),
        ("no key id", signer.sign_as(&no_kid, &claims()), "malformed"),
        ("a number as key id", header("kid", json!(7)), "malformed"),
        ("an unknown key id", header("kid", json!("k2")), "unknown_key"),
        ("a path as key id", header("kid", json!("../../k1")), "unknown_key"),
        (
            "a key of its own",
            signer.sign_as(&json!({"alg": "RS256", "kid": "k9", "jwk": stranger.jwk()}), &claims()),
            "unknown_key",
        ),
        ("a part more", format!("{good}.x"), "malformed"),
        ("a part less", good.rsplit_once('.').unwrap().0.to_owned(), "malformed"),
        ("padding", format!("{good}=="), "signature"),
        ("a space", good.replacen('.', ". ", 1), "signature"),
        ("nothing", String::new(), "no_bearer"),
        ("dots", "..".to_owned(), "malformed"),
        ("too long", format!("{}.{good}", "a".repeat(20_000)), "malformed"),
    ] {
        assert_eq!(unauthenticated(b.verify(&token).await), code, "{what}");
    }
    assert_eq!(unauthenticated(b.verifier.verify(None).await), "no_token");
    for scheme in ["Basic abc", "Bearer", "abc"] {
        assert_eq!(unauthenticated(b.verifier.verify(Some(scheme)).await), "no_bearer", "{scheme}");
    }
    b.peer.done();
}

#[tokio::test]
async fn fault_25_no_vector_of_wycheproof_is_a_push() {
    let text = include_str!("../../../../../tests/fixtures/wycheproof/testvectors_v1/json_web_signature_test.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let (mut seen, ours) = (0, Signer::new("ours").jwk());
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = group.get("public").or_else(|| group.get("private")).cloned().unwrap();
        // Beside a key of ours, since a set without a usable key is no set.
        let set = json!({"keys": [key, ours]});
        let b = bench([Reply::Json(200, set)]).await;
        for test in group["tests"].as_array().unwrap() {
            let jws = &test["jws"];
            let token = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
            unauthenticated(b.verify(&token).await);
            seen += 1;
        }
    }
    assert_eq!(seen, 401);
}

#[tokio::test]
async fn fault_25_a_flood_of_unknown_keys_fetches_once_a_minute() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer)]).await;
    b.verify(&signer.sign(&claims())).await.unwrap();
    let unknown = |n: u32| signer.sign_as(&json!({"alg": "RS256", "kid": format!("made-up-{n}")}), &claims());
    for n in 0..50 {
        assert_eq!(unauthenticated(b.verify(&unknown(n)).await), "unknown_key");
    }
    assert_eq!(b.peer.seen().len(), 1);
    b.clock.advance(60);
    b.peer.then(keys(&signer));
    for n in 0..50 {
        assert_eq!(unauthenticated(b.verify(&unknown(n)).await), "unknown_key");
    }
    b.peer.done();
    assert_eq!(b.peer.seen().len(), 2);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_first_named() {
    let (former, newer) = (Signer::new("k1"), Signer::new("k2"));
    let both = json!({"keys": [former.jwk(), newer.jwk(), {"kty": "OKP", "kid": "k3", "crv": "X", "x": "AA"}]});
    let b = bench([keys(&former), Reply::Json(200, both)]).await;
    b.verify(&former.sign(&claims())).await.unwrap();
    b.clock.advance(61);
    b.verify(&newer.sign(&claims())).await.unwrap();
    b.verify(&former.sign(&claims())).await.unwrap();
    b.peer.done();
}

#[tokio::test]
async fn keys_are_kept_as_long_as_their_answer_says() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer), keys(&signer)]).await;
    for (advance, fetches) in [(0, 1), (1800, 1), (1799, 1), (1, 2), (59, 2)] {
        b.clock.advance(advance);
        let mut now = claims();
        now["iat"] = json!(NOW);
        now["exp"] = json!(NOW + 7200);
        b.verify(&signer.sign(&now)).await.unwrap();
        assert_eq!(b.peer.seen().len(), fetches, "{advance}");
    }
    b.peer.done();
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_not_believed_any_more() {
    let (former, newer) = (Signer::new("k1"), Signer::new("k2"));
    let b = bench([keys(&former), keys(&newer)]).await;
    let mut long = claims();
    long["exp"] = json!(NOW + 7200);
    b.verify(&former.sign(&long)).await.unwrap();
    b.clock.advance(3600);
    assert_eq!(unauthenticated(b.verify(&former.sign(&long)).await), "unknown_key");
}

#[tokio::test]
async fn fault_26_keys_at_hand_serve_while_their_server_is_down() {
    let signer = Signer::new("k1");
    let b = bench([keys(&signer), Reply::With(500, vec![], String::new()), Reply::Lost, keys(&signer)]).await;
    let mut long = claims();
    long["exp"] = json!(NOW + 90_000);
    for advance in [0, 3601, 10, 60, 60] {
        b.clock.advance(advance);
        b.verify(&signer.sign(&long)).await.unwrap();
    }
    b.peer.done();
}

#[tokio::test]
async fn fault_26_without_any_key_nothing_is_decided() {
    let signer = Signer::new("k1");
    let useless = json!({"keys": [{"kty": "oct", "k": "AA", "kid": "k1"}]});
    let b = bench([
        Reply::With(503, vec![], String::new()),
        Reply::With(200, vec![], "<html>".into()),
        Reply::Json(200, useless),
        Reply::Truncated,
        Reply::With(302, vec![("location", "https://elsewhere.example".into())], String::new()),
        Reply::With(200, vec![], format!("{{\"keys\": [], \"pad\": \"{}\"}}", "x".repeat(300_000))),
        keys(&signer),
    ])
    .await;
    let mut long = claims();
    long["exp"] = json!(NOW + 7200);
    let token = signer.sign(&long);
    for _ in 0..6 {
        assert_eq!(b.verify(&token).await, Err(PushRefused::KeysUnavailable));
        // Within the minute it is not asked again, and still nothing passes.
        assert_eq!(b.verify(&token).await, Err(PushRefused::KeysUnavailable));
        b.clock.advance(60);
    }
    b.verify(&token).await.unwrap();
    b.peer.done();

    let clock = ManualClock::new();
    let jwks = Arc::new(Jwks::new(http(), nobody().await, clock.clone()));
    let verifier = PushVerifier::new(jwks, clock, rules());
    assert_eq!(verifier.verify(Some(&format!("Bearer {token}"))).await, Err(PushRefused::KeysUnavailable));
    // A token that no key could make good is refused whether keys are there or not.
    assert_eq!(unauthenticated(verifier.verify(Some("Bearer a.b.c")).await), "malformed");
}

fn wrapped(data: &str) -> Vec<u8> {
    let message = json!({"data": data, "messageId": "2070443601311540", "message_id": "2070443601311540",
        "publishTime": "2021-02-26T19:13:55.749Z", "attributes": {}});
    json!({"message": message, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 1}).to_string().into()
}

#[test]
fn a_push_is_read_in_every_alphabet() {
    // The tail makes both alphabets differ and needs padding.
    let data = r#"{"emailAddress":"Ada@Example.org","historyId":1234567,"x":"ÿ>?>ÿ"}"#;
    let hint = PushHint {
        address: EmailAddress::parse("ada@example.org").unwrap(),
        history_id: HistoryId(1_234_567),
        message_id: Some("2070443601311540".into()),
        subscription: "projects/p/subscriptions/s".into(),
    };
    let forms =
        [STANDARD.encode(data), STANDARD_NO_PAD.encode(data), URL_SAFE.encode(data), URL_SAFE_NO_PAD.encode(data)];
    assert_ne!(forms[0], forms[2]);
    for form in forms {
        assert_eq!(decode(&wrapped(&form)), Ok(hint.clone()), "{form}");
    }
}

#[test]
fn a_history_id_is_a_number_or_a_text() {
    let read = |id: Value| {
        decode(&wrapped(&STANDARD.encode(json!({"emailAddress": "a@example.org", "historyId": id}).to_string())))
    };
    for (id, expected) in
        [(json!(7), 7), (json!("7"), 7), (json!(u64::MAX), u64::MAX), (json!("18446744073709551615"), u64::MAX)]
    {
        assert_eq!(read(id).unwrap().history_id, HistoryId(expected));
    }
    for id in [
        json!(-1),
        json!(1.5),
        json!("1.5"),
        json!("+7"),
        json!(""),
        json!("18446744073709551616"),
        json!(null),
        json!([7]),
    ] {
        assert_eq!(read(id.clone()), Err(PushUnreadable::Data), "{id}");
    }
}

#[test]
fn fault_27_what_cannot_be_read_is_named() {
    let data = |text: &str| wrapped(&STANDARD.encode(text));
    for (body, expected) in [
        (Vec::new(), PushUnreadable::NotWrapped),
        (b"{".to_vec(), PushUnreadable::NotWrapped),
        (br#"{"emailAddress":"a@example.org","historyId":7}"#.to_vec(), PushUnreadable::NotWrapped),
        (br#"{"message":{"messageId":"1"},"subscription":"s"}"#.to_vec(), PushUnreadable::NotWrapped),
        (br#"{"message":{"data":"e30="}}"#.to_vec(), PushUnreadable::NotWrapped),
        (vec![0xff, 0xfe], PushUnreadable::NotWrapped),
        (wrapped("not base64!"), PushUnreadable::Base64),
        (wrapped(""), PushUnreadable::Data),
        (data("{}"), PushUnreadable::Data),
        (data("[1,2]"), PushUnreadable::Data),
        (data(r#"{"historyId":7}"#), PushUnreadable::Data),
        (data(r#"{"emailAddress":"nobody","historyId":7}"#), PushUnreadable::Address),
        (vec![b' '; MAX_BODY + 1], PushUnreadable::TooLarge),
        (vec![b'['; MAX_BODY], PushUnreadable::NotWrapped),
    ] {
        assert_eq!(decode(&body), Err(expected), "{}", String::from_utf8_lossy(&body[..body.len().min(80)]));
    }
}
