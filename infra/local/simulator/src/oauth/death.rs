//! The ways in which a refresh token, or the client that holds it, comes to its end at Google.
//!
//! Invariant: a token that is dead stays dead; what is lifted again is only what lies on an account or a client.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::{
    config::Client,
    error::ApiError,
    state::{DAY_MS, Grant, World, canonical},
};

/// A refresh token that was not used for so long ends: six months.
const UNUSED_MS: i64 = 183 * DAY_MS;
/// More than the live tokens that an account and a client can have.
const MANY: usize = 100;

/// Why tokens are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenDeath {
    /// The person took the consent back.
    Revoked,
    /// Not used for six months.
    Unused,
    /// The person changed the password: ends tokens with Gmail scopes, no others.
    Password,
    /// More than 100 live tokens of account and client: the oldest end silently.
    Limit,
    /// The organisation's administrator restricted the service.
    Admin,
    /// The organisation's session length is over.
    Session,
    /// Seven days of a client in "Testing" are over.
    Testing,
    /// The person gave access for a limited time.
    TimeLimited,
    AccountDeleted,
    AccountDisabled,
    /// The client got another secret.
    SecretRotated,
    ClientDeleted,
    /// The client may not do this at all.
    ClientUnauthorized,
}

impl TokenDeath {
    pub const ALL: [Self; 13] = [
        Self::Revoked,
        Self::Unused,
        Self::Password,
        Self::Limit,
        Self::Admin,
        Self::Session,
        Self::Testing,
        Self::TimeLimited,
        Self::AccountDeleted,
        Self::AccountDisabled,
        Self::SecretRotated,
        Self::ClientDeleted,
        Self::ClientUnauthorized,
    ];

    /// Whether it lies on a client rather than on an account.
    pub fn of_client(self) -> bool {
        matches!(self, Self::SecretRotated | Self::ClientDeleted | Self::ClientUnauthorized)
    }

    /// Whether access tokens end with it; otherwise they live out their hour.
    pub(crate) fn at_once(self) -> bool {
        matches!(
            self,
            Self::Revoked
                | Self::Password
                | Self::Admin
                | Self::AccountDeleted
                | Self::AccountDisabled
                | Self::ClientDeleted
        )
    }

    /// What the token endpoint says.
    pub(super) fn refusal(self) -> Refusal<'static> {
        let plain = Refusal::from;
        match self {
            Self::Revoked | Self::Unused | Self::Password | Self::Limit | Self::Testing | Self::TimeLimited => {
                plain((400, "invalid_grant", "Token has been expired or revoked."))
            }
            Self::Admin => plain((
                400,
                "admin_policy_enforced",
                "Access to your account data is restricted by policies within your organization.",
            )),
            Self::Session => Refusal {
                more: &[
                    ("error_subtype", "invalid_rapt"),
                    ("error_uri", "https://support.google.com/a/answer/9368756"),
                ],
                ..plain((400, "invalid_grant", "reauth related error (invalid_rapt)"))
            },
            Self::AccountDeleted => plain((400, "invalid_grant", "Account has been deleted")),
            Self::AccountDisabled => plain((400, "invalid_grant", "Bad Request")),
            Self::SecretRotated => plain((401, "invalid_client", "The provided client secret is invalid.")),
            Self::ClientDeleted => plain((401, "deleted_client", "The OAuth client was deleted.")),
            Self::ClientUnauthorized => plain((401, "unauthorized_client", "Unauthorized")),
        }
    }
}

fn gmail_scope(scope: &str) -> bool {
    scope == "https://mail.google.com/" || scope.starts_with("https://www.googleapis.com/auth/gmail.")
}

fn of_gmail(grant: &Grant) -> bool {
    grant.scopes.iter().any(|scope| gmail_scope(scope))
}

/// What lies on accounts and clients, beside what ended single tokens.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rules {
    accounts: BTreeMap<String, BTreeSet<TokenDeath>>,
    clients: BTreeMap<String, BTreeSet<TokenDeath>>,
    /// How long a session of the account lasts before the person must sign in again.
    sessions_ms: BTreeMap<String, i64>,
    /// Clients whose consent page admits only people of one organisation.
    internal: BTreeMap<String, String>,
}

