//! `users.threads`: list and get.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;
use serde_json::{Value, json};

use super::{
    LOOK, Method, Params, hex_id, mailbox, messages,
    render::{self, Format},
    run, run_then,
};
use crate::{error::ApiError, mailbox::Mail, mime, server::Sim, state::World};

static LIST: Method = Method { name: "gmail.users.threads.list", units: 10, changes: false, scopes: LOOK };
static GET: Method = Method { name: "gmail.users.threads.get", units: 40, changes: false, scopes: LOOK };

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
        let mut seen = BTreeSet::new();
        let hits: Vec<&Mail> =
            messages::select(mailbox, &params)?.into_iter().filter(|mail| seen.insert(&mail.thread_id)).collect();
        let page: Vec<Value> = hits
            .iter()
            .skip(skip)
            .take(size)
            .map(|mail| {
                json!({
                    "id": mail.thread_id,
                    "snippet": mime::snippet(&mail.raw),
                    "historyId": newest(&mailbox.thread(&mail.thread_id)),
                })
            })
            .collect();
        let mut answer = json!({"resultSizeEstimate": hits.len()});
        if !page.is_empty() {
            answer["threads"] = json!(page);
        }
        if skip + size < hits.len() {
            answer["nextPageToken"] = json!((skip + size).to_string());
        }
        Ok(answer)
    })
    .await
}

fn newest(mails: &[&Mail]) -> String {
    mails.iter().map(|mail| mail.history_id).max().unwrap_or(0).to_string()
}

pub(super) async fn get(
    State(sim): State<Arc<Sim>>,
    Path((user, id)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Response {
    let look = |world: &mut World, address: &str| {
        let format = Format::of(&params)?;
        if matches!(format, Format::Raw) {
            return Err(ApiError::invalid("Invalid value at 'format'"));
        }
        let mails = mailbox(world, address)?.thread(hex_id(&id)?);
        if mails.is_empty() {
            return Err(ApiError::not_found());
        }
        Ok((newest(&mails), mails.into_iter().cloned().collect::<Vec<Mail>>(), format))
    };
    run_then(&sim, &GET, &user, &headers, look, |(newest, mails, format)| {
        let rendered: Vec<Value> = mails.iter().map(|mail| render::message(mail, &format)).collect();
        json!({"id": id, "historyId": newest, "messages": rendered})
    })
    .await
}
