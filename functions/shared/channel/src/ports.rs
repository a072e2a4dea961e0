//! What the domain needs of the outside, one small trait for each capability. They are used as `Arc<dyn …>`, hence
//! `async_trait`: an `async fn` in a trait is not object-safe.

use crate::address::EmailAddress;
use crate::assistant::{Answer, AnswerRequest, AssistantError, GuardCase, Guarded};
use crate::ids::{
    DocumentId, DraftId, ExampleId, GapId, GrantId, HistoryId, LabelId, MailboxId, MessageId, TargetId, ThreadId,
};
use crate::mail::{AttachedText, Attachment, MailHeaders, OutgoingReply, ReadMail, Unreadable};
use crate::record::*;
use crate::time::Timestamp;
use crate::work::{SyncWork, WorkerWork};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::time::Duration;

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Randomness: ids, tokens, jitter.
pub trait Entropy: Send + Sync {
    fn bytes(&self) -> [u8; 32];
}

/// Keyed hashes (HMAC-SHA-256 with a key of the `app` secret), so that an address is never a table key.
pub trait Pseudonyms: Send + Sync {
    /// Lower-case hex.
    fn of(&self, address: &EmailAddress) -> String;
}

// ---- the store ----------------------------------------------------------------------------------------------------

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out, unreachable: the same again later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// An item that cannot be decoded, a permission that is missing, a request that is wrong: no retry helps.
    #[error("the store cannot do this: {0}")]
    Broken(String),
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody was faster: read again and decide again.
    #[error("items changed meanwhile: {0:?}")]
    Conflict(Vec<ItemKey>),
    #[error("a budget is used up: {0:?}")]
    CapReached(CapKey),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[async_trait]
pub trait Commits: Send + Sync {
    /// All of it or nothing. On success every put item is stored with `ver + 1`.
    async fn commit(&self, commit: Commit) -> Result<(), CommitError>;
}

#[async_trait]
pub trait Mailboxes: Send + Sync {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<MailboxView>, StoreError>;
    async fn mailboxes(&self) -> Result<Vec<MailboxMeta>, StoreError>;
    async fn organisation(&self) -> Result<Organisation, StoreError>;
    async fn address_owner(&self, address_hash: &str) -> Result<Option<AddressOwner>, StoreError>;
}

#[async_trait]
pub trait Engines: Send + Sync {
    async fn sync_state(&self, mailbox: &MailboxId) -> Result<Option<SyncState>, StoreError>;
    async fn watch_state(&self, mailbox: &MailboxId) -> Result<Option<WatchState>, StoreError>;
    async fn grant(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError>;
    async fn grants(&self, mailbox: &MailboxId) -> Result<Vec<GrantRecord>, StoreError>;
    async fn units(&self, mailbox: &MailboxId) -> Result<Option<Units>, StoreError>;
    async fn resume(&self, mailbox: &MailboxId) -> Result<Option<Resume>, StoreError>;
    async fn parked_work(&self, mailbox: &MailboxId, work: &ParkedWork) -> Result<Option<Parked>, StoreError>;
    /// At most `limit`, in key order.
    async fn parked(&self, mailbox: &MailboxId, limit: usize) -> Result<Vec<Parked>, StoreError>;
}

/// One page of heads, newest first, and where the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPage {
    pub rows: Vec<HeadRow>,
    /// Opaque and safe in a URL.
    pub next: Option<String>,
}

/// What the list index projects of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub title: String,
    pub customer: crate::address::Mailbox,
    pub state: ConversationState,
    pub unread: bool,
    pub updated_at: Timestamp,
}

