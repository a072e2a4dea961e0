//! What each way of failing means.

use crate::fakes::*;
use crate::gmail::{draft_id, gmail, gmail_with};
use crate::peer::{Peer, Reply, nobody};
use crate::tokens::token_answer;
use async_trait::async_trait;
use channel::ids::{GrantId, HistoryId, MailboxId, MessageId};
use channel::ports::*;
use channel::record::GrantProblemKind;
use channel::time::Timestamp;
use google::gmail::GoogleGmail;
use google::tokens::Tokens;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn error(status: u16, reason: &str, message: &str) -> Value {
    let errors = json!([{"domain": "global", "reason": reason, "message": message}]);
    json!({"error": {"code": status, "message": message, "errors": errors}})
}

fn json_error(status: u16, reason: &str) -> Reply {
    Reply::Json(status, error(status, reason, "m"))
}

/// The error of `drafts.send`, which has its own way to Gmail, and of `getProfile`, which has everyone's.
async fn both(reply: impl Fn() -> Reply) -> (GmailError, GmailError) {
    let peer = Peer::with([reply(), reply()]).await;
    let gmail = gmail(&peer);
    let sent = gmail.send_draft(&access(), &draft_id()).await.unwrap_err();
    let got = gmail.profile(&access()).await.unwrap_err();
    peer.done();
    (sent, got)
}

async fn one(reply: impl Fn() -> Reply) -> GmailError {
    let (sent, got) = both(reply).await;
    assert_eq!(sent, got);
    got
}

#[tokio::test]
async fn fault_17_refusals_are_sorted_by_reason() {
    let limited = GmailError::RateLimited { until: None };
    let grant = GmailError::Grant;
    for (status, reason, expected) in [
        (400, "failedPrecondition", GmailError::Precondition),
        (400, "invalidArgument", GmailError::Refused("400 invalidArgument".into())),
        (403, "rateLimitExceeded", limited.clone()),
        (403, "userRateLimitExceeded", limited.clone()),
        (403, "quotaExceeded", limited.clone()),
        (403, "insufficientPermissions", grant(GrantProblemKind::ScopeMissing)),
        (403, "domainPolicy", grant(GrantProblemKind::BlockedByAdmin)),
        (404, "notFound", GmailError::NotFound),
        (409, "aborted", GmailError::Conflict),
        (429, "rateLimitExceeded", limited),
        (500, "backendError", GmailError::Unknown("status 500".into())),
        (503, "backendError", GmailError::Unknown("status 503".into())),
    ] {
        assert_eq!(one(|| json_error(status, reason)).await, expected, "{status} {reason}");
    }
}

#[tokio::test]
async fn fault_16_a_rate_limit_tells_until_when() {
    let told = |seconds: i64| GmailError::RateLimited { until: Some(Timestamp::from_secs(NOW + seconds)) };
    let message = "User-rate limit exceeded.  Retry after 2026-05-29T12:00:05.000Z";
    assert_eq!(one(|| Reply::Json(429, error(429, "rateLimitExceeded", message))).await, told(5));
    let header =
        || Reply::With(429, vec![("Retry-After", "30".into())], error(429, "rateLimitExceeded", "m").to_string());
    assert_eq!(one(header).await, told(30));
    let bare = || Reply::With(429, vec![("Retry-After", "30".into())], String::new());
    assert_eq!(one(bare).await, told(30));
}

