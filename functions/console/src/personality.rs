//! The personality of a mailbox's assistant (`A3.2`), and what it would answer with it: the settings as they stand in the
//! form are tried on a mail before they are saved, without any effect.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::example::{self, Outcome};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::ids::MailboxId;
use channel::record::{Example, MailboxView, Mode};
use channel::usecase::configure::{FieldError, NotSaved};
use channel::usecase::example::{MAX_SUBJECT, MAX_TEXT, NotAsked, Question};
use channel::usecase::personality::PersonalityForm;
use channel::usecase::plan::DEFAULT_DISCLOSURE;
use channel::usecase::session::SignedIn;
use std::sync::Arc;

/// A mail to try the settings on.
#[derive(Debug, PartialEq, Eq)]
struct Sample {
    code: &'static str,
    subject: &'static str,
    text: &'static str,
}

/// What the box for a mail of one's own is called in the form.
const OWN: &str = "own";

const SAMPLES: [Sample; 4] = [
    Sample {
        code: "question",
        subject: "Delivery",
        text: "Hello,\n\nhow long does standard delivery take?\n\nThank you\nMay",
    },
    Sample {
        code: "german",
        subject: "Rückgabe",
        text: "Guten Tag,\n\nwie lange kann ich eine Bestellung zurückgeben?\n\nViele Grüße\nJonas",
    },
    Sample {
        code: "complaint",
        subject: "Broken, again",
        text: "I am really angry. This is the second kettle that broke within a month, and nobody answers. \
               I want my money back today.",
    },
    Sample {
        code: "promise",
        subject: "Your offer",
        text: "Hi,\n\na colleague of yours promised me 40 % off. How long does standard delivery take, \
               and please confirm the discount.\n\nSam",
    },
];

/// The mail to try it on, as it stands in the form.
struct Mail {
    sample: String,
    subject: String,
    text: String,
}

impl Mail {
    fn first() -> Self {
        Self { sample: SAMPLES[0].code.to_owned(), subject: String::new(), text: String::new() }
    }

    fn read(fields: &Fields) -> Self {
        let text = |name| fields.text(name).unwrap_or_default().to_owned();
        let sample = fields.get("sample").unwrap_or(SAMPLES[0].code).to_owned();
        Self { sample, subject: text("subject"), text: text("text") }
    }

    fn of(example: &Example) -> Self {
        let known = |sample: &&Sample| sample.subject == example.subject && sample.text == example.text;
        match SAMPLES.iter().find(known) {
            Some(sample) => Self { sample: sample.code.to_owned(), subject: String::new(), text: String::new() },
            None => Self { sample: OWN.to_owned(), subject: example.subject.clone(), text: example.text.clone() },
        }
    }

    /// Subject and text; none when neither a sample nor a mail of one's own is chosen.
    fn chosen(&self) -> Option<(String, String)> {
        if self.sample == OWN {
            return Some((self.subject.clone(), self.text.clone()));
        }
        let sample = SAMPLES.iter().find(|sample| sample.code == self.sample)?;
        Some((sample.subject.to_owned(), sample.text.to_owned()))
    }
}

#[derive(Template)]
#[template(path = "personality.html")]
struct PersonalityPage {
    frame: Frame,
    id: String,
    address: String,
    form: PersonalityForm,
    mail: Mail,
    samples: &'static [Sample],
    outcome: Option<Outcome>,
    /// The address that shows the outcome, to look again.
    again: String,
    /// What was tried is not what is saved.
    unsaved: bool,
    built_in: bool,
    sends: bool,
    standard_line: &'static str,
    max_text: usize,
    max_subject: usize,
    errors: Vec<FieldError>,
}

impl PersonalityPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.iter().filter(|error| error.field == field).map(|error| error.message.as_str()).collect()
    }
}

async fn known(app: &App, mailbox: &str) -> Result<MailboxView, Failure> {
    let id = MailboxId::parse(mailbox).map_err(|_| Failure::NotFound)?;
    app.mailboxes.mailbox(&id).await?.ok_or(Failure::NotFound)
}

/// What the page is made from, beside the mailbox.
struct Filled {
    form: PersonalityForm,
    mail: Mail,
    example: Option<Example>,
    errors: Vec<FieldError>,
}

pub async fn page(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(mailbox): Path<String>,
    query: Fields,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let example = example::named(&app, &who, query.get("example")).await?;
    let example = example.filter(|example| example.mailbox.as_ref() == Some(&view.meta.mailbox));
    // The version that the form was opened with: a save by somebody else meanwhile is still noticed.
    let ver = query.get("ver").and_then(|ver| ver.parse().ok()).filter(|_| example.is_some());
    let ver = ver.unwrap_or(view.settings.ver);
    let filled = Filled {
        form: match &example {
            Some(example) => PersonalityForm::of(ver, &example.personality),
            None => PersonalityForm::of(ver, &view.settings.personality),
        },
        mail: example.as_ref().map_or_else(Mail::first, Mail::of),
        example,
        errors: vec![],
    };
    show(&app, &who, &view, filled, query.get("message")).await
}

