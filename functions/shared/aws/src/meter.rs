//! What the adapters used, for tests that hold a budget.

use aws_sdk_dynamodb::types::ConsumedCapacity;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Capacity as DynamoDB reports it, indexes included and transactions doubled. A write that is refused is billed too,
/// but its answer carries no figure: it counts as a request only.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub requests: u64,
    pub write_units: f64,
    pub read_units: f64,
}

/// Sums by operation, such as `PutItem`. The SDK's own retries are one request.
#[derive(Debug, Default)]
pub struct Meter(Mutex<BTreeMap<&'static str, Usage>>);

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Meter {
    pub fn by_operation(&self) -> BTreeMap<&'static str, Usage> {
        self.sums().clone()
    }

    pub fn total(&self) -> Usage {
        self.sums().values().fold(Usage::default(), |sum, each| Usage {
            requests: sum.requests + each.requests,
            write_units: sum.write_units + each.write_units,
            read_units: sum.read_units + each.read_units,
        })
    }

    pub fn reset(&self) {
        self.sums().clear();
    }

    pub(crate) fn request(&self, operation: &'static str) {
        self.sums().entry(operation).or_default().requests += 1;
    }

    pub(crate) fn consumed<'a>(
        &self,
        operation: &'static str,
        direction: Direction,
        capacity: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        let units: f64 = capacity.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
        let mut sums = self.sums();
        let usage = sums.entry(operation).or_default();
        match direction {
            Direction::Read => usage.read_units += units,
            Direction::Write => usage.write_units += units,
        }
    }

    /// Sums stay right when a holder panicked: each is changed in one step.
    fn sums(&self) -> MutexGuard<'_, BTreeMap<&'static str, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
