//! Which item is meant, and what one commit writes.

use crate::ids::{DocumentId, ExampleId, GapId, GrantId, MailboxId, MessageId, StepName, ThreadId};
use crate::record::*;
use crate::time::Timestamp;

/// The identity of an item; the store maps it to a table key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    Organisation,
    Mailbox(MailboxId),
    Settings(MailboxId),
    Targets(MailboxId),
    Sync(MailboxId),
    Watch(MailboxId),
    Grant(MailboxId, GrantId),
    Units(MailboxId),
    Park(MailboxId, ParkedWork),
    Resume(MailboxId),
    AddressOwner(String),
    Head(MailboxId, ThreadId),
    Correspondent(MailboxId, ThreadId, String),
    Mail(MailboxId, ThreadId, Timestamp, MessageId),
    Turn(MailboxId, ThreadId, u32),
    Action(MailboxId, ThreadId, u32, StepName),
    Trace(MailboxId, ThreadId, u32),
    Notice(MailboxId, ThreadId, u32),
    Seen(MailboxId, MessageId),
    Cap(CapKey),
    OAuthState(String),
    Session(String),
    Example(ExampleId),
    KnowledgeHead,
    Document(DocumentId),
    Gap(GapId),
    GapQuestion(MailboxId, ThreadId, u32),
}

/// A counter of answers, in the window that its name tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapKey {
    pub mailbox: MailboxId,
    /// `thread`, `sender`, `domain` or `mailbox` for answers, `cost` for what models cost,
    /// `example` for questions without an effect.
    pub scope: &'static str,
    /// A thread id or a pseudonym; empty for the mailbox itself.
    pub subject: String,
    /// `2026-11-22` or `2026-11-22T16`, in UTC.
    pub window: String,
}

macro_rules! items {
    ($($name:ident($record:ty) => |$r:ident| $key:expr;)*) => {
        /// Any stored item.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Item { $($name(Box<$record>),)* }

        impl Item {
            pub fn key(&self) -> ItemKey {
                match self { $(Self::$name($r) => $key,)* }
            }

            /// The version that was read; 0 for an item that is new.
            pub fn ver(&self) -> u64 {
                match self { $(Self::$name(r) => r.ver,)* }
            }

            pub fn set_ver(&mut self, ver: u64) {
                match self { $(Self::$name(r) => r.ver = ver,)* }
            }
        }

        $(impl From<$record> for Item {
            fn from(record: $record) -> Self { Self::$name(Box::new(record)) }
        })*
    };
}

items! {
    Organisation(Organisation) => |_r| ItemKey::Organisation;
    Mailbox(MailboxMeta) => |r| ItemKey::Mailbox(r.mailbox.clone());
    Settings(Settings) => |r| ItemKey::Settings(r.mailbox.clone());
    Targets(Targets) => |r| ItemKey::Targets(r.mailbox.clone());
    Sync(SyncState) => |r| ItemKey::Sync(r.mailbox.clone());
    Watch(WatchState) => |r| ItemKey::Watch(r.mailbox.clone());
    Grant(GrantRecord) => |r| ItemKey::Grant(r.mailbox.clone(), r.grant.clone());
    Units(Units) => |r| ItemKey::Units(r.mailbox.clone());
    Park(Parked) => |r| ItemKey::Park(r.mailbox.clone(), r.work.clone());
    Resume(Resume) => |r| ItemKey::Resume(r.mailbox.clone());
    AddressOwner(AddressOwner) => |r| ItemKey::AddressOwner(r.address_hash.clone());
    Head(Head) => |r| ItemKey::Head(r.mailbox.clone(), r.thread.clone());
    Correspondent(Correspondent) => |r| ItemKey::Correspondent(r.mailbox.clone(), r.thread.clone(), r.address_hash.clone());
    Mail(StoredMail) => |r| ItemKey::Mail(r.mailbox.clone(), r.thread.clone(), r.internal_date, r.message.clone());
    Turn(Turn) => |r| ItemKey::Turn(r.mailbox.clone(), r.thread.clone(), r.no);
    Action(Action) => |r| ItemKey::Action(r.mailbox.clone(), r.thread.clone(), r.turn, r.step.clone());
    Trace(Trace) => |r| ItemKey::Trace(r.mailbox.clone(), r.thread.clone(), r.turn);
    Notice(Notice) => |r| ItemKey::Notice(r.mailbox.clone(), r.thread.clone(), r.turn);
    Seen(Seen) => |r| ItemKey::Seen(r.mailbox.clone(), r.message.clone());
    OAuthState(OAuthState) => |r| ItemKey::OAuthState(r.state_hash.clone());
    Session(Session) => |r| ItemKey::Session(r.session_hash.clone());
    Example(Example) => |r| ItemKey::Example(r.id.clone());
    KnowledgeHead(KnowledgeHead) => |_r| ItemKey::KnowledgeHead;
    Document(Document) => |r| ItemKey::Document(r.id.clone());
    Gap(Gap) => |r| ItemKey::Gap(r.gap.clone());
    GapQuestion(GapQuestion) => |r| ItemKey::GapQuestion(r.mailbox.clone(), r.thread.clone(), r.turn);
}

/// A counter that is raised by one in the commit, or refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapUse {
    pub key: CapKey,
    pub limit: u32,
    pub expires_at: Timestamp,
}

/// What is written together or not at all. One put alone costs a plain conditional write, anything more a transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Written when the stored version is still the item's `ver`; stored with `ver + 1`.
    pub puts: Vec<Item>,
    /// Not written, but must still have this version (0: must not exist).
    pub checks: Vec<(ItemKey, u64)>,
    /// Deleted when the stored version is still this one.
    pub deletes: Vec<(ItemKey, u64)>,
    pub caps: Vec<CapUse>,
}

impl Commit {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn put(mut self, item: impl Into<Item>) -> Self {
        self.puts.push(item.into());
        self
    }

    #[must_use]
    pub fn check(mut self, key: ItemKey, ver: u64) -> Self {
        self.checks.push((key, ver));
        self
    }

    #[must_use]
    pub fn delete(mut self, key: ItemKey, ver: u64) -> Self {
        self.deletes.push((key, ver));
        self
    }

    #[must_use]
    pub fn cap(mut self, cap: CapUse) -> Self {
        self.caps.push(cap);
        self
    }
}
