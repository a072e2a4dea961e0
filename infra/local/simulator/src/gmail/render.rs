//! A message in the API's four formats.

use base64::{Engine, prelude::BASE64_URL_SAFE};
use mail_parser::{Message, MimeHeaders, PartType};
use serde_json::{Value, json};

use super::{Params, call::Caller};
use crate::{error::ApiError, mailbox::Mail, mime, state::random};

/// Nesting of parts that is still shown; deeper ones are left out.
const DEPTH: usize = 32;

#[derive(Debug, Clone)]
pub(super) enum Format {
    Minimal,
    Metadata(Vec<String>),
    Full,
    Raw,
}

impl Format {
    pub fn of(params: &Params, caller: &Caller) -> Result<Self, ApiError> {
        let format = Self::named(params)?;
        if caller.metadata_only && matches!(format, Self::Full | Self::Raw) {
            let name = if matches!(format, Self::Raw) { "RAW" } else { "FULL" };
            return Err(ApiError::new(403, "forbidden", format!("Metadata scope doesn't allow format {name}")));
        }
        Ok(format)
    }

    fn named(params: &Params) -> Result<Self, ApiError> {
        match params.get("format").map(str::to_lowercase).as_deref() {
            None | Some("full") => Ok(Self::Full),
            Some("minimal") => Ok(Self::Minimal),
            Some("raw") => Ok(Self::Raw),
            Some("metadata") => {
                Ok(Self::Metadata(params.all("metadataHeaders").into_iter().map(str::to_owned).collect()))
            }
            Some(_) => Err(ApiError::invalid("Invalid value at 'format'")),
        }
    }
}

/// Id, thread and labels: what lists and changes answer with.
pub(super) fn stub(mail: &Mail) -> Value {
    let mut value = json!({"id": mail.id, "threadId": mail.thread_id});
    if !mail.labels.is_empty() {
        value["labelIds"] = json!(mail.labels);
    }
    value
}

pub(super) fn message(mail: &Mail, format: &Format) -> Value {
    let mut value = stub(mail);
    value["snippet"] = json!(mime::snippet(&mail.raw));
    value["historyId"] = json!(mail.history_id.to_string());
    value["internalDate"] = json!(mail.internal_ms.to_string());
    value["sizeEstimate"] = json!(mail.raw.len());
    match format {
        Format::Minimal => {}
        Format::Raw => value["raw"] = json!(BASE64_URL_SAFE.encode(&mail.raw)),
        Format::Metadata(wanted) => {
            let chosen: Vec<Value> = mime::headers(&mail.raw)
                .into_iter()
                .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(name)))
                .map(|(name, text)| json!({"name": name, "value": text}))
                .collect();
            let mime_type = mime::parse(&mail.raw).map_or_else(|| "text/plain".to_owned(), |m| mime_type(&m, 0));
            value["payload"] = json!({"mimeType": mime_type, "headers": chosen});
        }
        Format::Full => {
            if let Some(parsed) = mime::parse(&mail.raw) {
                value["payload"] = part(&parsed, 0, "", &mail.id, 0);
            }
        }
    }
    value
}

fn mime_type(message: &Message<'_>, index: usize) -> String {
    let Some(part) = message.parts.get(index) else {
        return "text/plain".to_owned();
    };
    match part.content_type() {
        Some(kind) => match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_lowercase(),
            None => kind.ctype().to_lowercase(),
        },
        None => match part.body {
            PartType::Html(_) => "text/html".to_owned(),
            PartType::Multipart(_) => "multipart/mixed".to_owned(),
            PartType::Message(_) => "message/rfc822".to_owned(),
            _ => "text/plain".to_owned(),
        },
    }
}

fn part(message: &Message<'_>, index: usize, path: &str, mail_id: &str, depth: usize) -> Value {
    let Some(node) = message.parts.get(index) else {
        return json!({"partId": path});
    };
    let filename = node.attachment_name().unwrap_or_default();
    let headers: Vec<Value> = mime::part_headers(message, index)
        .into_iter()
        .map(|(name, text)| json!({"name": name, "value": text}))
        .collect();
    let mut value = json!({
        "partId": path, "mimeType": mime_type(message, index), "filename": filename, "headers": headers,
    });
    let child = |number: usize| if path.is_empty() { number.to_string() } else { format!("{path}.{number}") };
    match &node.body {
        PartType::Multipart(children) => {
            value["body"] = json!({"size": 0});
            if depth < DEPTH {
                value["parts"] = children
                    .iter()
                    .enumerate()
                    .map(|(number, id)| part(message, *id as usize, &child(number), mail_id, depth + 1))
                    .collect();
            }
        }
        PartType::Message(inner) => {
            value["body"] = json!({"size": inner.raw_message().len()});
            if depth < DEPTH {
                value["parts"] = json!([part(inner, 0, &child(0), mail_id, depth + 1)]);
            }
        }
        body => {
            let bytes = contents(body);
            let attached = !filename.is_empty() || matches!(body, PartType::Binary(_) | PartType::InlineBinary(_));
            value["body"] = if attached && !path.is_empty() {
                json!({"size": bytes.len(), "attachmentId": attachment_id(mail_id, path)})
            } else {
                json!({"size": bytes.len(), "data": BASE64_URL_SAFE.encode(bytes)})
            };
        }
    }
    value
}

fn contents<'a>(body: &'a PartType<'_>) -> &'a [u8] {
    match body {
        PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
        PartType::Message(inner) => inner.raw_message(),
        PartType::Multipart(_) => &[],
    }
}

/// Different on every read, as Gmail's are; only the part path inside it counts.
fn attachment_id(mail_id: &str, path: &str) -> String {
    BASE64_URL_SAFE.encode(format!("{}:{mail_id}:{path}", random(12)))
}

/// The bytes an attachment id stands for.
pub(super) fn attachment(mail: &Mail, id: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8(BASE64_URL_SAFE.decode(id).ok()?).ok()?;
    let (_, rest) = text.split_once(':')?;
    let (owner, path) = rest.split_once(':')?;
    if owner != mail.id {
        return None;
    }
    let parsed = mime::parse(&mail.raw)?;
    let mut message = &parsed;
    let mut index = 0;
    for step in path.split('.') {
        let step: usize = step.parse().ok()?;
        match &message.parts.get(index)?.body {
            PartType::Multipart(children) => index = *children.get(step)? as usize,
            PartType::Message(inner) if step == 0 => {
                message = inner;
                index = 0;
            }
            _ => return None,
        }
    }
    Some(contents(&message.parts.get(index)?.body).to_vec())
}
