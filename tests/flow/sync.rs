//! `C1`: Google announces, lags, forgets and repeats; each mail is found, once.

use crate::letters::{DESK, Letter, genuine, question};
use crate::post::Work;
use crate::world::{Setup, World, auto_reply};
use channel::ids::{HistoryId, MailboxId, MessageId};
use channel::ports::{Clock, Commits, Mailboxes, SeenMails};
use channel::record::{Commit, ConnectionState, ConversationState, SeenState};
use channel::work::SyncWork;
use simulator::{Deliver, Effect, Lag, Verdict, When};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::{FailWith, Faults};

const HOUR: Duration = Duration::from_secs(3600);

fn nth(n: u32) -> Letter {
    question(&format!("n{n}")).subject(&format!("Question {n}"))
}

fn cursor(world: &World) -> u64 {
    world.google.dump(DESK).unwrap().history_id
}

/// Ids of the mails that wait to be read.
fn queued(world: &World) -> Vec<MessageId> {
    let ingest = |work| match work {
        Work::Sync(SyncWork::Ingest { message, .. }) => Some(message),
        _ => None,
    };
    world.post.waiting().into_iter().filter_map(ingest).collect()
}

/// The Sync that waits, without what it queues.
async fn only_the_sync(world: &mut World) {
    world.all_at_once().await;
}

#[tokio::test]
async fn fault_07_under_a_hundred_announcements_each_mail_is_queued_once() {
    let mut world = World::new().await;
    for n in 0..3 {
        world.deliver(&nth(n));
    }
    for _ in 0..100 {
        world.push();
    }
    // One Sync after the other, before any mail is read.
    let (until, mut reads) = (world.clock.now(), vec![]);
    while let Some((_, work)) = world.post.take(until) {
        match work {
            Work::Sync(SyncWork::Ingest { message, .. }) => reads.push(message),
            sync => world.work(sync).await,
        }
    }
    assert_eq!(world.asked_gmail("history.list"), 100);
    assert_eq!((reads.len(), reads.into_iter().collect::<BTreeSet<_>>().len()), (3, 3));
}

#[tokio::test]
async fn fault_08_announcements_that_overtake_each_other_never_move_the_cursor_back() {
    let mut world = World::new().await;
    world.deliver(&nth(0));
    let older = cursor(&world);
    world.deliver(&nth(1));
    let newer = cursor(&world);
    assert!(older < newer);
    let mut last = world.sync_state().await.cursor;
    for id in [newer, older, newer, older] {
        world.push_id(id);
        world.drain(world.clock.now().plus(Duration::from_secs(40))).await;
        let now = world.sync_state().await.cursor;
        assert!(now >= last, "from {last:?} back to {now:?}");
        last = now;
    }
    // Both at once, too.
    world.deliver(&nth(2));
    let at_once = cursor(&world);
    world.push_id(at_once);
    world.push_id(newer);
    world.all_at_once().await;
    world.settle().await;
    assert!(world.sync_state().await.cursor >= HistoryId(at_once));
    assert_eq!((world.conversations().await.len(), world.drafts().len()), (3, 3));
}

#[tokio::test]
async fn fault_09_a_push_that_names_the_stored_cursor_lists_all_the_same() {
    let mut world = World::new().await;
    let stored = world.sync_state().await.cursor;
    let mail = world.deliver(&nth(0));
    world.push_id(stored.0);
    only_the_sync(&mut world).await;
    assert_eq!(queued(&world), [MessageId::parse(&mail.id).unwrap()]);
    assert!(world.sync_state().await.cursor > stored);
}

fn lag() -> Effect {
    Effect::Lag { lag: Lag { younger_than_ms: None, ahead: true, gets: false } }
}

#[tokio::test]
async fn fault_10_an_empty_list_after_a_push_is_listed_again_and_the_cursor_waits() {
    // Empty once and found after five seconds; empty twice and found after thirty more.
    for empty in [1, 2] {
        let mut world = World::new().await;
        let before = world.sync_state().await.cursor;
        world.let_gmail("history.list", (1, empty), When::Before, lag());
        let mail = world.receive(&nth(0));
        only_the_sync(&mut world).await;
        assert_eq!((world.sync_state().await.cursor, queued(&world)), (before, vec![]), "{empty}");
        world.drain(world.clock.now().plus(Duration::from_secs(4))).await;
        assert_eq!(world.asked_gmail("history.list"), 1, "nobody hurries");
        world.drain(world.clock.now().plus(Duration::from_secs(36))).await;
        assert_eq!(world.asked_gmail("history.list") as u64, empty + 1);
        assert!(world.sync_state().await.cursor > before);
        world.settle().await;
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
        assert_eq!(world.sync_state().await.recovered, 0, "found by history, not by the daily net");
    }
}

