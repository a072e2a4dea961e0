//! `POST /oauth/connect` sends a signed-in operator to Google's consent page; `GET /oauth/callback` takes them back.
//!
//! Invariant: the query of a callback is never shown. Whatever happens, the browser goes to the channel page with a
//! code out of a fixed list, and the page has the words; a callback that was not begun here is a 400 on the way there.

mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, ORIGIN, REFERRER_POLICY, REFRESH, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use channel::ids::MailboxId;
use channel::usecase::authorisation::{Callback, NotOurs, STATE_LIFE};
use channel::usecase::connect::{Connect, ConnectError, MAX_HISTORY_DAYS};
use channel::usecase::session::{CookieKind, Credentials, Door, Refusal, sha256_hex};
use std::sync::Arc;

pub use wire::wire;

/// Where the person goes on, whatever came of it.
const CHANNEL_PAGE: &str = "/channels/gmail";
/// A form of two short fields.
const MAX_BODY: usize = 16 * 1024;

pub struct App {
    pub door: Door,
    pub connect: Connect,
}

pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/oauth/connect", post(begin))
        .route("/oauth/callback", get(finish))
        .fallback(|| async { plain(StatusCode::NOT_FOUND, "There is no such page.") })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}

type Fields = Vec<(String, String)>;

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn texts(headers: &HeaderMap, name: HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Response<Body> {
    let origin = texts(&headers, ORIGIN);
    let fetch_site = texts(&headers, HeaderName::from_static("sec-fetch-site"));
    let cookies = texts(&headers, COOKIE);
    let request =
        Credentials { origin: origin.first().copied(), fetch_site: fetch_site.first().copied(), cookies: &cookies };
    let who = match app.door.admit_post(request).await {
        Ok(who) => who,
        Err(refusal) => return turned_away(&refusal),
    };
    let Ok(Form(fields)) = form else {
        return plain(StatusCode::BAD_REQUEST, "This is not a form of ours.");
    };
    if let Err(refusal) = app.door.check_form(&who, field(&fields, "form_token")) {
        return turned_away(&refusal);
    }
    let Ok(mailbox) = field(&fields, "mailbox").map(MailboxId::parse).transpose() else {
        return to_channel_page("unknown_mailbox", None);
    };
    let days = field(&fields, "history_days").map(|days| days.trim().parse::<u16>()).transpose();
    let Some(days) = days.ok().filter(|days| days.is_none_or(|days| days <= MAX_HISTORY_DAYS)) else {
        return to_channel_page("history_days_wrong", None);
    };
    match app.connect.begin(mailbox, who.operator().clone(), days).await {
        Ok(departure) => {
            let cookie = app.door.origin.set_cookie(CookieKind::Connect, &departure.browser, STATE_LIFE);
            redirect(&departure.url, Some(&cookie))
        }
        Err(error) => {
            log(&error);
            to_channel_page(error.code(), None)
        }
    }
}

async fn finish(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<Fields>, QueryRejection>,
) -> Response<Body> {
    // One that cannot be decoded has no state, and that is said.
    let fields = query.map_or_else(|_| vec![], |Query(fields)| fields);
    let text = |name| field(&fields, name).map(str::to_owned);
    let callback = Callback { code: text("code"), state: text("state"), error: text("error") };
    let cookies = texts(&headers, COOKIE);
    let browser = app.door.origin.cookie(&cookies, CookieKind::Connect);
    match app.connect.finish(&callback, browser).await {
        Ok(connected) => {
            tracing::info!(mailbox.id = %connected.mailbox, again = connected.again, "a mailbox is connected");
            let done = done_mark(callback.state.as_deref(), &connected.mailbox);
            let cookie = app.door.origin.set_cookie(CookieKind::Connect, &done, STATE_LIFE);
            to_channel_page(if connected.again { "reconnected" } else { "connected" }, Some(&cookie))
        }
        Err(error) => {
            log(&error);
            if matches!(error, ConnectError::NotOurs(NotOurs::Used)) && already_done(&app, &callback, browser).await {
                return to_channel_page("already_connected", None);
            }
            // A replay must not take the cookie from an authorisation that is still under way.
            let cookie = error.used_up().then(|| app.door.origin.clear_cookie(CookieKind::Connect));
            if matches!(&error, ConnectError::NotOurs(why) if !matches!(why, NotOurs::Stop(_))) {
                return not_ours(error.code(), cookie.as_deref());
            }
            to_channel_page(error.code(), cookie.as_deref())
        }
    }
}

/// A callback that was not begun here is a bad request; a person who met it by accident still gets to the words for it.
fn not_ours(code: &'static str, cookie: Option<&str>) -> Response<Body> {
    let text = "This authorisation was not begun here, or is over. Go back to Settings, Channels.";
    let mut response = plain(StatusCode::BAD_REQUEST, text);
    let refresh = format!("0; url={CHANNEL_PAGE}?message={code}");
    for (name, value) in [(REFRESH, Some(refresh.as_str())), (SET_COOKIE, cookie)] {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// After success the cookie says which state it was for, so that a callback that comes twice, by a reload or a double
/// click, is told from a replay in another browser.
fn done_mark(state: Option<&str>, mailbox: &MailboxId) -> String {
    format!("done.{}.{mailbox}", sha256_hex(state.unwrap_or("")))
}

async fn already_done(app: &App, callback: &Callback, browser: Option<&str>) -> bool {
    let mark = browser.and_then(|cookie| cookie.strip_prefix("done."));
    let Some((_, id)) = mark.and_then(|mark| mark.split_once('.')) else { return false };
    let Ok(mailbox) = MailboxId::parse(id) else { return false };
    if browser != Some(done_mark(callback.state.as_deref(), &mailbox).as_str()) {
        return false;
    }
    match app.connect.is_connected(&mailbox).await {
        Ok(connected) => connected,
        Err(error) => {
            tracing::warn!(%error, "whether the mailbox is connected could not be read");
            false
        }
    }
}

fn turned_away(refusal: &Refusal) -> Response<Body> {
    tracing::info!(%refusal, "a request to connect was turned away");
    match refusal {
        Refusal::OtherOrigin => plain(StatusCode::FORBIDDEN, "The form was not sent from Postroom's own pages."),
        Refusal::NotSignedIn => redirect("/signin?return_to=/channels/gmail", None),
        Refusal::StaleForm => to_channel_page("form_old", None),
        Refusal::Store(_) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "Postroom is not available. Try again in a moment.")
        }
    }
}

fn log(error: &ConnectError) {
    let code = error.code();
    if matches!(
        error,
        ConnectError::Client(_)
            | ConnectError::Vault(_)
            | ConnectError::Stop(_)
            | ConnectError::NotOurs(NotOurs::Stop(_))
    ) {
        tracing::error!(code, %error, "a mailbox could not be connected");
    } else {
        tracing::info!(code, "a mailbox was not connected");
    }
}

fn to_channel_page(code: &'static str, cookie: Option<&str>) -> Response<Body> {
    redirect(&format!("{CHANNEL_PAGE}?message={code}"), cookie)
}

fn redirect(to: &str, cookie: Option<&str>) -> Response<Body> {
    let mut response = guarded(StatusCode::SEE_OTHER, Body::empty());
    let mut set = |name, value: &str| match value.parse() {
        Ok(value) => {
            response.headers_mut().append(name, value);
            true
        }
        Err(_) => false,
    };
    let whole = set(LOCATION, to) && cookie.is_none_or(|cookie| set(SET_COOKIE, cookie));
    if whole {
        response
    } else {
        plain(StatusCode::INTERNAL_SERVER_ERROR, "Postroom made an address that cannot be used.")
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    guarded(status, Body::from(text))
}

fn guarded(status: StatusCode, body: Body) -> Response<Body> {
    let headers = [
        (axum::http::header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}