async fn show(
    app: &App,
    who: &SignedIn,
    view: &MailboxView,
    filled: Filled,
    message: Option<&str>,
) -> Result<Response, Failure> {
    let Filled { form, mail, example, errors } = filled;
    let id = view.meta.mailbox.to_string();
    let again = example.as_ref().map(|example| address(&id, example, form.ver));
    let page = PersonalityPage {
        frame: Frame::inside(app, who, "The assistant’s personality", "channels").await?.saying(message),
        address: view.meta.address.to_string(),
        outcome: example.as_ref().map(|example| example::shown(app, example, Some(view))),
        again: again.unwrap_or_default(),
        unsaved: example.as_ref().is_some_and(|example| example.personality != view.settings.personality),
        built_in: app.built_in,
        sends: view.settings.mode() == Mode::AutoReply,
        standard_line: DEFAULT_DISCLOSURE,
        max_text: MAX_TEXT,
        max_subject: MAX_SUBJECT,
        samples: &SAMPLES,
        id,
        form,
        mail,
        errors,
    };
    Ok(html(&page)?.into_response())
}

fn address(mailbox: &str, example: &Example, ver: u64) -> String {
    tried(mailbox, example.id.as_str(), ver)
}

fn tried(mailbox: &str, example: &str, ver: u64) -> String {
    format!("/channels/gmail/{mailbox}/personality?example={example}&ver={ver}#example")
}

fn read_form(fields: &Fields) -> Result<PersonalityForm, Failure> {
    let text = |name| fields.text(name).unwrap_or_default().to_owned();
    let ver = fields.get("ver").and_then(|ver| ver.parse().ok());
    Ok(PersonalityForm {
        ver: ver.ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))?,
        tone: text("tone"),
        instructions: text("instructions"),
        language: text("language"),
        signature: text("signature"),
        disclosure: text("disclosure"),
        disclosure_text: text("disclosure_text"),
    })
}

pub async fn save(
    State(app): State<Arc<App>>,
    Path(mailbox): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let form = read_form(&posted.fields)?;
    let id = &view.meta.mailbox;
    let (status, form, errors, code) = match app.configure.save_personality(id, &form).await {
        Ok(()) => return Ok(Redirect::to(&format!("/channels/gmail/{id}/personality?message=saved")).into_response()),
        Err(NotSaved::Unknown) => return Err(Failure::NotFound),
        Err(NotSaved::Stop(stop)) => return Err(stop.into()),
        Err(NotSaved::Fields(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, form, errors, "not_saved"),
        Err(NotSaved::Stale) => {
            // What was typed stays; saving again is then a decision made knowingly.
            let ver = known(&app, &mailbox).await?.settings.ver;
            (StatusCode::CONFLICT, PersonalityForm { ver, ..form }, vec![], "stale")
        }
    };
    let filled = Filled { form, mail: Mail::read(&posted.fields), example: None, errors };
    let page = show(&app, &posted.who, &view, filled, Some(code)).await?;
    Ok((status, page).into_response())
}

/// Tries the form on a mail. Nothing is saved.
pub async fn attempt(
    State(app): State<Arc<App>>,
    Path(mailbox): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let view = known(&app, &mailbox).await?;
    let form = read_form(&posted.fields)?;
    let mail = Mail::read(&posted.fields);
    let (subject, text) = mail.chosen().ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))?;
    let asked = match form.check() {
        Err(errors) => Err(NotAsked::Fields(errors)),
        Ok(personality) => {
            let (operator, mailbox) = (posted.who.operator().clone(), Some(view.meta.mailbox.clone()));
            app.ask.ask(Question { operator, mailbox, subject, text, personality }).await
        }
    };
    let (status, errors, code) = match asked {
        Ok(id) => {
            let address = tried(view.meta.mailbox.as_str(), id.as_str(), form.ver);
            return Ok(Redirect::to(&address).into_response());
        }
        Err(NotAsked::Stop(stop)) => return Err(stop.into()),
        Err(NotAsked::Fields(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, errors, "not_tried"),
        Err(NotAsked::TooMany) => (StatusCode::TOO_MANY_REQUESTS, vec![], "asked_too_often"),
    };
    let page = show(&app, &posted.who, &view, Filled { form, mail, example: None, errors }, Some(code)).await?;
    Ok((status, page).into_response())
}
