//! One conversation: every mail of it, its drafts in place, and what can be done with them.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use mail_parser::PartType;

use super::{
    letter::{self, Fields},
    list::{self, Chip},
    look::Moment,
    problem,
    rail::Rail,
    render,
};
use crate::{
    error::ApiError,
    gmail::Params,
    mailbox::{Mail, Mailbox},
    mime,
    server::Sim,
    state::{Account, canonical},
};

/// Letters of one mail that a page shows; the original has all of them.
const SHOWN: usize = 200_000;

pub(super) struct File {
    pub number: usize,
    pub name: String,
    pub kind: String,
    pub size: String,
}

/// A draft's id, what can be edited of it, and its files.
struct Open {
    id: String,
    fields: Fields,
}

struct Card {
    id: String,
    sender: String,
    from: String,
    to: String,
    cc: String,
    bcc: String,
    when: Moment,
    text: String,
    shortened: bool,
    html: bool,
    message_id: String,
    verdicts: Vec<String>,
    files: Vec<File>,
    labels: Vec<Chip>,
    addable: Vec<Chip>,
    unread: bool,
    starred: bool,
    inbox: bool,
    spam: bool,
    trash: bool,
    draft: Option<Open>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadPage {
    rail: Rail,
    thread: String,
    subject: String,
    cards: Vec<Card>,
    unread: bool,
    inbox: bool,
    spam: bool,
    trash: bool,
    can_reply: bool,
    reply_to: String,
    reply_subject: String,
}

pub(super) async fn show(
    State(sim): State<Arc<Sim>>,
    Path((address, thread)): Path<(String, String)>,
    params: Params,
) -> Response {
    let address = canonical(&address);
    match sim.read(|world| Some(page(world.accounts.get(&address)?, &thread, &params))) {
        Some(page) if !page.cards.is_empty() => render(StatusCode::OK, &page),
        _ => problem(&ApiError::not_found()),
    }
}

fn page(account: &Account, thread: &str, params: &Params) -> ThreadPage {
    let mailbox = &account.mailbox;
    let mails = mailbox.thread(thread);
    let any = |label: &str| mails.iter().any(|mail| mail.has(label));
    let subject = mails.first().map(|mail| mail.envelope.subject.clone()).unwrap_or_default();
    let last = mails.iter().rev().find(|mail| !mail.has("DRAFT"));
    ThreadPage {
        rail: Rail::of(account, "", params),
        thread: thread.to_owned(),
        unread: any("UNREAD"),
        inbox: any("INBOX"),
        spam: any("SPAM"),
        trash: any("TRASH"),
        can_reply: last.is_some(),
        reply_to: last.map_or_else(String::new, |mail| answer_to(mailbox, mail)),
        reply_subject: prefixed("Re:", &subject),
        subject,
        cards: mails.iter().map(|mail| card(mailbox, mail)).collect(),
    }
}

/// The subject of an answer or of a forwarded mail.
pub(super) fn prefixed(prefix: &str, subject: &str) -> String {
    let has = subject.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if has { subject.to_owned() } else { format!("{prefix} {subject}") }
}

/// Whom an answer goes to: for a mail of one's own, to whom that one went.
pub(super) fn answer_to(mailbox: &Mailbox, mail: &Mail) -> String {
    let Some(message) = mime::parse(&mail.raw) else {
        return String::new();
    };
    let own = mail.envelope.from.as_ref().is_some_and(|(_, from)| canonical(from) == mailbox.address);
    if own {
        return letter::shown(message.to());
    }
    let asked = letter::shown(message.reply_to());
    if asked.is_empty() { letter::shown(message.from()) } else { asked }
}

fn card(mailbox: &Mailbox, mail: &Mail) -> Card {
    let message = mime::parse(&mail.raw);
    let shown = |list: Option<&mail_parser::Address<'_>>| letter::shown(list);
    let labels = list::chips(mailbox, mail);
    let (text, shortened) = text(mail);
    let headers = mime::headers(&mail.raw);
    let all = |wanted: &str| -> Vec<String> {
        let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.map(|(_, value)| value.clone()).collect()
    };
    Card {
        id: mail.id.to_string(),
        sender: mail
            .envelope
            .from
            .as_ref()
            .map_or_else(|| "(no sender)".to_owned(), |(name, at)| list::person(name, at)),
        from: message.as_ref().map_or_else(String::new, |message| shown(message.from())),
        to: message.as_ref().map_or_else(String::new, |message| shown(message.to())),
        cc: message.as_ref().map_or_else(String::new, |message| shown(message.cc())),
        bcc: message.as_ref().map_or_else(String::new, |message| shown(message.bcc())),
        when: Moment::of(mail.internal_ms),
        text,
        shortened,
        html: message.as_ref().is_some_and(|message| html_of(message).is_some()),
        message_id: mail.envelope.message_id.clone().unwrap_or_default(),
        verdicts: all("Authentication-Results"),
        files: files(&mail.raw),
        addable: mailbox
            .labels
            .iter()
            .filter(|label| !mail.has(&label.id))
            .map(|label| Chip { name: label.name.clone(), id: label.id.clone(), colour: None })
            .collect(),
        labels,
        unread: mail.has("UNREAD"),
        starred: mail.has("STARRED"),
        inbox: mail.has("INBOX"),
        spam: mail.has("SPAM"),
        trash: mail.has("TRASH"),
        draft: mailbox.draft_of(&mail.id).map(|draft| Open { id: draft.id.to_string(), fields: Fields::of(&mail.raw) }),
    }
}

/// All text parts of a mail, and whether there is more than a page shows.
fn text(mail: &Mail) -> (String, bool) {
    let Some(message) = mime::parse(&mail.raw) else {
        return (String::new(), false);
    };
    let parts: Vec<_> = (0..message.text_body_count()).filter_map(|number| message.body_text(number)).collect();
    let text = parts.join("\n");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (text[..end].to_owned(), true),
        None => (text, false),
    }
}

/// The mail's own HTML; a text that was only turned into HTML is none.
pub(super) fn html_of(message: &mail_parser::Message<'_>) -> Option<String> {
    message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    })
}

pub(super) fn files(raw: &[u8]) -> Vec<File> {
    let files = letter::attachments(raw).into_iter().enumerate();
    files
        .map(|(number, file)| File { number, size: size(file.bytes.len()), name: file.name, kind: file.kind })
        .collect()
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes.div_ceil(1_024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
