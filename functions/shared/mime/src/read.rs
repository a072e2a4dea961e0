//! A whole mail: its headers, its visible text, what is attached, and what stands in the way of reading it.

use crate::document::{self, DocumentText, NotRead};
use crate::split::{self, Line};
use crate::{charset, clean, headers, html, limits, reply, scan, suppress};
use channel::mail::{Attachment, Obstacle, ReadMail, Suppression, Unreadable};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use std::borrow::Cow;
use std::collections::HashSet;

/// Reads a mail within the bounds of [`limits`].
pub fn read(raw: &[u8]) -> Result<ReadMail, Unreadable> {
    if raw.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Empty);
    }
    if raw.len() > limits::MAIL_BYTES {
        return Err(Unreadable::TooLarge { limit: limits::MAIL_BYTES });
    }
    let (raw, cut) = scan::bounded(raw);
    let fields = headers::from_bytes(&raw);
    if fields.is_empty() {
        return Err(Unreadable::NotMail);
    }
    // Header fields are read by us, the same way as from Gmail's list; the parser is for the structure alone.
    let parser = MessageParser::new().with_mime_headers().default_header_ignore();
    let message = parser.parse(raw.as_ref()).ok_or(Unreadable::NotMail)?;

    let structure = Structure::of(&message);
    let mut mail = ReadMail {
        headers: headers::from_fields(&fields, &structure.suppression),
        obstacles: structure.obstacles,
        attachments: attachments(&message),
        ..ReadMail::default()
    };
    let mut too_complex = cut || structure.too_complex || mail.attachments.len() > limits::ATTACHMENTS;
    mail.attachments.truncate(limits::ATTACHMENTS);

    let (lines, shortened, html_too_deep) = body_lines(&message, &raw);
    too_complex |= html_too_deep;
    if lines.iter().any(|line| line.text.contains("-----BEGIN PGP MESSAGE-----")) {
        push(&mut mail.obstacles, Obstacle::Encrypted);
    }
    let is_reply = mail.headers.in_reply_to.is_some()
        || !mail.headers.references.is_empty()
        || reply::is_reply_subject(&mail.headers.subject);
    let body = split::split(lines, is_reply);
    mail.truncated = shortened || body.cut;
    mail.text = body.text;
    mail.truncated |= clean::truncate(&mut mail.text, limits::TEXT_BYTES);
    mail.quoted = body.quoted.map(|text| bounded(text, limits::TEXT_BYTES));
    mail.signature = body.signature.map(|text| bounded(text, limits::SIGNATURE_BYTES));
    if too_complex {
        push(&mut mail.obstacles, Obstacle::TooComplex);
    }
    if mail.text.is_empty() {
        push(&mut mail.obstacles, Obstacle::NoText);
    }
    Ok(mail)
}

fn bounded(mut text: String, max: usize) -> String {
    clean::truncate(&mut text, max);
    text
}

fn push(obstacles: &mut Vec<Obstacle>, one: Obstacle) {
    if !obstacles.contains(&one) {
        obstacles.push(one);
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    part.content_type().map_or_else(String::new, |ct| {
        let kind = format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or("plain"));
        let kind = clean::line(&kind, limits::NAME_CHARS).to_ascii_lowercase();
        match kind.strip_prefix(scan::OPAQUE) {
            Some(subtype) => format!("message/{}", subtype.trim_end_matches("/plain")),
            None => kind,
        }
    })
}

/// What the tree of parts says; attached mails are opaque.
#[derive(Default)]
struct Structure {
    suppression: Vec<Suppression>,
    obstacles: Vec<Obstacle>,
    too_complex: bool,
}

