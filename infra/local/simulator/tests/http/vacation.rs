//! The vacation responder.

use serde_json::{Value, json};
use simulator::{Deliver, MessageDump};

use crate::support::{CUSTOMER, Fixture, MODIFY, SUPPORT, message, start};

const BASIC: &str = "https://www.googleapis.com/auth/gmail.settings.basic";
const DAY: i64 = 86_400_000;

async fn away(more: Value) -> Fixture {
    let at = start().await.with_token_of(SUPPORT, &[MODIFY, BASIC]);
    let mut wish =
        json!({"enableAutoReply": true, "responseSubject": "Away:", "responseBodyPlainText": "Back on Monday."});
    for (key, value) in more.as_object().unwrap() {
        wish[key] = value.clone();
    }
    let (status, body) = at.put("settings/vacation", wish).await;
    assert_eq!(status, 200, "{body}");
    at
}

/// A mail from the customer's own account.
async fn write(at: &Fixture, subject: &str, more: &str) {
    let token = at.sim.grant(crate::support::CLIENT, CUSTOMER, &[MODIFY]).unwrap().access_token;
    let mail = message(&format!("To: {SUPPORT}\r\nSubject: {subject}\r\n{more}\r\nHello\r\n"));
    let url = at.url("/gmail/v1/users/me/messages/send");
    assert_eq!(at.http.post(url).bearer_auth(token).json(&mail).send().await.unwrap().status(), 200);
}

/// The answers that the customer has.
fn answers(at: &Fixture) -> Vec<MessageDump> {
    let mut mails = at.sim.dump(CUSTOMER).unwrap().messages;
    mails.retain(|mail| mail.has_label("INBOX"));
    mails
}

#[tokio::test]
async fn the_responder_is_set_and_checked() {
    let at = start().await.with_token_of(SUPPORT, &[MODIFY, BASIC]);
    let off = json!({"enableAutoReply": false, "restrictToContacts": false, "restrictToDomain": false});
    assert_eq!(at.get("settings/vacation").await, (200, off));
    let wish = json!({"enableAutoReply": true, "responseSubject": "Away", "startTime": 1000, "endTime": "2000"});
    let (status, set) = at.put("settings/vacation", wish).await;
    assert_eq!(status, 200);
    assert_eq!((&set["startTime"], &set["endTime"]), (&json!("1000"), &json!("2000")), "64-bit numbers are strings");
    assert_eq!(at.get("settings/vacation").await.1, set);
    for bad in [
        json!({"enableAutoReply": true}),
        json!({"enableAutoReply": true, "responseSubject": "x", "startTime": "2", "endTime": "1"}),
        json!({"responseSubject": "x", "startTime": "soon"}),
    ] {
        assert_eq!(at.put("settings/vacation", bad).await.0, 400);
    }
    let at = at.with_token_of(CUSTOMER, &[BASIC]);
    let inside = json!({"enableAutoReply": true, "responseSubject": "x", "restrictToDomain": true});
    assert_eq!(at.put("settings/vacation", inside).await.0, 400, "a private account has no domain");
    let at = at.with_token_of(SUPPORT, &[MODIFY]);
    assert_eq!(at.put("settings/vacation", json!({"enableAutoReply": false})).await.0, 403);
}

#[tokio::test]
async fn a_sender_is_answered_once_in_four_days_as_a_machine_does() {
    let at = away(json!({})).await;
    write(&at, "Parcel", "").await;
    let got = answers(&at);
    assert_eq!(got.len(), 1);
    let sent = at.sim.dump(CUSTOMER).unwrap().messages[0].header("Message-ID").unwrap().to_owned();
    for (name, value) in [
        ("Subject", "Away: Re: Parcel"),
        ("From", "\"Support\" <support@postroom.test>"),
        ("To", CUSTOMER),
        ("Auto-Submitted", "auto-replied"),
        ("Precedence", "bulk"),
        ("X-Autoreply", "yes"),
        ("In-Reply-To", sent.as_str()),
        ("Return-Path", "<>"),
    ] {
        assert_eq!(got[0].header(name), Some(value));
    }
    assert_eq!(got[0].text.trim(), "Back on Monday.");
    assert_eq!(at.sim.dump(SUPPORT).unwrap().messages.len(), 1, "the answer stands in no folder of the sender");

    write(&at, "Again", "").await;
    assert_eq!(answers(&at).len(), 1);
    at.sim.set_clock_offset(4 * DAY - 60_000);
    write(&at, "Still silent", "").await;
    assert_eq!(answers(&at).len(), 1);
    at.sim.set_clock_offset(4 * DAY + 60_000);
    write(&at, "Later", "").await;
    assert_eq!(answers(&at).len(), 2);
}

#[tokio::test]
async fn machines_lists_and_spam_are_not_answered() {
    let at = away(json!({})).await;
    for more in [
        "Auto-Submitted: auto-generated\r\n",
        "Precedence: list\r\n",
        "List-Id: <news.example.com>\r\n",
        "X-Auto-Response-Suppress: All\r\n",
    ] {
        write(&at, "Automatic", more).await;
    }
    write(&at, "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X", "").await;
    let put = |raw: &str| at.sim.deliver(SUPPORT, raw, &Deliver::default()).unwrap();
    put(&format!("From: {CUSTOMER}\r\nTo: list@example.com\r\nSubject: Not to me\r\n\r\nx\r\n"));
    put(&format!("Return-Path: <>\r\nFrom: {CUSTOMER}\r\nTo: {SUPPORT}\r\nSubject: Bounce\r\n\r\nx\r\n"));
    assert!(answers(&at).is_empty());
    put(&format!("Auto-Submitted: no\r\nFrom: {CUSTOMER}\r\nTo: {SUPPORT}\r\nSubject: A person\r\n\r\nx\r\n"));
    assert_eq!(answers(&at).len(), 1);
}

#[tokio::test]
async fn two_responders_do_not_answer_one_another() {
    let at = away(json!({})).await.with_token_of(CUSTOMER, &[MODIFY, BASIC]);
    let on = json!({"enableAutoReply": true, "responseBodyHtml": "<p>Me too</p>"});
    assert_eq!(at.put("settings/vacation", on).await.0, 200);
    write(&at, "Parcel", "").await;
    assert_eq!(answers(&at).len(), 1);
    assert_eq!(at.sim.dump(SUPPORT).unwrap().messages.len(), 1);
    let at = at.with_token_of(SUPPORT, &[MODIFY]);
    let mail = message(&format!("To: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"));
    at.post("messages/send", mail).await;
    let answered = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    assert_eq!(answered.header("Content-Type"), Some("text/html; charset=\"UTF-8\""));
}

#[tokio::test]
async fn only_in_its_time_and_only_whom_it_is_meant_for() {
    let at = away(json!({"endTime": "2000"})).await;
    write(&at, "Too late", "").await;
    assert!(answers(&at).is_empty());
    let at = away(json!({"startTime": "9000000000000"})).await;
    write(&at, "Too early", "").await;
    assert!(answers(&at).is_empty());
    let at = away(json!({"restrictToDomain": true})).await;
    write(&at, "From outside", "").await;
    assert!(answers(&at).is_empty());
    let at = away(json!({"restrictToContacts": true})).await;
    write(&at, "From a stranger", "").await;
    assert!(answers(&at).is_empty());
    at.post("messages/send", message(&format!("To: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"))).await;
    write(&at, "From a contact", "").await;
    assert_eq!(answers(&at).len(), 2, "the mail and the answer");
}
