//! The settings form of one mailbox (`A3`).

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::ids::MailboxId;
use channel::ports::{Access, GmailLabel};
use channel::record::MailboxView;
use channel::usecase::configure::{FieldError, NotSaved, SettingsForm};
use channel::usecase::session::SignedIn;
use std::sync::Arc;

struct LabelChoice {
    id: String,
    name: String,
    watched: bool,
    excluded: bool,
    /// May be chosen as a label to watch; Gmail's categories may only be excluded.
    watchable: bool,
}

#[derive(Template)]
#[template(path = "mailbox_settings.html")]
struct SettingsPage {
    frame: Frame,
    id: String,
    address: String,
    form: SettingsForm,
    labels: Vec<LabelChoice>,
    labels_unreachable: bool,
    /// Without a grant there is nobody to ask for labels.
    not_connected: bool,
    sends_already: bool,
    stopped: bool,
    errors: Vec<FieldError>,
}

impl SettingsPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.iter().filter(|error| error.field == field).map(|error| error.message.as_str()).collect()
    }
}

/// Gmail's own labels that make sense here, in their order and in plain words.
const SYSTEM: [(&str, &str, bool); 6] = [
    ("INBOX", "Inbox", true),
    ("CATEGORY_PERSONAL", "Category: Primary", false),
    ("CATEGORY_SOCIAL", "Category: Social", false),
    ("CATEGORY_PROMOTIONS", "Category: Promotions", false),
    ("CATEGORY_UPDATES", "Category: Updates", false),
    ("CATEGORY_FORUMS", "Category: Forums", false),
];

/// Read live; what is stored stays choosable whatever Gmail says.
async fn labels(app: &App, view: &MailboxView, form: &SettingsForm) -> (Vec<LabelChoice>, bool) {
    let live = match view.usable_grant() {
        None => None,
        Some(grant) => {
            let access = Access { mailbox: view.meta.mailbox.clone(), grant: grant.clone() };
            match app.gmail.labels(&access).await {
                Ok(labels) => Some(labels),
                Err(error) => {
                    tracing::warn!(mailbox.id = %view.meta.mailbox, %error, "the labels could not be read");
                    None
                }
            }
        }
    };
    let unreachable = live.is_none();
    (label_choices(live.unwrap_or_default(), form), unreachable)
}

fn label_choices(live: Vec<GmailLabel>, form: &SettingsForm) -> Vec<LabelChoice> {
    let mut choices = vec![];
    let mut add = |id: &str, name: &str, watchable: bool| {
        choices.push(LabelChoice {
            watched: form.labels.iter().any(|label| label == id),
            excluded: form.excluded_labels.iter().any(|label| label == id),
            id: id.to_owned(),
            name: name.to_owned(),
            watchable,
        });
    };
    for (id, name, watchable) in SYSTEM {
        add(id, name, watchable);
    }
    let mut own: Vec<&GmailLabel> = live.iter().filter(|label| !label.system).collect();
    own.sort_by_key(|label| label.name.to_lowercase());
    for label in &own {
        add(label.id.as_str(), &label.name, true);
    }
    let listed =
        |id: &str| SYSTEM.iter().any(|(known, ..)| *known == id) || own.iter().any(|label| label.id.as_str() == id);
    let mut stored: Vec<&String> = form.labels.iter().chain(&form.excluded_labels).filter(|id| !listed(id)).collect();
    stored.sort();
    stored.dedup();
    for id in stored {
        let name = live.iter().find(|label| label.id.as_str() == id).map_or(id.as_str(), |label| label.name.as_str());
        add(id, name, true);
    }
    choices
}

async fn known(app: &App, mailbox: &str) -> Result<MailboxView, Failure> {
    let id = MailboxId::parse(mailbox).map_err(|_| Failure::NotFound)?;
    app.mailboxes.mailbox(&id).await?.ok_or(Failure::NotFound)
}

pub async fn page(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(mailbox): Path<String>,
    query: Fields,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let form = SettingsForm::of(&view.settings);
    show(&app, &who, &view, form, vec![], query.get("message")).await
}

async fn show(
    app: &App,
    who: &SignedIn,
    view: &MailboxView,
    form: SettingsForm,
    errors: Vec<FieldError>,
    message: Option<&str>,
) -> Result<Response, Failure> {
    let (labels, unreachable) = labels(app, view, &form).await;
    let page = SettingsPage {
        frame: Frame::inside(app, who, "Settings of a mailbox", "channels").await?.saying(message),
        id: view.meta.mailbox.to_string(),
        address: view.meta.address.to_string(),
        labels,
        labels_unreachable: unreachable && view.usable_grant().is_some(),
        not_connected: view.usable_grant().is_none(),
        sends_already: view.settings.auto_reply && !view.settings.draft_only,
        stopped: view.organisation.sending_stopped,
        form,
        errors,
    };
    Ok(html(&page)?.into_response())
}

fn read_form(fields: &Fields) -> Option<SettingsForm> {
    let text = |name| fields.text(name).unwrap_or_default().to_owned();
    Some(SettingsForm {
        ver: fields.get("ver")?.parse().ok()?,
        auto_reply: fields.ticked("auto_reply"),
        auto_reply_confirmed: fields.ticked("auto_reply_confirmed"),
        draft_only: fields.ticked("draft_only"),
        enabled: fields.ticked("enabled"),
        labels: fields.all("labels"),
        excluded_labels: fields.all("excluded_labels"),
        excluded_senders: text("excluded_senders"),
        excluded_domains: text("excluded_domains"),
        excluded_words: text("excluded_words"),
        exclude_bulk: fields.ticked("exclude_bulk"),
        delay: text("delay"),
        delay_unit: text("delay_unit"),
        model_budget: text("model_budget"),
    })
}

pub async fn save(
    State(app): State<Arc<App>>,
    Path(mailbox): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let form = read_form(&posted.fields).ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))?;
    let id = &view.meta.mailbox;
    let (status, form, errors, code) = match app.configure.save(id, &form).await {
        Ok(()) => return Ok(Redirect::to(&format!("/channels/gmail/{id}/settings?message=saved")).into_response()),
        Err(NotSaved::Unknown) => return Err(Failure::NotFound),
        Err(NotSaved::Stop(stop)) => return Err(stop.into()),
        Err(NotSaved::Fields(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, form, errors, "not_saved"),
        Err(NotSaved::Stale) => {
            // What was typed stays; saving again is then a decision made knowingly.
            let ver = known(&app, &mailbox).await?.settings.ver;
            (StatusCode::CONFLICT, SettingsForm { ver, ..form }, vec![], "stale")
        }
    };
    let page = show(&app, &posted.who, &view, form, errors, Some(code)).await?;
    Ok((status, page).into_response())
}
