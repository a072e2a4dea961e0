//! The store in memory, with the semantics of the table: versions, all or nothing, budgets, expiry by the clock.

use async_trait::async_trait;
use channel::ids::{DocumentId, ExampleId, GapId, GrantId, MailboxId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::*;
use channel::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Every port of the store.
pub trait Store:
    Commits
    + Mailboxes
    + Engines
    + Conversations
    + NoticeTargets
    + SeenMails
    + DueIndex
    + WebStates
    + Examples
    + Library
    + Gaps
    + Spending
{
}

impl<T> Store for T where
    T: Commits
        + Mailboxes
        + Engines
        + Conversations
        + NoticeTargets
        + SeenMails
        + DueIndex
        + WebStates
        + Examples
        + Library
        + Gaps
        + Spending
{
}

#[derive(Default)]
struct Inner {
    items: BTreeMap<ItemKey, Item>,
    counters: BTreeMap<CapKey, u32>,
    spent: BTreeMap<CapKey, (u64, Timestamp)>,
}

pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl MemoryStore {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::default() }
    }

    /// Puts an item in place without a condition, for the beginning of a test. Its version becomes at least 1.
    pub fn seed(&self, item: impl Into<Item>) {
        let mut item = item.into();
        item.set_ver(item.ver().max(1));
        self.inner().items.insert(item.key(), item);
    }

    /// The item as it lies there, expired or not.
    pub fn stored(&self, key: &ItemKey) -> Option<Item> {
        self.inner().items.get(key).cloned()
    }

    /// Everything as it lies there, in key order.
    pub fn everything(&self) -> Vec<Item> {
        self.inner().items.values().cloned().collect()
    }

    /// How much of a budget is used.
    pub fn used(&self, cap: &CapKey) -> u32 {
        self.inner().counters.get(cap).copied().unwrap_or_default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("a test panicked while it held the store")
    }

    fn live(&self, key: &ItemKey, now: Timestamp) -> Option<Item> {
        self.inner().live(key, now).cloned()
    }

    /// All live items, in key order.
    fn all_live(&self, now: Timestamp) -> Vec<Item> {
        self.inner().items.values().filter(|item| is_live(item, now)).cloned().collect()
    }
}

impl Inner {
    fn live(&self, key: &ItemKey, now: Timestamp) -> Option<&Item> {
        self.items.get(key).filter(|item| is_live(item, now))
    }

    fn ver(&self, key: &ItemKey, now: Timestamp) -> u64 {
        self.live(key, now).map_or(0, Item::ver)
    }
}

fn is_live(item: &Item, now: Timestamp) -> bool {
    expires_at(item).is_none_or(|at| at > now)
}

fn expires_at(item: &Item) -> Option<Timestamp> {
    match item {
        Item::Head(record) => Some(record.expires_at),
        Item::Correspondent(record) => Some(record.expires_at),
        Item::Mail(record) => Some(record.expires_at),
        Item::Turn(record) => Some(record.expires_at),
        Item::Action(record) => Some(record.expires_at),
        Item::Trace(record) => Some(record.expires_at),
        Item::Notice(record) => Some(record.expires_at),
        Item::Seen(record) => Some(record.expires_at),
        Item::OAuthState(record) => Some(record.expires_at),
        Item::Session(record) => Some(record.expires_at),
        Item::Example(record) => Some(record.expires_at),
        Item::Gap(record) => Some(record.expires_at),
        Item::GapQuestion(record) => Some(record.expires_at),
        _ => None,
    }
}

fn due_at(item: &Item) -> Option<Timestamp> {
    match item {
        Item::Sync(record) => record.due_at,
        Item::Watch(record) => record.due_at,
        Item::Grant(record) => record.due_at,
        Item::Park(record) => record.due_at,
        Item::Resume(record) => record.due_at,
        Item::Turn(record) => record.due_at,
        Item::Action(record) => record.due_at,
        Item::KnowledgeHead(record) => record.due_at,
        Item::Document(record) => record.due_at,
        Item::Gap(record) => record.due_at,
        Item::Notice(record) => record.due_at,
        _ => None,
    }
}

