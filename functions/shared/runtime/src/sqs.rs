//! The SQS record runner: each record in a task of its own, its [`Outcome`] turned into what the queue understands.
//!
//! | outcome | record |
//! |---|---|
//! | Done, Ignore | deleted |
//! | Retry(after) | comes back after that long |
//! | Defer | the handler moves it (or its use case has), then deleted |
//! | Fail(reason), undecodable | into the dead-letter queue with the reason, then deleted |
//! | panic | Retry twice, then Fail |
//!
//! Invariant: a record is deleted only when its outcome stands somewhere else; when that fails, it comes back.

use crate::clock::Stopwatch;
use async_trait::async_trait;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use channel::ids::MailboxId;
use channel::outcome::Outcome;
use channel::ports::{DeadLetter, QueueError, Visibility};
use channel::time::Timestamp;
use channel::work::{Envelope, Job, SyncWork, VERSION, WorkerWork};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The longest visibility time-out that SQS knows.
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// A panic is tried this often in all.
const PANIC_ATTEMPTS: u32 = 3;
const AFTER_PANIC: Duration = Duration::from_secs(30);

/// Work that comes through a queue.
pub trait QueueWork: DeserializeOwned + Clone + Send + Sync + 'static {
    fn kind(&self) -> &'static str;
    /// None for work that belongs to no mailbox.
    fn mailbox(&self) -> Option<&MailboxId>;
}

impl QueueWork for SyncWork {
    fn kind(&self) -> &'static str {
        match self {
            Self::Sync { .. } => "sync",
            Self::Ingest { .. } => "ingest",
        }
    }

    fn mailbox(&self) -> Option<&MailboxId> {
        match self {
            Self::Sync { mailbox, .. } | Self::Ingest { mailbox, .. } => Some(mailbox),
        }
    }
}

impl QueueWork for WorkerWork {
    fn kind(&self) -> &'static str {
        match self {
            Self::Turn { .. } => "turn",
            Self::Act { .. } => "act",
            Self::Notify { .. } => "notify",
            Self::Resume { .. } => "resume",
            Self::Example { .. } => "example",
            Self::Job { job: Job::ReadDocument { .. } } => "read_document",
            Self::Job { job: Job::BuildSnapshot } => "build_snapshot",
            Self::Job { job: Job::CloseGap { .. } } => "close_gap",
        }
    }

    fn mailbox(&self) -> Option<&MailboxId> {
        Self::mailbox(self)
    }
}

/// One record, decoded.
#[derive(Debug, Clone)]
pub struct Record<W> {
    pub work: W,
    pub message_id: String,
    /// How often the queue has handed it out, this time included.
    pub receive_count: u32,
    /// When the function ends, whatever it is doing.
    pub deadline: Option<Timestamp>,
}

#[async_trait]
pub trait Handler<W: QueueWork>: Send + Sync + 'static {
    async fn handle(&self, record: Record<W>) -> Outcome;

    /// Brings deferred work back after a while. Work whose item carries `due_at` was moved by its use case already, and
    /// there is nothing to do.
    async fn defer(&self, work: W, after: Duration) -> Result<(), QueueError> {
        let _moved_already = (work, after);
        Ok(())
    }
}

/// What becomes of the record.
enum Fate {
    Delete,
    Return,
}

#[derive(Clone)]
pub struct Runner {
    visibility: Arc<dyn Visibility>,
    dead_letter: Arc<dyn DeadLetter>,
}

impl Runner {
    pub fn new(visibility: Arc<dyn Visibility>, dead_letter: Arc<dyn DeadLetter>) -> Self {
        Self { visibility, dead_letter }
    }

    /// Never fails as a whole: that would bring back the records that were done.
    pub async fn run<W: QueueWork>(&self, event: SqsEvent, handler: Arc<dyn Handler<W>>) -> SqsBatchResponse {
        self.run_until(event, handler, None).await
    }

