//! The engines of a mailbox: its sync cursor, watch, grants, Gmail units and parked work.

use crate::ids::{GrantId, HistoryId, LabelId, LeaseToken, MailboxId, MessageId, ThreadId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A time-limited right to work on something. It is compared with the clock, never trusted to a TTL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub token: LeaseToken,
    pub until: Timestamp,
    /// What is being done, so that a lease which ran out can be told from one that was given back.
    pub purpose: String,
    /// How often this purpose was begun in a row without being finished.
    pub attempts: u32,
}

impl Lease {
    pub fn held(&self, now: Timestamp) -> bool {
        self.until > now
    }

    /// The lease that follows `former` for the same or another purpose.
    pub fn next(former: Option<&Lease>, token: LeaseToken, until: Timestamp, purpose: &str) -> Self {
        let attempts =
            former.filter(|lease| lease.purpose == purpose).map_or(1, |lease| lease.attempts.saturating_add(1));
        Self { token, until, purpose: purpose.to_owned(), attempts }
    }
}

/// `SYNC`: how far the mailbox's history is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    /// Everything up to here is durably queued. Only ever raised.
    pub cursor: HistoryId,
    pub cursor_at: Timestamp,
    /// How often an empty answer after a push was listed again.
    #[serde(default)]
    pub relist: u8,
    /// Until then an empty answer moves no cursor: a push said that there is more.
    #[serde(default)]
    pub relist_until: Option<Timestamp>,
    /// The newest id that an empty answer named, and when: a later one that is empty too moves the cursor there.
    #[serde(default)]
    pub unconfirmed: Option<(HistoryId, Timestamp)>,
    pub resync: Option<Resync>,
    pub lease: Option<Lease>,
    pub last_sync_at: Option<Timestamp>,
    pub last_push_at: Option<Timestamp>,
    /// When mail was last found that no push had announced.
    pub push_missed_at: Option<Timestamp>,
    /// The day's net under every unknown of history was last cast.
    pub swept_at: Option<Timestamp>,
    /// Mails found by resync or sweep that history had not told of.
    #[serde(default)]
    pub recovered: u64,
    /// The next fallback sync.
    pub due_at: Option<Timestamp>,
}

/// A gap that is being closed by listing, continued by whichever sync comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    pub reason: ResyncReason,
    /// `getProfile.historyId` before the listing began; the cursor when it is done.
    pub profile_id: HistoryId,
    pub since: Timestamp,
    /// Labels still to be listed, the current one first.
    pub labels: Vec<LabelId>,
    pub page_token: Option<String>,
    pub found: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// The days before the connection.
    History,
    /// The stored history id is too old for Gmail (404).
    Gap,
    /// The daily net.
    Sweep,
}

/// `WATCH`: the push subscription of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchState {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub expiration: Option<Timestamp>,
    pub renewed_at: Option<Timestamp>,
    /// A code, no text of Google's.
    pub last_error: Option<String>,
    pub due_at: Option<Timestamp>,
}

/// `GRANT#<grant>`: written before its secret exists, so that no secret is ever forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRecord {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub grant: GrantId,
    pub state: GrantState,
    pub created_at: Timestamp,
    /// When the access token in the secret ends.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token itself ends: only Google apps in Testing say so.
    pub refresh_expires_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    Creating,
    Current,
    Former,
}

/// `UNITS`: the mailbox's Gmail budget of the running minute, leased in slices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    /// Start of the minute that `used` counts.
    pub minute: Timestamp,
    pub used: u32,
    /// Nobody calls Gmail for this mailbox before this moment.
    pub not_before: Option<Timestamp>,
}

/// `PARK#…`: work that waits for a person, or for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub work: ParkedWork,
    /// A code for logs and traces.
    pub reason: String,
    pub parked_at: Timestamp,
    pub due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ParkedWork {
    Mail { message: MessageId },
    Turn { thread: ThreadId, turn: u32 },
}

impl ParkedWork {
    pub fn sort_key(&self) -> String {
        match self {
            Self::Mail { message } => format!("mail#{message}"),
            Self::Turn { thread, turn } => format!("turn#{thread}#{turn}"),
        }
    }
}

/// `RESUME`: the parked work of the mailbox is to be taken up, in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    #[serde(skip)]
    pub ver: u64,
    pub mailbox: MailboxId,
    pub requested_at: Timestamp,
    pub due_at: Option<Timestamp>,
}
