//! A mail that a person writes or changes in a page: typed recipients, subject, text and files to RFC 5322 and back.
//!
//! Invariant: nothing that was typed, no name of a file included, adds a header field of its own; and an edit leaves
//! every field of a draft alone that the page does not show.

use mail_builder::{
    MessageBuilder,
    headers::{Header, address::Address, content_type::ContentType, text::Text},
    mime::{BodyPart, MimePart},
};
use mail_parser::{
    Address as Addresses, Encoding, Message, MessagePart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

use super::look;
use crate::{error::ApiError, mime};

#[derive(Debug, Clone)]
pub(super) struct Attachment {
    pub name: String,
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// What the fields of a page hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub to: String,
    pub cc: String,
    pub bcc: String,
    pub subject: String,
    pub body: String,
}

impl Fields {
    /// What a page shows of a draft.
    pub fn of(raw: &[u8]) -> Self {
        let Some(message) = mime::parse(raw) else {
            return Self::default();
        };
        Self {
            to: shown(message.to()),
            cc: shown(message.cc()),
            bcc: shown(message.bcc()),
            subject: message.subject().unwrap_or_default().to_owned(),
            body: mime::text(raw),
        }
    }
}

/// Whether `text` can stand between angle brackets.
pub(super) fn is_address(text: &str) -> bool {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c);
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(forbidden)
        })
}

/// A list of addresses as a person would type it.
pub(super) fn shown(list: Option<&Addresses<'_>>) -> String {
    let one =
        |name: Option<&str>, address: &str| match name.map(look::undirected).filter(|name| !name.trim().is_empty()) {
            None => address.to_owned(),
            Some(name) if name.chars().any(|c| "\",;:<>@()[]\\.".contains(c)) => {
                format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Some(name) => format!("{name} <{address}>"),
        };
    let entries = list.into_iter().flat_map(Addresses::iter);
    let shown: Vec<String> = entries.filter_map(|entry| Some(one(entry.name(), entry.address()?))).collect();
    shown.join(", ")
}

/// Reads typed recipients: `a@b.test, Name <c@d.test>; "Last, First" <e@f.test>`.
fn typed(text: &str) -> Result<Vec<(Option<String>, String)>, ApiError> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let field = format!("To: {}\r\n\r\n", separated_by_commas(&line));
    let message = mime::parse(field.as_bytes());
    let mut people = Vec::new();
    for entry in message.iter().filter_map(Message::to).flat_map(Addresses::iter) {
        let address = entry.address().unwrap_or_default().trim();
        if !is_address(address) {
            let written = entry.address().or(entry.name()).unwrap_or_default();
            return Err(ApiError::invalid(format!(
                "{written:?} is no address. Write addresses like name@example.com, separated by commas."
            )));
        }
        people.push((entry.name().map(str::to_owned), address.to_owned()));
    }
    Ok(people)
}

/// A person may separate addresses by semicolons; in a header they would end a group.
fn separated_by_commas(line: &str) -> String {
    let mut quoted = false;
    line.chars()
        .map(|letter| {
            quoted ^= letter == '"';
            if letter == ';' && !quoted { ',' } else { letter }
        })
        .collect()
}

fn list(people: Vec<(Option<String>, String)>) -> Address<'static> {
    Address::new_list(people.into_iter().map(|(name, address)| Address::new_address(name, address)).collect())
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Text, alone or with files around it.
fn body(text: &str, files: Vec<Attachment>) -> MimePart<'static> {
    let text = MimePart::new("text/plain", text.to_owned());
    if files.is_empty() {
        return text;
    }
    let mut parts = vec![text];
    for file in files {
        let part = MimePart::new(ContentType::new(media_type(&file.kind)), BodyPart::from(file.bytes));
        parts.push(part.attachment(one_line(&file.name)));
    }
    MimePart::new("multipart/mixed", parts)
}

/// The type a file is said to have, if it is one; a multipart or message type would promise a structure.
pub(super) fn media_type(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
    let token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let good = kind
        .split_once('/')
        .is_some_and(|(class, name)| token(class) && token(name) && !["multipart", "message"].contains(&class));
    if good { kind } else { "application/octet-stream".to_owned() }
}

