//! The settings that are read and replaced as a whole: forwarding, IMAP, POP, language.

use serde::{Deserialize, Serialize};

use super::{SEE, one_of, show};
use crate::{
    error::ApiError,
    gmail::{
        BASIC, SHARING, account,
        call::{Answer, Call, Caller, Method},
    },
    state::World,
};

pub(in crate::gmail) static GET_FORWARDING: Method =
    Method::look("gmail.users.settings.getAutoForwarding", 1, SEE, |world, caller, _| {
        show(&account(world, &caller.address)?.settings.auto_forwarding)
    });
pub(in crate::gmail) static UPDATE_FORWARDING: Method =
    Method::change("gmail.users.settings.updateAutoForwarding", 5, &[SHARING], update_forwarding);
pub(in crate::gmail) static GET_IMAP: Method =
    Method::look("gmail.users.settings.getImap", 1, SEE, |world, caller, _| {
        show(&account(world, &caller.address)?.settings.imap)
    });
pub(in crate::gmail) static UPDATE_IMAP: Method =
    Method::change("gmail.users.settings.updateImap", 5, &[BASIC], update_imap);
pub(in crate::gmail) static GET_POP: Method =
    Method::look("gmail.users.settings.getPop", 1, SEE, |world, caller, _| {
        show(&account(world, &caller.address)?.settings.pop)
    });
pub(in crate::gmail) static UPDATE_POP: Method =
    Method::change("gmail.users.settings.updatePop", 100, &[BASIC], update_pop);
pub(in crate::gmail) static GET_LANGUAGE: Method =
    Method::look("gmail.users.settings.getLanguage", 1, SEE, |world, caller, _| {
        show(&account(world, &caller.address)?.settings.language)
    });
pub(in crate::gmail) static UPDATE_LANGUAGE: Method =
    Method::change("gmail.users.settings.updateLanguage", 5, &[BASIC], update_language);

const DISPOSITIONS: &[&str] = &["leaveInInbox", "archive", "trash", "markRead"];

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AutoForwarding {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Imap {
    enabled: bool,
    auto_expunge: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expunge_behavior: Option<String>,
    max_folder_size: i32,
}

impl Default for Imap {
    fn default() -> Self {
        Self { enabled: true, auto_expunge: true, expunge_behavior: Some("archive".to_owned()), max_folder_size: 0 }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pop {
    #[serde(default)]
    access_window: Option<String>,
    #[serde(default)]
    disposition: Option<String>,
}

impl Default for Pop {
    fn default() -> Self {
        Self { access_window: Some("disabled".to_owned()), disposition: Some("leaveInInbox".to_owned()) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Language {
    display_language: String,
}

impl Default for Language {
    fn default() -> Self {
        Self { display_language: "en".to_owned() }
    }
}

fn update_forwarding(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let mut wish: AutoForwarding = call.json()?;
    let settings = &mut account(world, &caller.address)?.settings;
    one_of(&wish.disposition, DISPOSITIONS, "auto_forwarding.disposition")?;
    wish.email_address = wish.email_address.map(|address| address.trim().to_lowercase());
    let verified = wish.email_address.as_deref().is_some_and(|address| settings.may_forward_to(address));
    if wish.enabled && !(verified && wish.disposition.is_some()) {
        return Err(ApiError::new(
            400,
            "failedPrecondition",
            "Forwarding wants a disposition and a verified forwarding address",
        ));
    }
    settings.auto_forwarding = wish;
    show(&settings.auto_forwarding)
}

fn update_imap(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Imap = call.json()?;
    one_of(&wish.expunge_behavior, &["archive", "trash", "deleteForever"], "imap_settings.expunge_behavior")?;
    if ![0, 1_000, 2_000, 5_000, 10_000].contains(&wish.max_folder_size) {
        return Err(ApiError::invalid("Invalid value at 'imap_settings.max_folder_size'"));
    }
    let settings = &mut account(world, &caller.address)?.settings;
    settings.imap = wish;
    show(&settings.imap)
}

fn update_pop(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Pop = call.json()?;
    one_of(&wish.access_window, &["disabled", "fromNowOn", "allMail"], "pop_settings.access_window")?;
    one_of(&wish.disposition, DISPOSITIONS, "pop_settings.disposition")?;
    let settings = &mut account(world, &caller.address)?.settings;
    settings.pop = Pop {
        access_window: wish.access_window.or_else(|| settings.pop.access_window.take()),
        disposition: wish.disposition.or_else(|| settings.pop.disposition.take()),
    };
    show(&settings.pop)
}

fn update_language(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Language = call.json()?;
    let tag = &wish.display_language;
    if tag.is_empty() || !tag.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-') {
        return Err(ApiError::invalid("Invalid display language"));
    }
    let settings = &mut account(world, &caller.address)?.settings;
    settings.language = wish;
    show(&settings.language)
}
