//! A mail as it was read, and a mail as it is to be written. The `mime` crate turns bytes into the one and the other
//! into bytes; everything here is already cleaned, bounded and safe to store.

use crate::address::Mailbox;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The headers that decisions are made from. Read either from a whole mail or from Gmail's `format=metadata`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHeaders {
    /// Every addressable author of `From`. More than one, or none, is never authenticated.
    pub from: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// Decoded (RFC 2047), one line, no control characters; empty when absent.
    pub subject: String,
    /// With its angle brackets; absent when it is missing or malformed.
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    /// Oldest first, each with its angle brackets.
    pub references: Vec<String>,
    pub date: Option<Timestamp>,
    pub authentication: Authentication,
    /// Why no machine may answer this mail; empty for a mail that a person plainly wrote.
    pub suppression: Vec<Suppression>,
    /// A mailing list or bulk sender (`List-*`, `Precedence`, `Feedback-ID`); such mail is excluded by default.
    pub bulk: bool,
    /// The value of our own `X-Postroom-Id` header.
    pub marker: Option<String>,
}

/// Who vouches for the author's domain: the topmost `Authentication-Results` of `mx.google.com` (RFC 8601).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// `dmarc=pass` for the domain of the one `From` address.
    Pass,
    /// A verdict was given, and it is not a pass for this author.
    Fail,
    /// No verdict of Gmail's.
    #[default]
    Unknown,
}

/// A reason why a machine must not answer (RFC 3834 and its neighbours). `code` is what logs and traces show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// `Auto-Submitted` is present and is not `no`.
    AutoSubmitted,
    /// `Return-Path: <>`.
    NullReturnPath,
    /// mailer-daemon, postmaster, owner-…, …-request, bounces.
    RoleSender,
    /// no-reply, do-not-reply, notifications.
    NoReplySender,
    /// `multipart/report`, `message/delivery-status`, disposition notifications, feedback reports, `X-Failed-Recipients`.
    Report,
    /// `List-*`.
    MailingList,
    /// `Precedence: bulk | junk | list | auto_reply`, `Feedback-ID`.
    Bulk,
    /// `X-Auto-Response-Suppress`.
    ResponseSuppressed,
    /// `X-Autoreply`, `X-Autorespond`, `X-Autoresponder` and the like.
    AutoResponder,
    /// Our own marker: two installations would talk to each other.
    OwnMarker,
    /// A calendar invitation (`text/calendar; method=…`).
    Calendar,
    /// Nobody to answer: no author and no reply address that can be written to.
    NoAuthor,
    /// The subject reads like an automatic answer. Alone it only rules out sending without a person.
    AutoSubject,
}

impl Suppression {
    pub fn code(self) -> &'static str {
        match self {
            Self::AutoSubmitted => "auto_submitted",
            Self::NullReturnPath => "null_return_path",
            Self::RoleSender => "role_sender",
            Self::NoReplySender => "no_reply_sender",
            Self::Report => "report",
            Self::MailingList => "mailing_list",
            Self::Bulk => "bulk",
            Self::ResponseSuppressed => "response_suppressed",
            Self::AutoResponder => "auto_responder",
            Self::OwnMarker => "own_marker",
            Self::Calendar => "calendar",
            Self::NoAuthor => "no_author",
            Self::AutoSubject => "auto_subject",
        }
    }

    /// A hint only: it turns a send into a draft, and by itself does not leave a mail unanswered.
    pub fn only_rules_out_sending(self) -> bool {
        matches!(self, Self::AutoSubject)
    }
}

/// A mail, read. Text is UTF-8 with LF line ends, without control, bidirectional and zero-width characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMail {
    pub headers: MailHeaders,
    /// What the author wrote now: no quoted history, no signature.
    pub text: String,
    /// The quoted history below it, where there was one.
    pub quoted: Option<String>,
    pub signature: Option<String>,
    /// The text was longer than what is kept.
    pub truncated: bool,
    pub attachments: Vec<Attachment>,
    /// What a machine cannot read of it, so that a person has to.
    pub obstacles: Vec<Obstacle>,
}

/// An attachment's description. Its bytes stay in Gmail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The number of the MIME part within its mail, stable over reads (Gmail's `attachmentId` is not).
    pub part: u32,
    /// Without path, control and bidirectional characters.
    pub name: String,
    pub media_type: String,
    /// Bytes, decoded.
    pub size: u64,
    pub inline: bool,
}

/// The text of an attachment, cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedText {
    pub markdown: String,
    pub truncated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// S/MIME enveloped data or PGP.
    Encrypted,
    /// `winmail.dat` (TNEF).
    Tnef,
    /// More parts, more nesting or more bytes than are read.
    TooComplex,
    /// The mail has no text at all.
    NoText,
}

/// A mail that cannot be read at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    #[error("the mail is empty")]
    Empty,
    #[error("the mail is not in the format of RFC 5322")]
    NotMail,
    #[error("the mail is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

/// A reply to be written. Every field is typed and already decided; nothing of it comes from a model but `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingReply {
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    #[serde(default)]
    pub cc: Vec<Mailbox>,
    pub subject: String,
    /// Plain text, UTF-8, LF line ends.
    pub text: String,
    /// The `Message-ID` that is answered, with its angle brackets.
    pub in_reply_to: Option<String>,
    /// Oldest first; the answered mail's own id is last.
    pub references: Vec<String>,
    /// Written as `X-Postroom-Id`, by which our own mail is recognised again.
    pub marker: String,
    /// Sent without a person: carries `Auto-Submitted: auto-replied` and `X-Auto-Response-Suppress: All` (RFC 3834).
    /// A draft that a person may send must not.
    pub machine_sent: bool,
}