/// Takes the record of one kind out of an item of that kind; a fake that mixes kinds up is wrong itself.
macro_rules! record {
    ($kind:ident, $item:expr) => {
        match $item {
            Item::$kind(record) => *record,
            other => panic!("asked for {}, found {:?}", stringify!($kind), other.key()),
        }
    };
}

#[async_trait]
impl Commits for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        if let Some(cap) = commit.caps.iter().find(|cap| cap.limit == 0) {
            return Err(CommitError::CapReached(cap.key.clone()));
        }
        check_form(&commit)?;
        let now = self.clock.now();
        let mut inner = self.inner();
        let puts = commit.puts.iter().map(|item| (item.key(), item.ver()));
        let conditions = puts.chain(commit.deletes.iter().cloned()).chain(commit.checks.iter().cloned());
        let changed: Vec<ItemKey> =
            conditions.filter(|(key, ver)| inner.ver(key, now) != *ver).map(|(key, _)| key).collect();
        if !changed.is_empty() {
            return Err(CommitError::Conflict(changed));
        }
        let used = |cap: &CapUse| inner.counters.get(&cap.key).copied().unwrap_or_default();
        if let Some(cap) = commit.caps.iter().find(|cap| used(cap) >= cap.limit) {
            return Err(CommitError::CapReached(cap.key.clone()));
        }
        for mut item in commit.puts {
            item.set_ver(item.ver() + 1);
            inner.items.insert(item.key(), item);
        }
        for (key, _) in commit.deletes {
            inner.items.remove(&key);
        }
        for cap in commit.caps {
            *inner.counters.entry(cap.key).or_default() += 1;
        }
        Ok(())
    }
}

/// What the table refuses before it looks at an item.
fn check_form(commit: &Commit) -> Result<(), StoreError> {
    let defect = |what: &str| Err(StoreError::Broken(format!("{what}: a defect of this program")));
    let named = commit.deletes.iter().chain(&commit.checks).map(|(key, _)| key.clone());
    let items: Vec<ItemKey> = commit.puts.iter().map(Item::key).chain(named).collect();
    if items.iter().any(|key| matches!(key, ItemKey::Cap(_))) {
        return defect("a counter has no version to check or delete by");
    }
    let all: Vec<ItemKey> =
        items.into_iter().chain(commit.caps.iter().map(|cap| ItemKey::Cap(cap.key.clone()))).collect();
    if all.len() > 100 {
        return defect("a commit of more than 100 items");
    }
    if all.iter().collect::<BTreeSet<_>>().len() < all.len() {
        return defect("a commit that names one item twice");
    }
    Ok(())
}

#[async_trait]
impl Mailboxes for MemoryStore {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<MailboxView>, StoreError> {
        let now = self.clock.now();
        let Some(meta) = self.live(&ItemKey::Mailbox(id.clone()), now) else { return Ok(None) };
        let Some(settings) = self.live(&ItemKey::Settings(id.clone()), now) else {
            return Err(StoreError::Broken("a mailbox has no settings".to_owned()));
        };
        let organisation = self.organisation().await?;
        Ok(Some(MailboxView { meta: record!(Mailbox, meta), settings: record!(Settings, settings), organisation }))
    }

    async fn mailboxes(&self) -> Result<Vec<MailboxMeta>, StoreError> {
        let mut metas: Vec<MailboxMeta> = self.all_live(self.clock.now()).into_iter().filter_map(as_mailbox).collect();
        metas.sort_by_cached_key(|meta| (meta.address.canonical(), meta.mailbox.clone()));
        Ok(metas)
    }

