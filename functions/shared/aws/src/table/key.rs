//! Table keys. Ids hold no `#`, so that a key is parsed back unambiguously.
//!
//! Numbers in sort keys are padded, since they are compared as text.

use super::Attributes;
use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;
use channel::ids::{DocumentId, ExampleId, GapId, GrantId, MailboxId, MessageId, StepName, ThreadId};
use channel::record::{CapKey, ItemKey, ParkedWork};
use channel::time::Timestamp;
use std::collections::HashMap;

/// Partitions of the due index, so that one minute's work is not one partition's.
pub(super) const DUE_SHARDS: u8 = 4;

pub(super) const ORGANISATION: &str = "ORG";
/// Beginnings of sort keys of the organisation.
pub(super) const DOCUMENTS: &str = "KB#";
pub(super) const GAPS: &str = "GAP#";
pub(super) const GAP_QUESTIONS: &str = "GAPQ#";

pub(super) fn mailbox_partition(mailbox: &MailboxId) -> String {
    format!("MB#{mailbox}")
}

pub(super) fn conversation_partition(mailbox: &MailboxId, thread: &ThreadId) -> String {
    format!("CV#{mailbox}#{thread}")
}

/// Partition and sort key.
pub(super) fn encode(key: &ItemKey) -> (String, String) {
    let of_organisation = |sort: String| (ORGANISATION.to_owned(), sort);
    let of_mailbox = |mailbox: &MailboxId, sort: String| (mailbox_partition(mailbox), sort);
    let of_thread =
        |mailbox: &MailboxId, thread: &ThreadId, sort: String| (conversation_partition(mailbox, thread), sort);
    match key {
        ItemKey::Organisation => of_organisation("SETTINGS".to_owned()),
        ItemKey::Mailbox(mailbox) => of_mailbox(mailbox, "META".to_owned()),
        ItemKey::Settings(mailbox) => of_mailbox(mailbox, "SETTINGS".to_owned()),
        ItemKey::Targets(mailbox) => of_mailbox(mailbox, "TARGETS".to_owned()),
        ItemKey::Sync(mailbox) => of_mailbox(mailbox, "SYNC".to_owned()),
        ItemKey::Watch(mailbox) => of_mailbox(mailbox, "WATCH".to_owned()),
        ItemKey::Grant(mailbox, grant) => of_mailbox(mailbox, format!("GRANT#{grant}")),
        ItemKey::Units(mailbox) => of_mailbox(mailbox, "UNITS".to_owned()),
        ItemKey::Park(mailbox, work) => of_mailbox(mailbox, format!("PARK#{}", work.sort_key())),
        ItemKey::Resume(mailbox) => of_mailbox(mailbox, "RESUME".to_owned()),
        ItemKey::AddressOwner(hash) => (format!("ADDR#{hash}"), "MB".to_owned()),
        ItemKey::Head(mailbox, thread) => of_thread(mailbox, thread, "HEAD".to_owned()),
        ItemKey::Correspondent(mailbox, thread, hash) => of_thread(mailbox, thread, format!("CORR#{hash}")),
        ItemKey::Mail(mailbox, thread, date, message) => {
            of_thread(mailbox, thread, format!("MSG#{}#{message}", padded(*date)))
        }
        ItemKey::Turn(mailbox, thread, turn) => of_thread(mailbox, thread, format!("TURN#{turn:010}")),
        ItemKey::Action(mailbox, thread, turn, step) => of_thread(mailbox, thread, format!("ACT#{turn:010}#{step}")),
        ItemKey::Trace(mailbox, thread, turn) => of_thread(mailbox, thread, format!("TRACE#{turn:010}")),
        ItemKey::Notice(mailbox, thread, turn) => of_thread(mailbox, thread, format!("NOTE#{turn:010}")),
        ItemKey::Seen(mailbox, message) => {
            (format!("SEEN#{mailbox}#{}", spread(message.as_str())), message.to_string())
        }
        ItemKey::Cap(CapKey { mailbox, scope, subject, window }) => {
            (format!("CAP#{mailbox}"), format!("{scope}#{subject}#{window}"))
        }
        ItemKey::OAuthState(hash) => (format!("OAUTH#{hash}"), "STATE".to_owned()),
        ItemKey::Session(hash) => (format!("SESSION#{hash}"), "STATE".to_owned()),
        ItemKey::Example(example) => (format!("EXAMPLE#{example}"), "STATE".to_owned()),
        ItemKey::KnowledgeHead => of_organisation("KBHEAD".to_owned()),
        ItemKey::Document(document) => of_organisation(format!("{DOCUMENTS}{document}")),
        ItemKey::Gap(gap) => of_organisation(format!("{GAPS}{gap}")),
        ItemKey::GapQuestion(mailbox, thread, turn) => {
            of_organisation(format!("{GAP_QUESTIONS}{mailbox}#{thread}#{turn:010}"))
        }
    }
}

