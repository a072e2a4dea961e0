//! What happens to a mail on its way: the headers Gmail sets, the sender's copy, and delivery to other accounts here.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{account, arrival, bounce, hex_id, mailbox};
use crate::{
    error::ApiError,
    mailbox::Mail,
    mime::{self, Envelope},
    state::{DAY_MS, World, canonical, random},
};

/// What the attached files of one mail may have together, decoded, in bytes.
const ATTACHED_LIMIT: usize = 25 * 1024 * 1024;

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
    pub(super) fn field(self, domain: &str) -> String {
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
pub(super) fn own_thread(
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
        fields.push(default_from(world, address));
    }
    if envelope.message_id.is_none() {
        fields.push(message_id_field());
    }
    let id = world.fresh_id();
    let labels = BTreeSet::from(["DRAFT".to_owned()]);
    Ok(Mail::new(id, thread, labels, world.now_ms(), mime::with_headers(&fields, &raw)))
}

pub(super) fn message_id_field() -> String {
    format!("Message-ID: <CA{}@mail.gmail.com>", random(36))
}

/// `From` as a mail gets it that names no sender: the address chosen as default in the settings.
fn default_from(world: &World, address: &str) -> String {
    match world.accounts.get(address).and_then(|account| account.settings.default_alias()) {
        Some(alias) => from_field(world, address, &alias.address, &alias.name),
        None => primary_from(world, address),
    }
}

pub(super) fn primary_from(world: &World, address: &str) -> String {
    let chosen = world.accounts.get(address).map_or("", |account| account.settings.primary_name());
    from_field(world, address, address, chosen)
}

/// A `From` field; without a name of its own, an address carries the account's.
fn from_field(world: &World, account: &str, address: &str, name: &str) -> String {
    let own = world.accounts.get(account).map_or("", |account| account.config.name.as_str());
    let name = if name.is_empty() { own } else { name };
    if name.is_empty() {
        format!("From: {address}")
    } else if name.is_ascii() {
        let plain = |letter: char| !matches!(letter, '"' | '\\') && !letter.is_control();
        format!("From: \"{}\" <{address}>", name.chars().filter(|letter| plain(*letter)).collect::<String>())
    } else {
        format!("From: =?UTF-8?B?{}?= <{address}>", BASE64_STANDARD.encode(name))
    }
}

/// Whether Gmail would take the mail for sending at all: recipients, size of what is attached, mails of the day.
pub(crate) fn check(world: &World, address: &str, raw: &[u8]) -> Result<(), ApiError> {
    let recipients = mime::envelope(raw).recipients;
    if recipients.is_empty() {
        let named = mime::headers(raw)
            .iter()
            .any(|(name, value)| ["to", "cc", "bcc"].contains(&name.to_lowercase().as_str()) && !value.is_empty());
        return Err(ApiError::invalid(if named { "Invalid To header" } else { "Recipient address required" }));
    }
    let whole = |to: &String| to.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !recipients.iter().all(whole) {
        return Err(ApiError::invalid("Invalid To header"));
    }
    if mime::attached_bytes(raw) > ATTACHED_LIMIT {
        return Err(ApiError::invalid("The attachments of a message must not exceed 25 MB."));
    }
    check_day(world, address)
}

fn check_day(world: &World, address: &str) -> Result<(), ApiError> {
    let Some(account) = world.accounts.get(address) else {
        return Ok(());
    };
    let limit = match account.config.hosted_domain {
        Some(_) => world.limits.daily_sends_workspace,
        None => world.limits.daily_sends_consumer,
    };
    let now = world.now_ms();
    let today: Vec<i64> =
        account.settings.sent_ms.iter().copied().filter(|at| *at > now - DAY_MS && *at <= now).collect();
    if limit == 0 || today.len() < limit {
        return Ok(());
    }
    let freed = today.len() - limit;
    let until = today.get(freed).map_or(now, |at| at + DAY_MS);
    Err(world.limits.refusal.of_sending(now, until))
}

/// Whether a mail of this account may carry `from` as its sender.
fn may_send_as(world: &World, address: &str, from: &str) -> bool {
    canonical(from) == address
        || world.accounts.get(address).is_some_and(|account| account.settings.accepted_alias(from).is_some())
}

