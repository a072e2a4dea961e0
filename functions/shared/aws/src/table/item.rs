//! Items as attributes: the record's serde form at the top level, beside the keys, the version, the item format, the
//! TTL and the keys of the sparse indexes it belongs to.
//!
//! What is null is left out: a missing attribute reads as none, costs nothing, and an index key may not be null.

use super::key;
use super::{Attributes, millis, number};
use aws_sdk_dynamodb::types::AttributeValue;
use channel::ports::StoreError;
use channel::record::*;
use channel::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

/// Raised when a former release could not read what this one writes. Every lower one stays readable.
pub(super) const FORMAT: u64 = 1;

/// The partition of the list index that holds the mailboxes themselves.
pub(super) const MAILBOXES: &str = "MAILBOXES";

pub(super) trait Record: DeserializeOwned {
    fn set_ver(&mut self, ver: u64);
}

macro_rules! records {
    ($($kind:ident($record:ty),)*) => {
        $(impl Record for $record {
            fn set_ver(&mut self, ver: u64) { self.ver = ver; }
        })*

        fn serialise(item: &Item) -> Result<Attributes, serde_dynamo::Error> {
            match item { $(Item::$kind(record) => to_item(&**record),)* }
        }
    };
}

records! {
    Organisation(Organisation),
    Mailbox(MailboxMeta),
    Settings(Settings),
    Targets(Targets),
    Sync(SyncState),
    Watch(WatchState),
    Grant(GrantRecord),
    Units(Units),
    Park(Parked),
    Resume(Resume),
    AddressOwner(AddressOwner),
    Head(Head),
    Correspondent(Correspondent),
    Mail(StoredMail),
    Turn(Turn),
    Action(Action),
    Trace(Trace),
    Notice(Notice),
    Seen(Seen),
    OAuthState(OAuthState),
    Session(Session),
    Example(Example),
    KnowledgeHead(KnowledgeHead),
    Document(Document),
    Gap(Gap),
    GapQuestion(GapQuestion),
}

/// As it is stored with version `ver`.
pub(super) fn encode(item: &Item, ver: u64) -> Result<Attributes, StoreError> {
    let item_key = item.key();
    let (pk, sk) = key::encode(&item_key);
    // Serde's message could quote a value.
    let mut attributes = serialise(item).map_err(|_| broken(&sk, "cannot be written as attributes"))?;
    drop_nulls(&mut attributes);
    if attributes.contains_key("due_at") {
        let shard = key::due_partition(key::due_shard(&pk, &sk));
        attributes.insert("due_pk".to_owned(), AttributeValue::S(shard));
    }
    if let Some(at) = expires_at(&attributes) {
        attributes.insert("ttl".to_owned(), ttl(at));
    }
    for (name, value) in index_keys(item) {
        attributes.insert(name.to_owned(), AttributeValue::S(value));
    }
    attributes.insert("pk".to_owned(), AttributeValue::S(pk));
    attributes.insert("sk".to_owned(), AttributeValue::S(sk));
    attributes.insert("ver".to_owned(), number(ver));
    attributes.insert("fmt".to_owned(), number(FORMAT));
    Ok(attributes)
}

/// Seconds, rounded up: never deleted before it has expired.
pub(super) fn ttl(at: Timestamp) -> AttributeValue {
    let seconds = at.as_secs();
    number(if Timestamp::from_secs(seconds) < at { seconds.saturating_add(1) } else { seconds })
}

fn index_keys(item: &Item) -> Vec<(&'static str, String)> {
    match item {
        Item::Mailbox(meta) => vec![("list_pk", MAILBOXES.to_owned()), ("list_sk", meta.address.canonical())],
        Item::Head(head) => {
            let updated = key::padded(head.updated_at);
            let mut keys =
                vec![("list_pk", head.mailbox.to_string()), ("list_sk", format!("{updated}#{}", head.thread))];
            if head.state.waits_for_someone() {
                keys.push(("wait_pk", head.state.code().to_owned()));
                keys.push(("wait_sk", format!("{updated}#{}#{}", head.mailbox, head.thread)));
            }
            keys
        }
        Item::Correspondent(correspondent) => vec![("corr_pk", correspondent.address_hash.clone())],
        _ => vec![],
    }
}

fn drop_nulls(attributes: &mut Attributes) {
    attributes.retain(|_, value| !value.is_null());
    attributes.values_mut().for_each(drop_inner_nulls);
}

fn drop_inner_nulls(value: &mut AttributeValue) {
    match value {
        AttributeValue::M(map) => drop_nulls(map),
        AttributeValue::L(list) => list.iter_mut().for_each(drop_inner_nulls),
        _ => {}
    }
}

/// Whether the item still counts at `now`.
pub(super) fn live(attributes: &Attributes, now: Timestamp) -> bool {
    expires_at(attributes).is_none_or(|at| at > now)
}

fn expires_at(attributes: &Attributes) -> Option<Timestamp> {
    integer(attributes, "expires_at").map(Timestamp::from_millis)
}

pub(super) fn integer<T: std::str::FromStr>(attributes: &Attributes, name: &str) -> Option<T> {
    attributes.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name)?.as_s().ok().map(String::as_str)
}

/// The record in `attributes`, with its version.
pub(super) fn decode<T: Record>(attributes: Attributes) -> Result<T, StoreError> {
    let sk = text(&attributes, "sk").unwrap_or("without a sort key").to_owned();
    match integer::<u64>(&attributes, "fmt") {
        Some(1..=FORMAT) => {}
        Some(format) => {
            let text =
                format!("has item format {format}, and this release reads up to {FORMAT}: deploy a newer release");
            return Err(broken(&sk, &text));
        }
        None => return Err(broken(&sk, "has no item format: it was not written by this program")),
    }
    let ver = integer(&attributes, "ver").ok_or_else(|| broken(&sk, "has no version"))?;
    // Serde's message could quote a value; the kind of the item and the table are enough to look at it.
    let mut record: T = from_item(attributes)
        .map_err(|_| broken(&sk, "does not have the fields of its kind: compare it with the record's definition"))?;
    record.set_ver(ver);
    Ok(record)
}

/// Names the kind of the item only: the rest of a sort key is an id.
fn broken(sk: &str, what: &str) -> StoreError {
    let kind = sk.split_once('#').map_or(sk, |(kind, _)| kind);
    let known = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_uppercase());
    StoreError::Broken(format!("an item of kind {} {what}", if known { kind } else { "unknown" }))
}

/// The time that a padded sort key begins with.
pub(super) fn millis_of(sort: &str) -> Option<Timestamp> {
    sort.split('#').next()?.parse().ok().map(Timestamp::from_millis)
}

/// `:now` as conditions compare it.
pub(super) fn now_value(now: Timestamp) -> (String, AttributeValue) {
    (":now".to_owned(), millis(now))
}
