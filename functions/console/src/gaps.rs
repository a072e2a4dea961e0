//! Gaps: questions that the knowledge base could not answer, grouped, and answered once (`C10`).

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::knowledge::pair_field;
use crate::language;
use crate::when::When;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::ids::GapId;
use channel::record::{GapQuestion, GapState};
use channel::time::Timestamp;
use channel::usecase::gaps::GapView;
use channel::usecase::knowledge::{KnowledgeError, MAX_ANSWER, MAX_TITLE, NotTaken};
use channel::usecase::session::SignedIn;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Groups on the list. It is ordered by how often they are asked; what comes later is rare.
const MAX_LISTED: usize = 100;
/// Questions of a group that its page shows.
const MAX_SHOWN: usize = 50;

struct Row {
    id: String,
    example: String,
    count: usize,
    languages: String,
    newest: Option<When>,
    open: bool,
}

fn row(view: &GapView, now: Timestamp) -> Row {
    let languages: BTreeSet<String> =
        view.questions.iter().map(|question| language::in_words(&question.language)).collect();
    Row {
        id: view.gap.gap.to_string(),
        example: view.example().map(|question| question.text.clone()).unwrap_or_default(),
        count: view.count(),
        languages: languages.into_iter().collect::<Vec<_>>().join(", "),
        newest: view.questions.first().map(|question| When::new(question.asked_at, now)),
        open: view.gap.state == GapState::Open,
    }
}

#[derive(Template)]
#[template(path = "gaps.html")]
struct GapsPage {
    frame: Frame,
    rows: Vec<Row>,
    /// Answers are being made again: the page looks again by itself.
    busy: bool,
    more: usize,
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Response, Failure> {
    let (views, now) = (app.gaps.list().await?, app.clock.now());
    let rows: Vec<Row> = views.iter().take(MAX_LISTED).map(|view| row(view, now)).collect();
    let page = GapsPage {
        frame: Frame::inside(&app, &who, "Gaps", "knowledge").await?.saying(query.get("message")),
        busy: rows.iter().any(|row| !row.open),
        more: views.len().saturating_sub(rows.len()),
        rows,
    };
    Ok(html(&page)?.into_response())
}

struct QuestionView {
    text: String,
    language: String,
    at: When,
    conversation: String,
}

fn question(question: &GapQuestion, now: Timestamp) -> QuestionView {
    QuestionView {
        text: question.text.clone(),
        language: language::in_words(&question.language),
        at: When::new(question.asked_at, now),
        conversation: format!("/chat/{}/{}", question.mailbox, question.thread),
    }
}

#[derive(Template)]
#[template(path = "gap.html")]
struct GapPage {
    frame: Frame,
    row: Row,
    ver: u64,
    questions: Vec<QuestionView>,
    more: usize,
    question: String,
    answer: String,
    max_question: usize,
    max_answer: usize,
    error: Option<(&'static str, String)>,
}

impl GapPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.error.iter().filter(|(known, _)| *known == field).map(|(_, text)| text.as_str()).collect()
    }
}

async fn known(app: &App, id: &str) -> Result<GapView, Failure> {
    let id = GapId::parse(id).map_err(|_| Failure::NotFound)?;
    app.gaps.open(&id).await?.ok_or(Failure::NotFound)
}

pub async fn gap(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(id): Path<String>,
    query: Fields,
) -> Result<Response, Failure> {
    let view = known(&app, &id).await?;
    show(&app, &who, &view, None, None, query.get("message")).await
}

async fn show(
    app: &App,
    who: &SignedIn,
    view: &GapView,
    typed: Option<(String, String)>,
    error: Option<(&'static str, String)>,
    message: Option<&str>,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let row = row(view, now);
    let (question_text, answer) = typed.unwrap_or_else(|| (heading(&row.example), String::new()));
    let page = GapPage {
        frame: Frame::inside(app, who, "A gap", "knowledge").await?.saying(message),
        row,
        ver: view.gap.ver,
        questions: view.questions.iter().take(MAX_SHOWN).map(|one| question(one, now)).collect(),
        more: view.count().saturating_sub(MAX_SHOWN),
        question: question_text,
        answer,
        max_question: MAX_TITLE,
        max_answer: MAX_ANSWER,
        error,
    };
    Ok(html(&page)?.into_response())
}

/// A customer's words as the first version of the question: one line of a length that is taken.
fn heading(example: &str) -> String {
    let line = example.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_TITLE).collect()
}

fn version_of(fields: &Fields) -> Result<u64, Failure> {
    fields.get("ver").and_then(|ver| ver.parse().ok()).ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))
}

pub async fn answer(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    let Posted { who, fields } = posted;
    let view = known(&app, &id).await?;
    let text = |name| fields.text(name).unwrap_or_default().to_owned();
    let (question, answer) = (text("question"), text("answer"));
    let ver = version_of(&fields)?;
    match app.gaps.answer(&view.gap.gap, ver, &question, &answer, who.operator()).await {
        Ok(_) => Ok(Redirect::to("/knowledge/gaps?message=gap_answered").into_response()),
        Err(error) => refused(&app, &who, &view, Some((question, answer)), error).await,
    }
}

pub async fn dismiss(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    let view = known(&app, &id).await?;
    match app.gaps.dismiss(&view.gap.gap, version_of(&posted.fields)?).await {
        Ok(()) => Ok(Redirect::to("/knowledge/gaps?message=gap_dismissed").into_response()),
        Err(error) => refused(&app, &posted.who, &view, None, error).await,
    }
}

/// The same page with what was typed, as the group stands now.
async fn refused(
    app: &App,
    who: &SignedIn,
    view: &GapView,
    typed: Option<(String, String)>,
    error: KnowledgeError,
) -> Result<Response, Failure> {
    let refused = match error {
        KnowledgeError::Refused(refused) => refused,
        KnowledgeError::Stop(stop) => return Err(stop.into()),
    };
    let status = if refused == NotTaken::Changed { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    let error = (pair_field(&refused), refused.to_string());
    let page = show(app, who, view, typed, Some(error), None).await?;
    Ok((status, page).into_response())
}
