//! `users.getProfile`.

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
    Ok(json!({
        "emailAddress": mailbox.address,
        "messagesTotal": mailbox.messages.len(),
        "threadsTotal": mailbox.messages.thread_count(),
        "historyId": mailbox.history.newest.to_string(),
    }))
}
