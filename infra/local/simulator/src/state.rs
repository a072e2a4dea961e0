//! Everything the simulator remembers: accounts, clients, grants, subscriptions, and pushes under way.
//!
//! Invariant: the world changes only under the one lock of [`crate::server::Sim`], so every API call is atomic.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    cloud::Cloud,
    config::{AccountConfig, Client, Config, Subscription},
    gmail::settings::Settings,
    limits::Limits,
    mailbox::{Kept, Mailbox},
    oauth::{Rules, TokenDeath},
    pubsub::Book,
};

pub(crate) use crate::tokens::{Access, AccessTokens, Grant, Grants};

pub(crate) const DAY_MS: i64 = 86_400_000;
/// Live refresh tokens of one account and client; a newer one silently ends the oldest.
const LIVE_GRANTS: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct World {
    pub serial: u64,
    pub clock_offset_ms: i64,
    /// Saved each by itself.
    #[serde(skip)]
    pub accounts: BTreeMap<String, Account>,
    pub clients: Vec<Client>,
    pub subscriptions: Vec<Subscription>,
    pub grants: Grants,
    pub access: AccessTokens,
    pub pushes: BTreeMap<String, Push>,
    #[serde(default)]
    pub cloud: Cloud,
    #[serde(skip)]
    pub limits: Limits,
    #[serde(default)]
    pub pubsub: Book,
    #[serde(default)]
    pub rules: Rules,
    #[serde(skip)]
    pub codes: HashMap<String, Code>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub config: AccountConfig,
    /// The stable account number, `sub` of its id tokens.
    pub sub: String,
    pub mailbox: Mailbox,
    #[serde(default)]
    pub settings: Settings,
}

/// An authorisation code, kept after its use so that a replay is told apart from an invention.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub client_id: String,
    pub redirect_uri: String,
    pub address: String,
    pub scopes: Vec<String>,
    pub nonce: Option<String>,
    pub challenge: Option<String>,
    pub offline: bool,
    pub consent: bool,
    pub expires_ms: i64,
    pub used_by: Option<u64>,
}

/// A notification that its endpoint has not acknowledged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Push {
    pub message_id: String,
    pub subscription: Subscription,
    pub address: String,
    pub history_id: u64,
    pub published_ms: i64,
    pub attempts: u32,
}

/// An unguessable token of `bytes` bytes.
pub(crate) fn random(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // The system's generator fails only when the process cannot go on at all.
    if rand::fill(&mut buffer).is_err() {
        tracing::error!("the system gives no randomness");
        std::process::abort();
    }
    BASE64_URL_SAFE_NO_PAD.encode(buffer)
}

/// Lower case, without a `+tag`.
pub(crate) fn canonical(address: &str) -> String {
    let address = address.trim().to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) => {
            let local = local.split_once('+').map_or(local, |(base, _)| base);
            format!("{local}@{domain}")
        }
        None => address,
    }
}

