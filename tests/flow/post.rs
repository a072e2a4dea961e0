//! The queues, held by the test: what was sent, and when it falls due.

use async_trait::async_trait;
use channel::ports::{Clock, QueueError, SyncQueue, WorkQueue};
use channel::time::Timestamp;
use channel::work::{SyncWork, WorkerWork};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    Sync(SyncWork),
    Worker(WorkerWork),
}

pub struct Post {
    clock: Arc<dyn Clock>,
    waiting: Mutex<Vec<(Timestamp, Work)>>,
    pub sent: AtomicU32,
    /// Sends that fail from here on.
    pub failing: AtomicU32,
}

impl Post {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, waiting: Mutex::default(), sent: AtomicU32::new(0), failing: AtomicU32::new(0) }
    }

    pub fn put(&self, work: Work, after: Duration) {
        let at = self.clock.now().plus(after);
        self.waiting.lock().unwrap().push((at, work));
    }

    /// The earliest message that is due by `until`, and its time.
    pub fn take(&self, until: Timestamp) -> Option<(Timestamp, Work)> {
        let mut waiting = self.waiting.lock().unwrap();
        let first = (0..waiting.len()).min_by_key(|n| waiting[*n].0)?;
        (waiting[first].0 <= until).then(|| waiting.remove(first))
    }

    /// What waits, in no order.
    pub fn waiting(&self) -> Vec<Work> {
        self.waiting.lock().unwrap().iter().map(|(_, work)| work.clone()).collect()
    }

    /// A standard queue keeps no order: whatever waits comes now, the last first.
    pub fn reorder(&self) {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock().unwrap();
        waiting.reverse();
        waiting.iter_mut().for_each(|(at, _)| *at = now);
    }

    /// Loses everything that waits, as if the queue had.
    pub fn lose(&self) -> usize {
        std::mem::take(&mut *self.waiting.lock().unwrap()).len()
    }

    fn accept(&self, work: Vec<Work>, after: Duration) -> Result<(), QueueError> {
        let failing = self.failing.load(Ordering::SeqCst);
        if failing > 0 {
            self.failing.store(failing - 1, Ordering::SeqCst);
            return Err(QueueError("the test lets this send fail".to_owned()));
        }
        assert!(after <= Duration::from_secs(900), "no queue can delay for {after:?}");
        for work in work {
            self.sent.fetch_add(1, Ordering::SeqCst);
            self.put(work, after);
        }
        Ok(())
    }
}

#[async_trait]
impl SyncQueue for Post {
    async fn send(&self, work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError> {
        self.accept(work.into_iter().map(Work::Sync).collect(), after)
    }
}

#[async_trait]
impl WorkQueue for Post {
    async fn send(&self, work: Vec<WorkerWork>, after: Duration) -> Result<(), QueueError> {
        self.accept(work.into_iter().map(Work::Worker).collect(), after)
    }
}
