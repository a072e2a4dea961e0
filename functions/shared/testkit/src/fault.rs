//! Faults on demand: "fail the k-th call with this, before or after its effect".
//!
//! One [`Faults`] is shared by every decorated port of a test, so that a sweep over k reaches each outside call once:
//! run with [`Faults::none`], read [`Faults::calls`], then run once for each k up to that.

use async_trait::async_trait;
use channel::ids::{DocumentId, ExampleId, GapId, GrantId, MailboxId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::*;
use channel::time::Timestamp;
use channel::work::{SyncWork, WorkerWork};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whether the call still has its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The request was lost.
    Before,
    /// The answer was lost.
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailWith {
    Unavailable,
    /// The store's `Broken`, the vault's `Denied`.
    Broken,
    /// Of a commit only.
    Conflict,
    /// The process ends here: a panic, which the test takes for the end of the function.
    Crash,
}

/// What a crash panics with.
pub const CRASH: &str = "injected crash";

#[derive(Debug)]
pub struct Faults {
    calls: AtomicUsize,
    plan: Mutex<Option<(usize, When, FailWith)>>,
}

impl Faults {
    /// Counts the calls and lets them pass.
    pub fn none() -> Arc<Self> {
        Arc::new(Self { calls: AtomicUsize::new(0), plan: Mutex::new(None) })
    }

    /// Fails call number `k`, counted from 1 over all ports.
    ///
    /// # Panics
    /// When `k` is 0.
    pub fn nth(k: usize, when: When, with: FailWith) -> Arc<Self> {
        assert!(k > 0, "calls are counted from 1");
        Arc::new(Self { calls: AtomicUsize::new(0), plan: Mutex::new(Some((k, when, with))) })
    }

    /// Fails the `k`th call from now on, counted from 1; a plan that has not come true is dropped.
    ///
    /// # Panics
    /// When `k` is 0.
    pub fn arm(&self, k: usize, when: When, with: FailWith) {
        assert!(k > 0, "calls are counted from 1");
        *self.plan() = Some((self.calls() + k, when, with));
    }

    pub fn disarm(&self) {
        *self.plan() = None;
    }

    fn plan(&self) -> MutexGuard<'_, Option<(usize, When, FailWith)>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn next(&self) -> Option<(When, FailWith)> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.plan().filter(|(k, ..)| *k == call).map(|(_, when, with)| (when, with))
    }
}

/// A port that fails by plan.
pub struct FailNth<T: ?Sized> {
    inner: Arc<T>,
    faults: Arc<Faults>,
}

impl<T: ?Sized> FailNth<T> {
    /// `inner` is shared, so that the test can look at it after the decorator failed.
    pub fn new(inner: Arc<T>, faults: Arc<Faults>) -> Self {
        Self { inner, faults }
    }
}

trait Injected: Sized {
    fn injected(with: FailWith) -> Self;
}

const LOST: &str = "injected fault";

impl Injected for StoreError {
    fn injected(with: FailWith) -> Self {
        match with {
            FailWith::Unavailable => Self::Unavailable(LOST.to_owned()),
            FailWith::Broken => Self::Broken(LOST.to_owned()),
            FailWith::Crash => panic!("{CRASH}"),
            FailWith::Conflict => panic!("a read knows no conflict: plan another fault for this call"),
        }
    }
}

impl Injected for CommitError {
    fn injected(with: FailWith) -> Self {
        match with {
            FailWith::Conflict => Self::Conflict(vec![]),
            other => StoreError::injected(other).into(),
        }
    }
}

impl Injected for QueueError {
    fn injected(with: FailWith) -> Self {
        match with {
            FailWith::Unavailable | FailWith::Broken => Self(LOST.to_owned()),
            FailWith::Crash => panic!("{CRASH}"),
            FailWith::Conflict => panic!("a queue knows no conflict: plan another fault for this call"),
        }
    }
}

