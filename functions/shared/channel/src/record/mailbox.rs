//! A mailbox and the organisation it belongs to.

use crate::address::EmailAddress;
use crate::ids::{GrantId, MailboxId};
use crate::record::Settings;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The one organisation of a deployment (`B12`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    #[serde(skip)]
    pub ver: u64,
    /// Stops all automatic sending of all mailboxes.
    pub sending_stopped: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxMeta {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub address: EmailAddress,
    /// The pseudonym of `address`, the key of its `AddressOwner`.
    pub address_hash: String,
    /// The grant in force; none after a disconnect.
    pub grant: Option<GrantId>,
    /// Why the grant in force no longer works.
    pub problem: Option<GrantProblem>,
    /// Mail that Google accepted before this moment is history and is never answered by itself.
    pub connected_at: Timestamp,
    /// How many days before `connected_at` are read as history.
    pub history_days: u16,
    /// When the last mail was stored.
    pub last_mail_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantProblem {
    pub kind: GrantProblemKind,
    pub grant: GrantId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantProblemKind {
    /// `invalid_grant`: expired, unused, password changed, or too many tokens.
    Expired,
    /// `invalid_grant` saying that the access was revoked or the account is gone.
    Revoked,
    /// A scope that is needed was not granted.
    ScopeMissing,
    /// The Workspace administrator switched the access off.
    BlockedByAdmin,
}

/// What the channel page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    Connected,
    Paused,
    ReconnectNeeded,
    AccessRevoked,
    BlockedByAdmin,
    Disconnected,
}

/// Everything that a decision about a mailbox reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxView {
    pub meta: MailboxMeta,
    pub settings: Settings,
    pub organisation: Organisation,
}

impl MailboxView {
    /// Derived from facts, never stored.
    pub fn state(&self) -> ConnectionState {
        match (&self.meta.grant, &self.meta.problem) {
            (None, _) => ConnectionState::Disconnected,
            (Some(current), Some(problem)) if problem.grant == *current => match problem.kind {
                GrantProblemKind::Revoked => ConnectionState::AccessRevoked,
                GrantProblemKind::BlockedByAdmin => ConnectionState::BlockedByAdmin,
                GrantProblemKind::Expired | GrantProblemKind::ScopeMissing => ConnectionState::ReconnectNeeded,
            },
            _ if !self.settings.enabled => ConnectionState::Paused,
            _ => ConnectionState::Connected,
        }
    }

    /// The grant to work with, while it is believed to work.
    pub fn usable_grant(&self) -> Option<&GrantId> {
        match self.state() {
            ConnectionState::Connected | ConnectionState::Paused => self.meta.grant.as_ref(),
            _ => None,
        }
    }
}

/// Which mailbox an address belongs to; unowned (`None`) after a disconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressOwner {
    #[serde(skip)]
    pub ver: u64,
    pub address_hash: String,
    pub mailbox: Option<MailboxId>,
}
