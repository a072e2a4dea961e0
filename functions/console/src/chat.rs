//! The list of conversations.

use crate::App;
use crate::door::{Fields, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::when::When;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use channel::ids::MailboxId;
use channel::ports::{HeadPage, HeadRow, StoreError};
use channel::record::{ConnectionState, ConversationState, MailboxMeta};
use channel::time::Timestamp;
use channel::usecase::common::Stop;
use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: usize = 50;

/// A state as people read it: its code for the style sheet and its words.
#[derive(Debug, Clone, Copy)]
pub struct StateWords {
    pub code: &'static str,
    pub words: &'static str,
}

pub fn state_words(state: ConversationState) -> StateWords {
    let words = match state {
        ConversationState::Received => "Received",
        ConversationState::Working => "Being answered",
        ConversationState::Review => "Draft to review",
        ConversationState::Pending => "Will be sent",
        ConversationState::Answered => "Answered",
        ConversationState::NeedsPerson => "Needs a person",
        ConversationState::NoAnswer => "Not answered",
        ConversationState::Held => "On hold",
    };
    StateWords { code: state.code(), words }
}

struct Row {
    mailbox: String,
    /// Shown when conversations of several mailboxes stand together.
    address: String,
    thread: String,
    sender: String,
    subject: String,
    state: StateWords,
    unread: bool,
    updated: When,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "chat.html")]
struct ChatPage {
    frame: Frame,
    rows: Vec<Row>,
    mailboxes: Vec<Choice>,
    shows: Vec<Choice>,
    filtered: bool,
    several: bool,
    /// The address of the next page.
    older: Option<String>,
    /// More exists than is merged here; a filter shows it.
    cut: bool,
    empty: Empty,
}

/// Why the list is empty, so that the page can say what to do.
enum Empty {
    NoMailbox,
    NoneWaits,
    NoMail { addresses: Vec<String> },
    NotConnected,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    All,
    Waiting,
    Only(ConversationState),
}

impl Show {
    const CHOICES: [(&'static str, &'static str, Show); 4] = [
        ("", "Everything", Show::All),
        ("waiting", "Waiting for someone", Show::Waiting),
        ("review", "Drafts to review", Show::Only(ConversationState::Review)),
        ("needs_person", "Needs a person", Show::Only(ConversationState::NeedsPerson)),
    ];

    fn of(code: &str) -> (&'static str, Self) {
        Self::CHOICES
            .into_iter()
            .find(|(known, ..)| *known == code)
            .map_or(("", Self::All), |(code, _, show)| (code, show))
    }

    fn includes(self, state: ConversationState) -> bool {
        match self {
            Self::All => true,
            Self::Waiting => state.waits_for_someone(),
            Self::Only(only) => state == only,
        }
    }
}

pub async fn page(State(app): State<Arc<App>>, Visitor(who): Visitor, query: Fields) -> Result<Response, Failure> {
    let now = app.clock.now();
    let metas = app.mailboxes.mailboxes().await?;
    let chosen = query.get("mailbox").and_then(|id| metas.iter().find(|meta| meta.mailbox.as_str() == id));
    let (show_code, show) = Show::of(query.get("show").unwrap_or(""));
    let (page, cut) = match read(&app, &metas, chosen, show, query.get("page"), now).await {
        // A page that was never given out. Should the store itself be broken, the first page says so.
        Err(Failure::Fault(Stop::Store(StoreError::Broken(_)))) if query.get("page").is_some() => {
            return Ok(Redirect::to("/chat").into_response());
        }
        other => other?,
    };
    let addresses: BTreeMap<&str, String> =
        metas.iter().map(|meta| (meta.mailbox.as_str(), meta.address.to_string())).collect();
    let mailbox = chosen.map_or("", |meta| meta.mailbox.as_str());
    let older = page.next.as_ref().map(|next| format!("/chat?mailbox={mailbox}&show={show_code}&page={next}"));
    let rows: Vec<Row> = page.rows.into_iter().map(|row| shown(row, &addresses, now)).collect();
    let empty = if rows.is_empty() { why_empty(&app, &metas, chosen, show).await? } else { Empty::NoneWaits };
    let everything = Choice { value: String::new(), label: "All mailboxes".to_owned(), chosen: chosen.is_none() };
    let each = metas.iter().map(|meta| Choice {
        value: meta.mailbox.to_string(),
        label: meta.address.to_string(),
        chosen: chosen == Some(meta),
    });
    let page = html(&ChatPage {
        frame: Frame::inside(&app, &who, "Chat", "chat").await?.saying(query.get("message")),
        rows,
        mailboxes: std::iter::once(everything).chain(each).collect(),
        shows: Show::CHOICES
            .into_iter()
            .map(|(code, label, _)| Choice {
                value: code.to_owned(),
                label: label.to_owned(),
                chosen: code == show_code,
            })
            .collect(),
        filtered: chosen.is_some() || show != Show::All || query.get("page").is_some(),
        several: metas.len() > 1 && chosen.is_none(),
        older,
        cut,
        empty,
    })?;
    Ok(page.into_response())
}

