//! Each outcome of a record, and what the queue is told of it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use async_trait::async_trait;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use channel::ids::MailboxId;
use channel::outcome::Outcome;
use channel::ports::{DeadLetter, QueueError, Visibility};
use channel::work::SyncWork;
use runtime::sqs::{Handler, Record, Runner};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The queue's side: what was changed and what was buried; either may be down.
#[derive(Default)]
struct Queue {
    down: bool,
    held_back: Mutex<Vec<(String, Duration)>>,
    buried: Mutex<Vec<(String, String)>>,
}

impl Queue {
    fn check(&self) -> Result<(), QueueError> {
        if self.down { Err(QueueError("down".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Visibility for Queue {
    async fn change(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.check()?;
        self.held_back.lock().unwrap().push((receipt.to_owned(), after));
        Ok(())
    }
}

#[async_trait]
impl DeadLetter for Queue {
    async fn send(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        self.check()?;
        self.buried.lock().unwrap().push((body.to_owned(), reason.to_owned()));
        Ok(())
    }
}

/// Does what the mailbox is named after.
#[derive(Default)]
struct Worker {
    down: bool,
    handled: Mutex<Vec<(String, u32)>>,
    deferred: Mutex<Vec<(String, Duration)>>,
}

const AFTER: Duration = Duration::from_secs(7);

#[async_trait]
impl Handler<SyncWork> for Worker {
    async fn handle(&self, record: Record<SyncWork>) -> Outcome {
        let name = mailbox(&record.work);
        self.handled.lock().unwrap().push((name.clone(), record.receive_count));
        match name.as_str() {
            "done" => Outcome::Done,
            "ignore" => Outcome::Ignore("unknown"),
            "retry" => Outcome::Retry { after: AFTER, reason: "fault".to_owned() },
            "retry-late" => Outcome::Retry { after: Duration::from_secs(999_999), reason: "fault".to_owned() },
            "defer" => Outcome::Defer { after: AFTER, reason: "lease" },
            "fail" => Outcome::Fail("never".to_owned()),
            name => panic!("no outcome for {name}"),
        }
    }

    async fn defer(&self, work: SyncWork, after: Duration) -> Result<(), QueueError> {
        if self.down {
            return Err(QueueError("down".to_owned()));
        }
        self.deferred.lock().unwrap().push((mailbox(&work), after));
        Ok(())
    }
}

/// Handles everything and defers by its use case alone.
struct Moved;

#[async_trait]
impl Handler<SyncWork> for Moved {
    async fn handle(&self, _: Record<SyncWork>) -> Outcome {
        Outcome::Defer { after: AFTER, reason: "not_due" }
    }
}

fn mailbox(work: &SyncWork) -> String {
    match work {
        SyncWork::Sync { mailbox, .. } | SyncWork::Ingest { mailbox, .. } => mailbox.to_string(),
    }
}

fn body(mailbox: &str) -> String {
    MailboxId::parse(mailbox).unwrap();
    json!({"v": 1, "kind": "sync", "mailbox": mailbox, "pushed": 7}).to_string()
}

fn event(records: &[(&str, String, u32)]) -> SqsEvent {
    let record = |(id, body, count): &(&str, String, u32)| {
        json!({"messageId": id, "receiptHandle": format!("receipt-{id}"), "body": body,
            "attributes": {"ApproximateReceiveCount": count.to_string()}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:sync",
            "awsRegion": "eu-central-1"})
    };
    let records: Vec<Value> = records.iter().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

fn failures(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

struct Bench {
    queue: Arc<Queue>,
    worker: Arc<Worker>,
}

impl Bench {
    fn new(queue_down: bool, worker_down: bool) -> Self {
        Self {
            queue: Arc::new(Queue { down: queue_down, ..Queue::default() }),
            worker: Arc::new(Worker { down: worker_down, ..Worker::default() }),
        }
    }

    async fn run(&self, records: &[(&str, String, u32)]) -> SqsBatchResponse {
        let runner = Runner::new(self.queue.clone(), self.queue.clone());
        runner.run::<SyncWork>(event(records), self.worker.clone()).await
    }

    fn buried(&self) -> Vec<(String, String)> {
        self.queue.buried.lock().unwrap().clone()
    }

    fn held_back(&self) -> Vec<(String, Duration)> {
        self.queue.held_back.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn each_outcome_is_told_for_its_own_record() {
    let b = Bench::new(false, false);
    let names = ["done", "ignore", "retry", "defer", "fail"];
    let records = names.map(|name| (name, body(name), 1));
    let response = b.run(&records).await;
    assert_eq!(failures(&response), ["retry"]);
    assert_eq!(b.held_back(), [("receipt-retry".to_owned(), AFTER)]);
    assert_eq!(*b.worker.deferred.lock().unwrap(), [("defer".to_owned(), AFTER)]);
    assert_eq!(b.buried(), [(body("fail"), "never".to_owned())]);
    assert_eq!(b.worker.handled.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn an_empty_batch_has_no_failures() {
    let response = Bench::new(false, false).run(&[]).await;
    assert_eq!(serde_json::to_value(&response).unwrap(), json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn a_retry_is_held_back_no_longer_than_the_queue_can() {
    let b = Bench::new(false, false);
    b.run(&[("a", body("retry-late"), 3)]).await;
    assert_eq!(b.held_back(), [("receipt-a".to_owned(), Duration::from_secs(43_200))]);
    assert_eq!(*b.worker.handled.lock().unwrap(), [("retry-late".to_owned(), 3)]);
}

#[tokio::test]
async fn fault_42_a_panic_is_tried_twice_more_and_harms_no_other() {
    let b = Bench::new(false, false);
    let response = b.run(&[("p", body("panic"), 1), ("d", body("done"), 1)]).await;
    assert_eq!(failures(&response), ["p"]);
    assert_eq!(b.held_back().len(), 1);
    assert!(b.buried().is_empty());

    let response = b.run(&[("p", body("panic"), 2), ("d", body("done"), 1)]).await;
    assert_eq!(failures(&response), ["p"]);

    let response = b.run(&[("p", body("panic"), 3), ("d", body("done"), 1)]).await;
    assert!(failures(&response).is_empty());
    assert_eq!(b.buried(), [(body("panic"), "panic".to_owned())]);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_buried_with_its_reason_and_not_quoted() {
    for bad in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "confidential".to_owned(),
        json!({"kind": "sync", "mailbox": "m", "pushed": null}).to_string(),
        json!({"v": 0, "kind": "sync", "mailbox": "m", "pushed": null}).to_string(),
        json!({"v": 2, "kind": "sync", "mailbox": "m", "pushed": null}).to_string(),
        json!({"v": 1, "kind": "dance", "mailbox": "m"}).to_string(),
        json!({"v": 1, "kind": "sync", "mailbox": "a#b", "pushed": null}).to_string(),
        json!({"v": 1, "kind": "sync", "mailbox": "m", "pushed": -1}).to_string(),
    ] {
        let b = Bench::new(false, false);
        let response = b.run(&[("a", bad.clone(), 1)]).await;
        assert!(failures(&response).is_empty(), "{bad}");
        let buried = b.buried();
        assert_eq!(buried.len(), 1, "{bad}");
        assert_eq!(buried[0].0, bad);
        assert!(buried[0].1.starts_with("undecodable: ") && !buried[0].1.contains("confidential"), "{}", buried[0].1);
        assert!(b.worker.handled.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_record_is_kept_while_it_cannot_be_moved() {
    let b = Bench::new(true, true);
    let names = ["done", "retry", "defer", "fail"];
    let records = names.map(|name| (name, body(name), 1));
    let mut all = records.to_vec();
    all.push(("bad", "{".to_owned(), 1));
    let response = b.run(&all).await;
    assert_eq!(failures(&response), ["retry", "defer", "fail", "bad"]);
}

#[tokio::test]
async fn work_that_its_use_case_has_moved_is_deleted() {
    let queue = Arc::new(Queue::default());
    let runner = Runner::new(queue.clone(), queue.clone());
    let response = runner.run::<SyncWork>(event(&[("a", body("m"), 1)]), Arc::new(Moved)).await;
    assert!(failures(&response).is_empty());
    assert!(queue.held_back.lock().unwrap().is_empty() && queue.buried.lock().unwrap().is_empty());
}
