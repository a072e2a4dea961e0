//! Writing: versions, all or nothing, budgets, expiry.

use crate::harness::{Under, on_both};
use channel::ports::{CommitError, StoreError};
use channel::record::*;
use std::sync::Arc;
use std::time::Duration;
use testkit::*;

on_both! {
    a_version_moves_by_one
    a_former_version_is_refused
    a_new_item_must_not_exist
    a_delete_needs_its_version
    a_transaction_is_all_or_nothing
    a_check_guards_and_writes_nothing
    a_conflict_goes_before_a_budget
    a_budget_ends_at_its_limit
    a_budget_of_nothing_lets_nothing_pass
    what_has_expired_counts_as_absent
    of_two_at_once_one_wins
    of_two_transactions_at_once_one_wins
    counters_raised_at_once_never_pass_the_limit
    an_item_twice_is_a_defect
    an_empty_commit_does_nothing
}

fn conflict(result: Result<(), CommitError>) -> Vec<ItemKey> {
    match result {
        Err(CommitError::Conflict(keys)) => keys,
        other => panic!("no conflict: {other:?}"),
    }
}

fn stopped(ver: u64, sending_stopped: bool) -> Organisation {
    Organisation { ver, sending_stopped }
}

async fn a_version_moves_by_one(Under { store, .. }: Under) {
    for ver in 0..4 {
        store.commit(Commit::new().put(stopped(ver, ver % 2 == 0))).await.unwrap();
        assert_eq!(store.organisation().await.unwrap(), stopped(ver + 1, ver % 2 == 0));
    }
}

async fn a_former_version_is_refused(Under { store, .. }: Under) {
    store.commit(Commit::new().put(stopped(0, true))).await.unwrap();
    store.commit(Commit::new().put(stopped(1, true))).await.unwrap();
    for ver in [0, 1, 3] {
        let keys = conflict(store.commit(Commit::new().put(stopped(ver, false))).await);
        assert_eq!(keys, [ItemKey::Organisation]);
    }
    assert_eq!(store.organisation().await.unwrap(), stopped(2, true));
}

async fn a_new_item_must_not_exist(Under { store, .. }: Under) {
    assert_eq!(conflict(store.commit(Commit::new().put(stopped(1, true))).await), [ItemKey::Organisation]);
    assert_eq!(store.organisation().await.unwrap(), Organisation::default());
}

async fn a_delete_needs_its_version(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let key = session("s", now);
    store.commit(Commit::new().put(key)).await.unwrap();
    let key = ItemKey::Session("s".to_owned());
    for ver in [0, 2] {
        assert_eq!(conflict(store.commit(Commit::new().delete(key.clone(), ver)).await), std::slice::from_ref(&key));
    }
    store.commit(Commit::new().delete(key.clone(), 1)).await.unwrap();
    assert_eq!(store.session("s", now).await.unwrap(), None);
    assert_eq!(conflict(store.commit(Commit::new().delete(key.clone(), 1)).await), [key]);
}

async fn a_transaction_is_all_or_nothing(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    store.commit(Commit::new().put(stopped(0, true))).await.unwrap();
    let whole = |ver| {
        let caps = cap("mb", "ada", 5, now);
        Commit::new().put(head("mb", "t", now)).put(turn("mb", "t", 1, now)).put(stopped(ver, false)).cap(caps)
    };
    assert_eq!(conflict(store.commit(whole(7)).await), [ItemKey::Organisation]);
    assert_eq!(store.conversation(&mailbox_id("mb"), &thread_id("t"), now).await.unwrap(), None);
    assert_eq!(store.due(now, 10).await.unwrap(), []);
    assert_eq!(store.organisation().await.unwrap(), stopped(1, true));

    store.commit(whole(1)).await.unwrap();
    let found = store.conversation(&mailbox_id("mb"), &thread_id("t"), now).await.unwrap().unwrap();
    assert_eq!((found.head.ver, found.turns.len(), found.turns[0].ver), (1, 1, 1));
    assert_eq!(store.organisation().await.unwrap(), stopped(2, false));
    // The refused one took nothing of the budget: four are left of five.
    for _ in 0..4 {
        store.commit(Commit::new().cap(cap("mb", "ada", 5, now))).await.unwrap();
    }
    let error = store.commit(Commit::new().cap(cap("mb", "ada", 5, now))).await;
    assert!(matches!(error, Err(CommitError::CapReached(_))), "{error:?}");
}

async fn a_check_guards_and_writes_nothing(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    store.commit(Commit::new().put(stopped(0, false))).await.unwrap();
    let guarded = |no, ver| Commit::new().put(turn("mb", "t", no, now)).check(ItemKey::Organisation, ver);
    store.commit(guarded(1, 1)).await.unwrap();
    assert_eq!(store.organisation().await.unwrap().ver, 1);
    assert_eq!(conflict(store.commit(guarded(2, 2)).await), [ItemKey::Organisation]);
    assert_eq!(conflict(store.commit(guarded(2, 0)).await), [ItemKey::Organisation]);
    // A check alone, and one for what must not exist.
    store.commit(Commit::new().check(ItemKey::Organisation, 1)).await.unwrap();
    let absent = ItemKey::Head(mailbox_id("mb"), thread_id("t"));
    store.commit(Commit::new().check(absent.clone(), 0)).await.unwrap();
    assert_eq!(conflict(store.commit(Commit::new().check(absent.clone(), 1)).await), [absent]);
}