    async fn organisation(&self) -> Result<Organisation, StoreError> {
        let item = self.live(&ItemKey::Organisation, self.clock.now());
        Ok(item.map(|item| record!(Organisation, item)).unwrap_or_default())
    }

    async fn address_owner(&self, address_hash: &str) -> Result<Option<AddressOwner>, StoreError> {
        let item = self.live(&ItemKey::AddressOwner(address_hash.to_owned()), self.clock.now());
        Ok(item.map(|item| record!(AddressOwner, item)))
    }
}

fn as_mailbox(item: Item) -> Option<MailboxMeta> {
    if let Item::Mailbox(meta) = item { Some(*meta) } else { None }
}

fn as_head(item: Item) -> Option<Head> {
    if let Item::Head(head) = item { Some(*head) } else { None }
}

#[async_trait]
impl Engines for MemoryStore {
    async fn sync_state(&self, mailbox: &MailboxId) -> Result<Option<SyncState>, StoreError> {
        Ok(self.live(&ItemKey::Sync(mailbox.clone()), self.clock.now()).map(|item| record!(Sync, item)))
    }

    async fn watch_state(&self, mailbox: &MailboxId) -> Result<Option<WatchState>, StoreError> {
        Ok(self.live(&ItemKey::Watch(mailbox.clone()), self.clock.now()).map(|item| record!(Watch, item)))
    }

    async fn grant(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let key = ItemKey::Grant(mailbox.clone(), grant.clone());
        Ok(self.live(&key, self.clock.now()).map(|item| record!(Grant, item)))
    }

    async fn grants(&self, mailbox: &MailboxId) -> Result<Vec<GrantRecord>, StoreError> {
        let items = self.all_live(self.clock.now()).into_iter();
        let grants = items.filter_map(|item| if let Item::Grant(grant) = item { Some(*grant) } else { None });
        Ok(grants.filter(|grant| grant.mailbox == *mailbox).collect())
    }

    async fn units(&self, mailbox: &MailboxId) -> Result<Option<Units>, StoreError> {
        Ok(self.live(&ItemKey::Units(mailbox.clone()), self.clock.now()).map(|item| record!(Units, item)))
    }

    async fn resume(&self, mailbox: &MailboxId) -> Result<Option<Resume>, StoreError> {
        Ok(self.live(&ItemKey::Resume(mailbox.clone()), self.clock.now()).map(|item| record!(Resume, item)))
    }

    async fn parked_work(&self, mailbox: &MailboxId, work: &ParkedWork) -> Result<Option<Parked>, StoreError> {
        Ok(self.live(&ItemKey::Park(mailbox.clone(), work.clone()), self.clock.now()).map(|item| record!(Park, item)))
    }

    async fn parked(&self, mailbox: &MailboxId, limit: usize) -> Result<Vec<Parked>, StoreError> {
        let items = self.all_live(self.clock.now()).into_iter();
        let parked = items.filter_map(|item| if let Item::Park(parked) = item { Some(*parked) } else { None });
        let mut parked: Vec<Parked> = parked.filter(|parked| parked.mailbox == *mailbox).collect();
        // The table's order: a sort key is text.
        parked.sort_by_cached_key(|parked| parked.work.sort_key());
        parked.truncate(limit);
        Ok(parked)
    }
}

#[async_trait]
impl Conversations for MemoryStore {
    async fn head(&self, mailbox: &MailboxId, thread: &ThreadId, now: Timestamp) -> Result<Option<Head>, StoreError> {
        Ok(self.live(&ItemKey::Head(mailbox.clone(), thread.clone()), now).map(|item| record!(Head, item)))
    }