/// A new mail. `references`: `Message-ID`s of what it answers, oldest first.
pub(super) fn compose(
    from: (&str, &str),
    fields: &Fields,
    references: &[String],
    files: Vec<Attachment>,
) -> Result<Vec<u8>, ApiError> {
    let mut builder = MessageBuilder::new()
        .from((from.0.to_owned(), from.1.to_owned()))
        .subject(one_line(&fields.subject))
        .body(body(&fields.body, files));
    for (name, text) in [("To", &fields.to), ("Cc", &fields.cc), ("Bcc", &fields.bcc)] {
        let people = typed(text)?;
        if !people.is_empty() {
            builder = builder.header(name, list(people));
        }
    }
    if let Some(parent) = references.last() {
        builder = builder.in_reply_to(parent.clone()).references(references.to_vec());
    }
    builder.write_to_vec().map_err(|error| {
        tracing::error!(%error, "a mail could not be written");
        ApiError::new(500, "backendError", "Internal error encountered.")
    })
}

fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// A draft after an edit; `None` when nothing differs. What is `None` in the form stays as it is.
pub(super) fn edited(
    raw: &[u8],
    typed_in: &[(&str, Option<&str>); 4],
    text: Option<&str>,
    removed: &[usize],
    added: Vec<Attachment>,
) -> Result<Option<Vec<u8>>, ApiError> {
    let old = Fields::of(raw);
    let mut dropped = Vec::new();
    let mut fresh = Vec::new();
    for (name, value) in typed_in {
        let Some(value) = value else { continue };
        let known = match *name {
            "To" => &old.to,
            "Cc" => &old.cc,
            "Bcc" => &old.bcc,
            _ => &old.subject,
        };
        if one_line(value) == one_line(known) {
            continue;
        }
        dropped.push(*name);
        if let Some(field) = field(name, value)? {
            fresh.push(field);
        }
    }
    let text = text.unwrap_or(&old.body);
    let same_text = plain(text) == plain(&old.body);
    if dropped.is_empty() && same_text && removed.is_empty() && added.is_empty() {
        return Ok(None);
    }
    let mut mail = mime::with_headers(&fresh, &mime::without_headers(raw, &dropped));
    if !same_text || !removed.is_empty() || !added.is_empty() {
        let kept = attachments(raw).into_iter().enumerate().filter(|(number, _)| !removed.contains(number));
        let files = kept.map(|(_, file)| file).chain(added).collect();
        mail = mime::with_body(&mail, body(text, files));
    }
    Ok(Some(mail))
}

/// One header field without its line end; `None` when there is nothing to say.
fn field(name: &str, value: &str) -> Result<Option<String>, ApiError> {
    let mut written = Vec::new();
    if name == "Subject" {
        Text::new(one_line(value)).write_header(&mut written, name.len() + 2);
    } else {
        let people = typed(value)?;
        if people.is_empty() {
            return Ok(None);
        }
        list(people).write_header(&mut written, name.len() + 2);
    }
    Ok(Some(format!("{name}: {}", String::from_utf8_lossy(&written).trim_end())))
}

/// The attachments in the order in which a page numbers them.
pub(super) fn attachments(raw: &[u8]) -> Vec<Attachment> {
    let Some(message) = mime::parse(raw) else {
        return Vec::new();
    };
    message.attachments().enumerate().map(|(number, part)| attachment(&message, number, part)).collect()
}

/// The bytes as they were attached: the parser turns texts into UTF-8.
fn contents(message: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    let whole = message.raw_message();
    let written = whole.get(part.offset_body as usize..part.offset_end as usize);
    let (PartType::Text(_) | PartType::Html(_), Some(written)) = (&part.body, written) else {
        return part.contents().to_vec();
    };
    let decoded = match part.encoding {
        Encoding::Base64 => base64_decode(written),
        Encoding::QuotedPrintable => quoted_printable_decode(written),
        Encoding::None => Some(written.to_vec()),
    };
    decoded.unwrap_or_else(|| part.contents().to_vec())
}

