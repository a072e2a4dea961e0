//! `users.getProfile`.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    COMPOSE, MAIL, METADATA, MODIFY, READONLY,
    call::{Answer, Call, Caller, Method},
    mailbox,
};
use crate::state::World;

pub(super) static GET: Method =
    Method::look("gmail.users.getProfile", 1, &[MAIL, MODIFY, READONLY, METADATA, COMPOSE], get);

fn get(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    let mailbox = mailbox(world, &caller.address)?;
    let threads: BTreeSet<&str> = mailbox.messages.values().map(|mail| mail.thread_id.as_str()).collect();
    Ok(json!({
        "emailAddress": mailbox.address,
        "messagesTotal": mailbox.messages.len(),
        "threadsTotal": threads.len(),
        "historyId": mailbox.history.newest.to_string(),
    }))
}
