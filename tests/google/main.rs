//! Holds the Google simulator against Google's own words: the discovery documents, Google's Python client, and the types
//! of `google-gmail1`.
//!
//! The judging is Python's (`client/`), because the documents come with Google's client. It prints what it counted and
//! every finding. Each answer that it saw is then read here, by the type that the product would read it with.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod types;

use serde_json::Value;
use simulator::{Client, Config, Simulator};
use std::fs;
use std::path::Path;
use std::process::Command;
use xtask::workspace::Workspace;
use xtask::{process, tools};

const CLIENT: (&str, &str, &str) = ("app.example.com", "not-a-secret", "http://localhost:9/oauth/callback");

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_answers_as_googles_documents_client_and_types_expect() {
    let workspace = Workspace::find().unwrap_or_else(|error| panic!("{error}"));
    let python = tools::google_client(&workspace).await.unwrap_or_else(|error| panic!("{error}"));
    let answers = Path::new(env!("CARGO_TARGET_TMPDIR")).join("google/answers");
    if answers.exists() {
        fs::remove_dir_all(&answers).unwrap();
    }
    fs::create_dir_all(&answers).unwrap();
    let (id, secret, redirect) = CLIENT;
    let client = Client {
        client_id: id.into(),
        client_secret: secret.into(),
        redirect_uris: vec![redirect.into()],
        testing: false,
    };
    let simulator = Simulator::start(Config { clients: vec![client], ..Config::default() }).await.unwrap();

    let log = answers.with_file_name("client.log");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("google/client/run.py");
    let mut run = Command::new(python);
    run.arg("-B").arg(program);
    run.args(["--url", simulator.url(), "--client", &format!("{id},{secret},{redirect}")]);
    run.arg("--answers").arg(&answers);
    let outcome = process::run("Google's Python client", &mut run, &log).await;
    simulator.stop().await.unwrap();
    println!("{}", fs::read_to_string(&log).unwrap());
    outcome.unwrap_or_else(|error| panic!("{error}"));

    let summary: Value = serde_json::from_slice(&fs::read(answers.join("summary.json")).unwrap()).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(summary["findings"], serde_json::json!([]));
    assert_eq!(count("methods_covered"), count("methods_offered"));
    assert!(count("methods_offered") > 0 && count("wrong_answers_refused_by_the_checker") > 0);

    let read = types::read_all(&answers);
    println!("answers read by the types of google-gmail1 and written again without a loss: {read}");
    assert!(read > 0);
}
