//! `users.messages`: reading, labelling, trash and deletion, and attachments.

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CHANGE, DELETE, LOOK, Params, READ,
    call::{Answer, Call, Caller, Method},
    hex_id, mailbox,
    render::{self, Format},
    search::Query,
};
use crate::{
    error::ApiError,
    mailbox::{Mail, Mailbox},
    state::World,
};

pub(super) static LIST: Method = Method::look("gmail.users.messages.list", 5, LOOK, list);
pub(super) static GET: Method = Method::look("gmail.users.messages.get", 20, LOOK, get);
pub(super) static MODIFY_ONE: Method = Method::change("gmail.users.messages.modify", 5, CHANGE, modify);
pub(super) static TRASH: Method = Method::change("gmail.users.messages.trash", 20, CHANGE, trash);
pub(super) static UNTRASH: Method = Method::change("gmail.users.messages.untrash", 5, CHANGE, untrash);
pub(super) static DELETE_ONE: Method = Method::change("gmail.users.messages.delete", 10, DELETE, delete);
pub(super) static BATCH_MODIFY: Method = Method::change("gmail.users.messages.batchModify", 50, CHANGE, batch_modify);
pub(super) static BATCH_DELETE: Method = Method::change("gmail.users.messages.batchDelete", 50, DELETE, batch_delete);
pub(super) static ATTACHMENT: Method = Method::look("gmail.users.messages.attachments.get", 20, READ, attachment);

/// Ids of one batch, and labels of one change.
const BATCH_LIMIT: usize = 1_000;
const LABELS_LIMIT: usize = 100;

fn list(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let hits = select(mailbox, &[], &call.params, caller, now)?;
    let (page, next) = paginate(&hits, &call.params)?;
    let mut answer = json!({"resultSizeEstimate": hits.len()});
    if !page.is_empty() {
        answer["messages"] = page.iter().map(|mail| json!({"id": mail.id, "threadId": mail.thread_id})).collect();
    }
    if let Some(token) = next {
        answer["nextPageToken"] = json!(token);
    }
    Ok(answer)
}

/// What `labelIds` (all of them) and `q` ask for among the mails with each of the labels `within`, newest first, without
/// spam and trash unless asked for.
pub(super) fn select<'a>(
    mailbox: &'a Mailbox,
    within: &[&str],
    params: &Params,
    caller: &Caller,
    now_ms: i64,
) -> Result<Vec<&'a Mail>, ApiError> {
    let labels = params.all("labelIds");
    if let Some(unknown) = labels.iter().find(|label| !mailbox.knows_label(label)) {
        return Err(ApiError::invalid(format!("Invalid label: {unknown}")));
    }
    let q = params.get("q");
    if q.is_some() && caller.metadata_only {
        return Err(ApiError::new(403, "forbidden", "Metadata scope does not support 'q' parameter"));
    }
    let query = Query::parse(q.unwrap_or_default(), now_ms);
    let all = params.get("includeSpamTrash") == Some("true");
    let required: Vec<&str> = labels.iter().chain(within).copied().collect();
    let hidden = |mail: &Mail| {
        ["SPAM", "TRASH"]
            .into_iter()
            .any(|label| mail.has(label) && !all && !labels.contains(&label) && !query.names_label(label))
    };
    Ok(mailbox
        .messages
        .candidates(&query.narrow(&required))
        .into_iter()
        .filter(|mail| !hidden(mail) && query.matches(mailbox, mail))
        .collect())
}

/// One page of a list that is sorted newest first; the token names the last mail shown, so that new mail does not
/// shift the pages.
pub(super) fn paginate<'a>(hits: &[&'a Mail], params: &Params) -> Result<(Vec<&'a Mail>, Option<String>), ApiError> {
    let size = params.page_size(100, 500)?;
    let after = params.get("pageToken").map(page_mark).transpose()?;
    let mut rest = hits
        .iter()
        .copied()
        .filter(|mail| after.as_ref().is_none_or(|(ms, id)| (mail.internal_ms, mail.id.as_str()) < (*ms, id.as_str())));
    let page: Vec<&Mail> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let token =
        page.last().filter(|_| more).map(|last| BASE64_URL_SAFE.encode(format!("{}:{}", last.internal_ms, last.id)));
    Ok((page, token))
}

fn page_mark(token: &str) -> Result<(i64, String), ApiError> {
    BASE64_URL_SAFE
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (ms, id) = text.split_once(':')?;
            Some((ms.parse().ok()?, id.to_owned()))
        })
        .ok_or_else(|| ApiError::invalid("Invalid pageToken"))
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let format = Format::of(&call.params, caller)?;
    let mail = mailbox(world, &caller.address)?.messages.get(hex_id(call.id())?).ok_or_else(ApiError::not_found)?;
    Ok(render::message(mail, &format))
}