pub(super) fn primary(key: &ItemKey) -> Attributes {
    let (pk, sk) = encode(key);
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}

/// What [`encode`] wrote; none for a key of another release. Counters are not parsed: nothing about them is ever due.
pub(super) fn decode(pk: &str, sk: &str) -> Option<ItemKey> {
    let (kind, rest) = pk.split_once('#').unwrap_or((pk, ""));
    match kind {
        ORGANISATION => of_organisation(sk),
        "MB" => of_mailbox(MailboxId::parse(rest).ok()?, sk),
        "CV" => {
            let (mailbox, thread) = rest.split_once('#')?;
            of_thread(MailboxId::parse(mailbox).ok()?, ThreadId::parse(thread).ok()?, sk)
        }
        "ADDR" => (sk == "MB").then(|| ItemKey::AddressOwner(rest.to_owned())),
        "OAUTH" => (sk == "STATE").then(|| ItemKey::OAuthState(rest.to_owned())),
        "SESSION" => (sk == "STATE").then(|| ItemKey::Session(rest.to_owned())),
        "EXAMPLE" => (sk == "STATE").then(|| ExampleId::parse(rest).ok().map(ItemKey::Example)).flatten(),
        "SEEN" => {
            let (mailbox, _spread) = rest.split_once('#')?;
            Some(ItemKey::Seen(MailboxId::parse(mailbox).ok()?, MessageId::parse(sk).ok()?))
        }
        _ => None,
    }
}

fn of_organisation(sk: &str) -> Option<ItemKey> {
    match sk.split_once('#') {
        None => match sk {
            "SETTINGS" => Some(ItemKey::Organisation),
            "KBHEAD" => Some(ItemKey::KnowledgeHead),
            _ => None,
        },
        Some(("KB", document)) => Some(ItemKey::Document(DocumentId::parse(document).ok()?)),
        Some(("GAP", gap)) => Some(ItemKey::Gap(GapId::parse(gap).ok()?)),
        Some(("GAPQ", rest)) => {
            let mut parts = rest.split('#');
            let (mailbox, thread, turn) = (parts.next()?, parts.next()?, parts.next()?);
            let (mailbox, thread) = (MailboxId::parse(mailbox).ok()?, ThreadId::parse(thread).ok()?);
            Some(ItemKey::GapQuestion(mailbox, thread, turn.parse().ok()?))
        }
        Some(_) => None,
    }
}

fn of_mailbox(mailbox: MailboxId, sk: &str) -> Option<ItemKey> {
    match sk.split_once('#') {
        None => match sk {
            "META" => Some(ItemKey::Mailbox(mailbox)),
            "SETTINGS" => Some(ItemKey::Settings(mailbox)),
            "TARGETS" => Some(ItemKey::Targets(mailbox)),
            "SYNC" => Some(ItemKey::Sync(mailbox)),
            "WATCH" => Some(ItemKey::Watch(mailbox)),
            "UNITS" => Some(ItemKey::Units(mailbox)),
            "RESUME" => Some(ItemKey::Resume(mailbox)),
            _ => None,
        },
        Some(("GRANT", grant)) => Some(ItemKey::Grant(mailbox, GrantId::parse(grant).ok()?)),
        Some(("PARK", work)) => Some(ItemKey::Park(mailbox, parked(work)?)),
        Some(_) => None,
    }
}

fn parked(work: &str) -> Option<ParkedWork> {
    match work.split_once('#')? {
        ("mail", message) => Some(ParkedWork::Mail { message: MessageId::parse(message).ok()? }),
        ("turn", rest) => {
            let (thread, turn) = rest.split_once('#')?;
            Some(ParkedWork::Turn { thread: ThreadId::parse(thread).ok()?, turn: turn.parse().ok()? })
        }
        _ => None,
    }
}

fn of_thread(mailbox: MailboxId, thread: ThreadId, sk: &str) -> Option<ItemKey> {
    match sk.split_once('#') {
        None => (sk == "HEAD").then_some(ItemKey::Head(mailbox, thread)),
        Some(("CORR", hash)) => Some(ItemKey::Correspondent(mailbox, thread, hash.to_owned())),
        Some(("MSG", rest)) => {
            let (date, message) = rest.split_once('#')?;
            let date = Timestamp::from_millis(date.parse().ok()?);
            Some(ItemKey::Mail(mailbox, thread, date, MessageId::parse(message).ok()?))
        }
        Some(("TURN", turn)) => Some(ItemKey::Turn(mailbox, thread, turn.parse().ok()?)),
        Some(("TRACE", turn)) => Some(ItemKey::Trace(mailbox, thread, turn.parse().ok()?)),
        Some(("NOTE", turn)) => Some(ItemKey::Notice(mailbox, thread, turn.parse().ok()?)),
        Some(("ACT", rest)) => {
            let (turn, step) = rest.split_once('#')?;
            Some(ItemKey::Action(mailbox, thread, turn.parse().ok()?, StepName::parse(step).ok()?))
        }
        Some(_) => None,
    }
}

