//! One conversation: its mails, the draft or answer that waits, and what a person may decide.

use crate::App;
use crate::chat::{StateWords, state_words, subject_or_none};
use crate::door::{Fields, Posted, Visitor};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::when::When;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use channel::assistant::Author;
use channel::ids::{MailboxId, MessageId, StepName, ThreadId};
use channel::mail::{Attachment, Authentication, Obstacle};
use channel::record::*;
use channel::time::Timestamp;
use channel::usecase::common::fresh_id;
use channel::usecase::handover::HandedBack;
use channel::usecase::review::{ActionRef, DeskError, Opened, Refused, ShownDraft, StandingDraft};
use channel::usecase::session::SignedIn;
use std::sync::Arc;

struct MailView {
    /// `customer`, `assistant` or `person`; the page marks each by word, side and colour.
    author: &'static str,
    author_words: &'static str,
    name: String,
    address: String,
    at: When,
    text: String,
    truncated: bool,
    unverified: bool,
    obstacles: Vec<&'static str>,
    attachments: Vec<FileView>,
}

struct FileView {
    name: String,
    size: String,
}

struct ActionForm {
    turn: u32,
    step: String,
    ver: u64,
}

struct DraftView {
    form: ActionForm,
    /// The Gmail message that an approval names; none when there is nothing to approve.
    message: Option<String>,
    text: String,
    to: String,
    edited: bool,
    gone: bool,
    unreachable: bool,
    sources: Vec<(String, String)>,
    confidence: Option<String>,
    downgraded: Vec<String>,
    made: When,
}

struct PendingView {
    form: ActionForm,
    text: String,
    to: String,
    due: Option<When>,
    overdue: bool,
    held: bool,
}