impl Rules {
    pub(super) fn client_refusal(&self, client_id: &str) -> Option<Refusal<'static>> {
        self.clients.get(client_id)?.first().map(|death| death.refusal())
    }

    fn lies_on(&self, address: &str, death: TokenDeath) -> bool {
        self.accounts.get(address).is_some_and(|lying| lying.contains(&death))
    }

    pub(super) fn lies_on_client(&self, client_id: &str, death: TokenDeath) -> bool {
        self.clients.get(client_id).is_some_and(|lying| lying.contains(&death))
    }

    /// Whether people can choose the account at all.
    pub(super) fn can_sign_in(&self, address: &str) -> bool {
        !self.lies_on(address, TokenDeath::AccountDeleted) && !self.lies_on(address, TokenDeath::AccountDisabled)
    }

    /// Whether the administrator keeps the account from granting any of these.
    pub(super) fn restricts(&self, address: &str, scopes: &[String]) -> bool {
        self.lies_on(address, TokenDeath::Admin) && scopes.iter().any(|scope| gmail_scope(scope))
    }

    pub(super) fn organisation(&self, client_id: &str) -> Option<&str> {
        self.internal.get(client_id).map(String::as_str)
    }

    pub fn set_internal(&mut self, client_id: &str, domain: Option<String>) {
        match domain {
            Some(domain) => self.internal.insert(client_id.to_owned(), domain.to_lowercase()),
            None => self.internal.remove(client_id),
        };
    }

    /// A client that is registered anew is as good as new.
    pub fn registered(&mut self, client_id: &str) {
        self.clients.remove(client_id);
    }
}

/// Which tokens are to end, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndTokens {
    pub kind: TokenDeath,
    /// Wanted by every kind that lies on an account or ends its tokens.
    #[serde(default)]
    pub account: Option<String>,
    /// Wanted by the kinds of a client when more than one is registered; else narrows the tokens that end.
    #[serde(default)]
    pub client_id: Option<String>,
    /// For `time-limited`, `testing`: how long the tokens still live. For `session`: how long a session lasts.
    #[serde(default)]
    pub for_ms: Option<i64>,
}

/// What is to be lifted again: from one account, one client, or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub client_id: Option<String>,
}

impl World {
    /// Why a grant is dead, if it is.
    pub fn death(&self, grant: &Grant) -> Option<TokenDeath> {
        let now = self.now_ms();
        let rules = &self.rules;
        if !self.accounts.contains_key(&grant.address) || rules.lies_on(&grant.address, TokenDeath::AccountDeleted) {
            return Some(TokenDeath::AccountDeleted);
        }
        if rules.lies_on(&grant.address, TokenDeath::AccountDisabled) {
            return Some(TokenDeath::AccountDisabled);
        }
        if of_gmail(grant) && rules.lies_on(&grant.address, TokenDeath::Admin) {
            return Some(TokenDeath::Admin);
        }
        if rules.lies_on_client(&grant.client_id, TokenDeath::ClientDeleted) {
            return Some(TokenDeath::ClientDeleted);
        }
        if grant.revoked {
            return Some(TokenDeath::Revoked);
        }
        if grant.ended.is_some() {
            return grant.ended;
        }
        if grant.expires_ms.is_some_and(|end| end <= now) {
            return Some(TokenDeath::TimeLimited);
        }
        if grant.used_ms.is_some_and(|used| now - used >= UNUSED_MS) {
            return Some(TokenDeath::Unused);
        }
        let session = rules.sessions_ms.get(&grant.address).is_some_and(|length| now - grant.issued_ms >= *length);
        session.then_some(TokenDeath::Session)
    }