/// Wide enough for every time from 1970 on.
pub(super) fn padded(at: Timestamp) -> String {
    format!("{:019}", at.as_millis())
}

/// The first two hex digits of a SHA-256: 256 partitions.
fn spread(text: &str) -> String {
    format!("{:02x}", first_byte(text))
}

pub(super) fn due_partition(shard: u8) -> String {
    format!("DUE#{shard}")
}

pub(super) fn due_shard(pk: &str, sk: &str) -> u8 {
    first_byte(&format!("{pk}|{sk}")) % DUE_SHARDS
}

fn first_byte(text: &str) -> u8 {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<ItemKey> {
        let mailbox = MailboxId::parse("mb_1").unwrap();
        let thread = ThreadId::parse("18f@(2):+x").unwrap();
        let message = MessageId::parse("18fe").unwrap();
        let step = StepName::parse("person:form-1").unwrap();
        let (mb, th) = (|| mailbox.clone(), || thread.clone());
        vec![
            ItemKey::Organisation,
            ItemKey::Mailbox(mb()),
            ItemKey::Settings(mb()),
            ItemKey::Targets(mb()),
            ItemKey::Sync(mb()),
            ItemKey::Watch(mb()),
            ItemKey::Grant(mb(), GrantId::parse("g1").unwrap()),
            ItemKey::Units(mb()),
            ItemKey::Park(mb(), ParkedWork::Mail { message: message.clone() }),
            ItemKey::Park(mb(), ParkedWork::Turn { thread: th(), turn: 7 }),
            ItemKey::Resume(mb()),
            ItemKey::AddressOwner("ab12".to_owned()),
            ItemKey::Head(mb(), th()),
            ItemKey::Correspondent(mb(), th(), "ab12".to_owned()),
            ItemKey::Mail(mb(), th(), Timestamp::from_millis(1_790_000_000_123), message.clone()),
            ItemKey::Mail(mb(), th(), Timestamp::from_millis(-5), message.clone()),
            ItemKey::Turn(mb(), th(), u32::MAX),
            ItemKey::Action(mb(), th(), 3, step),
            ItemKey::Trace(mb(), th(), 3),
            ItemKey::Notice(mb(), th(), 3),
            ItemKey::Seen(mb(), message),
            ItemKey::OAuthState("cd".to_owned()),
            ItemKey::Session("ef".to_owned()),
            ItemKey::Example(ExampleId::parse("ex1").unwrap()),
            ItemKey::KnowledgeHead,
            ItemKey::Document(DocumentId::parse("returns.en").unwrap()),
            ItemKey::Gap(GapId::parse("ab12").unwrap()),
            ItemKey::GapQuestion(mb(), th(), 3),
        ]
    }

    #[test]
    fn every_key_is_parsed_back() {
        for key in keys() {
            let (pk, sk) = encode(&key);
            assert_eq!(decode(&pk, &sk), Some(key), "{pk} {sk}");
        }
    }

    #[test]
    fn a_key_of_another_release_is_none_of_ours() {
        for (pk, sk) in [("MB#mb", "LATER"), ("CV#mb#t", "NEW#1"), ("CV#mb", "HEAD"), ("DAY#mb#1", "sent"), ("", "")] {
            assert_eq!(decode(pk, sk), None, "{pk} {sk}");
        }
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let mailbox = MailboxId::parse("m").unwrap();
        let thread = ThreadId::parse("t").unwrap();
        let turn = |no| encode(&ItemKey::Turn(mailbox.clone(), thread.clone(), no)).1;
        assert!(turn(2) < turn(10) && turn(10) < turn(u32::MAX));
        assert!(padded(Timestamp::from_millis(999)) < padded(Timestamp::from_millis(1_790_000_000_000)));
        assert!(padded(Timestamp::from_secs(1)) < padded(Timestamp::from_millis(i64::MAX)));
    }

    #[test]
    fn a_seen_id_lives_where_its_hash_says() {
        let key = ItemKey::Seen(MailboxId::parse("m").unwrap(), MessageId::parse("abc").unwrap());
        // SHA-256("abc") begins with ba (FIPS 180-2, appendix B.1).
        assert_eq!(encode(&key), ("SEEN#m#ba".to_owned(), "abc".to_owned()));
    }
}
