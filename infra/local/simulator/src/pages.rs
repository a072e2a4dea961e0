//! The pages on which a person reads a mailbox and writes to it, as customer or as owner.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    error::ApiError,
    gmail::{Params, drafts, send},
    mailbox::{Mail, Mailbox},
    mime,
    server::Sim,
    state::{World, canonical},
};

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/", get(index))
        .route("/mail/{address}", get(mailbox))
        .route("/mail/{address}/t/{thread}", get(thread))
        .route("/mail/{address}/send", post(write))
        .route("/mail/{address}/drafts/{draft}", post(draft))
}

pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
            (status, [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")], Html(html))
                .into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 302 for a redirect that the browser follows with GET.
pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(value) => (StatusCode::FOUND, [(header::LOCATION, value)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Problem {
    status: u16,
    code: String,
    message: String,
}

fn problem(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    render(status, &Problem { status: error.code, code: error.reason.clone(), message: error.message.clone() })
}

struct AccountLine {
    address: String,
    name: String,
    messages: usize,
    unread: usize,
    drafts: usize,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    accounts: Vec<AccountLine>,
}

async fn index(State(sim): State<Arc<Sim>>) -> Response {
    let accounts = sim.read(|world| {
        world
            .accounts
            .values()
            .map(|account| AccountLine {
                address: account.config.address.clone(),
                name: account.config.name.clone(),
                messages: account.mailbox.messages.len(),
                unread: account.mailbox.messages.labelled("UNREAD"),
                drafts: account.mailbox.drafts.len(),
            })
            .collect()
    });
    render(StatusCode::OK, &Index { accounts })
}

struct ThreadLine {
    id: String,
    subject: String,
    from: String,
    date: String,
    count: usize,
    unread: bool,
    draft: bool,
    labels: Vec<String>,
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    address: String,
    to: String,
    threads: Vec<ThreadLine>,
}

async fn mailbox(State(sim): State<Arc<Sim>>, Path(address): Path<String>, params: Params) -> Response {
    let address = canonical(&address);
    let Some(threads) = sim.read(|world| world.accounts.get(&address).map(|account| lines(&account.mailbox))) else {
        return problem(&ApiError::not_found());
    };
    render(StatusCode::OK, &MailboxPage { address, to: params.get("to").unwrap_or_default().to_owned(), threads })
}

fn lines(mailbox: &Mailbox) -> Vec<ThreadLine> {
    let mut threads: Vec<ThreadLine> = Vec::new();
    for newest in mailbox.newest_first() {
        if threads.iter().any(|line| line.id == newest.thread_id) {
            continue;
        }
        let mails = mailbox.thread(&newest.thread_id);
        let mut labels: Vec<String> = mails.iter().flat_map(|mail| shown_labels(mailbox, mail)).collect();
        labels.sort();
        labels.dedup();
        threads.push(ThreadLine {
            id: newest.thread_id.clone(),
            subject: mails.first().map(|mail| mail.envelope.subject.clone()).unwrap_or_default(),
            from: header_of(newest, "From"),
            date: mime::date(newest.internal_ms),
            count: mails.len(),
            unread: mails.iter().any(|mail| mail.has("UNREAD")),
            draft: mails.iter().any(|mail| mail.has("DRAFT")),
            labels,
        });
    }
    threads
}

fn shown_labels(mailbox: &Mailbox, mail: &Mail) -> Vec<String> {
    mail.labels.iter().filter(|label| *label != "DRAFT").map(|label| mailbox.label_name(label).to_owned()).collect()
}

fn header_of(mail: &Mail, name: &str) -> String {
    mime::headers(&mail.raw)
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .unwrap_or_default()
}

struct MailCard {
    id: String,
    from: String,
    to: String,
    date: String,
    text: String,
    labels: Vec<String>,
    draft: Option<String>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadPage {
    address: String,
    thread: String,
    subject: String,
    mails: Vec<MailCard>,
    can_reply: bool,
    reply_to: String,
    reply_subject: String,
}

async fn thread(State(sim): State<Arc<Sim>>, Path((address, thread)): Path<(String, String)>) -> Response {
    let address = canonical(&address);
    match sim.read(|world| Some(thread_page(&world.accounts.get(&address)?.mailbox, &thread))) {
        Some(page) if !page.mails.is_empty() => render(StatusCode::OK, &page),
        _ => problem(&ApiError::not_found()),
    }
}

fn thread_page(mailbox: &Mailbox, thread: &str) -> ThreadPage {
    let mails = mailbox.thread(thread);
    let subject = mails.first().map(|mail| mail.envelope.subject.clone()).unwrap_or_default();
    let last = mails.iter().rev().find(|mail| !mail.has("DRAFT"));
    let reply_to = last.map_or_else(String::new, |mail| {
        let answer_to = header_of(mail, "Reply-To");
        match &mail.envelope.from {
            Some((_, from)) if canonical(from) == mailbox.address => header_of(mail, "To"),
            _ if !answer_to.is_empty() => answer_to,
            Some((_, from)) => from.clone(),
            None => String::new(),
        }
    });
    let prefixed = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    ThreadPage {
        address: mailbox.address.clone(),
        thread: thread.to_owned(),
        can_reply: last.is_some(),
        reply_to,
        reply_subject: if prefixed { subject.clone() } else { format!("Re: {subject}") },
        subject,
        mails: mails
            .iter()
            .map(|mail| MailCard {
                id: mail.id.clone(),
                from: header_of(mail, "From"),
                to: header_of(mail, "To"),
                date: mime::date(mail.internal_ms),
                text: mime::text(&mail.raw),
                labels: shown_labels(mailbox, mail),
                draft: mailbox.draft_of(&mail.id).map(|draft| draft.id.clone()),
            })
            .collect(),
    }
}

fn failed(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "a mail could not be written");
    ApiError::new(500, "backendError", "Internal error encountered.")
}

async fn write(State(sim): State<Arc<Sim>>, Path(address): Path<String>, body: String) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    match sim.write(|world| post_letter(world, &address, &form)) {
        Ok(thread) => redirect(&format!("/mail/{}/t/{thread}", encoded(&address))),
        Err(error) => problem(&error),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Sends what the form holds and returns the thread it went into.
fn post_letter(world: &mut World, address: &str, form: &Params) -> Result<String, ApiError> {
    let account = world.accounts.get(address).ok_or_else(ApiError::not_found)?;
    let thread = form.get("thread").filter(|thread| !account.mailbox.thread(thread).is_empty()).map(str::to_owned);
    let references: Vec<String> = thread.as_deref().map_or_else(Vec::new, |thread| {
        let mails = account.mailbox.thread(thread);
        mails.iter().filter(|mail| !mail.has("DRAFT")).filter_map(|mail| mail.envelope.message_id.clone()).collect()
    });
    let raw = mime::compose(&mime::Letter {
        from: (&account.config.name, address),
        to: form.get("to").unwrap_or_default(),
        subject: form.get("subject").unwrap_or_default(),
        body: form.get("body").unwrap_or_default(),
        references,
    })
    .map_err(|error| failed(&error))?;
    // As in Gmail's page, a reply under another subject starts a conversation of its own.
    let envelope = mime::envelope(&raw);
    let thread = thread.filter(|thread| account.mailbox.joins_thread(thread, &envelope));
    let id = send::send(world, address, raw, thread)?;
    let sent = world.accounts.get(address).and_then(|account| account.mailbox.messages.get(&id));
    sent.map(|mail| mail.thread_id.clone()).ok_or_else(ApiError::not_found)
}

async fn draft(State(sim): State<Arc<Sim>>, Path((address, id)): Path<(String, String)>, body: String) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    let result = sim.write(|world| {
        let thread = edit(world, &address, &id, &form)?;
        match form.get("do") {
            Some("send") => drafts::dispatch(world, &address, &id).map(|_| ())?,
            Some("discard") => drafts::discard(world, &address, &id)?,
            _ => {}
        }
        let left = world.accounts.get(&address).is_some_and(|account| !account.mailbox.thread(&thread).is_empty());
        Ok(left.then_some(thread))
    });
    match result {
        Ok(Some(thread)) => redirect(&format!("/mail/{}/t/{thread}", encoded(&address))),
        Ok(None) => redirect(&format!("/mail/{}", encoded(&address))),
        Err(error) => problem(&error),
    }
}

/// Keeps what a person typed into a draft, where it differs, and returns the draft's thread.
fn edit(world: &mut World, address: &str, id: &str, form: &Params) -> Result<String, ApiError> {
    let mailbox = &world.accounts.get(address).ok_or_else(ApiError::not_found)?.mailbox;
    let draft = mailbox.drafts.get(id).ok_or_else(ApiError::not_found)?;
    let mail = mailbox.messages.get(&draft.message_id).ok_or_else(ApiError::not_found)?;
    let thread = mail.thread_id.clone();
    let typed = form.get("body").unwrap_or_default();
    let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    if form.get("do") != Some("discard") && plain(typed) != plain(&mime::text(&mail.raw)) {
        let raw = mime::with_text(&mail.raw, typed);
        drafts::put(world, address, Some(id), raw, Some(&thread))?;
    }
    Ok(thread)
}
