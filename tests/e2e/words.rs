//! The words of `cargo xtask` that look into a running cloud: status, logs, invoke, further mailboxes.

use crate::office::eventually;
use serde_json::Value;
use std::path::Path;
use xtask::cloud::TestCloud;
use xtask::progress::Progress;
use xtask::workspace::FUNCTIONS;
use xtask::{invoke, logs, mailboxes, status};

#[tokio::test]
async fn a_function_is_called_and_what_it_logged_is_its_own() {
    let cloud = TestCloud::find("e2e").await.unwrap_or_else(|error| panic!("no local cloud: {error}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/events/mail-sync.json");
    let event = invoke::event("mail-sync", Some(&file), None).unwrap_or_else(|error| panic!("{error}"));
    let done = invoke::invoke(&cloud, "mail-sync", &event).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(!done.failed && done.error.is_none(), "{done:?}");
    assert_eq!(done.answer["batchItemFailures"], Value::Array(vec![]));
    let reason = |line: &logs::Line| line.fields.get("reason").cloned();
    assert!(done.log.iter().any(|line| reason(line) == Some("unknown_mailbox".into())), "{done:?}");

    let failed = invoke::invoke(&cloud, "mail-sync", "{}").await.unwrap_or_else(|error| panic!("{error}"));
    assert!(failed.failed, "{failed:?}");
    assert!(failed.error.as_ref().is_some_and(|error| error.contains("missing field `Records`")), "{failed:?}");
    assert!(failed.log.iter().any(logs::Line::is_error), "{failed:?}");
    assert!(failed.log.iter().all(|line| reason(line).is_none()), "the log of another invocation: {failed:?}");

    // The log store has both, and status tells of the error, whatever the function did since.
    let aws = cloud.aws_http().unwrap_or_else(|error| panic!("{error}"));
    eventually("the error in the log", async || {
        let lines = logs::read(&aws, &cloud.stack.name, "mail-sync", 0).await.unwrap_or_else(|error| panic!("{error}"));
        failed.log.iter().all(|line| lines.contains(line)).then_some(())
    })
    .await;
    let seen = status::look(&cloud.home).await.unwrap_or_else(|error| panic!("{error}"));
    let functions: Vec<&status::Part> = seen.parts.iter().filter(|part| part.part == "function").collect();
    assert_eq!(functions.len(), FUNCTIONS.len());
    assert!(functions.iter().all(|part| part.facts["code_size"].as_u64() > Some(0)), "{functions:?}");
    let sync = functions.iter().find(|part| part.name.as_deref() == Some("mail-sync")).expect("mail-sync");
    assert!(sync.facts["last_error"]["level"] == "ERROR", "{sync:?}");
    for part in ["aws", "google", "front_door", "stack"] {
        assert!(seen.parts.iter().any(|seen| seen.part == part && seen.well), "{part}: {:?}", seen.parts);
    }
    let queues = seen.parts.iter().filter(|part| part.part == "queue" && part.facts["dead_letters"].is_u64());
    assert_eq!(queues.count(), 2);
    cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn further_mailboxes_are_connected_once_and_watched() {
    let cloud = TestCloud::find("e2e").await.unwrap_or_else(|error| panic!("no local cloud: {error}"));
    let wanted: Vec<String> = (1..=2).map(mailboxes::address).collect();
    let connect = async || mailboxes::connect(&cloud, 2, Progress::silent()).await.unwrap_or_else(|e| panic!("{e}"));
    // A cloud that is kept between runs has them already.
    assert!(connect().await <= 2);
    assert_eq!(connect().await, 0, "they are connected");
    let seen = status::look(&cloud.home).await.unwrap_or_else(|error| panic!("{error}"));
    let of = |address: &String| seen.parts.iter().find(|part| part.name.as_ref() == Some(address)).cloned();
    let parts: Vec<status::Part> = wanted.iter().filter_map(of).collect();
    assert_eq!(parts.len(), 2, "{:?}", seen.parts);
    assert!(
        parts.iter().all(|part| part.facts["state"] == "Connected" && part.facts["watch_until"].is_string()),
        "{parts:?}"
    );
    cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
