//! What writing costs, as DynamoDB counts it: indexes included, transactions doubled.

use crate::harness::{Under, metered};
use crate::round_trip::every_kind;
use aws::Meter;
use channel::ids::{HistoryId, LeaseToken};
use channel::ports::Clock;
use channel::record::*;
use std::collections::BTreeMap;
use testkit::*;

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Organisation(_) => "organisation",
        Item::Mailbox(_) => "mailbox",
        Item::Settings(_) => "settings",
        Item::Sync(_) => "sync",
        Item::Watch(_) => "watch",
        Item::Grant(_) => "grant",
        Item::Units(_) => "units",
        Item::Park(_) => "park",
        Item::Resume(_) => "resume",
        Item::AddressOwner(_) => "address",
        Item::Head(_) => "head",
        Item::Correspondent(_) => "correspondent",
        Item::Mail(_) => "mail",
        Item::Turn(_) => "turn",
        Item::Action(_) => "action",
        Item::Trace(_) => "trace",
        Item::Targets(_) => "targets",
        Item::Notice(_) => "notice",
        Item::Seen(_) => "seen",
        Item::OAuthState(_) => "oauth_state",
        Item::Session(_) => "session",
        Item::Example(_) => "example",
        Item::KnowledgeHead(_) => "knowledge_head",
        Item::Document(_) => "document",
        Item::Gap(_) => "gap",
        Item::GapQuestion(_) => "gap_question",
    }
}

/// The dearest new item of each kind, written alone.
#[tokio::test]
async fn each_kind_costs_its_units_and_no_more() {
    let (under, meter) = metered().await;
    let mut units: BTreeMap<&str, f64> = BTreeMap::new();
    for item in every_kind(under.clock.now()) {
        meter.reset();
        let name = kind(&item);
        under.store.commit(Commit { puts: vec![item], ..Commit::new() }).await.unwrap();
        let cost = units.entry(name).or_default();
        *cost = cost.max(meter.total().write_units);
        assert_eq!(meter.by_operation().into_keys().collect::<Vec<_>>(), ["PutItem"]);
    }
    let expected = BTreeMap::from([
        // One for the item, one for each index that it enters.
        ("action", 2.0),
        ("address", 1.0),
        ("correspondent", 2.0),
        ("document", 2.0),
        ("example", 1.0),
        ("gap", 2.0),
        ("gap_question", 1.0),
        ("grant", 2.0),
        ("head", 3.0),
        // These are due while something is to be done about them.
        ("knowledge_head", 2.0),
        ("mail", 1.0),
        ("mailbox", 2.0),
        ("notice", 2.0),
        ("oauth_state", 1.0),
        ("organisation", 1.0),
        ("park", 2.0),
        ("resume", 2.0),
        ("seen", 1.0),
        ("session", 1.0),
        ("settings", 1.0),
        ("sync", 2.0),
        ("targets", 1.0),
        ("trace", 1.0),
        ("turn", 2.0),
        ("units", 1.0),
        ("watch", 2.0),
    ]);
    assert_eq!(units, expected);
}

async fn cost(under: &Under, meter: &Meter, item: impl Into<Item>) -> f64 {
    meter.reset();
    under.store.commit(Commit::new().put(item)).await.unwrap();
    meter.total().write_units
}

#[tokio::test]
async fn a_lease_or_a_cursor_costs_no_index_write() {
    let (under, meter) = metered().await;
    let now = under.clock.now();
    let state = ConversationState::Review;
    let before = Head { state, ..head("mb", "t", now) };
    assert_eq!(cost(&under, &meter, before.clone()).await, 3.0);
    let lease = Some(Lease::next(None, LeaseToken::parse("l").unwrap(), now, "plan"));
    assert_eq!(cost(&under, &meter, Head { ver: 1, lease, last_turn: 1, ..before }).await, 1.0);

    let before = SyncState { due_at: Some(now), ..sync_state("mb", 1, now) };
    assert_eq!(cost(&under, &meter, before.clone()).await, 2.0);
    assert_eq!(cost(&under, &meter, SyncState { ver: 1, cursor: HistoryId(9), ..before }).await, 1.0);
}

#[tokio::test]
async fn a_transaction_costs_double_and_one_request() {
    let (under, meter) = metered().await;
    let now = under.clock.now();
    let two = Commit::new().put(Organisation::default()).put(session("s", now));
    under.store.commit(two).await.unwrap();
    assert_eq!(meter.by_operation().into_keys().collect::<Vec<_>>(), ["TransactWriteItems"]);
    assert_eq!((meter.total().requests, meter.total().write_units), (1, 4.0));
}
