//! Writing: a new mail, an answer or a forwarded one, sent at once or kept as a draft.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{
    form::Form,
    letter::{self, Attachment, Fields},
    look::Moment,
    problem,
    rail::Rail,
    redirect, render, status_of,
    thread::{self, File},
    thread_path,
};
use crate::{
    error::ApiError,
    gmail::{Params, drafts, send},
    mailbox::{Mail, Mailbox},
    mime,
    server::Sim,
    state::{Account, World, canonical},
};

#[derive(Template)]
#[template(path = "compose.html")]
struct ComposePage {
    rail: Rail,
    title: &'static str,
    fields: Fields,
    /// The conversation that the mail answers in.
    thread: String,
    /// The mail whose files go along.
    forward: String,
    files: Vec<File>,
    error: String,
}

pub(super) async fn show(State(sim): State<Arc<Sim>>, Path(address): Path<String>, params: Params) -> Response {
    let address = canonical(&address);
    let page = sim.read(|world| {
        let account = world.accounts.get(&address).ok_or_else(ApiError::not_found)?;
        prepared(account, &params)
    });
    page.map_or_else(|error| problem(&error), |page| render(StatusCode::OK, &page))
}

fn prepared(account: &Account, params: &Params) -> Result<ComposePage, ApiError> {
    let mut page = ComposePage {
        rail: Rail::of(account, "compose", params),
        title: "New mail",
        fields: Fields {
            to: params.get("to").unwrap_or_default().to_owned(),
            subject: params.get("subject").unwrap_or_default().to_owned(),
            ..Fields::default()
        },
        thread: String::new(),
        forward: String::new(),
        files: Vec::new(),
        error: String::new(),
    };
    let Some(id) = params.get("mail") else {
        return Ok(page);
    };
    let mail = account.mailbox.messages.get(id).ok_or_else(ApiError::not_found)?;
    let subject = &mail.envelope.subject;
    if params.get("as") == Some("forward") {
        page.title = "Forward";
        page.fields.subject = thread::prefixed("Fwd:", subject);
        page.fields.body = forwarded(mail);
        page.forward = mail.id.to_string();
        page.files = thread::files(&mail.raw);
        return Ok(page);
    }
    page.title = "Reply";
    page.thread = mail.thread_id.to_string();
    page.fields.to = thread::answer_to(&account.mailbox, mail);
    page.fields.subject = thread::prefixed("Re:", subject);
    page.fields.body = quoted(mail);
    if params.get("as") == Some("all") {
        page.title = "Reply to all";
        page.fields.cc = others(&account.mailbox, mail, &page.fields.to);
    }
    Ok(page)
}

/// Everybody of a mail but oneself and those whom the answer goes to anyway.
fn others(mailbox: &Mailbox, mail: &Mail, to: &str) -> String {
    let Some(message) = mime::parse(&mail.raw) else {
        return String::new();
    };
    let to = to.to_lowercase();
    let lists = [message.to(), message.cc()];
    let mut entries: Vec<mail_parser::Addr<'_>> = Vec::new();
    for entry in lists.into_iter().flatten().flat_map(mail_parser::Address::iter) {
        let Some(address) = entry.address().map(str::to_lowercase) else { continue };
        let known = entries.iter().any(|known| known.address().is_some_and(|a| a.eq_ignore_ascii_case(&address)));
        if canonical(&address) != mailbox.address && !to.contains(&address) && !known {
            entries.push(entry.clone());
        }
    }
    letter::shown(Some(&mail_parser::Address::List(entries)))
}

fn sender(mail: &Mail) -> String {
    mime::parse(&mail.raw).map(|message| letter::shown(message.from())).unwrap_or_default()
}

fn quoted(mail: &Mail) -> String {
    let text = mime::text(&mail.raw);
    let lines: Vec<String> = text.trim_end().lines().map(|line| format!("> {line}")).collect();
    format!("\n\nOn {}, {} wrote:\n{}\n", Moment::of(mail.internal_ms).text, sender(mail), lines.join("\n"))
}

