use channel::address::{EmailAddress, Mailbox};
use channel::mail::{OutgoingReply, Suppression};
use mime::{WriteError, read, write_reply};
use proptest::prelude::*;

fn mailbox(name: &str, email: &str) -> Mailbox {
    Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), email: EmailAddress::parse(email).unwrap() }
}

fn reply(subject: &str, name: &str, text: &str) -> OutgoingReply {
    OutgoingReply {
        from: mailbox("Help", "help@example.net"),
        to: vec![mailbox(name, "ada@example.com")],
        cc: vec![],
        subject: subject.to_owned(),
        text: text.to_owned(),
        in_reply_to: Some("<2@example.com>".to_owned()),
        references: vec!["<1@example.com>".to_owned(), "<2@example.com>".to_owned()],
        marker: "m-1".to_owned(),
        machine_sent: false,
    }
}

/// The header section: names in order, and the lines.
fn section(raw: &[u8]) -> (Vec<String>, Vec<String>) {
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().to_owned();
    let lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
    let names = lines
        .iter()
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect();
    (names, lines)
}

const NAMES: &[&str] = &[
    "from",
    "to",
    "subject",
    "in-reply-to",
    "references",
    "x-postroom-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

#[test]
fn a_reply_is_plain_mail() {
    let mut reply = reply("Re: Größe – 日本", "Ada \"Countess\" Løvelace", "Grüße\n.\nFrom here\n");
    let raw = write_reply(&reply).unwrap();
    assert!(raw.is_ascii());
    let text = String::from_utf8(raw.clone()).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
    assert!(text.contains("X-Postroom-Id: m-1\r\n") && !text.contains("Auto-Submitted") && !text.contains("Bcc"));
    let mail = read(&raw).unwrap();
    assert_eq!(mail.headers.subject, "Re: Größe – 日本");
    assert_eq!(mail.headers.to, reply.to);
    assert_eq!(mail.headers.marker.as_deref(), Some("m-1"));
    assert_eq!(mail.headers.suppression, [Suppression::OwnMarker]);
    assert_eq!(mail.text, "Grüße\n.\nFrom here");

    reply.machine_sent = true;
    let raw = write_reply(&reply).unwrap();
    let text = String::from_utf8(raw).unwrap();
    assert!(text.contains("\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"));
}

#[test]
fn what_would_break_the_header_is_refused() {
    let mut one = reply("x", "", "x");
    one.to.clear();
    assert_eq!(write_reply(&one), Err(WriteError::NoRecipient));
    let mut one = reply("x", "", "x");
    one.marker = "a\r\nBcc: evil@example.org".to_owned();
    assert_eq!(write_reply(&one), Err(WriteError::Marker));
    let mut one = reply("x", "", "x");
    one.in_reply_to = Some("<a@b>\r\nBcc: evil@example.org".to_owned());
    assert_eq!(write_reply(&one), Err(WriteError::MessageId));
    let mut one = reply("x", "", "x");
    one.references.push("no brackets".to_owned());
    assert_eq!(write_reply(&one), Err(WriteError::MessageId));
}

#[test]
fn long_values_are_folded() {
    let mut one = reply(&"word ".repeat(60), &"Naïve ".repeat(20), "x");
    one.references = (0..60).map(|n| format!("<{n}-{}@example.com>", "x".repeat(60))).collect();
    one.cc = (0..50).map(|n| mailbox("A Person", &format!("p{n}@example.org"))).collect();
    let raw = write_reply(&one).unwrap();
    let (_, lines) = section(&raw);
    assert!(lines.iter().all(|line| line.len() <= 100), "{lines:?}");
    let mail = read(&raw).unwrap();
    assert_eq!(mail.headers.references.len(), 21);
    assert_eq!(
        (mail.headers.references.first(), mail.headers.references.last()),
        (one.references.first(), one.references.last())
    );
    assert_eq!(mail.headers.cc, one.cc);
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// No text, wherever it comes from, makes a header field or ends the header section.
    #[test]
    fn there_is_one_header_section_and_no_other_field(
        subject in "(\\PC|\\r|\\n|\\x00|\\x0b|\u{2028}|\u{85}|Bcc: |: |=\\?utf-8\\?q\\?=0d=0aBcc:x\\?=){0,60}",
        name in "(\\PC|\\r|\\n|\\x00|\u{2029}|[\",<>();:@\\\\]|Bcc: ){0,40}",
        text in "(\\PC|\\r|\\n|\\x00|Bcc: x@example.org\\n){0,200}",
    ) {
        let raw = write_reply(&reply(&subject, &name, &text)).unwrap();
        let (mut names, lines) = section(&raw);
        names.sort();
        let mut expected = NAMES.to_vec();
        expected.sort_unstable();
        prop_assert_eq!(names, expected);
        prop_assert!(lines.iter().all(|line| !line.trim().is_empty() && line.len() <= 998 && !line.bytes().any(|b| b.is_ascii_control() && b != b'\t')));
        let mail = read(&raw).unwrap();
        prop_assert_eq!(mail.headers.to.len(), 1);
        prop_assert_eq!(mail.headers.to[0].email.as_str(), "ada@example.com");
        prop_assert!(mail.headers.cc.is_empty());
        prop_assert_eq!(mail.headers.from.len(), 1);
    }

    #[test]
    fn what_is_written_is_read_again(
        subject in "[a-zA-Zäöüß日本Ж0-9][a-zA-Zäöüß日本Ж0-9 ,.!?=_-]{0,80}",
        name in "[A-Za-zäß日Ж\"',.()][a-zA-Zäß日Ж\"',.() -]{0,30}[a-z]",
        words in proptest::collection::vec("[a-zA-Zäöü日本Ж0-9=]{1,12}", 1..60),
        ids in proptest::collection::vec("[a-z0-9.]{1,30}@example\\.org", 1..15),
    ) {
        let mut one = reply(&subject, &name, &words.join(" "));
        one.references = ids.iter().map(|id| format!("<{id}>")).collect();
        one.references.dedup();
        let mut unique: Vec<String> = Vec::new();
        for id in one.references {
            if !unique.contains(&id) {
                unique.push(id);
            }
        }
        one.references = unique;
        one.in_reply_to = one.references.last().cloned();
        let mail = read(&write_reply(&one).unwrap()).unwrap();
        prop_assert_eq!(one_line(&mail.headers.subject), one_line(&subject));
        prop_assert_eq!(&mail.headers.to[0].email, &one.to[0].email);
        prop_assert_eq!(one_line(mail.headers.to[0].name.as_deref().unwrap_or_default()), one_line(&name));
        prop_assert_eq!(mail.headers.references, one.references);
        prop_assert_eq!(mail.headers.in_reply_to, one.in_reply_to);
        prop_assert_eq!(mail.text, words.join(" "));
    }
}