/// Sends: rewrites the headers, keeps the sender's copy in `thread`, delivers to accounts of this simulator.
/// Returns the id of the sent message.
pub(crate) fn send(world: &mut World, address: &str, raw: Vec<u8>, thread: Option<String>) -> Result<String, ApiError> {
    check(world, address, &raw)?;
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
    match &envelope.from {
        Some((_, from)) if may_send_as(world, address, from) => {}
        None => fields.push(default_from(world, address)),
        Some(_) => {
            dropped.push("From");
            fields.push(primary_from(world, address));
        }
    }
    let copy = mime::with_headers(&fields, &mime::without_headers(&raw, &dropped));
    let id = world.fresh_id();
    let recipients: BTreeSet<String> =
        envelope.recipients.iter().map(|to| world.owner_of(to).unwrap_or_else(|| canonical(to))).collect();
    let mut labels = BTreeSet::from(["SENT".to_owned()]);
    if recipients.contains(address) {
        labels.extend(["INBOX".to_owned(), "UNREAD".to_owned()]);
    }
    let mail = Mail::new(id.clone(), thread, labels, now, copy);
    let thread = mail.thread_id.clone();
    let settings = &mut account(world, address)?.settings;
    settings.sent_ms.retain(|at| *at > now - DAY_MS && *at <= now);
    settings.sent_ms.push(now);
    let copy = mail.raw.clone();
    let travelling = mime::without_headers(&copy, &["Bcc"]);
    mailbox(world, address)?.add(mail, now);
    for to in recipients.iter().filter(|to| to.as_str() != address) {
        if world.accounts.contains_key(to) {
            transfer(world, address, to, &travelling)?;
        } else if world.hosts(to) {
            bounce::take_back(world, address, to, &copy, &thread)?;
        }
    }
    Ok(id)
}

/// Hands a mail to another account, with the trace and the verdict of its provider in front. `sender`: the envelope's,
/// empty for a mail that must not be answered by any machine.
pub(super) fn transfer(world: &mut World, sender: &str, to: &str, raw: &[u8]) -> Result<Delivered, ApiError> {
    let date = mime::date(world.now_ms());
    let from = mime::envelope(raw).from.map_or_else(|| sender.to_owned(), |(_, address)| address);
    let domain = from.rsplit_once('@').map_or(from.as_str(), |(_, domain)| domain).to_owned();
    let hop = |by: &str| format!("by 2001:db8:{by} with SMTP id {};\r\n        {date}", random(12));
    let fields = [
        format!("Delivered-To: {to}"),
        format!("Received: {}", hop("a05:7022::1")),
        format!("X-Received: {}", hop("a17:906::2")),
        format!("Return-Path: <{sender}>"),
        format!(
            "Received: from mail-sor-f41.google.com (mail-sor-f41.google.com. [192.0.2.41])\r\n        by \
             mx.google.com with SMTPS id {}\r\n        for <{to}>\r\n        (Google Transport Security);\r\n        \
             {date}",
            random(16),
        ),
        format!(
            "Received-SPF: pass (google.com: domain of {} designates 192.0.2.41 as permitted sender) \
             client-ip=192.0.2.41;",
            if sender.is_empty() { "postmaster@mail-sor-f41.google.com" } else { sender },
        ),
        Verdict::Pass.field(&domain),
        format!("X-Received: {}", hop("b10:cafe::3")),
    ];
    deliver(world, to, mime::with_headers(&fields, raw), &Deliver::default())
}

/// Takes an incoming mail into a mailbox, threads it, and does with it what the settings ask for.
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
    let labels: BTreeSet<String> = if !options.labels.is_empty() {
        options.labels.iter().cloned().collect()
    } else if arrival::is_spam(&raw) {
        BTreeSet::from(["SPAM".to_owned(), "UNREAD".to_owned()])
    } else {
        BTreeSet::from(["INBOX".to_owned(), "UNREAD".to_owned()])
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
    let follow_up = arrival::sort(world, address, mail)?;
    arrival::follow(world, address, &id, &follow_up)?;
    Ok(Delivered { id, thread_id })
}
