//! What a browser sees when there is no page to show. The cause goes to the log with an id, and only the id to the page.

use crate::App;
use crate::frame::{Frame, html};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::outcome::Outcome;
use channel::ports::StoreError;
use channel::usecase::common::{Stop, fresh_id};
use channel::usecase::session::Refusal;

#[derive(Debug)]
pub enum Failure {
    NotFound,
    /// A form from elsewhere.
    OtherOrigin,
    /// A form of another session, or one that was kept too long.
    StaleForm,
    /// Something that is no form of ours, and the status that says so.
    BadForm(StatusCode),
    /// With where to come back to.
    NotSignedIn(Option<String>),
    Fault(Stop),
    /// A template that could not be written out.
    Template(askama::Error),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Fault(stop)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Template(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OtherOrigin => Self::OtherOrigin,
            Refusal::NotSignedIn => Self::NotSignedIn(None),
            Refusal::StaleForm => Self::StaleForm,
            Refusal::Store(error) => error.into(),
        }
    }
}

/// What the middleware makes a page of.
#[derive(Clone)]
struct Words {
    title: &'static str,
    text: &'static str,
    /// For the log; none where the visitor is to blame.
    cause: Option<String>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, text, cause) = match self {
            Self::NotSignedIn(back) => return Redirect::to(&signin_address(back.as_deref())).into_response(),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is nothing at this address. It may have expired: content is kept for a limited time only.",
                None,
            ),
            Self::OtherOrigin => (
                StatusCode::FORBIDDEN,
                "Refused",
                "This form was not sent from Postroom’s own pages, so nothing was done.",
                None,
            ),
            Self::StaleForm => (
                StatusCode::FORBIDDEN,
                "This form is too old",
                "It belongs to another session, so nothing was done. Go back, reload the page and try again.",
                None,
            ),
            Self::BadForm(status) => {
                (status, "Not understood", "What was sent is not one of Postroom’s forms, so nothing was done.", None)
            }
            Self::Template(error) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is wrong",
                "The page could not be written.",
                Some(error.to_string()),
            ),
            Self::Fault(stop) => {
                let cause = Some(stop.to_string());
                match stop.outcome() {
                    Outcome::Fail(_) => (
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "Something is wrong",
                        "Trying again will not help. The log says what it is, under the id below.",
                        cause,
                    ),
                    _ => (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "Not available right now",
                        "Nothing was lost. Try again in a moment.",
                        cause,
                    ),
                }
            }
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Words { title, text, cause });
        response
    }
}

fn signin_address(back: Option<&str>) -> String {
    match back.filter(|back| *back != "/") {
        Some(back) => format!("/signin?return_to={}", percent_encoded(back)),
        None => "/signin".to_owned(),
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    text: &'static str,
    id: Option<String>,
}

/// Gives a failure its page; leaves any other response alone.
pub fn worded(mut response: Response, app: &App) -> Response {
    let Some(Words { title, text, cause }) = response.extensions_mut().remove::<Words>() else { return response };
    let status = response.status();
    let id = cause.map(|cause| {
        let id = fresh_id(&*app.entropy);
        tracing::error!(error.id = %id, error = %cause, status = status.as_u16(), "a page failed");
        id
    });
    match html(&FailurePage { frame: Frame::outside(title), text, id }) {
        Ok(page) => (status, page).into_response(),
        Err(error) => {
            tracing::error!(?error, "the page of a failure failed");
            response
        }
    }
}