    /// The same for a function that has to know when it ends.
    pub async fn run_until<W: QueueWork>(
        &self,
        event: SqsEvent,
        handler: Arc<dyn Handler<W>>,
        deadline: Option<Timestamp>,
    ) -> SqsBatchResponse {
        let tasks: Vec<_> = event
            .records
            .into_iter()
            .map(|message| {
                let item = message.message_id.clone().unwrap_or_default();
                let (runner, handler) = (self.clone(), Arc::clone(&handler));
                (item, tokio::spawn(async move { runner.one(message, handler, deadline).await }))
            })
            .collect();
        let mut response = SqsBatchResponse::default();
        for (item, task) in tasks {
            let fate = task.await.unwrap_or_else(|error| {
                tracing::error!(message.id = %item, panic = error.is_panic(), "the runner itself failed");
                Fate::Return
            });
            if matches!(fate, Fate::Return) {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = item;
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    async fn one<W: QueueWork>(
        &self,
        message: SqsMessage,
        handler: Arc<dyn Handler<W>>,
        deadline: Option<Timestamp>,
    ) -> Fate {
        let watch = Stopwatch::start();
        let body = message.body.as_deref().unwrap_or_default();
        let (work, outcome) = match decode::<W>(body) {
            Ok(work) => {
                let outcome = attempt(&message, &work, &handler, deadline).await;
                (Some(work), outcome)
            }
            Err(reason) => (None, Outcome::Fail(reason)),
        };
        report(&message, work.as_ref(), &outcome, &watch);
        self.settle(&message, work, outcome, &handler).await
    }

    async fn settle<W: QueueWork>(
        &self,
        message: &SqsMessage,
        work: Option<W>,
        outcome: Outcome,
        handler: &Arc<dyn Handler<W>>,
    ) -> Fate {
        let moved = match outcome {
            Outcome::Done | Outcome::Ignore(_) => Ok(()),
            Outcome::Retry { after, .. } => {
                self.hold_back(message, after).await;
                return Fate::Return;
            }
            Outcome::Defer { after, .. } => match work {
                Some(work) => handler.defer(work, after).await,
                None => Ok(()),
            },
            Outcome::Fail(reason) => self.dead_letter.send(message.body.as_deref().unwrap_or_default(), &reason).await,
        };
        match moved {
            Ok(()) => Fate::Delete,
            Err(error) => {
                tracing::warn!(message.id = id(message), error = %error, "the record could not be moved; it comes back");
                Fate::Return
            }
        }
    }

    /// When this fails the record comes back all the same, after the queue's own visibility time-out.
    async fn hold_back(&self, message: &SqsMessage, after: Duration) {
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) = self.visibility.change(receipt, after.min(MAX_VISIBILITY)).await {
            tracing::warn!(message.id = id(message), error = %error, "the visibility could not be changed");
        }
    }
}

fn decode<W: QueueWork>(body: &str) -> Result<W, String> {
    // Serde's message would quote the body.
    let envelope: Envelope<W> = serde_json::from_str(body)
        .map_err(|error| format!("undecodable: {:?} at column {}", error.classify(), error.column()))?;
    if envelope.v == 0 || envelope.v > VERSION {
        return Err(format!("undecodable: version {} is not known here", envelope.v));
    }
    Ok(envelope.work)
}

/// In a task of its own, so that a panic ends nothing but this record.
async fn attempt<W: QueueWork>(
    message: &SqsMessage,
    work: &W,
    handler: &Arc<dyn Handler<W>>,
    deadline: Option<Timestamp>,
) -> Outcome {
    let receive_count = receive_count(message);
    let record = Record { work: work.clone(), message_id: id(message).to_owned(), receive_count, deadline };
    let handler = Arc::clone(handler);
    match tokio::spawn(async move { handler.handle(record).await }).await {
        Ok(outcome) => outcome,
        Err(_panicked) if receive_count < PANIC_ATTEMPTS => {
            Outcome::Retry { after: AFTER_PANIC, reason: "panic".to_owned() }
        }
        Err(_panicked) => Outcome::Fail("panic".to_owned()),
    }
}

fn report<W: QueueWork>(message: &SqsMessage, work: Option<&W>, outcome: &Outcome, watch: &Stopwatch) {
    let mailbox = work.and_then(QueueWork::mailbox).map_or("", MailboxId::as_str);
    let kind = work.map_or("undecodable", QueueWork::kind);
    let (name, reason) = describe(outcome);
    let count = receive_count(message);
    let duration_ms = watch.millis();
    match outcome {
        Outcome::Done | Outcome::Ignore(_) | Outcome::Defer { .. } => tracing::info!(
            mailbox.id = mailbox,
            work.kind = kind,
            message.id = id(message),
            message.receive_count = count,
            outcome = name,
            reason,
            duration_ms,
            "record"
        ),
        Outcome::Retry { .. } => tracing::warn!(
            mailbox.id = mailbox,
            work.kind = kind,
            message.id = id(message),
            message.receive_count = count,
            outcome = name,
            reason,
            duration_ms,
            "record"
        ),
        Outcome::Fail(_) => tracing::error!(
            mailbox.id = mailbox,
            work.kind = kind,
            message.id = id(message),
            message.receive_count = count,
            outcome = name,
            reason,
            duration_ms,
            "record"
        ),
    }
}

fn describe(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Done => ("done", ""),
        Outcome::Ignore(reason) => ("ignore", reason),
        Outcome::Retry { reason, .. } => ("retry", reason),
        Outcome::Defer { reason, .. } => ("defer", reason),
        Outcome::Fail(reason) => ("fail", reason),
    }
}

fn id(message: &SqsMessage) -> &str {
    message.message_id.as_deref().unwrap_or_default()
}

/// A count that is missing is taken as the first: nothing is given up too early.
fn receive_count(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}
