//! Writing: one item by a plain conditional write, anything more by a transaction.
//!
//! A plain write that the SDK repeats after a lost answer is refused by its own first try and reported as a conflict;
//! the caller reads again and finds its own write. A transaction carries a token of the SDK's, the same for all of its
//! tries, so that its repetition succeeds.

use super::item::{self, now_value};
use super::key;
use super::{Attributes, Table, millis, number};
use crate::failure;
use crate::meter::Direction;
use async_trait::async_trait;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update};
use channel::ports::{CommitError, Commits, StoreError};
use channel::record::{CapKey, CapUse, Commit, ItemKey};
use channel::time::Timestamp;
use std::collections::{BTreeSet, HashMap};

/// `TransactWriteItems` takes this many actions.
const MAX_ACTIONS: usize = 100;

const ABSENT: &str = "attribute_not_exists(pk) OR expires_at <= :now";
const UNCHANGED: &str = "ver = :ver AND (attribute_not_exists(expires_at) OR expires_at > :now)";
const BELOW_LIMIT: &str = "attribute_not_exists(n) OR n < :limit";
const RAISE: &str = "SET expires_at = :expires_at, #ttl = :ttl, fmt = :fmt ADD n :one";

enum Write {
    Put(ItemKey, u64, Attributes),
    Delete(ItemKey, u64),
    Check(ItemKey, u64),
    Raise(CapUse),
}

impl Write {
    fn key(&self) -> ItemKey {
        match self {
            Self::Put(key, ..) | Self::Delete(key, _) | Self::Check(key, _) => key.clone(),
            Self::Raise(cap) => ItemKey::Cap(cap.key.clone()),
        }
    }

    fn condition(&self) -> &'static str {
        match self {
            Self::Put(_, 0, _) | Self::Delete(_, 0) | Self::Check(_, 0) => ABSENT,
            Self::Put(..) | Self::Delete(..) | Self::Check(..) => UNCHANGED,
            Self::Raise(_) => BELOW_LIMIT,
        }
    }

    fn values(&self, now: Timestamp) -> Attributes {
        match self {
            Self::Put(_, ver, _) | Self::Delete(_, ver) | Self::Check(_, ver) => {
                let mut values = HashMap::from([now_value(now)]);
                if *ver > 0 {
                    values.insert(":ver".to_owned(), number(ver));
                }
                values
            }
            Self::Raise(cap) => HashMap::from([
                (":limit".to_owned(), number(cap.limit)),
                (":one".to_owned(), number(1)),
                (":expires_at".to_owned(), millis(cap.expires_at)),
                (":ttl".to_owned(), item::ttl(cap.expires_at)),
                (":fmt".to_owned(), number(item::FORMAT)),
            ]),
        }
    }

    fn into_action(self, table: &str, now: Timestamp) -> Result<TransactWriteItem, BuildError> {
        let (condition, values) = (self.condition(), Some(self.values(now)));
        let action = TransactWriteItem::builder();
        Ok(match self {
            Self::Put(_, _, attributes) => action.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Self::Delete(key, _) => action.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key::primary(&key)))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Self::Check(key, _) => action.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key::primary(&key)))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Self::Raise(cap) => action.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key::primary(&ItemKey::Cap(cap.key))))
                    .update_expression(RAISE)
                    .condition_expression(condition)
                    .expression_attribute_names("#ttl", "ttl")
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
        }
        .build())
    }
}

#[async_trait]
impl Commits for Table {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        // A counter that does not exist yet would pass the condition.
        if let Some(cap) = commit.caps.iter().find(|cap| cap.limit == 0) {
            return Err(CommitError::CapReached(cap.key.clone()));
        }
        let now = self.clock.now();
        let mut writes = writes(commit)?;
        match (writes.len(), writes.pop()) {
            (_, None) => Ok(()),
            (1, Some(Write::Put(key, ver, attributes))) => self.put(Write::Put(key, ver, attributes), now).await,
            (1, Some(write @ Write::Delete(..))) => self.delete(write, now).await,
            (1, Some(write @ Write::Raise(_))) => self.raise(write, now).await,
            (_, Some(last)) => {
                writes.push(last);
                self.transact(writes, now).await
            }
        }
    }
}

