//! The pages on which a person reads a mailbox and writes to it, as customer or as owner.
//!
//! Invariant: a page changes a mailbox only through the functions of [`crate::mailbox`] and [`crate::gmail`], so what
//! a person does here stands in history and is pushed like everything else. Mail is hostile: it reaches a page only
//! through the templates' escaping, and its HTML and attachments only in documents of their own, without an origin.

mod accounts;
mod actions;
mod compose;
mod drafts;
mod form;
mod labels;
mod letter;
mod list;
pub(crate) mod look;
mod parts;
mod rail;
mod thread;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};

use crate::{error::ApiError, server::Sim};

pub(crate) fn routes() -> Router<Arc<Sim>> {
    // A form counts its files itself, so that too many of them end in a page and not in a broken connection.
    let forms = Router::new()
        .route("/mail/{address}/send", post(compose::send))
        .route("/mail/{address}/drafts/{draft}", post(drafts::change))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/", get(accounts::index))
        .route("/accounts", post(accounts::add))
        .route("/mail/{address}", get(list::show))
        .route("/mail/{address}/threads", post(actions::on_threads))
        .route("/mail/{address}/t/{thread}", get(thread::show))
        .route("/mail/{address}/m/{mail}", post(actions::on_mail))
        .route("/mail/{address}/m/{mail}/original", get(parts::original))
        .route("/mail/{address}/m/{mail}/html", get(parts::html))
        .route("/mail/{address}/m/{mail}/attachments/{number}", get(parts::attachment))
        .route("/mail/{address}/compose", get(compose::show))
        .route("/mail/{address}/labels", get(labels::show).post(labels::create))
        .route("/mail/{address}/labels/{label}", post(labels::change))
        .merge(forms)
}

/// A page of ours: nothing is loaded but what stands in it, and only the one style sheet and script may run.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (
            status,
            [
                (header::CONTENT_SECURITY_POLICY, look::POLICY.as_str()),
                (header::CACHE_CONTROL, "no-store"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ],
            Html(html),
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 302 for a redirect that the browser follows with GET.
pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(value) => (StatusCode::FOUND, [(header::LOCATION, value)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Problem {
    status: u16,
    code: String,
    message: String,
}

fn problem(error: &ApiError) -> Response {
    render(
        status_of(error),
        &Problem { status: error.code, code: error.reason.clone(), message: error.message.clone() },
    )
}

fn status_of(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn thread_path(address: &str, thread: &str) -> String {
    format!("/mail/{}/t/{thread}", encoded(address))
}