fn attachment(message: &Message<'_>, number: usize, part: &MessagePart<'_>) -> Attachment {
    let kind = part.content_type().map(|kind| match kind.subtype() {
        Some(subtype) => format!("{}/{subtype}", kind.ctype()),
        None => kind.ctype().to_owned(),
    });
    let nested = matches!(part.body, PartType::Message(_));
    let name = match part.attachment_name() {
        Some(name) if !one_line(name).is_empty() => one_line(name),
        _ if nested => format!("mail-{}.eml", number + 1),
        _ => format!("attachment-{}", number + 1),
    };
    Attachment {
        name,
        kind: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
        bytes: contents(message, part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_recipients_are_read_as_a_person_means_them() {
        let read = |text| typed(text).map_err(|error| error.message);
        let both = vec![(None, "a@b.test".to_owned()), (Some("Last, First".to_owned()), "c@d.test".to_owned())];
        assert_eq!(read("a@b.test; \"Last, First\" <c@d.test>"), Ok(both));
        assert_eq!(read("  "), Ok(Vec::new()));
        assert!(read("nobody").unwrap_err().contains("is no address"));
    }

    #[test]
    fn nothing_typed_becomes_a_header_of_its_own() {
        let fields = Fields {
            to: "a@b.test".into(),
            subject: "One\r\nX-Evil: 1".into(),
            body: "Text".into(),
            ..Fields::default()
        };
        let file =
            Attachment { name: "a\r\nX-Evil: 2.txt".into(), kind: "text/plain\r\nX: 1".into(), bytes: b"x".to_vec() };
        let raw = compose(("Me", "me@b.test"), &fields, &[], vec![file]).unwrap();
        let text = String::from_utf8(raw).unwrap();
        assert!(!text.contains("\nX-Evil") && !text.contains("\nX:"), "{text}");
    }

    #[test]
    fn an_edit_touches_only_what_differs() {
        let raw = b"X-Marker: 42\r\nTo: A <a@b.test>\r\nSubject: S\r\n\r\nText\r\n";
        let same = [("To", Some("A <a@b.test>")), ("Cc", Some("")), ("Bcc", None), ("Subject", Some("S"))];
        assert_eq!(edited(raw, &same, Some("Text"), &[], Vec::new()).unwrap(), None);
        let other = [("To", Some("A <a@b.test>")), ("Cc", Some("c@d.test")), ("Bcc", None), ("Subject", Some("T"))];
        let changed = String::from_utf8(edited(raw, &other, Some("Text"), &[], Vec::new()).unwrap().unwrap()).unwrap();
        assert_eq!(changed, "Cc: <c@d.test>\r\nSubject: T\r\nX-Marker: 42\r\nTo: A <a@b.test>\r\n\r\nText\r\n");
    }

    #[test]
    fn a_file_outlives_an_edit_of_the_text_until_it_is_removed() {
        let file = Attachment {
            name: "r\u{e9}sum\u{e9}.pdf".into(),
            kind: "application/pdf".into(),
            bytes: vec![0, 159, 10, 13],
        };
        let fields = Fields { to: "a@b.test".into(), body: "One".into(), ..Fields::default() };
        let raw = compose(("Me", "me@b.test"), &fields, &[], vec![file]).unwrap();
        let none = [("To", None), ("Cc", None), ("Bcc", None), ("Subject", None)];
        let raw = edited(&raw, &none, Some("Two"), &[], Vec::new()).unwrap().unwrap();
        let kept = attachments(&raw);
        assert_eq!((kept[0].name.as_str(), kept[0].bytes.as_slice()), ("r\u{e9}sum\u{e9}.pdf", &[0, 159, 10, 13][..]));
        assert_eq!(mime::text(&raw).trim_end(), "Two");
        let latin = Attachment { name: "a.txt".into(), kind: "text/plain".into(), bytes: b"caf\xe9\r\n\nx".to_vec() };
        let raw = edited(&raw, &none, None, &[], vec![latin]).unwrap().unwrap();
        assert_eq!(attachments(&raw)[1].bytes, b"caf\xe9\r\n\nx", "a text in another charset keeps its bytes");
        let raw = edited(&raw, &none, Some("Two"), &[0, 1], Vec::new()).unwrap().unwrap();
        assert!(attachments(&raw).is_empty());
    }
}