fn writes(commit: Commit) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::new();
    for put in &commit.puts {
        writes.push(Write::Put(put.key(), put.ver(), item::encode(put, put.ver().saturating_add(1))?));
    }
    writes.extend(commit.deletes.into_iter().map(|(key, ver)| Write::Delete(key, ver)));
    writes.extend(commit.checks.into_iter().map(|(key, ver)| Write::Check(key, ver)));
    if writes.iter().any(|write| matches!(write.key(), ItemKey::Cap(_))) {
        return Err(defect("a counter has no version to check or delete by"));
    }
    writes.extend(commit.caps.into_iter().map(Write::Raise));
    if writes.len() > MAX_ACTIONS {
        return Err(defect("a commit of more than 100 items"));
    }
    let distinct: BTreeSet<ItemKey> = writes.iter().map(Write::key).collect();
    if distinct.len() < writes.len() {
        return Err(defect("a commit that names one item twice"));
    }
    Ok(writes)
}

fn defect(what: &str) -> StoreError {
    StoreError::Broken(format!("{what}: a defect of this program"))
}

impl Table {
    async fn put(&self, write: Write, now: Timestamp) -> Result<(), CommitError> {
        let operation = "PutItem";
        self.count(operation);
        let (key, condition, values) = (write.key(), write.condition(), write.values(now));
        let Write::Put(_, _, attributes) = write else { return Err(defect("a put that is none").into()) };
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(attributes))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| refused(operation, key, &error))?;
        self.consumed(operation, Direction::Write, answer.consumed_capacity());
        Ok(())
    }

    async fn delete(&self, write: Write, now: Timestamp) -> Result<(), CommitError> {
        let operation = "DeleteItem";
        self.count(operation);
        let key = write.key();
        let answer = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key::primary(&key)))
            .condition_expression(write.condition())
            .set_expression_attribute_values(Some(write.values(now)))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| refused(operation, key, &error))?;
        self.consumed(operation, Direction::Write, answer.consumed_capacity());
        Ok(())
    }

    async fn raise(&self, write: Write, now: Timestamp) -> Result<(), CommitError> {
        let operation = "UpdateItem";
        self.count(operation);
        let key = write.key();
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key::primary(&key)))
            .update_expression(RAISE)
            .condition_expression(write.condition())
            .expression_attribute_names("#ttl", "ttl")
            .set_expression_attribute_values(Some(write.values(now)))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| refused(operation, key, &error))?;
        self.consumed(operation, Direction::Write, answer.consumed_capacity());
        Ok(())
    }

    async fn transact(&self, writes: Vec<Write>, now: Timestamp) -> Result<(), CommitError> {
        let operation = "TransactWriteItems";
        self.count(operation);
        let keys: Vec<ItemKey> = writes.iter().map(Write::key).collect();
        let actions = writes
            .into_iter()
            .map(|write| write.into_action(&self.name, now))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| defect("an incomplete action of a transaction"))?;
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| cancelled(operation, keys, &error))?;
        self.consumed(operation, Direction::Write, answer.consumed_capacity());
        Ok(())
    }
}

/// Of a plain write.
fn refused<E: ProvideErrorMetadata>(operation: &'static str, key: ItemKey, error: &SdkError<E>) -> CommitError {
    let failure = failure::sort(operation, error);
    match (failure.code.as_str(), key) {
        ("ConditionalCheckFailedException", ItemKey::Cap(cap)) => CommitError::CapReached(cap),
        ("ConditionalCheckFailedException" | "TransactionConflictException", key) => CommitError::Conflict(vec![key]),
        _ => StoreError::from(failure).into(),
    }
}

