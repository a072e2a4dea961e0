//! `q`.

use serde_json::json;
use simulator::Deliver;

use crate::support::{Fixture, SUPPORT, start};

const DAY: i64 = 86_400_000;

/// Puts a mail in that is `days` old.
fn put(at: &Fixture, days: i64, labels: &[&str], raw: &str) -> String {
    let options = Deliver {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        internal_date: Some(1_900_000_000_000 - days * DAY),
        authentication: None,
    };
    at.sim.deliver(SUPPORT, raw, &options).unwrap().id
}

async fn mailbox() -> (Fixture, [String; 5]) {
    let at = start().await;
    let status = at.post("labels", json!({"name": "Very Late/Parcels"})).await.1["id"].as_str().unwrap().to_owned();
    let ids = [
        put(
            &at,
            0,
            &["INBOX", "UNREAD", "IMPORTANT"],
            "From: Ann Baker <ann@customer.test>\r\nTo: support@postroom.test\r\nSubject: Dinner plans\r\n\
             Message-ID: <one@customer.test>\r\n\r\nLet us meet at eight.\r\n",
        ),
        put(
            &at,
            10,
            &["INBOX", "STARRED", &status],
            "From: Bob <bob@example.com>\r\nTo: x@example.com\r\nCc: support@postroom.test\r\nSubject: Movie night\r\n\
             \r\nBring the popcorn, Ann.\r\n",
        ),
        put(
            &at,
            100,
            &["INBOX"],
            "From: bob@example.com\r\nTo: support@postroom.test\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n\
             --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"March bill.pdf\"\r\n\
             \r\n%PDF\r\n--b--\r\n",
        ),
        put(&at, 800, &["SPAM"], "From: spam@example.net\r\nSubject: Dinner for free\r\n\r\nBuy now.\r\n"),
        put(&at, 900, &["TRASH"], "From: old@example.net\r\nBcc: secret@example.com\r\nSubject: Gone\r\n\r\nx\r\n"),
    ];
    let now = at.sim.calls().last().unwrap().at_ms;
    at.sim.set_clock_offset(1_900_000_000_000 + 60_000 - now);
    let at = at.with_token_of(SUPPORT, &[crate::support::MODIFY]);
    (at, ids)
}

#[tokio::test]
async fn every_operator_finds_its_mails() {
    let (at, ids) = mailbox().await;
    for (query, wanted) in [
        ("dinner", &[0][..]),
        ("DINNER", &[0]),
        ("dinn", &[]),
        ("from:ann", &[0]),
        ("from:\"ann baker\"", &[0]),
        ("from:bob@example.com", &[1, 2]),
        ("to:support@postroom.test", &[0, 1, 2]),
        ("cc:support", &[1]),
        ("bcc:secret in:trash", &[4]),
        ("subject:movie", &[1]),
        ("subject:(movie night)", &[1]),
        ("subject:{dinner invoice}", &[0, 2]),
        ("dinner OR movie", &[0, 1]),
        ("{from:ann from:bob} -has:attachment", &[0, 1]),
        ("-from:bob", &[0]),
        ("-(from:bob subject:movie)", &[0, 2]),
        ("\"meet at eight\"", &[0]),
        ("\"meet eight\"", &[]),
        ("label:very-late-parcels", &[1]),
        ("has:userlabels", &[1]),
        ("in:inbox", &[0, 1, 2]),
        ("in:spam", &[3]),
        ("in:trash", &[4]),
        ("in:anywhere", &[0, 1, 2, 3, 4]),
        ("in:sent", &[]),
        ("in:drafts", &[]),
        ("is:unread", &[0]),
        ("is:read", &[1, 2]),
        ("is:starred", &[1]),
        ("is:important", &[0]),
        ("has:attachment", &[2]),
        ("filename:pdf", &[2]),
        ("filename:bill", &[2]),
        ("filename:xls", &[]),
        ("newer_than:2d", &[0]),
        ("older_than:2d", &[1, 2]),
        ("older_than:2m", &[2]),
        ("in:anywhere older_than:2y", &[3, 4]),
        ("larger:250", &[2]),
        ("smaller:1k smaller:250", &[0, 1]),
        ("rfc822msgid:<one@customer.test>", &[0]),
        ("rfc822msgid:one@customer.test", &[0]),
        ("after:1899999000", &[0]),
        ("before:2030/01/01", &[2]),
        ("before:1899999000", &[1, 2]),
        ("popcorn:ann", &[1]),
        ("colour:popcorn", &[]),
        ("***", &[0, 1, 2]),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let (status, page) = at.get(&format!("messages?q={encoded}")).await;
        assert_eq!(status, 200, "{query}");
        let found: Vec<&str> =
            page["messages"].as_array().into_iter().flatten().map(|mail| mail["id"].as_str().unwrap()).collect();
        let wanted: Vec<&str> = wanted.iter().map(|number| ids[*number].as_str()).collect();
        assert_eq!(found, wanted, "{query}");
    }
}

#[tokio::test]
async fn drafts_and_threads_are_searched_too() {
    let (at, ids) = mailbox().await;
    let (_, threads) = at.get("threads?q=subject:movie").await;
    assert_eq!(threads["threads"][0]["id"], json!(ids[1]));
    let draft = json!({"message": crate::support::message("Subject: Plan\r\n\r\nx\r\n")});
    let id = at.post("drafts", draft).await.1["id"].clone();
    assert_eq!(at.get("drafts?q=plan").await.1["drafts"][0]["id"], id);
    assert!(at.get("drafts?q=movie").await.1.get("drafts").is_none());
    assert_eq!(at.get("messages?q=in:drafts").await.1["messages"].as_array().unwrap().len(), 1);
}
