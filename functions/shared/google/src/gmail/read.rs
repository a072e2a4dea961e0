//! Google's resources into ours. What lacks a field that it must have is an answer that cannot be read.

use crate::sort::Failure;
use channel::address::EmailAddress;
use channel::ids::{DraftId, HistoryId, LabelId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::DraftRef;
use channel::time::Timestamp;
use google_gmail1::api;

const UNREADABLE: Failure = Failure::Lost("an answer that lacks a field");

fn required<T, U>(value: Option<T>, parse: impl FnOnce(T) -> Option<U>) -> Result<U, Failure> {
    value.and_then(parse).ok_or(UNREADABLE)
}

macro_rules! id {
    ($kind:ident, $value:expr) => {
        required($value, |text| $kind::parse(text).ok())
    };
}

/// A label id of a form that is not known here cannot be watched or set; it must not keep a whole page from being read.
fn labels(ids: Option<Vec<String>>) -> Vec<LabelId> {
    ids.unwrap_or_default().into_iter().filter_map(|label| LabelId::parse(label).ok()).collect()
}

pub(super) fn profile(profile: api::Profile) -> Result<Profile, Failure> {
    Ok(Profile {
        address: required(profile.email_address, |text| EmailAddress::parse(&text).ok())?,
        history_id: required(profile.history_id, |id| Some(HistoryId(id)))?,
    })
}

pub(super) fn expiration(watch: &api::WatchResponse) -> Result<Timestamp, Failure> {
    required(watch.expiration, |millis| Some(Timestamp::from_millis(millis)))
}

pub(super) fn history_page(list: api::ListHistoryResponse) -> Result<HistoryPage, Failure> {
    Ok(HistoryPage {
        records: list.history.unwrap_or_default().into_iter().map(history_record).collect::<Result<_, _>>()?,
        next_page: list.next_page_token,
        history_id: required(list.history_id, |id| Some(HistoryId(id)))?,
    })
}

/// `messages` is left out: it repeats what the typed lists say.
fn history_record(record: api::History) -> Result<HistoryRecord, Failure> {
    let mut changes = Vec::new();
    for added in record.messages_added.unwrap_or_default() {
        changes.push(change(HistoryKind::MessageAdded, added.message)?);
    }
    for deleted in record.messages_deleted.unwrap_or_default() {
        changes.push(change(HistoryKind::MessageDeleted, deleted.message)?);
    }
    for added in record.labels_added.unwrap_or_default() {
        changes.push(change(HistoryKind::LabelsAdded(labels(added.label_ids)), added.message)?);
    }
    for removed in record.labels_removed.unwrap_or_default() {
        changes.push(change(HistoryKind::LabelsRemoved(labels(removed.label_ids)), removed.message)?);
    }
    Ok(HistoryRecord { id: required(record.id, |id| Some(HistoryId(id)))?, changes })
}

fn change(kind: HistoryKind, message: Option<api::Message>) -> Result<HistoryChange, Failure> {
    let message = message.ok_or(UNREADABLE)?;
    Ok(HistoryChange {
        kind,
        message: id!(MessageId, message.id)?,
        thread: id!(ThreadId, message.thread_id)?,
        labels: labels(message.label_ids),
    })
}

pub(super) fn message_list(list: api::ListMessagesResponse) -> Result<MessageList, Failure> {
    let pair = |message: api::Message| Ok((id!(MessageId, message.id)?, id!(ThreadId, message.thread_id)?));
    Ok(MessageList {
        messages: list.messages.unwrap_or_default().into_iter().map(pair).collect::<Result<_, Failure>>()?,
        next_page: list.next_page_token,
    })
}

pub(super) fn headers(message: api::Message) -> Result<MessageHeaders, Failure> {
    let listed = message.payload.and_then(|payload| payload.headers).unwrap_or_default();
    let headers = listed.into_iter().filter_map(|header| Some((header.name?, header.value.unwrap_or_default())));
    Ok(MessageHeaders {
        message: id!(MessageId, message.id)?,
        thread: id!(ThreadId, message.thread_id)?,
        labels: labels(message.label_ids),
        internal_date: required(message.internal_date, |millis| Some(Timestamp::from_millis(millis)))?,
        size: message.size_estimate.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        headers: headers.collect(),
    })
}

pub(super) fn thread(thread: api::Thread) -> Result<Vec<MessageHeaders>, Failure> {
    thread.messages.unwrap_or_default().into_iter().map(headers).collect()
}

pub(super) fn raw(message: api::Message) -> Result<Vec<u8>, Failure> {
    message.raw.ok_or(UNREADABLE)
}

/// Labels of a form that is not known here are left out, as above.
pub(super) fn label_list(list: api::ListLabelsResponse) -> Vec<GmailLabel> {
    let label = |label: api::Label| {
        let system = label.type_.as_deref() == Some("system");
        Some(GmailLabel { id: LabelId::parse(label.id?).ok()?, name: label.name?, system })
    };
    list.labels.unwrap_or_default().into_iter().filter_map(label).collect()
}

pub(super) fn draft(draft: api::Draft) -> Result<DraftRef, Failure> {
    let message = draft.message.ok_or(UNREADABLE)?;
    Ok(DraftRef { draft: id!(DraftId, draft.id)?, message: id!(MessageId, message.id)? })
}

pub(super) fn draft_raw(mut resource: api::Draft) -> Result<(DraftRef, Vec<u8>), Failure> {
    let bytes = resource.message.as_mut().and_then(|message| message.raw.take()).ok_or(UNREADABLE)?;
    Ok((draft(resource)?, bytes))
}

/// Whether the draft's message is in `thread`.
pub(super) fn is_in(draft: &api::Draft, thread: &ThreadId) -> bool {
    draft.message.as_ref().and_then(|message| message.thread_id.as_deref()) == Some(thread.as_str())
}

pub(super) fn sent(message: api::Message) -> Result<MessageId, Failure> {
    id!(MessageId, message.id)
}