/// Of a transaction: the reasons stand in the order of its actions.
fn cancelled(operation: &'static str, keys: Vec<ItemKey>, error: &SdkError<TransactWriteItemsError>) -> CommitError {
    let failure = failure::sort(operation, error);
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cause)) => {
            judge(operation, keys, cause.cancellation_reasons())
        }
        _ => StoreError::from(failure).into(),
    }
}

/// What no retry mends comes first, then what must be decided again, then what is merely to be repeated.
fn judge(operation: &'static str, keys: Vec<ItemKey>, reasons: &[CancellationReason]) -> CommitError {
    let (mut changed, mut reached, mut later) = (Vec::new(), None::<CapKey>, None);
    for (key, reason) in keys.into_iter().zip(reasons) {
        match (reason.code().unwrap_or("None"), key) {
            ("None", _) => {}
            ("ConditionalCheckFailed", ItemKey::Cap(cap)) => reached = reached.or(Some(cap)),
            ("ConditionalCheckFailed" | "TransactionConflict", key) => changed.push(key),
            (code, _) if failure::is_later(code) => later = later.or(Some(code.to_owned())),
            (code, _) => return StoreError::from(failure::broken(operation, code)).into(),
        }
    }
    match (changed.is_empty(), reached, later) {
        (false, _, _) => CommitError::Conflict(changed),
        (true, Some(cap), _) => CommitError::CapReached(cap),
        (true, None, Some(code)) => {
            StoreError::Unavailable(format!("{operation}: {code}; it is tried again later")).into()
        }
        (true, None, None) => {
            StoreError::Unavailable(format!("{operation}: cancelled without a reason; it is tried again later")).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::ids::MailboxId;

    fn mailbox(id: &str) -> ItemKey {
        ItemKey::Mailbox(MailboxId::parse(id).unwrap())
    }

    fn cap() -> CapKey {
        let mailbox = MailboxId::parse("a").unwrap();
        CapKey { mailbox, scope: "sender", subject: "ff".to_owned(), window: "d1".to_owned() }
    }

    fn of(codes: [&str; 3]) -> CommitError {
        let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        judge("TransactWriteItems", vec![mailbox("a"), mailbox("b"), ItemKey::Cap(cap())], &reasons)
    }

    #[test]
    fn the_reasons_of_a_cancelled_transaction_are_told_apart() {
        let conflict = |error, expected: &[ItemKey]| match error {
            CommitError::Conflict(keys) => assert_eq!(keys, expected),
            other => panic!("{other:?}"),
        };
        conflict(of(["None", "ConditionalCheckFailed", "None"]), &[mailbox("b")]);
        conflict(of(["TransactionConflict", "ConditionalCheckFailed", "None"]), &[mailbox("a"), mailbox("b")]);
        conflict(of(["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]), &[mailbox("a")]);
        conflict(of(["None", "None", "TransactionConflict"]), &[ItemKey::Cap(cap())]);
        assert!(matches!(of(["None", "None", "ConditionalCheckFailed"]), CommitError::CapReached(key) if key == cap()));
        for later in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
            let error = of(["None", later, "None"]);
            assert!(matches!(error, CommitError::Store(StoreError::Unavailable(_))), "{error:?}");
        }
        for stays in ["ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied"] {
            let error = of(["ConditionalCheckFailed", stays, "None"]);
            assert!(matches!(error, CommitError::Store(StoreError::Broken(_))), "{error:?}");
        }
    }

    #[test]
    fn one_item_twice_is_a_defect() {
        let commit = Commit::new().check(mailbox("a"), 1).delete(mailbox("a"), 1);
        assert!(matches!(writes(commit), Err(StoreError::Broken(_))));
        let commit = Commit::new().check(ItemKey::Cap(cap()), 1);
        assert!(matches!(writes(commit), Err(StoreError::Broken(_))));
    }
}
