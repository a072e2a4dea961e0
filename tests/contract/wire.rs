//! Exact requests and answers where no emulator runs in this process: the queues, the secrets, and refusals of the table.

use aws::{AppSecretReader, DeadLetters, Meter, SdkConfig, SourceQueue, SyncSender, Table, Vault, WorkSender};
use channel::ports::*;
use channel::record::{Commit, ItemKey, Organisation};
use channel::work::{SyncWork, WorkerWork};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Answers = Arc<Mutex<VecDeque<(u16, Value)>>>;
type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// Plays its answers in order, one for each request; a request too many is answered with 500.
struct Peer {
    config: SdkConfig,
    requests: Requests,
}

impl Peer {
    async fn with(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let answers: Answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        let requests = Requests::default();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &answers, &kept).await;
            }
        });
        Self { config: aws::emulator_config(&endpoint), requests }
    }

    /// Operations and bodies so far.
    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }

    fn table(&self) -> Table {
        Table::new(&self.config, "postroom", Arc::new(ManualClock::default()))
    }
}

async fn serve(mut stream: TcpStream, answers: &Answers, requests: &Requests) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while bytes.len() < head + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ended early");
    }
    let target = header("x-amz-target").unwrap();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let body = serde_json::from_slice(&bytes[head..]).unwrap();
    requests.lock().unwrap().push((operation, body));
    let (status, body) = answers.lock().unwrap().pop_front().unwrap_or((500, json!({ "__type": "Unexpected" })));
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

fn refused(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "quotes ada@example.net" }))
}

fn all_sent(ids: impl IntoIterator<Item = usize>) -> (u16, Value) {
    let sent = |id: usize| json!({ "Id": id.to_string(), "MessageId": "m", "MD5OfMessageBody": "x" });
    (200, json!({ "Successful": ids.into_iter().map(sent).collect::<Vec<_>>(), "Failed": [] }))
}

fn syncs(count: usize) -> Vec<SyncWork> {
    (0..count).map(|no| SyncWork::Sync { mailbox: mailbox_id(&format!("mb{no}")), pushed: None }).collect()
}

