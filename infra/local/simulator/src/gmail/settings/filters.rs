//! `users.settings.filters`. Their work is done where mail arrives.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SEE, one_of, show};
use crate::{
    error::ApiError,
    gmail::{
        BASIC, account,
        call::{Answer, Call, Caller, Method},
    },
    state::{World, random},
};

pub(in crate::gmail) static LIST: Method = Method::look("gmail.users.settings.filters.list", 1, SEE, list);
pub(in crate::gmail) static GET: Method = Method::look("gmail.users.settings.filters.get", 1, SEE, get);
pub(in crate::gmail) static CREATE: Method = Method::change("gmail.users.settings.filters.create", 5, &[BASIC], create);
pub(in crate::gmail) static DELETE: Method = Method::change("gmail.users.settings.filters.delete", 5, &[BASIC], delete);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub criteria: Criteria,
    #[serde(default)]
    pub action: Action,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Criteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negated_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_attachment: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_chats: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_comparison: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Action {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<String>,
}

fn list(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    let filters = &account(world, &caller.address)?.settings.filters;
    if filters.is_empty() { Ok(json!({})) } else { Ok(json!({"filter": filters})) }
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let filters = &account(world, &caller.address)?.settings.filters;
    show(filters.iter().find(|filter| filter.id == call.id()).ok_or_else(ApiError::not_found)?)
}

fn create(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Filter = call.json()?;
    let account = account(world, &caller.address)?;
    let filter = Filter { id: format!("ANe1Bm{}", random(24)), ..wish };
    if filter.criteria == Criteria::default() {
        return Err(ApiError::invalid("Filter doesn't have any criteria"));
    }
    if filter.action == Action::default() {
        return Err(ApiError::invalid("Filter doesn't have any actions"));
    }
    one_of(&filter.criteria.size_comparison, &["smaller", "larger"], "filter.criteria.size_comparison")?;
    let action = &filter.action;
    let settable = |id: &&String| account.mailbox.knows_label(id) && !["SENT", "DRAFT"].contains(&id.as_str());
    if let Some(label) = action.add_label_ids.iter().chain(&action.remove_label_ids).find(|id| !settable(id)) {
        return Err(ApiError::invalid(format!("Invalid label: {label}")));
    }
    if action.forward.as_deref().is_some_and(|to| !account.settings.may_forward_to(to)) {
        return Err(ApiError::new(400, "failedPrecondition", "Unrecognized forwarding address"));
    }
    let filters = &mut account.settings.filters;
    if filters.iter().any(|known| known.criteria == filter.criteria && known.action == filter.action) {
        return Err(ApiError::new(400, "failedPrecondition", "Filter already exists"));
    }
    filters.push(filter.clone());
    show(&filter)
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let filters = &mut account(world, &caller.address)?.settings.filters;
    let before = filters.len();
    filters.retain(|filter| filter.id != call.id());
    if filters.len() == before { Err(ApiError::not_found()) } else { Ok(Value::Null) }
}