async fn a_conflict_goes_before_a_budget(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let caps = || cap("mb", "ada", 1, now);
    store.commit(Commit::new().cap(caps())).await.unwrap();
    let both = Commit::new().put(stopped(3, true)).cap(caps());
    assert_eq!(conflict(store.commit(both).await), [ItemKey::Organisation]);
    let reached = store.commit(Commit::new().put(stopped(0, true)).cap(caps())).await;
    assert!(matches!(reached, Err(CommitError::CapReached(key)) if key == caps().key));
    assert_eq!(store.organisation().await.unwrap(), Organisation::default());
}

async fn a_budget_ends_at_its_limit(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    for _ in 0..3 {
        store.commit(Commit::new().cap(cap("mb", "ada", 3, now))).await.unwrap();
    }
    let error = store.commit(Commit::new().cap(cap("mb", "ada", 3, now))).await.unwrap_err();
    assert!(matches!(error, CommitError::CapReached(key) if key == cap("mb", "ada", 3, now).key));
    // Raised limits count what was used; others have a budget of their own; two are taken together or not at all.
    store.commit(Commit::new().cap(cap("mb", "ada", 4, now))).await.unwrap();
    let two = || Commit::new().cap(cap("mb", "bob", 2, now)).cap(cap("mb", "ada", 5, now));
    store.commit(two()).await.unwrap();
    assert!(matches!(store.commit(two()).await, Err(CommitError::CapReached(_))));
    store.commit(Commit::new().cap(cap("mb", "bob", 2, now))).await.unwrap();
    assert!(matches!(store.commit(Commit::new().cap(cap("mb", "bob", 2, now))).await, Err(CommitError::CapReached(_))));
}

async fn a_budget_of_nothing_lets_nothing_pass(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let error = store.commit(Commit::new().put(stopped(0, true)).cap(cap("mb", "ada", 0, now))).await;
    assert!(matches!(error, Err(CommitError::CapReached(_))), "{error:?}");
    assert_eq!(store.organisation().await.unwrap(), Organisation::default());
}

async fn what_has_expired_counts_as_absent(Under { store, clock }: Under) {
    let start = clock_now(&clock);
    let record = session("s", start);
    let (ends, key) = (record.expires_at, ItemKey::Session("s".to_owned()));
    store.commit(Commit::new().put(record)).await.unwrap();

    let last = ends.minus(Duration::from_millis(1));
    clock.set(last);
    assert!(store.session("s", last).await.unwrap().is_some());
    assert_eq!(conflict(store.commit(Commit::new().put(session("s", last))).await), std::slice::from_ref(&key));

    clock.set(ends);
    assert_eq!(store.session("s", ends).await.unwrap(), None);
    let known = Session { ver: 1, ..session("s", ends) };
    assert_eq!(conflict(store.commit(Commit::new().put(known)).await), std::slice::from_ref(&key));
    assert_eq!(conflict(store.commit(Commit::new().delete(key.clone(), 1)).await), std::slice::from_ref(&key));
    assert_eq!(conflict(store.commit(Commit::new().check(key.clone(), 1)).await), std::slice::from_ref(&key));
    store.commit(Commit::new().check(key, 0).put(stopped(0, true))).await.unwrap();
    store.commit(Commit::new().put(session("s", ends))).await.unwrap();
    assert_eq!(store.session("s", ends).await.unwrap(), Some(Session { ver: 1, ..session("s", ends) }));
}

/// How many of the commits went through; the others must have met a conflict.
async fn race(store: &Arc<dyn Store>, commits: Vec<Commit>) -> usize {
    let tasks: Vec<_> = commits
        .into_iter()
        .map(|commit| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.commit(commit).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            Err(CommitError::Conflict(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    won
}

async fn of_two_at_once_one_wins(Under { store, .. }: Under) {
    for ver in 0..5 {
        let both = vec![Commit::new().put(stopped(ver, true)), Commit::new().put(stopped(ver, false))];
        assert_eq!(race(&store, both).await, 1);
        assert_eq!(store.organisation().await.unwrap().ver, ver + 1);
    }
}

async fn of_two_transactions_at_once_one_wins(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let claim = |thread: &str| Commit::new().put(stopped(0, true)).put(head("mb", thread, now));
    assert_eq!(race(&store, vec![claim("a"), claim("b")]).await, 1);
    let page = store.list(&mailbox_id("mb"), None, 10, now).await.unwrap();
    assert_eq!(page.rows.len(), 1, "the loser wrote nothing");
}

async fn counters_raised_at_once_never_pass_the_limit(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(Commit::new().cap(cap("mb", "ada", 3, now))).await })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => passed += 1,
            Err(CommitError::CapReached(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(passed, 3);
}

async fn an_item_twice_is_a_defect(Under { store, clock }: Under) {
    let now = clock_now(&clock);
    let commits = [
        Commit::new().put(stopped(0, true)).check(ItemKey::Organisation, 0),
        Commit::new().cap(cap("mb", "ada", 3, now)).cap(cap("mb", "ada", 9, now)),
        Commit::new().delete(ItemKey::Cap(cap("mb", "ada", 3, now).key), 1),
    ];
    for commit in commits {
        let error = store.commit(commit).await.unwrap_err();
        assert!(matches!(error, CommitError::Store(StoreError::Broken(_))), "{error:?}");
    }
    assert_eq!(store.organisation().await.unwrap(), Organisation::default());
}

async fn an_empty_commit_does_nothing(Under { store, .. }: Under) {
    store.commit(Commit::new()).await.unwrap();
}

fn clock_now(clock: &ManualClock) -> channel::time::Timestamp {
    channel::ports::Clock::now(clock)
}
