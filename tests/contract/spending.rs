//! What models cost is added up by mailbox and day, and nothing is lost of it.

use crate::harness::{Under, on_both};
use channel::ports::Clock;
use channel::usecase::caps::cost_counter;
use std::time::Duration;
use testkit::mailbox_id;

const DAY: Duration = Duration::from_secs(24 * 3600);

on_both! {
    costs_are_added_up_by_mailbox_and_day
    costs_added_at_once_are_all_counted
    a_counter_that_has_expired_counts_nothing
}

async fn costs_are_added_up_by_mailbox_and_day(Under { store, clock }: Under) {
    let now = clock.now();
    let counter = cost_counter(&mailbox_id("mb"), now);
    assert_eq!(store.spent(&counter, now).await.unwrap(), 0);
    for micro_usd in [1_400, 1, u64::from(u32::MAX)] {
        store.spend(&counter, micro_usd, now.plus(2 * DAY)).await.unwrap();
    }
    assert_eq!(store.spent(&counter, now).await.unwrap(), 1_401 + u64::from(u32::MAX));
    for other in [cost_counter(&mailbox_id("other"), now), cost_counter(&mailbox_id("mb"), now.plus(DAY))] {
        assert_eq!(store.spent(&other, now).await.unwrap(), 0, "{other:?}");
    }
}

async fn costs_added_at_once_are_all_counted(Under { store, clock }: Under) {
    let now = clock.now();
    let counter = cost_counter(&mailbox_id("mb"), now);
    let each = (0..20).map(|_| store.spend(&counter, 7, now.plus(DAY)));
    assert!(futures::future::join_all(each).await.into_iter().all(|spent| spent.is_ok()));
    assert_eq!(store.spent(&counter, now).await.unwrap(), 140);
}

async fn a_counter_that_has_expired_counts_nothing(Under { store, clock }: Under) {
    let now = clock.now();
    let counter = cost_counter(&mailbox_id("mb"), now);
    store.spend(&counter, 5, now.plus(DAY)).await.unwrap();
    assert_eq!(store.spent(&counter, now.plus(DAY)).await.unwrap(), 0);
}
