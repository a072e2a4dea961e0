//! The queues. A message is a versioned envelope that names work by its ids.
//!
//! Invariant: standard queues, with the mailbox as message group, so that one busy mailbox does not hold up the others
//! (SQS fair queues).

use crate::failure;
use crate::meter::Meter;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use channel::ids::MailboxId;
use channel::ports::{DeadLetter, QueueError, SyncQueue, Visibility, WorkQueue};
use channel::work::{Envelope, SyncWork, WorkerWork};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// `SendMessageBatch` takes this many entries.
const BATCH: usize = 10;
/// SQS knows no longer delay.
const MAX_DELAY_SECS: i32 = 900;
/// SQS knows no longer visibility time-out.
const MAX_VISIBILITY_SECS: i32 = 12 * 60 * 60;
/// Entries that SQS refused are sent this often in all.
const ROUNDS: usize = 2;

#[derive(Clone)]
struct Queue {
    client: Client,
    url: String,
    meter: Option<Arc<Meter>>,
}

macro_rules! queues {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Queue);

        impl $name {
            pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
                Self(Queue { client: Client::new(config), url: url.into(), meter: None })
            }

            /// Counts requests in `meter`.
            #[must_use]
            pub fn metered(mut self, meter: Arc<Meter>) -> Self {
                self.0.meter = Some(meter);
                self
            }
        }
    )* };
}

queues! {
    /// Sends to the queue of `mail-sync`.
    SyncSender;
    /// Sends to the queue of `ai-worker`.
    WorkSender;
    /// The queue that a function's records come from.
    SourceQueue;
    /// The dead-letter queue of a function.
    DeadLetters;
}

#[async_trait]
impl SyncQueue for SyncSender {
    async fn send(&self, work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError> {
        self.0.send_all(work, mailbox_of_sync, after).await
    }
}

#[async_trait]
impl WorkQueue for WorkSender {
    async fn send(&self, work: Vec<WorkerWork>, after: Duration) -> Result<(), QueueError> {
        self.0.send_all(work, mailbox_of_work, after).await
    }
}

fn mailbox_of_sync(work: &SyncWork) -> &MailboxId {
    match work {
        SyncWork::Sync { mailbox, .. } | SyncWork::Ingest { mailbox, .. } => mailbox,
    }
}

fn mailbox_of_work(work: &WorkerWork) -> &MailboxId {
    match work {
        WorkerWork::Turn { mailbox, .. }
        | WorkerWork::Act { mailbox, .. }
        | WorkerWork::Notify { mailbox, .. }
        | WorkerWork::Resume { mailbox } => mailbox,
    }
}

#[async_trait]
impl Visibility for SourceQueue {
    async fn change(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let operation = "ChangeMessageVisibility";
        self.0.count(operation);
        self.0
            .client
            .change_message_visibility()
            .queue_url(&self.0.url)
            .receipt_handle(receipt)
            .visibility_timeout(whole_secs(after, MAX_VISIBILITY_SECS))
            .send()
            .await
            .map_err(|error| QueueError(failure::sort(operation, &error).text))?;
        Ok(())
    }
}

#[async_trait]
impl DeadLetter for DeadLetters {
    async fn send(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        let operation = "SendMessage";
        // SQS takes neither an empty body nor an empty attribute.
        let body = if body.is_empty() { "{}" } else { body };
        let reason = if reason.is_empty() { "unknown" } else { reason };
        let reason = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(reason)
            .build()
            .map_err(|error| QueueError(format!("{operation}: {error}")))?;
        self.0.count(operation);
        self.0
            .client
            .send_message()
            .queue_url(&self.0.url)
            .message_body(body)
            .message_attributes("reason", reason)
            .send()
            .await
            .map_err(|error| QueueError(failure::sort(operation, &error).text))?;
        Ok(())
    }
}

impl Queue {
    fn count(&self, operation: &'static str) {
        if let Some(meter) = &self.meter {
            meter.request(operation);
        }
    }

    async fn send_all<T: Serialize + Send>(
        &self,
        work: Vec<T>,
        mailbox: fn(&T) -> &MailboxId,
        after: Duration,
    ) -> Result<(), QueueError> {
        let delay = whole_secs(after, MAX_DELAY_SECS);
        let entries: Vec<_> = work
            .into_iter()
            .enumerate()
            .map(|(no, work)| {
                let group = mailbox(&work).to_string();
                entry(no, group, work, delay)
            })
            .collect::<Result<_, _>>()?;
        for chunk in entries.chunks(BATCH) {
            self.send_batch(chunk.to_vec()).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), QueueError> {
        let operation = "SendMessageBatch";
        let (whole, mut open, mut codes) = (entries.len(), entries, Vec::new());
        for _ in 0..ROUNDS {
            self.count(operation);
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(open.clone()))
                .send()
                .await
                .map_err(|error| QueueError(failure::sort(operation, &error).text))?;
            let sent =
                |entry: &SendMessageBatchRequestEntry| answer.successful().iter().any(|one| one.id() == entry.id());
            open.retain(|entry| !sent(entry));
            if open.is_empty() {
                return Ok(());
            }
            codes = answer.failed().iter().map(|failed| failed.code().to_owned()).collect();
        }
        codes.sort();
        codes.dedup();
        Err(QueueError(format!("{operation}: {} of {whole} entries refused: {}", open.len(), codes.join(", "))))
    }
}

fn entry<T: Serialize>(
    no: usize,
    group: String,
    work: T,
    delay: i32,
) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let wrong = |error: &dyn std::fmt::Display| QueueError(format!("SendMessageBatch: {error}"));
    let body = serde_json::to_string(&Envelope::new(work)).map_err(|error| wrong(&error))?;
    SendMessageBatchRequestEntry::builder()
        .id(no.to_string())
        .message_body(body)
        .message_group_id(group)
        .delay_seconds(delay)
        .build()
        .map_err(|error| wrong(&error))
}

/// Rounded up: nothing comes before it is due.
fn whole_secs(after: Duration, most: i32) -> i32 {
    let secs = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
    i32::try_from(secs).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::ids::HistoryId;

    #[test]
    fn a_delay_is_rounded_up_and_capped() {
        assert_eq!(whole_secs(Duration::ZERO, 900), 0);
        assert_eq!(whole_secs(Duration::from_millis(1), 900), 1);
        assert_eq!(whole_secs(Duration::from_secs(900), 900), 900);
        assert_eq!(whole_secs(Duration::MAX, 900), 900);
    }

    #[test]
    fn an_entry_is_a_versioned_envelope_in_the_mailbox_group() {
        let mailbox = MailboxId::parse("mb").unwrap();
        let work = SyncWork::Sync { mailbox, pushed: Some(HistoryId(u64::MAX)) };
        let entry = entry(3, mailbox_of_sync(&work).to_string(), work.clone(), 7).unwrap();
        assert_eq!(entry.message_body(), r#"{"v":1,"kind":"sync","mailbox":"mb","pushed":18446744073709551615}"#);
        assert_eq!((entry.id(), entry.message_group_id(), entry.delay_seconds()), ("3", Some("mb"), Some(7)));
        let back: Envelope<SyncWork> = serde_json::from_str(entry.message_body()).unwrap();
        assert_eq!(back.work, work);
    }
}
