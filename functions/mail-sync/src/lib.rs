//! From SyncQueue: reads the history of a mailbox, and reads and stores one mail at a time.
//!
//! Invariant: one message of the queue is one piece of work; a mail that cannot be read harms no other.

mod wire;

use async_trait::async_trait;
use channel::outcome::Outcome;
use channel::usecase::ingest::{Announced, Ingest};
use channel::usecase::sync::Sync;
use channel::work::SyncWork;
use runtime::sqs::{Handler, Record};

pub use wire::wire;

pub struct MailSync {
    pub sync: Sync,
    pub ingest: Ingest,
}

impl MailSync {
    pub async fn work(&self, work: SyncWork) -> Outcome {
        match work {
            SyncWork::Sync { mailbox, pushed } => self.sync.run(&mailbox, pushed).await,
            SyncWork::Ingest { mailbox, message, thread, first_seen, labels } => {
                self.ingest.run(&Announced { mailbox, message, thread, first_seen, labels }).await
            }
        }
    }
}

#[async_trait]
impl Handler<SyncWork> for MailSync {
    async fn handle(&self, record: Record<SyncWork>) -> Outcome {
        self.work(record.work).await
    }
}
