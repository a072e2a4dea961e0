//! The indexes: heads of a mailbox, what waits for someone, what is due, what is parked.

use crate::harness::{Under, on_both};
use channel::ports::{Clock, HeadPage, StoreError};
use channel::record::*;
use channel::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use testkit::*;

on_both! {
    heads_are_paged_newest_first
    a_page_holds_though_heads_move
    an_expired_head_is_not_listed
    only_what_waits_is_waiting
    a_forged_page_is_refused
    what_is_due_comes_oldest_first
    finished_work_leaves_the_due_index
    parked_work_comes_in_key_order
}

fn at(now: Timestamp, secs: u64) -> Timestamp {
    now.plus(Duration::from_secs(secs))
}

async fn put(store: &Arc<dyn Store>, item: impl Into<Item>) {
    store.commit(Commit::new().put(item)).await.unwrap();
}

/// Threads of every page, and how many pages there were.
async fn walk(store: &Arc<dyn Store>, mailbox: &str, limit: usize, now: Timestamp) -> (Vec<String>, usize) {
    let (mut threads, mut pages, mut next) = (vec![], 0, None::<String>);
    loop {
        let page = store.list(&mailbox_id(mailbox), next.as_deref(), limit, now).await.unwrap();
        assert!(page.rows.len() <= limit);
        threads.extend(names(&page));
        pages += 1;
        assert!(pages < 100, "the pages never end");
        next = page.next;
        let Some(next) = &next else { return (threads, pages) };
        assert!(next.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "unsafe in a URL: {next}");
    }
}

fn names(page: &HeadPage) -> Vec<String> {
    page.rows.iter().map(|row| row.thread.to_string()).collect()
}

async fn heads_are_paged_newest_first(Under { store, clock }: Under) {
    let now = clock.now();
    for no in 0..7_u64 {
        put(&store, Head { updated_at: at(now, no), ..head("mb", &format!("t{no}"), now) }).await;
    }
    put(&store, head("mb2", "other", now)).await;
    put(&store, mailbox_meta("mb", now)).await;
    let expected: Vec<String> = (0..7).rev().map(|no| format!("t{no}")).collect();
    for (limit, pages) in [(1, 7), (3, 3), (6, 2), (7, 1), (50, 1)] {
        assert_eq!(walk(&store, "mb", limit, now).await, (expected.clone(), pages), "limit {limit}");
    }
    let page = store.list(&mailbox_id("mb2"), None, 5, now).await.unwrap();
    let Head { mailbox, thread, title, customer, state, unread, updated_at, .. } = head("mb2", "other", now);
    let row = channel::ports::HeadRow { mailbox, thread, title, customer, state, unread, updated_at };
    assert_eq!(page, HeadPage { rows: vec![row], next: None });
    assert_eq!(store.list(&mailbox_id("none"), None, 5, now).await.unwrap(), HeadPage { rows: vec![], next: None });
}

async fn a_page_holds_though_heads_move(Under { store, clock }: Under) {
    let now = clock.now();
    for no in 0..6_u64 {
        put(&store, Head { updated_at: at(now, no), ..head("mb", &format!("t{no}"), now) }).await;
    }
    let first = store.list(&mailbox_id("mb"), None, 2, now).await.unwrap();
    assert_eq!(names(&first), ["t5", "t4"]);
    // The last row of the page moves to the top: the next page begins where the page ended.
    put(&store, Head { ver: 1, updated_at: at(now, 99), ..head("mb", "t4", now) }).await;
    let second = store.list(&mailbox_id("mb"), first.next.as_deref(), 2, now).await.unwrap();
    assert_eq!(names(&second), ["t3", "t2"]);
    assert_eq!(walk(&store, "mb", 3, now).await.0, ["t4", "t5", "t3", "t2", "t1", "t0"]);
}

async fn an_expired_head_is_not_listed(Under { store, clock }: Under) {
    let now = clock.now();
    for no in 0..6_u64 {
        let expires_at = if no % 2 == 0 { at(now, 10) } else { at(now, 1000) };
        let (updated_at, state) = (at(now, no), ConversationState::Review);
        put(&store, Head { updated_at, state, expires_at, ..head("mb", &format!("t{no}"), now) }).await;
    }
    let late = at(now, 10);
    assert_eq!(walk(&store, "mb", 2, late).await, (vec!["t5".into(), "t3".into(), "t1".into()], 2));
    assert_eq!(walk(&store, "mb", 3, late).await.1, 1);
    let page = store.waiting(ConversationState::Review, None, 9, late).await.unwrap();
    assert_eq!(names(&page), ["t5", "t3", "t1"]);
}

