//! Two workers at one thing, and workers that end in the middle: one effect, whoever has it.

use crate::letters::question;
use crate::world::{Setup, World, auto_reply};
use channel::ports::Clock;
use channel::record::{ActionState, ConversationState, TurnState};
use simulator::{Effect, When as GoogleWhen};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use testkit::{FailWith, Faults, When};

/// Longer than every lease, visibility time-out and second look together.
const LONG: Duration = Duration::from_secs(75 * 60);

async fn world(sends: bool, commit_faults: Arc<Faults>) -> World {
    let setup = if sends { auto_reply() } else { Setup::default() };
    let mut world = World::with(Setup { commit_faults, ..setup }).await;
    world.every = Duration::from_secs(300);
    world
}

/// The queues alone, until the mail is answered; the schedule has not run yet.
async fn answered_by_hints(world: &mut World) {
    let end = world.clock.now().plus(Duration::from_secs(60));
    world.drain(end).await;
}

#[tokio::test]
async fn fault_01_a_worker_that_dies_when_the_draft_is_sent_leaves_one_mail_that_is_known_as_ours() {
    let writes = Faults::none();
    let mut plain = world(true, writes.clone()).await;
    plain.receive(&question("a"));
    answered_by_hints(&mut plain).await;
    assert_eq!(plain.answers().len(), 1);
    // The last write of all is the one that records the sent mail.
    let mut world = world(true, Faults::nth(writes.calls(), When::Before, FailWith::Crash)).await;
    let mail = world.receive(&question("a"));
    answered_by_hints(&mut world).await;
    let died = world.conversation(&mail.thread_id).await;
    assert!(matches!(died.actions[0].state, ActionState::Sending { .. }), "{:?}", died.actions[0].state);
    assert_eq!((world.answers().len(), world.drafts().len()), (1, 0), "Gmail has sent it");
    world.run_for(LONG).await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.head.state, ConversationState::Answered);
    let ActionState::Sent { message, .. } = &conversation.actions[0].state else {
        panic!("{:?}", conversation.actions[0].state)
    };
    assert!(world.with_label("SENT").iter().any(|sent| sent.id == message.as_str()));
    assert_eq!((world.answers().len(), world.asked_gmail("drafts.send")), (1, 1));
}

#[tokio::test]
async fn fault_04_a_draft_whose_sending_was_refused_stays_in_place_and_is_sent_by_a_later_run() {
    let mut world = world(true, Faults::none()).await;
    world.let_gmail("drafts.send", (1, 1), GoogleWhen::Before, Effect::refuse(503, "backendError"));
    let mail = world.receive(&question("a"));
    // The settle time and the first try, no more.
    world.drain(world.clock.now().plus(Duration::from_secs(35))).await;
    let refused = world.drafts();
    assert_eq!((refused.len(), world.answers().len()), (1, 0));
    world.run_for(LONG).await;
    assert_eq!(
        (world.answers().len(), world.drafts().len()),
        (1, 0),
        "{:?}",
        world.conversation(&mail.thread_id).await
    );
    assert_eq!((world.asked_gmail("drafts.send"), world.asked_gmail("drafts.create")), (2, 1));
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Answered);
}

#[tokio::test]
async fn fault_29_every_message_twice_at_once_has_one_effect() {
    for sends in [false, true] {
        let mut world = world(sends, Faults::none()).await;
        let mail = world.receive(&question("a"));
        let end = world.clock.now().plus(Duration::from_secs(120));
        world.drain_doubled(end).await;
        world.run_for(LONG).await;
        let done = (world.answers().len(), world.drafts().len());
        assert_eq!(done, if sends { (1, 0) } else { (0, 1) });
        assert_eq!(world.asked_gmail("drafts.create"), 1);
        assert_eq!(world.asked_gmail("drafts.send"), usize::from(sends));
        let conversation = world.conversation(&mail.thread_id).await;
        // An answer that was sent comes back as a mail of its own.
        let mails = 1 + usize::from(sends);
        assert_eq!((conversation.mails.len(), conversation.turns.len(), conversation.actions.len()), (mails, 1, 1));
        assert_eq!(world.dead, Vec::<String>::new());
    }
}

#[tokio::test]
async fn fault_30_two_workers_at_one_thread_make_one_draft_that_knows_both_mails() {
    let mut world = world(false, Faults::none()).await;
    let mail = world.deliver(&question("a"));
    let more = question("b").replies_to("<a@customer.test>").subject("Re: Returning an item");
    world.deliver(&more.body("And how long does delivery take?\n"));
    world.push();
    let end = world.clock.now().plus(Duration::from_secs(120));
    world.drain_doubled(end).await;
    world.run_for(LONG).await;
    let drafts = world.drafts();
    assert_eq!((drafts.len(), world.asked_gmail("drafts.create")), (1, 1));
    assert!(drafts[0].text.contains("2 to 4 working days") && drafts[0].text.contains("30 days"), "{}", drafts[0].text);
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!((conversation.turns.len(), conversation.turns[0].mails.len()), (1, 2));
    assert_eq!(conversation.head.lease, None, "every lease is given back");
}

#[tokio::test]
async fn fault_31_each_write_may_conflict_be_throttled_or_be_cancelled_after_all() {
    for sends in [false, true] {
        let writes = Faults::none();
        let mut plain = world(sends, writes.clone()).await;
        plain.receive(&question("a"));
        plain.run_for(Duration::from_secs(120)).await;
        let points = writes.calls();
        assert!(points > 8, "only {points} writes");
        let mut ends = BTreeMap::<String, u32>::new();
        for k in 1..=points {
            // A conflict after the effect is a retry of the SDK that met its own first try.
            let faults = [
                (When::Before, FailWith::Conflict),
                (When::After, FailWith::Conflict),
                (When::Before, FailWith::Unavailable),
            ];
            for (when, with) in faults {
                let case = format!("sends {sends}, write {k} of {points}, {when:?}, {with:?}");
                let mut world = world(sends, Faults::nth(k, when, with)).await;
                let mail = world.receive(&question("a"));
                world.run_for(LONG).await;
                let conversation = world.conversation(&mail.thread_id).await;
                let done = (conversation.head.state, world.answers().len(), world.drafts().len());
                let allowed = match done.0 {
                    ConversationState::Answered => sends && (done.1, done.2) == (1, 0),
                    ConversationState::Review => !sends && (done.1, done.2) == (0, 1),
                    ConversationState::NeedsPerson => done.1 <= 1 && done.2 <= 1,
                    _ => false,
                };
                assert!(allowed, "{case}: {done:?}, {:?} {:?}", conversation.turns, conversation.actions);
                assert_eq!(world.dead, Vec::<String>::new(), "{case}");
                let slots = conversation.turns.iter().filter(|turn| turn.state == TurnState::Open).count();
                assert_eq!((conversation.turns.len(), slots), (1, 0), "{case}: no state is skipped or left");
                *ends.entry(format!("{:?}", done.0)).or_default() += 1;
            }
        }
        println!("sends {sends}: {points} writes, ends {ends:?}");
    }
}
