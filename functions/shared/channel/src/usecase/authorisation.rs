//! An authorisation that was begun at Google and comes back by the browser: its state, PKCE verifier and nonce.
//!
//! Invariant: a state is used once. It is deleted, on the condition that it is still there, before its answer is looked
//! at; and it is good only in the browser that began it (RFC 6749 10.12, RFC 7636).

use crate::ports::{Clock, CommitError, Commits, Entropy, WebStates};
use crate::record::{Commit, ItemKey, OAuthPurpose, OAuthState};
use crate::usecase::common::Stop;
use crate::usecase::session::{is_secret, same_secret, secret, sha256_hex};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::Duration;

/// How long a person may take at Google.
pub const STATE_LIFE: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub struct Authorisations {
    pub states: Arc<dyn WebStates>,
    pub commits: Arc<dyn Commits>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// What goes to Google and to the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub state: String,
    pub pkce_challenge: String,
    pub nonce: String,
    /// The value of the browser's cookie.
    pub browser: String,
}

/// What the browser brings back from Google.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callback {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
}

/// Google's word that the person may not, or does not want to. The text of the query is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The person pressed *Cancel*.
    Denied,
    /// A Workspace administrator's policy.
    AdminPolicy,
    /// The app is for the members of one organisation only.
    OrgInternal,
    /// The address to come back to is not registered with the client.
    RedirectMismatch,
    /// The browser is one that Google does not allow for this.
    Browser,
    /// Anything else.
    Other,
}

impl Denial {
    pub fn of(error: &str) -> Self {
        match error {
            "access_denied" => Self::Denied,
            "admin_policy_enforced" => Self::AdminPolicy,
            "org_internal" => Self::OrgInternal,
            "redirect_uri_mismatch" => Self::RedirectMismatch,
            "disallowed_useragent" => Self::Browser,
            _ => Self::Other,
        }
    }
}

/// Why a callback is not ours to act on.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    #[error("the state is not one of ours")]
    Wrong,
    #[error("the state is too old")]
    Old,
    #[error("the state was used already")]
    Used,
    #[error("the browser's cookie is missing")]
    NoCookie,
    #[error("the authorisation was begun in another browser")]
    OtherBrowser,
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl Authorisations {
    pub async fn begin(&self, purpose: OAuthPurpose) -> Result<Begun, Stop> {
        let expires_at = self.clock.now().plus(STATE_LIFE);
        // The end is part of the text, so that one which is old can be told from one that was used after the store
        // has forgotten both. Only the hash of the whole is looked up: changing it leads nowhere.
        let state = format!("{}.{}", secret(&*self.entropy), expires_at.as_secs());
        let (pkce_verifier, nonce, browser) = (secret(&*self.entropy), secret(&*self.entropy), secret(&*self.entropy));
        let challenge = digest::digest(&digest::SHA256, pkce_verifier.as_bytes());
        let stored = OAuthState {
            ver: 0,
            state_hash: sha256_hex(&state),
            purpose,
            pkce_verifier,
            nonce: Some(nonce.clone()),
            browser_hash: sha256_hex(&browser),
            expires_at,
        };
        self.commits.commit(Commit::new().put(stored)).await?;
        Ok(Begun { state, pkce_challenge: URL_SAFE_NO_PAD.encode(challenge), nonce, browser })
    }

    /// Uses the state up.
    pub async fn take(&self, state: Option<&str>, browser: Option<&str>) -> Result<OAuthState, NotOurs> {
        let now = self.clock.now();
        let state = state.ok_or(NotOurs::Wrong)?;
        let (random, end) = state.split_once('.').ok_or(NotOurs::Wrong)?;
        let end: i64 = end.parse().map_err(|_| NotOurs::Wrong)?;
        if !is_secret(random) {
            return Err(NotOurs::Wrong);
        }
        let hash = sha256_hex(state);
        let found = self.states.oauth_state(&hash, now).await.map_err(Stop::from)?;
        let gone = if end <= now.as_secs() { NotOurs::Old } else { NotOurs::Used };
        let Some(found) = found else { return Err(gone) };
        match self.commits.commit(Commit::new().delete(ItemKey::OAuthState(hash), found.ver)).await {
            Ok(()) => {}
            Err(CommitError::Conflict(_)) => return Err(NotOurs::Used),
            Err(error) => return Err(Stop::from(error).into()),
        }
        if found.expires_at <= now {
            return Err(NotOurs::Old);
        }
        let browser = browser.ok_or(NotOurs::NoCookie)?;
        if !same_secret(&sha256_hex(browser), &found.browser_hash) {
            return Err(NotOurs::OtherBrowser);
        }
        Ok(found)
    }
}

impl Denial {
    /// By which the console finds the words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::AdminPolicy => "admin_policy",
            Self::OrgInternal => "org_internal",
            Self::RedirectMismatch => "redirect_mismatch",
            Self::Browser => "browser_refused",
            Self::Other => "google_refused",
        }
    }
}

impl NotOurs {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "state_wrong",
            Self::Old => "state_old",
            Self::Used => "state_used",
            Self::NoCookie => "no_cookie",
            Self::OtherBrowser => "other_browser",
            Self::Stop(_) => "unavailable",
        }
    }
}