    async fn conversation(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        now: Timestamp,
    ) -> Result<Option<Conversation>, StoreError> {
        let Some(head) = self.head(mailbox, thread, now).await? else { return Ok(None) };
        let (mails, turns, actions, traces) = (vec![], vec![], vec![], vec![]);
        let (correspondents, notices) = (vec![], vec![]);
        let mut whole = Conversation { head, mails, turns, actions, traces, correspondents, notices };
        let ours = |mb: &MailboxId, th: &ThreadId| mb == mailbox && th == thread;
        for item in self.all_live(now) {
            match item {
                Item::Mail(record) if ours(&record.mailbox, &record.thread) => whole.mails.push(*record),
                Item::Turn(record) if ours(&record.mailbox, &record.thread) => whole.turns.push(*record),
                Item::Action(record) if ours(&record.mailbox, &record.thread) => whole.actions.push(*record),
                Item::Trace(record) if ours(&record.mailbox, &record.thread) => whole.traces.push(*record),
                Item::Notice(record) if ours(&record.mailbox, &record.thread) => whole.notices.push(*record),
                Item::Correspondent(record) if ours(&record.mailbox, &record.thread) => {
                    whole.correspondents.push(*record);
                }
                _ => {}
            }
        }
        Ok(Some(whole))
    }

