//! What the models cost: one counter for each mailbox and day, raised without a condition, since what was spent is a fact.

use super::item::{self, live};
use super::{Table, key, millis, number};
use crate::failure;
use crate::meter::Direction;
use async_trait::async_trait;
use channel::ports::{Spending, StoreError};
use channel::record::{CapKey, ItemKey};
use channel::time::Timestamp;

const ADD: &str = "SET expires_at = :expires_at, #ttl = :ttl, fmt = :fmt ADD n :amount";

#[async_trait]
impl Spending for Table {
    async fn spent(&self, counter: &CapKey, now: Timestamp) -> Result<u64, StoreError> {
        let Some(found) = self.get(&ItemKey::Cap(counter.clone())).await? else { return Ok(0) };
        if !live(&found, now) {
            return Ok(0);
        }
        item::integer(&found, "n").ok_or_else(|| StoreError::Broken("a counter of model cost has no number".to_owned()))
    }

    async fn spend(&self, counter: &CapKey, micro_usd: u64, expires_at: Timestamp) -> Result<(), StoreError> {
        let operation = "UpdateItem";
        self.count(operation);
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key::primary(&ItemKey::Cap(counter.clone()))))
            .update_expression(ADD)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":amount", number(micro_usd))
            .expression_attribute_values(":expires_at", millis(expires_at))
            .expression_attribute_values(":ttl", item::ttl(expires_at))
            .expression_attribute_values(":fmt", number(item::FORMAT))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| failure::sort(operation, &error))?;
        self.consumed(operation, Direction::Write, answer.consumed_capacity());
        Ok(())
    }
}
