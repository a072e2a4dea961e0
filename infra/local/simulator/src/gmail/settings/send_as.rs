//! `users.settings.sendAs`: the primary address and its aliases.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SEE, Settings, mail_address, typed};
use crate::{
    config::AccountConfig,
    error::ApiError,
    gmail::{
        BASIC, SHARING, account,
        call::{Answer, Call, Caller, Method},
        send,
    },
    mime,
    state::{World, canonical},
};

const WRITE: &[&str] = &[BASIC, SHARING];
pub(in crate::gmail) static LIST: Method = Method::look("gmail.users.settings.sendAs.list", 1, SEE, list);
pub(in crate::gmail) static GET: Method = Method::look("gmail.users.settings.sendAs.get", 1, SEE, get);
pub(in crate::gmail) static CREATE: Method =
    Method::change("gmail.users.settings.sendAs.create", 100, &[SHARING], create);
pub(in crate::gmail) static UPDATE: Method = Method::change("gmail.users.settings.sendAs.update", 100, WRITE, update);
pub(in crate::gmail) static PATCH: Method = Method::change("gmail.users.settings.sendAs.patch", 100, WRITE, patch);
pub(in crate::gmail) static DELETE: Method =
    Method::change("gmail.users.settings.sendAs.delete", 5, &[SHARING], delete);
pub(in crate::gmail) static VERIFY: Method =
    Method::change("gmail.users.settings.sendAs.verify", 100, &[SHARING], verify);

/// What a person may set of the address they sign in with.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Primary {
    /// `None`: the account's own name.
    pub name: Option<String>,
    reply_to: String,
    signature: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub address: String,
    pub name: String,
    pub accepted: bool,
    reply_to: String,
    signature: String,
    treat_as_alias: bool,
    /// Host, port and security; the credentials are not kept.
    smtp: Option<Value>,
}

/// The fields that a caller may write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    send_as_email: Option<String>,
    display_name: Option<String>,
    reply_to_address: Option<String>,
    signature: Option<String>,
    is_default: Option<bool>,
    treat_as_alias: Option<bool>,
    smtp_msa: Option<Value>,
}

impl Wish {
    fn read(call: &Call) -> Result<Self, ApiError> {
        let wish: Self = typed(call.json()?)?;
        if let Some(to) = wish.reply_to_address.as_deref().filter(|to| !to.is_empty()) {
            mail_address(to)?;
        }
        match &wish.smtp_msa {
            Some(smtp) if !["host", "port", "securityMode"].iter().all(|field| smtp.get(field).is_some()) => {
                Err(ApiError::invalid("smtpMsa requires host, port and securityMode"))
            }
            _ => Ok(wish),
        }
    }

    fn smtp(&self) -> Option<Value> {
        let smtp = self.smtp_msa.as_ref()?;
        Some(json!({"host": smtp["host"], "port": smtp["port"], "securityMode": smtp["securityMode"]}))
    }
}

fn primary(config: &AccountConfig, settings: &Settings) -> Value {
    let own = &settings.primary;
    let mut value = json!({
        "sendAsEmail": config.address, "displayName": own.name.as_deref().unwrap_or(&config.name),
        "replyToAddress": own.reply_to, "signature": own.signature, "isPrimary": true,
    });
    if settings.default_alias.is_none() {
        value["isDefault"] = json!(true);
    }
    value
}

fn render(alias: &Alias, settings: &Settings) -> Value {
    let mut value = json!({
        "sendAsEmail": alias.address, "displayName": alias.name, "replyToAddress": alias.reply_to,
        "signature": alias.signature, "treatAsAlias": alias.treat_as_alias,
        "verificationStatus": if alias.accepted { "accepted" } else { "pending" },
    });
    if settings.default_alias.as_ref() == Some(&alias.address) {
        value["isDefault"] = json!(true);
    }
    if let Some(smtp) = &alias.smtp {
        value["smtpMsa"] = smtp.clone();
    }
    value
}

fn list(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    let account = account(world, &caller.address)?;
    let settings = &account.settings;
    let mut all = vec![primary(&account.config, settings)];
    all.extend(settings.aliases.iter().map(|alias| render(alias, settings)));
    Ok(json!({"sendAs": all}))
}

/// One entry, as it is answered.
fn entry(world: &mut World, caller: &Caller, address: &str) -> Answer {
    let account = account(world, &caller.address)?;
    let (settings, address) = (&account.settings, address.to_lowercase());
    if canonical(&address) == caller.address {
        return Ok(primary(&account.config, settings));
    }
    let alias = settings.aliases.iter().find(|alias| alias.address == address).ok_or_else(ApiError::not_found)?;
    Ok(render(alias, settings))
}

fn get(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    entry(world, caller, call.id())
}

/// Adds an alias that needs no consent, or accepts the one that waits.
pub(super) fn put(world: &mut World, owner: &str, address: &str, name: &str) -> Result<(), ApiError> {
    let address = mail_address(address)?;
    let settings = &mut account(world, owner)?.settings;
    settings.aliases.retain(|alias| alias.address != address);
    settings.aliases.push(Alias { address, name: name.to_owned(), accepted: true, ..Alias::default() });
    Ok(())
}

