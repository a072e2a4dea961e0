//! What a person does with mails that stand in the mailbox: reading marks, stars, labels, archive, spam, trash.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{encoded, labels, problem, redirect, thread_path};
use crate::{
    error::ApiError,
    gmail::{Params, drafts},
    mailbox::Mailbox,
    server::Sim,
    state::{World, canonical},
};

/// Labels that an action adds and removes, and the code of what it then says.
struct Change {
    add: &'static [&'static str],
    remove: &'static [&'static str],
    said: &'static str,
}

const fn change(add: &'static [&'static str], remove: &'static [&'static str], said: &'static str) -> Change {
    Change { add, remove, said }
}

fn known(action: &str) -> Option<Change> {
    Some(match action {
        "archive" => change(&[], &["INBOX"], "archived"),
        "trash" => change(&["TRASH"], &["INBOX", "SPAM", "DRAFT"], "trashed"),
        "spam" => change(&["SPAM"], &["INBOX", "TRASH"], "spammed"),
        "restore" => change(&["INBOX"], &["SPAM", "TRASH"], "restored"),
        "read" => change(&[], &["UNREAD"], "read"),
        "unread" => change(&["UNREAD"], &[], "unread"),
        "star" => change(&["STARRED"], &[], "starred"),
        "unstar" => change(&[], &["STARRED"], "unstarred"),
        _ => return None,
    })
}

/// Carries an action out on some mails and returns the code of what is then said.
fn act(world: &mut World, address: &str, form: &Params, mails: &[String]) -> Result<&'static str, ApiError> {
    let now = world.now_ms();
    let action = form.get("do").unwrap_or_default();
    if action == "delete" {
        for id in mails {
            delete(world, address, id)?;
        }
        return Ok("deleted");
    }
    let mailbox = mailbox(world, address)?;
    let label = || {
        let id = form.get("label").ok_or_else(|| ApiError::invalid("Choose a label first."))?;
        let own = mailbox.labels.iter().any(|label| label.id == id);
        if own { Ok(vec![id.to_owned()]) } else { Err(ApiError::not_found()) }
    };
    let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    let (add, remove, said) = match action {
        "label" => (label()?, Vec::new(), "labelled"),
        "unlabel" => (Vec::new(), label()?, "unlabelled"),
        "new-label" => {
            let id = labels::add(mailbox, form.get("name").unwrap_or_default(), None)?;
            (vec![id], Vec::new(), "labelled")
        }
        other => {
            let change = known(other).ok_or_else(|| ApiError::invalid("The page knows no such action."))?;
            (owned(change.add), owned(change.remove), change.said)
        }
    };
    for id in mails {
        let draft = mailbox.draft_of(id).map(|draft| draft.id.to_string());
        if let Some(draft) = draft {
            // A draft takes no label; in the trash it is a draft no more.
            if action != "trash" {
                continue;
            }
            mailbox.drafts.remove(&draft);
        }
        mailbox.relabel(id, &add, &remove, now);
    }
    Ok(said)
}

fn mailbox<'a>(world: &'a mut World, address: &str) -> Result<&'a mut Mailbox, ApiError> {
    world.accounts.get_mut(address).map(|account| &mut account.mailbox).ok_or_else(ApiError::not_found)
}

fn delete(world: &mut World, address: &str, id: &str) -> Result<(), ApiError> {
    let now = world.now_ms();
    let mailbox = mailbox(world, address)?;
    match mailbox.draft_of(id).map(|draft| draft.id.to_string()) {
        Some(draft) => drafts::discard(world, address, &draft),
        None => mailbox.remove(id, now).map(|_| ()).ok_or_else(ApiError::not_found),
    }
}

/// What is done in a folder concerns the mails that stand in it: a star is taken from all mails of a conversation, but
/// what lies in the trash is deleted without the rest.
fn concerned(mailbox: &Mailbox, threads: &[&str], action: &str) -> Vec<String> {
    let mails = threads.iter().flat_map(|thread| mailbox.thread(thread));
    let wanted = mails.filter(|mail| match action {
        "delete" => mail.has("TRASH") || mail.has("SPAM"),
        "restore" => mail.has("TRASH") || mail.has("SPAM"),
        // What one wrote oneself is not unread, and was never in the inbox.
        "unread" => !mail.has("SENT") && !mail.has("TRASH"),
        "trash" => true,
        _ => !mail.has("TRASH"),
    });
    wanted.map(|mail| mail.id.to_string()).collect()
}

/// Actions on whole conversations, from a list or from the conversation itself (`from=thread`).
pub(super) async fn on_threads(State(sim): State<Arc<Sim>>, Path(address): Path<String>, body: String) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    let threads = form.all("thread");
    let action = form.get("do").unwrap_or_default();
    let result = sim.write(|world| {
        let mails = concerned(mailbox(world, &address)?, &threads, action);
        if mails.is_empty() {
            return Ok("none");
        }
        act(world, &address, &form, &mails)
    });
    let stays = !["archive", "trash", "spam", "restore", "delete", "unread"].contains(&action);
    match (result, threads.first()) {
        (Err(error), _) => problem(&error),
        (Ok(said), Some(thread)) if form.get("from") == Some("thread") && stays => {
            redirect(&format!("{}?said={said}", thread_path(&address, thread)))
        }
        (Ok(said), _) => redirect(&back(&address, &form, said)),
    }
}

/// The list that the form stood in.
fn back(address: &str, form: &Params, said: &str) -> String {
    let mut to = format!("/mail/{}?said={said}", encoded(address));
    for key in ["in", "q", "page"] {
        if let Some(value) = form.get(key) {
            to.push_str(&format!("&{key}={}", encoded(value)));
        }
    }
    to
}

/// Actions on one mail of a conversation.
pub(super) async fn on_mail(
    State(sim): State<Arc<Sim>>,
    Path((address, id)): Path<(String, String)>,
    body: String,
) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    let result = sim.write(|world| {
        let mail = mailbox(world, &address)?.messages.get(&id).ok_or_else(ApiError::not_found)?;
        let thread = mail.thread_id.to_string();
        let said = act(world, &address, &form, std::slice::from_ref(&id))?;
        let left = !mailbox(world, &address)?.thread(&thread).is_empty();
        Ok((said, left.then_some(thread)))
    });
    match result {
        Ok((said, Some(thread))) => redirect(&format!("{}?said={said}#m{id}", thread_path(&address, &thread))),
        Ok((said, None)) => redirect(&back(&address, &Params::default(), said)),
        Err(error) => problem(&error),
    }
}
