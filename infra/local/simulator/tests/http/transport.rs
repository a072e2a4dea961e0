//! Mail between accounts: the trace it gains, and what comes back.

use serde_json::json;

use crate::support::{CUSTOMER, SUPPORT, message, start};

#[tokio::test]
async fn a_mail_between_accounts_carries_the_trace_of_its_way() {
    let at = start().await;
    let mail = format!(
        "Authentication-Results: mx.google.com; dkim=pass (forged)\r\nTo: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"
    );
    at.post("messages/send", message(&mail)).await;
    let got = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    let names: Vec<&str> = got.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..8],
        [
            "Delivered-To",
            "Received",
            "X-Received",
            "Return-Path",
            "Received",
            "Received-SPF",
            "Authentication-Results",
            "X-Received",
        ]
    );
    assert_eq!(got.header("Delivered-To"), Some(CUSTOMER));
    assert_eq!(got.header("Return-Path"), Some("<support@postroom.test>"));
    assert!(got.header("Received-SPF").unwrap().starts_with("pass (google.com: domain of support@postroom.test"));
    let verdict = got.header("Authentication-Results").unwrap();
    assert!(verdict.starts_with("mx.google.com; dkim=pass header.i=@postroom.test"), "{verdict}");
    assert!(names.iter().filter(|name| **name == "Authentication-Results").count() == 2, "a forged one stays below");
    assert!(!names.iter().any(|name| name.starts_with("ARC-")));
    let own = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    assert_eq!(own.header("Received"), None, "the sender's copy has no trace");
}

#[tokio::test]
async fn an_unknown_address_of_a_simulated_domain_comes_back() {
    let at = start().await;
    let mail = format!("To: nobody@customer.test, {CUSTOMER}, other@outside.example\r\nSubject: Hi\r\n\r\nBody\r\n");
    let (_, sent) = at.post("messages/send", message(&mail)).await;
    let own = at.sim.dump(SUPPORT).unwrap().messages;
    assert_eq!(own.len(), 2, "one comes back; what goes outside vanishes");
    let notice = &own[1];
    assert_eq!(json!(notice.thread_id), sent["threadId"]);
    assert_eq!(notice.label_ids, ["INBOX", "UNREAD"]);
    for (name, value) in [
        ("From", "Mail Delivery Subsystem <mailer-daemon@googlemail.test>"),
        ("Return-Path", "<>"),
        ("Auto-Submitted", "auto-replied"),
        ("Subject", "Delivery Status Notification (Failure)"),
        ("X-Failed-Recipients", "nobody@customer.test"),
        ("In-Reply-To", own[0].header("Message-ID").unwrap()),
    ] {
        assert_eq!(notice.header(name), Some(value));
    }
    let (_, full) = at.get(&format!("messages/{}", notice.id)).await;
    let parts = full["payload"]["parts"].as_array().unwrap();
    let kinds: Vec<&str> = parts.iter().map(|part| part["mimeType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text/plain", "message/delivery-status", "message/rfc822"]);
    let (_, raw) = at.get(&format!("messages/{}?format=raw", notice.id)).await;
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE, raw["raw"].as_str().unwrap()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for line in ["Final-Recipient: rfc822; nobody@customer.test", "Action: failed", "Status: 5.1.1", "Subject: Hi"] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
    assert!(!text.contains("\r\nBody\r\n"), "only the header goes back");
    assert_eq!(at.sim.dump(CUSTOMER).unwrap().messages.len(), 1);
}