/// Labels to put on and to take off.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Labels {
    #[serde(default)]
    pub add_label_ids: Vec<String>,
    #[serde(default)]
    pub remove_label_ids: Vec<String>,
    #[serde(default)]
    ids: Vec<String>,
}

impl Labels {
    pub fn check(&self, mailbox: &Mailbox) -> Result<(), ApiError> {
        if self.add_label_ids.is_empty() && self.remove_label_ids.is_empty() {
            return Err(ApiError::invalid("No label add or removes specified"));
        }
        if self.add_label_ids.len() > LABELS_LIMIT || self.remove_label_ids.len() > LABELS_LIMIT {
            return Err(ApiError::invalid("Too many labels in one request"));
        }
        if self.add_label_ids.iter().any(|label| self.remove_label_ids.contains(label)) {
            return Err(ApiError::invalid("Cannot both add and remove the same label"));
        }
        // Nobody makes a mail sent or a draft by its label.
        let settable = |label: &String| mailbox.knows_label(label) && !["SENT", "DRAFT"].contains(&label.as_str());
        match self.add_label_ids.iter().chain(&self.remove_label_ids).find(|label| !settable(label)) {
            Some(label) => Err(ApiError::invalid(format!("Invalid label: {label}"))),
            None => Ok(()),
        }
    }
}

fn modify(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let labels: Labels = call.json()?;
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let known = mailbox.messages.get(hex_id(call.id())?).ok_or_else(ApiError::not_found)?;
    if known.has("DRAFT") {
        return Err(ApiError::invalid("Invalid label: a draft has no label but DRAFT"));
    }
    labels.check(mailbox)?;
    let mail = mailbox
        .relabel(call.id(), &labels.add_label_ids, &labels.remove_label_ids, now)
        .ok_or_else(ApiError::not_found)?;
    Ok(render::stub(mail))
}

fn batch_modify(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let labels: Labels = call.json()?;
    let now = world.now_ms();
    check_batch(&labels.ids)?;
    let mailbox = mailbox(world, &caller.address)?;
    labels.check(mailbox)?;
    for id in &labels.ids {
        if mailbox.messages.get(id).is_some_and(|mail| !mail.has("DRAFT")) {
            mailbox.relabel(id, &labels.add_label_ids, &labels.remove_label_ids, now);
        }
    }
    Ok(Value::Null)
}

fn check_batch(ids: &[String]) -> Result<(), ApiError> {
    if ids.is_empty() {
        return Err(ApiError::invalid("No message ids specified"));
    }
    if ids.len() > BATCH_LIMIT {
        return Err(ApiError::invalid("Too many message ids in one request; the limit is 1000"));
    }
    ids.iter().try_for_each(|id| hex_id(id).map(|_| ()).map_err(|_| ApiError::invalid("Invalid ids value")))
}

/// Moves a message to the trash; a draft ends as one.
pub(super) fn put_in_trash(mailbox: &mut Mailbox, id: &str, now_ms: i64) -> Option<()> {
    mailbox.relabel(id, &["TRASH".to_owned()], &["INBOX".to_owned(), "DRAFT".to_owned()], now_ms)?;
    mailbox.drafts.remove_of(id);
    Some(())
}

fn trash(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    put_in_trash(mailbox, hex_id(call.id())?, now).ok_or_else(ApiError::not_found)?;
    mailbox.messages.get(call.id()).map(render::stub).ok_or_else(ApiError::not_found)
}

fn untrash(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mail = mailbox(world, &caller.address)?.relabel(hex_id(call.id())?, &[], &["TRASH".to_owned()], now);
    mail.map(render::stub).ok_or_else(ApiError::not_found)
}

/// Deletes a message for good, and the draft that holds it.
pub(super) fn erase(mailbox: &mut Mailbox, id: &str, now_ms: i64) -> Option<()> {
    mailbox.remove(id, now_ms)?;
    mailbox.drafts.remove_of(id);
    Some(())
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    erase(mailbox(world, &caller.address)?, hex_id(call.id())?, now).ok_or_else(ApiError::not_found)?;
    Ok(Value::Null)
}

fn batch_delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    #[derive(Deserialize)]
    struct Ids {
        #[serde(default)]
        ids: Vec<String>,
    }
    let Ids { ids } = call.json()?;
    let now = world.now_ms();
    check_batch(&ids)?;
    let mailbox = mailbox(world, &caller.address)?;
    for id in &ids {
        erase(mailbox, id, now);
    }
    Ok(Value::Null)
}

fn attachment(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let mail = mailbox(world, &caller.address)?.messages.get(hex_id(call.id())?).ok_or_else(ApiError::not_found)?;
    let bytes = render::attachment(mail, call.name("attachment"))
        .ok_or_else(|| ApiError::invalid("Invalid attachment token"))?;
    Ok(json!({"size": bytes.len(), "data": BASE64_URL_SAFE.encode(&bytes)}))
}
