//! Random sequences of operations have the same results on the fake and on the table.

use crate::harness::{self, Under};
use channel::ports::{Clock, CommitError, StoreError};
use channel::record::*;
use channel::time::Timestamp;
use proptest::prelude::*;
use std::time::Duration;
use testkit::*;

/// Few names, so that sequences meet.
const THREADS: [&str; 3] = ["a", "b", "ab"];
const MESSAGES: [&str; 3] = ["m1", "m2", "m3"];

#[derive(Debug, Clone)]
enum Write {
    Head { thread: usize, state: usize, age: u64, life: u64, ver: u64 },
    Turn { thread: usize, no: u32, due: Option<u64>, ver: u64 },
    Seen { message: usize, life: u64, ver: u64 },
    Park { message: usize, due: Option<u64>, ver: u64 },
    Organisation { stopped: bool, ver: u64 },
    DeleteHead { thread: usize, ver: u64 },
    DeletePark { message: usize, ver: u64 },
    CheckOrganisation { ver: u64 },
    Cap { subject: usize, limit: u32 },
}

#[derive(Debug, Clone)]
enum Op {
    Commit(Vec<Write>),
    Advance(u64),
}

/// Mostly versions that can be right.
fn ver() -> impl Strategy<Value = u64> {
    prop_oneof![5 => Just(0_u64), 4 => Just(1_u64), 2 => Just(2_u64), 1 => Just(3_u64)]
}

fn write() -> impl Strategy<Value = Write> {
    let due = || proptest::option::of(0..40_u64);
    let head = (0..3_usize, 0..8_usize, 0..50_u64, 1..60_u64, ver());
    prop_oneof![
        3 => head.prop_map(|(thread, state, age, life, ver)| Write::Head { thread, state, age, life, ver }),
        3 => (0..3_usize, 1..4_u32, due(), ver()).prop_map(|(thread, no, due, ver)| Write::Turn { thread, no, due, ver }),
        2 => (0..3_usize, 1..60_u64, ver()).prop_map(|(message, life, ver)| Write::Seen { message, life, ver }),
        2 => (0..3_usize, due(), ver()).prop_map(|(message, due, ver)| Write::Park { message, due, ver }),
        1 => (any::<bool>(), ver()).prop_map(|(stopped, ver)| Write::Organisation { stopped, ver }),
        1 => (0..3_usize, ver()).prop_map(|(thread, ver)| Write::DeleteHead { thread, ver }),
        1 => (0..3_usize, ver()).prop_map(|(message, ver)| Write::DeletePark { message, ver }),
        1 => ver().prop_map(|ver| Write::CheckOrganisation { ver }),
        4 => (0..2_usize, 0..3_u32).prop_map(|(subject, limit)| Write::Cap { subject, limit }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => proptest::collection::vec(write(), 1..2).prop_map(Op::Commit),
        5 => proptest::collection::vec(write(), 2..5).prop_map(Op::Commit),
        2 => (1..30_u64).prop_map(Op::Advance),
    ]
}

/// `start` is when the sequence began: times are told from there, so that they do not depend on the clock.
fn commit(writes: &[Write], start: Timestamp) -> Commit {
    let at = |secs: u64| start.plus(Duration::from_secs(secs));
    let parked_mail = |message: usize| ParkedWork::Mail { message: message_id(MESSAGES[message]) };
    writes.iter().fold(Commit::new(), |commit, write| match *write {
        Write::Head { thread, state, age, life, ver } => commit.put(Head {
            ver,
            state: ConversationState::ALL[state],
            updated_at: at(age),
            expires_at: at(life),
            ..head("mb", THREADS[thread], start)
        }),
        Write::Turn { thread, no, due, ver } => {
            commit.put(Turn { ver, due_at: due.map(at), ..turn("mb", THREADS[thread], no, start) })
        }
        Write::Seen { message, life, ver } => {
            let seen = seen("mb", MESSAGES[message], SeenState::Stored, start);
            commit.put(Seen { ver, expires_at: at(life), ..seen })
        }
        Write::Park { message, due, ver } => {
            commit.put(Parked { ver, due_at: due.map(at), ..parked("mb", parked_mail(message), start) })
        }
        Write::Organisation { stopped, ver } => commit.put(Organisation { ver, sending_stopped: stopped }),
        Write::DeleteHead { thread, ver } => {
            commit.delete(ItemKey::Head(mailbox_id("mb"), thread_id(THREADS[thread])), ver)
        }
        Write::DeletePark { message, ver } => commit.delete(ItemKey::Park(mailbox_id("mb"), parked_mail(message)), ver),
        Write::CheckOrganisation { ver } => commit.check(ItemKey::Organisation, ver),
        Write::Cap { subject, limit } => commit.cap(cap("mb", ["ada", "bob"][subject], limit, start)),
    })
}

/// Without the texts, which are each adapter's own.
fn told(result: Result<(), CommitError>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(CommitError::Conflict(keys)) => format!("conflict {keys:?}"),
        Err(CommitError::CapReached(key)) => format!("reached {key:?}"),
        Err(CommitError::Store(StoreError::Broken(_))) => "broken".to_owned(),
        Err(CommitError::Store(StoreError::Unavailable(text))) => panic!("unavailable: {text}"),
    }
}

/// Everything that the ports show, as text.
async fn seen_through(under: &Under, start: Timestamp) -> Vec<String> {
    let (store, mailbox, now) = (&under.store, mailbox_id("mb"), under.clock.now());
    let mut view = vec![format!("{:?}", store.organisation().await.unwrap())];
    for thread in THREADS {
        view.push(format!("{:?}", store.conversation(&mailbox, &thread_id(thread), now).await.unwrap()));
    }
    view.push(format!("{:?}", store.seen(&mailbox, &MESSAGES.map(message_id), now).await.unwrap()));
    view.push(format!("{:?}", store.parked(&mailbox, 2).await.unwrap()));
    // All of it: the order of what is due at the same moment is told apart by key.
    view.push(format!("{:?}", store.due(start.plus(Duration::from_secs(25)), 100).await.unwrap()));
    let mut page = store.list(&mailbox, None, 2, now).await.unwrap();
    view.push(format!("{:?}", page.rows));
    while let Some(next) = page.next {
        page = store.list(&mailbox, Some(&next), 2, now).await.unwrap();
        view.push(format!("{:?}", page.rows));
    }
    for state in ConversationState::ALL {
        view.push(format!("{:?}", store.waiting(state, None, 9, now).await.unwrap().rows));
    }
    view
}

async fn compare(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let (memory, table) = (harness::memory(), harness::table().await);
    let start = memory.clock.now();
    for op in ops {
        match op {
            Op::Advance(secs) => {
                memory.clock.advance(Duration::from_secs(secs));
                table.clock.advance(Duration::from_secs(secs));
            }
            Op::Commit(writes) => {
                let expected = told(memory.store.commit(commit(&writes, start)).await);
                let found = told(table.store.commit(commit(&writes, start)).await);
                prop_assert_eq!(found, expected, "{:?}", writes);
            }
        }
        prop_assert_eq!(seen_through(&table, start).await, seen_through(&memory, start).await);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_has_the_same_results_on_both(ops in proptest::collection::vec(op(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(ops))?;
    }
}
