//! What happens to a mail on its way: the headers Gmail sets, the sender's copy, and delivery to other accounts here.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{hex_id, mailbox};
use crate::{
    error::ApiError,
    mailbox::Mail,
    mime::{self, Envelope},
    state::{World, canonical, random},
};

/// Options of a mail that is put into a mailbox from outside.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Deliver {
    /// Label ids; empty: `INBOX` and `UNREAD`.
    pub labels: Vec<String>,
    /// Milliseconds; absent: now.
    pub internal_date: Option<i64>,
    /// The verdict that the mailbox provider writes in front; absent: the mail stays byte for byte as it is.
    pub authentication: Option<Verdict>,
}

/// What `Authentication-Results` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    None,
}

impl Verdict {
    fn field(self, domain: &str) -> String {
        let (word, policy) = match self {
            Self::Pass => ("pass", "pass (p=REJECT sp=REJECT dis=NONE)"),
            Self::Fail => ("fail", "fail (p=REJECT sp=REJECT dis=NONE)"),
            Self::None => ("none", "none"),
        };
        format!(
            "Authentication-Results: mx.google.com;\r\n       dkim={word} header.i=@{domain} header.s=sim;\r\n       \
             spf={word} smtp.mailfrom={domain};\r\n       dmarc={policy} header.from={domain}"
        )
    }
}

/// Ids of a mail that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    pub id: String,
    pub thread_id: String,
}

/// The thread that a mail of ours goes into when it names `thread`; `None`: a thread of its own.
fn own_thread(
    world: &mut World,
    address: &str,
    thread: Option<&str>,
    envelope: &Envelope,
) -> Result<Option<String>, ApiError> {
    let Some(thread) = thread else {
        return Ok(None);
    };
    hex_id(thread).map_err(|_| ApiError::invalid("Invalid thread_id value"))?;
    let mailbox = mailbox(world, address)?;
    if mailbox.thread(thread).is_empty() {
        return Err(ApiError::not_found());
    }
    Ok(mailbox.joins_thread(thread, envelope).then(|| thread.to_owned()))
}

/// The message of a draft; the caller puts it into the mailbox.
pub(crate) fn draft(world: &mut World, address: &str, raw: Vec<u8>, thread: Option<&str>) -> Result<Mail, ApiError> {
    let envelope = mime::envelope(&raw);
    let thread = own_thread(world, address, thread, &envelope)?;
    let mut fields = Vec::new();
    if !envelope.has_date {
        fields.push(format!("Date: {}", mime::date(world.now_ms())));
    }
    if envelope.from.is_none() {
        fields.push(from_field(world, address));
    }
    if envelope.message_id.is_none() {
        fields.push(message_id_field());
    }
    let id = world.fresh_id();
    let labels = BTreeSet::from(["DRAFT".to_owned()]);
    Ok(Mail::new(id, thread, labels, world.now_ms(), mime::with_headers(&fields, &raw)))
}

fn message_id_field() -> String {
    format!("Message-ID: <CA{}@mail.gmail.com>", random(36))
}

fn from_field(world: &World, address: &str) -> String {
    let name = world.accounts.get(address).map_or("", |account| account.config.name.as_str());
    if name.is_empty() {
        format!("From: {address}")
    } else if name.is_ascii() {
        let plain = |letter: char| !matches!(letter, '"' | '\\') && !letter.is_control();
        format!("From: \"{}\" <{address}>", name.chars().filter(|letter| plain(*letter)).collect::<String>())
    } else {
        format!("From: =?UTF-8?B?{}?= <{address}>", BASE64_STANDARD.encode(name))
    }
}

/// Whether Gmail would take the mail for sending at all.
pub(crate) fn check(raw: &[u8]) -> Result<(), ApiError> {
    if mime::envelope(raw).recipients.is_empty() {
        return Err(ApiError::invalid("Recipient address required"));
    }
    Ok(())
}

