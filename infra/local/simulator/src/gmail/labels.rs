//! `users.labels`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    LABELS, MAIL, METADATA, MODIFY, READONLY,
    call::{Answer, Call, Caller, Method},
    mailbox, palette,
};
use crate::{
    error::ApiError,
    mailbox::{Label, Mailbox, Narrow, SYSTEM_LABELS},
    state::World,
};

const SEE: &[&str] = &[MAIL, MODIFY, READONLY, METADATA, LABELS];
const WRITE: &[&str] = &[MAIL, MODIFY, LABELS];
pub(super) static LIST: Method = Method::look("gmail.users.labels.list", 1, SEE, list);
pub(super) static GET: Method = Method::look("gmail.users.labels.get", 1, SEE, get);
pub(super) static CREATE: Method = Method::change("gmail.users.labels.create", 5, WRITE, create);
pub(super) static UPDATE: Method = Method::change("gmail.users.labels.update", 5, WRITE, update);
pub(super) static PATCH: Method = Method::change("gmail.users.labels.patch", 5, WRITE, patch);
pub(super) static DELETE: Method = Method::change("gmail.users.labels.delete", 5, WRITE, delete);

/// Names that Gmail keeps for itself beside its label ids.
const RESERVED: [&str; 8] = ["muted", "drafts", "all mail", "scheduled", "snoozed", "outbox", "bin", "sent mail"];
/// Bytes of a name.
const NAME_LIMIT: usize = 225;

fn list(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    let mailbox = mailbox(world, &caller.address)?;
    let system = SYSTEM_LABELS.iter().map(|id| system(id));
    Ok(json!({"labels": system.chain(mailbox.labels.iter().map(listed)).collect::<Vec<_>>()}))
}

fn system(id: &str) -> Value {
    let mut value = json!({"id": id, "name": id, "type": "system"});
    if id.starts_with("CATEGORY_") || ["CHAT", "SPAM", "TRASH", "IMPORTANT"].contains(&id) {
        value["messageListVisibility"] = json!("hide");
        value["labelListVisibility"] = json!("labelHide");
    }
    value
}

/// A label of a person's own as the list shows it: without its colour.
fn listed(label: &Label) -> Value {
    let mut value = json!({"id": label.id, "name": label.name, "type": "user"});
    if let Some(visibility) = &label.message_visibility {
        value["messageListVisibility"] = json!(visibility);
    }
    if let Some(visibility) = &label.label_visibility {
        value["labelListVisibility"] = json!(visibility);
    }
    value
}

fn own(label: &Label) -> Value {
    let mut value = listed(label);
    if let Some((text, background)) = &label.colour {
        value["color"] = json!({"textColor": text, "backgroundColor": background});
    }
    value
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let mailbox = mailbox(world, &caller.address)?;
    let id = call.id();
    let mut value = match mailbox.labels.iter().find(|label| label.id == id) {
        Some(label) => own(label),
        None if SYSTEM_LABELS.contains(&id) => system(id),
        None => return Err(ApiError::not_found()),
    };
    count(mailbox, id, &mut value);
    Ok(value)
}

fn count(mailbox: &Mailbox, id: &str, value: &mut Value) {
    let labelled = mailbox.messages.candidates(&Narrow::labelled(id));
    let threads: BTreeSet<_> = labelled.iter().map(|mail| &mail.thread_id).collect();
    let unread: Vec<_> = labelled.iter().filter(|mail| mail.has("UNREAD")).collect();
    let unread_threads: BTreeSet<_> = unread.iter().map(|mail| &mail.thread_id).collect();
    value["messagesTotal"] = json!(labelled.len());
    value["messagesUnread"] = json!(unread.len());
    value["threadsTotal"] = json!(threads.len());
    value["threadsUnread"] = json!(unread_threads.len());
}

/// The fields of a label that a caller may write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    name: Option<String>,
    message_list_visibility: Option<String>,
    label_list_visibility: Option<String>,
    color: Option<Colour>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Colour {
    text_color: Option<String>,
    background_color: Option<String>,
}

impl Wish {
    fn colour(&self) -> Result<Option<(String, String)>, ApiError> {
        match &self.color {
            None => Ok(None),
            Some(Colour { text_color: Some(text), background_color: Some(background) }) => {
                for colour in [text, background] {
                    if !palette::allows(colour) {
                        let message = format!("Label color {colour} is not on the allowed color palette");
                        return Err(ApiError::invalid(message));
                    }
                }
                Ok(Some((text.to_lowercase(), background.to_lowercase())))
            }
            Some(_) => Err(ApiError::invalid("Label color requires both textColor and backgroundColor")),
        }
    }

