//! Consent, exchange, refresh, revocation and sign-in.

use crate::fakes::*;
use crate::peer::{Peer, Reply, nobody};
use crate::signer::Signer;
use crate::tokens::{Client, oauth_at, oauth_error, oauth_with, token_answer};
use channel::ports::*;
use channel::record::GrantProblemKind;
use google::oauth::GMAIL_SCOPE;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use url::Url;

fn parameters(url: &str) -> BTreeMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn consent_asks_for_one_scope_offline_with_pkce() {
    let oauth = oauth_at("http://127.0.0.1:1", ManualClock::new());
    let url = oauth.connect_url("https://p.example/oauth/callback", "st&te", "chal", Some("ada@example.org"));
    assert!(url.starts_with("https://accounts.example/o/oauth2/auth?hd=x&"), "{url}");
    let got = parameters(&url);
    for (name, value) in [
        ("client_id", "client-1"),
        ("response_type", "code"),
        ("redirect_uri", "https://p.example/oauth/callback"),
        ("scope", GMAIL_SCOPE),
        ("access_type", "offline"),
        ("prompt", "consent select_account"),
        ("state", "st&te"),
        ("code_challenge", "chal"),
        ("code_challenge_method", "S256"),
        ("login_hint", "ada@example.org"),
    ] {
        assert_eq!(got.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!url.contains("secret-1"));
    assert!(!parameters(&oauth.connect_url("r", "s", "c", None)).contains_key("login_hint"));
}

#[tokio::test]
async fn sign_in_asks_for_nothing_of_the_mailbox() {
    let oauth = oauth_at("http://127.0.0.1:1", ManualClock::new());
    let got = parameters(&oauth.sign_in_url("https://p.example/cb", "s", "c", "n"));
    assert_eq!((got["scope"].as_str(), got["nonce"].as_str()), ("openid email", "n"));
    assert_eq!((got["code_challenge"].as_str(), got["code_challenge_method"].as_str()), ("c", "S256"));
    assert!(!got.contains_key("access_type"));
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_verifier() {
    let answer = json!({"access_token": "a", "expires_in": 3599, "refresh_token": "r", "scope": GMAIL_SCOPE,
        "refresh_token_expires_in": 604_799, "id_token": "i", "token_type": "Bearer"});
    let peer = Peer::with([Reply::Json(200, answer)]).await;
    let got = oauth_at(&peer.url, ManualClock::new()).exchange("code-1", "https://p.example/cb", "verifier").await;
    let got = got.ok().unwrap();
    assert_eq!((got.access_token.as_str(), got.refresh_token.as_deref()), ("a", Some("r")));
    assert_eq!(got.refresh_expires_in, Some(Duration::from_secs(604_799)));
    assert_eq!((got.scope.as_deref(), got.id_token.as_deref()), (Some(GMAIL_SCOPE), Some("i")));
    let request = peer.only();
    assert_eq!(request.line(), "POST /token");
    let expected = [
        ("client_id", "client-1"),
        ("client_secret", "secret-1"),
        ("code", "code-1"),
        ("code_verifier", "verifier"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://p.example/cb"),
    ];
    assert_eq!(request.form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn refusals_are_sorted() {
    use GrantProblemKind::*;
    let refused = |code: &str| OAuthError::Refused(code.into());
    let away = |code: &str| OAuthError::Unavailable(code.into());
    for (status, code, description, expected) in [
        (400, "invalid_grant", "Bad Request", OAuthError::Grant(Expired)),
        (400, "invalid_grant", "Token has been expired or revoked.", OAuthError::Grant(Revoked)),
        (400, "invalid_grant", "Account has been deleted", OAuthError::Grant(Revoked)),
        (400, "admin_policy_enforced", "", OAuthError::Grant(BlockedByAdmin)),
        (401, "invalid_client", "The OAuth client was not found.", OAuthError::Client("invalid_client".into())),
        (401, "unauthorized_client", "", OAuthError::Client("unauthorized_client".into())),
        (400, "redirect_uri_mismatch", "", refused("redirect_uri_mismatch")),
        (400, "not a word <b>", "", refused("an unknown error")),
        (400, "temporarily_unavailable", "", away("temporarily_unavailable")),
        (500, "internal_failure", "", away("status 500")),
        (429, "rate_limited", "", away("status 429")),
    ] {
        // A refused client is read again, and is the same: no second call.
        let peer = Peer::with([oauth_error(status, code, description)]).await;
        let error = oauth_at(&peer.url, ManualClock::new()).refresh("r").await.err().unwrap();
        assert_eq!(error, expected, "{status} {code} {description}");
        peer.done();
    }
}

#[tokio::test]
async fn fault_20_a_changed_client_secret_is_read_again_once() {
    let peer = Peer::with([oauth_error(401, "invalid_client", ""), token_answer("t"), token_answer("u")]).await;
    let source = Arc::new(Client { secret: "secret-2", reloads: AtomicUsize::new(0) });
    let oauth = oauth_with(&peer.url, ManualClock::new(), source.clone());
    assert_eq!(oauth.refresh("r").await.ok().unwrap().access_token, "t");
    assert_eq!(oauth.refresh("r").await.ok().unwrap().access_token, "u");
    peer.done();
    assert_eq!(source.reloads.load(Ordering::SeqCst), 1);
    let secrets: Vec<_> = peer.seen().iter().map(|request| request.form()["client_secret"].clone()).collect();
    assert_eq!(secrets, ["secret-1", "secret-2", "secret-2"]);
}

#[tokio::test]
async fn a_server_that_is_away_or_babbles_is_unavailable() {
    let away = oauth_at(&nobody().await, ManualClock::new()).refresh("r").await.err().unwrap();
    assert_eq!(away, OAuthError::Unavailable("no connection".into()));
    for reply in [
        Reply::Lost,
        Reply::Truncated,
        Reply::With(200, vec![], "<html>".into()),
        Reply::Json(200, json!({"access_token": "", "expires_in": 1})),
        Reply::Json(200, json!({"access_token": "secret-token"})),
        Reply::With(400, vec![], "<html>".into()),
    ] {
        let peer = Peer::with([reply]).await;
        let error = oauth_at(&peer.url, ManualClock::new()).refresh("r").await.err().unwrap();
        assert!(matches!(error, OAuthError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("secret-token"));
    }
}

#[tokio::test]
async fn a_token_is_revoked_and_one_that_is_gone_counts_as_revoked() {
    for reply in [Reply::With(200, vec![], "{}".into()), oauth_error(400, "invalid_token", "Token expired or revoked")]
    {
        let peer = Peer::with([reply]).await;
        oauth_at(&peer.url, ManualClock::new()).revoke("r-1").await.unwrap();
        let request = peer.only();
        assert_eq!((request.line().as_str(), request.form()["token"].as_str()), ("POST /revoke", "r-1"));
    }
    let peer = Peer::with([Reply::With(503, vec![], String::new())]).await;
    let error = oauth_at(&peer.url, ManualClock::new()).revoke("r-1").await.unwrap_err();
    assert_eq!(error, OAuthError::Unavailable("status 503".into()));
}

fn id_claims() -> Value {
    json!({"iss": "https://accounts.google.com", "aud": "client-1", "azp": "client-1", "sub": "1", "nonce": "n-1",
        "email": "Ada@Example.org", "email_verified": true, "hd": "Example.org", "iat": NOW - 5, "exp": NOW + 3595})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

#[tokio::test]
async fn an_id_token_is_believed_only_whole() {
    let signer = Signer::new("k1");
    let peer = Peer::with([Reply::Json(200, signer.jwks())]).await;
    let clock = ManualClock::new();
    let oauth = oauth_at(&peer.url, clock.clone());
    let good = oauth.verify_id_token(&signer.sign(&id_claims()), "n-1", clock.now()).await.unwrap();
    assert_eq!((good.email.as_str(), good.hosted_domain.as_deref()), ("Ada@example.org", Some("example.org")));
    for (name, value) in [
        ("iss", json!("https://accounts.example")),
        ("aud", json!("client-2")),
        ("aud", json!(["client-1"])),
        ("azp", json!("client-2")),
        ("nonce", json!("n-2")),
        ("nonce", Value::Null),
        ("email", json!("no address")),
        ("email_verified", json!(false)),
        ("email_verified", json!("true")),
        ("email_verified", Value::Null),
        ("exp", json!(NOW - 61)),
        ("iat", json!(NOW + 61)),
    ] {
        let token = signer.sign(&with(id_claims(), name, value.clone()));
        let error = oauth.verify_id_token(&token, "n-1", clock.now()).await.unwrap_err();
        assert!(matches!(error, OAuthError::Refused(_)), "{name} {value}: {error:?}");
    }
    let without = signer.sign(&with(id_claims(), "nonce", json!("")));
    assert!(oauth.verify_id_token(&without, "", clock.now()).await.is_err());
    peer.done();
}
