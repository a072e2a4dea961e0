//! What only the table can meet: items of other releases, a table that is missing, nobody listening.

use crate::harness::{TABLE, dynamo};
use aws::Table;
use channel::ports::{Clock, CommitError, Commits, Conversations, DueIndex, Mailboxes, StoreError};
use channel::record::{Commit, Organisation};
use serde_json::json;
use std::sync::Arc;
use testkit::*;

fn broken<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Broken(text)) => text,
        other => panic!("not broken: {other:?}"),
    }
}

#[tokio::test]
async fn an_item_of_a_newer_format_is_refused_with_the_remedy() {
    let (dynamo, clock) = (dynamo().await, ManualClock::default());
    let stopped = json!({ "BOOL": true });
    dynamo.put_raw(json!({
        "pk": { "S": "ORG" }, "sk": { "S": "SETTINGS" }, "ver": { "N": "4" }, "fmt": { "N": "2" },
        "sending_stopped": stopped,
    }));
    let text = broken(dynamo.table(Arc::new(clock.clone())).organisation().await);
    assert!(text.contains("format 2") && text.contains("deploy a newer release"), "{text}");
}

#[tokio::test]
async fn an_item_that_cannot_be_decoded_is_not_quoted() {
    let (dynamo, clock) = (dynamo().await, ManualClock::default());
    let table = dynamo.table(Arc::new(clock.clone()));
    for item in [
        json!({ "fmt": { "N": "1" }, "ver": { "N": "1" }, "sending_stopped": { "S": "ada@example.net" } }),
        json!({ "fmt": { "N": "1" }, "ver": { "N": "1" } }),
        json!({ "fmt": { "N": "1" }, "sending_stopped": { "BOOL": true } }),
        json!({ "sending_stopped": { "BOOL": true } }),
    ] {
        let mut item = item;
        item["pk"] = json!({ "S": "ORG" });
        item["sk"] = json!({ "S": "SETTINGS" });
        dynamo.put_raw(item);
        let text = broken(table.organisation().await);
        assert!(text.contains("SETTINGS") && !text.contains("ada"), "{text}");
    }
}

#[tokio::test]
async fn kinds_of_a_later_release_are_left_alone() {
    let (dynamo, clock) = (dynamo().await, ManualClock::default());
    let (table, now) = (dynamo.table(Arc::new(clock.clone())), clock.now());
    table.commit(Commit::new().put(head("mb", "t", now)).put(turn("mb", "t", 1, now))).await.unwrap();
    dynamo.put_raw(json!({ "pk": { "S": "CV#mb#t" }, "sk": { "S": "LATER#1" }, "text": { "S": "later" } }));
    for shard in ["0", "1", "2", "3"] {
        dynamo.put_raw(json!({
            "pk": { "S": "JOB#1" }, "sk": { "S": shard },
            "due_pk": { "S": format!("DUE#{shard}") }, "due_at": { "N": "1" },
        }));
    }
    let found = table.conversation(&mailbox_id("mb"), &thread_id("t"), now).await.unwrap().unwrap();
    assert_eq!(found.turns.len(), 1);
    assert_eq!(table.due(now, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_missing_table_is_broken_and_names_the_remedy() {
    let (dynamo, clock) = (dynamo().await, ManualClock::default());
    let table = Table::new(&aws::emulator_config(&dynamo.endpoint), "elsewhere", Arc::new(clock));
    let text = broken(table.organisation().await);
    assert!(text.starts_with("GetItem: ResourceNotFoundException; compare"), "{text}");
    let error = table.commit(Commit::new().put(Organisation::default())).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Broken(_))), "{error:?}");
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let table = Table::new(&aws::emulator_config(&endpoint), TABLE, Arc::new(ManualClock::default()));
    let error = table.organisation().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

/// A conversation larger than the megabyte that one answer to a query holds.
#[tokio::test]
async fn a_long_conversation_is_read_to_its_end() {
    let (dynamo, clock) = (dynamo().await, ManualClock::default());
    let (table, now) = (dynamo.table(Arc::new(clock.clone())), clock.now());
    table.commit(Commit::new().put(head("mb", "t", now))).await.unwrap();
    for no in 0..12 {
        let mut mail = mail("mb", "t", &format!("m{no:02}"), now);
        mail.text = "a".repeat(200_000);
        table.commit(Commit::new().put(mail)).await.unwrap();
    }
    table.commit(Commit::new().put(turn("mb", "t", 1, now))).await.unwrap();
    let found = table.conversation(&mailbox_id("mb"), &thread_id("t"), now).await.unwrap().unwrap();
    assert_eq!((found.mails.len(), found.turns.len()), (12, 1));
}