fn create(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish = Wish::read(call)?;
    let address = mail_address(wish.send_as_email.as_deref().unwrap_or_default())?;
    let account = account(world, &caller.address)?;
    if canonical(&address) == caller.address || account.settings.aliases.iter().any(|alias| alias.address == address) {
        return Err(ApiError::new(409, "alreadyExists", "Requested entity already exists"));
    }
    // An organisation vouches for its own domain; elsewhere the owner of the address is asked.
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    let accepted = account.config.hosted_domain.as_deref() == domain && domain.is_some();
    let alias = Alias {
        address: address.clone(),
        name: wish.display_name.clone().unwrap_or_default(),
        accepted,
        reply_to: wish.reply_to_address.clone().unwrap_or_default(),
        signature: wish.signature.clone().unwrap_or_default(),
        treat_as_alias: wish.treat_as_alias.unwrap_or(true),
        smtp: wish.smtp(),
    };
    account.settings.aliases.push(alias);
    if !accepted {
        ask(world, &caller.address, &address)?;
    }
    entry(world, caller, &address)
}

/// Sends the question whether the address may be used.
fn ask(world: &mut World, asking: &str, address: &str) -> Result<(), ApiError> {
    let Some(owner) = world.owner_of(address) else {
        return Ok(());
    };
    let fields = [
        "MIME-Version: 1.0".to_owned(),
        format!("Date: {}", mime::date(world.now_ms())),
        send::message_id_field(),
        format!("Subject: Gmail Confirmation - Send Mail as {address}"),
        "From: Gmail Team <gmail-noreply@googlemail.test>".to_owned(),
        format!("To: {address}"),
        "Auto-Submitted: auto-generated".to_owned(),
        "Content-Type: text/plain; charset=\"UTF-8\"".to_owned(),
    ];
    let body = format!("\r\n{asking} has requested to add {address} to its Gmail account.\r\n");
    send::transfer(world, "", &owner, &mime::with_headers(&fields, body.as_bytes())).map(|_| ())
}

fn update(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish = Wish::read(call)?;
    change(world, caller, call.id(), &wish, true)
}

fn patch(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish = Wish::read(call)?;
    change(world, caller, call.id(), &wish, false)
}

/// Sets what the wish names; with `whole`, what it does not name is emptied.
fn change(world: &mut World, caller: &Caller, address: &str, wish: &Wish, whole: bool) -> Answer {
    let set = |field: &mut String, wished: &Option<String>| {
        if let Some(text) = wished.clone().or_else(|| whole.then(String::new)) {
            *field = text;
        }
    };
    let address = address.to_lowercase();
    let is_primary = canonical(&address) == caller.address;
    let settings = &mut account(world, &caller.address)?.settings;
    let mut accepted = true;
    if is_primary {
        if whole || wish.display_name.is_some() {
            settings.primary.name = wish.display_name.clone();
        }
        set(&mut settings.primary.reply_to, &wish.reply_to_address);
        set(&mut settings.primary.signature, &wish.signature);
    } else {
        let alias = settings.aliases.iter_mut().find(|alias| alias.address == address);
        let alias = alias.ok_or_else(ApiError::not_found)?;
        set(&mut alias.name, &wish.display_name);
        set(&mut alias.reply_to, &wish.reply_to_address);
        set(&mut alias.signature, &wish.signature);
        alias.treat_as_alias = wish.treat_as_alias.unwrap_or(alias.treat_as_alias);
        if whole || wish.smtp_msa.is_some() {
            alias.smtp = wish.smtp();
        }
        accepted = alias.accepted;
    }
    match wish.is_default {
        Some(true) if !accepted => return Err(ApiError::invalid("The address has not been verified")),
        Some(true) => settings.default_alias = (!is_primary).then(|| address.clone()),
        _ => {}
    }
    entry(world, caller, &address)
}

fn delete(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let address = call.id().to_lowercase();
    if canonical(&address) == caller.address {
        return Err(ApiError::invalid("The primary address cannot be deleted"));
    }
    let settings = &mut account(world, &caller.address)?.settings;
    let before = settings.aliases.len();
    settings.aliases.retain(|alias| alias.address != address);
    if settings.aliases.len() == before {
        return Err(ApiError::not_found());
    }
    if settings.default_alias.as_ref() == Some(&address) {
        settings.default_alias = None;
    }
    Ok(Value::Null)
}

fn verify(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let address = call.id().to_lowercase();
    let settings = &account(world, &caller.address)?.settings;
    let alias = settings.aliases.iter().find(|alias| alias.address == address).ok_or_else(ApiError::not_found)?;
    if alias.accepted {
        return Err(ApiError::new(400, "failedPrecondition", "The address has been verified already"));
    }
    ask(world, &caller.address, &address)?;
    Ok(Value::Null)
}
