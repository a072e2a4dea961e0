//! `A5`, `A9.3`, `C6`: an OpenAI-compatible model answers, on the real binaries, and Chat shows what it was given and
//! what it took.
//!
//! On a cloud of its own: the provider is a parameter of the stack.

use crate::aws::Aws;
use crate::browser::Browser;
use crate::main_job::QUESTION;
use crate::office::{Office, labels};
use std::collections::BTreeMap;
use testkit::model::{Character, Dialect, ModelServer, Reply, Seen};
use xtask::cloud::{Cloud, Options, Place, TestCloud};
use xtask::deploy::store_in_app_secret;
use xtask::workspace::Workspace;

const KEY: &str = "sk-of-the-end-to-end-test";

#[tokio::test]
async fn a_model_answers_in_the_thread_and_the_page_tells_what_it_took() {
    // A worker that was warm before the key was stored learns of it when it is refused.
    let keyed = |seen: &Seen| seen.header("authorization") == Some(format!("Bearer {KEY}").as_str());
    let model = ModelServer::start(move |seen, _| match keyed(seen) {
        true => Character::Good.reply(Dialect::OpenAi, seen),
        false => Reply::status(401),
    });
    let model = model.await.expect("a model");
    let home = Workspace::find().unwrap_or_else(|error| panic!("{error}")).home().join("tests/model");
    // What an interrupted run left.
    Place::end(&home).await.unwrap_or_else(|error| panic!("{error}"));
    if home.exists() {
        std::fs::remove_dir_all(&home).expect("an old home");
    }
    let parameters = [
        ("Assistant", "openai"),
        ("Model", "scripted-1"),
        ("ModelUrl", model.url.as_str()),
        ("ModelInputPrice", "2.5"),
        ("ModelOutputPrice", "10"),
    ];
    let parameters: BTreeMap<_, _> = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options = Options { stack: "model".into(), parameters, ..Options::isolated(home) };
    let cloud = Cloud::start(options).await.unwrap_or_else(|error| panic!("{error}"));
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let mut office = Office { cloud: TestCloud::own(cloud), http, operator: Browser::new() };
    let aws = office.cloud.aws_http().unwrap_or_else(|error| panic!("{error}"));
    let stack = office.cloud.stack.name.clone();
    store_in_app_secret(&aws, &stack, &[("model_key", KEY)]).await.unwrap_or_else(|error| panic!("{error}"));

    let address = office.fresh_mailbox("model").await;
    office.sign_in().await;
    office.connect(&address).await;
    let id = office.mailbox_id(&address).await;
    let (_, thread) = office.deliver(&address, &QUESTION.replace("MAILBOX", &address)).await;

    let in_thread = |message: &serde_json::Value| message["thread_id"] == thread.as_str();
    let drafts = office.wait_for_mail(&address, "the draft", |m| in_thread(m) && labels(m).contains(&"DRAFT")).await;
    assert_eq!(drafts.len(), 1);
    let page = office.wait_for_page(&id, &thread, "Draft waiting for your review").await;
    for part in ["Sources", "scripted-1 (openai)", "context of about", "call(s)", "tokens in", "USD"] {
        assert!(page.has(part), "{part}: {}", page.text());
    }
    let seen = model.seen();
    assert_eq!(seen.iter().filter(|seen| keyed(seen)).count(), 1, "one mail, one answer");
    assert!(seen.len() <= 2, "one refusal at most");
    assert!(seen[seen.len() - 1].body.to_string().contains("how long does standard delivery take?"));

    // The cost stands in the counter of the mailbox and day, and no log holds key or mail.
    let counters = Aws::of(&office.cloud).keys(&format!("CAP#{id}")).await;
    assert!(counters.iter().any(|(_, sort)| sort.starts_with("cost##d")), "{counters:?}");
    let lines = office.cloud.logs("ai-worker").await.unwrap_or_else(|error| panic!("{error}"));
    assert!(!lines.is_empty());
    for secret in [KEY, "standard delivery", "customer@customer.test"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret} is in a log");
    }
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
