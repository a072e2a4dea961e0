//! `A2.4` and the faults of grants, secrets and clocks: what cannot be reached waits, and is taken up afterwards.

use crate::letters::{DESK, Letter, genuine, question};
use crate::post::Work;
use crate::world::{World, auto_reply, reconnect};
use channel::ids::{GrantId, MailboxId, MessageId, ThreadId};
use channel::ports::{Clock, Commits, Conversations, Engines, GrantVault, SeenMails};
use channel::record::{Commit, ConnectionState, ConversationState, WatchState};
use channel::work::SyncWork;
use simulator::{Effect, When};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const OPERATOR: &str = "operator@postroom.test";

#[tokio::test]
async fn fault_14_a_watch_that_ends_is_told_of_and_one_that_ended_is_renewed_with_its_gap_listed() {
    let mut world = World::new().await;
    let now = world.clock.now();
    let watch = WatchState {
        ver: 0,
        mailbox: world.mailbox.clone(),
        expiration: Some(now.plus(7 * DAY)),
        renewed_at: Some(now),
        last_error: None,
        due_at: Some(now.plus(DAY)),
    };
    world.table.commit(Commit::new().put(watch)).await.unwrap();
    // Google refuses to renew it for days: while 48 hours are left, that is told of.
    world.let_gmail("watch", (1, 1_000), When::Before, Effect::refuse(503, "backendError"));
    let told = |world: &World| world.reports.iter().map(|report| report.watches_ending).sum::<usize>();
    for (days, expected) in [(4, false), (6, true)] {
        world.go_to(now.plus(days * DAY));
        world.run_for(Duration::from_secs(120)).await;
        assert_eq!(told(&world) > 0, expected, "after {days} days");
    }
    world.google.clear_faults();
    let renewals = world.asked_gmail("watch");
    let mail = world.deliver(&question("a"));
    // Nothing runs for eight days more: no push, no schedule. Google forgets a history after seven.
    world.go_to(now.plus(14 * DAY));
    world.run_for(Duration::from_secs(600)).await;
    let watch = world.table.watch_state(&world.mailbox).await.unwrap().unwrap();
    assert!(watch.expiration.is_some_and(|ends| ends > world.clock.now().plus(6 * DAY)), "{watch:?}");
    assert_eq!(world.asked_gmail("watch"), renewals + 1);
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
    assert_eq!(world.sync_state().await.recovered, 1);
}

#[tokio::test]
async fn fault_18_what_a_dead_grant_parked_runs_after_reconnect() {
    let mut world = World::with(auto_reply()).await;
    // One answer is planned when the grant dies, two mails come after it.
    let planned = world.receive(&question("a"));
    world.drain(world.clock.now().plus(Duration::from_secs(5))).await;
    world.google.revoke_grants(DESK);
    let late = [world.receive(&question("b").subject("Second")), world.receive(&question("c").subject("Third"))];
    world.run_for(Duration::from_secs(3 * 3600)).await;
    assert_eq!(world.view().await.state(), ConnectionState::AccessRevoked);
    let refreshes = world.google.calls().iter().filter(|call| call.method.starts_with("oauth2.token")).count();
    assert!(refreshes < 10, "a dead grant is not tried for ever: {refreshes} times");
    assert!(world.answers().is_empty() && world.dead.is_empty());
    world.reconnect().await;
    world.run_for(Duration::from_secs(600)).await;
    assert_eq!(world.view().await.state(), ConnectionState::Connected);
    for mail in std::iter::once(&planned).chain(&late) {
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Answered);
    }
    assert_eq!(world.answers().len(), 3);
    assert_eq!(world.table.parked(&world.mailbox, 10).await.unwrap(), vec![], "nothing is left behind");
}

