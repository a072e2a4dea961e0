//! Settings → Channels → Gmail: which mailboxes are connected, how they are, and what to do when one is not well.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::when::When;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use channel::ids::MailboxId;
use channel::record::{ConnectionState, GrantProblemKind, MailboxView, Mode};
use channel::time::Timestamp;
use channel::usecase::connect::{DEFAULT_HISTORY_DAYS, MAX_HISTORY_DAYS};
use channel::usecase::disconnect::Disconnected;
use std::sync::Arc;

const PARKED_MAX: usize = 100;

struct Card {
    id: String,
    address: String,
    state: &'static str,
    state_code: &'static str,
    remedy: Option<&'static str>,
    has_grant: bool,
    reconnect: bool,
    mode: &'static str,
    since: When,
    last_mail: Option<When>,
    last_sync: Option<When>,
    last_push: Option<When>,
    watch_until: Option<When>,
    watch_error: Option<String>,
    reading_history: bool,
    recovered: u64,
    parked: String,
    /// Names of notification targets that were not reached.
    unreached: Vec<String>,
    /// Google apps in *Testing* lose their access after seven days.
    ends: Option<When>,
}

#[derive(Template)]
#[template(path = "channels.html")]
struct ChannelsPage {
    frame: Frame,
    cards: Vec<Card>,
    stopped: bool,
    default_days: u16,
    max_days: u16,
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Html<String>, Failure> {
    let now = app.clock.now();
    let mut cards = vec![];
    for meta in app.mailboxes.mailboxes().await? {
        if let Some(view) = app.mailboxes.mailbox(&meta.mailbox).await? {
            cards.push(card(&app, &view, now).await?);
        }
    }
    html(&ChannelsPage {
        frame: Frame::inside(&app, &who, "Gmail channel", "channels").await?.saying(query.get("message")),
        cards,
        stopped: app.mailboxes.organisation().await?.sending_stopped,
        default_days: DEFAULT_HISTORY_DAYS,
        max_days: MAX_HISTORY_DAYS,
    })
}

async fn card(app: &App, view: &MailboxView, now: Timestamp) -> Result<Card, Failure> {
    let id = &view.meta.mailbox;
    let sync = app.engines.sync_state(id).await?;
    let watch = app.engines.watch_state(id).await?;
    let parked = app.engines.parked(id, PARKED_MAX).await?.len();
    let grant = match &view.meta.grant {
        Some(grant) => app.engines.grant(id, grant).await?,
        None => None,
    };
    let team = app.team.of(id).await?;
    let unreached = team.targets.iter().filter(|target| target.problem.is_some());
    let unreached = unreached.map(|target| target.name.clone()).collect();
    let state = view.state();
    let (state_words, state_code) = state_words(state);
    let when = |at: Option<Timestamp>| at.map(|at| When::new(at, now));
    Ok(Card {
        id: id.to_string(),
        address: view.meta.address.to_string(),
        state: state_words,
        state_code,
        remedy: remedy(view),
        has_grant: view.meta.grant.is_some(),
        reconnect: !matches!(state, ConnectionState::Connected | ConnectionState::Paused),
        mode: mode_words(view.settings.mode()),
        since: When::new(view.meta.connected_at, now),
        last_mail: when(view.meta.last_mail_at),
        last_sync: when(sync.as_ref().and_then(|sync| sync.last_sync_at)),
        last_push: when(sync.as_ref().and_then(|sync| sync.last_push_at)),
        watch_until: when(watch.as_ref().and_then(|watch| watch.expiration)),
        watch_error: watch.and_then(|watch| watch.last_error),
        reading_history: sync.as_ref().is_some_and(|sync| sync.resync.is_some()),
        recovered: sync.map_or(0, |sync| sync.recovered),
        parked: if parked >= PARKED_MAX { format!("{PARKED_MAX} or more") } else { parked.to_string() },
        unreached,
        ends: when(grant.and_then(|grant| grant.refresh_expires_at)),
    })
}

pub fn mode_words(mode: Mode) -> &'static str {
    match mode {
        Mode::AutoReply => "Auto-reply",
        Mode::Draft => "Drafts for review",
        Mode::ReceiveOnly => "Receive only",
    }
}

fn state_words(state: ConnectionState) -> (&'static str, &'static str) {
    match state {
        ConnectionState::Connected => ("Connected", "good"),
        ConnectionState::Paused => ("Paused", "note"),
        ConnectionState::ReconnectNeeded => ("Reconnect needed", "bad"),
        ConnectionState::AccessRevoked => ("Access revoked", "bad"),
        ConnectionState::BlockedByAdmin => ("Blocked by an administrator", "bad"),
        ConnectionState::Disconnected => ("Disconnected", "off"),
    }
}

/// What to do about it (`A2.4`, `A7`).
fn remedy(view: &MailboxView) -> Option<&'static str> {
    let kind = view.meta.problem.as_ref().map(|problem| problem.kind);
    match view.state() {
        ConnectionState::Connected => None,
        ConnectionState::Paused => Some(
            "Enabled is off: mail is recorded, and nothing is drafted or sent. Pending answers are held. Switch it on in the settings to go on.",
        ),
        ConnectionState::ReconnectNeeded if kind == Some(GrantProblemKind::ScopeMissing) => Some(
            "Authorization failed: the permission to read and write mail is missing. Press Reconnect and leave all permissions ticked.",
        ),
        ConnectionState::ReconnectNeeded => Some(
            "Token expired: Google no longer accepts our access. That happens after a change of password, after six months without use, and after seven days while the Google app is in Testing. Press Reconnect: settings and history are kept, and mail that came meanwhile is picked up.",
        ),
        ConnectionState::AccessRevoked => Some(
            "Somebody removed Postroom’s access in the Google account: see Google Account → Security → Your connections to third-party apps and services. If that was not intended, press Reconnect: settings and history are kept.",
        ),
        ConnectionState::BlockedByAdmin => Some(
            "A Google Workspace administrator does not allow this app. Ask them to trust it in the Admin console under Security → Access and data control → API controls; then press Reconnect.",
        ),
        ConnectionState::Disconnected => {
            Some("Nothing is read and nothing is sent. The settings are kept for the day it is connected again.")
        }
    }
}

#[derive(Template)]
#[template(path = "disconnect.html")]
struct DisconnectPage {
    frame: Frame,
    id: String,
    address: String,
}

async fn known(app: &App, mailbox: &str) -> Result<MailboxView, Failure> {
    let id = MailboxId::parse(mailbox).map_err(|_| Failure::NotFound)?;
    app.mailboxes.mailbox(&id).await?.ok_or(Failure::NotFound)
}

pub async fn confirm(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(mailbox): Path<String>,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    if view.meta.grant.is_none() {
        return Ok(Redirect::to("/channels/gmail?message=disconnected_already").into_response());
    }
    let frame = Frame::inside(&app, &who, "Disconnect a mailbox", "channels").await?;
    let (id, address) = (view.meta.mailbox.to_string(), view.meta.address.to_string());
    Ok(html(&DisconnectPage { frame, id, address })?.into_response())
}

pub async fn disconnect(
    State(app): State<Arc<App>>,
    Path(mailbox): Path<String>,
    _posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let code = match app.disconnect.run(&view.meta.mailbox).await? {
        Disconnected::Everywhere => "disconnected",
        Disconnected::HereOnly => "disconnected_here",
        Disconnected::Already => "disconnected_already",
        Disconnected::Unknown => return Err(Failure::NotFound),
    };
    Ok(Redirect::to(&format!("/channels/gmail?message={code}")).into_response())
}
