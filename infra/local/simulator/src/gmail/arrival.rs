//! What the settings do to an incoming mail: filters, forwarding, and the vacation responder.

use super::{mailbox, search::Query, send, vacation};
use crate::{error::ApiError, mailbox::Mail, mime, state::World};

/// The line by which spam filters are tried out (GTUBE): here it is the only thing that makes spam.
const GTUBE: &[u8] = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

pub(super) fn is_spam(raw: &[u8]) -> bool {
    raw.windows(GTUBE.len()).any(|window| window == GTUBE)
}

/// What is left to do once a mail lies in its mailbox.
#[derive(Debug, Default)]
pub(super) struct FollowUp {
    forward_to: Vec<String>,
    answer: bool,
}

/// Puts a mail into its mailbox under the labels that filters and forwarding give it.
pub(super) fn sort(world: &mut World, address: &str, mut mail: Mail) -> Result<FollowUp, ApiError> {
    let now = world.now_ms();
    let mut follow_up = FollowUp::default();
    let incoming = mail.has("INBOX");
    let account = super::account(world, address)?;
    if incoming && !mail.has("SPAM") {
        for filter in &account.settings.filters {
            let query = Query::of_filter(&filter.criteria, now);
            if query.matches(&account.mailbox, &mail) {
                mail.labels.extend(filter.action.add_label_ids.iter().cloned());
                mail.labels.retain(|label| !filter.action.remove_label_ids.contains(label));
                follow_up.forward_to.extend(filter.action.forward.clone());
            }
        }
        let forwarding = &account.settings.auto_forwarding;
        if let Some(to) = forwarding.email_address.clone().filter(|_| forwarding.enabled) {
            follow_up.forward_to.push(to);
            match forwarding.disposition.as_deref() {
                Some("archive") => mail.labels.retain(|label| label != "INBOX"),
                Some("markRead") => mail.labels.retain(|label| label != "UNREAD"),
                Some("trash") => {
                    mail.labels.remove("INBOX");
                    mail.labels.insert("TRASH".to_owned());
                }
                _ => {}
            }
        }
        follow_up.answer = true;
    }
    account.mailbox.add(mail, now);
    Ok(follow_up)
}

/// Forwards and answers a mail that has arrived.
pub(super) fn follow(world: &mut World, address: &str, id: &str, follow_up: &FollowUp) -> Result<(), ApiError> {
    let Some(raw) = mailbox(world, address)?.messages.get(id).map(|mail| mail.raw.clone()) else {
        return Ok(());
    };
    // A mail that has been through this mailbox before is not sent round again.
    let been_here = mime::headers(&raw).iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("X-Forwarded-For") && value.split_whitespace().next() == Some(address)
    });
    if !been_here {
        for to in &follow_up.forward_to {
            let fields = [format!("X-Forwarded-To: {to}"), format!("X-Forwarded-For: {address} {to}")];
            let owner = world.owner_of(to).filter(|owner| world.accounts.contains_key(owner));
            if let Some(owner) = owner.filter(|owner| owner != address) {
                send::transfer(world, address, &owner, &mime::with_headers(&fields, &raw))?;
            }
        }
    }
    if follow_up.answer {
        vacation::answer(world, address, &raw)?;
    }
    Ok(())
}
