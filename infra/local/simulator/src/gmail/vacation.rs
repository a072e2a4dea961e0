//! The vacation responder: `settings.getVacation`, `updateVacation`, and the answers it writes.
//!
//! Invariant: it answers a sender once in four days, and never a machine.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    BASIC,
    call::{Answer, Call, Caller, Method},
    send, settings,
};
use crate::{
    error::ApiError,
    mailbox::Narrow,
    mime,
    state::{DAY_MS, World, canonical},
};

pub(super) static GET: Method = Method::look("gmail.users.settings.getVacation", 1, settings::SEE, get);
pub(super) static UPDATE: Method = Method::change("gmail.users.settings.updateVacation", 5, &[BASIC], update);

/// How long a sender who was answered is not answered again.
const SILENCE_MS: i64 = 4 * DAY_MS;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Vacation {
    pub enable_auto_reply: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body_plain_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body_html: Option<String>,
    pub restrict_to_contacts: bool,
    pub restrict_to_domain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}

fn time(text: &Option<String>, field: &str) -> Result<Option<i64>, ApiError> {
    let parsed = text.as_deref().map(str::parse::<i64>).transpose();
    parsed.map_err(|_| ApiError::invalid(format!("Invalid value at 'vacation_settings.{field}' (TYPE_INT64)")))
}

impl Vacation {
    fn check(&self, workspace: bool) -> Result<(), ApiError> {
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let said = [&self.response_subject, &self.response_body_plain_text, &self.response_body_html];
        if self.enable_auto_reply && !said.into_iter().any(filled) {
            return Err(ApiError::invalid("Either the response subject or the response body must be nonempty"));
        }
        if self.restrict_to_domain && !workspace {
            return Err(ApiError::invalid("restrictToDomain is only available for Google Workspace users"));
        }
        match (time(&self.start_time, "start_time")?, time(&self.end_time, "end_time")?) {
            (Some(start), Some(end)) if start >= end => {
                Err(ApiError::invalid("The start time must precede the end time"))
            }
            _ => Ok(()),
        }
    }

    fn is_on(&self, now_ms: i64) -> bool {
        let edge = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
        self.enable_auto_reply
            && edge(&self.start_time).is_none_or(|start| now_ms >= start)
            && edge(&self.end_time).is_none_or(|end| now_ms < end)
    }
}

fn get(world: &mut World, caller: &Caller, _: &Call) -> Answer {
    settings::show(&super::account(world, &caller.address)?.settings.vacation)
}

fn update(world: &mut World, caller: &Caller, call: &Call) -> Answer {
    let wish: Vacation = settings::numbers_as_text(call.json::<Value>()?, &["startTime", "endTime"])?;
    let account = super::account(world, &caller.address)?;
    wish.check(account.config.hosted_domain.is_some())?;
    // Who was answered in an earlier absence may be answered in this one.
    account.settings.answered_ms.clear();
    account.settings.vacation = wish;
    settings::show(&account.settings.vacation)
}

/// Whether a machine wrote the mail, or whoever wrote it must not be answered by one (RFC 3834).
fn is_automatic(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| {
        let value = value.trim().to_lowercase();
        match name.to_lowercase().as_str() {
            "auto-submitted" => !value.starts_with("no"),
            "precedence" => ["bulk", "list", "junk"].contains(&value.as_str()),
            "return-path" => value == "<>",
            "list-id" | "list-unsubscribe" | "list-post" | "x-autoreply" | "x-auto-response-suppress" => true,
            _ => false,
        }
    })
}

/// Answers an incoming mail while the responder is on.
pub(super) fn answer(world: &mut World, address: &str, raw: &[u8]) -> Result<(), ApiError> {
    let now = world.now_ms();
    let envelope = mime::envelope(raw);
    let Some((_, sender)) = envelope.from.clone() else {
        return Ok(());
    };
    let headers = mime::headers(raw);
    let account = super::account(world, address)?;
    let vacation = account.settings.vacation.clone();
    let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
    let local = sender.split_once('@').map_or("", |(local, _)| local);
    let of_machine = ["mailer-daemon", "postmaster", "noreply", "no-reply"].contains(&local);
    let to_me = |to: &String| canonical(to) == account.mailbox.address || account.settings.accepted_alias(to).is_some();
    let stranger = vacation.restrict_to_contacts
        && !account
            .mailbox
            .messages
            .candidates(&Narrow::labelled("SENT"))
            .into_iter()
            .any(|mail| mail.envelope.recipients.iter().any(|to| canonical(to) == canonical(&sender)));
    let outside = vacation.restrict_to_domain && domain(&sender) != domain(address);
    let answered = account.settings.answered_ms.get(&sender).is_some_and(|at| now - at < SILENCE_MS);
    if !vacation.is_on(now)
        || is_automatic(&headers)
        || of_machine
        || !envelope.recipients.iter().any(to_me)
        || canonical(&sender) == address
        || stranger
        || outside
        || answered
    {
        return Ok(());
    }
    account.settings.answered_ms.insert(sender.clone(), now);
    let reply = write(world, address, &sender, &vacation, &envelope, now);
    if let Some(owner) = world.owner_of(&sender).filter(|owner| world.accounts.contains_key(owner)) {
        // The responder's mails have no bounce address, and stand in no folder of the sender.
        send::transfer(world, "", &owner, &reply)?;
    }
    Ok(())
}

fn write(
    world: &World,
    address: &str,
    to: &str,
    vacation: &Vacation,
    envelope: &mime::Envelope,
    now_ms: i64,
) -> Vec<u8> {
    let prefix = vacation.response_subject.as_deref().unwrap_or_default().trim();
    let subject = format!("{prefix} Re: {}", envelope.subject).trim().to_owned();
    let mut fields = vec![
        "MIME-Version: 1.0".to_owned(),
        format!("Date: {}", mime::date(now_ms)),
        send::message_id_field(),
        format!("Subject: {}", mime::encoded_text(&subject)),
        send::primary_from(world, address),
        format!("To: {to}"),
        "Precedence: bulk".to_owned(),
        "X-Autoreply: yes".to_owned(),
        "Auto-Submitted: auto-replied".to_owned(),
    ];
    if let Some(id) = &envelope.message_id {
        fields.push(format!("In-Reply-To: <{id}>"));
        let line: Vec<String> = envelope.references.iter().chain([id]).map(|id| format!("<{id}>")).collect();
        fields.push(format!("References: {}", line.join("\r\n ")));
    }
    let html = vacation.response_body_html.as_deref().filter(|html| !html.trim().is_empty());
    let (kind, text) = match html {
        Some(html) => ("text/html", html),
        None => ("text/plain", vacation.response_body_plain_text.as_deref().unwrap_or_default()),
    };
    fields.push(format!("Content-Type: {kind}; charset=\"UTF-8\""));
    fields.push("Content-Transfer-Encoding: base64".to_owned());
    mime::with_headers(&fields, &mime::base64_body(text.as_bytes()))
}