#[tokio::test]
async fn fault_10_a_list_that_ends_before_what_was_announced_is_listed_again() {
    let mut world = World::new().await;
    let first = world.deliver(&nth(0));
    // From the next second on nothing is shown, though the newest id is named.
    world.go_to(world.clock.now().plus(Duration::from_secs(1)));
    world.let_gmail("history.list", (1, 1), When::Before, lag());
    let second = world.receive(&nth(1));
    only_the_sync(&mut world).await;
    assert_eq!(queued(&world), [MessageId::parse(&first.id).unwrap()]);
    world.settle().await;
    assert_eq!(world.conversation(&second.thread_id).await.head.state, ConversationState::Review);
    assert_eq!(world.sync_state().await.recovered, 0);
}

#[tokio::test]
async fn fault_10_the_next_lag_is_waited_for_like_the_first() {
    let mut world = World::new().await;
    for n in 0..2 {
        world.let_gmail("history.list", (1, 1), When::Before, lag());
        let mail = world.receive(&nth(n));
        world.run_for(Duration::from_secs(120)).await;
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review, "lag {n}");
        world.google.clear_faults();
    }
}

#[tokio::test]
async fn fault_11_a_gap_is_closed_over_interruptions_and_counted_once() {
    let mut world = World::new().await;
    for n in 0..4 {
        world.deliver(&nth(n));
    }
    world.google.forget_history(DESK).unwrap();
    // The first listing breaks off; the next Sync goes on with it.
    world.let_gmail("messages.list", (1, 1), When::Before, Effect::drop_connection());
    world.push();
    only_the_sync(&mut world).await;
    let state = world.sync_state().await;
    assert!(state.resync.is_some() && queued(&world).is_empty(), "the gap is remembered");
    world.run_for(Duration::from_secs(300)).await;
    let state = world.sync_state().await;
    assert_eq!((state.recovered, state.resync), (4, None));
    assert_eq!((world.conversations().await.len(), world.drafts().len()), (4, 4));
    // Another gap finds none of them again.
    world.google.forget_history(DESK).unwrap();
    world.deliver(&nth(9));
    world.google.forget_history(DESK).unwrap();
    world.push();
    world.run_for(Duration::from_secs(300)).await;
    assert_eq!(world.sync_state().await.recovered, 5);
    assert_eq!((world.conversations().await.len(), world.drafts().len()), (5, 5));
}

#[tokio::test]
async fn fault_12_a_run_that_dies_after_its_second_page_is_continued_there() {
    // The third write of a Sync is the cursor of its second page.
    let commit_faults = Faults::nth(3, testkit::When::After, FailWith::Crash);
    let mut world = World::with(Setup { commit_faults, ..Setup::default() }).await;
    let delivered: BTreeSet<_> = (0..1_100).map(|n| MessageId::parse(world.deliver(&nth(n)).id).unwrap()).collect();
    world.push();
    let (_, sync) = world.post.take(world.clock.now()).unwrap();
    world.work(sync).await;
    assert_eq!((world.asked_gmail("history.list"), queued(&world).len()), (2, 1_000), "it died in between");
    // The lease of the dead is over when the message comes back; what it had queued is left aside here.
    let mut ids = queued(&world);
    world.post.lose();
    world.go_to(world.clock.now().plus(Duration::from_secs(360)));
    world.push();
    only_the_sync(&mut world).await;
    assert_eq!(world.asked_gmail("history.list"), 3, "only the third page is listed");
    ids.extend(queued(&world));
    assert_eq!(ids.len(), 1_100, "each once");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), delivered);
}

#[tokio::test]
async fn fault_13_a_mail_that_is_gone_before_it_is_fetched_is_recorded_as_gone() {
    let mut world = World::new().await;
    let gone = world.receive(&nth(0));
    world.google.delete_message(DESK, &gone.id).unwrap();
    world.settle().await;
    let id = MessageId::parse(&gone.id).unwrap();
    let seen = world.table.seen(&world.mailbox, std::slice::from_ref(&id), world.clock.now()).await.unwrap();
    assert_eq!(seen.iter().map(|seen| seen.state.clone()).collect::<Vec<_>>(), [SeenState::Gone]);
    assert_eq!(world.sync_state().await.cursor, HistoryId(cursor(&world)), "the cursor goes on");
    assert!(world.conversations().await.is_empty() && world.dead.is_empty());
}

