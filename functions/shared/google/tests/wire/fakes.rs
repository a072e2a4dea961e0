//! A clock that is set by hand, a vault of one secret, and the client that everything here calls with.

use async_trait::async_trait;
use channel::ids::{GrantId, MailboxId};
use channel::ports::*;
use channel::time::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 2026-05-29T12:00:00Z
pub const NOW: i64 = 1_780_056_000;

pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOW)))
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub fn access() -> Access {
    Access { mailbox: MailboxId::parse("m1").unwrap(), grant: GrantId::parse("g1").unwrap() }
}

pub fn secret(access_token: &str, lasts: i64) -> GrantSecret {
    GrantSecret {
        refresh_token: "refresh-1".to_owned(),
        access_token: access_token.to_owned(),
        access_expires_at: Timestamp::from_secs(NOW + lasts),
    }
}

/// Gives what it holds; a later secret takes the place of the first after that many reads. Writing is a bug.
pub struct FakeVault {
    secrets: Mutex<Vec<Option<GrantSecret>>>,
    pub reads: AtomicUsize,
}

impl FakeVault {
    /// The last one stays.
    pub fn new(secrets: Vec<Option<GrantSecret>>) -> Arc<Self> {
        Arc::new(Self { secrets: Mutex::new(secrets), reads: AtomicUsize::new(0) })
    }

    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl GrantVault for FakeVault {
    async fn read(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError> {
        assert_eq!((mailbox.as_str(), grant.as_str()), ("m1", "g1"));
        self.reads.fetch_add(1, Ordering::SeqCst);
        let mut secrets = self.secrets.lock().unwrap();
        let secret = if secrets.len() > 1 { secrets.remove(0) } else { secrets[0].clone() };
        secret.ok_or(VaultError::Missing)
    }

    async fn create(&self, _: &MailboxId, _: &GrantId, _: &GrantSecret) -> Result<(), VaultError> {
        panic!("a reader wrote")
    }

    async fn replace(&self, _: &MailboxId, _: &GrantId, _: &GrantSecret) -> Result<(), VaultError> {
        panic!("a reader wrote")
    }

    async fn delete(&self, _: &MailboxId, _: &GrantId) -> Result<(), VaultError> {
        panic!("a reader deleted")
    }
}

#[expect(clippy::disallowed_methods, reason = "the crate is handed its client; a test makes one as runtime does")]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}
