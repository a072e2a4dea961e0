//! What the mail itself is about, whatever the reply says. Signs of self-harm and threats belong to a person at once.
//! Money, law, contracts, credentials and complaints may have a draft, and never a mail that nobody read (`C7`).

use super::case::Case;
use super::{Finding, draft, person};
use crate::concerns::Concern;

pub fn judge(case: &Case<'_>) -> Finding {
    let has = |concern: Concern| case.concerns.contains(&concern);
    if has(Concern::SelfHarm) {
        return person("the mail may speak of self-harm or danger to someone; please read it at once");
    }
    if has(Concern::Abuse) {
        return person("the mail is abusive or threatening");
    }
    let reason = case.concerns.iter().find_map(|concern| match concern {
        Concern::Legal => Some("the mail speaks of legal steps or of an authority"),
        Concern::Credentials => Some("the mail is about passwords, access or payment credentials"),
        Concern::MoneyBack => Some("the customer wants money back"),
        Concern::Cancellation => Some("the customer wants to cancel a contract or an order"),
        Concern::Complaint => Some("the mail is a complaint or reports a problem with an order"),
        Concern::SelfHarm | Concern::Abuse | Concern::Instructions | Concern::Promise => None,
    });
    let unseen = case.unseen.then_some("the mail is too long to be checked whole");
    let attached = case.attached_concerns.iter().any(|concern| *concern != Concern::Instructions);
    let attached = attached.then_some("an attachment speaks of money, law, access, a complaint or a threat");
    reason.or(unseen).or(attached).and_then(draft)
}
