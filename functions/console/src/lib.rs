//! The face: sign-in, Chat, the Gmail channel, settings. Server-rendered pages and plain forms with POST/redirect/GET;
//! everything works without JavaScript.
//!
//! Invariants: no handler for a page runs without a session, none that changes something without our own origin and
//! the session's form token; mail is shown as escaped text only; the console decides and enqueues, and changes nothing
//! at Gmail but the watch and grant of a mailbox that is disconnected.

mod ask;
mod assets;
mod channels;
mod chat;
mod door;
mod example;
mod failure;
mod frame;
mod gaps;
mod knowledge;
mod language;
mod mailbox_settings;
pub mod message;
mod notifications;
mod organisation;
mod personality;
mod signin;
mod thread;
mod when;
mod wire;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use channel::ports::{Clock, Conversations, Engines, Entropy, Examples, Gmail, Mailboxes};
use channel::usecase::configure::Configure;
use channel::usecase::disconnect::Disconnect;
use channel::usecase::example::AskExample;
use channel::usecase::gaps::GapDesk;
use channel::usecase::knowledge::KnowledgeDesk;
use channel::usecase::review::Desk;
use channel::usecase::session::Door;
use channel::usecase::sign_in::SignIn;
use channel::usecase::targets::TeamTargets;
use std::sync::Arc;

pub use wire::wire;

pub use crate::failure::Failure;

/// Room for the longest text that a person may write, encoded as a form.
const MAX_BODY: usize = 1024 * 1024;

/// What the pages need. `main` puts it together, tests with fakes.
pub struct App {
    pub door: Door,
    pub sign_in: SignIn,
    pub desk: Desk,
    pub configure: Configure,
    pub disconnect: Disconnect,
    pub ask: AskExample,
    pub knowledge: KnowledgeDesk,
    pub gaps: GapDesk,
    pub team: TeamTargets,
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub conversations: Arc<dyn Conversations>,
    pub examples: Arc<dyn Examples>,
    pub gmail: Arc<dyn Gmail>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Scheme, host and port of Google's consent page: browsers apply `form-action` to where a form is redirected.
    pub consent_origin: String,
    /// Scheme, host and port of the bucket, which browsers send files to.
    pub bucket_origin: String,
    /// The built-in assistant answers, which writes nothing of its own.
    pub built_in: bool,
}

pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/chat") }))
        .route("/signin", get(signin::page).post(signin::begin))
        .route("/signin/callback", get(signin::finish))
        .route("/signout", post(signin::sign_out))
        .route("/chat", get(chat::page))
        .route("/chat/{mailbox}/{thread}", get(thread::page))
        .route("/chat/{mailbox}/{thread}/{decision}", post(thread::decide))
        .route("/channels", get(|| async { Redirect::to("/channels/gmail") }))
        .route("/channels/gmail", get(channels::page))
        .route("/channels/gmail/{mailbox}/disconnect", get(channels::confirm).post(channels::disconnect))
        .route("/channels/gmail/{mailbox}/settings", get(mailbox_settings::page).post(mailbox_settings::save))
        .route("/channels/gmail/{mailbox}/personality", get(personality::page).post(personality::save))
        .route("/channels/gmail/{mailbox}/personality/example", post(personality::attempt))
        .route("/knowledge", get(knowledge::page))
        .route("/knowledge/upload", get(|| async { Redirect::to("/knowledge") }).post(knowledge::upload))
        .route("/knowledge/pair", get(knowledge::pair_form).post(knowledge::put_pair))
        .route("/knowledge/documents/{document}", get(knowledge::document))
        .route("/knowledge/documents/{document}/arrived", post(knowledge::arrived))
        .route("/knowledge/documents/{document}/replace", post(knowledge::replace))
        .route("/knowledge/documents/{document}/rename", post(knowledge::rename))
        .route("/knowledge/documents/{document}/download", get(knowledge::download))
        .route("/knowledge/documents/{document}/remove", get(knowledge::confirm).post(knowledge::remove))
        .route("/knowledge/ask", get(ask::page).post(ask::ask))
        .route("/knowledge/gaps", get(gaps::page))
        .route("/knowledge/gaps/{gap}", get(gaps::gap))
        .route("/knowledge/gaps/{gap}/answer", post(gaps::answer))
        .route("/knowledge/gaps/{gap}/dismiss", post(gaps::dismiss))
        .route("/channels/gmail/{mailbox}/notifications", get(notifications::page).post(notifications::add))
        .route("/channels/gmail/{mailbox}/notifications/{target}/{decision}", post(notifications::decide))
        .route("/settings", get(organisation::page).post(organisation::save))
        .route("/assets/{name}", get(assets::file))
        .fallback(|| async { Failure::NotFound })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&app), finish))
        .with_state(app)
}

/// The last word on each response: the words of a failure, and the headers that hold for all pages.
async fn finish(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = failure::worded(next.run(request).await, &app);
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self' {bucket}; \
         form-action 'self' {consent} {bucket}; frame-ancestors 'none'; base-uri 'none'",
        consent = app.consent_origin,
        bucket = app.bucket_origin
    );
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // `same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` along with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    response
}
