//! The conversations of a folder, or of a search.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{
    encoded,
    look::{self, Moment},
    problem,
    rail::{self, Rail},
    redirect, render,
};
use crate::{
    error::ApiError,
    gmail::{Params, search::Query},
    mailbox::{Mail, Mailbox, Narrow},
    mime,
    server::Sim,
    state::{Account, canonical},
};

const PER_PAGE: usize = 50;
const NAMES: usize = 3;
const GLANCE: usize = 160;
/// Letters of a subject that a list shows; the conversation has all of them.
const SUBJECT: usize = 120;

pub(super) struct Chip {
    pub name: String,
    pub id: String,
    pub colour: Option<String>,
}

struct Row {
    id: String,
    subject: String,
    who: String,
    glance: String,
    when: Moment,
    count: usize,
    unread: bool,
    starred: bool,
    draft: bool,
    files: bool,
    labels: Vec<Chip>,
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    rail: Rail,
    title: String,
    folder: String,
    rows: Vec<Row>,
    page: usize,
    first: usize,
    last: usize,
    total: usize,
}

impl MailboxPage {
    /// The address of another page of the same list.
    fn at(&self, page: usize) -> String {
        let (address, query) = (encoded(&self.rail.address), encoded(&self.rail.query));
        format!("/mail/{address}?in={}&q={query}&page={page}", encoded(&self.folder))
    }
}

pub(super) async fn show(State(sim): State<Arc<Sim>>, Path(address): Path<String>, params: Params) -> Response {
    let address = canonical(&address);
    if let Some(to) = params.get("to") {
        return redirect(&format!("/mail/{}/compose?to={}", encoded(&address), encoded(to)));
    }
    let page = sim.read(|world| {
        let account = world.accounts.get(&address).ok_or_else(ApiError::not_found)?;
        page(account, &params, world.now_ms())
    });
    page.map_or_else(|error| problem(&error), |page| render(StatusCode::OK, &page))
}

fn page(account: &Account, params: &Params, now_ms: i64) -> Result<MailboxPage, ApiError> {
    let mailbox = &account.mailbox;
    let folder = params.get("in").unwrap_or("inbox").to_owned();
    let searched = params.get("q").map(|q| Query::parse(q, now_ms));
    let mut seen = BTreeSet::new();
    let mut hits: Vec<&Mail> = Vec::new();
    let narrow = searched.as_ref().map_or_else(Narrow::default, |query| query.narrow(&[]));
    for mail in mailbox.messages.candidates(&narrow) {
        let wanted = match &searched {
            Some(query) => !hidden(mail, query) && query.matches(mailbox, mail),
            None => rail::in_folder(mailbox, &folder, mail).ok_or_else(ApiError::not_found)?,
        };
        if wanted && seen.insert(&mail.thread_id) {
            hits.push(mail);
        }
    }
    let pages = hits.len().div_ceil(PER_PAGE).max(1);
    let page = params.get("page").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, pages);
    let first = (page - 1) * PER_PAGE;
    let outgoing = searched.is_none() && ["sent", "drafts"].contains(&folder.as_str());
    let here = if searched.is_some() { "" } else { folder.as_str() };
    let bare = ["spam", "trash"].contains(&folder.as_str());
    let rows: Vec<Row> =
        hits.iter().skip(first).take(PER_PAGE).map(|mail| row(mailbox, mail, outgoing, bare, here)).collect();
    Ok(MailboxPage {
        rail: Rail::of(account, here, params),
        title: match params.get("q") {
            Some(query) => format!("Search: {query}"),
            None => rail::folder_title(mailbox, &folder),
        },
        folder,
        page,
        first: if rows.is_empty() { 0 } else { first + 1 },
        last: first + rows.len(),
        total: hits.len(),
        rows,
    })
}

/// Spam and trash are found only by name, as in the API.
fn hidden(mail: &Mail, query: &Query) -> bool {
    ["SPAM", "TRASH"].into_iter().any(|label| mail.has(label) && !query.names_label(label))
}

