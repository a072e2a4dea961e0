//! `A1`, `A5`, `B1`, `B3`, `B8`, `B9`, `C4`: a mail is answered once, by draft or by machine.

use crate::letters::{ADA, DESK, question};
use crate::world::{World, auto_reply};
use channel::record::{ConversationState, TurnState};
use std::time::Duration;

#[tokio::test]
async fn a_mail_becomes_a_conversation_and_a_draft_in_its_thread() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.state, ConversationState::Review);
    assert_eq!(conversation.head.title, "Returning an item");
    assert_eq!(conversation.mails[0].text, "Hello,\n\nhow many days do I have to return an item?\n\nAda");
    let drafts = world.drafts();
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].thread_id, mail.thread_id);
    assert_eq!(drafts[0].header("Subject"), Some("Re: Returning an item"));
    assert_eq!(drafts[0].header("In-Reply-To"), Some("<a@customer.test>"));
    assert_eq!(drafts[0].header("Auto-Submitted"), None);
    assert!(drafts[0].text.contains("30 days"), "{}", drafts[0].text);
    assert!(world.answers().is_empty(), "nothing is sent without a person");
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn auto_reply_sends_one_answer_that_says_what_it_is() {
    let mut world = World::with(auto_reply()).await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    let answers = world.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].header("Auto-Submitted"), Some("auto-replied"));
    assert!(answers[0].text.contains("30 days") && answers[0].text.contains("written by an assistant"));
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::Answered, Some("sent"))]);
    assert!(world.drafts().is_empty());
    // Its own mail comes back as history and is the assistant's, not a person's.
    world.push();
    world.settle().await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.taken_over, None);
    assert_eq!(conversation.mails.len(), 2);
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test]
async fn the_delay_is_waited_for_and_nothing_lies_in_gmail_until_then() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 3600;
    });
    let mut world = World::with(setup).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(1800)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Pending);
    assert!(world.answers().is_empty() && world.drafts().is_empty());
    world.run_for(Duration::from_secs(2400)).await;
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test]
async fn a_reply_stays_in_the_conversation_and_the_second_answer_knows_the_first() {
    let mut world = World::with(auto_reply()).await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    let answer_id = world.answers()[0].header("Message-ID").unwrap().to_owned();
    let again = question("b")
        .subject("Re: Returning an item")
        .replies_to(&answer_id)
        .body("And how long does delivery take?\n");
    let second = world.receive(&again);
    assert_eq!(second.thread_id, mail.thread_id);
    world.settle().await;
    assert_eq!(world.answers().len(), 2);
    assert!(world.answers()[1].text.contains("2 to 4 working days"), "{}", world.answers()[1].text);
    assert_eq!(
        world.states(&mail.thread_id).await,
        [(TurnState::Answered, Some("sent")), (TurnState::Answered, Some("sent"))]
    );
}

#[tokio::test]
async fn mails_sent_in_a_row_are_answered_once() {
    let mut world = World::with(auto_reply()).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(10)).await;
    world.receive(
        &question("b")
            .replies_to("<a@customer.test>")
            .subject("Re: Returning an item")
            .body("And how long does delivery take?\n"),
    );
    world.settle().await;
    assert_eq!(world.answers().len(), 1, "{:?}", world.conversation(&mail.thread_id).await.head);
    let text = &world.answers()[0].text;
    assert!(text.contains("30 days") && text.contains("2 to 4 working days"), "{text}");
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::Answered, Some("sent"))]);
}

#[tokio::test]
async fn a_mail_that_comes_while_a_draft_waits_renews_the_one_draft() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    let first = world.drafts()[0].id.clone();
    world.receive(
        &question("b")
            .replies_to("<a@customer.test>")
            .subject("Re: Returning an item")
            .body("And how long does delivery take?\n"),
    );
    world.settle().await;
    let drafts = world.drafts();
    assert_eq!(drafts.len(), 1);
    assert_ne!(drafts[0].id, first, "an updated draft has a new message id");
    assert!(drafts[0].text.contains("2 to 4 working days"));
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::Planned, Some("drafted"))]);
}

#[tokio::test]
async fn what_the_knowledge_base_does_not_know_goes_to_a_person() {
    let mut world = World::with(auto_reply()).await;
    let mail = world.receive(&question("a").subject("Repairs").body("Can you repair my grandfather's clock?\n"));
    world.settle().await;
    assert!(world.answers().is_empty() && world.drafts().is_empty());
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.state, ConversationState::NeedsPerson);
    assert!(conversation.head.state_reason.is_some() && conversation.head.taken_over.is_some());
}

#[tokio::test]
async fn an_own_reply_from_gmail_cancels_what_is_pending_and_switches_the_assistant_off() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 600;
    });
    let mut world = World::with(setup).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Pending);
    // The team's own mail, as Gmail shows it in the thread.
    let own = question("own")
        .from(&format!("Support <{DESK}>"))
        .replies_to("<a@customer.test>")
        .subject("Re: Returning an item");
    let how = simulator::Deliver { labels: vec!["SENT".into()], ..simulator::Deliver::default() };
    let sent = world.deliver_as(&own, &how);
    assert_eq!(sent.thread_id, mail.thread_id);
    world.push();
    world.run_for(Duration::from_secs(1200)).await;
    assert!(world.answers().is_empty(), "a person has answered");
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.taken_over.as_ref().map(|taken| taken.reason.as_str()), Some("own_reply"));
    // The next mail goes to the person.
    world.receive(&question("c").replies_to("<a@customer.test>").subject("Re: Returning an item"));
    world.settle().await;
    assert!(world.answers().is_empty());
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    assert_eq!(ADA, "customer@customer.test");
}

#[tokio::test]
async fn an_own_reply_that_nobody_pushed_is_seen_when_the_answer_falls_due() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 150;
    });
    setup.rules.fallback = Duration::from_secs(86_400);
    let mut world = World::with(setup).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(100)).await;
    let own = question("own")
        .from(&format!("Support <{DESK}>"))
        .replies_to("<a@customer.test>")
        .subject("Re: Returning an item");
    world.deliver_as(&own, &simulator::Deliver { labels: vec!["SENT".into()], ..simulator::Deliver::default() });
    world.run_for(Duration::from_secs(900)).await;
    assert!(world.answers().is_empty(), "a person has answered");
    assert!(world.conversation(&mail.thread_id).await.head.taken_over.is_some());
}
