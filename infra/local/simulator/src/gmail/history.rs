//! `users.history.list`, `users.watch` and `users.stop`.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LOOK, Method, Params, json_body, mailbox, run};
use crate::{
    error::ApiError,
    mailbox::{History, Kind, Record, Watch},
    server::Sim,
    state::DAY_MS,
};

static LIST: Method = Method { name: "gmail.users.history.list", units: 2, changes: false, scopes: LOOK };
static WATCH: Method = Method { name: "gmail.users.watch", units: 100, changes: true, scopes: LOOK };
static STOP: Method = Method { name: "gmail.users.stop", units: 50, changes: true, scopes: LOOK };

pub(super) async fn list(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    run(&sim, &LIST, &user, &headers, |world, address| page(&mailbox(world, address)?.history, &params)).await
}

fn page(history: &History, params: &Params) -> Result<Value, ApiError> {
    let start = params.get("startHistoryId").ok_or_else(|| ApiError::invalid("Missing startHistoryId"))?;
    let start: u64 = start.parse().map_err(|_| ApiError::invalid("Invalid startHistoryId"))?;
    if start < history.floor || start > history.newest {
        return Err(ApiError::not_found());
    }
    let after = match params.get("pageToken") {
        None => start,
        Some(token) => token.parse().map_err(|_| ApiError::invalid("Invalid pageToken"))?,
    };
    let kinds = kinds(params)?;
    let label = params.get("labelId");
    let size = params.page_size(100, 500)?;
    let mut hits = history.records.iter().filter(|record| {
        record.id > after
            && (kinds.is_empty() || kinds.contains(&record.kind))
            && label.is_none_or(|label| record.labels.contains(label) || record.changed.contains(label))
    });
    let records: Vec<&Record> = hits.by_ref().take(size).collect();
    let mut answer = json!({"historyId": history.newest.to_string()});
    if let Some(last) = records.last() {
        answer["history"] = records.iter().map(|record| render(record)).collect();
        if hits.next().is_some() {
            answer["nextPageToken"] = json!(format!("{:020}", last.id));
        }
    }
    Ok(answer)
}

fn kinds(params: &Params) -> Result<Vec<Kind>, ApiError> {
    params
        .all("historyTypes")
        .into_iter()
        .map(|name| match name {
            "messageAdded" | "MESSAGE_ADDED" => Ok(Kind::MessageAdded),
            "messageDeleted" | "MESSAGE_DELETED" => Ok(Kind::MessageDeleted),
            "labelAdded" | "LABEL_ADDED" => Ok(Kind::LabelAdded),
            "labelRemoved" | "LABEL_REMOVED" => Ok(Kind::LabelRemoved),
            _ => Err(ApiError::invalid("Invalid value at 'history_types'")),
        })
        .collect()
}

fn render(record: &Record) -> Value {
    let mut message = json!({"id": record.message_id, "threadId": record.thread_id});
    let plain = message.clone();
    if !record.labels.is_empty() {
        message["labelIds"] = json!(record.labels);
    }
    let (key, entry) = match record.kind {
        Kind::MessageAdded => ("messagesAdded", json!({"message": message})),
        Kind::MessageDeleted => ("messagesDeleted", json!({"message": message})),
        Kind::LabelAdded => ("labelsAdded", json!({"message": message, "labelIds": record.changed})),
        Kind::LabelRemoved => ("labelsRemoved", json!({"message": message, "labelIds": record.changed})),
    };
    let mut rendered = json!({"id": record.id.to_string(), "messages": [plain]});
    rendered[key] = json!([entry]);
    rendered
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WatchRequest {
    #[serde(default)]
    topic_name: String,
    #[serde(default)]
    label_ids: BTreeSet<String>,
    label_filter_behavior: Option<String>,
    label_filter_action: Option<String>,
}

pub(super) async fn watch(
    State(sim): State<Arc<Sim>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&sim, &WATCH, &user, &headers, |world, address| {
        let request: WatchRequest = json_body(&body)?;
        let parts: Vec<&str> = request.topic_name.split('/').collect();
        if !matches!(parts.as_slice(), ["projects", project, "topics", topic] if !project.is_empty() && !topic.is_empty())
        {
            return Err(ApiError::invalid("Invalid topicName does not match projects/*/topics/*"));
        }
        if !world.knows_topic(&request.topic_name) {
            let message = format!("Resource not found (resource={}).", parts[3]);
            return Err(ApiError::new(404, "notFound", message));
        }
        let now = world.now_ms();
        let mailbox = mailbox(world, address)?;
        if let Some(unknown) = request.label_ids.iter().find(|label| !mailbox.knows_label(label)) {
            return Err(ApiError::invalid(format!("Invalid label: {unknown}")));
        }
        if mailbox.watch.as_ref().is_some_and(|w| w.expiration_ms > now && w.topic != request.topic_name) {
            return Err(ApiError::invalid(
                "Only one user push notification client allowed per developer (call /stop then try again)",
            ));
        }
        let exclude = [&request.label_filter_behavior, &request.label_filter_action]
            .iter()
            .any(|value| value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("exclude")));
        let expiration_ms = now + 7 * DAY_MS;
        mailbox.watch = Some(Watch { topic: request.topic_name, labels: request.label_ids, exclude, expiration_ms });
        Ok(json!({"historyId": mailbox.history.newest.to_string(), "expiration": expiration_ms.to_string()}))
    })
    .await
}

pub(super) async fn stop(State(sim): State<Arc<Sim>>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    run(&sim, &STOP, &user, &headers, |world, address| {
        mailbox(world, address)?.watch = None;
        Ok(Value::Null)
    })
    .await
}
