//! `users.messages.send`, `insert` and `import`: mail that comes in over the API.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    INSERT as INSERT_SCOPE, MAIL, MODIFY, SEND, SENT_LIMIT, STORED_LIMIT, WRITE, arrival,
    call::{Answer, Call, Caller, Method},
    mailbox, render, send,
    upload::Request,
};
use crate::{
    error::ApiError,
    mailbox::{Mail, Mailbox},
    mime,
    state::World,
};

const SENDING: &[&str] = &[WRITE[0], WRITE[1], WRITE[2], SEND];
const STORING: &[&str] = &[MAIL, MODIFY, INSERT_SCOPE];
pub(super) static SEND_MAIL: Method = Method::upload("gmail.users.messages.send", 100, SENDING, SENT_LIMIT, send_mail);
pub(super) static INSERT: Method = Method::upload("gmail.users.messages.insert", 25, STORING, STORED_LIMIT, insert);
pub(super) static IMPORT: Method = Method::upload("gmail.users.messages.import", 25, STORING, STORED_LIMIT, import);

/// The thread that a `Message` names.
pub(super) fn thread_of(message: &Value) -> Option<String> {
    message.get("threadId").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The mail of a request that must have one.
fn required(request: &Request) -> Result<Vec<u8>, ApiError> {
    let missing = "'raw' RFC822 payload message string or uploading message via /upload/* URL required";
    request.mail(&request.meta)?.ok_or_else(|| ApiError::invalid(missing))
}

fn send_mail(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let address = caller.address.as_str();
    let request = call.mail_request()?;
    let raw = required(&request)?;
    // What Gmail completes in a draft, it completes here too.
    let mail = send::draft(world, address, raw, thread_of(&request.meta).as_deref())?;
    let thread = (mail.thread_id != mail.id).then_some(mail.thread_id);
    let id = send::send(world, address, mail.raw.into(), thread)?;
    mailbox(world, address)?.messages.get(&id).map(render::stub).ok_or_else(ApiError::not_found)
}

fn insert(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let mut wish = Wish::read(world, caller, call, false)?;
    let labels = wish.labels.take().unwrap_or_default();
    store(world, caller, wish, labels)
}

fn import(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let mut wish = Wish::read(world, caller, call, true)?;
    let mut labels = wish.labels.take().unwrap_or_else(|| BTreeSet::from(["INBOX".to_owned(), "UNREAD".to_owned()]));
    if call.params.get("neverMarkSpam") != Some("true") && arrival::is_spam(&wish.raw) {
        labels.remove("INBOX");
        labels.insert("SPAM".to_owned());
    }
    store(world, caller, wish, labels)
}

/// A mail to be stored as it is.
struct Wish {
    raw: Vec<u8>,
    thread: Option<String>,
    labels: Option<BTreeSet<String>>,
    internal_ms: i64,
    /// Seen by Google Vault only: it never shows in the mailbox.
    deleted: bool,
}

impl Wish {
    fn read(world: &mut World, caller: &Caller, call: &Call, by_header: bool) -> Result<Self, ApiError> {
        let request = call.mail_request()?;
        let raw = required(&request)?;
        let now = world.now_ms();
        let by_header = match call.params.get("internalDateSource") {
            None => by_header,
            Some("receivedTime" | "RECEIVED_TIME") => false,
            Some("dateHeader" | "DATE_HEADER") => true,
            Some(_) => return Err(ApiError::invalid("Invalid value at 'internal_date_source'")),
        };
        let written = if by_header { mime::written_ms(&raw) } else { None };
        let envelope = mime::envelope(&raw);
        let thread = match thread_of(&request.meta) {
            Some(thread) => send::own_thread(world, &caller.address, Some(&thread), &envelope)?,
            None => mailbox(world, &caller.address)?.thread_for_incoming(&envelope),
        };
        let labels = labels_of(mailbox(world, &caller.address)?, &request.meta)?;
        let deleted = call.params.get("deleted") == Some("true");
        Ok(Self { raw, thread, labels, internal_ms: written.unwrap_or(now), deleted })
    }
}

fn labels_of(mailbox: &Mailbox, meta: &Value) -> Result<Option<BTreeSet<String>>, ApiError> {
    let Some(named) = meta.get("labelIds").and_then(Value::as_array) else {
        return Ok(None);
    };
    let labels: BTreeSet<String> = named.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match labels.iter().find(|label| !mailbox.knows_label(label) || label.as_str() == "DRAFT") {
        Some(label) => Err(ApiError::invalid(format!("Invalid label: {label}"))),
        None => Ok(Some(labels)),
    }
}

fn store(world: &mut World, caller: &Caller, wish: Wish, labels: BTreeSet<String>) -> Answer {
    let now = world.now_ms();
    let mail = Mail::new(world.fresh_id(), wish.thread, labels, wish.internal_ms, wish.raw);
    let answer = render::stub(&mail);
    if !wish.deleted {
        mailbox(world, &caller.address)?.add(mail, now);
    }
    Ok(answer)
}
