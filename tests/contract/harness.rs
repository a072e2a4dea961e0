//! The two stores under test.

use aws::Meter;
use std::sync::Arc;
use testkit::{ManualClock, MemoryStore, Store};
pub use tests::dynamo::{TABLE, dynamo};

/// A store and the clock that it reads.
pub struct Under {
    pub store: Arc<dyn Store>,
    pub clock: ManualClock,
}

pub fn memory() -> Under {
    let clock = ManualClock::default();
    Under { store: Arc::new(MemoryStore::new(Arc::new(clock.clone()))), clock }
}

pub async fn table() -> Under {
    let clock = ManualClock::default();
    Under { store: Arc::new(dynamo().await.table(Arc::new(clock.clone()))), clock }
}

pub async fn metered() -> (Under, Arc<Meter>) {
    let (clock, meter) = (ManualClock::default(), Arc::new(Meter::default()));
    let table = dynamo().await.table(Arc::new(clock.clone())).metered(Arc::clone(&meter));
    (Under { store: Arc::new(table), clock }, meter)
}

/// Runs each case on both stores, as tests of their own.
macro_rules! on_both {
    ($($case:ident)*) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::memory()).await;
            })*
        }
        mod on_table {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::table().await).await;
            })*
        }
    };
}
pub(crate) use on_both;
