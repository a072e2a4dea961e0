//! Access tokens: read from the grant's secret, kept in memory, refreshed in memory when they have run out.
//!
//! Invariant: this room never writes a secret. A refusal of the grant is believed only after the secret was read once
//! more, since a reconnect may have replaced it meanwhile.

use channel::ports::{Access, Clock, GmailError, GrantSecret, GrantVault, OAuth, OAuthError, VaultError};
use channel::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A token is taken for run out this long before it is.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// More grants than one process ever works for; beyond it the memory starts afresh.
const MAX_KEPT: usize = 1024;

#[derive(Clone)]
struct Kept {
    token: String,
    expires_at: Timestamp,
}

pub struct Tokens {
    vault: Arc<dyn GrantVault>,
    oauth: Arc<dyn OAuth>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Access, Kept>>,
}

impl Tokens {
    pub fn new(vault: Arc<dyn GrantVault>, oauth: Arc<dyn OAuth>, clock: Arc<dyn Clock>) -> Self {
        Self { vault, oauth, clock, kept: Mutex::new(HashMap::new()) }
    }

    /// A token that should work.
    pub async fn token(&self, at: &Access) -> Result<String, GmailError> {
        if let Some(kept) = self.kept(at).filter(|kept| self.lasts(kept.expires_at)) {
            return Ok(kept.token);
        }
        let secret = self.read(at).await?;
        if self.lasts(secret.access_expires_at) && !secret.access_token.is_empty() {
            return Ok(self.keep(at, secret.access_token, secret.access_expires_at));
        }
        self.refresh(at, secret).await
    }

    /// Another token than `refused`, which Gmail did not take though it should have lasted.
    pub async fn another(&self, at: &Access, refused: &str) -> Result<String, GmailError> {
        if let Some(kept) = self.kept(at).filter(|kept| kept.token != refused && self.lasts(kept.expires_at)) {
            return Ok(kept.token);
        }
        let secret = self.read(at).await?;
        let newer = secret.access_token != refused && !secret.access_token.is_empty();
        if newer && self.lasts(secret.access_expires_at) {
            return Ok(self.keep(at, secret.access_token, secret.access_expires_at));
        }
        self.refresh(at, secret).await
    }

    async fn refresh(&self, at: &Access, secret: GrantSecret) -> Result<String, GmailError> {
        let first = self.oauth.refresh(&secret.refresh_token).await;
        let answer = match first {
            Err(OAuthError::Grant(_)) => {
                let again = self.read(at).await?;
                if again.refresh_token == secret.refresh_token {
                    first
                } else {
                    self.oauth.refresh(&again.refresh_token).await
                }
            }
            other => other,
        };
        let answer = answer.map_err(sorted)?;
        let expires_at = self.clock.now().plus(answer.expires_in);
        Ok(self.keep(at, answer.access_token, expires_at))
    }

    async fn read(&self, at: &Access) -> Result<GrantSecret, GmailError> {
        self.vault.read(&at.mailbox, &at.grant).await.map_err(|error| match error {
            VaultError::Missing => GmailError::GrantMissing,
            VaultError::Unavailable(reason) | VaultError::Denied(reason) => GmailError::Unavailable(reason),
        })
    }

    fn lasts(&self, expires_at: Timestamp) -> bool {
        expires_at > self.clock.now().plus(EARLY)
    }

    fn kept(&self, at: &Access) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
    }

    fn keep(&self, at: &Access, token: String, expires_at: Timestamp) -> String {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(at.clone(), Kept { token: token.clone(), expires_at });
        token
    }
}

fn sorted(error: OAuthError) -> GmailError {
    match error {
        OAuthError::Grant(kind) => GmailError::Grant(kind),
        OAuthError::Client(reason) => GmailError::Client(reason),
        OAuthError::Unavailable(reason) => GmailError::Unavailable(reason),
        OAuthError::Refused(reason) => GmailError::Unavailable(format!("token refused: {reason}")),
    }
}
