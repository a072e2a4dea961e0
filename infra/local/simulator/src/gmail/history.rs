//! `users.history.list`.

use serde_json::{Value, json};

use super::{
    LOOK, Params,
    call::{Answer, Call, Caller, Method},
    mailbox,
};
use crate::{
    error::ApiError,
    mailbox::{History, Kind, Record},
    state::World,
};

pub(super) static LIST: Method = Method::look("gmail.users.history.list", 2, LOOK, list);

fn list(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let history = &mut mailbox(world, &caller.address)?.history;
    history.expire(now);
    page(history, &call.params)
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
    let mut hits = history.since(after).filter(|record| {
        (kinds.is_empty() || kinds.contains(&record.kind))
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
