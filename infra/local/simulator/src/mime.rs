//! Mail bytes: what threading and delivery need to know of a mail, and edits of its header block.
//!
//! Reading is `mail-parser`'s; an edit cuts or prepends whole header fields and leaves every other byte alone.

use base64::{Engine, prelude::BASE64_STANDARD};
use mail_builder::mime::MimePart;
use mail_parser::{Address, HeaderName, HeaderValue, Message, MessageParser};
use serde::{Deserialize, Serialize};

/// The facts of a header block that Gmail acts upon.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub message_id: Option<String>,
    /// Of `In-Reply-To` and `References`, nearest ancestor last.
    pub references: Vec<String>,
    pub subject: String,
    /// The subject without reply and forward prefixes.
    pub subject_key: String,
    pub from: Option<(String, String)>,
    /// Addresses of `To`, `Cc` and `Bcc`, lower case.
    pub recipients: Vec<String>,
    pub has_date: bool,
}

pub(crate) fn parse(raw: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse(raw)
}

pub(crate) fn envelope(raw: &[u8]) -> Envelope {
    let Some(message) = parse(raw) else {
        return Envelope::default();
    };
    let mut references = ids(message.references());
    for id in ids(message.in_reply_to()) {
        if !references.contains(&id) {
            references.push(id);
        }
    }
    let mut recipients: Vec<String> = Vec::new();
    for address in message.all_to().chain(message.all_cc()).chain(message.all_bcc()).flat_map(addresses) {
        if !recipients.contains(&address) {
            recipients.push(address);
        }
    }
    Envelope {
        message_id: message.message_id().map(str::to_owned),
        references,
        subject: message.subject().unwrap_or_default().to_owned(),
        subject_key: message.thread_name().unwrap_or_default().trim().to_lowercase(),
        from: message.from().and_then(Address::first).and_then(|from| {
            let address = from.address()?.trim().to_lowercase();
            Some((from.name().unwrap_or_default().to_owned(), address))
        }),
        recipients,
        has_date: message.header(HeaderName::Date).is_some(),
    }
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn addresses(list: &Address<'_>) -> Vec<String> {
    list.iter().filter_map(|entry| entry.address()).map(|address| address.trim().to_lowercase()).collect()
}

/// Every header of a mail in order, unfolded and decoded, as the API shows it.
pub(crate) fn headers(raw: &[u8]) -> Vec<(String, String)> {
    parse(raw).map(|message| part_headers(&message, 0)).unwrap_or_default()
}

pub(crate) fn part_headers(message: &Message<'_>, part: usize) -> Vec<(String, String)> {
    let raw = message.raw_message();
    let Some(part) = message.parts.get(part) else {
        return Vec::new();
    };
    part.headers
        .iter()
        .map(|header| {
            // The parser knows common names in one spelling; the API shows each as it was written.
            let written = raw.get(header.offset_field as usize..header.offset_start as usize);
            let name = written.map(String::from_utf8_lossy).unwrap_or_else(|| header.name().into());
            let value = raw.get(header.offset_start as usize..header.offset_end as usize);
            (name.trim_end_matches([':', ' ', '\t']).to_owned(), value.map(decode).unwrap_or_default())
        })
        .collect()
}

/// Unfolds and decodes the value of one field as unstructured text.
fn decode(value: &[u8]) -> String {
    let mut field = b"Subject:".to_vec();
    field.extend_from_slice(value);
    field.extend_from_slice(b"\r\n\r\n");
    MessageParser::new()
        .header_text(HeaderName::Subject)
        .parse_headers(&field)
        .and_then(|message| message.subject().map(|text| text.trim().to_owned()))
        .unwrap_or_default()
}

/// The mail without the named fields.
pub(crate) fn without_headers(raw: &[u8], names: &[&str]) -> Vec<u8> {
    let Some(message) = parse(raw) else {
        return raw.to_vec();
    };
    let mut rest = Vec::with_capacity(raw.len());
    let mut at = 0;
    for header in message.headers() {
        let (start, end) = (header.offset_field as usize, header.offset_end as usize);
        if names.iter().any(|name| name.eq_ignore_ascii_case(header.name())) && start >= at && end <= raw.len() {
            rest.extend_from_slice(&raw[at..start]);
            at = end;
        }
    }
    rest.extend_from_slice(&raw[at..]);
    rest
}

/// The mail with `fields` in front, each `Name: value` without line end.
pub(crate) fn with_headers(fields: &[String], raw: &[u8]) -> Vec<u8> {
    let mut mail = Vec::with_capacity(raw.len() + 256);
    for field in fields {
        mail.extend_from_slice(field.as_bytes());
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(raw);
    mail
}

pub(crate) fn text(raw: &[u8]) -> String {
    parse(raw).and_then(|message| message.body_text(0).map(|text| text.into_owned())).unwrap_or_default()
}

/// The first words of the text, HTML-escaped as Gmail gives them.
pub(crate) fn snippet(raw: &[u8]) -> String {
    let text = text(raw);
    let mut snippet = String::new();
    for word in text.split_whitespace() {
        if snippet.chars().count() + word.chars().count() > 200 {
            break;
        }
        if !snippet.is_empty() {
            snippet.push(' ');
        }
        snippet.push_str(word);
    }
    let mut escaped = String::with_capacity(snippet.len());
    for letter in snippet.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// RFC 5322 date of a time in milliseconds.
pub(crate) fn date(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .ok()
        .and_then(|time| jiff::fmt::rfc2822::to_string(&time.to_zoned(jiff::tz::TimeZone::UTC)).ok())
        .unwrap_or_else(|| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// The mail with the same fields and another body.
pub(crate) fn with_body(raw: &[u8], body: MimePart<'_>) -> Vec<u8> {
    let body_at = parse(raw).map_or(raw.len(), |message| message.root_part().offset_body as usize);
    let mut header = without_headers(
        raw.get(..body_at).unwrap_or(raw),
        &["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"],
    );
    while header.ends_with(b"\n") || header.ends_with(b"\r") {
        header.pop();
    }
    header.extend_from_slice(b"\r\nMIME-Version: 1.0\r\n");
    body.write_part(&mut header);
    header
}

/// When the `Date` field says that the mail was written; `None` without one that can be read.
pub(crate) fn written_ms(raw: &[u8]) -> Option<i64> {
    parse(raw)?.date().filter(|date| date.is_valid()).map(|date| date.to_timestamp().saturating_mul(1_000))
}

/// The named parts of a mail: file name and decoded size.
pub(crate) fn attachments(raw: &[u8]) -> Vec<(String, usize)> {
    let Some(message) = parse(raw) else {
        return Vec::new();
    };
    message
        .parts
        .iter()
        .filter_map(|part| {
            let name = mail_parser::MimeHeaders::attachment_name(part)?;
            Some((name.to_owned(), part.contents().len()))
        })
        .collect()
}

pub(crate) fn attached_bytes(raw: &[u8]) -> usize {
    attachments(raw).iter().map(|(_, size)| size).sum()
}

/// The header of a mail with its last line end, without the empty line behind it.
pub(crate) fn header_block(raw: &[u8]) -> &[u8] {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2);
    let end = end.or_else(|| raw.windows(2).position(|window| window == b"\n\n").map(|at| at + 1));
    raw.get(..end.unwrap_or(raw.len())).unwrap_or(raw)
}

/// Unstructured text as it may stand in a header (RFC 2047).
pub(crate) fn encoded_text(text: &str) -> String {
    if text.bytes().all(|letter| (b' '..=b'~').contains(&letter)) {
        return text.to_owned();
    }
    // 30 bytes make a word of 52 letters, well below the 75 that a word may have.
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if word.len() + letter.len_utf8() > 30 {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

/// A body in base64 behind the empty line that ends the header.
pub(crate) fn base64_body(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"\r\n".to_vec();
    for line in BASE64_STANDARD.encode(bytes).as_bytes().chunks(76) {
        body.extend_from_slice(line);
        body.extend_from_slice(b"\r\n");
    }
    body
}