#[async_trait]
pub trait Conversations: Send + Sync {
    async fn head(&self, mailbox: &MailboxId, thread: &ThreadId, now: Timestamp) -> Result<Option<Head>, StoreError>;
    /// The whole conversation by a strongly consistent read; nothing that has expired by `now`.
    async fn conversation(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        now: Timestamp,
    ) -> Result<Option<Conversation>, StoreError>;
    /// Heads of one mailbox, newest first.
    async fn list(
        &self,
        mailbox: &MailboxId,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError>;
    /// Heads of all mailboxes in a state that waits for someone, newest first.
    async fn waiting(
        &self,
        state: ConversationState,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError>;
}

#[async_trait]
pub trait NoticeTargets: Send + Sync {
    /// Who is told about conversations of this mailbox.
    async fn targets(&self, mailbox: &MailboxId) -> Result<Option<Targets>, StoreError>;
}

#[async_trait]
pub trait SeenMails: Send + Sync {
    /// Those of `messages` that are known; `now` filters what has expired.
    async fn seen(&self, mailbox: &MailboxId, messages: &[MessageId], now: Timestamp) -> Result<Vec<Seen>, StoreError>;
}

#[async_trait]
pub trait DueIndex: Send + Sync {
    /// Keys of items whose `due_at` is at or before `until`, at most `limit`, oldest first within a shard.
    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(ItemKey, Timestamp)>, StoreError>;
}

/// What the models cost, counted by mailbox and day.
#[async_trait]
pub trait Spending: Send + Sync {
    /// Millionths of a US dollar, by a strongly consistent read; `now` filters what has expired.
    async fn spent(&self, counter: &CapKey, now: Timestamp) -> Result<u64, StoreError>;
    async fn spend(&self, counter: &CapKey, micro_usd: u64, expires_at: Timestamp) -> Result<(), StoreError>;
}

#[async_trait]
pub trait WebStates: Send + Sync {
    async fn oauth_state(&self, state_hash: &str, now: Timestamp) -> Result<Option<OAuthState>, StoreError>;
    async fn session(&self, session_hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError>;
}

#[async_trait]
pub trait Examples: Send + Sync {
    async fn example(&self, id: &ExampleId, now: Timestamp) -> Result<Option<Example>, StoreError>;
}

/// What is said about the documents; their texts are [`Files`].
#[async_trait]
pub trait Library: Send + Sync {
    /// As it begins, when nothing was stored yet. Strongly consistent.
    async fn knowledge_head(&self) -> Result<KnowledgeHead, StoreError>;
    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError>;
    /// By id.
    async fn library(&self) -> Result<Vec<Document>, StoreError>;
}

/// Questions that no source answers.
#[async_trait]
pub trait Gaps: Send + Sync {
    async fn gap(&self, id: &GapId, now: Timestamp) -> Result<Option<Gap>, StoreError>;
    async fn gaps(&self, now: Timestamp) -> Result<Vec<Gap>, StoreError>;
    async fn gap_question(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        turn: u32,
        now: Timestamp,
    ) -> Result<Option<GapQuestion>, StoreError>;
    /// At most `limit`, by mailbox, thread and turn.
    async fn gap_questions(&self, limit: usize, now: Timestamp) -> Result<Vec<GapQuestion>, StoreError>;
}

// ---- files --------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    #[error("there is no such file")]
    Missing,
    #[error("the file is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the bucket is not available: {0}")]
    Unavailable(String),
    #[error("the bucket cannot do this: {0}")]
    Broken(String),
}

/// What may be uploaded by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadTerms {
    pub media_type: String,
    /// Bytes; at least one.
    pub max_size: u64,
    /// Where the browser goes when it is there; none for an answer without a page.
    pub then: Option<String>,
}

/// A form that a browser posts straight to the bucket, as `multipart/form-data`: these fields in this order, then the
/// field `file`. With a script or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadForm {
    pub url: String,
    pub fields: Vec<(String, String)>,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub modified_at: Timestamp,
}

/// The private bucket. Names are paths without a leading slash.
#[async_trait]
pub trait Files: Send + Sync {
    async fn upload_form(&self, name: &str, terms: &UploadTerms, valid: Duration) -> Result<UploadForm, FilesError>;
    /// A link that saves the file as `save_as`.
    async fn download_link(&self, name: &str, save_as: &str, valid: Duration) -> Result<String, FilesError>;
    /// The whole file, or [`FilesError::TooLarge`] before more than `limit` bytes are in memory.
    async fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FilesError>;
    /// What is known of a file without reading it.
    async fn look(&self, name: &str) -> Result<Option<StoredFile>, FilesError>;
    /// In place of what is there.
    async fn write(&self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), FilesError>;
    /// Succeeds when it is gone already.
    async fn delete(&self, name: &str) -> Result<(), FilesError>;
    /// All whose name begins with `prefix`, in the order of their names.
    async fn list(&self, prefix: &str) -> Result<Vec<StoredFile>, FilesError>;
}

// ---- queues and secrets -------------------------------------------------------------------------------------------

#[derive(Debug, thiserror::Error)]
#[error("the queue is not available: {0}")]
pub struct QueueError(pub String);

