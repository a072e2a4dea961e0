//! Resumable uploads: a session is opened with the metadata, the bytes follow in chunks, and the call takes place when
//! the last one is there.
//!
//! Sessions live in memory only and end with the process, as Google's end after a week.

use std::{collections::VecDeque, sync::Mutex};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{
    call::{Call, Method, account, admit},
    upload::{Request, is_upload},
};
use crate::{error::ApiError, faults::Style, state::random};

/// Open sessions; a newer one ends the oldest.
const SESSIONS: usize = 100;
/// Chunks but the last are multiples of this many bytes.
const GRAIN: usize = 256 * 1024;

#[derive(Debug)]
struct Session {
    id: String,
    /// Path of the method it was opened for.
    path: String,
    token: String,
    meta: Value,
    bytes: Vec<u8>,
}

/// The open sessions of a server.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<VecDeque<Session>>);

impl Sessions {
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Session>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

pub(super) fn is_one(call: &Call) -> bool {
    is_upload(&call.path) && call.params.get("uploadType") == Some("resumable")
}

/// Opens a session or takes a chunk. `None`: the mail is whole, and the call may take place.
pub(super) async fn step(call: &mut Call, method: &Method) -> Result<Option<Response>, ApiError> {
    match call.params.get("upload_id").map(str::to_owned) {
        None => Ok(Some(open(call, method).await)),
        Some(id) => take(call, &id).await,
    }
}

async fn open(call: &Call, method: &Method) -> Response {
    let account = account(call);
    call.sim
        .call("gmail.upload.start", account.clone(), 0, Style::Api, || match begin(call, method, account.as_deref()) {
            Ok(location) => (StatusCode::OK, [(header::LOCATION, location)]).into_response(),
            Err(error) => error.into_response(),
        })
        .await
}

fn begin(call: &Call, method: &Method, account: Option<&str>) -> Result<String, ApiError> {
    admit(call, &method.without_price(), account)?;
    let announced = number(&call.headers, "x-upload-content-length")?;
    if announced.is_some_and(|length| length > call.media_limit) {
        return Err(ApiError::too_large());
    }
    let meta = if call.body.is_empty() { json!({}) } else { call.json()? };
    let session = Session {
        id: random(24),
        path: call.path.clone(),
        token: call.token.clone().unwrap_or_default(),
        meta,
        bytes: Vec::new(),
    };
    let location = format!("{}{}?uploadType=resumable&upload_id={}", call.sim.base, call.path, session.id);
    call.sim.uploads.with(|sessions| {
        if sessions.len() == SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(session);
    });
    Ok(location)
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| ApiError::new(400, "badRequest", format!("Invalid value of {name}")))
}

/// `Content-Range`: where the chunk begins (`None`: only a question), and the length of the whole, if it is known.
fn range(headers: &HeaderMap, len: usize) -> Result<(Option<usize>, Option<usize>), ApiError> {
    let bad = || ApiError::new(400, "badRequest", "Failed to parse Content-Range header.");
    let Some(value) = headers.get(header::CONTENT_RANGE) else {
        return Ok((Some(0), Some(len)));
    };
    let text = value.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes ")).ok_or_else(bad)?;
    let (span, total) = text.split_once('/').ok_or_else(bad)?;
    let total = if total == "*" { None } else { Some(total.parse::<usize>().map_err(|_| bad())?) };
    if span == "*" {
        return Ok((None, total));
    }
    let (first, last) = span.split_once('-').ok_or_else(bad)?;
    let (first, last): (usize, usize) = (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
    let fits = last.checked_add(1).and_then(|end| end.checked_sub(first)) == Some(len);
    if fits && total.is_none_or(|total| last < total) { Ok((Some(first), total)) } else { Err(bad()) }
}

async fn take(call: &mut Call, id: &str) -> Result<Option<Response>, ApiError> {
    let (first, total) = range(&call.headers, call.body.len())?;
    let limit = call.media_limit;
    let (path, body) = (call.path.clone(), call.body.clone());
    let outcome = call.sim.uploads.with(|sessions| -> Result<_, ApiError> {
        let at = sessions.iter().position(|session| session.id == id && session.path == path);
        let at = at.ok_or_else(ApiError::not_found)?;
        let session = sessions.get_mut(at).ok_or_else(ApiError::not_found)?;
        append(session, first, total, &body, limit)?;
        Ok::<_, ApiError>(if total == Some(session.bytes.len()) {
            sessions.remove(at).ok_or(0)
        } else {
            Err(session.bytes.len())
        })
    })?;
    match outcome {
        Ok(session) => {
            call.token = Some(session.token);
            call.assembled = Some(Request { meta: session.meta, media: Some(session.bytes) });
            Ok(None)
        }
        Err(have) => {
            let account = account(call);
            let answer = call.sim.call("gmail.upload.chunk", account, 0, Style::Api, || unfinished(have)).await;
            Ok(Some(answer))
        }
    }
}

/// Adds a chunk; one that was taken before may be sent again from any byte that is there.
fn append(
    session: &mut Session,
    first: Option<usize>,
    total: Option<usize>,
    chunk: &[u8],
    limit: usize,
) -> Result<(), ApiError> {
    let Some(first) = first else {
        return Ok(());
    };
    let bad = |message: &str| ApiError::new(400, "badRequest", message);
    if first > session.bytes.len() {
        return Err(bad("The chunk does not follow the bytes that were received."));
    }
    let end = first + chunk.len();
    if end > limit || total.is_some_and(|total| total > limit) {
        return Err(ApiError::too_large());
    }
    if total != Some(end) && !chunk.len().is_multiple_of(GRAIN) {
        return Err(bad("The chunk is not the last and not a multiple of 256 KiB."));
    }
    session.bytes.truncate(first);
    session.bytes.extend_from_slice(chunk);
    Ok(())
}

/// 308 here means "go on": `Range` names what is there, and is absent as long as nothing is.
fn unfinished(have: usize) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Some(last) = have.checked_sub(1)
        && let Ok(value) = format!("bytes=0-{last}").parse()
    {
        response.headers_mut().insert(header::RANGE, value);
    }
    response
}
