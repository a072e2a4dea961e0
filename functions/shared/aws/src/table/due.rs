//! What is due, by the sparse index of work outstanding.

use super::item::{integer, text};
use super::{Attributes, Query, Table, key, millis};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use channel::ports::{DueIndex, StoreError};
use channel::record::ItemKey;
use channel::time::Timestamp;
use futures::future::try_join_all;
use std::collections::HashMap;

#[async_trait]
impl DueIndex for Table {
    /// Oldest first. The index knows keys only and lags: whoever takes one up reads the item again.
    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(ItemKey, Timestamp)>, StoreError> {
        let shards = (0..key::DUE_SHARDS).map(|shard| self.due_in(shard, until, limit));
        let mut due: Vec<_> =
            try_join_all(shards).await?.into_iter().flatten().filter_map(|item| parse(&item)).collect();
        due.sort_by(|(a, at), (b, bt)| (at, a).cmp(&(bt, b)));
        due.truncate(limit);
        Ok(due)
    }
}

impl Table {
    async fn due_in(&self, shard: u8, until: Timestamp, limit: usize) -> Result<Vec<Attributes>, StoreError> {
        let values = HashMap::from([
            (":pk".to_owned(), AttributeValue::S(key::due_partition(shard))),
            (":until".to_owned(), millis(until)),
        ]);
        self.query(Query {
            index: Some("due"),
            condition: "due_pk = :pk AND due_at <= :until",
            filter: None,
            values,
            start: None,
            newest_first: false,
            limit: Some(limit),
        })
        .await
    }
}

/// One key that a newer release wrote must not keep all other work waiting.
fn parse(item: &Attributes) -> Option<(ItemKey, Timestamp)> {
    let at = integer(item, "due_at").map(Timestamp::from_millis);
    let key = text(item, "pk").zip(text(item, "sk")).and_then(|(pk, sk)| key::decode(pk, sk));
    let due = key.zip(at);
    if due.is_none() {
        let kind = text(item, "sk").and_then(|sk| sk.split('#').next()).unwrap_or_default();
        tracing::error!(item.kind = kind, "work of a kind that this release does not know is due: deploy a newer one");
    }
    due
}
