//! `users.settings`: what a person sets in Gmail's own pages.
//!
//! Invariant: an account has exactly one default send-as address, its primary one unless an accepted alias was chosen.

mod addresses;
pub(crate) mod filters;
mod pairs;
mod send_as;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{BASIC, MAIL, MODIFY, READONLY, Routes, call::Answer, on, vacation};
use crate::{
    error::ApiError,
    server::{Running, Sim},
    state::{World, canonical},
};
use addresses::Standing;
use filters::Filter;
use pairs::{AutoForwarding, Imap, Language, Pop};
use send_as::{Alias, Primary};

pub(super) const SEE: &[&str] = &[MAIL, MODIFY, READONLY, BASIC];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    primary: Primary,
    aliases: Vec<Alias>,
    /// The alias that is the default; `None`: the primary address.
    default_alias: Option<String>,
    pub vacation: vacation::Vacation,
    pub auto_forwarding: AutoForwarding,
    imap: Imap,
    pop: Pop,
    language: Language,
    pub filters: Vec<Filter>,
    /// Address and whether its owner agreed.
    forwarding: BTreeMap<String, Standing>,
    delegates: BTreeMap<String, Standing>,
    /// When mails were sent, for the limit of a day.
    pub sent_ms: Vec<i64>,
    /// When the vacation responder answered whom.
    pub answered_ms: BTreeMap<String, i64>,
}

impl Settings {
    /// The alias under this address, if mail may be sent from it.
    pub fn accepted_alias(&self, address: &str) -> Option<&Alias> {
        let address = address.trim().to_lowercase();
        self.aliases.iter().find(|alias| alias.accepted && alias.address == address)
    }

    pub fn default_alias(&self) -> Option<&Alias> {
        self.accepted_alias(self.default_alias.as_deref()?)
    }

    pub fn primary_name(&self) -> &str {
        self.primary.name.as_deref().unwrap_or_default()
    }

    /// Accepts what waits for the consent of this address' owner; `false`: nothing does.
    fn verify(&mut self, address: &str) -> bool {
        let address = address.trim().to_lowercase();
        let mut found = false;
        for alias in self.aliases.iter_mut().filter(|alias| alias.address == address) {
            alias.accepted = true;
            found = true;
        }
        for standing in [self.forwarding.get_mut(&address), self.delegates.get_mut(&address)].into_iter().flatten() {
            *standing = Standing::Accepted;
            found = true;
        }
        found
    }
}

impl World {
    /// The account that mail to this address reaches: its own, or the one that has it as an accepted alias.
    pub fn owner_of(&self, address: &str) -> Option<String> {
        let key = canonical(address);
        if self.accounts.contains_key(&key) {
            return Some(key);
        }
        self.accounts
            .iter()
            .find(|(_, account)| account.settings.accepted_alias(address).is_some())
            .map(|(key, _)| key.clone())
    }

    /// Whether this simulator is the mail server of an address, whether the address exists or not.
    pub fn hosts(&self, address: &str) -> bool {
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        let wanted = domain(address);
        wanted.is_some() && self.accounts.keys().any(|account| domain(account) == wanted)
    }
}

