//! What the browser-facing functions keep: pending authorisations and sessions.

use crate::address::EmailAddress;
use crate::ids::MailboxId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An authorisation that was begun. Single use: the callback deletes it before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthState {
    #[serde(skip)]
    pub ver: u64,
    /// SHA-256 of the `state` parameter, in hex.
    pub state_hash: String,
    pub purpose: OAuthPurpose,
    pub pkce_verifier: String,
    /// For sign-in: the `nonce` that the ID token must carry.
    pub nonce: Option<String>,
    /// SHA-256 of the browser's cookie that must come back with it, in hex.
    pub browser_hash: String,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum OAuthPurpose {
    SignIn {
        return_to: String,
    },
    /// A new mailbox, or a reconnect of this one.
    Connect {
        mailbox: Option<MailboxId>,
        operator: EmailAddress,
        /// How many days before the connection are read as history; the default when the form did not say.
        #[serde(default)]
        history_days: Option<u16>,
    },
}

/// A signed-in operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    #[serde(skip)]
    pub ver: u64,
    /// SHA-256 of the cookie, in hex.
    pub session_hash: String,
    pub operator: EmailAddress,
    /// IANA name as the browser told it; UTC when unknown.
    #[serde(default)]
    pub time_zone: Option<String>,
    pub expires_at: Timestamp,
}
