//! Grants and access tokens, found by what a caller shows.
//!
//! Invariant: a grant never leaves its place in the list, so the maps beside it stay true while grants are revoked.

use std::{
    collections::{BTreeMap, HashMap},
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Serialize, Serializer};

use crate::oauth::TokenDeath;

/// A consent, alive until revoked or dead of age. Its refresh token may be absent (online access).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub id: u64,
    pub client_id: String,
    pub address: String,
    pub scopes: Vec<String>,
    pub refresh_token: Option<String>,
    pub expires_ms: Option<i64>,
    pub revoked: bool,
    /// What ended it, if not revocation or age.
    #[serde(default)]
    pub ended: Option<TokenDeath>,
    #[serde(default)]
    pub issued_ms: i64,
    /// When its refresh token was used last; `None`: before this was kept.
    #[serde(default)]
    pub used_ms: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    pub token: String,
    pub grant: u64,
    pub address: String,
    pub scopes: Vec<String>,
    pub expires_ms: i64,
}

/// Every grant, oldest first.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<Grant>")]
pub(crate) struct Grants {
    list: Vec<Grant>,
    by_id: HashMap<u64, usize>,
    by_refresh_token: HashMap<String, usize>,
}

impl Grants {
    pub fn push(&mut self, grant: Grant) {
        let place = self.list.len();
        self.by_id.insert(grant.id, place);
        if let Some(token) = &grant.refresh_token {
            self.by_refresh_token.insert(token.clone(), place);
        }
        self.list.push(grant);
    }

    pub fn by_id(&self, id: u64) -> Option<&Grant> {
        self.list.get(*self.by_id.get(&id)?)
    }

    pub fn by_refresh_token(&self, token: &str) -> Option<&Grant> {
        self.list.get(*self.by_refresh_token.get(token)?)
    }
}

impl From<Vec<Grant>> for Grants {
    fn from(list: Vec<Grant>) -> Self {
        let mut grants = Self::default();
        for grant in list {
            grants.push(grant);
        }
        grants
    }
}

impl Serialize for Grants {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(to)
    }
}

impl Deref for Grants {
    type Target = [Grant];

    fn deref(&self) -> &[Grant] {
        &self.list
    }
}

impl DerefMut for Grants {
    fn deref_mut(&mut self) -> &mut [Grant] {
        &mut self.list
    }
}

/// The access tokens that have not been cleared away yet.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<Access>")]
pub(crate) struct AccessTokens(BTreeMap<String, Access>);

impl AccessTokens {
    pub fn push(&mut self, access: Access) {
        self.0.insert(access.token.clone(), access);
    }

    pub fn get(&self, token: &str) -> Option<&Access> {
        self.0.get(token)
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&Access) -> bool) {
        self.0.retain(|_, access| keep(access));
    }
}

impl From<Vec<Access>> for AccessTokens {
    fn from(list: Vec<Access>) -> Self {
        Self(list.into_iter().map(|access| (access.token.clone(), access)).collect())
    }
}

impl Serialize for AccessTokens {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.values())
    }
}
