//! `A3.1`, `A9.2`, `C5`, `C7`: what is left out, what is never answered, and what is only drafted.

use crate::letters::{DESK, genuine, question};
use crate::world::{World, auto_reply};
use channel::address::EmailAddress;
use channel::record::{ConversationState, TurnState};
use simulator::{Deliver, Verdict};

#[tokio::test]
async fn an_excluded_mail_is_read_by_its_headers_alone() {
    let mut world = World::new().await;
    world
        .change(|settings| settings.exclusions.senders.push(EmailAddress::parse("Customer@Customer.test").unwrap()))
        .await;
    world.receive(&question("a"));
    world.settle().await;
    assert!(world.conversations().await.is_empty());
    let gets = world.google.calls().into_iter().filter(|call| call.method == "gmail.users.messages.get").count();
    assert_eq!(gets, 1, "one call for the headers, none for the body");
}

#[tokio::test]
async fn mail_outside_the_watched_labels_is_not_fetched_at_all() {
    let mut world = World::new().await;
    world.deliver_as(&question("a"), &Deliver { labels: vec!["CATEGORY_PROMOTIONS".into()], ..genuine() });
    world.deliver_as(&question("b"), &Deliver { labels: vec!["SPAM".into()], ..genuine() });
    world.push();
    world.settle().await;
    assert!(world.conversations().await.is_empty());
    assert!(!world.google.calls().iter().any(|call| call.method.starts_with("gmail.users.messages.")));
}

#[tokio::test]
async fn a_mail_that_is_moved_into_the_inbox_becomes_a_conversation() {
    let mut world = World::new().await;
    let mail = world.deliver_as(&question("a"), &Deliver { labels: vec!["SPAM".into()], ..genuine() });
    world.push();
    world.settle().await;
    world.google.relabel(DESK, &mail.id, &["INBOX"], &["SPAM"]).unwrap();
    world.push();
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn a_machine_is_never_answered() {
    let mut world = World::with(auto_reply()).await;
    let machines = [
        question("m1").header("Auto-Submitted", "auto-replied (vacation)"),
        question("m2").header("Return-Path", "<>"),
        question("m3").header("X-Auto-Response-Suppress", "All"),
        question("m4").from("Mail Delivery Subsystem <mailer-daemon@customer.test>"),
        question("m5").from("no-reply@customer.test"),
    ];
    let mut threads = vec![];
    for letter in &machines {
        threads.push(world.receive(letter).thread_id);
    }
    world.settle().await;
    assert!(world.answers().is_empty() && world.drafts().is_empty());
    for thread in threads {
        assert_eq!(world.states(&thread).await, [(TurnState::NoAnswer, None)], "{thread}");
        assert_eq!(world.conversation(&thread).await.head.state, ConversationState::NoAnswer);
    }
}

#[tokio::test]
async fn newsletters_are_left_out_unless_somebody_wants_them() {
    let mut world = World::new().await;
    world.receive(
        &question("n1")
            .header("List-Id", "<news.customer.test>")
            .header("List-Unsubscribe", "<https://customer.test/u>"),
    );
    world.settle().await;
    assert!(world.conversations().await.is_empty());
    world.change(|settings| settings.exclusions.bulk = false).await;
    let mail = world.receive(&question("n2").header("List-Id", "<news.customer.test>"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NoAnswer);
}

#[tokio::test]
async fn a_doubt_turns_a_send_into_a_draft() {
    let mut world = World::with(auto_reply()).await;
    let unauthenticated =
        world.deliver_as(&question("d1"), &Deliver { authentication: Some(Verdict::Fail), ..Deliver::default() });
    let elsewhere = world.deliver(&question("d2").header("Reply-To", "someone@elsewhere.test"));
    world.push();
    world.settle().await;
    assert!(world.answers().is_empty());
    for (thread, why) in [(unauthenticated.thread_id, "not authenticated"), (elsewhere.thread_id, "Reply-To")] {
        let conversation = world.conversation(&thread).await;
        assert_eq!(conversation.head.state, ConversationState::Review);
        let trace = conversation.trace(1).unwrap();
        assert!(trace.entries.iter().any(|entry| entry.said.contains(why)), "{:?}", trace.entries);
    }
}

#[tokio::test]
async fn a_paused_mailbox_records_and_waits() {
    let mut world = World::with(auto_reply()).await;
    world.change(|settings| settings.enabled = false).await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Held);
    assert!(world.answers().is_empty());
    world.change(|settings| settings.enabled = true).await;
    world.resume().await;
    world.settle().await;
    assert_eq!(world.answers().len(), 1);
}
