//! Pieces of a mail as documents of their own: its source, its HTML, its attachments.
//!
//! Invariant: none of them has an origin, runs a script or fetches anything, whatever the mail holds.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{letter, look, problem, thread};
use crate::{error::ApiError, mime, server::Sim, state::canonical};

const ALONE: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
/// Styles and pictures that the mail itself carries; the frame around it is ours.
const FRAMED: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

fn raw(sim: &Sim, address: &str, id: &str) -> Result<Vec<u8>, ApiError> {
    sim.read(|world| {
        let mailbox = &world.accounts.get(&canonical(address)).ok_or_else(ApiError::not_found)?.mailbox;
        mailbox.messages.get(id).map(|mail| mail.raw.to_vec()).ok_or_else(ApiError::not_found)
    })
}

fn document(policy: &'static str, kind: &str, bytes: Vec<u8>) -> Response {
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let fields = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("x-dns-prefetch-control"), HeaderValue::from_static("off")),
    ];
    (StatusCode::OK, fields, bytes).into_response()
}

pub(super) async fn original(State(sim): State<Arc<Sim>>, Path((address, id)): Path<(String, String)>) -> Response {
    match raw(&sim, &address, &id) {
        Ok(raw) => document(ALONE, "text/plain; charset=utf-8", raw),
        Err(error) => problem(&error),
    }
}

pub(super) async fn html(State(sim): State<Arc<Sim>>, Path((address, id)): Path<(String, String)>) -> Response {
    let found = raw(&sim, &address, &id)
        .and_then(|raw| mime::parse(&raw).and_then(|m| thread::html_of(&m)).ok_or_else(ApiError::not_found));
    match found {
        Ok(html) => document(FRAMED, "text/html; charset=utf-8", html.into_bytes()),
        Err(error) => problem(&error),
    }
}

pub(super) async fn attachment(
    State(sim): State<Arc<Sim>>,
    Path((address, id, number)): Path<(String, String, usize)>,
) -> Response {
    let found = raw(&sim, &address, &id)
        .and_then(|raw| letter::attachments(&raw).into_iter().nth(number).ok_or_else(ApiError::not_found));
    let file = match found {
        Ok(file) => file,
        Err(error) => return problem(&error),
    };
    let mut response = document(ALONE, &letter::media_type(&file.kind), file.bytes);
    if let Ok(value) = HeaderValue::from_str(&disposition(&file.name)) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// RFC 6266: a name in ASCII for old readers, and the whole name in UTF-8.
fn disposition(name: &str) -> String {
    // A name is no path, and shows its letters in the order in which they are stored.
    let clean: String = look::undirected(name)
        .chars()
        .map(|c| if c.is_control() || "/\\".contains(c) { '_' } else { c })
        .take(150)
        .collect();
    let ascii: String = clean.chars().map(|c| if c.is_ascii() && !"\"%".contains(c) { c } else { '_' }).collect();
    let utf8: String = clean
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{utf8}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_file_name_cannot_leave_its_field() {
        let value = disposition("a\"b\r\nSet-Cookie: x/../\u{202e}gpj.exe");
        assert_eq!(
            value,
            "attachment; filename=\"a_b__Set-Cookie: x_.._gpj.exe\"; \
             filename*=UTF-8''a%22b__Set-Cookie%3A%20x_.._gpj.exe"
        );
        assert!(disposition("報告.pdf").ends_with("UTF-8''%E5%A0%B1%E5%91%8A.pdf"));
    }
}
