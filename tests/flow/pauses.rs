//! `A8`, `C4`: what a disconnect or a colleague makes of an answer that is under way.

use crate::letters::{DESK, question};
use crate::world::{Setup, World, auto_reply};
use channel::ports::Clock;
use channel::record::ConversationState;
use simulator::{Deliver, Effect, When};
use std::time::Duration;

fn delayed(seconds: u32) -> Setup {
    Setup {
        settings: Box::new(move |settings| {
            (settings.auto_reply, settings.draft_only, settings.delay_secs) = (true, false, seconds);
        }),
        ..Setup::default()
    }
}

/// How far the answer is when the mailbox is disconnected.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Settling,
    Planned,
    Due,
    Sending,
}

#[tokio::test]
async fn fault_46_nothing_is_sent_after_a_disconnect_however_far_it_was() {
    for stage in [Stage::Settling, Stage::Planned, Stage::Due, Stage::Sending] {
        let mut world = World::with(if matches!(stage, Stage::Sending) { auto_reply() } else { delayed(300) }).await;
        // Gmail has not sent it when the connection breaks, and nobody knows that yet.
        world.let_gmail("drafts.send", (1, 1), When::Before, Effect::drop_connection());
        let mail = world.receive(&question("a"));
        let begun = world.clock.now();
        match stage {
            Stage::Settling => world.drain(begun.plus(Duration::from_secs(5))).await,
            Stage::Planned => world.run_for(Duration::from_secs(120)).await,
            Stage::Due => {
                world.run_for(Duration::from_secs(120)).await;
                world.post.lose();
                world.go_to(begun.plus(Duration::from_secs(400)));
            }
            Stage::Sending => world.drain(begun.plus(Duration::from_secs(31))).await,
        }
        let tried = world.asked_gmail("drafts.send");
        assert_eq!(tried, usize::from(matches!(stage, Stage::Sending)), "{stage:?}");
        world.disconnect().await;
        world.run_for(Duration::from_secs(3600)).await;
        assert!(world.answers().is_empty(), "{stage:?}");
        assert_eq!(world.asked_gmail("drafts.send"), tried, "{stage:?}");
        // Not even when the mailbox comes back.
        world.reconnect().await;
        world.run_for(Duration::from_secs(3600)).await;
        assert!(world.answers().is_empty(), "{stage:?}");
        let state = world.conversation(&mail.thread_id).await.head.state;
        assert!(!matches!(state, ConversationState::Working | ConversationState::Pending), "{stage:?}: {state:?}");
    }
}

#[tokio::test]
async fn fault_48_a_colleague_who_answers_within_two_hours_cancels_the_pending_answer() {
    for pushed in [true, false] {
        let mut world = World::with(delayed(7_200)).await;
        world.every = Duration::from_secs(300);
        let mail = world.receive(&question("a"));
        world.run_for(Duration::from_secs(3_600)).await;
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Pending);
        let own = question("own")
            .from(&format!("Support <{DESK}>"))
            .replies_to("<a@customer.test>")
            .subject("Re: Returning an item");
        world.deliver_as(&own, &Deliver { labels: vec!["SENT".into()], ..Deliver::default() });
        if pushed {
            world.push();
        }
        world.run_for(Duration::from_secs(3 * 3_600)).await;
        assert!(world.answers().is_empty() && world.drafts().is_empty(), "pushed {pushed}");
        let conversation = world.conversation(&mail.thread_id).await;
        assert_eq!(conversation.actions[0].state.code(), "cancelled", "pushed {pushed}");
        assert_eq!(conversation.head.taken_over.map(|taken| taken.reason), Some("own_reply".to_owned()));
    }
}