fn row(mailbox: &Mailbox, newest: &Mail, outgoing: bool, bare: bool, here: &str) -> Row {
    let mails: Vec<&Mail> =
        mailbox.thread(&newest.thread_id).into_iter().filter(|mail| bare || !mail.has("TRASH")).collect();
    let written: Vec<&&Mail> = mails.iter().filter(|mail| !mail.has("DRAFT")).collect();
    let mut labels: Vec<Chip> = Vec::new();
    for chip in mails.iter().flat_map(|mail| chips(mailbox, mail)) {
        // What the whole list has in common needs no sign in each row.
        let common = chip.id.eq_ignore_ascii_case(here);
        if !common && !labels.iter().any(|known| known.id == chip.id) {
            labels.push(chip);
        }
    }
    Row {
        id: newest.thread_id.to_string(),
        subject: mails.first().map_or_else(String::new, |mail| short(&mail.envelope.subject)),
        who: if outgoing { recipients(newest) } else { senders(mailbox, &written) },
        glance: glance(&newest.raw),
        when: Moment::of(newest.internal_ms),
        count: written.len(),
        unread: mails.iter().any(|mail| mail.has("UNREAD")),
        starred: mails.iter().any(|mail| mail.has("STARRED")),
        draft: mails.iter().any(|mail| mail.has("DRAFT")),
        files: mails.iter().any(|mail| has_files(&mail.raw)),
        labels,
    }
}

fn short(subject: &str) -> String {
    match subject.char_indices().nth(SUBJECT) {
        Some((end, _)) => format!("{}…", &subject[..end]),
        None => subject.to_owned(),
    }
}

fn has_files(raw: &[u8]) -> bool {
    mime::parse(raw).is_some_and(|message| message.attachment_count() > 0)
}

/// The labels that a list and a mail show; folders and marks have other signs.
pub(super) fn chips(mailbox: &Mailbox, mail: &Mail) -> Vec<Chip> {
    let own = mailbox.labels.iter().filter(|label| mail.has(&label.id)).map(|label| Chip {
        name: label.name.clone(),
        id: label.id.clone(),
        colour: Some(label.colour.as_ref().map_or_else(|| look::colour(""), |(_, back)| look::colour(back))),
    });
    let system = [("INBOX", "Inbox"), ("SPAM", "Spam"), ("TRASH", "Trash")].into_iter();
    let system = system.filter(|(id, _)| mail.has(id));
    system.map(|(id, name)| Chip { name: name.to_owned(), id: id.to_owned(), colour: None }).chain(own).collect()
}

pub(super) fn person(name: &str, address: &str) -> String {
    let name = look::undirected(name);
    if name.trim().is_empty() { address.to_owned() } else { name.trim().to_owned() }
}

fn senders(mailbox: &Mailbox, mails: &[&&Mail]) -> String {
    let mut names: Vec<String> = Vec::new();
    for mail in mails {
        let name = match &mail.envelope.from {
            Some((_, address)) if canonical(address) == mailbox.address => "me".to_owned(),
            Some((name, address)) => person(name, address),
            None => "(no sender)".to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    shortened(names)
}

fn shortened(names: Vec<String>) -> String {
    let count = names.len();
    let mut names: Vec<String> = names.into_iter().take(NAMES).collect();
    if count > NAMES {
        names.push("…".to_owned());
    }
    names.join(", ")
}

fn recipients(mail: &Mail) -> String {
    let names = mail.envelope.recipients.clone();
    if names.is_empty() { "(no recipient)".to_owned() } else { format!("To: {}", shortened(names)) }
}

/// The first words of a mail.
fn glance(raw: &[u8]) -> String {
    let text = mime::text(raw);
    let words: Vec<&str> = text.split_whitespace().take(GLANCE).collect();
    words.join(" ").chars().take(GLANCE).collect()
}
