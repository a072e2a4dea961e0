//! `users.drafts`. A draft is a stable id around a message whose own id changes with every update.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::{
    Method, Params, READ, WRITE, mailbox,
    render::{self, Format},
    run,
    search::Query,
    send,
    upload::Request,
};
use crate::{error::ApiError, mailbox::Draft, server::Sim, state::World};

const SEE: &[&str] = &[READ[0], READ[1], READ[2], WRITE[2]];
static CREATE: Method = Method { name: "gmail.users.drafts.create", units: 10, changes: true, scopes: WRITE };
static GET: Method = Method { name: "gmail.users.drafts.get", units: 20, changes: false, scopes: SEE };
static LIST: Method = Method { name: "gmail.users.drafts.list", units: 5, changes: false, scopes: SEE };
static UPDATE: Method = Method { name: "gmail.users.drafts.update", units: 15, changes: true, scopes: WRITE };
static DELETE: Method = Method { name: "gmail.users.drafts.delete", units: 10, changes: true, scopes: WRITE };
static SEND: Method = Method { name: "gmail.users.drafts.send", units: 100, changes: true, scopes: WRITE };

pub(super) async fn create(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    params: Params,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &CREATE, &user, &headers, |world, address| {
        let (raw, thread) = content(&Request::read(uri.path(), &params, &headers, &body)?)?;
        let draft = put(world, address, None, raw.unwrap_or_default(), thread.as_deref())?;
        answer(world, address, &draft)
    })
    .await
}

/// The mail of a draft request and the thread it names.
fn content(request: &Request) -> Result<(Option<Vec<u8>>, Option<String>), ApiError> {
    // With an upload the metadata may be the draft or, as some clients send it, the message itself.
    let message = request.meta.get("message").unwrap_or(&request.meta);
    let thread = message.get("threadId").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    Ok((request.mail(message)?, thread))
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

fn answer(world: &mut World, address: &str, draft: &Draft) -> Result<Value, ApiError> {
    let mail = mailbox(world, address)?.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
    Ok(json!({"id": draft.id, "message": render::stub(mail)}))
}

pub(super) async fn get(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    run(&sim, &GET, &user, &headers, |world, address| {
        let format = Format::of(&params)?;
        let mailbox = mailbox(world, address)?;
        let draft = mailbox.drafts.get(&id).ok_or_else(ApiError::not_found)?;
        let mail = mailbox.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
        Ok(json!({"id": draft.id, "message": render::message(mail, &format)}))
    })
    .await
}

pub(super) async fn list(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    run(&sim, &LIST, &user, &headers, |world, address| {
        let mailbox = mailbox(world, address)?;
        let size = params.page_size(100, 500)?;
        let skip: usize = match params.get("pageToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| ApiError::invalid("Invalid pageToken"))?,
        };
        let query = Query::parse(params.get("q").unwrap_or_default());
        let hits: Vec<Value> = mailbox
            .messages
            .candidates(&query.narrow(&["DRAFT"]))
            .into_iter()
            .filter(|mail| query.matches(mailbox, mail))
            .filter_map(|mail| Some((mailbox.draft_of(&mail.id)?, mail)))
            .map(|(draft, mail)| json!({"id": draft.id, "message": {"id": mail.id, "threadId": mail.thread_id}}))
            .collect();
        let page: Vec<&Value> = hits.iter().skip(skip).take(size).collect();
        let mut answer = json!({"resultSizeEstimate": hits.len()});
        if !page.is_empty() {
            answer["drafts"] = json!(page);
        }
        if skip + size < hits.len() {
            answer["nextPageToken"] = json!((skip + size).to_string());
        }
        Ok(answer)
    })
    .await
}

pub(super) async fn update(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    params: Params,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &UPDATE, &user, &headers, |world, address| {
        let (raw, thread) = content(&Request::read(uri.path(), &params, &headers, &body)?)?;
        let draft = put(world, address, Some(&id), raw.unwrap_or_default(), thread.as_deref())?;
        answer(world, address, &draft)
    })
    .await
}

pub(super) async fn delete(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    run(&sim, &DELETE, &user, &headers, |world, address| {
        discard(world, address, &id)?;
        Ok(Value::Null)
    })
    .await
}

pub(crate) fn discard(world: &mut World, address: &str, id: &str) -> Result<(), ApiError> {
    let now = world.now_ms();
    let mailbox = mailbox(world, address)?;
    let draft = mailbox.drafts.remove(id).ok_or_else(ApiError::not_found)?;
    mailbox.remove(&draft.message_id, now);
    Ok(())
}

pub(super) async fn send(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    params: Params,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &SEND, &user, &headers, |world, address| {
        let request = Request::read(uri.path(), &params, &headers, &body)?;
        let (raw, thread) = content(&request)?;
        // What is uploaded replaces the draft, even when it is empty; a request without content sends it as it is.
        let id = match (request.meta.get("id").and_then(Value::as_str), raw) {
            (Some(id), None) => id.to_owned(),
            (Some(id), Some(raw)) => put(world, address, Some(id), raw, thread.as_deref())?.id,
            (None, Some(raw)) => put(world, address, None, raw, thread.as_deref())?.id,
            (None, None) => return Err(ApiError::invalid("Draft id or content required")),
        };
        let sent = dispatch(world, address, &id)?;
        let mail = mailbox(world, address)?.messages.get(&sent).ok_or_else(ApiError::not_found)?;
        Ok(render::stub(mail))
    })
    .await
}

/// Sends a draft as it stands: the draft and its message go, a new message takes their place in the thread.
pub(crate) fn dispatch(world: &mut World, address: &str, id: &str) -> Result<String, ApiError> {
    let mailbox = mailbox(world, address)?;
    let draft = mailbox.drafts.get(id).ok_or_else(ApiError::not_found)?;
    let mail = mailbox.messages.get(&draft.message_id).cloned().ok_or_else(ApiError::not_found)?;
    send::check(&mail.raw)?;
    discard(world, address, id)?;
    send::send(world, address, mail.raw.into(), Some(mail.thread_id))
}