impl World {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator is a world of its own, with a clock that is set ahead"
    )]
    pub fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond() + self.clock_offset_ms
    }

    /// Merges what the configuration names into a state that may come from an earlier run.
    pub fn adopt(&mut self, config: &Config) {
        self.limits = config.limits.clone();
        for account in &config.accounts {
            self.add_account(account.clone(), config.history_kept());
        }
        for client in &config.clients {
            self.set_client(client.clone());
        }
        for subscription in &config.subscriptions {
            self.set_subscription(subscription.clone());
        }
        for account in self.accounts.values_mut() {
            account.mailbox.history.kept = config.history_kept();
        }
    }

    /// A new mailbox; one that exists stays as it is.
    pub fn add_account(&mut self, config: AccountConfig, kept: Kept) {
        let address = canonical(&config.address);
        if self.accounts.contains_key(&address) {
            return;
        }
        let number = self.accounts.len() as u64 + 1;
        let account = Account {
            config: AccountConfig { address: address.clone(), ..config },
            sub: format!("1{:020}", 7_000_000_000_000_u64 + number * 7_919),
            mailbox: Mailbox::new(address.clone(), 4_000_000 + number * 1_000, kept),
            settings: Settings::default(),
        };
        self.accounts.insert(address, account);
    }

    pub fn set_client(&mut self, client: Client) {
        self.clients.retain(|known| known.client_id != client.client_id);
        self.clients.push(client);
    }

    pub fn set_subscription(&mut self, mut subscription: Subscription) {
        if subscription.audience.is_empty() {
            subscription.audience = subscription.push_endpoint.clone();
        }
        let now = self.now_ms();
        self.pubsub.registered(&subscription, now);
        self.subscriptions.retain(|known| known.subscription != subscription.subscription);
        self.subscriptions.push(subscription);
    }

    /// A fresh 64-bit id in hex, rising with time and with gaps, as message and thread ids are.
    pub fn fresh_id(&mut self) -> String {
        format!("{:016x}", self.fresh_number())
    }

    pub fn fresh_number(&mut self) -> u64 {
        let floor = u64::try_from(self.now_ms()).unwrap_or(0) << 20;
        let gap = 1 + (self.serial.wrapping_mul(0x5851_f42d_4c95_7f2d) >> 56);
        self.serial = floor.max(self.serial + gap);
        self.serial
    }

    pub fn live(&self, grant: &Grant) -> bool {
        self.death(grant).is_none()
    }

    pub fn grant_by_refresh_token(&self, token: &str) -> Option<&Grant> {
        self.grants.by_refresh_token(token)
    }

    /// The live access token `token` stands for.
    pub fn access(&self, token: &str) -> Option<&Access> {
        let access = self.access.get(token)?;
        let grant = self.grants.by_id(access.grant)?;
        (access.expires_ms > self.now_ms() && !self.death(grant).is_some_and(TokenDeath::at_once)).then_some(access)
    }

    /// The client a grant was given to; empty for one that is gone.
    pub fn client_of(&self, grant: u64) -> String {
        self.grants.iter().find(|known| known.id == grant).map_or_else(String::new, |known| known.client_id.clone())
    }

    pub fn add_grant(&mut self, client: &Client, address: &str, scopes: &[String], offline: bool) -> Grant {
        let now = self.now_ms();
        let grant = Grant {
            id: self.fresh_number(),
            client_id: client.client_id.clone(),
            address: address.to_owned(),
            scopes: scopes.to_vec(),
            refresh_token: offline.then(|| format!("1//0{}", random(40))),
            expires_ms: client.testing.then_some(now + 7 * DAY_MS),
            revoked: false,
            ended: None,
            issued_ms: now,
            used_ms: Some(now),
        };
        self.grants.push(grant.clone());
        let mut live: Vec<u64> = self
            .grants
            .iter()
            .filter(|g| g.client_id == client.client_id && g.address == address && g.refresh_token.is_some())
            .filter(|g| self.live(g))
            .map(|g| g.id)
            .collect();
        live.truncate(live.len().saturating_sub(LIVE_GRANTS));
        for old in self.grants.iter_mut().filter(|grant| live.contains(&grant.id)) {
            old.ended = Some(TokenDeath::Limit);
        }
        grant
    }

    pub fn add_access(&mut self, grant: &Grant, seconds: u64) -> Access {
        let now = self.now_ms();
        self.access.retain(|access| access.expires_ms > now);
        let access = Access {
            token: format!("ya29.{}", random(60)),
            grant: grant.id,
            address: grant.address.clone(),
            scopes: grant.scopes.clone(),
            expires_ms: now + i64::try_from(seconds).unwrap_or(i64::MAX / 2_000) * 1_000,
        };
        self.access.push(access.clone());
        access
    }

    /// Ends every grant of an account, of one client or of all; returns how many were alive.
    pub fn revoke(&mut self, address: &str, client_id: Option<&str>) -> usize {
        let mut ended = 0;
        for grant in self.grants.iter_mut().filter(|grant| {
            grant.address == address && !grant.revoked && client_id.is_none_or(|client| grant.client_id == client)
        }) {
            grant.revoked = true;
            ended += 1;
        }
        ended
    }

    /// Turns the changes that watches ask for into pushes, one per mailbox, and returns their ids.
    pub fn publish(&mut self, rate_limit: bool) -> Vec<String> {
        let now = self.now_ms();
        let mut announced = Vec::new();
        for (address, account) in &mut self.accounts {
            let Some(history_id) = account.mailbox.unpublished.take() else {
                continue;
            };
            let Some(watch) = &account.mailbox.watch else {
                continue;
            };
            if rate_limit && account.mailbox.last_push_ms.is_some_and(|last| now - last < 1_000) {
                continue;
            }
            account.mailbox.last_push_ms = Some(now);
            announced.push((address.clone(), watch.topic.clone(), history_id));
        }
        announced.iter().flat_map(|(address, topic, id)| self.announce(address, topic, *id)).collect()
    }

    /// Puts one notification under way to every subscription of a topic.
    pub fn announce(&mut self, address: &str, topic: &str, history_id: u64) -> Vec<String> {
        let published_ms = self.now_ms();
        self.expire_subscriptions();
        let takes = |known: &&Subscription| known.topic == topic && self.pubsub.takes(&known.subscription);
        let subscriptions: Vec<_> = self.subscriptions.iter().filter(takes).cloned().collect();
        let mut ids = Vec::new();
        for subscription in subscriptions {
            let message_id = self.fresh_number().to_string();
            let push = Push {
                message_id: message_id.clone(),
                subscription,
                address: address.to_owned(),
                history_id,
                published_ms,
                attempts: 0,
            };
            self.pushes.insert(message_id.clone(), push);
            ids.push(message_id);
        }
        ids
    }
}
