//! *Ask*: a question to the knowledge base, answered as a mail would be, with no effect.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::example::{self, Outcome};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::assistant::Personality;
use channel::record::Example;
use channel::usecase::configure::FieldError;
use channel::usecase::example::{MAX_TEXT, NotAsked, Question};
use channel::usecase::session::SignedIn;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage {
    frame: Frame,
    text: String,
    outcome: Option<Outcome>,
    again: String,
    built_in: bool,
    max_text: usize,
    errors: Vec<FieldError>,
}

impl AskPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.iter().filter(|error| error.field == field).map(|error| error.message.as_str()).collect()
    }
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Response, Failure> {
    let example = example::named(&app, &who, query.get("example")).await?;
    let example = example.filter(|example| example.mailbox.is_none());
    let text = example.as_ref().map(|example| example.text.clone()).unwrap_or_default();
    show(&app, &who, text, example, vec![], query.get("message")).await
}

async fn show(
    app: &App,
    who: &SignedIn,
    text: String,
    example: Option<Example>,
    errors: Vec<FieldError>,
    message: Option<&str>,
) -> Result<Response, Failure> {
    let page = AskPage {
        frame: Frame::inside(app, who, "Ask the knowledge base", "knowledge").await?.saying(message),
        text,
        outcome: example.as_ref().map(|example| example::shown(app, example, None)),
        again: example.map(|example| address(example.id.as_str())).unwrap_or_default(),
        built_in: app.built_in,
        max_text: MAX_TEXT,
        errors,
    };
    Ok(html(&page)?.into_response())
}

fn address(example: &str) -> String {
    format!("/knowledge/ask?example={example}#example")
}

pub async fn ask(State(app): State<Arc<App>>, posted: Posted) -> Result<Response, Failure> {
    let text = posted.fields.text("text").unwrap_or_default().to_owned();
    let question = Question {
        operator: posted.who.operator().clone(),
        mailbox: None,
        subject: String::new(),
        text: text.clone(),
        personality: Personality::default(),
    };
    let (status, errors, code) = match app.ask.ask(question).await {
        Ok(id) => return Ok(Redirect::to(&address(id.as_str())).into_response()),
        Err(NotAsked::Stop(stop)) => return Err(stop.into()),
        Err(NotAsked::Fields(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, errors, "not_asked"),
        Err(NotAsked::TooMany) => (StatusCode::TOO_MANY_REQUESTS, vec![], "asked_too_often"),
    };
    let page = show(&app, &posted.who, text, None, errors, Some(code)).await?;
    Ok((status, page).into_response())
}
