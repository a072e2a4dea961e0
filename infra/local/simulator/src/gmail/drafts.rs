//! `users.drafts`. A draft is a stable id around a message whose own id changes with every update.

use serde_json::{Value, json};

use super::{
    READ, SENT_LIMIT, WRITE,
    call::{Answer, Call, Caller, Method},
    mailbox, messages,
    render::{self, Format},
    send,
    upload::Request,
};
use crate::{error::ApiError, mailbox::Draft, state::World};

const SEE: &[&str] = &[READ[0], READ[1], READ[2], WRITE[2]];
pub(super) static CREATE: Method = Method::upload("gmail.users.drafts.create", 10, WRITE, SENT_LIMIT, create);
pub(super) static GET: Method = Method::look("gmail.users.drafts.get", 20, SEE, get);
pub(super) static LIST: Method = Method::look("gmail.users.drafts.list", 5, SEE, list);
pub(super) static UPDATE: Method = Method::upload("gmail.users.drafts.update", 15, WRITE, SENT_LIMIT, update);
pub(super) static DELETE: Method = Method::change("gmail.users.drafts.delete", 10, WRITE, delete);
pub(super) static SEND: Method = Method::upload("gmail.users.drafts.send", 100, WRITE, SENT_LIMIT, send);

fn create(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let (raw, thread) = content(&call.mail_request()?)?;
    let draft = put(world, &caller.address, None, raw.unwrap_or_default(), thread.as_deref())?;
    answer(world, &caller.address, &draft)
}

/// The mail of a draft request and the thread it names.
fn content(request: &Request) -> Result<(Option<Vec<u8>>, Option<String>), ApiError> {
    // With an upload the metadata may be the draft or, as some clients send it, the message itself.
    let message = request.meta.get("message").unwrap_or(&request.meta);
    Ok((request.mail(message)?, super::post::thread_of(message)))
}

/// Stores a draft's mail under a new message id; with `id`, in place of what the draft held.
pub(crate) fn put(
    world: &mut World,
    address: &str,
    id: Option<&str>,
    raw: Vec<u8>,
    thread: Option<&str>,
) -> Result<Draft, ApiError> {
    let now = world.now_ms();
    let old = match id {
        None => None,
        Some(id) => Some(mailbox(world, address)?.drafts.get(id).cloned().ok_or_else(ApiError::not_found)?),
    };
    let mail = send::draft(world, address, raw, thread)?;
    let id = match &old {
        Some(draft) => draft.id.clone(),
        None => format!("r{}", world.fresh_number()),
    };
    let mailbox = mailbox(world, address)?;
    if let Some(old) = old {
        mailbox.remove(&old.message_id, now);
    }
    let draft = Draft { id, message_id: mail.id.clone() };
    mailbox.add(mail, now);
    mailbox.drafts.insert(draft.id.clone(), draft.clone());
    Ok(draft)
}

fn answer(world: &mut World, address: &str, draft: &Draft) -> Answer {
    let mail = mailbox(world, address)?.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
    Ok(json!({"id": draft.id, "message": render::stub(mail)}))
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let format = Format::of(&call.params, caller)?;
    let mailbox = mailbox(world, &caller.address)?;
    let draft = mailbox.drafts.get(call.id()).ok_or_else(ApiError::not_found)?;
    let mail = mailbox.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
    Ok(json!({"id": draft.id, "message": render::message(mail, &format)}))
}

fn list(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let mut hits = messages::select(mailbox, &["DRAFT"], &call.params, caller, now)?;
    hits.retain(|mail| mailbox.draft_of(&mail.id).is_some());
    let (page, next) = messages::paginate(&hits, &call.params)?;
    let mut answer = json!({"resultSizeEstimate": hits.len()});
    if !page.is_empty() {
        answer["drafts"] = page
            .iter()
            .filter_map(|mail| Some((mailbox.draft_of(&mail.id)?, mail)))
            .map(|(draft, mail)| json!({"id": draft.id, "message": {"id": mail.id, "threadId": mail.thread_id}}))
            .collect();
    }
    if let Some(token) = next {
        answer["nextPageToken"] = json!(token);
    }
    Ok(answer)
}

fn update(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let (raw, thread) = content(&call.mail_request()?)?;
    let draft = put(world, &caller.address, Some(call.id()), raw.unwrap_or_default(), thread.as_deref())?;
    answer(world, &caller.address, &draft)
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    discard(world, &caller.address, call.id())?;
    Ok(Value::Null)
}

pub(crate) fn discard(world: &mut World, address: &str, id: &str) -> Result<(), ApiError> {
    let now = world.now_ms();
    let mailbox = mailbox(world, address)?;
    let draft = mailbox.drafts.remove(id).ok_or_else(ApiError::not_found)?;
    mailbox.remove(&draft.message_id, now);
    Ok(())
}

fn send(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let address = caller.address.as_str();
    let request = call.mail_request()?;
    let (raw, thread) = content(&request)?;
    // What is uploaded replaces the draft, even when it is empty; a request without content sends it as it is.
    let id = match (request.meta.get("id").and_then(Value::as_str), raw) {
        (Some(id), None) => id.to_owned(),
        (Some(id), Some(raw)) => put(world, address, Some(id), raw, thread.as_deref())?.id,
        (None, Some(raw)) => put(world, address, None, raw, thread.as_deref())?.id,
        (None, None) => return Err(ApiError::invalid("Draft id or content required")),
    };
    let sent = dispatch(world, address, &id)?;
    mailbox(world, address)?.messages.get(&sent).map(render::stub).ok_or_else(ApiError::not_found)
}

/// Sends a draft as it stands: the draft and its message go, a new message takes their place in the thread.
pub(crate) fn dispatch(world: &mut World, address: &str, id: &str) -> Result<String, ApiError> {
    let mailbox = mailbox(world, address)?;
    let draft = mailbox.drafts.get(id).ok_or_else(ApiError::not_found)?;
    let mail = mailbox.messages.get(&draft.message_id).cloned().ok_or_else(ApiError::not_found)?;
    send::check(world, address, &mail.raw)?;
    discard(world, address, id)?;
    send::send(world, address, mail.raw.into(), Some(mail.thread_id))
}
