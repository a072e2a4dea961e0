//! RFC 5322 in and out: reading, cleaning, the signs of machines, replies.
//!
//! Invariants: nothing in a mail makes this crate panic, recurse without bound, or work or remember more than
//! [`limits`] allow. What it hands out is clean: no control, bidirectional or invisible character, no hidden HTML.
//! What it writes has one header section, made of typed fields only.

mod auth;
mod charset;
mod clean;
pub mod document;
mod headers;
mod html;
pub mod limits;
mod read;
mod reply;
mod scan;
mod split;
mod suppress;
mod write;

use channel::address::{EmailAddress, Mailbox};
use channel::mail::{AttachedText, Attachment, MailHeaders, OutgoingReply, ReadMail, Unreadable};
use channel::ports::{MailReader, MailWriter};

pub use html::to_text as html_to_text;
pub use read::read;
pub use reply::{reply_recipients, reply_references, reply_subject, reply_to_elsewhere};
pub use write::{WriteError, write_reply};

/// The headers of Gmail's `format=metadata`: raw values, top to bottom, duplicates and all.
pub fn read_headers(pairs: &[(String, String)]) -> MailHeaders {
    headers::from_fields(&headers::from_pairs(pairs), &[])
}

/// This crate behind the ports of the domain.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mime;

impl MailReader for Mime {
    fn headers(&self, pairs: &[(String, String)]) -> MailHeaders {
        read_headers(pairs)
    }

    fn read(&self, raw: &[u8]) -> Result<ReadMail, Unreadable> {
        read(raw)
    }

    fn may_hold_text(&self, attachment: &Attachment) -> bool {
        document::may_hold_text(&attachment.media_type, &attachment.name)
    }

    fn attachments(&self, raw: &[u8], parts: &[u32]) -> Vec<Result<AttachedText, String>> {
        read::attachment_texts(raw, parts)
            .into_iter()
            .map(|read| {
                read.map(|read| AttachedText { markdown: read.markdown, truncated: read.truncated })
                    .map_err(|why| why.to_string())
            })
            .collect()
    }
}

impl MailWriter for Mime {
    fn reply_subject(&self, subject: &str) -> String {
        reply_subject(subject)
    }

    fn reply_references(&self, parent: &MailHeaders) -> (Option<String>, Vec<String>) {
        reply_references(parent)
    }

    fn reply_recipients(&self, parent: &MailHeaders, own: &[EmailAddress]) -> Vec<Mailbox> {
        reply_recipients(parent, own)
    }

    fn reply_goes_elsewhere(&self, parent: &MailHeaders) -> bool {
        reply_to_elsewhere(parent)
    }

    fn write_reply(&self, reply: &OutgoingReply) -> Result<Vec<u8>, String> {
        write_reply(reply).map_err(|error| error.to_string())
    }
}