struct WhyView {
    turn: u32,
    entries: Vec<(When, String, String)>,
    sources: Vec<(String, String)>,
    confidence: Option<String>,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadPage {
    frame: Frame,
    mailbox: String,
    thread: String,
    subject: String,
    state: StateWords,
    reason: Option<String>,
    answered_by: String,
    mails: Vec<MailView>,
    draft: Option<DraftView>,
    pending: Option<PendingView>,
    under_way: Option<&'static str>,
    why: Vec<WhyView>,
    taken_over: bool,
    can_send: bool,
    form_id: String,
    /// What the person had typed when their form was refused.
    typed: Typed,
    max_text: usize,
}

#[derive(Default)]
struct Typed {
    edit: Option<String>,
    reply: String,
}

impl ThreadPage {
    fn editor(&self, draft: &DraftView) -> String {
        self.typed.edit.clone().unwrap_or_else(|| draft.text.clone())
    }
}

fn ids(mailbox: &str, thread: &str) -> Result<(MailboxId, ThreadId), Failure> {
    let mailbox = MailboxId::parse(mailbox).map_err(|_| Failure::NotFound)?;
    let thread = ThreadId::parse(thread).map_err(|_| Failure::NotFound)?;
    Ok((mailbox, thread))
}

pub async fn page(
    State(app): State<Arc<App>>,
    Visitor(who): Visitor,
    Path((mailbox, thread)): Path<(String, String)>,
    query: Fields,
) -> Result<Response, Failure> {
    let (mailbox, thread) = ids(&mailbox, &thread)?;
    show(&app, &who, &mailbox, &thread, query.get("message"), Typed::default()).await
}

async fn show(
    app: &App,
    who: &SignedIn,
    mailbox: &MailboxId,
    thread: &ThreadId,
    message: Option<&str>,
    typed: Typed,
) -> Result<Response, Failure> {
    let opened = app.desk.open(mailbox, thread).await?.ok_or(Failure::NotFound)?;
    app.desk.mark_read(&opened.conversation.head).await?;
    let now = app.clock.now();
    let head = &opened.conversation.head;
    let subject = subject_or_none(&head.title);
    let title = format!("{} · {subject}", head.customer.label());
    let frame = Frame::inside(app, who, &title, "chat").await?.saying(message);
    let form_id = fresh_id(&*app.entropy);
    Ok(html(&thread_page(frame, &opened, subject, form_id, typed, now))?.into_response())
}

fn thread_page(
    frame: Frame,
    opened: &Opened,
    subject: String,
    form_id: String,
    typed: Typed,
    now: Timestamp,
) -> ThreadPage {
    let conversation = &opened.conversation;
    let head = &conversation.head;
    let under_way = conversation.actions.iter().rev().find_map(|action| match &action.state {
        ActionState::Sending { .. } => Some("A mail of this conversation is being sent."),
        ActionState::Unknown { .. } => {
            Some("Gmail has not said yet whether the mail was sent. It is being looked for, and not sent twice.")
        }
        ActionState::Approved { .. } => Some("The approved draft is about to be sent."),
        _ if action.kind == ActionKind::PersonReply && !action.state.ended() => {
            Some("Your answer is about to be sent.")
        }
        _ => None,
    });
    ThreadPage {
        mailbox: head.mailbox.to_string(),
        thread: head.thread.to_string(),
        state: state_words(head.state),
        reason: head.state_reason.clone(),
        answered_by: head.answered_by.to_string(),
        mails: mails(conversation, now),
        draft: opened.draft.as_ref().map(|draft| draft_view(draft, conversation, now)),
        pending: pending(conversation, now),
        under_way,
        why: conversation
            .turns
            .iter()
            .rev()
            .map(|turn| why(turn, conversation.trace(turn.no), conversation.notice(turn.no), now))
            .collect(),
        taken_over: head.taken_over.is_some(),
        can_send: opened.view.usable_grant().is_some(),
        frame,
        subject,
        form_id,
        typed,
        max_text: channel::usecase::review::MAX_TEXT,
    }
}

fn mails(conversation: &Conversation, now: Timestamp) -> Vec<MailView> {
    let mut shown: Vec<(Timestamp, MailView)> =
        conversation.mails.iter().map(|mail| (mail.internal_date, mail_view(mail, now))).collect();
    // What was sent comes back from Gmail a moment later; until then the ledger shows it.
    for action in &conversation.actions {
        let ActionState::Sent { message, at } = &action.state else { continue };
        if !conversation.mails.iter().any(|mail| mail.message == *message) {
            shown.push((*at, sent_view(action, *at, now)));
        }
    }
    shown.sort_by_key(|(at, _)| *at);
    shown.into_iter().map(|(_, view)| view).collect()
}

fn author_words(author: Author) -> (&'static str, &'static str) {
    match author {
        Author::Customer => ("customer", "Customer"),
        Author::Assistant => ("assistant", "Assistant"),
        Author::Person => ("person", "Team"),
    }
}

fn mail_view(mail: &StoredMail, now: Timestamp) -> MailView {
    let (author, author_words) = author_words(mail.author);
    let from = mail.headers.from.first();
    MailView {
        author,
        author_words,
        name: from.map_or_else(|| "Unknown sender".to_owned(), |from| from.label().to_owned()),
        address: from.map(|from| from.email.to_string()).unwrap_or_default(),
        at: When::new(mail.internal_date, now),
        text: mail.text.clone(),
        truncated: mail.truncated,
        unverified: mail.author == Author::Customer && mail.headers.authentication == Authentication::Fail,
        obstacles: mail.obstacles.iter().map(|obstacle| obstacle_words(*obstacle)).collect(),
        attachments: mail.attachments.iter().map(file_view).collect(),
    }
}

fn sent_view(action: &Action, at: Timestamp, now: Timestamp) -> MailView {
    let author = if action.kind == ActionKind::PersonReply { Author::Person } else { Author::Assistant };
    let (author, author_words) = author_words(author);
    MailView {
        author,
        author_words,
        name: action.reply.from.label().to_owned(),
        address: action.reply.from.email.to_string(),
        at: When::new(at, now),
        text: action.reply.text.clone(),
        truncated: false,
        unverified: false,
        obstacles: vec![],
        attachments: vec![],
    }
}

fn obstacle_words(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Encrypted => "This mail is encrypted and could not be read. Open it in Gmail.",
        Obstacle::Tnef => "This mail has a winmail.dat attachment that could not be read.",
        Obstacle::TooComplex => "This mail is too large or too deeply nested to be read whole. Open it in Gmail.",
        Obstacle::NoText => "This mail has no text.",
    }
}

