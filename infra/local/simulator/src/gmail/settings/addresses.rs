//! `users.settings.forwardingAddresses` and `users.settings.delegates`: addresses of others who must agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SEE, Settings, mail_address};
use crate::{
    error::ApiError,
    gmail::{
        SHARING, account,
        call::{Answer, Call, Caller, Method},
    },
    state::{World, canonical},
};

const WRITE: &[&str] = &[SHARING];
pub(in crate::gmail) static LIST_FORWARDING: Method =
    Method::look("gmail.users.settings.forwardingAddresses.list", 1, SEE, |w, c, _| list(w, c, &FORWARDING));
pub(in crate::gmail) static GET_FORWARDING: Method =
    Method::look("gmail.users.settings.forwardingAddresses.get", 1, SEE, |w, c, call| get(w, c, call, &FORWARDING));
pub(in crate::gmail) static CREATE_FORWARDING: Method =
    Method::change("gmail.users.settings.forwardingAddresses.create", 100, WRITE, |w, c, call| {
        create(w, c, call, &FORWARDING)
    });
pub(in crate::gmail) static DELETE_FORWARDING: Method =
    Method::change("gmail.users.settings.forwardingAddresses.delete", 5, WRITE, delete_forwarding);
pub(in crate::gmail) static LIST_DELEGATES: Method =
    Method::look("gmail.users.settings.delegates.list", 1, SEE, |w, c, _| list(w, c, &DELEGATES));
pub(in crate::gmail) static GET_DELEGATE: Method =
    Method::look("gmail.users.settings.delegates.get", 1, SEE, |w, c, call| get(w, c, call, &DELEGATES));
pub(in crate::gmail) static CREATE_DELEGATE: Method =
    Method::change("gmail.users.settings.delegates.create", 100, WRITE, |w, c, call| create(w, c, call, &DELEGATES));
pub(in crate::gmail) static DELETE_DELEGATE: Method =
    Method::change("gmail.users.settings.delegates.delete", 5, WRITE, |w, c, call| delete(w, c, call, &DELEGATES));

/// Whether the owner of an address agreed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Standing {
    Accepted,
    #[default]
    Pending,
}

type Addresses = BTreeMap<String, Standing>;

/// The two kinds differ by their names. Within one organisation nobody is asked.
struct Kind {
    list: &'static str,
    field: &'static str,
    of: fn(&mut Settings) -> &mut Addresses,
}

static FORWARDING: Kind =
    Kind { list: "forwardingAddresses", field: "forwardingEmail", of: |settings| &mut settings.forwarding };
static DELEGATES: Kind = Kind { list: "delegates", field: "delegateEmail", of: |settings| &mut settings.delegates };

fn render(kind: &Kind, address: &str, standing: Standing) -> Value {
    let mut value = json!({"verificationStatus": standing});
    value[kind.field] = json!(address);
    value
}

fn list(world: &mut World, caller: &Caller, kind: &Kind) -> Answer {
    let known = (kind.of)(&mut account(world, &caller.address)?.settings);
    let mut answer = json!({});
    if !known.is_empty() {
        answer[kind.list] = known.iter().map(|(address, standing)| render(kind, address, *standing)).collect();
    }
    Ok(answer)
}

fn get(world: &mut World, caller: &Caller, call: &Call, kind: &Kind) -> Answer {
    let address = call.id().to_lowercase();
    let known = (kind.of)(&mut account(world, &caller.address)?.settings);
    let standing = known.get(&address).copied().ok_or_else(ApiError::not_found)?;
    Ok(render(kind, &address, standing))
}

fn create(world: &mut World, caller: &Caller, call: &Call, kind: &Kind) -> Answer {
    let wish: Value = call.json()?;
    let address = mail_address(wish.get(kind.field).and_then(Value::as_str).unwrap_or_default())?;
    if canonical(&address) == caller.address {
        return Err(ApiError::invalid("The address is the account's own"));
    }
    let account = account(world, &caller.address)?;
    let own = account.config.hosted_domain.as_deref();
    let inside = own.is_some() && address.rsplit_once('@').map(|(_, domain)| domain) == own;
    let standing = if inside { Standing::Accepted } else { Standing::Pending };
    let known = (kind.of)(&mut account.settings);
    if known.contains_key(&address) {
        return Err(ApiError::new(409, "alreadyExists", "Requested entity already exists"));
    }
    known.insert(address.clone(), standing);
    Ok(render(kind, &address, standing))
}

fn delete(world: &mut World, caller: &Caller, call: &Call, kind: &Kind) -> Answer {
    let known = (kind.of)(&mut account(world, &caller.address)?.settings);
    known.remove(&call.id().to_lowercase()).map(|_| Value::Null).ok_or_else(ApiError::not_found)
}

/// Forwarding to an address ends with the address.
fn delete_forwarding(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let answer = delete(world, caller, call, &FORWARDING)?;
    let forwarding = &mut account(world, &caller.address)?.settings.auto_forwarding;
    if forwarding.email_address.as_deref() == Some(call.id().to_lowercase().as_str()) {
        forwarding.enabled = false;
        forwarding.email_address = None;
    }
    Ok(answer)
}

impl Settings {
    /// Whether mail may be forwarded to this address.
    pub fn may_forward_to(&self, address: &str) -> bool {
        self.forwarding.get(&address.to_lowercase()) == Some(&Standing::Accepted)
    }
}
