//! Time, randomness and pseudonyms under the test's control.

use channel::address::EmailAddress;
use channel::ports::{Clock, Entropy, Pseudonyms};
use channel::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Default for ManualClock {
    /// 2026-11-22T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_secs(1_795_348_800))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// 1, 2, 3 … as 32 bytes, each of them different at both ends, so that neither a prefix nor a suffix repeats.
#[derive(Debug, Default)]
pub struct SequenceEntropy(AtomicU64);

impl Entropy for SequenceEntropy {
    fn bytes(&self) -> [u8; 32] {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&number.to_be_bytes());
        }
        // The first byte tells the numbers apart too, for whoever takes a few bytes only.
        bytes[0] = number.to_le_bytes()[0];
        bytes
    }
}

/// The address itself in hex: different for different addresses, the same in every run.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakePseudonyms;

impl Pseudonyms for FakePseudonyms {
    fn of(&self, address: &EmailAddress) -> String {
        address.canonical().bytes().map(|byte| format!("{byte:02x}")).collect()
    }
}
