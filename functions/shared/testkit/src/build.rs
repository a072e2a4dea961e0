//! Ids and records to begin a test with. Each is plain and valid; a test changes the fields it is about.

use crate::FakeGists;
use channel::address::{EmailAddress, Mailbox};
use channel::assistant::{Author, Personality};
use channel::ids::{DocumentId, ExampleId, GapId, GrantId, HistoryId, MailboxId, MessageId, StepName, ThreadId};
use channel::mail::{Authentication, MailHeaders, OutgoingReply, ReadMail};
use channel::ports::{Gist, Gists};
use channel::record::*;
use channel::time::Timestamp;
use std::time::Duration;

/// How long content of these records is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

macro_rules! ids {
    ($($name:ident: $id:ty;)*) => { $(
        /// # Panics
        /// When the text is no such id.
        pub fn $name(text: &str) -> $id {
            <$id>::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
        }
    )* };
}

ids! {
    mailbox_id: MailboxId;
    grant_id: GrantId;
    thread_id: ThreadId;
    message_id: MessageId;
    step_name: StepName;
    document_id: DocumentId;
    gap_id: GapId;
}

/// # Panics
/// When the text is no address.
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

pub fn person(name: &str, at: &str) -> Mailbox {
    Mailbox { name: Some(name.to_owned()), email: address(at) }
}

pub fn mailbox_meta(id: &str, now: Timestamp) -> MailboxMeta {
    let own = address(&format!("{id}@example.com"));
    MailboxMeta {
        ver: 0,
        mailbox: mailbox_id(id),
        address_hash: format!("hash-of-{id}"),
        address: own,
        grant: Some(grant_id("grant-1")),
        problem: None,
        connected_at: now,
        history_days: 0,
        last_mail_at: None,
    }
}

/// A connected mailbox that writes drafts.
pub fn mailbox_view(id: &str, now: Timestamp) -> MailboxView {
    let settings = Settings::initial(mailbox_id(id));
    MailboxView { meta: mailbox_meta(id, now), settings, organisation: Organisation::default() }
}

pub fn grant_record(mailbox: &str, grant: &str, now: Timestamp) -> GrantRecord {
    GrantRecord {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        grant: grant_id(grant),
        state: GrantState::Current,
        created_at: now,
        access_expires_at: Some(now.plus(Duration::from_secs(3600))),
        refresh_expires_at: None,
        due_at: None,
    }
}

pub fn sync_state(mailbox: &str, cursor: u64, now: Timestamp) -> SyncState {
    SyncState {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        cursor: HistoryId(cursor),
        cursor_at: now,
        relist: 0,
        relist_until: None,
        unconfirmed: None,
        resync: None,
        lease: None,
        last_sync_at: None,
        last_push_at: None,
        push_missed_at: None,
        swept_at: None,
        recovered: 0,
        due_at: None,
    }
}

pub fn head(mailbox: &str, thread: &str, now: Timestamp) -> Head {
    Head {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        title: "A question about an order".to_owned(),
        customer: person("Ada", "ada@example.net"),
        answered_by: address(&format!("{mailbox}@example.com")),
        state: ConversationState::Working,
        state_reason: None,
        unread: true,
        updated_at: now,
        taken_over: None,
        last_turn: 0,
        mails: 0,
        lease: None,
        expires_at: now.plus(KEPT),
    }
}

/// A mail as it was read, from a customer whose domain vouches for them.
pub fn read_mail(subject: &str, text: &str) -> ReadMail {
    let headers = MailHeaders {
        from: vec![person("Ada", "ada@example.net")],
        to: vec![person("Support", "support@example.com")],
        subject: subject.to_owned(),
        message_id: Some("<1@example.net>".to_owned()),
        authentication: Authentication::Pass,
        ..MailHeaders::default()
    };
    ReadMail { headers, text: text.to_owned(), ..ReadMail::default() }
}

/// A customer's mail of `thread`, as it is stored.
pub fn mail(mailbox: &str, thread: &str, message: &str, at: Timestamp) -> StoredMail {
    let read = read_mail("A question about an order", "Where is my order 1234?");
    StoredMail {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        message: message_id(message),
        internal_date: at,
        author: Author::Customer,
        headers: read.headers,
        text: read.text,
        truncated: false,
        attachments: vec![],
        obstacles: vec![],
        labels: vec![],
        turn: None,
        expires_at: at.plus(KEPT),
    }
}

/// An open turn without mails, due now.
pub fn turn(mailbox: &str, thread: &str, no: u32, now: Timestamp) -> Turn {
    Turn {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        no,
        rev: 1,
        state: TurnState::Open,
        reason: None,
        opened_at: now,
        settle_until: now,
        mails: vec![],
        slot: None,
        flow: "standard@1".to_owned(),
        gap: None,
        due_at: Some(now),
        expires_at: now.plus(KEPT),
    }
}

pub fn reply(mailbox: &str) -> OutgoingReply {
    OutgoingReply {
        from: Mailbox { name: None, email: address(&format!("{mailbox}@example.com")) },
        to: vec![person("Ada", "ada@example.net")],
        cc: vec![],
        subject: "Re: A question about an order".to_owned(),
        text: "It is on its way.".to_owned(),
        in_reply_to: Some("<1@example.net>".to_owned()),
        references: vec!["<1@example.net>".to_owned()],
        marker: "marker-1".to_owned(),
        machine_sent: false,
    }
}

