use crate::receiver::Receiver;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::address::EmailAddress;
use channel::ids::TargetId;
use channel::ports::{About, NotDelivered, NotSealed, Notification, Notifier, Seals, Topic, WebPlace};
use channel::record::{NoticeEvent, Place, Sealed, Target};
use channel::time::Timestamp;
use notify::guard::{Guard, SystemResolver};
use notify::{Notify, SlackToken};
use std::sync::{Arc, Mutex};
use testkit::ManualClock;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Marks what is sealed with whom it is for.
struct Marked;

impl Seals for Marked {
    fn seal(&self, purpose: &TargetId, secret: &str) -> Result<Sealed, NotSealed> {
        Ok(Sealed::new(format!("{purpose}|{secret}")))
    }
    fn open(&self, purpose: &TargetId, sealed: &Sealed) -> Result<String, NotSealed> {
        sealed.as_str().strip_prefix(&format!("{purpose}|")).map(str::to_owned).ok_or(NotSealed)
    }
}

/// An old token, and the one that is read afresh.
struct Tokens(Option<[&'static str; 2]>);

#[async_trait]
impl SlackToken for Tokens {
    async fn token(&self, afresh: bool) -> Result<Option<String>, String> {
        Ok(self.0.map(|tokens| tokens[usize::from(afresh)].to_owned()))
    }
}

#[derive(Default)]
struct Mails(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Topic for Mails {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NotDelivered> {
        self.0.lock().unwrap().push((subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

fn notifier(receiver: &Receiver) -> Notify {
    Notify {
        guard: Guard::new(Arc::new(SystemResolver), vec![receiver.pair()]),
        seals: Arc::new(Marked),
        slack_token: Arc::new(Tokens(Some(["xoxb-old", "xoxb-new"]))),
        slack_api: receiver.url("/api"),
        topic: None,
        clock: Arc::new(ManualClock::at(Timestamp::from_secs(1_790_000_123))),
    }
}

fn target(place: impl FnOnce(&TargetId) -> Place) -> Target {
    let id = TargetId::parse("target-1").unwrap();
    Target {
        place: place(&id),
        id,
        name: "Team".to_owned(),
        events: vec![NoticeEvent::NeedsPerson],
        without_content: false,
        added_at: Timestamp::from_secs(1),
        problem: None,
    }
}

fn sealed(id: &TargetId, text: &str) -> Sealed {
    Marked.seal(id, text).unwrap()
}

fn notification() -> Notification {
    Notification {
        id: "msg_1".to_owned(),
        event: "conversation.needs_person",
        mailbox: EmailAddress::parse("desk@example.com").unwrap(),
        about: Some(About {
            sender: "Ada <!channel>".to_owned(),
            subject: "Order 1234".to_owned(),
            reason: "A complaint.".to_owned(),
        }),
        link: "https://post.example.com/chat/desk/t1".to_owned(),
        at: Timestamp::from_secs(1_790_000_000),
    }
}

#[tokio::test]
async fn a_webhook_gets_a_signed_request() {
    let receiver = Receiver::start().await;
    let url = receiver.url("/in?key=1");
    let target =
        target(|id| Place::Webhook { host: "127.0.0.1".to_owned(), url: sealed(id, &url), secret: sealed(id, SECRET) });
    notifier(&receiver).notify(&target, &notification()).await.unwrap();
    let request = receiver.requests().remove(0);
    assert!(request.head.starts_with("POST /in?key=1 HTTP/1.1"), "{}", request.head);
    let (id, at) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap());
    assert_eq!((id, at), ("msg_1", "1790000123"));
    // As a receiver verifies it.
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&SECRET[6..]).unwrap());
    let signed = [format!("{id}.{at}.").as_bytes(), &request.body].concat();
    let tag = STANDARD.decode(request.header("webhook-signature").unwrap().strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&key, &signed, &tag).unwrap();
    assert_eq!(request.json()["data"]["subject"], "Order 1234");
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn slack_gets_a_message_by_webhook_or_bot() {
    let receiver = Receiver::start().await;
    let notifier = notifier(&receiver);
    let url = receiver.url("/services/T/B/secret");
    let hook = target(|id| Place::SlackWebhook { host: "127.0.0.1".to_owned(), url: sealed(id, &url) });
    notifier.notify(&hook, &notification()).await.unwrap();
    let bot = target(|_| Place::SlackChannel { channel: "C042".to_owned() });
    receiver.answers("200 OK", "", r#"{"ok":false,"error":"invalid_auth"}"#);
    receiver.answers("200 OK", "", r#"{"ok":true}"#);
    notifier.notify(&bot, &notification()).await.unwrap();
    let requests = receiver.requests();
    assert!(requests[0].head.starts_with("POST /services/T/B/secret "));
    assert_eq!(requests[0].header("authorization"), None);
    let tokens: Vec<_> = requests[1..].iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(tokens, ["Bearer xoxb-old", "Bearer xoxb-new"]);
    assert!(requests[2].head.starts_with("POST /api/chat.postMessage "));
    assert_eq!(requests[2].json()["channel"], "C042");
    assert!(requests[2].json()["text"].as_str().unwrap().contains("From: Ada &lt;!channel&gt;"));
}

#[tokio::test]
async fn a_target_without_content_learns_that_something_waits_and_where() {
    let receiver = Receiver::start().await;
    let mails = Arc::new(Mails::default());
    let notifier = Notify { topic: Some(mails.clone()), ..notifier(&receiver) };
    let topic = target(|_| Place::Topic);
    notifier.notify(&topic, &notification()).await.unwrap();
    notifier.notify(&topic, &Notification { about: None, ..notification() }).await.unwrap();
    let mails = mails.0.lock().unwrap();
    assert!(mails[0].1.contains("Subject: Order 1234") && mails[0].1.contains("Why: A complaint."), "{}", mails[0].1);
    for word in ["Order", "Ada", "complaint"] {
        assert!(!mails[1].1.contains(word), "{}", mails[1].1);
    }
    assert!(mails[1].1.contains("desk@example.com") && mails[1].1.contains("/chat/desk/t1"), "{}", mails[1].1);
    assert!(mails.iter().all(|(subject, _)| subject.is_ascii() && subject.len() <= 100));
}

#[tokio::test]
async fn what_is_not_set_up_is_said_with_its_remedy() {
    let receiver = Receiver::start().await;
    let bare = Notify { slack_token: Arc::new(Tokens(None)), ..notifier(&receiver) };
    for (place, remedy) in
        [(Place::Topic, "NotifyEmail"), (Place::SlackChannel { channel: "C1".to_owned() }, "store-token.sh")]
    {
        let said = bare.notify(&target(|_| place), &notification()).await.unwrap_err();
        assert!(matches!(&said, NotDelivered::Refused(why) if why.contains(remedy)), "{said:?}");
    }
    // Sealed for another target.
    let other = TargetId::parse("other").unwrap();
    let url = sealed(&other, &receiver.url("/"));
    let stolen = target(|_| Place::SlackWebhook { host: "x".to_owned(), url });
    assert!(matches!(bare.notify(&stolen, &notification()).await, Err(NotDelivered::Refused(_))));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_address_is_judged_when_it_is_given() {
    let receiver = Receiver::start().await;
    let notifier = notifier(&receiver);
    let host = |kind, url: &str| notifier.host(kind, url);
    assert_eq!(
        host(WebPlace::SlackWebhook, "https://hooks.slack.com/services/T/B/x"),
        Ok("hooks.slack.com".to_owned())
    );
    assert_eq!(host(WebPlace::Webhook, "https://in.example.com/a?b=c"), Ok("in.example.com".to_owned()));
    assert_eq!(host(WebPlace::Webhook, &receiver.url("/")), Ok(receiver.at.to_string()));
    assert!(host(WebPlace::SlackWebhook, "https://hooks.slack.com.example.com/x").is_err());
    for bad in ["http://in.example.com/", "https://127.0.0.1/", "https://localhost/", "nonsense"] {
        let why = host(WebPlace::Webhook, bad).unwrap_err();
        assert!(!why.contains(bad), "{why}");
    }
}