fn file_view(file: &Attachment) -> FileView {
    let size = match file.size {
        bytes @ 0..1_000 => format!("{bytes} bytes"),
        bytes @ 1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        bytes => format!("{:.1} MB", bytes as f64 / 1e6),
    };
    FileView { name: if file.name.is_empty() { "(no name)".to_owned() } else { file.name.clone() }, size }
}

fn form_of(action: &Action) -> ActionForm {
    ActionForm { turn: action.turn, step: action.step.to_string(), ver: action.ver }
}

fn addresses(to: &[channel::address::Mailbox]) -> String {
    to.iter().map(|to| to.email.to_string()).collect::<Vec<_>>().join(", ")
}

fn sources_of(trace: Option<&Trace>) -> Vec<(String, String)> {
    let sources = trace.map(|trace| trace.sources.as_slice()).unwrap_or_default();
    sources.iter().map(|source| (source.title.clone(), source.passage.clone())).collect()
}

fn confidence_of(trace: Option<&Trace>) -> Option<String> {
    trace.and_then(|trace| trace.confidence).map(|confidence| format!("{:.0} %", confidence * 100.0))
}

fn draft_view(draft: &StandingDraft, conversation: &Conversation, now: Timestamp) -> DraftView {
    let action = &draft.action;
    let trace = conversation.trace(action.turn);
    let own_to = addresses(&action.reply.to);
    let (message, text, to) = match &draft.shown {
        ShownDraft::AsWritten { message, text } | ShownDraft::Unreachable { message, text } => {
            (Some(message), text.clone(), own_to)
        }
        ShownDraft::Edited { message, text, to } => (Some(message), text.clone(), addresses(to)),
        ShownDraft::Gone => (None, action.reply.text.clone(), own_to),
    };
    let guards = trace.map(|trace| trace.entries.as_slice()).unwrap_or_default();
    DraftView {
        form: form_of(action),
        message: message.map(MessageId::to_string),
        text,
        to,
        edited: matches!(draft.shown, ShownDraft::Edited { .. }),
        gone: draft.shown == ShownDraft::Gone,
        unreachable: matches!(draft.shown, ShownDraft::Unreachable { .. }),
        sources: sources_of(trace),
        confidence: confidence_of(trace),
        downgraded: guards.iter().filter(|entry| entry.step == "guard").map(|entry| entry.said.clone()).collect(),
        made: When::new(action.updated_at, now),
    }
}

fn pending(conversation: &Conversation, now: Timestamp) -> Option<PendingView> {
    let waits =
        |action: &&Action| action.kind == ActionKind::Send && !action.state.ended() && !action.state.in_flight();
    let action = conversation.actions.iter().rev().find(waits)?;
    if matches!(action.state, ActionState::Cancelled { .. }) {
        return None;
    }
    let due = action.due_at.map(|due| action.not_before.map_or(due, |at| at.max(due)));
    Some(PendingView {
        form: form_of(action),
        text: action.reply.text.clone(),
        to: addresses(&action.reply.to),
        due: due.map(|due| When::new(due, now)),
        overdue: due.is_some_and(|due| due <= now),
        held: conversation.head.state == ConversationState::Held,
    })
}

/// How far the team was told, one entry a target.
fn told(notice: &Notice) -> impl Iterator<Item = TraceEntry> + '_ {
    notice.deliveries.iter().flatten().map(|delivery| {
        let name = &delivery.name;
        let said = match &delivery.state {
            DeliveryState::Planned { why: None, .. } => format!("{name} is told soon."),
            DeliveryState::Planned { why: Some(why), .. } => {
                format!("{name} was not told yet and is tried again: {why}")
            }
            DeliveryState::Sending => format!("{name} is being told."),
            DeliveryState::Delivered => format!("{name} was told."),
            DeliveryState::Failed { why } => format!("{name} was not told: {why}"),
            DeliveryState::Unknown { why } => format!("It is not known whether {name} was told: {why}"),
        };
        TraceEntry { at: delivery.updated_at, step: "notify".to_owned(), said }
    })
}

fn why(turn: &Turn, trace: Option<&Trace>, notice: Option<&Notice>, now: Timestamp) -> WhyView {
    let mut entries = trace.map(|trace| trace.entries.clone()).unwrap_or_default();
    entries.extend(notice.into_iter().flat_map(told));
    WhyView {
        turn: turn.no,
        entries: entries
            .iter()
            .map(|entry| (When::new(entry.at, now), entry.step.clone(), entry.said.clone()))
            .collect(),
        sources: sources_of(trace),
        confidence: confidence_of(trace),
        reason: turn.reason.clone(),
    }
}

