//! What a subscription is set to, and how it ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    config::Subscription,
    state::{DAY_MS, Push, World},
};

/// The settings of one subscription. What is `None` or absent is as the service has it by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Also the push request's time-out; Pub/Sub takes 10 to 600 seconds, less is for tests.
    pub ack_deadline_ms: Option<u64>,
    /// Pause before the second delivery; it doubles with every further one.
    pub minimum_backoff_ms: Option<u64>,
    pub maximum_backoff_ms: Option<u64>,
    pub dead_letter: Option<DeadLetterPolicy>,
    /// How long an unacknowledged message is kept, by the simulator's clock.
    pub retention_ms: i64,
    /// A subscription idle for this long is deleted, with what was under way to it; `None`: never.
    pub expiration_ms: Option<i64>,
    /// Every acknowledged message is delivered once more.
    pub duplicates: bool,
    /// Of every two messages of a mailbox the second is delivered first.
    pub disorder: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            ack_deadline_ms: None,
            minimum_backoff_ms: None,
            maximum_backoff_ms: None,
            dead_letter: None,
            retention_ms: 7 * DAY_MS,
            expiration_ms: Some(31 * DAY_MS),
            duplicates: false,
            disorder: false,
        }
    }
}

/// Where a message goes that was refused too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterPolicy {
    /// `projects/P/topics/T`
    pub topic: String,
    /// 5 to 100.
    #[serde(default = "five")]
    pub max_delivery_attempts: u32,
}

fn five() -> u32 {
    5
}

/// A message that was given up after its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub topic: String,
    pub subscription: String,
    pub message_id: String,
    pub account: String,
    pub history_id: u64,
    pub delivery_attempts: u32,
}

/// Why a policy was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("there is no subscription {0}")]
    Subscription(String),
    #[error("{what} is {value}, outside {from} to {to}")]
    Range { what: &'static str, value: i128, from: i128, to: i128 },
    #[error("the first pause is longer than the longest")]
    Backoff,
}

fn within(what: &'static str, value: impl Into<i128>, from: i128, to: i128) -> Result<(), PolicyError> {
    let value = value.into();
    if (from..=to).contains(&value) { Ok(()) } else { Err(PolicyError::Range { what, value, from, to }) }
}

impl Policy {
    fn check(&self) -> Result<(), PolicyError> {
        let day = i128::from(DAY_MS);
        if let Some(ms) = self.ack_deadline_ms {
            within("ack_deadline_ms", ms, 1, 600_000)?;
        }
        for (what, ms) in
            [("minimum_backoff_ms", self.minimum_backoff_ms), ("maximum_backoff_ms", self.maximum_backoff_ms)]
        {
            within(what, ms.unwrap_or(0), 0, 600_000)?;
        }
        if let (Some(first), Some(longest)) = (self.minimum_backoff_ms, self.maximum_backoff_ms)
            && first > longest
        {
            return Err(PolicyError::Backoff);
        }
        if let Some(dead) = &self.dead_letter {
            within("max_delivery_attempts", dead.max_delivery_attempts, 5, 100)?;
        }
        within("retention_ms", self.retention_ms, 600_000, 31 * day)?;
        if let Some(ms) = self.expiration_ms {
            within("expiration_ms", ms, day, 365 * day)?;
        }
        Ok(())
    }
}

/// What is remembered of topics and subscriptions beside the list of subscriptions.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Book {
    policies: BTreeMap<String, Policy>,
    /// When a subscription was last used: registered, set, or a message acknowledged.
    active_ms: BTreeMap<String, i64>,
    /// A topic outlives its subscriptions.
    topics: BTreeSet<String>,
    detached: BTreeSet<String>,
    pub dead: Vec<DeadLetter>,
    /// Delivered notifications of each mailbox, for what waits behind one.
    #[serde(skip)]
    pub delivered: BTreeMap<String, u64>,
    /// Notifications of each mailbox that began their way under `disorder`.
    #[serde(skip)]
    begun: BTreeMap<String, u64>,
    /// Raised when held notifications are to go.
    #[serde(skip)]
    pub released: u64,
}

impl Book {
    pub fn policy(&self, subscription: &str) -> Policy {
        self.policies.get(subscription).cloned().unwrap_or_default()
    }