#[tokio::test]
async fn fault_19_a_reconnect_that_finishes_while_the_old_grant_is_refused_marks_nothing() {
    let mut world = World::new().await;
    world.google.revoke_grants(DESK);
    let (table, vault, mailbox) = (world.table.clone(), world.vault.clone(), world.mailbox.clone());
    let (secret, now) = (world.consent(DESK), world.clock.now());
    *world.vault.meanwhile.lock().unwrap() =
        Some(Box::pin(async move { reconnect(&table, &vault, &mailbox, secret, now).await }));
    let mail = world.receive(&question("a"));
    // The Sync begins with the old grant; the new one is in force before Google refuses the old.
    world.all_at_once().await;
    let view = world.view().await;
    assert_ne!(view.meta.grant, Some(GrantId::parse("grant-1").unwrap()));
    assert_eq!((view.meta.problem.clone(), view.state()), (None, ConnectionState::Connected));
    world.run_for(Duration::from_secs(300)).await;
    assert_eq!(world.view().await.meta.problem, None);
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn fault_20_while_google_refuses_the_client_no_mailbox_is_blamed_and_nothing_is_lost() {
    let mut world = World::new().await;
    world.set_client_secret("changed");
    // Every access token has run out by then.
    world.go_to(world.clock.now().plus(Duration::from_secs(2 * 3600)));
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(1800)).await;
    let refused = world.google.calls().iter().filter(|call| call.reason.as_deref() == Some("invalid_client")).count();
    assert!(refused > 0, "Google was asked");
    let view = world.view().await;
    assert_eq!((view.meta.problem.clone(), view.state()), (None, ConnectionState::Connected));
    assert!(world.conversations().await.is_empty() && world.dead.is_empty());
    assert!(world.reports.iter().any(|report| report.clients_refused > 0), "and an alarm can ring");
    world.set_client_secret("secret");
    world.run_for(Duration::from_secs(900)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

/// A second mailbox gets a mail of its own and has it drafted.
async fn the_neighbour_goes_on(world: &mut World, id: &str) {
    let neighbour = MailboxId::parse("second").unwrap();
    let letter = Letter { to: OPERATOR.to_owned(), ..question(id) };
    let theirs = world.google.deliver(OPERATOR, letter.raw(), &genuine()).unwrap();
    world.post.put(Work::Sync(SyncWork::Sync { mailbox: neighbour.clone(), pushed: None }), Duration::ZERO);
    world.run_for(Duration::from_secs(300)).await;
    let thread = ThreadId::parse(&theirs.thread_id).unwrap();
    let head = world.table.head(&neighbour, &thread, world.clock.now()).await.unwrap();
    assert_eq!(head.map(|head| head.state), Some(ConversationState::Review));
}

#[tokio::test]
async fn fault_41_a_secret_that_is_gone_or_barred_stops_its_own_mailbox_only() {
    for barred in [false, true] {
        let mut world = World::new().await;
        world.connect(&MailboxId::parse("second").unwrap(), OPERATOR, &|_| ()).await;
        if barred {
            world.vault.denied.lock().unwrap().push(world.mailbox.clone());
        } else {
            world.vault.delete(&world.mailbox, &GrantId::parse("grant-1").unwrap()).await.unwrap();
        }
        let mail = world.receive(&question("a"));
        the_neighbour_goes_on(&mut world, "n").await;
        let expected = if barred { ConnectionState::Connected } else { ConnectionState::ReconnectNeeded };
        assert_eq!(world.view().await.state(), expected);
        assert_eq!((world.failed_minutes, world.dead.len()), (0, 0), "no run fails as a whole");
        let reads = world.vault.reads.load(std::sync::atomic::Ordering::SeqCst);
        assert!(reads < 40, "the vault is asked {reads} times in five minutes");
        if barred {
            world.vault.denied.lock().unwrap().clear();
        } else {
            world.reconnect().await;
        }
        world.run_for(Duration::from_secs(900)).await;
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review, "{barred}");
    }
}

#[tokio::test]
async fn fault_32_what_has_expired_is_gone_although_it_still_lies_there() {
    let mut world = World::new().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    let then = world.clock.now();
    let (thread, id) = (ThreadId::parse(&mail.thread_id).unwrap(), MessageId::parse(&mail.id).unwrap());
    world.go_to(then.plus(31 * DAY));
    let now = world.clock.now();
    let at = async |at| world.table.conversation(&world.mailbox, &thread, at).await.unwrap();
    assert!(at(then).await.is_some(), "nothing deleted it");
    assert!(at(now).await.is_none() && world.conversations().await.is_empty(), "and nobody is shown it");
    // What comes now begins anew, over what lies there.
    world.receive(&question("b").replies_to("<a@customer.test>").subject("Re: Returning an item"));
    world.run_for(Duration::from_secs(600)).await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!((conversation.mails.len(), conversation.head.state), (1, ConversationState::Review));
    let seen = async |at| world.table.seen(&world.mailbox, std::slice::from_ref(&id), at).await.unwrap().len();
    assert_eq!((seen(then).await, seen(then.plus(121 * DAY)).await), (1, 0));
}

#[tokio::test]
async fn fault_33_clocks_five_minutes_apart_cost_nothing_and_more_costs_a_token() {
    for (skew_ms, beyond) in [(290_000, false), (-290_000, false), (900_000, true)] {
        let mut world = World::with(auto_reply()).await;
        world.skew_ms = skew_ms;
        // The connection is older than the difference: what came before it is history.
        world.go_to(world.clock.now().plus(Duration::from_secs(600)));
        for n in 0..5 {
            world.receive(&question(&format!("s{n}")).subject(&format!("Question {n}")));
            world.run_for(Duration::from_secs(1_290)).await;
            assert_eq!(world.answers().len(), n + 1, "{skew_ms} ms");
        }
        let refused = world.google.calls().iter().filter(|call| call.status == 401).count();
        assert_eq!(refused > 0, beyond, "{skew_ms} ms: {refused} calls were refused");
        assert!(world.dead.is_empty() && world.view().await.state() == ConnectionState::Connected);
    }
}