impl Injected for FilesError {
    fn injected(with: FailWith) -> Self {
        match with {
            FailWith::Unavailable => Self::Unavailable(LOST.to_owned()),
            FailWith::Broken => Self::Broken(LOST.to_owned()),
            FailWith::Crash => panic!("{CRASH}"),
            FailWith::Conflict => panic!("a bucket knows no conflict: plan another fault for this call"),
        }
    }
}

impl Injected for VaultError {
    fn injected(with: FailWith) -> Self {
        match with {
            FailWith::Unavailable => Self::Unavailable(LOST.to_owned()),
            FailWith::Broken => Self::Denied(LOST.to_owned()),
            FailWith::Crash => panic!("{CRASH}"),
            FailWith::Conflict => panic!("a vault knows no conflict: plan another fault for this call"),
        }
    }
}

/// Each method of a port, passed on unless it is its turn to fail.
macro_rules! failing {
    ($($port:ident { $(fn $name:ident($($arg:ident: $kind:ty),*) -> Result<$ok:ty, $error:ty>;)* })*) => { $(
        #[async_trait]
        impl<T: $port + ?Sized> $port for FailNth<T> {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$ok, $error> {
                match self.faults.next() {
                    None => self.inner.$name($($arg),*).await,
                    Some((When::Before, with)) => Err(<$error>::injected(with)),
                    Some((When::After, with)) => {
                        self.inner.$name($($arg),*).await?;
                        Err(<$error>::injected(with))
                    }
                }
            })*
        }
    )* };
}