#[async_trait]
pub trait SyncQueue: Send + Sync {
    /// `after` is capped at the queue's longest delay, 15 minutes. An error means that some were not queued.
    async fn send(&self, work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError>;
}

#[async_trait]
pub trait WorkQueue: Send + Sync {
    async fn send(&self, work: Vec<WorkerWork>, after: Duration) -> Result<(), QueueError>;
}

/// The queue that a record was received from.
#[async_trait]
pub trait Visibility: Send + Sync {
    /// The record comes back after this long; `receipt` is the handle it was received with.
    async fn change(&self, receipt: &str, after: Duration) -> Result<(), QueueError>;
}

/// Where records go that will never work as they are.
#[async_trait]
pub trait DeadLetter: Send + Sync {
    /// `reason` goes along as an attribute.
    async fn send(&self, body: &str, reason: &str) -> Result<(), QueueError>;
}

/// What a grant's secret holds. No `Debug`, `Display` or `Serialize`: it must not slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct GrantSecret {
    pub refresh_token: String,
    pub access_token: String,
    pub access_expires_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the secret does not exist")]
    Missing,
    #[error("the secret store is not available: {0}")]
    Unavailable(String),
    #[error("the secret store refuses: {0}")]
    Denied(String),
}

#[async_trait]
pub trait GrantVault: Send + Sync {
    async fn read(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError>;
    /// Fails when it exists.
    async fn create(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError>;
    async fn replace(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError>;
    /// At once, without a recovery window; succeeds when it is gone already.
    async fn delete(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<(), VaultError>;
}

// ---- Google -------------------------------------------------------------------------------------------------------

/// Whose mailbox, and by which grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    pub mailbox: MailboxId,
    pub grant: GrantId,
}

/// Google's answer, sorted where it is known what it means (`facts` of the Gmail API's error page).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GmailError {
    #[error("not found")]
    NotFound,
    /// `history.list` 404: the start id is too old.
    #[error("the history id is too old")]
    HistoryGone,
    /// 429, or 403 of a rate kind; nothing happened.
    #[error("rate limited")]
    RateLimited { until: Option<Timestamp> },
    /// 400 `failedPrecondition`: transient; nothing happened.
    #[error("precondition check failed")]
    Precondition,
    /// The grant is dead, or lacks a scope.
    #[error("the grant does not work: {0:?}")]
    Grant(GrantProblemKind),
    /// The secret of the grant is not there: another grant may be in force by now.
    #[error("the grant's secret is missing")]
    GrantMissing,
    /// The OAuth client itself is refused; no mailbox is to blame.
    #[error("the OAuth client is refused: {0}")]
    Client(String),
    /// 409: a label of that name exists.
    #[error("conflict")]
    Conflict,
    /// Another 4xx; nothing happened and nothing will. A code and status, no text of the mail.
    #[error("refused: {0}")]
    Refused(String),
    /// Certain not to have happened: no connection, no token.
    #[error("Gmail is not available: {0}")]
    Unavailable(String),
    /// 5xx, time-out or a lost connection after the request was sent: it may have happened.
    #[error("no answer from Gmail: {0}")]
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub address: EmailAddress,
    pub history_id: HistoryId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    pub records: Vec<HistoryRecord>,
    pub next_page: Option<String>,
    /// The mailbox's newest id, on every page.
    pub history_id: HistoryId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRecord {
    pub id: HistoryId,
    pub changes: Vec<HistoryChange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryChange {
    pub kind: HistoryKind,
    pub message: MessageId,
    pub thread: ThreadId,
    /// Labels of the message as the record tells them; may be empty.
    pub labels: Vec<LabelId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryKind {
    MessageAdded,
    MessageDeleted,
    LabelsAdded(Vec<LabelId>),
    LabelsRemoved(Vec<LabelId>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageList {
    pub messages: Vec<(MessageId, ThreadId)>,
    pub next_page: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageHeaders {
    pub message: MessageId,
    pub thread: ThreadId,
    pub labels: Vec<LabelId>,
    pub internal_date: Timestamp,
    /// Bytes, as Gmail estimates them.
    pub size: u64,
    /// In order, as they stand in the mail.
    pub headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GmailLabel {
    pub id: LabelId,
    pub name: String,
    /// One of Gmail's own, such as the inbox.
    pub system: bool,
}

/// The Gmail API, as far as it is used. Nothing here retries.
#[async_trait]
pub trait Gmail: Send + Sync {
    async fn profile(&self, at: &Access) -> Result<Profile, GmailError>;
    /// Returns the expiration. A watch on another topic is stopped first when Gmail says that there is one.
    async fn watch(&self, at: &Access, labels: &[LabelId]) -> Result<Timestamp, GmailError>;
    async fn stop(&self, at: &Access) -> Result<(), GmailError>;
    async fn history(&self, at: &Access, start: HistoryId, page: Option<&str>) -> Result<HistoryPage, GmailError>;
    /// At most 500 a page. `after` is inclusive to the second.
    async fn list(
        &self,
        at: &Access,
        label: &LabelId,
        after: Option<Timestamp>,
        page: Option<&str>,
    ) -> Result<MessageList, GmailError>;
    /// `format=metadata`, all headers.
    async fn headers(&self, at: &Access, message: &MessageId) -> Result<MessageHeaders, GmailError>;
    /// `format=raw`.
    async fn raw(&self, at: &Access, message: &MessageId) -> Result<Vec<u8>, GmailError>;
    /// Every message of the thread, drafts too, by `format=metadata`.
    async fn thread(&self, at: &Access, thread: &ThreadId) -> Result<Vec<MessageHeaders>, GmailError>;
    async fn labels(&self, at: &Access) -> Result<Vec<GmailLabel>, GmailError>;
    async fn create_draft(&self, at: &Access, thread: &ThreadId, mail: &[u8]) -> Result<DraftRef, GmailError>;
    async fn update_draft(
        &self,
        at: &Access,
        draft: &DraftId,
        thread: &ThreadId,
        mail: &[u8],
    ) -> Result<DraftRef, GmailError>;
    async fn draft(&self, at: &Access, draft: &DraftId) -> Result<DraftRef, GmailError>;
    /// The draft as it stands in Gmail, with its bytes.
    async fn draft_raw(&self, at: &Access, draft: &DraftId) -> Result<(DraftRef, Vec<u8>), GmailError>;
    /// Drafts of the mailbox whose message is in `thread`.
    async fn drafts_in(&self, at: &Access, thread: &ThreadId) -> Result<Vec<DraftRef>, GmailError>;
    async fn delete_draft(&self, at: &Access, draft: &DraftId) -> Result<(), GmailError>;
    /// Sends the draft as it stands; returns the id of the sent message. Called once, never retried by the adapter.
    async fn send_draft(&self, at: &Access, draft: &DraftId) -> Result<MessageId, GmailError>;
}

/// What the authorisation server said to an exchange or a refresh.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenAnswer {
    pub access_token: String,
    pub expires_in: Duration,
    pub refresh_token: Option<String>,
    pub refresh_expires_in: Option<Duration>,
    /// Space separated, as granted.
    pub scope: Option<String>,
    pub id_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// `invalid_grant`, with what Google says of it sorted out.
    #[error("the grant is refused: {0:?}")]
    Grant(GrantProblemKind),
    /// `invalid_client`, `unauthorized_client`: a matter of configuration.
    #[error("the OAuth client is refused: {0}")]
    Client(String),
    #[error("the authorisation server is not available: {0}")]
    Unavailable(String),
    #[error("the authorisation server refused: {0}")]
    Refused(String),
}

#[async_trait]
pub trait OAuth: Send + Sync {
    /// Where the browser goes for a mailbox: `gmail.modify`, offline, consent.
    fn connect_url(&self, redirect: &str, state: &str, pkce_challenge: &str, login_hint: Option<&str>) -> String;
    /// Where the browser goes to sign in: `openid email`.
    fn sign_in_url(&self, redirect: &str, state: &str, pkce_challenge: &str, nonce: &str) -> String;
    async fn exchange(&self, code: &str, redirect: &str, pkce_verifier: &str) -> Result<TokenAnswer, OAuthError>;
    async fn refresh(&self, refresh_token: &str) -> Result<TokenAnswer, OAuthError>;
    async fn revoke(&self, token: &str) -> Result<(), OAuthError>;
    /// The address of a valid ID token: RS256, issuer, our audience, `nonce`, times, `email_verified`.
    async fn verify_id_token(&self, id_token: &str, nonce: &str, now: Timestamp) -> Result<IdToken, OAuthError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdToken {
    pub email: EmailAddress,
    /// The Workspace domain that Google vouches for.
    pub hosted_domain: Option<String>,
}

// ---- reading, writing, answering ------------------------------------------------------------------------------------

pub trait MailReader: Send + Sync {
    fn headers(&self, headers: &[(String, String)]) -> MailHeaders;
    fn read(&self, raw: &[u8]) -> Result<ReadMail, Unreadable>;
    /// Whether the attachment is of a kind that may hold text.
    fn may_hold_text(&self, attachment: &Attachment) -> bool;
    /// Text of the attachments, by the numbers of their parts, in that order; an error says why it was not read, for
    /// people.
    fn attachments(&self, raw: &[u8], parts: &[u32]) -> Vec<Result<AttachedText, String>>;
}

pub trait MailWriter: Send + Sync {
    /// Never a `Re: Re:`.
    fn reply_subject(&self, subject: &str) -> String;
    /// `In-Reply-To` and `References` of an answer to `parent`.
    fn reply_references(&self, parent: &MailHeaders) -> (Option<String>, Vec<String>);
    /// `Reply-To` else `From`, without `own` addresses.
    fn reply_recipients(&self, parent: &MailHeaders, own: &[EmailAddress]) -> Vec<crate::address::Mailbox>;
    /// Whether `Reply-To` points to another domain than `From`.
    fn reply_goes_elsewhere(&self, parent: &MailHeaders) -> bool;
    fn write_reply(&self, reply: &OutgoingReply) -> Result<Vec<u8>, String>;
}

#[async_trait]
pub trait Assistant: Send + Sync {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError>;
}

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDocument {
    /// Markdown.
    pub text: String,
    /// Longer documents are cut.
    pub truncated: bool,
    pub passages: u32,
    /// Passages by language (BCP 47; `und` where it cannot be told).
    pub languages: BTreeMap<String, u32>,
}

/// Why a document cannot be read and what helps, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableDocument {
    pub reason: String,
    pub remedy: String,
}

/// Text out of files. Pure, bounded, never panics.
pub trait DocumentReader: Send + Sync {
    fn read_document(
        &self,
        media_type: &str,
        title: &str,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<ReadDocument, UnreadableDocument>;
}

/// What a question is compared by. Pure and deterministic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gist {
    /// BCP 47; `und` where it cannot be told.
    pub language: String,
    /// Stems and concepts, sorted, each once.
    pub terms: Vec<String>,
}

pub trait Gists: Send + Sync {
    fn gist(&self, question: &str) -> Gist;
}

/// What stands between the words of a model and the mailbox. Pure: the same case gives the same verdicts, in time linear
/// in its length.
pub trait Guards: Send + Sync {
    fn judge(&self, case: &GuardCase<'_>) -> Guarded;
}

// ---- telling the team -----------------------------------------------------------------------------------------------

/// Secrets that are stored: sealed for one use, and opened for that use only.
pub trait Seals: Send + Sync {
    /// `purpose` is bound to it: what was sealed for one target does not open for another.
    fn seal(&self, purpose: &TargetId, secret: &str) -> Result<Sealed, NotSealed>;
    fn open(&self, purpose: &TargetId, sealed: &Sealed) -> Result<String, NotSealed>;
}

/// Says nothing of the text: it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed address cannot be opened: the key of the app secret has changed; add the target again")]
pub struct NotSealed;

/// What a target is told. A target without content gets none of `about`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The same for every try at one target, so that a receiver can tell a repetition.
    pub id: String,
    /// A code such as `conversation.needs_person`, or `test`.
    pub event: &'static str,
    /// The connected address.
    pub mailbox: EmailAddress,
    pub about: Option<About>,
    /// Where a person goes on.
    pub link: String,
    pub at: Timestamp,
}

/// Words that come from a mail or from the assistant: data, never markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub sender: String,
    pub subject: String,
    pub reason: String,
}

/// Why a notification is not known to have arrived; in words that quote neither an address nor content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDelivered {
    /// No further try helps.
    #[error("{0}")]
    Refused(String),
    /// It did not arrive, and may do so later.
    #[error("{why}")]
    Later { after: Option<Duration>, why: String },
    /// It may have arrived.
    #[error("{0}")]
    Lost(String),
}

/// The kind of web address that a person gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPlace {
    SlackWebhook,
    Webhook,
}

#[async_trait]
pub trait Notifier: Send + Sync {
    /// The host of an address that may be used, or what is wrong with it, for people.
    fn host(&self, kind: WebPlace, url: &str) -> Result<String, String>;
    async fn notify(&self, target: &Target, notification: &Notification) -> Result<(), NotDelivered>;
}

/// The e-mail topic of the deployment.
#[async_trait]
pub trait Topic: Send + Sync {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NotDelivered>;
}