impl Structure {
    fn of(message: &Message<'_>) -> Self {
        let mut found = Self {
            too_complex: message.parts.len() > limits::PARTS || depth(message) > limits::NESTING,
            ..Self::default()
        };
        for part in message.parts.iter().take(limits::PARTS) {
            let media = media_type(part);
            if suppress::is_report_type(&media) {
                found.suppression.push(Suppression::Report);
            }
            let attribute = |name: &str| part.content_type().and_then(|ct| ct.attribute(name)).unwrap_or_default();
            if media == "text/calendar" && !attribute("method").is_empty() {
                found.suppression.push(Suppression::Calendar);
            }
            let smime = matches!(media.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime");
            let sealed = matches!(media.as_str(), "multipart/encrypted" | "application/pgp-encrypted")
                || smime
                    && !matches!(attribute("smime-type").to_ascii_lowercase().as_str(), "signed-data" | "certs-only");
            if sealed {
                push(&mut found.obstacles, Obstacle::Encrypted);
            }
            let tnef = matches!(media.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef")
                || part.attachment_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"));
            if tnef {
                push(&mut found.obstacles, Obstacle::Tnef);
            }
        }
        found
    }
}

/// How deep parts lie within each other, without recursion: a part comes before its children.
fn depth(message: &Message<'_>) -> usize {
    let mut level = vec![0_usize; message.parts.len()];
    for (at, part) in message.parts.iter().enumerate() {
        if let PartType::Multipart(children) = &part.body {
            for child in children.iter().map(|child| *child as usize).filter(|child| *child > at) {
                if child < level.len() {
                    level[child] = level[at] + 1;
                }
            }
        }
    }
    level.into_iter().max().unwrap_or(0)
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    let bodies: HashSet<u32> = message.text_body.iter().chain(&message.html_body).copied().collect();
    let mut seen = HashSet::new();
    message
        .attachments
        .iter()
        .filter(|id| (**id as usize) < limits::PARTS && !bodies.contains(id) && seen.insert(**id))
        .take(limits::ATTACHMENTS + 1)
        .filter_map(|&id| message.parts.get(id as usize).map(|part| describe(id, part)))
        .collect()
}

/// The text of attachments, by the numbers that [`describe`] gave them.
pub fn attachment_texts(raw: &[u8], parts: &[u32]) -> Vec<Result<DocumentText, NotRead>> {
    if raw.len() > limits::MAIL_BYTES {
        return parts.iter().map(|_| Err(NotRead::TooLarge)).collect();
    }
    let (raw, _) = scan::bounded(raw);
    let parser = MessageParser::new().with_mime_headers().default_header_ignore();
    let message = parser.parse(raw.as_ref());
    parts.iter().map(|id| attachment_text(message.as_ref(), &raw, *id)).collect()
}

fn attachment_text(message: Option<&Message<'_>>, raw: &[u8], id: u32) -> Result<DocumentText, NotRead> {
    let part = message.and_then(|message| message.parts.get(id as usize)).ok_or(NotRead::Damaged)?;
    let Attachment { name, media_type, .. } = describe(id, part);
    match &part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => document::text(&media_type, &name, bytes),
        // The charset is settled already, by what the part says of it and by its bytes.
        PartType::Text(parsed) | PartType::Html(parsed) => {
            document::text(&media_type, &name, charset::part_text(part, raw, parsed).as_bytes())
        }
        PartType::Message(_) | PartType::Multipart(_) => Err(NotRead::UnknownKind),
    }
}

fn describe(id: u32, part: &MessagePart<'_>) -> Attachment {
    let media = media_type(part);
    let (size, fallback) = match &part.body {
        PartType::Text(text) | PartType::Html(text) => (text.len() as u64, "txt"),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => (bytes.len() as u64, "bin"),
        PartType::Message(_) => (u64::from(part.offset_end.saturating_sub(part.offset_body)), "eml"),
        PartType::Multipart(_) => (0, "bin"),
    };
    let extension = match media.as_str() {
        "application/pdf" => "pdf",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/csv" => "csv",
        "message/rfc822" | "message/global" => "eml",
        _ => fallback,
    };
    let name = part
        .attachment_name()
        .and_then(|name| clean::file_name(&headers::unstructured(name)))
        .unwrap_or_else(|| format!("part-{id}.{extension}"));
    let disposition = part.content_disposition();
    let inline = disposition.is_some_and(|d| d.is_inline())
        || disposition.is_none() && (part.content_id().is_some() || matches!(part.body, PartType::InlineBinary(_)));
    let media_type = if media.is_empty() { "application/octet-stream".to_owned() } else { media };
    Attachment { part: id, name, media_type, size, inline }
}

/// The lines of the body, whether it was shortened, and whether its HTML was too deep.
fn body_lines(message: &Message<'_>, raw: &[u8]) -> (Vec<Line>, bool, bool) {
    let (plain, plain_short, plain_deep) = lines_of(message, raw, &message.text_body);
    let has_html = message
        .html_body
        .iter()
        .any(|id| message.parts.get(*id as usize).is_some_and(|p| matches!(p.body, PartType::Html(_))));
    let text = split::join(&plain);
    if has_html && message.html_body != message.text_body && text.len() < 2_000 {
        let (html, html_short, html_deep) = lines_of(message, raw, &message.html_body);
        if is_stub(&text, &split::join(&html)) {
            return (html, html_short, html_deep);
        }
    }
    (plain, plain_short, plain_deep)
}

fn lines_of(message: &Message<'_>, raw: &[u8], ids: &[u32]) -> (Vec<Line>, bool, bool) {
    let mut lines = Vec::new();
    let (mut bytes, mut shortened, mut too_deep) = (0, false, false);
    for id in ids.iter().filter(|id| (**id as usize) < limits::PARTS) {
        let Some(part) = message.parts.get(*id as usize) else {
            continue;
        };
        if bytes >= limits::BODY_BYTES || lines.len() > limits::BODY_LINES {
            shortened = true;
            break;
        }
        let mut found = match &part.body {
            PartType::Html(parsed) => {
                let text = charset::part_text(part, raw, parsed);
                let (found, deep) = html::to_lines(&text);
                too_deep |= deep;
                found
            }
            PartType::Text(parsed) => {
                let text = charset::part_text(part, raw, parsed);
                shortened |= text.len() > limits::BODY_BYTES;
                plain_lines(part, clean::prefix(&text, limits::BODY_BYTES))
            }
            _ => continue,
        };
        let mut kept = 0;
        while kept < found.len() && bytes < limits::BODY_BYTES {
            bytes += found[kept].text.len() + 1;
            kept += 1;
        }
        shortened |= kept < found.len();
        found.truncate(kept);
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.append(&mut found);
    }
    (lines, shortened, too_deep)
}

fn plain_lines(part: &MessagePart<'_>, text: &str) -> Vec<Line> {
    let attribute = |name: &str| part.content_type().and_then(|ct| ct.attribute(name));
    let is = |name: &str, value: &str| attribute(name).is_some_and(|v| v.eq_ignore_ascii_case(value));
    let text = without_fillers(text);
    if is("format", "flowed") {
        split::plain_lines(&charset::unflow(&clean::text(&text), is("delsp", "yes")))
    } else {
        split::plain_lines(&text)
    }
}

/// Newsletters carry the fillers of their HTML over into the plain text, as they are written there.
fn without_fillers(text: &str) -> Cow<'_, str> {
    const FILLERS: &[&str] = &["&zwnj;", "&zwj;", "&shy;", "&#847;", "&#8203;", "&#8204;", "&#8205;", "&#65279;"];
    if !FILLERS.iter().any(|filler| text.contains(filler)) {
        return Cow::Borrowed(text);
    }
    let stripped = FILLERS.iter().fold(text.to_owned(), |text, filler| text.replace(filler, ""));
    Cow::Owned(stripped.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// Whether the plain alternative only points to the other one.
fn is_stub(plain: &str, html: &str) -> bool {
    if plain.is_empty() {
        return true;
    }
    if html.len() <= plain.len() {
        return false;
    }
    let lower = plain.to_lowercase();
    let points = [
        "html",
        "view this email in",
        "view in browser",
        "view it in your browser",
        "does not support",
        "im browser",
        "dans votre navigateur",
        "en su navegador",
        "web version",
        "online version",
    ]
    .iter()
    .any(|phrase| lower.contains(phrase));
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let (plain_letters, html_letters) = (letters(plain), letters(html));
    points && plain_letters < 300 && html_letters > 2 * plain_letters
        || plain_letters < 3
        || plain_letters < 60 && html_letters > 10 * plain_letters
}
