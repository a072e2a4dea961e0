//! `A1.4`, `A3.1`, `B1`, `B3`, `B8`, `B11`: what settings, people and budgets make of a mail.

use crate::letters::{DESK, question};
use crate::world::{Setup, World, auto_reply};
use channel::ids::LabelId;
use channel::ports::{Clock, Commits, Mailboxes};
use channel::record::{ActionState, Commit, ConversationState, Settings, TurnState};
use std::time::Duration;

fn settings(change: impl Fn(&mut Settings) + Send + 'static) -> Setup {
    Setup { settings: Box::new(change), ..Setup::default() }
}

#[tokio::test]
async fn both_modes_on_means_draft_and_both_off_means_receive_only() {
    let mut world = World::with(settings(|s| (s.auto_reply, s.draft_only) = (true, true))).await;
    world.receive(&question("a"));
    world.settle().await;
    assert_eq!((world.answers().len(), world.drafts().len()), (0, 1));
    world.change(|s| (s.auto_reply, s.draft_only) = (false, false)).await;
    let mail = world.receive(&question("b").subject("Something else"));
    world.settle().await;
    assert_eq!((world.answers().len(), world.drafts().len()), (0, 1));
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::NoAnswer, None)]);
}

#[tokio::test]
async fn a_delay_keeps_no_draft_for_review_waiting() {
    let mut world = World::with(settings(|s| s.delay_secs = 3600)).await;
    world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    assert_eq!(world.drafts().len(), 1);
}

#[tokio::test]
async fn the_stop_switch_turns_a_pending_answer_and_the_next_one_into_drafts() {
    let mut world = World::with(settings(|s| (s.auto_reply, s.draft_only, s.delay_secs) = (true, false, 300))).await;
    let pending = world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    assert_eq!(world.conversation(&pending.thread_id).await.head.state, ConversationState::Pending);
    let mut organisation = world.table.organisation().await.unwrap();
    organisation.sending_stopped = true;
    world.table.commit(Commit::new().put(organisation)).await.unwrap();
    let next = world.receive(&question("b").subject("Something else"));
    world.run_for(Duration::from_secs(900)).await;
    assert!(world.answers().is_empty());
    for thread in [&pending.thread_id, &next.thread_id] {
        assert_eq!(world.conversation(thread).await.head.state, ConversationState::Review);
    }
}

#[tokio::test]
async fn excluded_labels_and_subject_words_leave_a_mail_out_from_the_next_one_on() {
    let mut world = World::new().await;
    world.receive(&question("a"));
    world.settle().await;
    assert_eq!(world.conversations().await.len(), 1);
    world
        .change(|s| {
            s.exclusions.labels.push(LabelId::parse("CATEGORY_PROMOTIONS").unwrap());
            s.exclusions.subject_words.push("LOTTERY".into());
        })
        .await;
    let labels = vec!["INBOX".to_owned(), "CATEGORY_PROMOTIONS".to_owned()];
    world.deliver_as(&question("b").subject("An offer"), &simulator::Deliver { labels, ..crate::letters::genuine() });
    world.receive(&question("c").subject("You won the lottery"));
    world.settle().await;
    assert_eq!(world.conversations().await.len(), 1);
}

#[tokio::test]
async fn another_watched_label_counts_with_the_next_mail() {
    let mut world = World::new().await;
    let labels = || simulator::Deliver { labels: vec!["CATEGORY_UPDATES".into()], ..crate::letters::genuine() };
    world.deliver_as(&question("a"), &labels());
    world.push();
    world.settle().await;
    assert!(world.conversations().await.is_empty());
    world.change(|s| s.labels.push(LabelId::parse("CATEGORY_UPDATES").unwrap())).await;
    let mail = world.deliver_as(&question("b").subject("Second"), &labels());
    world.push();
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn mail_from_before_the_connection_is_history_and_never_answered() {
    let mut world = World::with(auto_reply()).await;
    let before = world.view().await.meta.connected_at.minus(Duration::from_secs(3600)).as_millis();
    let how = simulator::Deliver { internal_date: Some(before), ..crate::letters::genuine() };
    let mail = world.deliver_as(&question("a"), &how);
    world.push();
    world.settle().await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.state, ConversationState::Received);
    assert!(conversation.turns.is_empty() && world.answers().is_empty() && world.drafts().is_empty());
    // A new mail of the same thread is live, and the assistant sees the older one too.
    world.receive(&question("b").replies_to("<a@customer.test>").subject("Re: Returning an item"));
    world.settle().await;
    assert_eq!(world.answers().len(), 1);
    let asked = world.requests.lock().unwrap().last().cloned().unwrap();
    assert_eq!((asked.chain.len(), asked.open), (2, 1));
}

