//! Who is told when a conversation needs a person: add, test and remove the targets of a mailbox (`B4`, `A9.3`).
//!
//! Invariant: an address that is a secret is never shown; of a webhook's signing secret the page of its making alone
//! tells.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::when::When;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::ids::{MailboxId, TargetId};
use channel::ports::StoreError;
use channel::record::{MailboxView, Place, Target};
use channel::usecase::configure::FieldError;
use channel::usecase::session::SignedIn;
use channel::usecase::targets::{Added, MAX_TARGETS, NotAdded, TargetForm};
use std::sync::Arc;

struct Row {
    id: String,
    name: String,
    kind: &'static str,
    /// A host or a channel.
    place: String,
    without_content: bool,
    problem: Option<(When, String)>,
}

const KINDS: [(&str, &str); 4] = [
    ("slack_webhook", "Slack: incoming webhook"),
    ("slack_channel", "Slack: channel, by the bot of this installation"),
    ("webhook", "Webhook, signed"),
    ("topic", "E-mail, to the address of this installation"),
];

#[derive(Template)]
#[template(path = "notifications.html")]
struct NotificationsPage {
    frame: Frame,
    id: String,
    address: String,
    rows: Vec<Row>,
    form: TargetForm,
    kinds: [(&'static str, &'static str); 4],
    /// Told this once.
    signing_secret: Option<String>,
    full: bool,
    errors: Vec<FieldError>,
}

impl NotificationsPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.iter().filter(|error| error.field == field).map(|error| error.message.as_str()).collect()
    }

    fn chosen(&self, kind: &str) -> bool {
        self.form.kind == kind
    }
}

fn row(target: &Target, app: &App) -> Row {
    let (kind, place) = match &target.place {
        Place::SlackWebhook { host, .. } => ("slack_webhook", host.clone()),
        Place::SlackChannel { channel } => ("slack_channel", channel.clone()),
        Place::Webhook { host, .. } => ("webhook", host.clone()),
        Place::Topic => ("topic", String::new()),
    };
    let problem = target.problem.as_ref();
    Row {
        id: target.id.to_string(),
        name: target.name.clone(),
        kind: KINDS.iter().find(|(code, _)| *code == kind).map_or("", |(_, words)| words),
        place,
        without_content: target.without_content,
        problem: problem.map(|problem| (When::new(problem.at, app.clock.now()), problem.why.clone())),
    }
}

async fn known(app: &App, mailbox: &str) -> Result<MailboxView, Failure> {
    let id = MailboxId::parse(mailbox).map_err(|_| Failure::NotFound)?;
    app.mailboxes.mailbox(&id).await?.ok_or(Failure::NotFound)
}

/// What stands on the page beside the targets.
#[derive(Default)]
struct Shown {
    form: TargetForm,
    errors: Vec<FieldError>,
    signing_secret: Option<String>,
    message: Option<String>,
}

async fn show(app: &App, who: &SignedIn, view: &MailboxView, shown: Shown) -> Result<Response, Failure> {
    let targets = app.team.of(&view.meta.mailbox).await?;
    let page = NotificationsPage {
        frame: Frame::inside(app, who, "Notifications", "channels").await?.saying(shown.message.as_deref()),
        id: view.meta.mailbox.to_string(),
        address: view.meta.address.to_string(),
        rows: targets.targets.iter().map(|target| row(target, app)).collect(),
        form: shown.form,
        kinds: KINDS,
        signing_secret: shown.signing_secret,
        full: targets.targets.len() >= MAX_TARGETS,
        errors: shown.errors,
    };
    Ok(html(&page)?.into_response())
}

pub async fn page(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(mailbox): Path<String>,
    query: Fields,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let message = query.get("message").map(str::to_owned);
    let form = TargetForm { kind: "slack_webhook".to_owned(), ..TargetForm::default() };
    show(&app, &who, &view, Shown { message, form, ..Shown::default() }).await
}

pub async fn add(
    State(app): State<Arc<App>>,
    Path(mailbox): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let text = |name| posted.fields.text(name).unwrap_or_default().to_owned();
    let form = TargetForm {
        kind: text("kind"),
        name: text("name"),
        url: text("url"),
        channel: text("channel"),
        without_content: posted.fields.ticked("without_content"),
    };
    let id = &view.meta.mailbox;
    match app.team.add(id, &form).await {
        Ok(Added { signing_secret: None, .. }) => Ok(Redirect::to(&address(id, "target_added")).into_response()),
        Ok(Added { signing_secret, .. }) => {
            let shown = Shown { signing_secret, message: Some("target_added".to_owned()), ..Shown::default() };
            Ok((StatusCode::CREATED, show(&app, &posted.who, &view, shown).await?).into_response())
        }
        Err(NotAdded::Unknown) => Err(Failure::NotFound),
        Err(NotAdded::Stop(stop)) => Err(stop.into()),
        Err(NotAdded::Sealing(error)) => Err(StoreError::Broken(error.to_string()).into()),
        Err(NotAdded::Fields(errors)) => {
            // An address may be a secret: what was typed there is not shown again.
            let form = TargetForm { url: String::new(), ..form };
            let shown = Shown { form, errors, message: Some("not_saved".to_owned()), ..Shown::default() };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&app, &posted.who, &view, shown).await?).into_response())
        }
    }
}

pub async fn decide(
    State(app): State<Arc<App>>,
    Path((mailbox, target, decision)): Path<(String, String, String)>,
    _posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let target = TargetId::parse(target).map_err(|_| Failure::NotFound)?;
    let id = &view.meta.mailbox;
    let code = match decision.as_str() {
        "remove" => {
            app.team.remove(id, &target).await?;
            "target_removed"
        }
        "test" => match app.team.test(id, &target).await? {
            None => return Err(Failure::NotFound),
            Some((_, Ok(()))) => "test_arrived",
            Some((_, Err(_))) => "test_failed",
        },
        _ => return Err(Failure::NotFound),
    };
    Ok(Redirect::to(&address(id, code)).into_response())
}

fn address(mailbox: &MailboxId, code: &str) -> String {
    format!("/channels/gmail/{mailbox}/notifications?message={code}")
}
