//! Why a person who wants to allow cannot: rules of the organisation and of the client, and faults of that moment.

use http::StatusCode;

use super::authorize::{Refused, Request, refuse};
use crate::{
    calls::Call,
    faults::{CONSENT, Effect},
    server::Sim,
    state::World,
};

const ORG_INTERNAL: &str = "This client is restricted to users within its organization.";
const ADMIN: &str = "Your institution's admin needs to review this application before you can use it.";
const USER_AGENT: &str = "You can't sign in from this browser because it does not comply with Google's policy.";

/// Whether organisation and client let this account grant what is asked for.
pub(super) fn admits(world: &World, request: &Request, address: &str) -> Result<(), Refused> {
    let domain = world.accounts.get(address).and_then(|account| account.config.hosted_domain.as_deref());
    match world.rules.organisation(&request.client_id) {
        Some(own) if !domain.is_some_and(|domain| domain.eq_ignore_ascii_case(own)) => {
            refuse(403, "org_internal", ORG_INTERNAL)
        }
        _ if world.rules.restricts(address, &request.scopes) => refuse(400, "admin_policy_enforced", ADMIN),
        _ => Ok(()),
    }
}

pub(super) fn disallowed() -> Refused {
    Refused { status: StatusCode::FORBIDDEN, code: "disallowed_useragent".to_owned(), message: USER_AGENT.to_owned() }
}

/// How the moment of consent goes wrong on request.
pub(super) enum Fault {
    /// On Google's own page.
    Page(Refused),
    /// Handed to the application.
    Error(String),
}

/// Asks the faults that are set. A refusal with a message shows a page, one without is handed to the application.
pub(super) fn fault(sim: &Sim, address: &str) -> Option<Fault> {
    let fired = sim.fired(CONSENT, Some(address));
    let (status, reason, message) = fired.iter().find_map(|one| match &one.effect {
        Effect::Refuse { status, reason, message, .. } => Some((*status, reason.clone(), message.clone())),
        _ => None,
    })?;
    sim.log(Call {
        account: Some(address.to_owned()),
        method: CONSENT.to_owned(),
        status: if message.is_some() { status } else { StatusCode::FOUND.as_u16() },
        reason: Some(reason.clone()),
        fault: true,
        faults: fired.iter().map(|one| one.id).collect(),
        ..Call::default()
    });
    Some(match message {
        Some(message) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            Fault::Page(Refused { status, code: reason, message })
        }
        None => Fault::Error(reason),
    })
}