#[tokio::test]
async fn the_assistant_is_given_the_whole_chain_with_its_authors() {
    use channel::assistant::Author;
    let mut world = World::with(auto_reply()).await;
    world.receive(&question("a"));
    world.settle().await;
    world.push();
    world.settle().await;
    let answer_id = world.answers()[0].header("Message-ID").unwrap().to_owned();
    let more = question("b").subject("Re: Returning an item").replies_to(&answer_id);
    world.receive(&more.body("And how long does delivery take?\n"));
    world.settle().await;
    let asked = world.requests.lock().unwrap().last().cloned().unwrap();
    let authors: Vec<Author> = asked.chain.iter().map(|mail| mail.author).collect();
    assert_eq!(authors, [Author::Customer, Author::Assistant, Author::Customer]);
    assert!(asked.chain[1].text.contains("30 days"));
}

#[tokio::test]
async fn a_draft_that_a_person_sends_from_gmail_is_the_answer_and_leaves_the_assistant_on() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    world.send_draft_by_hand().await;
    world.push();
    world.settle().await;
    assert_eq!(world.answers().len(), 1);
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!((conversation.head.state, conversation.head.taken_over.is_none()), (ConversationState::Answered, true));
    assert!(matches!(conversation.actions[0].state, ActionState::Sent { .. }));
    let answer_id = world.answers()[0].header("Message-ID").unwrap().to_owned();
    let more = question("b").subject("Re: Returning an item").replies_to(&answer_id);
    world.receive(&more.body("And how long does delivery take?\n"));
    world.settle().await;
    assert_eq!(world.drafts().len(), 1, "the assistant drafts the next answer");
}

#[tokio::test]
async fn fault_05_a_draft_that_is_deleted_in_gmail_after_its_approval_is_not_sent_again() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    world.approve(&mail.thread_id).await;
    world.google.delete_message(DESK, &world.drafts()[0].id).unwrap();
    world.settle().await;
    assert!(world.answers().is_empty());
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.state_reason.as_deref(), Some("The draft was discarded in Gmail."));
}

#[tokio::test]
async fn fault_06_a_draft_that_a_person_edited_is_left_alone_when_more_mail_comes() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    world.edit_draft_by_hand("My own words.").await;
    let edited = world.drafts()[0].id.clone();
    world.receive(&question("b").replies_to("<a@customer.test>").subject("Re: Returning an item"));
    world.settle().await;
    let drafts = world.drafts();
    assert_eq!((drafts.len(), drafts[0].id.as_str()), (1, edited.as_str()));
    assert!(drafts[0].text.contains("My own words."));
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn an_answer_beyond_a_budget_becomes_a_draft() {
    let mut setup = auto_reply();
    setup.rules.caps.sender_per_day = 2;
    let mut world = World::with(setup).await;
    let mut last = String::new();
    for n in 0..3 {
        last = world.receive(&question(&format!("b{n}")).subject(&format!("Question {n}"))).thread_id;
        world.settle().await;
    }
    assert_eq!((world.answers().len(), world.drafts().len()), (2, 1));
    let head = world.conversation(&last).await.head;
    assert_eq!(head.state, ConversationState::Review);
    assert!(head.state_reason.is_some_and(|why| why.contains("budget of this sender")));
    assert_eq!(world.drafts()[0].header("Auto-Submitted"), None, "a person may send it");
}

#[tokio::test]
async fn fault_46_a_disconnect_ends_what_was_pending() {
    let mut world = World::with(settings(|s| (s.auto_reply, s.draft_only, s.delay_secs) = (true, false, 300))).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    let mut meta = world.view().await.meta;
    meta.grant = None;
    world.table.commit(Commit::new().put(meta)).await.unwrap();
    world.run_for(Duration::from_secs(900)).await;
    assert!(world.answers().is_empty() && world.drafts().is_empty());
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::NoAnswer, Some("cancelled"))]);
    assert!(world.clock.now() > world.conversation(&mail.thread_id).await.head.updated_at);
}
