//! Settings of the organisation: the switch that stops all automatic sending.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "organisation.html")]
struct OrganisationPage {
    frame: Frame,
    stopped: bool,
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Html<String>, Failure> {
    html(&OrganisationPage {
        frame: Frame::inside(&app, &who, "Settings", "settings").await?.saying(query.get("message")),
        stopped: app.mailboxes.organisation().await?.sending_stopped,
    })
}

pub async fn save(State(app): State<Arc<App>>, posted: Posted) -> Result<Redirect, Failure> {
    let (stopped, code) = match posted.fields.get("sending") {
        Some("stopped") => (true, "sending_stopped"),
        Some("allowed") => (false, "sending_allowed"),
        _ => return Err(Failure::BadForm(StatusCode::BAD_REQUEST)),
    };
    app.configure.stop_sending(stopped).await?;
    tracing::info!(stopped, "the organisation's stop switch was set");
    Ok(Redirect::to(&format!("/settings?message={code}")))
}