    pub fn used(&mut self, subscription: &str, now_ms: i64) {
        self.active_ms.insert(subscription.to_owned(), now_ms);
    }

    pub fn registered(&mut self, subscription: &Subscription, now_ms: i64) {
        self.topics.insert(subscription.topic.clone());
        self.detached.remove(&subscription.subscription);
        self.used(&subscription.subscription, now_ms);
    }

    /// Whether this is the first of a pair that is to be turned round.
    pub fn first_of_two(&mut self, address: &str) -> bool {
        let begun = self.begun.entry(address.to_owned()).or_default();
        *begun += 1;
        *begun % 2 == 1
    }

    pub fn takes(&self, subscription: &str) -> bool {
        !self.detached.contains(subscription)
    }

    fn idle(&self, subscription: &str, now_ms: i64) -> bool {
        let ttl = self.policies.get(subscription).map_or(Policy::default().expiration_ms, |known| known.expiration_ms);
        let since = self.active_ms.get(subscription).copied().unwrap_or(now_ms);
        ttl.is_some_and(|ttl| now_ms - since >= ttl)
    }
}

impl World {
    pub fn knows_topic(&self, topic: &str) -> bool {
        self.pubsub.topics.contains(topic) || self.subscriptions.iter().any(|known| known.topic == topic)
    }

    pub fn set_policy(&mut self, subscription: &str, policy: Policy) -> Result<(), PolicyError> {
        policy.check()?;
        self.used_now(subscription)?;
        self.pubsub.policies.insert(subscription.to_owned(), policy);
        Ok(())
    }

    fn used_now(&mut self, subscription: &str) -> Result<(), PolicyError> {
        self.expire_subscriptions();
        if !self.subscriptions.iter().any(|known| known.subscription == subscription) {
            return Err(PolicyError::Subscription(subscription.to_owned()));
        }
        let now = self.now_ms();
        self.pubsub.used(subscription, now);
        Ok(())
    }

    /// Deletes the subscriptions that were idle for too long.
    pub fn expire_subscriptions(&mut self) {
        let now = self.now_ms();
        let idle: Vec<String> = self
            .subscriptions
            .iter()
            .map(|known| known.subscription.clone())
            .filter(|name| self.pubsub.idle(name, now))
            .collect();
        for name in idle {
            tracing::info!("a subscription was idle for too long and is deleted");
            self.drop_subscription(&name);
        }
    }

    /// Makes a subscription look as if nobody had used it for as long as its policy allows.
    pub fn let_idle(&mut self, subscription: &str) -> Result<bool, PolicyError> {
        self.used_now(subscription)?;
        let Some(ttl) = self.pubsub.policy(subscription).expiration_ms else { return Ok(false) };
        let since = self.now_ms() - ttl;
        self.pubsub.used(subscription, since);
        self.expire_subscriptions();
        Ok(true)
    }

    pub fn delete_subscription(&mut self, subscription: &str) -> Result<(), PolicyError> {
        self.used_now(subscription)?;
        self.drop_subscription(subscription);
        Ok(())
    }

    /// It stays, but gets nothing more, and what was under way is gone.
    pub fn detach_subscription(&mut self, subscription: &str) -> Result<(), PolicyError> {
        self.used_now(subscription)?;
        self.pubsub.detached.insert(subscription.to_owned());
        self.pushes.retain(|_, push| push.subscription.subscription != subscription);
        Ok(())
    }

    fn drop_subscription(&mut self, subscription: &str) {
        self.subscriptions.retain(|known| known.subscription != subscription);
        self.pushes.retain(|_, push| push.subscription.subscription != subscription);
        self.pubsub.policies.remove(subscription);
        self.pubsub.active_ms.remove(subscription);
        self.pubsub.detached.remove(subscription);
    }

    /// A push that is still wanted; what is past its retention or its subscription's life is dropped here.
    pub fn still_wanted(&mut self, id: &str) -> Option<(Push, Policy)> {
        self.expire_subscriptions();
        let push = self.pushes.get(id)?.clone();
        let policy = self.pubsub.policy(&push.subscription.subscription);
        if self.now_ms() - push.published_ms >= policy.retention_ms {
            tracing::info!("a push was kept for as long as its subscription allows, and is dropped");
            self.pushes.remove(id);
            return None;
        }
        Some((push, policy))
    }
}