#[tokio::test]
async fn messages_go_in_tens_with_their_mailbox_as_group() {
    let peer = Peer::with([all_sent(0..10), all_sent(10..20), all_sent(20..23)]).await;
    let meter = Arc::new(Meter::default());
    let queue = SyncSender::new(&peer.config, "http://queue.test/sync").metered(Arc::clone(&meter));
    queue.send(syncs(23), Duration::from_millis(1500)).await.unwrap();
    let requests = peer.requests();
    let sizes: Vec<usize> = requests.iter().map(|(_, body)| body["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 10, 3]);
    assert_eq!(meter.total().requests, 3);
    let (operation, body) = &requests[2];
    assert_eq!((operation.as_str(), &body["QueueUrl"]), ("SendMessageBatch", &json!("http://queue.test/sync")));
    let expected = json!({
        "Id": "20", "DelaySeconds": 2, "MessageGroupId": "mb20",
        "MessageBody": r#"{"v":1,"kind":"sync","mailbox":"mb20","pushed":null}"#,
    });
    assert_eq!(body["Entries"][0], expected);
}

#[tokio::test]
async fn nothing_to_send_asks_nothing_and_a_long_delay_is_capped() {
    let peer = Peer::with([all_sent([0])]).await;
    let queue = WorkSender::new(&peer.config, "http://queue.test/work");
    queue.send(vec![], Duration::ZERO).await.unwrap();
    assert_eq!(peer.requests(), []);
    queue.send(vec![WorkerWork::Resume { mailbox: mailbox_id("mb") }], Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(peer.requests()[0].1["Entries"][0]["DelaySeconds"], json!(900));
}

#[tokio::test]
async fn refused_entries_are_sent_once_more_and_then_reported() {
    let partly = |sent: usize, failed: &[usize]| {
        let failed: Vec<Value> = failed
            .iter()
            .map(|id| json!({ "Id": id.to_string(), "SenderFault": false, "Code": "InternalError" }))
            .collect();
        let (status, mut body) = all_sent([sent]);
        body["Failed"] = json!(failed);
        (status, body)
    };
    let peer = Peer::with([partly(0, &[1, 2]), all_sent([1, 2]), partly(0, &[1, 2]), partly(1, &[2])]).await;
    let queue = SyncSender::new(&peer.config, "http://queue.test/sync");
    queue.send(syncs(3), Duration::ZERO).await.unwrap();
    let error = queue.send(syncs(3), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.0, "SendMessageBatch: 1 of 3 entries refused: InternalError");
    let requests = peer.requests();
    let again: Vec<&Value> = requests[1].1["Entries"].as_array().unwrap().iter().map(|entry| &entry["Id"]).collect();
    assert_eq!((requests.len(), again), (4, vec![&json!("1"), &json!("2")]));
}

#[tokio::test]
async fn a_record_is_held_back_or_put_aside_with_its_reason() {
    let sent = json!({ "MessageId": "m", "MD5OfMessageBody": "x" });
    let peer = Peer::with([(200, json!({})), (200, sent), refused("AWS.SimpleQueueService.NonExistentQueue")]).await;
    let source = SourceQueue::new(&peer.config, "http://queue.test/sync");
    source.change("receipt-1", Duration::from_secs(90)).await.unwrap();
    let dead = DeadLetters::new(&peer.config, "http://queue.test/dead");
    dead.send("{\"v\":9}", "undecodable").await.unwrap();
    let error = dead.send("{}", "").await.unwrap_err();
    assert!(error.0.contains("compare the queue's address") && !error.0.contains("ada"), "{error}");
    let requests = peer.requests();
    let held = json!({
        "QueueUrl": "http://queue.test/sync", "ReceiptHandle": "receipt-1", "VisibilityTimeout": 90,
    });
    assert_eq!(requests[0], ("ChangeMessageVisibility".to_owned(), held));
    let aside = json!({
        "QueueUrl": "http://queue.test/dead", "MessageBody": "{\"v\":9}",
        "MessageAttributes": { "reason": { "DataType": "String", "StringValue": "undecodable" } },
    });
    assert_eq!(requests[1], ("SendMessage".to_owned(), aside));
    assert_eq!(requests[2].1["MessageAttributes"]["reason"]["StringValue"], json!("unknown"));
}

fn secret() -> GrantSecret {
    let access_expires_at = channel::time::Timestamp::from_secs(1_795_352_400);
    GrantSecret { refresh_token: "refresh".to_owned(), access_token: "access".to_owned(), access_expires_at }
}

#[tokio::test]
async fn a_grant_is_one_secret_below_the_prefix() {
    let text = r#"{"access_token":"access","expires_at":1795352400000,"refresh_token":"refresh"}"#;
    let ok = || (200, json!({}));
    let peer = Peer::with([ok(), (200, json!({ "SecretString": text })), ok(), ok()]).await;
    let vault = Vault::new(&peer.config, "postroom/mailbox");
    let (mailbox, grant) = (mailbox_id("mb"), grant_id("g1"));
    vault.create(&mailbox, &grant, &secret()).await.unwrap();
    assert!(vault.read(&mailbox, &grant).await.is_ok_and(|read| read == secret()));
    vault.replace(&mailbox, &grant, &secret()).await.unwrap();
    vault.delete(&mailbox, &grant).await.unwrap();
    let requests = peer.requests();
    let operations: Vec<&str> = requests.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["CreateSecret", "GetSecretValue", "PutSecretValue", "DeleteSecret"]);
    assert_eq!(requests[0].1["Name"], json!("postroom/mailbox/mb/g1"));
    assert_eq!(requests[0].1["SecretString"], json!(text));
    assert!(requests[1..].iter().all(|(_, body)| body["SecretId"] == json!("postroom/mailbox/mb/g1")));
    assert_eq!(requests[3].1["ForceDeleteWithoutRecovery"], json!(true));
}

#[tokio::test]
async fn what_the_vault_says_is_sorted() {
    let peer = Peer::with([
        refused("ResourceNotFoundException"),
        refused("ResourceExistsException"),
        refused("AccessDeniedException"),
        refused("ResourceNotFoundException"),
    ])
    .await;
    let vault = Vault::new(&peer.config, "p");
    let (mailbox, grant) = (mailbox_id("mb"), grant_id("g1"));
    assert!(matches!(vault.read(&mailbox, &grant).await, Err(VaultError::Missing)));
    let exists = vault.create(&mailbox, &grant, &secret()).await.unwrap_err();
    assert!(matches!(exists, VaultError::Denied(_)), "{exists}");
    let denied = vault.replace(&mailbox, &grant, &secret()).await.unwrap_err();
    assert!(denied.to_string().contains("function's role") && !denied.to_string().contains("ada"), "{denied}");
    vault.delete(&mailbox, &grant).await.unwrap();
}

#[tokio::test]
async fn the_app_secret_is_kept_for_five_minutes_and_reloaded_on_demand() {
    let answer = |text: &str| (200, json!({ "SecretString": text }));
    let peer = Peer::with([answer("one"), answer("two"), answer("three")]).await;
    let clock = ManualClock::default();
    let reader = AppSecretReader::new(&peer.config, "postroom/app", Arc::new(clock.clone()));
    assert_eq!(reader.read().await.unwrap().expose(), "one");
    clock.advance(Duration::from_secs(299));
    assert_eq!(reader.read().await.unwrap().expose(), "one");
    clock.advance(Duration::from_secs(1));
    assert_eq!(reader.read().await.unwrap().expose(), "two");
    assert_eq!(reader.reload().await.unwrap().expose(), "three");
    assert_eq!(reader.read().await.unwrap().expose(), "three");
    assert_eq!(peer.requests().len(), 3);
}

fn stop() -> Commit {
    Commit::new().put(Organisation { ver: 0, sending_stopped: true })
}

#[tokio::test]
async fn a_write_into_a_running_transaction_is_a_conflict() {
    let peer = Peer::with([refused("TransactionConflictException")]).await;
    let error = peer.table().commit(stop()).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(keys) if keys == [ItemKey::Organisation]));
}

#[tokio::test]
async fn a_missing_permission_names_the_remedy() {
    let peer = Peer::with([refused("com.amazonaws.dynamodb#AccessDeniedException")]).await;
    match peer.table().commit(stop()).await.unwrap_err() {
        CommitError::Store(StoreError::Broken(text)) => {
            assert_eq!(text, "PutItem: AccessDeniedException; allow it in the function's role in template.yaml");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_transaction_carries_a_token_and_tells_throttling_from_conflict() {
    let cancelled = |code: &str| {
        let reasons = json!([{ "Code": "None" }, { "Code": code }]);
        (400, json!({ "__type": "TransactionCanceledException", "Message": "x", "CancellationReasons": reasons }))
    };
    let peer = Peer::with([cancelled("ThrottlingError"), cancelled("TransactionConflict")]).await;
    let (table, now) = (peer.table(), ManualClock::default().now());
    let both = || stop().put(session("s", now));
    let error = table.commit(both()).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Unavailable(_))), "{error:?}");
    let error = table.commit(both()).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(keys) if keys == [ItemKey::Session("s".to_owned())]));
    let requests = peer.requests();
    let tokens: Vec<&str> = requests.iter().filter_map(|(_, body)| body["ClientRequestToken"].as_str()).collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1], "another commit is another transaction");
}