    async fn list(
        &self,
        mailbox: &MailboxId,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError> {
        let heads = self.all_live(now).into_iter().filter_map(as_head).filter(|head| head.mailbox == *mailbox);
        one_page(heads.collect(), page, limit)
    }

    async fn waiting(
        &self,
        state: ConversationState,
        page: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<HeadPage, StoreError> {
        let heads = self.all_live(now).into_iter().filter_map(as_head);
        one_page(heads.filter(|head| head.state == state && state.waits_for_someone()).collect(), page, limit)
    }
}

/// Newest first; a page is the position of the last row before it, in hex.
fn one_page(heads: Vec<Head>, page: Option<&str>, limit: usize) -> Result<HeadPage, StoreError> {
    let before = page.map(unhex).transpose()?;
    let position = |head: &Head| format!("{:019}#{}#{}", head.updated_at.as_millis(), head.mailbox, head.thread);
    let mut placed: Vec<(String, Head)> = heads.into_iter().map(|head| (position(&head), head)).collect();
    placed.sort_by(|(a, _), (b, _)| b.cmp(a));
    placed.retain(|(position, _)| before.as_ref().is_none_or(|before| position < before));
    let limit = limit.max(1);
    let more = placed.len() > limit;
    placed.truncate(limit);
    let next = placed.last().filter(|_| more).map(|(position, _)| hex(position));
    Ok(HeadPage { rows: placed.into_iter().map(|(_, head)| row(head)).collect(), next })
}

fn row(head: Head) -> HeadRow {
    let Head { mailbox, thread, title, customer, state, unread, updated_at, .. } = head;
    HeadRow { mailbox, thread, title, customer, state, unread, updated_at }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(page: &str) -> Result<String, StoreError> {
    let digits = page.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let text = digits.collect::<Option<Vec<u8>>>().and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| text.split('#').count() == 3)
        .ok_or_else(|| StoreError::Broken("a page that was not given out: begin at the first".to_owned()))
}

#[async_trait]
impl NoticeTargets for MemoryStore {
    async fn targets(&self, mailbox: &MailboxId) -> Result<Option<Targets>, StoreError> {
        Ok(self.live(&ItemKey::Targets(mailbox.clone()), self.clock.now()).map(|item| record!(Targets, item)))
    }
}

#[async_trait]
impl SeenMails for MemoryStore {
    async fn seen(&self, mailbox: &MailboxId, messages: &[MessageId], now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        let mut asked = BTreeSet::new();
        let distinct = messages.iter().filter(|message| asked.insert(*message));
        let items = distinct.filter_map(|message| self.live(&ItemKey::Seen(mailbox.clone(), message.clone()), now));
        Ok(items.map(|item| record!(Seen, item)).collect())
    }
}

#[async_trait]
impl DueIndex for MemoryStore {
    /// The index knows keys only: what has expired is named as long as it lies there.
    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(ItemKey, Timestamp)>, StoreError> {
        let inner = self.inner();
        let due = inner.items.values().filter_map(|item| Some((item.key(), due_at(item)?)));
        let mut due: Vec<_> = due.filter(|(_, at)| *at <= until).collect();
        due.sort_by(|(a, at), (b, bt)| (at, a).cmp(&(bt, b)));
        due.truncate(limit);
        Ok(due)
    }
}

#[async_trait]
impl WebStates for MemoryStore {
    async fn oauth_state(&self, state_hash: &str, now: Timestamp) -> Result<Option<OAuthState>, StoreError> {
        Ok(self.live(&ItemKey::OAuthState(state_hash.to_owned()), now).map(|item| record!(OAuthState, item)))
    }

    async fn session(&self, session_hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        Ok(self.live(&ItemKey::Session(session_hash.to_owned()), now).map(|item| record!(Session, item)))
    }
}

#[async_trait]
impl Examples for MemoryStore {
    async fn example(&self, id: &ExampleId, now: Timestamp) -> Result<Option<Example>, StoreError> {
        Ok(self.live(&ItemKey::Example(id.clone()), now).map(|item| record!(Example, item)))
    }
}

#[async_trait]
impl Library for MemoryStore {
    async fn knowledge_head(&self) -> Result<KnowledgeHead, StoreError> {
        let head = self.live(&ItemKey::KnowledgeHead, self.clock.now());
        Ok(head.map(|item| record!(KnowledgeHead, item)).unwrap_or_default())
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        Ok(self.live(&ItemKey::Document(id.clone()), self.clock.now()).map(|item| record!(Document, item)))
    }

    async fn library(&self) -> Result<Vec<Document>, StoreError> {
        let items = self.all_live(self.clock.now()).into_iter();
        Ok(items.filter_map(|item| if let Item::Document(item) = item { Some(*item) } else { None }).collect())
    }
}

#[async_trait]
impl Gaps for MemoryStore {
    async fn gap(&self, id: &GapId, now: Timestamp) -> Result<Option<Gap>, StoreError> {
        Ok(self.live(&ItemKey::Gap(id.clone()), now).map(|item| record!(Gap, item)))
    }

    async fn gaps(&self, now: Timestamp) -> Result<Vec<Gap>, StoreError> {
        let items = self.all_live(now).into_iter();
        Ok(items.filter_map(|item| if let Item::Gap(item) = item { Some(*item) } else { None }).collect())
    }

    async fn gap_question(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        turn: u32,
        now: Timestamp,
    ) -> Result<Option<GapQuestion>, StoreError> {
        let key = ItemKey::GapQuestion(mailbox.clone(), thread.clone(), turn);
        Ok(self.live(&key, now).map(|item| record!(GapQuestion, item)))
    }

    async fn gap_questions(&self, limit: usize, now: Timestamp) -> Result<Vec<GapQuestion>, StoreError> {
        let items = self.all_live(now).into_iter();
        let questions = items.filter_map(|item| if let Item::GapQuestion(item) = item { Some(*item) } else { None });
        let mut questions: Vec<GapQuestion> = questions.collect();
        // The table's order: a sort key is text.
        questions.sort_by_cached_key(|one| format!("{}#{}#{:010}", one.mailbox, one.thread, one.turn));
        questions.truncate(limit);
        Ok(questions)
    }
}

#[async_trait]
impl Spending for MemoryStore {
    async fn spent(&self, counter: &CapKey, now: Timestamp) -> Result<u64, StoreError> {
        let inner = self.inner();
        let live = inner.spent.get(counter).filter(|(_, expires_at)| *expires_at > now);
        Ok(live.map_or(0, |(spent, _)| *spent))
    }

    async fn spend(&self, counter: &CapKey, micro_usd: u64, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let entry = inner.spent.entry(counter.clone()).or_insert((0, expires_at));
        *entry = (entry.0 + micro_usd, expires_at);
        Ok(())
    }
}