#[tokio::test]
async fn fault_16_a_rate_limit_rests_one_mailbox_until_its_time_and_no_other() {
    let mut world = World::new().await;
    let second = MailboxId::parse("second").unwrap();
    let address = "operator@postroom.test";
    world.connect(&second, address, &|_| ()).await;
    world.let_gmail(
        "messages.get",
        (1, 1),
        When::Before,
        Effect::RetryAt { status: 429, reason: "rateLimitExceeded".into(), retry_in_ms: 600_000 },
    );
    let mail = world.receive(&nth(0));
    world.run_for(Duration::from_secs(60)).await;
    let calls = |world: &World, address: &str| {
        world.google.calls().iter().filter(|call| call.account.as_deref() == Some(address)).count()
    };
    let so_far = calls(&world, DESK);
    let other = Letter { to: address.to_owned(), ..nth(1) };
    let theirs = world.google.deliver(address, other.raw(), &genuine()).unwrap();
    world.post.put(Work::Sync(SyncWork::Sync { mailbox: second.clone(), pushed: None }), Duration::ZERO);
    world.run_for(Duration::from_secs(420)).await;
    assert_eq!(calls(&world, DESK), so_far, "not one call before its time");
    let thread = channel::ids::ThreadId::parse(&theirs.thread_id).unwrap();
    let there = channel::ports::Conversations::head(&*world.table, &second, &thread, world.clock.now()).await.unwrap();
    assert_eq!(there.map(|head| head.state), Some(ConversationState::Review), "the neighbour goes on");
    world.run_for(Duration::from_secs(600)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn fault_17_one_refusal_is_waited_for_and_the_other_asks_for_consent() {
    for (reason, expected) in [
        ("rateLimitExceeded", ConnectionState::Connected),
        ("userRateLimitExceeded", ConnectionState::Connected),
        ("insufficientPermissions", ConnectionState::ReconnectNeeded),
        ("domainPolicy", ConnectionState::BlockedByAdmin),
    ] {
        let mut world = World::new().await;
        world.let_gmail("messages.get", (1, 1), When::Before, Effect::refuse(403, reason));
        let mail = world.receive(&nth(0));
        world.run_for(Duration::from_secs(300)).await;
        assert_eq!(world.view().await.state(), expected, "{reason}");
        if expected != ConnectionState::Connected {
            assert!(world.conversations().await.is_empty(), "{reason}");
            world.reconnect().await;
            world.run_for(Duration::from_secs(300)).await;
        }
        assert_eq!(world.view().await.state(), ConnectionState::Connected);
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review, "{reason}");
        assert_eq!(world.dead, Vec::<String>::new(), "{reason}");
    }
}

#[tokio::test]
async fn fault_49_three_days_of_mail_at_once_are_drafted_and_nothing_old_is_sent() {
    let mut world = World::with(auto_reply()).await;
    let mut meta = world.table.mailbox(&world.mailbox).await.unwrap().unwrap().meta;
    meta.connected_at = meta.connected_at.minus(HOUR * 24 * 4);
    world.table.commit(Commit::new().put(meta)).await.unwrap();
    let now = world.clock.now();
    // Older and older, from this hour to three days ago.
    let ages: Vec<u32> = vec![0, 12, 23, 25, 36, 48, 60, 72];
    for (n, hours) in ages.iter().enumerate() {
        let at = now.minus(HOUR * *hours).as_millis();
        let how = Deliver { internal_date: Some(at), authentication: Some(Verdict::Pass), ..Deliver::default() };
        world.deliver_as(&nth(n as u32), &how);
    }
    world.push();
    world.run_for(Duration::from_secs(900)).await;
    let (fresh, old) = (ages.iter().filter(|age| **age < 24).count(), ages.iter().filter(|age| **age > 24).count());
    assert_eq!((world.answers().len(), world.drafts().len()), (fresh, old));
    for draft in world.drafts() {
        assert_eq!(draft.header("Auto-Submitted"), None, "a person sends it");
    }
}