    /// Ends tokens in one of the ways above; returns how many refresh tokens died now.
    pub fn end_tokens(&mut self, wish: &EndTokens) -> Result<usize, ApiError> {
        let live = |world: &Self| {
            world.grants.iter().filter(|g| g.refresh_token.is_some() && world.live(g)).map(|g| g.id).collect()
        };
        let before: BTreeSet<u64> = live(self);
        if wish.kind.of_client() {
            let client = self.client_meant(wish.client_id.as_deref())?;
            self.rules.clients.entry(client.client_id.clone()).or_default().insert(wish.kind);
            return Ok(self
                .grants
                .iter()
                .filter(|g| before.contains(&g.id) && g.client_id == client.client_id)
                .count());
        }
        let account = wish.account.as_deref().ok_or_else(|| ApiError::invalid("this kind wants an account"))?;
        let account = canonical(account);
        if !self.accounts.contains_key(&account) {
            return Err(ApiError::new(404, "notFound", format!("there is no account {account}")));
        }
        if let Some(id) = &wish.client_id {
            self.client_meant(Some(id))?;
        }
        self.end_of_account(wish, &account);
        let after: BTreeSet<u64> = live(self);
        Ok(before.difference(&after).count())
    }

    fn client_meant(&self, id: Option<&str>) -> Result<Client, ApiError> {
        let found = match (id, self.clients.as_slice()) {
            (Some(id), clients) => clients.iter().find(|client| client.client_id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        found.cloned().ok_or_else(|| {
            let known: Vec<_> = self.clients.iter().map(|client| client.client_id.as_str()).collect();
            ApiError::new(404, "notFound", format!("name one of the registered clients: {}", known.join(", ")))
        })
    }

    fn end_of_account(&mut self, wish: &EndTokens, account: &str) {
        let now = self.now_ms();
        match (wish.kind, wish.for_ms) {
            (TokenDeath::Admin | TokenDeath::AccountDeleted | TokenDeath::AccountDisabled, _) => {
                self.rules.accounts.entry(account.to_owned()).or_default().insert(wish.kind);
                return;
            }
            (TokenDeath::Session, Some(length)) => {
                self.rules.sessions_ms.insert(account.to_owned(), length);
                return;
            }
            (TokenDeath::Limit, _) => return self.crowd_out(account, wish.client_id.as_deref()),
            _ => {}
        }
        let meant = |grant: &Grant| {
            grant.address == account && wish.client_id.as_deref().is_none_or(|client| grant.client_id == client)
        };
        for grant in self.grants.iter_mut().filter(|grant| meant(grant)) {
            match wish.kind {
                TokenDeath::Revoked => grant.revoked = true,
                TokenDeath::Unused => grant.used_ms = Some(now - UNUSED_MS),
                TokenDeath::Password if !of_gmail(grant) => {}
                TokenDeath::Testing | TokenDeath::TimeLimited => {
                    let end = now + wish.for_ms.unwrap_or(0);
                    grant.expires_ms = Some(grant.expires_ms.map_or(end, |known| known.min(end)));
                }
                kind => grant.ended = Some(kind),
            }
        }
    }

    /// So many newer consents that the limit ends the older ones.
    fn crowd_out(&mut self, account: &str, client_id: Option<&str>) {
        let crowded: Vec<(Client, Vec<String>)> = self
            .clients
            .iter()
            .filter(|client| client_id.is_none_or(|id| client.client_id == id))
            .filter_map(|client| {
                let mut own = self.grants.iter().rev().filter(|g| {
                    g.address == account && g.client_id == client.client_id && g.refresh_token.is_some() && self.live(g)
                });
                Some((client.clone(), own.next()?.scopes.clone()))
            })
            .collect();
        for (client, scopes) in crowded {
            for _ in 0..MANY {
                self.add_grant(&client, account, &scopes, true);
            }
        }
    }

    /// Lifts what lies on accounts and clients. Single tokens that are dead stay so.
    pub fn restore(&mut self, wish: &Restore) {
        let account = wish.account.as_deref().map(canonical);
        let all = account.is_none() && wish.client_id.is_none();
        let account_meant = |address: &String| all || account.as_ref() == Some(address);
        self.rules.accounts.retain(|address, _| !account_meant(address));
        self.rules.sessions_ms.retain(|address, _| !account_meant(address));
        self.rules.clients.retain(|id, _| !all && wish.client_id.as_ref() != Some(id));
    }
}
