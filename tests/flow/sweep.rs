//! `C2`: every outside call of the drafted and of the sent path fails once, before and after its effect, and once the
//! function ends there. Whatever fails, the mail is answered once, or a person is asked; it is never lost, never twice.

use crate::letters::question;
use crate::world::{Setup, World, auto_reply};
use channel::record::ConversationState;
use simulator::{Effect, Fault, When as GoogleWhen};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use testkit::{FailWith, Faults, When};

/// Longer than every lease, visibility time-out and second look together.
const LONG: Duration = Duration::from_secs(75 * 60);

fn mode(sends: bool) -> Setup {
    if sends { auto_reply() } else { Setup::default() }
}

async fn world(sends: bool, faults: Arc<Faults>) -> World {
    let mut world = World::with(Setup { faults, ..mode(sends) }).await;
    // Five times the real interval: what is lost waits longer, and the sweep is done sooner.
    world.every = Duration::from_secs(300);
    world
}

/// What came of the mail, after checking that it was neither lost nor answered twice.
async fn outcome(world: &mut World, thread: &str, sends: bool, case: &str) -> ConversationState {
    let conversation = world.conversation(thread).await;
    let state = conversation.head.state;
    let (answers, drafts) = (world.answers().len(), world.drafts().len());
    assert!(answers <= 1, "{case}: answered {answers} times");
    assert!(drafts <= 1, "{case}: {drafts} drafts");
    match state {
        ConversationState::Answered => assert_eq!((answers, drafts), (1, 0), "{case}: {:?}", conversation.actions),
        ConversationState::Review => assert_eq!((answers, drafts), (0, 1), "{case}: {:?}", conversation.actions),
        ConversationState::NeedsPerson => {}
        other => panic!("{case}: ends as {other:?}: {:?} {:?}", conversation.turns, conversation.actions),
    }
    assert!(sends || answers == 0, "{case}: nothing is sent in draft mode");
    state
}

#[tokio::test]
async fn fault_31_each_call_to_store_queue_and_vault_may_fail_or_be_the_last() {
    for sends in [false, true] {
        let calls = Faults::none();
        let mut plain = world(sends, calls.clone()).await;
        let mail = plain.receive(&question("a"));
        plain.run_for(Duration::from_secs(120)).await;
        let usual = outcome(&mut plain, &mail.thread_id, sends, "no fault").await;
        let points = calls.calls();
        assert!(points > 20, "only {points} calls");
        let mut ends = BTreeMap::<String, u32>::new();
        for k in 1..=points {
            for when in [When::Before, When::After] {
                for with in [FailWith::Unavailable, FailWith::Crash] {
                    let case = format!("sends {sends}, call {k} of {points}, {when:?}, {with:?}");
                    let mut world = world(sends, Faults::nth(k, when, with)).await;
                    let mail = world.receive(&question("a"));
                    world.run_for(LONG).await;
                    let state = outcome(&mut world, &mail.thread_id, sends, &case).await;
                    if state != usual {
                        println!("{case}: {state:?} {:?}", world.conversation(&mail.thread_id).await.head.state_reason);
                    }
                    *ends.entry(format!("{state:?}")).or_default() += 1;
                }
            }
        }
        println!("sends {sends}: {points} calls, ends {ends:?}");
    }
}

#[tokio::test]
async fn each_call_to_gmail_may_fail_before_or_after_its_effect() {
    for sends in [false, true] {
        let mut plain = world(sends, Faults::none()).await;
        let mail = plain.receive(&question("a"));
        plain.run_for(Duration::from_secs(120)).await;
        outcome(&mut plain, &mail.thread_id, sends, "no fault").await;
        let mut methods = BTreeMap::<String, u64>::new();
        for call in plain.google.calls().iter().filter(|call| call.method.starts_with("gmail.")) {
            *methods.entry(call.method.clone()).or_default() += 1;
        }
        assert!(methods.len() >= 3, "{methods:?}");
        let mut ends = BTreeMap::<String, u32>::new();
        for (method, times) in &methods {
            for nth in 1..=*times {
                let effects = [
                    (GoogleWhen::Before, Effect::drop_connection()),
                    (GoogleWhen::After, Effect::drop_connection()),
                    (GoogleWhen::Before, Effect::refuse(503, "backendError")),
                    (GoogleWhen::After, Effect::refuse(503, "backendError")),
                    (GoogleWhen::Before, Effect::refuse(429, "rateLimitExceeded")),
                ];
                for (when, effect) in effects {
                    let case = format!("sends {sends}, {method} {nth} of {times}, {when:?}, {effect:?}");
                    let mut world = world(sends, Faults::none()).await;
                    world.google.fault(Fault { method: method.clone(), account: None, nth, times: 1, when, effect });
                    let mail = world.receive(&question("a"));
                    world.run_for(LONG).await;
                    let state = outcome(&mut world, &mail.thread_id, sends, &case).await;
                    if state == ConversationState::NeedsPerson {
                        println!("{case}: {:?}", world.conversation(&mail.thread_id).await.head.state_reason);
                    }
                    *ends.entry(format!("{state:?}")).or_default() += 1;
                }
            }
        }
        println!("sends {sends}: {methods:?}, ends {ends:?}");
    }
}
