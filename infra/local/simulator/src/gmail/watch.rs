//! `users.watch` and `users.stop`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    LOOK,
    call::{Answer, Call, Caller, Method},
    mailbox,
};
use crate::{
    error::ApiError,
    mailbox::Watch,
    state::{DAY_MS, World},
};

pub(super) static WATCH: Method = Method::change("gmail.users.watch", 100, LOOK, watch);
pub(super) static STOP: Method = Method::change("gmail.users.stop", 50, LOOK, stop);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    #[serde(default)]
    topic_name: String,
    #[serde(default)]
    label_ids: BTreeSet<String>,
    label_filter_behavior: Option<String>,
    label_filter_action: Option<String>,
}

impl Wish {
    /// The older field counts only where the newer one is absent.
    fn exclude(&self) -> Result<bool, ApiError> {
        match self.label_filter_behavior.as_deref().or(self.label_filter_action.as_deref()) {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("include") => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("exclude") => Ok(true),
            Some(_) => Err(ApiError::invalid("Invalid value at 'label_filter_behavior'")),
        }
    }
}

/// Checks that the topic exists, belongs to the client's project and takes Gmail's messages.
fn check_topic(world: &World, client_id: &str, name: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = name.split('/').collect();
    let (project, topic) = match parts.as_slice() {
        ["projects", project, "topics", topic] if !project.is_empty() && !topic.is_empty() => (*project, *topic),
        _ => return Err(ApiError::invalid("Invalid topicName does not match projects/*/topics/*")),
    };
    if let Some(own) = world.cloud.project_of(client_id).filter(|own| *own != project) {
        return Err(ApiError::invalid(format!("Invalid topicName does not match projects/{own}/topics/*")));
    }
    let refused = |code, reason, why: &str| {
        ApiError::new(code, reason, format!("Error sending test message to Cloud PubSub {name} : {why}"))
    };
    if !world.knows_topic(name) {
        return Err(refused(404, "notFound", &format!("Resource not found (resource={topic}).")));
    }
    if world.cloud.is_closed(name) {
        return Err(refused(403, "forbidden", "User not authorized to perform this action."));
    }
    Ok(())
}

fn watch(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Wish = call.json()?;
    check_topic(world, &caller.client_id, &wish.topic_name)?;
    let exclude = wish.exclude()?;
    let now = world.now_ms();
    let mailbox = mailbox(world, &caller.address)?;
    if let Some(unknown) = wish.label_ids.iter().find(|label| !mailbox.knows_label(label)) {
        return Err(ApiError::invalid(format!("Invalid label: {unknown}")));
    }
    if mailbox.watch.as_ref().is_some_and(|w| w.expiration_ms > now && w.topic != wish.topic_name) {
        return Err(ApiError::invalid(
            "Only one user push notification client allowed per developer (call /stop then try again)",
        ));
    }
    let expiration_ms = now + 7 * DAY_MS;
    mailbox.watch = Some(Watch { topic: wish.topic_name, labels: wish.label_ids, exclude, expiration_ms });
    Ok(json!({"historyId": mailbox.history.newest.to_string(), "expiration": expiration_ms.to_string()}))
}

fn stop(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    mailbox(world, &caller.address)?.watch = None;
    Ok(Value::Null)
}
