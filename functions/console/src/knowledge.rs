//! The documents of the knowledge base: what is there, handing in, replacing, removing, and what was read of each.
//!
//! A file goes from the browser straight to the bucket, by a form that is good for five minutes; the script does so with
//! a progress bar, and without a script the browser does it by itself.

use crate::App;
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::language;
use crate::when::When;
use askama::Template;
use assistant::knowledge::chunks;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::address::EmailAddress;
use channel::ids::DocumentId;
use channel::ports::UploadForm;
use channel::record::{Document, DocumentKind, DocumentStatus, Edition, KnowledgeHead, StoredText};
use channel::time::Timestamp;
use channel::usecase::knowledge::{ACCEPTED, Begun, KnowledgeError, MAX_ANSWER, MAX_FILE, MAX_TITLE, NotTaken};
use channel::usecase::session::SignedIn;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest part of a document's text that its page shows.
const MAX_SHOWN: usize = 200_000;

/// What the form without a script lets choose from, since it does not see the file's name.
const KINDS: [(&str, &str); 6] = [
    ("pdf", "PDF"),
    ("docx", "Word (docx)"),
    ("md", "Markdown"),
    ("txt", "Plain text"),
    ("html", "HTML"),
    ("csv", "CSV"),
];

/// A document's state as people read it.
struct Status {
    /// For the style sheet.
    code: &'static str,
    words: &'static str,
    reason: Option<String>,
    remedy: Option<String>,
}

fn status(document: &Document, head: &KnowledgeHead) -> Status {
    let plain = |code, words| Status { code, words, reason: None, remedy: None };
    match document.status(head) {
        DocumentStatus::Uploading => plain("working", "Uploading"),
        DocumentStatus::Reading => plain("working", "Reading…"),
        DocumentStatus::Ready => plain("answered", "Ready"),
        DocumentStatus::Failed { reason, remedy } => {
            Status { code: "failed", words: "Not read", reason: Some(reason), remedy: Some(remedy) }
        }
    }
}

struct Row {
    id: String,
    title: String,
    kind: &'static str,
    size: String,
    status: Status,
    /// What is searched now: passages and languages.
    searched: Option<String>,
    /// An earlier version still serves.
    former: bool,
    pair: bool,
    at: When,
    by: String,
}

fn row(document: &Document, head: &KnowledgeHead, now: Timestamp) -> Row {
    Row {
        id: document.id.to_string(),
        title: document.title.clone(),
        kind: kind_of(document),
        size: size_of(document.newest.size),
        status: status(document, head),
        searched: document.text.as_ref().map(searched),
        former: document.former_text().is_some(),
        pair: document.kind == DocumentKind::Pair,
        at: When::new(document.newest.at, now),
        by: by(&document.newest),
    }
}

fn by(edition: &Edition) -> String {
    edition.by.as_ref().map_or_else(|| "the command line".to_owned(), EmailAddress::to_string)
}

fn kind_of(document: &Document) -> &'static str {
    if document.kind == DocumentKind::Pair {
        return "Question and answer";
    }
    match document.newest.media_type.as_str() {
        "application/pdf" => "PDF",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "Word",
        "text/markdown" => "Markdown",
        "text/html" => "HTML",
        "text/csv" => "CSV",
        "text/plain" => "Text",
        _ => "File",
    }
}

fn size_of(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        1..1024 => "1 KB".to_owned(),
        1024..1_048_576 => format!("{} KB", bytes.div_ceil(1024)),
        more => format!("{}.{} MB", more / 1_048_576, more % 1_048_576 * 10 / 1_048_576),
    }
}

/// `12 passages: German, English`.
fn searched(text: &StoredText) -> String {
    in_words(text.passages, text.languages.iter().map(|(tag, count)| (tag.as_str(), *count)))
}

fn in_words<'a>(passages: u32, languages: impl Iterator<Item = (&'a str, u32)>) -> String {
    let mut by_count: Vec<_> = languages.collect();
    by_count.sort_by_key(|(tag, count)| (std::cmp::Reverse(*count), *tag));
    let names: Vec<String> = by_count.into_iter().map(|(tag, _)| language::in_words(tag)).collect();
    let noun = if passages == 1 { "passage" } else { "passages" };
    if names.is_empty() { format!("{passages} {noun}") } else { format!("{passages} {noun}: {}", names.join(", ")) }
}

