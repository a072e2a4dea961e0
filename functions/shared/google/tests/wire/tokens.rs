//! Which access token a call gets.

use crate::fakes::*;
use crate::peer::{Peer, Reply};
use async_trait::async_trait;
use channel::ports::*;
use channel::record::GrantProblemKind;
use google::jwks::Jwks;
use google::oauth::{ClientSource, GoogleOAuth, OAuthEndpoints};
use google::tokens::Tokens;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The client as the secret holds it now.
pub struct Client {
    pub secret: &'static str,
    pub reloads: AtomicUsize,
}

#[async_trait]
impl ClientSource for Client {
    async fn reload(&self) -> Result<(String, String), String> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        Ok(("client-1".to_owned(), self.secret.to_owned()))
    }
}

pub fn oauth_with(url: &str, clock: Arc<ManualClock>, source: Arc<Client>) -> Arc<GoogleOAuth> {
    let endpoints = OAuthEndpoints {
        auth: "https://accounts.example/o/oauth2/auth?hd=x".to_owned(),
        token: format!("{url}/token"),
        revoke: format!("{url}/revoke"),
        issuer: "https://accounts.google.com".to_owned(),
    };
    let jwks = Arc::new(Jwks::new(http(), format!("{url}/certs"), clock));
    Arc::new(GoogleOAuth::new(http(), endpoints, ("client-1".into(), "secret-1".into()), source, jwks))
}

pub fn oauth_at(url: &str, clock: Arc<ManualClock>) -> Arc<GoogleOAuth> {
    oauth_with(url, clock, Arc::new(Client { secret: "secret-1", reloads: AtomicUsize::new(0) }))
}

pub fn token_answer(token: &str) -> Reply {
    Reply::Json(200, json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer", "scope": "s"}))
}

pub fn oauth_error(status: u16, code: &str, description: &str) -> Reply {
    Reply::Json(status, json!({"error": code, "error_description": description}))
}

struct Bench {
    tokens: Tokens,
    vault: Arc<FakeVault>,
    clock: Arc<ManualClock>,
    peer: Peer,
}

async fn bench(secrets: Vec<Option<GrantSecret>>, replies: impl IntoIterator<Item = Reply>) -> Bench {
    let (peer, clock) = (Peer::with(replies).await, ManualClock::new());
    let vault = FakeVault::new(secrets);
    let tokens = Tokens::new(vault.clone(), oauth_at(&peer.url, clock.clone()), clock.clone());
    Bench { tokens, vault, clock, peer }
}

#[tokio::test]
async fn a_token_that_lasts_is_read_once_and_kept() {
    let b = bench(vec![Some(secret("token-1", 3600))], []).await;
    for _ in 0..3 {
        assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-1");
    }
    assert_eq!(b.vault.reads(), 1);
    b.peer.done();
}

#[tokio::test]
async fn a_token_is_refreshed_in_memory_five_minutes_early() {
    let b = bench(vec![Some(secret("token-1", 600))], [token_answer("token-2")]).await;
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-1");
    b.clock.advance(300);
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-2");
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-2");
    b.peer.done();
    let form = b.peer.only().form();
    assert_eq!((form["grant_type"].as_str(), form["refresh_token"].as_str()), ("refresh_token", "refresh-1"));
}

#[tokio::test]
async fn a_fresh_token_of_the_vault_is_taken_before_one_is_asked_for() {
    let b = bench(vec![Some(secret("token-1", 400)), Some(secret("token-2", 4000))], []).await;
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-1");
    b.clock.advance(200);
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-2");
    b.peer.done();
}

#[tokio::test]
async fn another_token_is_asked_for_once_by_all_who_were_refused() {
    let b = bench(vec![Some(secret("token-1", 3600))], [token_answer("token-2")]).await;
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-1");
    for _ in 0..2 {
        assert_eq!(b.tokens.another(&access(), "token-1").await.unwrap(), "token-2");
    }
    b.peer.done();
}

#[tokio::test]
async fn a_token_that_the_vault_got_meanwhile_is_another_one() {
    let b = bench(vec![Some(secret("token-1", 3600)), Some(secret("token-2", 3600))], []).await;
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-1");
    assert_eq!(b.tokens.another(&access(), "token-1").await.unwrap(), "token-2");
    b.peer.done();
}

#[tokio::test]
async fn fault_18_a_refused_grant_is_final_after_the_vault_was_read_again() {
    let refused = oauth_error(400, "invalid_grant", "Bad Request");
    let b = bench(vec![Some(secret("", 0))], [refused]).await;
    assert_eq!(b.tokens.token(&access()).await, Err(GmailError::Grant(GrantProblemKind::Expired)));
    assert_eq!(b.vault.reads(), 2);
    b.peer.done();
}

#[tokio::test]
async fn fault_19_a_newer_grant_in_the_vault_is_taken_up() {
    let newer = GrantSecret { refresh_token: "refresh-2".into(), ..secret("", 0) };
    let refused = oauth_error(400, "invalid_grant", "Token has been expired or revoked.");
    let b = bench(vec![Some(secret("", 0)), Some(newer)], [refused, token_answer("token-2")]).await;
    assert_eq!(b.tokens.token(&access()).await.unwrap(), "token-2");
    b.peer.done();
    let sent: Vec<_> = b.peer.seen().iter().map(|request| request.form()["refresh_token"].clone()).collect();
    assert_eq!(sent, ["refresh-1", "refresh-2"]);
}

#[tokio::test]
async fn fault_41_a_missing_secret_is_its_own_error() {
    let b = bench(vec![None], []).await;
    assert_eq!(b.tokens.token(&access()).await, Err(GmailError::GrantMissing));
    // Also when it vanishes between the refusal and the second look.
    let b = bench(vec![Some(secret("", 0)), None], [oauth_error(400, "invalid_grant", "")]).await;
    assert_eq!(b.tokens.token(&access()).await, Err(GmailError::GrantMissing));
}

#[tokio::test]
async fn fault_20_a_refused_client_blames_no_mailbox() {
    let b = bench(vec![Some(secret("", 0))], [oauth_error(401, "invalid_client", "")]).await;
    assert_eq!(b.tokens.token(&access()).await, Err(GmailError::Client("invalid_client".into())));
    let b = bench(vec![Some(secret("", 0))], [Reply::With(503, vec![], String::new())]).await;
    assert_eq!(b.tokens.token(&access()).await, Err(GmailError::Unavailable("status 503".into())));
}