/// One page of heads. Of one mailbox or one state it goes on to the next; a merge of several shows the newest of each
/// and says that there is more.
async fn read(
    app: &App,
    metas: &[MailboxMeta],
    chosen: Option<&MailboxMeta>,
    show: Show,
    page: Option<&str>,
    now: Timestamp,
) -> Result<(HeadPage, bool), Failure> {
    let store = &app.conversations;
    let mut pages = vec![];
    match (chosen, show) {
        (Some(meta), show) => {
            let mut page = store.list(&meta.mailbox, page, PAGE, now).await?;
            page.rows.retain(|row| show.includes(row.state));
            return Ok((page, false));
        }
        (None, Show::Only(state)) => return Ok((store.waiting(state, page, PAGE, now).await?, false)),
        (None, Show::Waiting) => {
            for state in ConversationState::ALL.into_iter().filter(|state| state.waits_for_someone()) {
                pages.push(store.waiting(state, None, PAGE, now).await?);
            }
        }
        (None, Show::All) => {
            if let [only] = metas {
                return Ok((store.list(&only.mailbox, page, PAGE, now).await?, false));
            }
            for meta in metas {
                pages.push(store.list(&meta.mailbox, None, PAGE, now).await?);
            }
        }
    }
    let more = pages.iter().any(|page| page.next.is_some());
    let mut rows: Vec<HeadRow> = pages.into_iter().flat_map(|page| page.rows).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.updated_at));
    let cut = more || rows.len() > PAGE;
    rows.truncate(PAGE);
    Ok((HeadPage { rows, next: None }, cut))
}

fn shown(row: HeadRow, addresses: &BTreeMap<&str, String>, now: Timestamp) -> Row {
    Row {
        address: addresses.get(row.mailbox.as_str()).cloned().unwrap_or_default(),
        mailbox: row.mailbox.to_string(),
        thread: row.thread.to_string(),
        sender: row.customer.label().to_owned(),
        subject: subject_or_none(&row.title),
        state: state_words(row.state),
        unread: row.unread,
        updated: When::new(row.updated_at, now),
    }
}

pub fn subject_or_none(subject: &str) -> String {
    if subject.trim().is_empty() { "(no subject)".to_owned() } else { subject.to_owned() }
}

async fn why_empty(
    app: &App,
    metas: &[MailboxMeta],
    chosen: Option<&MailboxMeta>,
    show: Show,
) -> Result<Empty, Failure> {
    if metas.is_empty() {
        return Ok(Empty::NoMailbox);
    }
    if show != Show::All {
        return Ok(Empty::NoneWaits);
    }
    let asked: Vec<&MailboxId> = match chosen {
        Some(meta) => vec![&meta.mailbox],
        None => metas.iter().map(|meta| &meta.mailbox).collect(),
    };
    let mut addresses = vec![];
    for id in asked {
        let view = app.mailboxes.mailbox(id).await?;
        if let Some(view) = view.filter(|view| view.state() == ConnectionState::Connected) {
            addresses.push(view.meta.address.to_string());
        }
    }
    Ok(if addresses.is_empty() { Empty::NotConnected } else { Empty::NoMail { addresses } })
}