pub(super) fn routes() -> Routes {
    vec![
        ("/settings/vacation", get(on(&vacation::GET)).put(on(&vacation::UPDATE))),
        ("/settings/autoForwarding", get(on(&pairs::GET_FORWARDING)).put(on(&pairs::UPDATE_FORWARDING))),
        ("/settings/imap", get(on(&pairs::GET_IMAP)).put(on(&pairs::UPDATE_IMAP))),
        ("/settings/pop", get(on(&pairs::GET_POP)).put(on(&pairs::UPDATE_POP))),
        ("/settings/language", get(on(&pairs::GET_LANGUAGE)).put(on(&pairs::UPDATE_LANGUAGE))),
        ("/settings/filters", get(on(&filters::LIST)).post(on(&filters::CREATE))),
        ("/settings/filters/{id}", get(on(&filters::GET)).delete(on(&filters::DELETE))),
        ("/settings/sendAs", get(on(&send_as::LIST)).post(on(&send_as::CREATE))),
        (
            "/settings/sendAs/{id}",
            get(on(&send_as::GET)).put(on(&send_as::UPDATE)).patch(on(&send_as::PATCH)).delete(on(&send_as::DELETE)),
        ),
        ("/settings/sendAs/{id}/verify", post(on(&send_as::VERIFY))),
        ("/settings/forwardingAddresses", get(on(&addresses::LIST_FORWARDING)).post(on(&addresses::CREATE_FORWARDING))),
        (
            "/settings/forwardingAddresses/{id}",
            get(on(&addresses::GET_FORWARDING)).delete(on(&addresses::DELETE_FORWARDING)),
        ),
        ("/settings/delegates", get(on(&addresses::LIST_DELEGATES)).post(on(&addresses::CREATE_DELEGATE))),
        ("/settings/delegates/{id}", get(on(&addresses::GET_DELEGATE)).delete(on(&addresses::DELETE_DELEGATE))),
    ]
}

pub(super) fn show<T: Serialize>(settings: &T) -> Answer {
    serde_json::to_value(settings).map_err(|error| {
        tracing::error!(%error, "settings could not be written");
        ApiError::new(500, "backendError", "Internal error encountered.")
    })
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value)
        .map_err(|error| ApiError::new(400, "parseError", format!("Invalid JSON payload received. {error}")))
}

/// Reads settings whose 64-bit numbers may come as JSON numbers or, as the API writes them, as strings.
pub(super) fn numbers_as_text<T: DeserializeOwned>(mut value: Value, fields: &[&str]) -> Result<T, ApiError> {
    for field in fields {
        if let Some(number) = value.get(field).filter(|found| found.is_number()).map(Value::to_string) {
            value[field] = json!(number);
        }
    }
    typed(value)
}

/// A value of an enumeration, if it is one of the API's.
fn one_of(value: &Option<String>, allowed: &[&str], field: &str) -> Result<(), ApiError> {
    match value {
        Some(value) if !allowed.contains(&value.as_str()) => {
            Err(ApiError::invalid(format!("Invalid value at '{field}', {value:?}")))
        }
        _ => Ok(()),
    }
}

/// An address in lower case, if it is one.
fn mail_address(text: &str) -> Result<String, ApiError> {
    let address = text.trim().to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !address.contains(' ') => Ok(address),
        _ => Err(ApiError::invalid("Invalid email address")),
    }
}

impl Running {
    /// Gives an account an accepted send-as alias, as its administrator would.
    pub fn alias(&self, account: &str, address: &str, name: &str) -> Result<(), ApiError> {
        self.sim.write(|world| send_as::put(world, &canonical(account), address, name))
    }

    /// The owner of an address agrees to be an alias, a forwarding address or a delegate of the account.
    pub fn verify_address(&self, account: &str, address: &str) -> Result<(), ApiError> {
        self.sim.write(|world| agree(world, account, address))
    }
}

fn agree(world: &mut World, account: &str, address: &str) -> Result<(), ApiError> {
    let found = super::account(world, &canonical(account))?.settings.verify(address);
    if found { Ok(()) } else { Err(ApiError::not_found()) }
}

pub(crate) fn control_routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/accounts/{address}/aliases", post(add_alias))
        .route("/accounts/{address}/verify", post(verify))
}

#[derive(Deserialize)]
struct Named {
    address: String,
    #[serde(default)]
    name: String,
}

async fn add_alias(
    State(sim): State<Arc<Sim>>,
    Path(account): Path<String>,
    Json(alias): Json<Named>,
) -> Result<StatusCode, ApiError> {
    sim.write(|world| send_as::put(world, &canonical(&account), &alias.address, &alias.name))
        .map(|()| StatusCode::NO_CONTENT)
}

async fn verify(
    State(sim): State<Arc<Sim>>,
    Path(account): Path<String>,
    Json(wish): Json<Named>,
) -> Result<StatusCode, ApiError> {
    sim.write(|world| agree(world, &account, &wish.address)).map(|()| StatusCode::NO_CONTENT)
}