fn forwarded(mail: &Mail) -> String {
    let to = mime::parse(&mail.raw).map(|message| letter::shown(message.to())).unwrap_or_default();
    format!(
        "\n\n---------- Forwarded message ---------\nFrom: {}\nDate: {}\nSubject: {}\nTo: {to}\n\n{}",
        sender(mail),
        Moment::of(mail.internal_ms).text,
        mail.envelope.subject,
        mime::text(&mail.raw)
    )
}

fn typed(form: &Form) -> Fields {
    Fields {
        to: form.text("to").to_owned(),
        cc: form.text("cc").to_owned(),
        bcc: form.text("bcc").to_owned(),
        subject: form.text("subject").to_owned(),
        body: form.text("body").to_owned(),
    }
}

/// Sends or keeps what the form holds; what cannot be sent comes back with the reason and all that was typed.
pub(super) async fn send(State(sim): State<Arc<Sim>>, Path(address): Path<String>, mut form: Form) -> Response {
    let address = canonical(&address);
    let files = std::mem::take(&mut form.files);
    match form.check_size().and_then(|()| sim.write(|world| post(world, &address, &form, files))) {
        Ok((thread, said)) => redirect(&format!("{}?said={said}", thread_path(&address, &thread))),
        Err(error) => sim
            .read(|world| Some(refused(world.accounts.get(&address)?, &form, &error)))
            .map_or_else(|| problem(&error), |page| render(status_of(&error), &page)),
    }
}

fn refused(account: &Account, form: &Form, error: &ApiError) -> ComposePage {
    let forward = account.mailbox.messages.get(form.text("forward"));
    ComposePage {
        rail: Rail::of(account, "compose", &Params::default()),
        title: "Not sent",
        fields: typed(form),
        thread: form.text("thread").to_owned(),
        forward: forward.map_or_else(String::new, |mail| mail.id.to_string()),
        files: forward.map_or_else(Vec::new, |mail| thread::files(&mail.raw)),
        error: if error.message == "Recipient address required" {
            "Nobody to send it to: write an address into To, Cc or Bcc.".to_owned()
        } else {
            error.message.clone()
        },
    }
}

/// Returns the thread that the mail went into and the code of what is then said.
fn post(
    world: &mut World,
    address: &str,
    form: &Form,
    mut files: Vec<Attachment>,
) -> Result<(String, &'static str), ApiError> {
    let account = world.accounts.get(address).ok_or_else(ApiError::not_found)?;
    let mailbox = &account.mailbox;
    let thread = form.get("thread").filter(|thread| !mailbox.thread(thread).is_empty()).map(str::to_owned);
    let references: Vec<String> = thread.as_deref().map_or_else(Vec::new, |thread| {
        let mails = mailbox.thread(thread);
        mails.iter().filter(|mail| !mail.has("DRAFT")).filter_map(|mail| mail.envelope.message_id.clone()).collect()
    });
    if let Some(mail) = mailbox.messages.get(form.text("forward")) {
        let removed = form.numbers("remove");
        let along = letter::attachments(&mail.raw).into_iter().enumerate();
        files.extend(along.filter(|(number, _)| !removed.contains(number)).map(|(_, file)| file));
    }
    let raw = letter::compose((&account.config.name, address), &typed(form), &references, files)?;
    // As in Gmail's page, a reply under another subject starts a conversation of its own.
    let envelope = mime::envelope(&raw);
    let thread = thread.filter(|thread| mailbox.joins_thread(thread, &envelope));
    let (id, said) = if form.get("do") == Some("draft") {
        (drafts::put(world, address, None, raw, thread.as_deref())?.message_id, "saved")
    } else {
        (send::send(world, address, raw, thread)?, "sent")
    };
    let mail = world.accounts.get(address).and_then(|account| account.mailbox.messages.get(&id));
    mail.map(|mail| (mail.thread_id.to_string(), said)).ok_or_else(ApiError::not_found)
}