#[tokio::test]
async fn an_error_page_is_sorted_by_its_status() {
    let page =
        |status| move || Reply::With(status, vec![("content-type", "text/html".into())], "<html>no</html>".into());
    assert_eq!(one(page(502)).await, GmailError::Unknown("status 502".into()));
    assert_eq!(one(page(404)).await, GmailError::NotFound);
    assert_eq!(one(page(413)).await, GmailError::Refused("413".into()));
    assert_eq!(one(page(302)).await, GmailError::Unknown("status 302".into()));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_may_have_been_an_effect() {
    let text = |body: &'static str| move || Reply::With(200, vec![], body.into());
    for body in ["", "<html>", "[]", "{}", "{\"id\": 7}", "{\"id\": \"has a space\"}", "{\"id\": \"half"] {
        let (sent, got) = both(text(body)).await;
        assert!(matches!(sent, GmailError::Unknown(_)), "{body}: {sent:?}");
        assert!(matches!(got, GmailError::Unknown(_)), "{body}: {got:?}");
    }
    let (sent, got) = both(|| Reply::Truncated).await;
    assert!(matches!((&sent, &got), (GmailError::Unknown(_), GmailError::Unknown(_))), "{sent:?} {got:?}");
}

#[tokio::test]
async fn an_error_never_quotes_an_answer() {
    let peer = Peer::with([Reply::With(200, vec![], "{\"id\": \"a\", \"raw\": \"confidential".into())]).await;
    let error = gmail(&peer).raw(&access(), &MessageId::parse("a").unwrap()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("confidential"), "{error:?}");
}

#[tokio::test]
async fn fault_02_a_lost_connection_may_have_been_an_effect() {
    for lost in [|| Reply::Lost, || Reply::Reset] {
        let (sent, got) = both(lost).await;
        assert!(matches!((&sent, &got), (GmailError::Unknown(_), GmailError::Unknown(_))), "{sent:?} {got:?}");
    }
}

#[tokio::test]
async fn no_connection_is_no_effect() {
    let gmail = gmail_with(&nobody().await, "http://127.0.0.1:1");
    let sent = gmail.send_draft(&access(), &draft_id()).await.unwrap_err();
    let got = gmail.profile(&access()).await.unwrap_err();
    assert_eq!((&sent, &got), (&GmailError::Unavailable("no connection".into()), &sent));
}

#[tokio::test]
async fn silence_after_the_request_may_have_been_an_effect() {
    let peer = Peer::with([Reply::Silence, Reply::Silence]).await;
    let gmail = gmail(&peer).with_time_out(Duration::from_millis(400));
    let sent = gmail.send_draft(&access(), &draft_id()).await.unwrap_err();
    let got = gmail.profile(&access()).await.unwrap_err();
    assert_eq!((&sent, &got), (&GmailError::Unknown("time-out".into()), &sent));
    assert_eq!(peer.seen().len(), 2);
}

struct SilentVault;

#[async_trait]
impl GrantVault for SilentVault {
    async fn read(&self, _: &MailboxId, _: &GrantId) -> Result<GrantSecret, VaultError> {
        std::future::pending().await
    }

    async fn create(&self, _: &MailboxId, _: &GrantId, _: &GrantSecret) -> Result<(), VaultError> {
        panic!("a reader wrote")
    }

    async fn replace(&self, _: &MailboxId, _: &GrantId, _: &GrantSecret) -> Result<(), VaultError> {
        panic!("a reader wrote")
    }

    async fn delete(&self, _: &MailboxId, _: &GrantId) -> Result<(), VaultError> {
        panic!("a reader deleted")
    }
}

#[tokio::test]
async fn silence_before_the_request_is_no_effect() {
    let (peer, clock) = (Peer::new().await, ManualClock::new());
    let oauth = crate::tokens::oauth_at(&peer.url, clock.clone());
    let tokens = Arc::new(Tokens::new(Arc::new(SilentVault), oauth, clock.clone()));
    let gmail =
        GoogleGmail::new(http(), &peer.url, None, tokens, clock).unwrap().with_time_out(Duration::from_millis(100));
    let error = gmail.send_draft(&access(), &draft_id()).await.unwrap_err();
    assert_eq!(error, GmailError::Unavailable("time-out before the request".into()));
    assert_eq!(peer.seen().len(), 0);
}

#[tokio::test]
async fn fault_11_a_history_that_is_too_old_is_its_own_error() {
    let peer = Peer::with([json_error(404, "notFound")]).await;
    let error = gmail(&peer).history(&access(), HistoryId(1), None).await.unwrap_err();
    assert_eq!(error, GmailError::HistoryGone);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let profile = json!({"emailAddress": "ada@example.org", "historyId": "7"});
    let peer = Peer::with([json_error(401, "authError"), Reply::Json(200, profile)]).await;
    let oauth = Peer::with([token_answer("token-2")]).await;
    let gmail = gmail_with(&peer.url, &oauth.url);
    gmail.profile(&access()).await.unwrap();
    peer.done();
    oauth.done();
    let tokens: Vec<_> = peer.seen().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_grant_whose_new_token_is_refused_too_does_not_work() {
    let peer = Peer::with([json_error(401, "authError"), json_error(401, "authError")]).await;
    let oauth = Peer::with([token_answer("token-2")]).await;
    let error = gmail_with(&peer.url, &oauth.url).send_draft(&access(), &draft_id()).await.unwrap_err();
    assert_eq!(error, GmailError::Grant(GrantProblemKind::Expired));
    peer.done();
    oauth.done();
}

#[tokio::test]
async fn without_a_topic_there_is_no_watch() {
    let (peer, clock) = (Peer::new().await, ManualClock::new());
    let vault = FakeVault::new(vec![Some(secret("token-1", 3600))]);
    let tokens = Arc::new(Tokens::new(vault, crate::tokens::oauth_at(&peer.url, clock.clone()), clock.clone()));
    let gmail = GoogleGmail::new(http(), &peer.url, None, tokens, clock).unwrap();
    assert!(matches!(gmail.watch(&access(), &[]).await, Err(GmailError::Refused(_))));
    assert_eq!(peer.seen().len(), 0);
}