/// A draft that is planned for revision 1 of `turn`.
pub fn action(mailbox: &str, thread: &str, turn: u32, step: &str, now: Timestamp) -> Action {
    Action {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        turn,
        step: step_name(step),
        rev: 1,
        kind: ActionKind::Draft,
        state: ActionState::Planned,
        reply: reply(mailbox),
        draft: None,
        due_at: Some(now),
        not_before: None,
        budget_taken: false,
        by: None,
        updated_at: now,
        expires_at: now.plus(KEPT),
    }
}

pub fn trace(mailbox: &str, thread: &str, turn: u32, now: Timestamp) -> Trace {
    Trace {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        turn,
        rev: 1,
        entries: vec![TraceEntry { at: now, step: "mode".to_owned(), said: "Answers become drafts.".to_owned() }],
        sources: vec![],
        confidence: Some(0.9),
        usage: None,
        expires_at: now.plus(KEPT),
    }
}

pub fn correspondent(mailbox: &str, thread: &str, address_hash: &str, now: Timestamp) -> Correspondent {
    Correspondent {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        address_hash: address_hash.to_owned(),
        expires_at: now.plus(KEPT),
    }
}

pub fn seen(mailbox: &str, message: &str, state: SeenState, now: Timestamp) -> Seen {
    Seen {
        ver: 0,
        mailbox: mailbox_id(mailbox),
        message: message_id(message),
        state,
        at: now,
        expires_at: now.plus(Duration::from_secs(120 * 24 * 3600)),
    }
}

pub fn parked(mailbox: &str, work: ParkedWork, now: Timestamp) -> Parked {
    Parked { ver: 0, mailbox: mailbox_id(mailbox), work, reason: "paused".to_owned(), parked_at: now, due_at: None }
}

pub fn session(hash: &str, now: Timestamp) -> Session {
    Session {
        ver: 0,
        session_hash: hash.to_owned(),
        operator: address("operator@example.com"),
        time_zone: None,
        expires_at: now.plus(Duration::from_secs(3600)),
    }
}

pub fn example(id: &str, state: ExampleState, now: Timestamp) -> Example {
    Example {
        ver: 0,
        id: ExampleId::parse(id).expect("a valid id"),
        operator: address("operator@example.com"),
        mailbox: Some(mailbox_id("mb")),
        subject: "Delivery".to_owned(),
        text: "How long does delivery take?".to_owned(),
        personality: Personality::default(),
        asked_at: now,
        state,
        expires_at: now.plus(Duration::from_secs(3600)),
    }
}

pub fn oauth_state(hash: &str, purpose: OAuthPurpose, now: Timestamp) -> OAuthState {
    OAuthState {
        ver: 0,
        state_hash: hash.to_owned(),
        purpose,
        pkce_verifier: "verifier".to_owned(),
        nonce: None,
        browser_hash: "browser".to_owned(),
        expires_at: now.plus(Duration::from_secs(600)),
    }
}

/// A page in Markdown that has been read and is in the first snapshot.
pub fn document(id: &str, now: Timestamp) -> Document {
    let edition = Edition {
        version: 1,
        file_name: format!("{id}.md"),
        media_type: "text/markdown".to_owned(),
        file: format!("kb/{id}/1.original"),
        size: 100,
        at: now,
        by: Some(address("operator@example.com")),
    };
    let text = StoredText {
        edition: edition.clone(),
        characters: 100,
        passages: 2,
        languages: [("en".to_owned(), 2)].into(),
        truncated: false,
        change: 1,
        read_at: now,
    };
    Document {
        ver: 0,
        id: document_id(id),
        kind: DocumentKind::File,
        title: id.to_owned(),
        newest: edition,
        reading: Reading::Done,
        text: Some(text),
        added_at: now,
        due_at: None,
    }
}

pub fn gap(id: &str, now: Timestamp) -> Gap {
    Gap {
        ver: 0,
        gap: gap_id(id),
        state: GapState::Open,
        opened_at: now,
        due_at: None,
        expires_at: now.plus(KEPT + KEPT),
    }
}

/// Compared by its words.
pub fn gap_question(gap: &str, mailbox: &str, thread: &str, text: &str, now: Timestamp) -> GapQuestion {
    let Gist { language, terms } = FakeGists.gist(text);
    GapQuestion {
        ver: 0,
        gap: gap_id(gap),
        mailbox: mailbox_id(mailbox),
        thread: thread_id(thread),
        turn: 1,
        text: text.to_owned(),
        language,
        terms,
        asked_at: now,
        expires_at: now.plus(KEPT),
    }
}

pub fn cap(mailbox: &str, subject: &str, limit: u32, now: Timestamp) -> CapUse {
    let subject = subject.to_owned();
    let key = CapKey { mailbox: mailbox_id(mailbox), scope: "sender", subject, window: "d20779".to_owned() };
    CapUse { key, limit, expires_at: now.plus(Duration::from_secs(2 * 24 * 3600)) }
}