/// Every decision; the last part of the path names it.
pub async fn decide(
    State(app): State<Arc<App>>,
    Path((mailbox, thread, decision)): Path<(String, String, String)>,
    posted: Posted,
) -> Result<Response, Failure> {
    let (mailbox, thread) = ids(&mailbox, &thread)?;
    let Posted { who, fields } = posted;
    let done = carry_out(&app, &who, &mailbox, &thread, &decision, &fields).await;
    let code = match done {
        Ok(code) => code,
        Err(Refusal::Failure(failure)) => return Err(failure),
        Err(Refusal::Desk(Refused::NotFound)) => return Err(Failure::NotFound),
        Err(Refusal::Desk(refused)) => {
            let typed = Typed {
                edit: fields.text("text").filter(|_| decision == "approve").map(str::to_owned),
                reply: fields.text("text").filter(|_| decision == "reply").unwrap_or_default().to_owned(),
            };
            let status = if matches!(refused, Refused::Empty | Refused::TooLong) {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::CONFLICT
            };
            let page = show(&app, &who, &mailbox, &thread, Some(refused_code(refused)), typed).await?;
            return Ok((status, page).into_response());
        }
    };
    Ok(Redirect::to(&format!("/chat/{mailbox}/{thread}?message={code}")).into_response())
}

enum Refusal {
    Desk(Refused),
    Failure(Failure),
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(refused) => Self::Desk(refused),
            DeskError::Stop(stop) => Self::Failure(stop.into()),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn carry_out(
    app: &App,
    who: &SignedIn,
    mailbox: &MailboxId,
    thread: &ThreadId,
    decision: &str,
    fields: &Fields,
) -> Result<&'static str, Refusal> {
    let by = who.operator();
    let desk = &app.desk;
    let bad_form = || Failure::BadForm(StatusCode::BAD_REQUEST);
    let at = || action_ref(mailbox, thread, fields).ok_or_else(bad_form);
    match decision {
        "approve" => {
            let shown = fields.get("shown").and_then(|id| MessageId::parse(id).ok()).ok_or_else(bad_form)?;
            desk.approve(&at()?, &shown, fields.text("text"), by).await?;
            Ok("approved")
        }
        "discard" => {
            desk.discard(&at()?, by).await?;
            Ok("discarded")
        }
        "send-now" => {
            desk.send_now(&at()?, by).await?;
            Ok("sending_now")
        }
        "cancel" => {
            desk.cancel(&at()?, by).await?;
            Ok("cancelled")
        }
        "take-over" => {
            desk.take_over(mailbox, thread).await?;
            Ok("taken_over")
        }
        "hand-back" => Ok(match desk.hand_back(mailbox, thread).await? {
            HandedBack::Reopened => "handed_back",
            HandedBack::FromTheNextMail => "handed_back_next",
        }),
        "reply" => {
            let form_id =
                fields.get("form_id").filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
            desk.reply(mailbox, thread, form_id.ok_or_else(bad_form)?, fields.text("text").unwrap_or(""), by).await?;
            Ok("replied")
        }
        _ => Err(Failure::NotFound.into()),
    }
}

fn action_ref(mailbox: &MailboxId, thread: &ThreadId, fields: &Fields) -> Option<ActionRef> {
    Some(ActionRef {
        mailbox: mailbox.clone(),
        thread: thread.clone(),
        turn: fields.get("turn")?.parse().ok()?,
        step: StepName::parse(fields.get("step")?).ok()?,
        ver: fields.get("ver")?.parse().ok()?,
    })
}

fn refused_code(refused: Refused) -> &'static str {
    match refused {
        Refused::NotFound | Refused::Changed => "changed",
        Refused::NewerMail => "newer_mail",
        Refused::UnderWay => "under_way",
        Refused::NotConnected => "not_connected",
        Refused::Paused => "paused",
        Refused::Stopped => "stopped",
        Refused::Empty => "empty",
        Refused::TooLong => "too_long",
        Refused::NobodyToAnswer => "nobody",
    }
}