/// Sends: rewrites the headers, keeps the sender's copy in `thread`, delivers to accounts of this simulator.
/// Returns the id of the sent message.
pub(crate) fn send(world: &mut World, address: &str, raw: Vec<u8>, thread: Option<String>) -> Result<String, ApiError> {
    check(&raw)?;
    let envelope = mime::envelope(&raw);
    let now = world.now_ms();
    let mut dropped = vec!["Message-ID"];
    let mut fields = vec!["MIME-Version: 1.0".to_owned()];
    if mime::headers(&raw).iter().any(|(name, _)| name.eq_ignore_ascii_case("MIME-Version")) {
        fields.clear();
    }
    if !envelope.has_date {
        fields.push(format!("Date: {}", mime::date(now)));
    }
    fields.push(message_id_field());
    if envelope.from.as_ref().is_none_or(|(_, from)| canonical(from) != address) {
        dropped.push("From");
        fields.push(from_field(world, address));
    }
    let copy = mime::with_headers(&fields, &mime::without_headers(&raw, &dropped));
    let id = world.fresh_id();
    let recipients: BTreeSet<String> = envelope.recipients.iter().map(|to| canonical(to)).collect();
    let mut labels = BTreeSet::from(["SENT".to_owned()]);
    if recipients.contains(address) {
        labels.extend(["INBOX".to_owned(), "UNREAD".to_owned()]);
    }
    let mail = Mail::new(id.clone(), thread, labels, now, copy);
    let travelling = mime::without_headers(&mail.raw, &["Bcc"]);
    mailbox(world, address)?.add(mail, now);
    for to in recipients.iter().filter(|to| to.as_str() != address) {
        if world.accounts.contains_key(to) {
            receive(world, address, to, &travelling)?;
        }
    }
    Ok(id)
}

/// Hands a sent mail to another account, with the trace and the verdict of its provider in front.
fn receive(world: &mut World, from: &str, to: &str, raw: &[u8]) -> Result<(), ApiError> {
    let now = world.now_ms();
    let domain = from.rsplit_once('@').map_or(from, |(_, domain)| domain);
    let fields = [
        format!("Delivered-To: {to}"),
        format!(
            "Received: from mail-sor-f41.google.com (mail-sor-f41.google.com. [192.0.2.41])\r\n        by \
             mx.google.com with SMTPS id {}\r\n        for <{to}>; {}",
            random(16),
            mime::date(now)
        ),
        format!("Return-Path: <{from}>"),
        Verdict::Pass.field(domain),
    ];
    deliver(world, to, mime::with_headers(&fields, raw), &Deliver::default()).map(|_| ())
}

/// Takes an incoming mail into a mailbox and threads it.
pub(crate) fn deliver(
    world: &mut World,
    address: &str,
    raw: Vec<u8>,
    options: &Deliver,
) -> Result<Delivered, ApiError> {
    let now = world.now_ms();
    let envelope = mime::envelope(&raw);
    let id = world.fresh_id();
    let mailbox = mailbox(world, address)?;
    if let Some(unknown) = options.labels.iter().find(|label| !mailbox.knows_label(label)) {
        return Err(ApiError::invalid(format!("Invalid label: {unknown}")));
    }
    let labels = if options.labels.is_empty() {
        BTreeSet::from(["INBOX".to_owned(), "UNREAD".to_owned()])
    } else {
        options.labels.iter().cloned().collect()
    };
    let thread = mailbox.thread_for_incoming(&envelope);
    let raw = match options.authentication {
        None => raw,
        Some(verdict) => {
            let from = envelope.from.as_ref().map_or("", |(_, address)| address.as_str());
            let domain = from.rsplit_once('@').map_or("invalid", |(_, domain)| domain);
            mime::with_headers(&[verdict.field(domain)], &raw)
        }
    };
    let mail = Mail::new(id.clone(), thread, labels, options.internal_date.unwrap_or(now), raw);
    let thread_id = mail.thread_id.clone();
    mailbox.add(mail, now);
    Ok(Delivered { id, thread_id })
}
