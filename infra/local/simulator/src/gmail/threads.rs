//! `users.threads`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CHANGE, DELETE, LOOK,
    call::{Answer, Call, Caller, Method},
    hex_id, mailbox,
    messages::{self, Labels},
    render::{self, Format},
};
use crate::{
    error::ApiError,
    mailbox::{Mail, Mailbox},
    mime,
    state::World,
};

pub(super) static LIST: Method = Method::look("gmail.users.threads.list", 10, LOOK, list);
pub(super) static GET: Method = Method::look("gmail.users.threads.get", 40, LOOK, get);
pub(super) static MODIFY_ALL: Method = Method::change("gmail.users.threads.modify", 10, CHANGE, modify);
pub(super) static TRASH: Method = Method::change("gmail.users.threads.trash", 10, CHANGE, trash);
pub(super) static UNTRASH: Method = Method::change("gmail.users.threads.untrash", 10, CHANGE, untrash);
pub(super) static DELETE_ALL: Method = Method::change("gmail.users.threads.delete", 20, DELETE, delete);

fn list(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let mut seen = BTreeSet::new();
    let hits: Vec<&Mail> = messages::select(mailbox, &[], &call.params, caller, now)?
        .into_iter()
        .filter(|mail| seen.insert(&mail.thread_id))
        .collect();
    let (page, next) = messages::paginate(&hits, &call.params)?;
    let mut answer = json!({"resultSizeEstimate": hits.len()});
    if !page.is_empty() {
        answer["threads"] = page
            .iter()
            .map(|mail| {
                let history_id = newest(&mailbox.thread(&mail.thread_id));
                json!({"id": mail.thread_id, "snippet": mime::snippet(&mail.raw), "historyId": history_id})
            })
            .collect();
    }
    if let Some(token) = next {
        answer["nextPageToken"] = json!(token);
    }
    Ok(answer)
}

fn newest(mails: &[&Mail]) -> String {
    mails.iter().map(|mail| mail.history_id).max().unwrap_or(0).to_string()
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let format = Format::of(&call.params, caller)?;
    if matches!(format, Format::Raw) {
        return Err(ApiError::invalid("Invalid value at 'format'"));
    }
    let mails = mailbox(world, &caller.address)?.thread(hex_id(call.id())?);
    if mails.is_empty() {
        return Err(ApiError::not_found());
    }
    let rendered: Vec<Value> = mails.iter().map(|mail| render::message(mail, &format)).collect();
    Ok(json!({"id": call.id(), "historyId": newest(&mails), "messages": rendered}))
}

/// Ids of the messages of an existing thread, oldest first.
fn members(mailbox: &Mailbox, thread: &str) -> Result<Vec<String>, ApiError> {
    let ids: Vec<String> = mailbox.thread(hex_id(thread)?).into_iter().map(|mail| mail.id.clone()).collect();
    if ids.is_empty() { Err(ApiError::not_found()) } else { Ok(ids) }
}

/// What a change answers: the messages with their labels.
fn changed(mailbox: &Mailbox, thread: &str) -> Value {
    let mails = mailbox.thread(thread);
    let stubs: Vec<Value> = mails.iter().map(|mail| render::stub(mail)).collect();
    json!({"id": thread, "historyId": newest(&mails), "messages": stubs})
}

fn modify(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let labels: Labels = call.json()?;
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let ids = members(mailbox, call.id())?;
    labels.check(mailbox)?;
    for id in ids {
        // A draft in the thread keeps its one label.
        if mailbox.messages.get(&id).is_some_and(|mail| !mail.has("DRAFT")) {
            mailbox.relabel(&id, &labels.add_label_ids, &labels.remove_label_ids, now);
        }
    }
    Ok(changed(mailbox, call.id()))
}

fn trash(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    for id in members(mailbox, call.id())? {
        messages::put_in_trash(mailbox, &id, now);
    }
    Ok(changed(mailbox, call.id()))
}

fn untrash(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    for id in members(mailbox, call.id())? {
        mailbox.relabel(&id, &[], &["TRASH".to_owned()], now);
    }
    Ok(changed(mailbox, call.id()))
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    for id in members(mailbox, call.id())? {
        messages::erase(mailbox, &id, now);
    }
    Ok(Value::Null)
}
