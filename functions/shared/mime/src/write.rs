//! A reply as RFC 5322 bytes. Every value passes [`header_value`] or is a parsed address or message id, so that no
//! text of a mail, a person or a model can start a header field of its own. There is no Bcc.

use crate::clean;
use crate::headers::{bound_references, is_message_id};
use channel::address::Mailbox;
use channel::mail::OutgoingReply;
use mail_builder::headers::Header;
use mail_builder::headers::address::Address;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

/// A reply that cannot be written as a mail.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WriteError {
    #[error("the reply has no recipient")]
    NoRecipient,
    #[error("the marker is not a word of visible ASCII characters")]
    Marker,
    #[error("a message id is malformed")]
    MessageId,
}

/// One line, without any control character or line separator.
fn header_value(value: &str) -> String {
    clean::line(value, crate::limits::SUBJECT_CHARS)
}

/// Plain text in UTF-8. `Date` and `Message-ID` are left to Gmail, which sets both when it sends.
pub fn write_reply(reply: &OutgoingReply) -> Result<Vec<u8>, WriteError> {
    if reply.to.is_empty() {
        return Err(WriteError::NoRecipient);
    }
    let marker = &reply.marker;
    if marker.is_empty() || marker.len() > 200 || !marker.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(WriteError::Marker);
    }
    let ids = reply.in_reply_to.iter().chain(&reply.references);
    if !ids.clone().all(|id| is_message_id(id)) {
        return Err(WriteError::MessageId);
    }

    let mut out = Vec::with_capacity(reply.text.len() + 1_024);
    field(&mut out, "From", &addresses(std::slice::from_ref(&reply.from)));
    field(&mut out, "To", &addresses(&reply.to));
    if !reply.cc.is_empty() {
        field(&mut out, "Cc", &addresses(&reply.cc));
    }
    field(&mut out, "Subject", &Text::new(header_value(&reply.subject)));
    if let Some(id) = &reply.in_reply_to {
        field(&mut out, "In-Reply-To", &MessageId::new(bare(id)));
    }
    if !reply.references.is_empty() {
        let references = bound_references(reply.references.clone());
        field(&mut out, "References", &MessageId::new_list(references.iter().map(|id| bare(id))));
    }
    field(&mut out, "X-Postroom-Id", &Text::new(marker.as_str()));
    if reply.machine_sent {
        field(&mut out, "Auto-Submitted", &Text::new("auto-replied"));
        field(&mut out, "X-Auto-Response-Suppress", &Text::new("All"));
    }
    out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    let text = clean_body(&reply.text);
    MimePart::new("text/plain; charset=utf-8", BodyPart::Text(text.into())).write_part(&mut out);
    Ok(out)
}

/// A body keeps what a reader sees, in the line ends of mail.
fn clean_body(text: &str) -> String {
    let mut text = clean::text(text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.replace('\n', "\r\n")
}

fn field(out: &mut Vec<u8>, name: &str, value: &impl Header) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.write_header(out, name.len() + 2);
}

fn bare(id: &str) -> &str {
    id.trim_start_matches('<').trim_end_matches('>')
}

fn addresses(list: &[Mailbox]) -> Address<'_> {
    Address::new_list(
        list.iter()
            .map(|one| {
                let name = one
                    .name
                    .as_deref()
                    .map(|name| clean::line(name, crate::limits::NAME_CHARS))
                    .filter(|name| !name.is_empty());
                Address::new_address(name, one.email.as_str())
            })
            .collect(),
    )
}
