//! What each call sends, and how its answer is read.

use crate::fakes::*;
use crate::peer::{Peer, Reply};
use crate::tokens::oauth_at;
use channel::ids::{DraftId, HistoryId, LabelId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::DraftRef;
use channel::time::Timestamp;
use google::gmail::GoogleGmail;
use google::tokens::Tokens;
use serde_json::{Value, json};
use std::sync::Arc;

pub const TOPIC: &str = "projects/p/topics/t";

/// With a token that lasts, and an authorisation server at `oauth_url`.
pub fn gmail_with(gmail_url: &str, oauth_url: &str) -> GoogleGmail {
    let clock = ManualClock::new();
    let vault = FakeVault::new(vec![Some(secret("token-1", 3600))]);
    let tokens = Arc::new(Tokens::new(vault, oauth_at(oauth_url, clock.clone()), clock.clone()));
    GoogleGmail::new(http(), gmail_url, Some(TOPIC.to_owned()), tokens, clock).unwrap()
}

pub fn gmail(peer: &Peer) -> GoogleGmail {
    gmail_with(&peer.url, "http://127.0.0.1:1")
}

pub fn draft_id() -> DraftId {
    DraftId::parse("r-7").unwrap()
}

fn thread_id() -> ThreadId {
    ThreadId::parse("18f").unwrap()
}

fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn label(text: &str) -> LabelId {
    LabelId::parse(text).unwrap()
}

async fn answering(value: Value) -> Peer {
    Peer::with([Reply::Json(200, value)]).await
}

#[tokio::test]
async fn profile_is_asked_with_the_token_and_read() {
    let peer = answering(json!({"emailAddress": "Ada@Example.org", "historyId": "18446744073709551615"})).await;
    let profile = gmail(&peer).profile(&access()).await.unwrap();
    assert_eq!(profile.address.as_str(), "Ada@example.org");
    assert_eq!(profile.history_id, HistoryId(u64::MAX));
    let request = peer.only();
    assert_eq!(request.line(), "GET /gmail/v1/users/me/profile");
    assert_eq!(request.headers["authorization"], "Bearer token-1");
    assert!(request.headers["user-agent"].starts_with("postroom/"), "{:?}", request.headers);
}

#[tokio::test]
async fn history_is_paged_and_each_kind_is_read() {
    let message = json!({"id": "a1", "threadId": "t1", "labelIds": ["INBOX", "UNREAD"]});
    let peer = answering(json!({
        "historyId": "900",
        "nextPageToken": "p2",
        "history": [
            {"id": "101", "messages": [message], "messagesAdded": [{"message": message}]},
            {"id": "102", "labelsAdded": [{"labelIds": ["INBOX"], "message": {"id": "a2", "threadId": "t2"}}],
             "labelsRemoved": [{"labelIds": ["Label_1"], "message": {"id": "a2", "threadId": "t2"}}]},
            {"id": "103", "messagesDeleted": [{"message": {"id": "a3", "threadId": "t3"}}]},
        ]
    }))
    .await;
    let page = gmail(&peer).history(&access(), HistoryId(100), Some("p1")).await.unwrap();
    assert_eq!((page.history_id, page.next_page.as_deref()), (HistoryId(900), Some("p2")));
    let kinds: Vec<_> = page.records.iter().flat_map(|r| r.changes.iter().map(move |c| (r.id.0, &c.kind))).collect();
    let inbox = HistoryKind::LabelsAdded(vec![label("INBOX")]);
    let removed = HistoryKind::LabelsRemoved(vec![label("Label_1")]);
    let expected =
        [(101, &HistoryKind::MessageAdded), (102, &inbox), (102, &removed), (103, &HistoryKind::MessageDeleted)];
    assert_eq!(kinds, expected);
    assert_eq!(page.records[0].changes[0].labels, [label("INBOX"), label("UNREAD")]);
    let request = peer.only();
    assert_eq!(request.line(), "GET /gmail/v1/users/me/history");
    assert_eq!((request.parameter("startHistoryId"), request.parameter("pageToken")), (Some("100"), Some("p1")));
    assert!(!request.query.contains_key("labelId") && !request.query.contains_key("historyTypes"));
}

#[tokio::test]
async fn an_empty_history_has_no_records() {
    let peer = answering(json!({"historyId": "7"})).await;
    let page = gmail(&peer).history(&access(), HistoryId(7), None).await.unwrap();
    assert_eq!(page, HistoryPage { records: vec![], next_page: None, history_id: HistoryId(7) });
}

#[tokio::test]
async fn messages_are_listed_by_one_label_and_a_time() {
    let peer = answering(json!({"messages": [{"id": "a", "threadId": "t"}], "nextPageToken": "n"})).await;
    let after = Some(Timestamp::from_millis(1_700_000_000_999));
    let list = gmail(&peer).list(&access(), &label("INBOX"), after, None).await.unwrap();
    assert_eq!(list.messages, [(message_id("a"), ThreadId::parse("t").unwrap())]);
    assert_eq!(list.next_page.as_deref(), Some("n"));
    let request = peer.only();
    assert_eq!(request.line(), "GET /gmail/v1/users/me/messages");
    assert_eq!((request.parameter("labelIds"), request.parameter("q")), (Some("INBOX"), Some("after:1699999999")));
    assert_eq!(request.parameter("maxResults"), Some("500"));
}

#[tokio::test]
async fn headers_come_in_order_and_doubled_ones_stay() {
    let headers = json!([
        {"name": "Received", "value": "one"}, {"name": "Subject", "value": "Hi"}, {"name": "Received", "value": "two"}
    ]);
    let message = json!({"id": "a", "threadId": "t", "labelIds": ["INBOX"], "internalDate": "1700000000123",
        "sizeEstimate": 512, "payload": {"headers": headers}});
    let peer = answering(message).await;
    let got = gmail(&peer).headers(&access(), &message_id("a")).await.unwrap();
    let names: Vec<_> = got.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(names, [("Received", "one"), ("Subject", "Hi"), ("Received", "two")]);
    assert_eq!((got.size, got.internal_date), (512, Timestamp::from_millis(1_700_000_000_123)));
    let request = peer.only();
    assert_eq!(request.line(), "GET /gmail/v1/users/me/messages/a");
    assert_eq!(request.parameter("format"), Some("metadata"));
}

#[tokio::test]
async fn a_raw_mail_is_decoded() {
    // base64url of 0xfb 0xff 0xfe, whose standard form would hold a plus and a slash.
    let peer = answering(json!({"id": "a", "threadId": "t", "raw": "-__-"})).await;
    assert_eq!(gmail(&peer).raw(&access(), &message_id("a")).await.unwrap(), [0xfb, 0xff, 0xfe]);
    assert_eq!(peer.only().parameter("format"), Some("raw"));
}

#[tokio::test]
async fn a_thread_is_read_by_metadata() {
    let message = |id: &str| json!({"id": id, "threadId": "18f", "internalDate": "1", "labelIds": ["DRAFT"]});
    let peer = answering(json!({"id": "18f", "messages": [message("a"), message("b")]})).await;
    let got = gmail(&peer).thread(&access(), &thread_id()).await.unwrap();
    assert_eq!(got.iter().map(|m| m.message.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let request = peer.only();
    assert_eq!(
        (request.line().as_str(), request.parameter("format")),
        ("GET /gmail/v1/users/me/threads/18f", Some("metadata"))
    );
}

#[tokio::test]
async fn labels_tell_system_from_own() {
    let peer = answering(json!({"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"},
        {"id": "Label_1", "name": "Support/AI", "type": "user"}]}))
    .await;
    let labels = gmail(&peer).labels(&access()).await.unwrap();
    assert_eq!(labels[0], GmailLabel { id: label("INBOX"), name: "INBOX".into(), system: true });
    assert_eq!(labels[1], GmailLabel { id: label("Label_1"), name: "Support/AI".into(), system: false });
}

#[tokio::test]
async fn a_label_of_an_unknown_form_hides_nothing() {
    let message = json!({"id": "a", "threadId": "t", "labelIds": ["INBOX", "^odd id"]});
    let page = json!({"historyId": "9", "history": [{"id": "8", "messagesAdded": [{"message": message}]}]});
    let list = json!({"labels": [{"id": "^odd id", "name": "x"}, {"id": "Label_1", "name": "y", "type": "user"}]});
    let peer = Peer::with([Reply::Json(200, page), Reply::Json(200, list)]).await;
    let gmail = gmail(&peer);
    let page = gmail.history(&access(), HistoryId(7), None).await.unwrap();
    assert_eq!(page.records[0].changes[0].labels, [label("INBOX")]);
    assert_eq!(gmail.labels(&access()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_draft_is_uploaded_with_its_thread() {
    let mail = b"Subject: Re: Hi\r\nX-Postroom-Id: 1\r\n\r\nHello \xc3\xa9\r\n";
    let answer = json!({"id": "r-7", "message": {"id": "m-9", "threadId": "18f"}});
    let made = DraftRef { draft: draft_id(), message: message_id("m-9") };
    let peer = Peer::with([Reply::Json(200, answer.clone()), Reply::Json(200, answer)]).await;
    let gmail = gmail(&peer);
    assert_eq!(gmail.create_draft(&access(), &thread_id(), mail).await.unwrap(), made);
    assert_eq!(gmail.update_draft(&access(), &draft_id(), &thread_id(), mail).await.unwrap(), made);
    peer.done();
    let seen = peer.seen();
    assert_eq!(seen[0].line(), "POST /upload/gmail/v1/users/me/drafts");
    assert_eq!(seen[1].line(), "PUT /upload/gmail/v1/users/me/drafts/r-7");
    for request in &seen {
        assert_eq!(request.parameter("uploadType"), Some("multipart"));
        let kind = &request.headers["content-type"];
        let boundary = kind.split_once("boundary=").unwrap().1;
        assert!(kind.starts_with("multipart/related"), "{kind}");
        let text = request.text();
        let parts: Vec<_> = text.split(&format!("--{boundary}")).collect();
        assert_eq!((parts.len(), parts[3].trim()), (4, "--"), "{text}");
        let (head, resource) = parts[1].split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/json"), "{head}");
        assert_eq!(serde_json::from_str::<Value>(resource).unwrap(), json!({"message": {"threadId": "18f"}}));
        let (head, body) = parts[2].split_once("\r\n\r\n").unwrap();
        assert!(head.contains("message/rfc822"), "{head}");
        assert_eq!(body.as_bytes(), [&mail[..], b"\r\n"].concat());
    }
}

#[tokio::test]
async fn a_draft_larger_than_gmail_takes_is_refused_before_the_call() {
    let peer = Peer::new().await;
    let mail = vec![b'x'; 36_700_161];
    let error = gmail(&peer).create_draft(&access(), &thread_id(), &mail).await.unwrap_err();
    assert_eq!(error, GmailError::Refused("too large".into()));
    assert_eq!(peer.seen().len(), 0);
}

#[tokio::test]
async fn a_draft_is_sent_as_it_stands() {
    let peer = answering(json!({"id": "m-10", "threadId": "18f", "labelIds": ["SENT"]})).await;
    assert_eq!(gmail(&peer).send_draft(&access(), &draft_id()).await.unwrap(), message_id("m-10"));
    let request = peer.only();
    assert_eq!(request.line(), "POST /gmail/v1/users/me/drafts/send");
    assert_eq!(request.json(), json!({"id": "r-7"}));
    assert_eq!(request.headers["authorization"], "Bearer token-1");
}

#[tokio::test]
async fn a_draft_is_looked_at_and_deleted() {
    let minimal = json!({"id": "r-7", "message": {"id": "m-9", "threadId": "18f"}});
    let raw = json!({"id": "r-7", "message": {"id": "m-9", "threadId": "18f", "raw": "aGk="}});
    let deleted = Reply::With(204, vec![], String::new());
    let peer = Peer::with([Reply::Json(200, minimal), Reply::Json(200, raw), deleted]).await;
    let gmail = gmail(&peer);
    let stands = DraftRef { draft: draft_id(), message: message_id("m-9") };
    assert_eq!(gmail.draft(&access(), &draft_id()).await.unwrap(), stands);
    assert_eq!(gmail.draft_raw(&access(), &draft_id()).await.unwrap(), (stands, b"hi".to_vec()));
    gmail.delete_draft(&access(), &draft_id()).await.unwrap();
    peer.done();
    let seen = peer.seen();
    assert_eq!(seen.iter().map(|r| r.parameter("format")).collect::<Vec<_>>(), [Some("minimal"), Some("raw"), None]);
    assert_eq!(seen[2].line(), "DELETE /gmail/v1/users/me/drafts/r-7");
}

#[tokio::test]
async fn drafts_of_a_thread_are_found_over_all_pages() {
    let draft = |id: &str, thread: &str| json!({"id": id, "message": {"id": format!("m-{id}"), "threadId": thread}});
    let first = json!({"drafts": [draft("r-1", "other"), draft("r-2", "18f")], "nextPageToken": "n"});
    let second = json!({"drafts": [draft("r-3", "18f")]});
    let peer = Peer::with([Reply::Json(200, first), Reply::Json(200, second)]).await;
    let found = gmail(&peer).drafts_in(&access(), &thread_id()).await.unwrap();
    assert_eq!(found.iter().map(|d| d.draft.as_str()).collect::<Vec<_>>(), ["r-2", "r-3"]);
    peer.done();
    assert_eq!(peer.seen()[1].parameter("pageToken"), Some("n"));
}

#[tokio::test]
async fn a_watch_names_topic_and_labels() {
    let peer = answering(json!({"historyId": "5", "expiration": "1780660800000"})).await;
    let until = gmail(&peer).watch(&access(), &[label("INBOX")]).await.unwrap();
    assert_eq!(until, Timestamp::from_millis(1_780_660_800_000));
    let request = peer.only();
    assert_eq!(request.line(), "POST /gmail/v1/users/me/watch");
    let expected = json!({"topicName": TOPIC, "labelIds": ["INBOX"], "labelFilterBehavior": "include"});
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn fault_15_a_watch_on_another_topic_is_stopped_first() {
    let message = "Only one user push notification client allowed per developer (call /stop then try again)";
    let conflict = json!({"error": {"code": 400, "message": message, "errors": [{"reason": "invalidArgument"}]}});
    let watch = json!({"historyId": "5", "expiration": "1780660800000"});
    let stopped = Reply::With(204, vec![], String::new());
    let peer = Peer::with([Reply::Json(400, conflict.clone()), stopped, Reply::Json(200, watch)]).await;
    gmail(&peer).watch(&access(), &[label("INBOX")]).await.unwrap();
    peer.done();
    let lines: Vec<_> = peer.seen().iter().map(|request| request.path.clone()).collect();
    assert_eq!(lines, ["/gmail/v1/users/me/watch", "/gmail/v1/users/me/stop", "/gmail/v1/users/me/watch"]);

    // Once is enough: when it says so again, it stays refused.
    let stopped = Reply::With(204, vec![], String::new());
    let peer = Peer::with([Reply::Json(400, conflict.clone()), stopped, Reply::Json(400, conflict)]).await;
    let error = gmail(&peer).watch(&access(), &[label("INBOX")]).await.unwrap_err();
    assert_eq!(error, GmailError::Refused("400 invalidArgument".into()));
    peer.done();
}
