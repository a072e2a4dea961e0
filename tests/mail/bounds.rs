use super::{files, fixtures};
use channel::mail::{Obstacle, Unreadable};
use mime::{limits, read};
use proptest::prelude::*;

const HEAD: &str = "From: Ada <ada@example.com>\nSubject: x\n";

#[test]
fn a_mail_cut_off_anywhere_does_not_panic() {
    let mut small: Vec<_> = files("mail-parser", ".eml")
        .into_iter()
        .chain(files("langmail", ".eml"))
        .chain(files("sisimai", ".eml"))
        .filter(|path| path.metadata().is_ok_and(|m| (400..2_500).contains(&m.len())))
        .collect();
    let step = (small.len() / 12).max(1);
    small = small.into_iter().step_by(step).collect();
    assert!(small.len() >= 10, "{}", small.len());
    for path in small {
        let raw = std::fs::read(&path).unwrap();
        for end in 0..=raw.len() {
            if let Ok(mail) = read(&raw[..end]) {
                assert!(mail.text.len() <= limits::TEXT_BYTES);
            }
        }
    }
}

#[test]
fn what_is_no_mail_is_refused() {
    assert_eq!(read(b""), Err(Unreadable::Empty));
    assert_eq!(read(b" \r\n\r\n"), Err(Unreadable::Empty));
    assert_eq!(read(b"\x89PNG\r\n\x1a\n\0\0"), Err(Unreadable::NotMail));
    let big = vec![b'a'; limits::MAIL_BYTES + 1];
    assert_eq!(read(&big), Err(Unreadable::TooLarge { limit: limits::MAIL_BYTES }));
}

#[test]
fn ten_thousand_nested_multiparts_are_too_complex() {
    let mut mail = HEAD.to_owned();
    for n in 0..10_000 {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}x\n\n--b{n}x\n"));
    }
    mail.push_str("Content-Type: text/plain\n\nhello\n");
    let mail = read(mail.as_bytes()).unwrap();
    assert!(mail.obstacles.contains(&Obstacle::TooComplex));
}

#[test]
fn attached_mails_are_described_and_not_followed() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(20_000);
    let mail = read(format!("{HEAD}{nested}").as_bytes()).unwrap();
    assert_eq!(mail.attachments.len(), 1);
    assert_eq!(mail.attachments[0].media_type, "message/rfc822");
    assert_eq!(mail.attachments[0].name, "part-0.eml");
    assert_eq!(mail.obstacles, [Obstacle::NoText]);
    let digests: String =
        (0..5_000).map(|n| format!("Content-Type: multipart/digest; boundary=b{n}\n\n--b{n}\n\n")).collect();
    read(format!("{HEAD}{digests}").as_bytes()).unwrap();
}

#[test]
fn fifty_levels_are_read() {
    let mut mail = HEAD.to_owned();
    for n in 0..40 {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}x\n\n--b{n}x\n"));
    }
    mail.push_str("Content-Type: text/plain\n\nhello\n");
    let mail = read(mail.as_bytes()).unwrap();
    assert_eq!((mail.text.as_str(), mail.obstacles.as_slice()), ("hello", &[][..]));
}

#[test]
fn a_hundred_thousand_parts_are_too_complex() {
    let parts = "--b\nContent-Type: text/plain\n\nx\n".repeat(100_000);
    let mail = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n");
    let mail = read(mail.as_bytes()).unwrap();
    assert!(mail.obstacles.contains(&Obstacle::TooComplex));
    assert!(mail.text.len() <= limits::TEXT_BYTES && mail.attachments.len() <= limits::ATTACHMENTS);
}

#[test]
fn a_million_short_fields_are_bounded() {
    let mail = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n{}\n\nhello", "a:\n".repeat(1_000_000));
    let mail = read(mail.as_bytes()).unwrap();
    assert!(mail.obstacles.contains(&Obstacle::TooComplex));
    let wide = format!("{HEAD}To: {}\n\nhello", "a@example.com,".repeat(200_000));
    let mail = read(wide.as_bytes()).unwrap();
    assert!(mail.headers.to.len() <= limits::RECIPIENTS);
}

#[test]
fn hostile_html_costs_no_more_than_its_length() {
    let html = |body: String| read(format!("{HEAD}Content-Type: text/html\n\n{body}").as_bytes()).unwrap();
    let mail = html(format!("seen{}deep", "<div>".repeat(50_000)));
    assert_eq!(mail.text, "seen");
    assert!(mail.obstacles.contains(&Obstacle::TooComplex));
    let attributes: String = (0..200_000).map(|n| format!(" a{n}=1")).collect();
    assert_eq!(html(format!("a<b{attributes}>b</b>")).text, "ab");
    for unit in
        ["<b>", "<p>", "<a href=x>", "</b>", "<!--", "<style>", "<table><td>", "<b><div></b>", "&amp", "<li>", "<x y='"]
    {
        html(format!("seen {}", unit.repeat(100_000)));
    }
}

#[test]
fn long_text_is_cut_at_a_character() {
    let body = "é".repeat(200_000);
    let mail = read(format!("{HEAD}Content-Type: text/plain; charset=utf-8\n\n{body}").as_bytes()).unwrap();
    assert!(mail.truncated && mail.text.len() == limits::TEXT_BYTES);
    let lines = "> a\nOn 3 May 2020 10:00 wrote\nFrom: x\n".repeat(100_000);
    let mail = read(format!("{HEAD}\n{lines}").as_bytes()).unwrap();
    assert!(mail.truncated);
}

#[test]
fn every_fixture_reads_within_bounds() {
    for path in files("", "") {
        let raw = std::fs::read(&path).unwrap();
        if let Ok(mail) = read(&raw) {
            assert!(mail.text.len() <= limits::TEXT_BYTES, "{}", path.strip_prefix(fixtures()).unwrap().display());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        drop(read(&raw));
    }

    #[test]
    fn any_body_is_read(body in "(\\PC|[<>&\"'=\n\r /!-]|<div|<b|blockquote|</|style=|From: |wrote:|On 3 May 2020 ){0,200}") {
        for kind in ["plain; format=flowed", "html"] {
            let raw = format!("{HEAD}Content-Type: text/{kind}; charset=utf-8\n\n{body}");
            let mail = read(raw.as_bytes()).unwrap();
            prop_assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