async fn only_what_waits_is_waiting(Under { store, clock }: Under) {
    let now = clock.now();
    for (no, state) in ConversationState::ALL.into_iter().enumerate() {
        let updated_at = at(now, no as u64);
        put(&store, Head { updated_at, state, unread: no % 2 == 0, ..head("mb", state.code(), now) }).await;
        put(&store, Head { updated_at, state, ..head("mb2", state.code(), now) }).await;
    }
    for state in ConversationState::ALL {
        let first = store.waiting(state, None, 1, now).await.unwrap();
        if !state.waits_for_someone() {
            assert_eq!(first, HeadPage { rows: vec![], next: None });
            continue;
        }
        let second = store.waiting(state, first.next.as_deref(), 1, now).await.unwrap();
        assert_eq!(second.next, None);
        let rows = [&first.rows[0], &second.rows[0]];
        assert_eq!(rows.map(|row| row.mailbox.as_str()), ["mb2", "mb"]);
        for row in rows {
            let stored = store.head(&row.mailbox, &row.thread, now).await.unwrap().unwrap();
            assert_eq!((row.unread, row.updated_at, row.state), (stored.unread, stored.updated_at, state));
            assert_eq!((&row.title, &row.customer), (&stored.title, &stored.customer));
        }
    }
    put(&store, Head { ver: 1, state: ConversationState::Answered, ..head("mb", "review", now) }).await;
    let page = store.waiting(ConversationState::Review, None, 9, now).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.mailbox.as_str()).collect::<Vec<_>>(), ["mb2"]);
}

async fn a_forged_page_is_refused(Under { store, clock }: Under) {
    let now = clock.now();
    for page in ["", "%%%", "zz", "AAAA", "Zm9v"] {
        let error = store.list(&mailbox_id("mb"), Some(page), 5, now).await.unwrap_err();
        assert!(matches!(error, StoreError::Broken(_)), "{page}: {error:?}");
        assert!(store.waiting(ConversationState::Review, Some(page), 5, now).await.is_err(), "{page}");
    }
}

async fn what_is_due_comes_oldest_first(Under { store, clock }: Under) {
    let now = clock.now();
    let mail = ParkedWork::Mail { message: message_id("m") };
    let resume = Resume { ver: 0, mailbox: mailbox_id("mb"), requested_at: now, due_at: Some(at(now, 2)) };
    let (mailbox, last_error) = (mailbox_id("mb"), None);
    let due_at = Some(at(now, 4));
    let watch = WatchState { ver: 0, mailbox, expiration: None, renewed_at: None, last_error, due_at };
    let items: Vec<Item> = vec![
        SyncState { due_at: Some(at(now, 1)), ..sync_state("mb", 1, now) }.into(),
        resume.into(),
        Turn { due_at: Some(at(now, 3)), ..turn("mb", "t", 1, now) }.into(),
        watch.into(),
        Action { due_at: Some(at(now, 5)), ..action("mb", "t", 1, "answer", now) }.into(),
        GrantRecord { due_at: Some(at(now, 6)), ..grant_record("mb", "g", now) }.into(),
        Parked { due_at: Some(at(now, 7)), ..parked("mb", mail, now) }.into(),
    ];
    let keys: Vec<ItemKey> = items.iter().map(Item::key).collect();
    store.commit(Commit { puts: items.into_iter().rev().collect(), ..Commit::new() }).await.unwrap();
    put(&store, sync_state("never", 1, now)).await;

    for (secs, count) in [(0, 0), (1, 1), (4, 4), (100, 7)] {
        let due = store.due(at(now, secs), 10).await.unwrap();
        assert_eq!(due.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), keys[..count]);
        assert!(due.iter().zip(1..).all(|((_, due), no)| *due == at(now, no)));
    }
    let few = store.due(at(now, 100), 3).await.unwrap();
    assert_eq!(few.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), keys[..3]);
}

async fn finished_work_leaves_the_due_index(Under { store, clock }: Under) {
    let now = clock.now();
    put(&store, turn("mb", "t", 1, now)).await;
    assert_eq!(store.due(now, 10).await.unwrap().len(), 1);
    let later = at(now, 60);
    put(&store, Turn { ver: 1, due_at: Some(later), ..turn("mb", "t", 1, now) }).await;
    assert_eq!(store.due(now, 10).await.unwrap(), []);
    let key = ItemKey::Turn(mailbox_id("mb"), thread_id("t"), 1);
    assert_eq!(store.due(later, 10).await.unwrap(), [(key, later)]);
    put(&store, Turn { ver: 2, due_at: None, ..turn("mb", "t", 1, now) }).await;
    assert_eq!(store.due(later, 10).await.unwrap(), []);
}

async fn parked_work_comes_in_key_order(Under { store, clock }: Under) {
    let now = clock.now();
    let mail = |id: &str| ParkedWork::Mail { message: message_id(id) };
    let turn = |no| ParkedWork::Turn { thread: thread_id("t"), turn: no };
    for work in [turn(2), mail("b"), turn(10), mail("a")] {
        put(&store, parked("mb", work, now)).await;
    }
    put(&store, parked("mb2", mail("c"), now)).await;
    let works = async |limit| {
        let parked = store.parked(&mailbox_id("mb"), limit).await.unwrap();
        parked.into_iter().map(|parked| parked.work).collect::<Vec<_>>()
    };
    // Key order, by the text of the sort key.
    assert_eq!(works(10).await, [mail("a"), mail("b"), turn(10), turn(2)]);
    assert_eq!(works(3).await, [mail("a"), mail("b"), turn(10)]);
    assert_eq!(works(0).await, []);
}
