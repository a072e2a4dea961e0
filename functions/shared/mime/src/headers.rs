//! Header fields, from the bytes of a mail or from Gmail's `format=metadata`: both ways end in [`from_fields`], so
//! that a decision never depends on how a mail was fetched.

use crate::{auth, clean, limits, suppress};
use channel::address::{EmailAddress, Mailbox};
use channel::mail::{MailHeaders, Suppression};
use channel::time::Timestamp;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};
use std::borrow::Cow;

/// A header field: the name in lower case, the value unfolded, still encoded (RFC 2047).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// An address as it stands in a header, whether or not it can be written to.
pub struct RawAddress {
    pub name: Option<String>,
    pub address: String,
}

pub fn from_pairs(pairs: &[(String, String)]) -> Vec<Field> {
    pairs
        .iter()
        .take(limits::HEADER_FIELDS)
        .map(|(name, value)| Field {
            name: name.trim().to_ascii_lowercase(),
            value: one_line(clean::prefix(value, limits::FIELD_BYTES)),
        })
        .collect()
}

/// The header section at the beginning of a mail. Lines that are no header field are passed over, as parsers do.
pub fn from_bytes(raw: &[u8]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut started = false;
    let mut read = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        read += line.len();
        if read > limits::HEADER_BYTES || fields.len() > limits::HEADER_FIELDS {
            break;
        }
        let line = line.trim_ascii_end();
        if line.is_empty() {
            if started {
                break;
            }
            continue;
        }
        if matches!(line[0], b' ' | b'\t') {
            if let Some(last) = fields.last_mut()
                && last.value.len() < limits::FIELD_BYTES
            {
                last.value.push(' ');
                last.value.push_str(decode_bytes(line).trim());
            }
            continue;
        }
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            continue;
        }
        started = true;
        fields.push(Field {
            name: String::from_utf8_lossy(name).to_ascii_lowercase(),
            value: decode_bytes(&line[colon + 1..]).trim().to_owned(),
        });
    }
    for field in &mut fields {
        field.value = one_line(clean::prefix(&field.value, limits::FIELD_BYTES));
    }
    fields
}

/// Eight-bit headers: UTF-8 (RFC 6532), or else what old mailers meant.
fn decode_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// All values of a field, top to bottom.
pub fn values<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
}

/// `extra` are the reasons that lie in the body's structure.
pub fn from_fields(fields: &[Field], extra: &[Suppression]) -> MailHeaders {
    let from_raw = addresses(fields, "from", limits::AUTHORS);
    let from = mailboxes(&from_raw);
    let reply_raw = addresses(fields, "reply-to", limits::AUTHORS);
    let reply_to = mailboxes(&reply_raw);
    let subject = values(fields, "subject").next().map_or_else(String::new, unstructured);
    let from_fields = values(fields, "from").count();
    let mut headers = MailHeaders {
        authentication: auth::verdict(fields, &from, from_fields == 1 && from_raw.len() == 1),
        to: mailboxes(&addresses(fields, "to", limits::RECIPIENTS)),
        cc: mailboxes(&addresses(fields, "cc", limits::RECIPIENTS)),
        message_id: values(fields, "message-id").find_map(whole_message_id),
        in_reply_to: values(fields, "in-reply-to").flat_map(message_ids).next(),
        references: bound_references(values(fields, "references").flat_map(message_ids).collect()),
        date: values(fields, "date").find_map(date),
        bulk: suppress::is_bulk(fields),
        marker: values(fields, "x-postroom-id")
            .next()
            .map(|value| clean::line(value, limits::NAME_CHARS))
            .filter(|value| !value.is_empty()),
        from,
        reply_to,
        subject,
        suppression: Vec::new(),
    };
    headers.suppression = suppress::reasons(fields, &from_raw, &reply_raw, &headers, extra);
    headers
}

/// An unstructured field's text, decoded (RFC 2047).
pub fn unstructured(value: &str) -> String {
    let line = format!("{value}\n");
    let decoded = match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    };
    clean::line(&decoded, limits::SUBJECT_CHARS)
}

/// The addresses of every field of this name; groups are opened.
pub fn addresses(fields: &[Field], name: &str, max: usize) -> Vec<RawAddress> {
    let mut found = Vec::new();
    for value in values(fields, name) {
        let line = format!("{value}\n");
        let HeaderValue::Address(parsed) = MessageStream::new(line.as_bytes()).parse_address() else {
            continue;
        };
        let list: Vec<_> = match parsed {
            Address::List(list) => list,
            Address::Group(groups) => groups.into_iter().flat_map(|g| g.addresses).collect(),
        };
        for one in list {
            if found.len() == max {
                return found;
            }
            // A lone word is an address without a domain (`MAILER-DAEMON`), not a name.
            let (name, address) = match (one.name, one.address) {
                (name, Some(address)) => (name, address.into_owned()),
                (Some(name), None) => (None, name.into_owned()),
                (None, None) => continue,
            };
            let name = name.map(|name| clean::line(&name, limits::NAME_CHARS)).filter(|name| !name.is_empty());
            found.push(RawAddress { name, address });
        }
    }
    found
}

fn mailboxes(raw: &[RawAddress]) -> Vec<Mailbox> {
    raw.iter()
        .filter_map(|one| {
            let email = EmailAddress::parse(&one.address).ok()?;
            (!one.address.chars().any(clean::is_invisible)).then(|| Mailbox { name: one.name.clone(), email })
        })
        .collect()
}

fn date(value: &str) -> Option<Timestamp> {
    let line = format!("{value}\n");
    match MessageStream::new(line.as_bytes()).parse_date() {
        HeaderValue::DateTime(date) if date.is_valid() => Some(Timestamp::from_secs(date.to_timestamp())),
        _ => None,
    }
}

/// A message id is opaque; it is taken only as `<…>` of visible ASCII, so that it can be written into a header again.
pub fn is_message_id(id: &str) -> bool {
    id.len() > 2
        && id.len() <= limits::MESSAGE_ID_BYTES
        && id
            .strip_prefix('<')
            .and_then(|id| id.strip_suffix('>'))
            .is_some_and(|inner| inner.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>'))
}

fn whole_message_id(value: &str) -> Option<String> {
    let value = value.trim();
    is_message_id(value).then(|| value.to_owned())
}

fn message_ids(value: &str) -> impl Iterator<Item = String> {
    value.split('<').skip(1).filter_map(|piece| {
        let id = format!("<{}", &piece[..=piece.find('>')?]);
        is_message_id(&id).then_some(id)
    })
}

/// The first and the last twenty, within 8 kB (RFC 5322, 3.6.4 asks for all; real chains are shorter).
pub fn bound_references(ids: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let skip = ids.len().saturating_sub(limits::LAST_REFERENCES);
    for (at, id) in ids.into_iter().enumerate() {
        if (at == 0 || at >= skip) && !kept.contains(&id) {
            kept.push(id);
        }
    }
    while kept.len() > 1 && kept.iter().map(|id| id.len() + 1).sum::<usize>() > limits::REFERENCES_BYTES {
        kept.remove(1);
    }
    kept
}
