//! `users.messages`: list, get, modify, and attachments.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CHANGE, LOOK, Method, Params, READ, hex_id, json_body, mailbox,
    render::{self, Format},
    run, run_then,
    search::Query,
};
use crate::{
    error::ApiError,
    mailbox::{Mail, Mailbox},
    server::Sim,
    state::World,
};

static LIST: Method = Method { name: "gmail.users.messages.list", units: 5, changes: false, scopes: LOOK };
static GET: Method = Method { name: "gmail.users.messages.get", units: 20, changes: false, scopes: LOOK };
static MODIFY: Method = Method { name: "gmail.users.messages.modify", units: 5, changes: true, scopes: CHANGE };
static ATTACHMENT: Method =
    Method { name: "gmail.users.messages.attachments.get", units: 20, changes: false, scopes: READ };

pub(super) async fn list(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    run(&sim, &LIST, &user, &headers, |world, address| {
        let mailbox = mailbox(world, address)?;
        let hits = select(mailbox, &params)?;
        let (page, next) = paginate(&hits, &params)?;
        let mut answer = json!({"resultSizeEstimate": hits.len()});
        if !page.is_empty() {
            answer["messages"] = page.iter().map(|mail| json!({"id": mail.id, "threadId": mail.thread_id})).collect();
        }
        if let Some(token) = next {
            answer["nextPageToken"] = json!(token);
        }
        Ok(answer)
    })
    .await
}

/// What `labelIds` (all of them) and `q` ask for, newest first, without spam and trash unless asked for.
pub(super) fn select<'a>(mailbox: &'a Mailbox, params: &Params) -> Result<Vec<&'a Mail>, ApiError> {
    let labels = params.all("labelIds");
    if let Some(unknown) = labels.iter().find(|label| !mailbox.knows_label(label)) {
        return Err(ApiError::invalid(format!("Invalid label: {unknown}")));
    }
    let query = Query::parse(params.get("q").unwrap_or_default());
    let all = params.get("includeSpamTrash") == Some("true");
    let hidden = |mail: &Mail| {
        ["SPAM", "TRASH"]
            .into_iter()
            .any(|label| mail.has(label) && !all && !labels.contains(&label) && !query.names_label(label))
    };
    Ok(mailbox
        .messages
        .candidates(&query.narrow(&labels))
        .into_iter()
        .filter(|mail| labels.iter().all(|label| mail.has(label)) && !hidden(mail) && query.matches(mailbox, mail))
        .collect())
}

/// One page of a list that is sorted newest first; the token names the last mail shown, so that new mail does not
/// shift the pages.
fn paginate<'a>(hits: &[&'a Mail], params: &Params) -> Result<(Vec<&'a Mail>, Option<String>), ApiError> {
    let size = params.page_size(100, 500)?;
    let after = params.get("pageToken").map(page_mark).transpose()?;
    let mut rest = hits
        .iter()
        .copied()
        .filter(|mail| after.as_ref().is_none_or(|(ms, id)| (mail.internal_ms, mail.id.as_str()) < (*ms, id.as_str())));
    let page: Vec<&Mail> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let token =
        page.last().filter(|_| more).map(|last| BASE64_URL_SAFE.encode(format!("{}:{}", last.internal_ms, last.id)));
    Ok((page, token))
}

fn page_mark(token: &str) -> Result<(i64, String), ApiError> {
    BASE64_URL_SAFE
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (ms, id) = text.split_once(':')?;
            Some((ms.parse().ok()?, id.to_owned()))
        })
        .ok_or_else(|| ApiError::invalid("Invalid pageToken"))
}

pub(super) async fn get(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    let look = |world: &mut World, address: &str| {
        let format = Format::of(&params)?;
        let mail = mailbox(world, address)?.messages.get(hex_id(&id)?).ok_or_else(ApiError::not_found)?;
        Ok((mail.clone(), format))
    };
    run_then(&sim, &GET, &user, &headers, look, |(mail, format)| render::message(&mail, &format)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labels {
    #[serde(default)]
    add_label_ids: Vec<String>,
    #[serde(default)]
    remove_label_ids: Vec<String>,
}

pub(super) async fn modify(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &MODIFY, &user, &headers, |world, address| {
        let labels: Labels = json_body(&body)?;
        let now = world.now_ms();
        let mailbox = mailbox(world, address)?;
        let known = mailbox.messages.get(hex_id(&id)?).ok_or_else(ApiError::not_found)?;
        if labels.add_label_ids.is_empty() && labels.remove_label_ids.is_empty() {
            return Err(ApiError::invalid("No label add or removes specified"));
        }
        let draft = known.has("DRAFT");
        for label in labels.add_label_ids.iter().chain(&labels.remove_label_ids) {
            // A person cannot make a mail sent or a draft, and a draft carries no other label.
            if !mailbox.knows_label(label) || draft || ["SENT", "DRAFT"].contains(&label.as_str()) {
                return Err(ApiError::invalid(format!("Invalid label: {label}")));
            }
        }
        let mail = mailbox
            .relabel(&id, &labels.add_label_ids, &labels.remove_label_ids, now)
            .ok_or_else(ApiError::not_found)?;
        Ok(render::stub(mail))
    })
    .await
}

pub(super) async fn attachment(
    State(sim): State<Arc<Sim>>,
    Path((user, id, attachment)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    run(&sim, &ATTACHMENT, &user, &headers, |world, address| {
        let mail = mailbox(world, address)?.messages.get(hex_id(&id)?).ok_or_else(ApiError::not_found)?;
        let bytes: Vec<u8> =
            render::attachment(mail, &attachment).ok_or_else(|| ApiError::invalid("Invalid attachment token"))?;
        let answer: Value = json!({"size": bytes.len(), "data": BASE64_URL_SAFE.encode(&bytes)});
        Ok(answer)
    })
    .await
}