failing! {
    Commits {
        fn commit(commit: Commit) -> Result<(), CommitError>;
    }
    Mailboxes {
        fn mailbox(id: &MailboxId) -> Result<Option<MailboxView>, StoreError>;
        fn mailboxes() -> Result<Vec<MailboxMeta>, StoreError>;
        fn organisation() -> Result<Organisation, StoreError>;
        fn address_owner(address_hash: &str) -> Result<Option<AddressOwner>, StoreError>;
    }
    Engines {
        fn sync_state(mailbox: &MailboxId) -> Result<Option<SyncState>, StoreError>;
        fn watch_state(mailbox: &MailboxId) -> Result<Option<WatchState>, StoreError>;
        fn grant(mailbox: &MailboxId, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError>;
        fn grants(mailbox: &MailboxId) -> Result<Vec<GrantRecord>, StoreError>;
        fn units(mailbox: &MailboxId) -> Result<Option<Units>, StoreError>;
        fn resume(mailbox: &MailboxId) -> Result<Option<Resume>, StoreError>;
        fn parked_work(mailbox: &MailboxId, work: &ParkedWork) -> Result<Option<Parked>, StoreError>;
        fn parked(mailbox: &MailboxId, limit: usize) -> Result<Vec<Parked>, StoreError>;
    }
    Conversations {
        fn head(mailbox: &MailboxId, thread: &ThreadId, now: Timestamp) -> Result<Option<Head>, StoreError>;
        fn conversation(
            mailbox: &MailboxId, thread: &ThreadId, now: Timestamp
        ) -> Result<Option<Conversation>, StoreError>;
        fn list(
            mailbox: &MailboxId, page: Option<&str>, limit: usize, now: Timestamp
        ) -> Result<HeadPage, StoreError>;
        fn waiting(
            state: ConversationState, page: Option<&str>, limit: usize, now: Timestamp
        ) -> Result<HeadPage, StoreError>;
    }
    NoticeTargets {
        fn targets(mailbox: &MailboxId) -> Result<Option<Targets>, StoreError>;
    }
    SeenMails {
        fn seen(mailbox: &MailboxId, messages: &[MessageId], now: Timestamp) -> Result<Vec<Seen>, StoreError>;
    }
    DueIndex {
        fn due(until: Timestamp, limit: usize) -> Result<Vec<(ItemKey, Timestamp)>, StoreError>;
    }
    WebStates {
        fn oauth_state(state_hash: &str, now: Timestamp) -> Result<Option<OAuthState>, StoreError>;
        fn session(session_hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError>;
    }
    Examples {
        fn example(id: &ExampleId, now: Timestamp) -> Result<Option<Example>, StoreError>;
    }
    Spending {
        fn spent(counter: &CapKey, now: Timestamp) -> Result<u64, StoreError>;
        fn spend(counter: &CapKey, micro_usd: u64, expires_at: Timestamp) -> Result<(), StoreError>;
    }
    Library {
        fn knowledge_head() -> Result<KnowledgeHead, StoreError>;
        fn document(id: &DocumentId) -> Result<Option<Document>, StoreError>;
        fn library() -> Result<Vec<Document>, StoreError>;
    }
    Gaps {
        fn gap(id: &GapId, now: Timestamp) -> Result<Option<Gap>, StoreError>;
        fn gaps(now: Timestamp) -> Result<Vec<Gap>, StoreError>;
        fn gap_question(
            mailbox: &MailboxId, thread: &ThreadId, turn: u32, now: Timestamp
        ) -> Result<Option<GapQuestion>, StoreError>;
        fn gap_questions(limit: usize, now: Timestamp) -> Result<Vec<GapQuestion>, StoreError>;
    }
    Files {
        fn upload_form(name: &str, terms: &UploadTerms, valid: Duration) -> Result<UploadForm, FilesError>;
        fn download_link(name: &str, save_as: &str, valid: Duration) -> Result<String, FilesError>;
        fn read(name: &str, limit: u64) -> Result<Vec<u8>, FilesError>;
        fn look(name: &str) -> Result<Option<StoredFile>, FilesError>;
        fn write(name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), FilesError>;
        fn delete(name: &str) -> Result<(), FilesError>;
        fn list(prefix: &str) -> Result<Vec<StoredFile>, FilesError>;
    }
    SyncQueue {
        fn send(work: Vec<SyncWork>, after: Duration) -> Result<(), QueueError>;
    }
    WorkQueue {
        fn send(work: Vec<WorkerWork>, after: Duration) -> Result<(), QueueError>;
    }
    GrantVault {
        fn read(mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError>;
        fn create(mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError>;
        fn replace(mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError>;
        fn delete(mailbox: &MailboxId, grant: &GrantId) -> Result<(), VaultError>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, MemoryQueues, MemoryStore, mailbox_id};

    fn organisation() -> Commit {
        Commit::new().put(Organisation { ver: 0, sending_stopped: true })
    }

    #[tokio::test]
    async fn before_has_no_effect_and_after_has_it() {
        for (when, stopped) in [(When::Before, false), (When::After, true)] {
            let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default())));
            let failing = FailNth::new(Arc::clone(&store), Faults::nth(1, when, FailWith::Unavailable));
            let error = failing.commit(organisation()).await.unwrap_err();
            assert!(matches!(error, CommitError::Store(StoreError::Unavailable(_))), "{error:?}");
            assert_eq!(store.organisation().await.unwrap().sending_stopped, stopped);
            assert_eq!(failing.faults.calls(), 1);
        }
    }

    #[tokio::test]
    async fn only_the_kth_call_fails_over_all_ports() {
        let faults = Faults::nth(2, When::Before, FailWith::Broken);
        let queues = Arc::new(MemoryQueues::default());
        let queue = FailNth::new(Arc::clone(&queues), Arc::clone(&faults));
        let store = FailNth::new(Arc::new(MemoryStore::new(Arc::new(ManualClock::default()))), faults);
        let work = || vec![WorkerWork::Resume { mailbox: mailbox_id("mb") }];
        WorkQueue::send(&queue, work(), Duration::ZERO).await.unwrap();
        assert!(matches!(store.mailboxes().await, Err(StoreError::Broken(_))));
        WorkQueue::send(&queue, work(), Duration::ZERO).await.unwrap();
        assert_eq!(queues.take_work().len(), 2);
        queues.assert_drained();
    }
}
