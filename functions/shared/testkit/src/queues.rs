//! Queues in memory: what was sent stays until it is taken.

use async_trait::async_trait;
use channel::ports::{DeadLetter, QueueError, SyncQueue, Visibility, WorkQueue};
use channel::work::{Envelope, SyncWork, VERSION, WorkerWork};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The longest delay that SQS knows.
const MAX_DELAY: Duration = Duration::from_secs(900);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<W> {
    pub work: W,
    /// As the queue keeps it: capped.
    pub delay: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    sync: Vec<Sent<SyncWork>>,
    work: Vec<Sent<WorkerWork>>,
    dead: Vec<(String, String)>,
    changed: Vec<(String, Duration)>,
}

/// Both work queues, the dead letters and the changes of visibility. Clones are the same queues.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueues(Arc<Mutex<Inner>>);

impl MemoryQueues {
    /// Everything for `mail-sync` so far, in the order it was sent.
    pub fn take_sync(&self) -> Vec<Sent<SyncWork>> {
        std::mem::take(&mut self.inner().sync)
    }

    /// Everything for `ai-worker` so far, in the order it was sent.
    pub fn take_work(&self) -> Vec<Sent<WorkerWork>> {
        std::mem::take(&mut self.inner().work)
    }

    /// Bodies and reasons.
    pub fn take_dead(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.inner().dead)
    }

    /// Receipts, and after how long their records come back.
    pub fn take_changed(&self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.inner().changed)
    }

    /// For the end of a test: whatever was sent was looked at.
    ///
    /// # Panics
    /// When something is left, with what it is.
    pub fn assert_drained(&self) {
        let inner = self.inner();
        let empty = inner.sync.is_empty() && inner.work.is_empty() && inner.dead.is_empty() && inner.changed.is_empty();
        assert!(empty, "left in the queues: {inner:?}");
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("a test panicked while it held the queues")
    }
}

#[async_trait]
impl SyncQueue for MemoryQueues {
    async fn send(&self, work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError> {
        let delay = after.min(MAX_DELAY);
        self.inner().sync.extend(work.into_iter().map(|work| Sent { work: travelled(work), delay }));
        Ok(())
    }
}

#[async_trait]
impl WorkQueue for MemoryQueues {
    async fn send(&self, work: Vec<WorkerWork>, after: Duration) -> Result<(), QueueError> {
        let delay = after.min(MAX_DELAY);
        self.inner().work.extend(work.into_iter().map(|work| Sent { work: travelled(work), delay }));
        Ok(())
    }
}

/// As the receiver decodes it.
fn travelled<W: serde::Serialize + serde::de::DeserializeOwned>(work: W) -> W {
    let body = serde_json::to_string(&Envelope::new(work)).expect("work that cannot be written as JSON");
    let envelope: Envelope<W> = serde_json::from_str(&body).expect("work that cannot be read back");
    assert_eq!(envelope.v, VERSION, "the envelope lost its version");
    envelope.work
}

#[async_trait]
impl DeadLetter for MemoryQueues {
    async fn send(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        self.inner().dead.push((body.to_owned(), reason.to_owned()));
        Ok(())
    }
}

#[async_trait]
impl Visibility for MemoryQueues {
    async fn change(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.inner().changed.push((receipt.to_owned(), after));
        Ok(())
    }
}
