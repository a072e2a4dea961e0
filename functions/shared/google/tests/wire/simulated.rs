//! The adapters against the simulator, whose idea of Google is its own.

use crate::fakes::*;
use crate::gmail::TOPIC;
use crate::tokens::Client;
use channel::ids::{DraftId, HistoryId, LabelId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::GrantProblemKind;
use google::gmail::GoogleGmail;
use google::jwks::Jwks;
use google::oauth::{GMAIL_SCOPE, GoogleOAuth, OAuthEndpoints};
use google::tokens::Tokens;
use simulator::{Config, Deliver, Delivered, Effect, Fault, Running, Simulator, Subscription, When};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

const SUPPORT: &str = "support@postroom.test";
const MAIL: &[u8] = b"From: Customer <customer@customer.test>\r\nTo: support@postroom.test\r\nSubject: Hours\r\n\
                      Message-ID: <1@customer.test>\r\n\r\nWhen do you open?\r\n";
const REPLY: &[u8] = b"From: support@postroom.test\r\nTo: customer@customer.test\r\nSubject: Re: Hours\r\n\
                       In-Reply-To: <1@customer.test>\r\nReferences: <1@customer.test>\r\nX-Postroom-Id: a1\r\n\r\nAt nine.\r\n";

struct Bench {
    sim: Running,
    gmail: GoogleGmail,
    oauth: Arc<GoogleOAuth>,
    refresh_token: String,
}

async fn bench() -> Bench {
    let client = simulator::Client {
        client_id: "client-1".into(),
        client_secret: "secret-1".into(),
        redirect_uris: vec!["http://localhost:9/oauth/callback".into()],
        testing: false,
    };
    // Nobody takes its pushes: that a watch is on is all that is looked at here.
    let subscription = Subscription {
        topic: TOPIC.into(),
        subscription: "projects/p/subscriptions/s".into(),
        push_endpoint: "http://127.0.0.1:1/".into(),
        audience: String::new(),
        service_account: "push@p.iam.gserviceaccount.test".into(),
    };
    let config = Config { clients: vec![client], subscriptions: vec![subscription], ..Config::default() };
    let sim = Simulator::start(config).await.unwrap();
    let (url, clock) = (sim.url().to_owned(), ManualClock::new());
    let granted = sim.grant("client-1", SUPPORT, &[GMAIL_SCOPE]).unwrap();
    let refresh_token = granted.refresh_token.clone();
    let stored = GrantSecret { refresh_token: granted.refresh_token, ..secret(&granted.access_token, 3600) };
    let endpoints = OAuthEndpoints {
        auth: format!("{url}/o/oauth2/v2/auth"),
        token: format!("{url}/token"),
        revoke: format!("{url}/revoke"),
        issuer: url.clone(),
    };
    let jwks = Arc::new(Jwks::new(http(), format!("{url}/oauth2/v3/certs"), clock.clone()));
    let source = Arc::new(Client { secret: "secret-1", reloads: AtomicUsize::new(0) });
    let named = ("client-1".to_owned(), "secret-1".to_owned());
    let oauth = Arc::new(GoogleOAuth::new(http(), endpoints, named, source, jwks));
    let tokens = Arc::new(Tokens::new(FakeVault::new(vec![Some(stored)]), oauth.clone(), clock.clone()));
    let gmail = GoogleGmail::new(http(), &url, Some(TOPIC.to_owned()), tokens, clock).unwrap();
    Bench { sim, gmail, oauth, refresh_token }
}

impl Bench {
    fn deliver(&self) -> (MessageId, ThreadId) {
        let Delivered { id, thread_id } = self.sim.deliver(SUPPORT, MAIL, &Deliver::default()).unwrap();
        (MessageId::parse(id).unwrap(), ThreadId::parse(thread_id).unwrap())
    }

    fn fault(&self, method: &str, when: When, effect: Effect) {
        self.sim.fault(Fault { method: method.into(), account: None, nth: 1, times: 1, when, effect });
    }

    fn sent(&self) -> usize {
        self.sim.dump(SUPPORT).unwrap().messages.iter().filter(|message| message.has_label("SENT")).count()
    }

    async fn draft(&self, thread: &ThreadId) -> DraftId {
        self.gmail.create_draft(&access(), thread, REPLY).await.unwrap().draft
    }
}

fn inbox() -> LabelId {
    LabelId::parse("INBOX").unwrap()
}

#[tokio::test]
async fn a_new_mail_is_found_by_history_and_by_list_and_read() {
    let b = bench().await;
    let before = b.gmail.profile(&access()).await.unwrap();
    assert_eq!(before.address.as_str(), SUPPORT);
    let (message, thread) = b.deliver();

    let page = b.gmail.history(&access(), before.history_id, None).await.unwrap();
    let changes: Vec<_> = page.records.iter().flat_map(|record| &record.changes).collect();
    assert!(page.history_id > before.history_id && page.next_page.is_none());
    assert!(changes.iter().any(|c| c.kind == HistoryKind::MessageAdded && c.message == message && c.thread == thread));

    let list = b.gmail.list(&access(), &inbox(), None, None).await.unwrap();
    assert_eq!(list.messages, [(message.clone(), thread.clone())]);
    let headers = b.gmail.headers(&access(), &message).await.unwrap();
    assert!(headers.headers.contains(&("Subject".to_owned(), "Hours".to_owned())) && headers.labels.contains(&inbox()));
    assert_eq!(b.gmail.raw(&access(), &message).await.unwrap(), MAIL);
    assert_eq!(b.gmail.thread(&access(), &thread).await.unwrap(), [headers]);
    assert!(b.gmail.labels(&access()).await.unwrap().iter().any(|label| label.id == inbox() && label.system));

    b.sim.forget_history(SUPPORT).unwrap();
    let gone = b.gmail.history(&access(), HistoryId(1), None).await.unwrap_err();
    assert_eq!(gone, GmailError::HistoryGone);
}

#[tokio::test]
async fn a_draft_lives_in_its_thread_and_is_sent_once() {
    let b = bench().await;
    let (_, thread) = b.deliver();
    let made = b.gmail.create_draft(&access(), &thread, REPLY).await.unwrap();
    assert_eq!(b.gmail.drafts_in(&access(), &thread).await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(b.gmail.draft(&access(), &made.draft).await.unwrap(), made);
    let updated = b.gmail.update_draft(&access(), &made.draft, &thread, REPLY).await.unwrap();
    assert!(updated.draft == made.draft && updated.message != made.message);
    let (stands, raw) = b.gmail.draft_raw(&access(), &made.draft).await.unwrap();
    assert_eq!(stands, updated);
    assert!(String::from_utf8_lossy(&raw).contains("At nine."));

    let sent = b.gmail.send_draft(&access(), &made.draft).await.unwrap();
    assert_eq!(b.gmail.draft(&access(), &made.draft).await.unwrap_err(), GmailError::NotFound);
    let again = b.gmail.send_draft(&access(), &made.draft).await.unwrap_err();
    assert!(matches!(again, GmailError::NotFound | GmailError::Refused(_)), "{again:?}");
    assert_eq!(b.sent(), 1);
    let messages = b.gmail.thread(&access(), &thread).await.unwrap();
    assert!(messages.iter().any(|message| message.message == sent), "the answer stands in the thread");
    let text = b.gmail.raw(&access(), &sent).await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("At nine."), "sent as it stood");
}

#[tokio::test]
async fn a_draft_is_deleted() {
    let b = bench().await;
    let (_, thread) = b.deliver();
    let draft = b.draft(&thread).await;
    b.gmail.delete_draft(&access(), &draft).await.unwrap();
    assert_eq!(b.gmail.delete_draft(&access(), &draft).await.unwrap_err(), GmailError::NotFound);
    assert!(b.gmail.drafts_in(&access(), &thread).await.unwrap().is_empty());
}

#[tokio::test]
async fn fault_02_a_lost_answer_to_a_send_is_unknown_and_the_mail_is_out() {
    let b = bench().await;
    let (_, thread) = b.deliver();
    let draft = b.draft(&thread).await;
    b.fault("gmail.users.drafts.send", When::After, Effect::drop_connection());
    let error = b.gmail.send_draft(&access(), &draft).await.unwrap_err();
    assert!(matches!(error, GmailError::Unknown(_)), "{error:?}");
    assert_eq!(b.sent(), 1);
    assert_eq!(b.gmail.draft(&access(), &draft).await.unwrap_err(), GmailError::NotFound);
}

#[tokio::test]
async fn fault_04_a_refused_send_leaves_the_draft() {
    let b = bench().await;
    let (_, thread) = b.deliver();
    let draft = b.draft(&thread).await;
    b.fault("gmail.users.drafts.send", When::Before, Effect::refuse(503, "backendError"));
    let error = b.gmail.send_draft(&access(), &draft).await.unwrap_err();
    assert_eq!(error, GmailError::Unknown("status 503".into()));
    b.fault("gmail.users.drafts.send", When::Before, Effect::refuse(429, "rateLimitExceeded"));
    let error = b.gmail.send_draft(&access(), &draft).await.unwrap_err();
    assert!(matches!(error, GmailError::RateLimited { .. }), "{error:?}");
    assert_eq!(b.sent(), 0);
    b.gmail.send_draft(&access(), &draft).await.unwrap();
    assert_eq!(b.sent(), 1);
}

#[tokio::test]
async fn a_watch_begins_and_ends() {
    let b = bench().await;
    let until = b.gmail.watch(&access(), &[inbox()]).await.unwrap();
    let watch = b.sim.dump(SUPPORT).unwrap().watch.unwrap();
    assert_eq!((watch.expiration_ms, watch.topic.as_str()), (until.as_millis(), TOPIC));
    b.gmail.stop(&access()).await.unwrap();
    assert_eq!(b.sim.dump(SUPPORT).unwrap().watch, None);
}

#[tokio::test]
async fn a_grant_is_refreshed_and_revoked() {
    let b = bench().await;
    let answer = b.oauth.refresh(&b.refresh_token).await.ok().unwrap();
    assert!(!answer.access_token.is_empty());
    assert_eq!(answer.scope.as_deref(), Some(GMAIL_SCOPE));
    b.oauth.revoke(&b.refresh_token).await.unwrap();
    let refused = b.oauth.refresh(&b.refresh_token).await.err().unwrap();
    assert_eq!(refused, OAuthError::Grant(GrantProblemKind::Revoked));
    // The access token died with the grant: Gmail says 401, the refresh says why.
    let error = b.gmail.profile(&access()).await.unwrap_err();
    assert_eq!(error, GmailError::Grant(GrantProblemKind::Revoked));
    b.oauth.revoke(&b.refresh_token).await.unwrap();
}