#[derive(Template)]
#[template(path = "knowledge.html")]
struct KnowledgePage {
    frame: Frame,
    rows: Vec<Row>,
    /// Something is being read: the page looks again by itself.
    busy: bool,
    summary: Option<String>,
    upload: UploadView,
}

/// The form that begins an upload.
struct UploadView {
    action: String,
    /// The title's field stands only where a new document is made.
    new: bool,
    kinds: &'static [(&'static str, &'static str)],
    accept: &'static str,
    max_bytes: u64,
    max_mb: u64,
    title: String,
    kind: String,
    max_title: usize,
    error: Option<String>,
}

impl UploadView {
    fn new(action: String, new: bool) -> Self {
        Self {
            action,
            new,
            kinds: &KINDS,
            accept: ACCEPTED,
            max_bytes: MAX_FILE,
            max_mb: MAX_FILE / 1_048_576,
            title: String::new(),
            kind: String::new(),
            max_title: MAX_TITLE,
            error: None,
        }
    }
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Response, Failure> {
    show(&app, &who, UploadView::new("/knowledge/upload".to_owned(), true), query.get("message")).await
}

async fn show(app: &App, who: &SignedIn, upload: UploadView, message: Option<&str>) -> Result<Response, Failure> {
    let (listed, now) = (app.knowledge.list().await?, app.clock.now());
    let (passages, languages) = listed.passages();
    let rows: Vec<Row> = listed.documents.iter().map(|document| row(document, &listed.head, now)).collect();
    let page = KnowledgePage {
        frame: Frame::inside(app, who, "Knowledge", "knowledge").await?.saying(message),
        busy: rows.iter().any(|row| row.status.code == "working"),
        summary: (passages > 0).then(|| in_words(passages, languages.into_iter())),
        rows,
        upload,
    };
    Ok(html(&page)?.into_response())
}

/// A form of the browser's own for one file, straight to the bucket. The script takes its fields from here.
#[derive(Template)]
#[template(path = "upload.html")]
struct DirectPage {
    frame: Frame,
    title: String,
    document: String,
    version: u64,
    form: UploadForm,
    /// The version of a document that is nothing yet, to take it back by.
    undo: Option<u64>,
    accept: &'static str,
    max_mb: u64,
}

/// What a form without a script calls the file: its title, and the end of the kind that was chosen.
fn file_name(fields: &Fields) -> String {
    match fields.get("file_name") {
        Some(name) => name.to_owned(),
        None => format!("{}.{}", fields.get("title").unwrap_or("document"), fields.get("kind").unwrap_or_default()),
    }
}

/// Where the bucket sends a browser that posted the form by itself. A script stays on its page.
fn then(app: &App, fields: &Fields) -> Option<String> {
    (!fields.ticked("script")).then(|| app.door.origin.url("/knowledge/documents/{document}?arrived={version}"))
}

pub async fn upload(State(app): State<Arc<App>>, posted: Posted) -> Result<Response, Failure> {
    let Posted { who, fields } = posted;
    let then = then(&app, &fields);
    let title = fields.get("title");
    let begun = app.knowledge.begin_upload(&file_name(&fields), title, then.as_deref(), who.operator()).await;
    match begun {
        Ok(begun) => direct(&app, &who, begun).await,
        Err(error) => {
            let refused = refusal(error)?;
            let upload = UploadView {
                title: title.unwrap_or_default().to_owned(),
                kind: fields.get("kind").unwrap_or_default().to_owned(),
                error: Some(refused.to_string()),
                ..UploadView::new("/knowledge/upload".to_owned(), true)
            };
            let page = show(&app, &who, upload, None).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn direct(app: &App, who: &SignedIn, begun: Begun) -> Result<Response, Failure> {
    let (document, _) = app.knowledge.open(&begun.document).await?.ok_or(Failure::NotFound)?;
    let page = DirectPage {
        frame: Frame::inside(app, who, "Choose the file", "knowledge").await?,
        title: document.title,
        document: begun.document.to_string(),
        undo: (begun.version == 1).then_some(document.ver),
        version: begun.version,
        form: begun.form,
        accept: ACCEPTED,
        max_mb: MAX_FILE / 1_048_576,
    };
    Ok(html(&page)?.into_response())
}

/// Why it was not taken in, for the page; a fault is none of the person's doing.
fn refusal(error: KnowledgeError) -> Result<NotTaken, Failure> {
    match error {
        KnowledgeError::Refused(refused) => Ok(refused),
        KnowledgeError::Stop(stop) => Err(stop.into()),
    }
}

struct PassageView {
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    frame: Frame,
    row: Row,
    ver: u64,
    file_name: String,
    version: u64,
    /// The version whose text is shown, when it is not the newest.
    former: Option<u64>,
    read_at: Option<When>,
    truncated: bool,
    passages: Vec<PassageView>,
    /// The text is longer than what is shown.
    cut: bool,
    /// The browser says that its file is in the bucket.
    arrived: bool,
    /// The page looks again by itself, and nothing can be changed until it is done.
    reading: bool,
    answer: String,
    upload: UploadView,
    max_title: usize,
    error: Option<String>,
}

fn parsed(id: &str) -> Result<DocumentId, Failure> {
    DocumentId::parse(id).map_err(|_| Failure::NotFound)
}

async fn known(app: &App, id: &str) -> Result<(Document, KnowledgeHead), Failure> {
    app.knowledge.open(&parsed(id)?).await?.ok_or(Failure::NotFound)
}

pub async fn document(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(id): Path<String>,
    query: Fields,
) -> Result<Response, Failure> {
    show_document(&app, &who, &id, query.get("arrived").is_some(), None, query.get("message")).await
}

async fn show_document(
    app: &App,
    who: &SignedIn,
    id: &str,
    arrived: bool,
    error: Option<String>,
    message: Option<&str>,
) -> Result<Response, Failure> {
    let ((document, head), now) = (known(app, id).await?, app.clock.now());
    let (passages, cut) = match app.knowledge.text(&document).await? {
        Some(text) => passages(&text),
        None => (vec![], false),
    };
    let (row, status) = (row(&document, &head, now), document.status(&head));
    let page = DocumentPage {
        frame: Frame::inside(app, who, &document.title, "knowledge").await?.saying(message),
        ver: document.ver,
        file_name: document.newest.file_name.clone(),
        version: document.newest.version,
        former: document.former_text().map(|text| text.edition.version),
        read_at: document.text.as_ref().map(|text| When::new(text.read_at, now)),
        truncated: document.text.as_ref().is_some_and(|text| text.truncated),
        arrived: arrived && status == DocumentStatus::Uploading,
        reading: status == DocumentStatus::Reading,
        answer: if row.pair { app.knowledge.pair_answer(&document).await? } else { String::new() },
        upload: UploadView::new(format!("/knowledge/documents/{}/replace", document.id), false),
        max_title: MAX_TITLE,
        row,
        passages,
        cut,
        error,
    };
    Ok(html(&page)?.into_response())
}

/// As the search cuts it.
fn passages(text: &str) -> (Vec<PassageView>, bool) {
    let mut shown = 0;
    let all = chunks(text);
    let count = all.len();
    let passages: Vec<PassageView> = all
        .into_iter()
        .take_while(|chunk| {
            shown += chunk.passage.len();
            shown <= MAX_SHOWN
        })
        .map(|chunk| PassageView { title: chunk.headings.join(" › "), text: chunk.passage })
        .collect();
    let cut = passages.len() < count;
    (passages, cut)
}

/// The same page, with what went wrong.
async fn refused(app: &App, who: &SignedIn, id: &str, error: KnowledgeError) -> Result<Response, Failure> {
    let refused = refusal(error)?;
    let status = match refused {
        NotTaken::Unknown => return Err(Failure::NotFound),
        NotTaken::Busy | NotTaken::Changed => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = show_document(app, who, id, false, Some(refused.to_string()), None).await?;
    Ok((status, page).into_response())
}

pub async fn replace(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    let Posted { who, fields } = posted;
    let then = then(&app, &fields);
    let begun =
        app.knowledge.begin_replacement(&parsed(&id)?, &file_name(&fields), then.as_deref(), who.operator()).await;
    match begun {
        Ok(begun) => direct(&app, &who, begun).await,
        Err(error) => refused(&app, &who, &id, error).await,
    }
}

/// The browser says that the file is in the bucket.
pub async fn arrived(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    let version = posted.fields.get("version").and_then(|version| version.parse().ok());
    let version = version.ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))?;
    match app.knowledge.finish_upload(&parsed(&id)?, version).await {
        Ok(document) => {
            let address = format!("/knowledge/documents/{}?message=file_taken", document.id);
            Ok(Redirect::to(&address).into_response())
        }
        Err(error) => refused(&app, &posted.who, &id, error).await,
    }
}

fn version_of(fields: &Fields) -> Result<u64, Failure> {
    fields.get("ver").and_then(|ver| ver.parse().ok()).ok_or(Failure::BadForm(StatusCode::BAD_REQUEST))
}

pub async fn rename(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    let title = posted.fields.text("title").unwrap_or_default();
    match app.knowledge.rename(&parsed(&id)?, version_of(&posted.fields)?, title).await {
        Ok(()) => Ok(Redirect::to(&format!("/knowledge/documents/{id}?message=renamed")).into_response()),
        Err(error) => refused(&app, &posted.who, &id, error).await,
    }
}

/// To the newest file as it was handed in.
pub async fn download(
    State(app): State<Arc<App>>,
    Visitor(_): Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    let (document, _) = known(&app, &id).await?;
    Ok(Redirect::to(&app.knowledge.download(&document).await?))
}

#[derive(Template)]
#[template(path = "document_remove.html")]
struct RemovePage {
    frame: Frame,
    row: Row,
    ver: u64,
}

pub async fn confirm(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (document, head) = known(&app, &id).await?;
    let page = RemovePage {
        frame: Frame::inside(&app, &who, "Remove a document", "knowledge").await?,
        ver: document.ver,
        row: row(&document, &head, app.clock.now()),
    };
    Ok(html(&page)?.into_response())
}

pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    match app.knowledge.remove(&parsed(&id)?, version_of(&posted.fields)?).await {
        Ok(()) => Ok(Redirect::to("/knowledge?message=document_removed").into_response()),
        Err(KnowledgeError::Refused(NotTaken::Unknown)) => {
            Ok(Redirect::to("/knowledge?message=document_gone").into_response())
        }
        Err(error) => refused(&app, &posted.who, &id, error).await,
    }
}

#[derive(Template)]
#[template(path = "pair.html")]
struct PairPage {
    frame: Frame,
    question: String,
    answer: String,
    max_question: usize,
    max_answer: usize,
    errors: BTreeMap<&'static str, String>,
}

impl PairPage {
    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.get(field).into_iter().map(String::as_str).collect()
    }
}

pub async fn pair_form(State(app): State<Arc<App>>, Visitor(who): Visitor) -> Result<Response, Failure> {
    show_pair(&app, &who, String::new(), String::new(), None).await
}

async fn show_pair(
    app: &App,
    who: &SignedIn,
    question: String,
    answer: String,
    refused: Option<NotTaken>,
) -> Result<Response, Failure> {
    let error = refused.map(|refused| (pair_field(&refused), refused.to_string()));
    let page = PairPage {
        frame: Frame::inside(app, who, "Write a question and its answer", "knowledge").await?,
        question,
        answer,
        max_question: MAX_TITLE,
        max_answer: MAX_ANSWER,
        errors: error.into_iter().collect(),
    };
    Ok(html(&page)?.into_response())
}

/// Which field of a pair is to blame.
pub fn pair_field(refused: &NotTaken) -> &'static str {
    match refused {
        NotTaken::Question => "question",
        NotTaken::Answer => "answer",
        _ => "form",
    }
}

/// New, or in place of the pair that `document` names.
pub async fn put_pair(State(app): State<Arc<App>>, posted: Posted) -> Result<Response, Failure> {
    let Posted { who, fields } = posted;
    let text = |name| fields.text(name).unwrap_or_default();
    let replaces = match fields.get("document") {
        Some(id) => Some((parsed(id)?, version_of(&fields)?)),
        None => None,
    };
    let known = replaces.as_ref().map(|(id, ver)| (id, *ver));
    match app.knowledge.put_pair(known, text("question"), text("answer"), who.operator()).await {
        Ok(id) => Ok(Redirect::to(&format!("/knowledge/documents/{id}?message=pair_taken")).into_response()),
        Err(error) => match (refusal(error)?, replaces) {
            (NotTaken::Unknown, _) => Err(Failure::NotFound),
            // What was typed stays, on the form for a new one: it overwrites nothing.
            (refused, _) => {
                let status =
                    if refused == NotTaken::Changed { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
                let page = show_pair(&app, &who, text("question").to_owned(), text("answer").to_owned(), Some(refused));
                Ok((status, page.await?).into_response())
            }
        },
    }
}
