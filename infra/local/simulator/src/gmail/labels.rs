//! `users.labels`: list, get and create.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LABELS, MAIL, METADATA, MODIFY, Method, READONLY, json_body, mailbox, run};
use crate::{
    error::ApiError,
    mailbox::{Label, Mailbox, SYSTEM_LABELS},
    server::Sim,
};

const SEE: &[&str] = &[MAIL, MODIFY, READONLY, METADATA, LABELS];
static LIST: Method = Method { name: "gmail.users.labels.list", units: 1, changes: false, scopes: SEE };
static GET: Method = Method { name: "gmail.users.labels.get", units: 1, changes: false, scopes: SEE };
static CREATE: Method =
    Method { name: "gmail.users.labels.create", units: 5, changes: true, scopes: &[MAIL, MODIFY, LABELS] };

/// Names that Gmail keeps for itself beside its label ids.
const RESERVED: [&str; 8] = ["muted", "drafts", "all mail", "scheduled", "snoozed", "outbox", "bin", "sent mail"];

pub(super) async fn list(State(sim): State<Arc<Sim>>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    run(&sim, &LIST, &user, &headers, |world, address| {
        let mailbox = mailbox(world, address)?;
        let system = SYSTEM_LABELS.iter().map(|id| system(id));
        Ok(json!({"labels": system.chain(mailbox.labels.iter().map(listed)).collect::<Vec<_>>()}))
    })
    .await
}

fn system(id: &str) -> Value {
    json!({"id": id, "name": id, "type": "system"})
}

/// A label of a person's own as the list shows it: without its colour.
fn listed(label: &Label) -> Value {
    let mut value = json!({"id": label.id, "name": label.name, "type": "user"});
    if let Some(visibility) = &label.message_visibility {
        value["messageListVisibility"] = json!(visibility);
    }
    if let Some(visibility) = &label.label_visibility {
        value["labelListVisibility"] = json!(visibility);
    }
    value
}

fn own(label: &Label) -> Value {
    let mut value = listed(label);
    if let Some((text, background)) = &label.colour {
        value["color"] = json!({"textColor": text, "backgroundColor": background});
    }
    value
}

pub(super) async fn get(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    run(&sim, &GET, &user, &headers, |world, address| {
        let mailbox = mailbox(world, address)?;
        let mut value = match mailbox.labels.iter().find(|label| label.id == id) {
            Some(label) => own(label),
            None if SYSTEM_LABELS.contains(&id.as_str()) => system(&id),
            None => return Err(ApiError::not_found()),
        };
        count(mailbox, &id, &mut value);
        Ok(value)
    })
    .await
}

fn count(mailbox: &Mailbox, id: &str, value: &mut Value) {
    let labelled: Vec<_> = mailbox.messages.values().filter(|mail| mail.has(id)).collect();
    let threads: BTreeSet<_> = labelled.iter().map(|mail| &mail.thread_id).collect();
    let unread: Vec<_> = labelled.iter().filter(|mail| mail.has("UNREAD")).collect();
    let unread_threads: BTreeSet<_> = unread.iter().map(|mail| &mail.thread_id).collect();
    value["messagesTotal"] = json!(labelled.len());
    value["messagesUnread"] = json!(unread.len());
    value["threadsTotal"] = json!(threads.len());
    value["threadsUnread"] = json!(unread_threads.len());
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewLabel {
    #[serde(default)]
    name: String,
    message_list_visibility: Option<String>,
    label_list_visibility: Option<String>,
    color: Option<Colour>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Colour {
    text_color: Option<String>,
    background_color: Option<String>,
}

pub(super) async fn create(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &CREATE, &user, &headers, |world, address| {
        let request: NewLabel = json_body(&body)?;
        let name = request.name.trim().to_owned();
        let lower = name.to_lowercase();
        let system = SYSTEM_LABELS.iter().any(|id| id.eq_ignore_ascii_case(&name));
        if name.is_empty() || name.len() > 225 || system || RESERVED.contains(&lower.as_str()) {
            return Err(ApiError::invalid("Invalid label name"));
        }
        let colour = match request.color {
            None => None,
            Some(Colour { text_color: Some(text), background_color: Some(background) }) => Some((text, background)),
            Some(_) => return Err(ApiError::invalid("Label color requires both textColor and backgroundColor")),
        };
        let mailbox = mailbox(world, address)?;
        if mailbox.labels.iter().any(|label| label.name.to_lowercase() == lower) {
            return Err(ApiError::new(409, "aborted", "Label name exists or conflicts"));
        }
        let number = mailbox.labels.iter().filter_map(|l| l.id.strip_prefix("Label_")?.parse::<u64>().ok()).max();
        let label = Label {
            id: format!("Label_{}", number.unwrap_or(0) + 1),
            name,
            colour,
            message_visibility: request.message_list_visibility,
            label_visibility: request.label_list_visibility,
        };
        let answer = own(&label);
        mailbox.labels.push(label);
        Ok(answer)
    })
    .await
}