    fn check_visibility(&self) -> Result<(), ApiError> {
        let one_of = |value: &Option<String>, allowed: &[&str], field: &str| match value {
            Some(value) if !allowed.contains(&value.as_str()) => {
                Err(ApiError::invalid(format!("Invalid value at 'label.{field}', {value:?}")))
            }
            _ => Ok(()),
        };
        one_of(&self.message_list_visibility, &["show", "hide"], "message_list_visibility")?;
        let shown = ["labelShow", "labelShowIfUnread", "labelHide"];
        one_of(&self.label_list_visibility, &shown, "label_list_visibility")
    }
}

/// The name, if it may be that of the label `id` (`None`: of a new one).
pub(crate) fn checked_name(mailbox: &Mailbox, name: &str, id: Option<&str>) -> Result<String, ApiError> {
    let name = name.trim();
    let lower = name.to_lowercase();
    let system = SYSTEM_LABELS.iter().any(|id| id.eq_ignore_ascii_case(name));
    let nested_badly = name.split('/').any(|step| step.trim().is_empty());
    if nested_badly
        || name.chars().any(char::is_control)
        || name.len() > NAME_LIMIT
        || system
        || RESERVED.contains(&lower.as_str())
    {
        return Err(ApiError::invalid("Invalid label name"));
    }
    if mailbox.labels.iter().any(|label| Some(label.id.as_str()) != id && label.name.to_lowercase() == lower) {
        return Err(ApiError::new(409, "aborted", "Label name exists or conflicts"));
    }
    Ok(name.to_owned())
}

/// An id that no label has had: a deleted one may still stand in somebody's cache.
pub(crate) fn fresh_id(mailbox: &mut Mailbox) -> String {
    let number = mailbox.labels.iter().filter_map(|l| l.id.strip_prefix("Label_")?.parse::<u64>().ok()).max();
    mailbox.last_label = mailbox.last_label.max(number.unwrap_or(0)) + 1;
    format!("Label_{}", mailbox.last_label)
}

fn create(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Wish = call.json()?;
    let mailbox = mailbox(world, &caller.address)?;
    let name = checked_name(mailbox, wish.name.as_deref().unwrap_or_default(), None)?;
    let colour = wish.colour()?;
    wish.check_visibility()?;
    let label = Label {
        id: fresh_id(mailbox),
        name,
        colour,
        message_visibility: wish.message_list_visibility,
        label_visibility: wish.label_list_visibility,
    };
    let answer = own(&label);
    mailbox.labels.push(label);
    Ok(answer)
}

fn update(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Wish = call.json()?;
    let mailbox = mailbox(world, &caller.address)?;
    let at = position(mailbox, call.id(), "Invalid update request")?;
    let name = checked_name(mailbox, wish.name.as_deref().unwrap_or_default(), Some(call.id()))?;
    let colour = wish.colour()?;
    wish.check_visibility()?;
    let label = &mut mailbox.labels[at];
    label.name = name;
    label.colour = colour;
    label.message_visibility = wish.message_list_visibility;
    label.label_visibility = wish.label_list_visibility;
    Ok(own(label))
}

fn patch(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Wish = call.json()?;
    let mailbox = mailbox(world, &caller.address)?;
    let at = position(mailbox, call.id(), "Invalid update request")?;
    let name = wish.name.as_deref().map(|name| checked_name(mailbox, name, Some(call.id()))).transpose()?;
    let colour = wish.colour()?;
    wish.check_visibility()?;
    let label = &mut mailbox.labels[at];
    if let Some(name) = name {
        label.name = name;
    }
    if colour.is_some() {
        label.colour = colour;
    }
    if wish.message_list_visibility.is_some() {
        label.message_visibility = wish.message_list_visibility;
    }
    if wish.label_list_visibility.is_some() {
        label.label_visibility = wish.label_list_visibility;
    }
    Ok(own(label))
}

/// Where the label stands; Gmail's own ones can be neither changed nor deleted.
fn position(mailbox: &Mailbox, id: &str, of_system: &str) -> Result<usize, ApiError> {
    if SYSTEM_LABELS.contains(&id) {
        return Err(ApiError::invalid(of_system));
    }
    mailbox.labels.iter().position(|label| label.id == id).ok_or_else(ApiError::not_found)
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    let at = position(mailbox, call.id(), "Invalid delete request")?;
    drop_at(mailbox, at, now);
    Ok(Value::Null)
}

/// The label goes, and comes off every mail.
pub(crate) fn drop_at(mailbox: &mut Mailbox, at: usize, now: i64) {
    let label = mailbox.labels.remove(at).id;
    let carriers: Vec<String> =
        mailbox.messages.candidates(&Narrow::labelled(&label)).into_iter().map(|mail| mail.id.clone()).collect();
    for id in carriers {
        mailbox.relabel(&id, &[], std::slice::from_ref(&label), now);
    }
}
