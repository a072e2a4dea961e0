//! Conversations, and the two indexes that list their heads.
//!
//! Invariant: a listing reads one index and no item; what a row shows is what the index projects.

use super::item::{decode, integer, live, millis_of, now_value, text};
use super::{Attributes, Query, Table, key};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channel::ids::{MailboxId, ThreadId};
use channel::ports::{Conversations, HeadPage, HeadRow, StoreError};
use channel::record::*;
use channel::time::Timestamp;
use serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value;
use std::collections::HashMap;

const NOT_EXPIRED: &str = "expires_at > :now";

/// One of the two indexes of heads; the keys of its attributes.
struct Listing {
    index: &'static str,
    partition: &'static str,
    sort: &'static str,
    condition: &'static str,
}

const LIST: Listing = Listing { index: "list", partition: "list_pk", sort: "list_sk", condition: "list_pk = :pk" };
const WAIT: Listing = Listing { index: "wait", partition: "wait_pk", sort: "wait_sk", condition: "wait_pk = :pk" };

#[async_trait]
impl Conversations for Table {
    async fn head(&self, mailbox: &MailboxId, thread: &ThreadId, now: Timestamp) -> Result<Option<Head>, StoreError> {
        self.one_at(ItemKey::Head(mailbox.clone(), thread.clone()), now).await
    }

    async fn conversation(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        now: Timestamp,
    ) -> Result<Option<Conversation>, StoreError> {
        let items = self.partition(key::conversation_partition(mailbox, thread), "", None).await?;
        assemble(items.into_iter().filter(|attributes| live(attributes, now)))
    }

    async fn list(
        &self,
        mailbox: &MailboxId,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError> {
        let start = page.map(|page| list_start(mailbox, page)).transpose()?;
        self.heads(&LIST, mailbox.to_string(), start, limit, now).await
    }

    async fn waiting(
        &self,
        state: ConversationState,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError> {
        let start = page.map(|page| wait_start(state, page)).transpose()?;
        self.heads(&WAIT, state.code().to_owned(), start, limit, now).await
    }
}

/// Sort keys of another release are left alone.
fn assemble(items: impl Iterator<Item = Attributes>) -> Result<Option<Conversation>, StoreError> {
    let mut head: Option<Head> = None;
    let (mut mails, mut turns, mut actions) = (Vec::<StoredMail>::new(), Vec::new(), Vec::new());
    let (mut traces, mut correspondents, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    for attributes in items {
        let kind = text(&attributes, "sk").map(|sk| sk.split_once('#').map_or(sk, |(kind, _)| kind).to_owned());
        match kind.as_deref() {
            Some("HEAD") => head = Some(decode(attributes)?),
            Some("MSG") => mails.push(decode(attributes)?),
            Some("TURN") => turns.push(decode(attributes)?),
            Some("ACT") => actions.push(decode(attributes)?),
            Some("TRACE") => traces.push(decode(attributes)?),
            Some("NOTE") => notices.push(decode(attributes)?),
            Some("CORR") => correspondents.push(decode(attributes)?),
            _ => {}
        }
    }
    mails.sort_by(|a, b| (a.internal_date, &a.message).cmp(&(b.internal_date, &b.message)));
    Ok(head.map(|head| Conversation { head, mails, turns, actions, traces, correspondents, notices }))
}

impl Table {
    /// One row more than is shown tells whether there is a next page.
    async fn heads(
        &self,
        listing: &Listing,
        partition: String,
        start: Option<Attributes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError> {
        let limit = limit.max(1);
        let values = HashMap::from([(":pk".to_owned(), AttributeValue::S(partition)), now_value(now)]);
        let mut items = self
            .query(Query {
                index: Some(listing.index),
                condition: listing.condition,
                filter: Some(NOT_EXPIRED),
                values,
                start,
                newest_first: true,
                limit: Some(limit.saturating_add(1)),
            })
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().and_then(|item| text(item, listing.sort)).map(|sort| URL_SAFE_NO_PAD.encode(sort));
        let rows = items.iter().map(|item| row(listing, item)).collect::<Result<_, _>>()?;
        Ok(HeadPage { rows, next: last.filter(|_| more) })
    }
}

fn row(listing: &Listing, item: &Attributes) -> Result<HeadRow, StoreError> {
    parse_row(listing, item).ok_or_else(|| {
        StoreError::Broken(format!(
            "a row of index {} lacks a field: compare its projection in template.yaml",
            listing.index
        ))
    })
}

fn parse_row(listing: &Listing, item: &Attributes) -> Option<HeadRow> {
    let Some(ItemKey::Head(mailbox, thread)) = key::decode(text(item, "pk")?, text(item, "sk")?) else { return None };
    // The waiting index does not project `updated_at`: its sort key begins with it.
    let updated_at = match integer(item, "updated_at") {
        Some(millis) => Timestamp::from_millis(millis),
        None => millis_of(text(item, listing.sort)?)?,
    };
    Some(HeadRow {
        mailbox,
        thread,
        title: text(item, "title")?.to_owned(),
        customer: from_attribute_value(item.get("customer")?.clone()).ok()?,
        state: from_attribute_value(item.get("state")?.clone()).ok()?,
        unread: *item.get("unread")?.as_bool().ok()?,
        updated_at,
    })
}

/// A page is the sort key of the last row before it; everything else of the start key follows from that and the
/// partition that is asked for, so that a forged page reads no other partition.
fn list_start(mailbox: &MailboxId, page: &str) -> Result<Attributes, StoreError> {
    let sort = sort_of(page)?;
    let thread = sort.split_once('#').and_then(|(_, thread)| ThreadId::parse(thread).ok()).ok_or_else(bad_page)?;
    Ok(start_key(&LIST, mailbox.to_string(), sort, ItemKey::Head(mailbox.clone(), thread)))
}

fn wait_start(state: ConversationState, page: &str) -> Result<Attributes, StoreError> {
    let sort = sort_of(page)?;
    let ids = sort.split_once('#').and_then(|(_, ids)| ids.split_once('#'));
    let (mailbox, thread) = ids
        .and_then(|(mailbox, thread)| Some((MailboxId::parse(mailbox).ok()?, ThreadId::parse(thread).ok()?)))
        .ok_or_else(bad_page)?;
    Ok(start_key(&WAIT, state.code().to_owned(), sort, ItemKey::Head(mailbox, thread)))
}

fn sort_of(page: &str) -> Result<String, StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(page).map_err(|_| bad_page())?;
    String::from_utf8(bytes).map_err(|_| bad_page())
}

fn start_key(listing: &Listing, partition: String, sort: String, head: ItemKey) -> Attributes {
    let mut start = key::primary(&head);
    start.insert(listing.partition.to_owned(), AttributeValue::S(partition));
    start.insert(listing.sort.to_owned(), AttributeValue::S(sort));
    start
}

fn bad_page() -> StoreError {
    StoreError::Broken("a page that was not given out: begin at the first".to_owned())
}
