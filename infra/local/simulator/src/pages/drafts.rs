//! A draft in its conversation: change it, send it, throw it away.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{encoded, form::Form, letter, problem, redirect, thread_path};
use crate::{
    error::ApiError,
    gmail::drafts,
    server::Sim,
    state::{World, canonical},
};

pub(super) async fn change(
    State(sim): State<Arc<Sim>>,
    Path((address, id)): Path<(String, String)>,
    mut form: Form,
) -> Response {
    let address = canonical(&address);
    let files = std::mem::take(&mut form.files);
    let result = form.check_size().and_then(|()| {
        sim.write(|world| {
            let thread = edit(world, &address, &id, &form, files)?;
            let (thread, said) = match form.get("do") {
                Some("send") => {
                    let sent = drafts::dispatch(world, &address, &id)?;
                    (thread_of(world, &address, &sent)?, "sent")
                }
                Some("discard") => {
                    drafts::discard(world, &address, &id)?;
                    (thread, "discarded")
                }
                _ => (thread, "saved"),
            };
            let mailbox = world.accounts.get(&address).map(|account| &account.mailbox);
            let left = mailbox.is_some_and(|mailbox| !mailbox.thread(&thread).is_empty());
            Ok((left.then_some(thread), said))
        })
    });
    match result {
        Ok((Some(thread), said)) => redirect(&format!("{}?said={said}", thread_path(&address, &thread))),
        Ok((None, said)) => redirect(&format!("/mail/{}?said={said}", encoded(&address))),
        Err(error) => problem(&error),
    }
}

fn thread_of(world: &World, address: &str, message: &str) -> Result<String, ApiError> {
    let mail = world.accounts.get(address).and_then(|account| account.mailbox.messages.get(message));
    mail.map(|mail| mail.thread_id.to_string()).ok_or_else(ApiError::not_found)
}

/// Keeps what a person typed into a draft, where it differs, and returns the draft's thread.
fn edit(
    world: &mut World,
    address: &str,
    id: &str,
    form: &Form,
    files: Vec<letter::Attachment>,
) -> Result<String, ApiError> {
    let mailbox = &world.accounts.get(address).ok_or_else(ApiError::not_found)?.mailbox;
    let draft = mailbox.drafts.get(id).ok_or_else(ApiError::not_found)?;
    let mail = mailbox.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
    let thread = mail.thread_id.to_string();
    if form.get("do") == Some("discard") {
        return Ok(thread);
    }
    let fields =
        [("To", form.get("to")), ("Cc", form.get("cc")), ("Bcc", form.get("bcc")), ("Subject", form.get("subject"))];
    let changed = letter::edited(&mail.raw, &fields, form.get("body"), &form.numbers("remove"), files)?;
    let Some(raw) = changed else {
        return Ok(thread);
    };
    let draft = drafts::put(world, address, Some(id), raw, Some(&thread))?;
    thread_of(world, address, &draft.message_id)
}
