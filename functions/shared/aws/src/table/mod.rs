//! The one table. Each port of the store is a view of it; the layout of keys is in `key`, that of items in `item`.
//!
//! Invariants: every write is conditional on the version that was read; an item whose `expires_at` has passed counts as
//! absent in conditions and reads, since DynamoDB may delete it days later; no read is a scan.

mod commit;
mod conversations;
mod due;
mod item;
mod key;
mod read;
mod spending;

use crate::failure;
use crate::meter::{Direction, Meter};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use channel::ports::{Clock, StoreError};
use channel::record::ItemKey;
use channel::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// `BatchGetItem` takes this many keys.
const BATCH: usize = 100;
/// How often keys that a batch left over are asked for again.
const BATCH_ROUNDS: usize = 5;

#[derive(Clone)]
pub struct Table {
    client: Client,
    name: String,
    clock: Arc<dyn Clock>,
    meter: Option<Arc<Meter>>,
}

/// One query; pages of it are read until enough is there.
struct Query {
    index: Option<&'static str>,
    condition: &'static str,
    filter: Option<&'static str>,
    values: Attributes,
    start: Option<Attributes>,
    newest_first: bool,
    /// How many items are wanted; all of them when there is no limit.
    limit: Option<usize>,
}

impl Table {
    pub fn new(config: &SdkConfig, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(config), name: name.into(), clock, meter: None }
    }

    /// Asks DynamoDB for the consumed capacity of every request and adds it up in `meter`.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    fn capacity(&self) -> Option<ReturnConsumedCapacity> {
        self.meter.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    fn count(&self, operation: &'static str) {
        if let Some(meter) = &self.meter {
            meter.request(operation);
        }
    }

    fn consumed<'a>(
        &self,
        operation: &'static str,
        direction: Direction,
        capacity: impl IntoIterator<Item = &'a aws_sdk_dynamodb::types::ConsumedCapacity>,
    ) {
        if let Some(meter) = &self.meter {
            meter.consumed(operation, direction, capacity);
        }
    }

    /// Strongly consistent.
    async fn get(&self, key: &ItemKey) -> Result<Option<Attributes>, StoreError> {
        let operation = "GetItem";
        self.count(operation);
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key::primary(key)))
            .consistent_read(true)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| failure::sort(operation, &error))?;
        self.consumed(operation, Direction::Read, answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Strongly consistent, in no particular order, without those that do not exist. `keys` are distinct.
    async fn get_all(&self, keys: &[ItemKey]) -> Result<Vec<Attributes>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH) {
            let mut open: Vec<Attributes> = chunk.iter().map(key::primary).collect();
            for round in 0..=BATCH_ROUNDS {
                if open.is_empty() {
                    break;
                }
                if round == BATCH_ROUNDS {
                    let text = format!("BatchGetItem: {} keys stayed unread; it is tried again later", open.len());
                    return Err(StoreError::Unavailable(text));
                }
                let (items, rest) = self.get_batch(open).await?;
                found.extend(items);
                open = rest;
            }
        }
        Ok(found)
    }

    /// Items, and the keys that DynamoDB left over.
    async fn get_batch(&self, keys: Vec<Attributes>) -> Result<(Vec<Attributes>, Vec<Attributes>), StoreError> {
        let operation = "BatchGetItem";
        self.count(operation);
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|error| StoreError::Broken(format!("{operation}: {error}")))?;
        let mut answer = self
            .client
            .batch_get_item()
            .request_items(&self.name, wanted)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| failure::sort(operation, &error))?;
        self.consumed(operation, Direction::Read, answer.consumed_capacity());
        // One table was asked, under a name or an ARN: whatever comes back is of it.
        let items = answer.responses.take().into_iter().flatten().flat_map(|(_, items)| items).collect();
        let rest = answer.unprocessed_keys.take().into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
        Ok((items, rest))
    }

    async fn query(&self, query: Query) -> Result<Vec<Attributes>, StoreError> {
        let operation = "Query";
        let mut found: Vec<Attributes> = Vec::new();
        let mut start = query.start;
        loop {
            let wanted = query.limit.map(|limit| limit.saturating_sub(found.len()));
            if wanted == Some(0) {
                return Ok(found);
            }
            self.count(operation);
            let answer = self
                .client
                .query()
                .table_name(&self.name)
                .set_index_name(query.index.map(str::to_owned))
                .key_condition_expression(query.condition)
                .set_filter_expression(query.filter.map(str::to_owned))
                .set_expression_attribute_values(Some(query.values.clone()))
                // An index cannot be read consistently.
                .consistent_read(query.index.is_none())
                .scan_index_forward(!query.newest_first)
                .set_exclusive_start_key(start)
                .set_limit(wanted.map(|wanted| i32::try_from(wanted).unwrap_or(i32::MAX)))
                .set_return_consumed_capacity(self.capacity())
                .send()
                .await
                .map_err(|error| failure::sort(operation, &error))?;
            self.consumed(operation, Direction::Read, answer.consumed_capacity());
            found.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// The items of `partition` whose sort key begins with `prefix`, in key order.
    async fn partition(
        &self,
        partition: String,
        prefix: &str,
        limit: Option<usize>,
    ) -> Result<Vec<Attributes>, StoreError> {
        let mut values = HashMap::from([(":pk".to_owned(), AttributeValue::S(partition))]);
        let mut condition = "pk = :pk";
        if !prefix.is_empty() {
            values.insert(":prefix".to_owned(), AttributeValue::S(prefix.to_owned()));
            condition = "pk = :pk AND begins_with(sk, :prefix)";
        }
        self.query(Query { index: None, condition, filter: None, values, start: None, newest_first: false, limit })
            .await
    }
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millis())
}
