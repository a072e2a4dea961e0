//! One mailbox, connected, with everything between Google and the table.

use crate::letters::{ADA, DESK, Letter, genuine};
use crate::post::{Post, Work};
use ai_worker::{AiWorker, Documents};
use assistant::KnowledgeAssistant;
use assistant::base::Likeness;
use assistant::guards::AllGuards;
use assistant::provider::{Credentials, KeySource, Model, ModelSettings};
use async_trait::async_trait;
use aws::{Meter, Table};
use channel::address::EmailAddress;
use channel::assistant::{Answer, AnswerRequest, AssistantError, KnowledgeDocument, Snapshot};
use channel::ids::{DocumentId, GrantId, HistoryId, MailboxId, ThreadId};
use channel::outcome::Outcome;
use channel::ports::*;
use channel::record::*;
use channel::time::Timestamp;
use channel::usecase::act::Act;
use channel::usecase::attachments::ReadAttachments;
use channel::usecase::budget::{BudgetedGmail, Share};
use channel::usecase::common::Rules;
use channel::usecase::due::{Due, DueReport};
use channel::usecase::example::AnswerExample;
use channel::usecase::gaps::{CloseGap, GapDesk, KeepGaps};
use channel::usecase::ingest::Ingest;
use channel::usecase::knowledge::KnowledgeDesk;
use channel::usecase::notify::NotifyTeam;
use channel::usecase::reading::ReadKnowledge;
use channel::usecase::resume::TakeUpParked;
use channel::usecase::review::Desk;
use channel::usecase::session::SiteOrigin;
use channel::usecase::sync::Sync;
use channel::usecase::turn::TakeTurn;
use futures::FutureExt;
use futures::future::BoxFuture;
use google::gmail::GoogleGmail;
use google::jwks::Jwks;
use google::oauth::{ClientSource, GoogleOAuth, OAuthEndpoints};
use google::tokens::Tokens;
use mail_sync::MailSync;
use mime::Mime;
use runtime::entropy::SystemEntropy;
use simulator::{
    AccountDump, Client, Config, Deliver, Delivered, Effect, Fault, MessageDump, Running, Simulator, Subscription, When,
};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{FailNth, FakePseudonyms, FakeTeam, Faults, ManualClock, MemoryFiles, MemoryVault, SequenceEntropy};
use tests::dynamo::{Dynamo, dynamo};
use token_refresher::TokenRefresher;

const CLIENT: &str = "flow.apps.googleusercontent.test";
const TOPIC: &str = "projects/flow/topics/gmail";

/// The time-out of `ai-worker` in `template.yaml`.
pub const WORKER_TIME: Duration = Duration::from_secs(120);

pub struct World {
    pub google: Running,
    pub clock: ManualClock,
    pub table: Arc<Table>,
    pub files: MemoryFiles,
    pub meter: Arc<Meter>,
    pub post: Arc<Post>,
    pub vault: Arc<CountingVault>,
    /// Who is told when a conversation needs a person; nobody until a test sets targets.
    pub team: Arc<FakeTeam>,
    pub asked: Arc<AtomicU32>,
    /// What the assistant was given.
    pub requests: Arc<Mutex<Vec<AnswerRequest>>>,
    pub mailbox: MailboxId,
    /// What could not be done, with its reason.
    pub dead: Vec<String>,
    /// How often the schedule runs.
    pub every: Duration,
    /// What the runs of the schedule had to tell.
    pub reports: Vec<DueReport>,
    /// Runs of the schedule that failed as a whole.
    pub failed_minutes: u32,
    /// How far Google's clock is ahead of ours, in milliseconds.
    pub skew_ms: i64,
    mail_sync: MailSync,
    /// Where people work on conversations.
    pub people: Desk,
    worker: AiWorker,
    refresher: TokenRefresher,
    _dynamo: Dynamo,
}

/// Counts what it is asked, and answers from the knowledge base as the worker does.
struct CountingAssistant {
    inner: Arc<dyn Assistant>,
    asked: Arc<AtomicU32>,
    requests: Arc<Mutex<Vec<AnswerRequest>>>,
}

#[async_trait]
impl Assistant for CountingAssistant {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.requests.lock().unwrap().push(request.clone());
        self.inner.answer(request).await
    }
}

#[derive(Default)]
pub struct CountingVault {
    inner: MemoryVault,
    pub reads: AtomicU32,
    pub writes: AtomicU32,
    /// Happens once, just before the next read: what another function does meanwhile.
    pub meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Mailboxes whose secrets may not be read.
    pub denied: Mutex<Vec<MailboxId>>,
}

#[async_trait]
impl GrantVault for CountingVault {
    async fn read(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        if self.denied.lock().unwrap().contains(mailbox) {
            return Err(VaultError::Denied("AccessDeniedException".to_owned()));
        }
        self.inner.read(mailbox, grant).await
    }
    async fn create(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.create(mailbox, grant, secret).await
    }
    async fn replace(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.replace(mailbox, grant, secret).await
    }
    async fn delete(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<(), VaultError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.delete(mailbox, grant).await
    }
}

/// The client as Google knows it.
fn client(secret: &str) -> Client {
    Client { client_id: CLIENT.into(), client_secret: secret.into(), redirect_uris: vec![], testing: false }
}

struct SameClient;

#[async_trait]
impl ClientSource for SameClient {
    async fn reload(&self) -> Result<(String, String), String> {
        Ok((CLIENT.to_owned(), "secret".to_owned()))
    }
}

/// What the test can set before anything runs.
pub struct Setup {
    pub faults: Arc<Faults>,
    /// Of the writes of sync, ingest, turns and actions alone, which may also conflict.
    pub commit_faults: Arc<Faults>,
    pub settings: Box<dyn Fn(&mut Settings) + Send>,
    pub rules: Rules,
    pub simulator: Config,
    /// Answers in the place of the knowledge base's assistant.
    pub assistant: Option<Arc<dyn Assistant>>,
    pub guards: Arc<dyn Guards>,
    pub documents: Vec<KnowledgeDocument>,
    /// Asked instead of the built-in assistant.
    pub model: Option<ModelSettings>,
    /// Tells the team in the place of the one that only keeps what it was told.
    pub notifier: Option<Arc<dyn Notifier>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            faults: Faults::none(),
            commit_faults: Faults::none(),
            settings: Box::new(|_| ()),
            rules: Rules::default(),
            simulator: Config::default(),
            assistant: None,
            guards: Arc::new(AllGuards),
            documents: knowledge(),
            model: None,
            notifier: None,
        }
    }
}

pub fn auto_reply() -> Setup {
    Setup {
        settings: Box::new(|settings| {
            settings.auto_reply = true;
            settings.draft_only = false;
        }),
        ..Setup::default()
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let google = Simulator::start(setup.simulator).await.unwrap();
        google.client(client("secret"));
        google.subscription(Subscription {
            topic: TOPIC.into(),
            subscription: "projects/flow/subscriptions/gmail".into(),
            push_endpoint: "http://127.0.0.1:9/none".into(),
            audience: String::new(),
            service_account: "push@flow.test".into(),
        });
        let clock = ManualClock::at(wall_clock());
        let (dynamo, meter) = (dynamo().await, Arc::new(Meter::default()));
        let table = Arc::new(dynamo.table(Arc::new(clock.clone())).metered(meter.clone()));
        let post = Arc::new(Post::new(Arc::new(clock.clone())));
        let (vault, asked) = (Arc::new(CountingVault::default()), Arc::new(AtomicU32::new(0)));
        let requests = Arc::new(Mutex::new(vec![]));
        let team = Arc::new(FakeTeam::default());
        let mailbox = MailboxId::parse("desk").unwrap();
        let files = MemoryFiles::new(Arc::new(clock.clone()));
        let parts = Parts {
            url: google.url().to_owned(),
            clock: clock.clone(),
            table: table.clone(),
            files: files.clone(),
            post: post.clone(),
            vault: vault.clone(),
            team: setup.notifier.unwrap_or_else(|| team.clone()),
            rules: setup.rules,
            faults: setup.faults,
            commit_faults: setup.commit_faults,
            assistant: setup.assistant,
            guards: setup.guards,
            model: setup.model,
        };
        let (mail_sync, worker, refresher, people) = parts.functions(asked.clone(), requests.clone());
        let world = Self {
            google,
            clock,
            table,
            files,
            meter,
            post,
            vault,
            team,
            asked,
            requests,
            mailbox,
            dead: vec![],
            reports: vec![],
            failed_minutes: 0,
            skew_ms: 0,
            every: Duration::from_secs(60),
            mail_sync,
            people,
            worker,
            refresher,
            _dynamo: dynamo,
        };
        world.connect(&world.mailbox, DESK, &setup.settings).await;
        world.know(setup.documents).await;
        world
    }

    /// The knowledge base as it stands when everything handed in has been read.
    async fn know(&self, documents: Vec<KnowledgeDocument>) {
        let now = self.clock.now();
        for document in &documents {
            // Pages of the evaluation have paths for ids, and lie in the snapshot alone.
            let Ok(id) = DocumentId::parse(document.id.clone()) else { continue };
            let text = text_file(&id, document.version);
            self.files.write(&text, "text/markdown", document.text.clone().into_bytes()).await.unwrap();
            let page = testkit::document(&document.id, now);
            self.table.commit(Commit::new().put(Document { title: document.title.clone(), ..page })).await.unwrap();
        }
        let snapshot = Snapshot::new(documents).to_bytes().unwrap();
        self.files.write(&snapshot_file("first"), "application/json", snapshot).await.unwrap();
        let head =
            KnowledgeHead { snapshot: Some("first".to_owned()), changes: 1, built: 1, ..KnowledgeHead::default() };
        self.table.commit(Commit::new().put(head)).await.unwrap();
    }

    /// What Google gives after consent, for the vault.
    pub fn consent(&self, address: &str) -> GrantSecret {
        let tokens = self.google.grant(CLIENT, address, &["https://www.googleapis.com/auth/gmail.modify"]).unwrap();
        GrantSecret {
            refresh_token: tokens.refresh_token,
            access_token: tokens.access_token,
            access_expires_at: self.clock.now().plus(Duration::from_secs(3_500)),
        }
    }

    /// Somebody changes the client's secret at Google.
    pub fn set_client_secret(&self, secret: &str) {
        self.google.client(client(secret));
    }

    /// What *Disconnect* leaves: no grant.
    pub async fn disconnect(&self) {
        let mut meta = self.view().await.meta;
        meta.grant = None;
        self.table.commit(Commit::new().put(meta)).await.unwrap();
    }

    /// What *Reconnect* writes when Google has said yes.
    pub async fn reconnect(&self) {
        let secret = self.consent(DESK);
        reconnect(&self.table, &self.vault, &self.mailbox, secret, self.clock.now()).await;
    }

    pub async fn connect(&self, mailbox: &MailboxId, address: &str, change: &(dyn Fn(&mut Settings) + Send)) {
        let (mailbox, now) = (mailbox.clone(), self.clock.now());
        let grant = GrantId::parse("grant-1").unwrap();
        self.vault.create(&mailbox, &grant, &self.consent(address)).await.unwrap();
        let cursor = HistoryId(self.google.dump(address).unwrap().history_id);
        let address = EmailAddress::parse(address).unwrap();
        let address_hash = FakePseudonyms.of(&address);
        let mut settings = Settings::initial(mailbox.clone());
        change(&mut settings);
        let commit = Commit::new()
            .put(MailboxMeta {
                ver: 0,
                mailbox: mailbox.clone(),
                address,
                address_hash: address_hash.clone(),
                grant: Some(grant.clone()),
                problem: None,
                connected_at: now,
                history_days: 0,
                last_mail_at: Some(now),
            })
            .put(AddressOwner { ver: 0, address_hash, mailbox: Some(mailbox.clone()) })
            .put(settings)
            .put(SyncState {
                ver: 0,
                mailbox: mailbox.clone(),
                cursor,
                cursor_at: now,
                relist: 0,
                relist_until: None,
                unconfirmed: None,
                resync: None,
                lease: None,
                last_sync_at: None,
                last_push_at: None,
                push_missed_at: None,
                swept_at: Some(now),
                recovered: 0,
                due_at: Some(now.plus(Duration::from_secs(300))),
            })
            .put(GrantRecord {
                ver: 0,
                mailbox,
                grant,
                state: GrantState::Current,
                created_at: now,
                access_expires_at: Some(now.plus(Duration::from_secs(3_500))),
                refresh_expires_at: None,
                due_at: Some(now.plus(Duration::from_secs(2_900))),
            });
        self.table.commit(commit).await.unwrap();
    }

    pub fn deliver(&self, letter: &Letter) -> Delivered {
        self.deliver_as(letter, &genuine())
    }

    pub fn deliver_as(&self, letter: &Letter, how: &Deliver) -> Delivered {
        self.google.deliver(DESK, letter.raw(), how).unwrap()
    }

    /// What the webhook enqueues after a push.
    pub fn push(&self) {
        self.push_id(self.google.dump(DESK).unwrap().history_id);
    }

    /// A push that names this history id.
    pub fn push_id(&self, id: u64) {
        let pushed = Some(HistoryId(id));
        self.post.sent.fetch_add(1, Ordering::SeqCst);
        self.post
            .put(Work::Sync(channel::work::SyncWork::Sync { mailbox: self.mailbox.clone(), pushed }), Duration::ZERO);
    }

    /// A mail that is pushed.
    pub fn receive(&self, letter: &Letter) -> Delivered {
        let delivered = self.deliver(letter);
        self.push();
        delivered
    }

    /// One message, as its function is given it.
    pub async fn work(&mut self, work: Work) {
        // A function that ends in the middle gives its message back when the visibility time-out of its queue is over.
        let ends = self.clock.now().plus(WORKER_TIME);
        let (outcome, visibility) = match work.clone() {
            Work::Sync(work) => (AssertUnwindSafe(self.mail_sync.work(work)).catch_unwind().await, 360),
            Work::Worker(work) => (AssertUnwindSafe(self.worker.work(work, Some(ends))).catch_unwind().await, 720),
        };
        let outcome =
            outcome.unwrap_or(Outcome::Retry { after: Duration::from_secs(visibility), reason: "crash".into() });
        match outcome {
            Outcome::Done | Outcome::Ignore(_) | Outcome::Defer { .. } => {}
            Outcome::Retry { after, .. } => self.post.put(work, after),
            Outcome::Fail(why) => self.dead.push(why),
        }
    }

    /// Works off the queues, the clock going along, with the schedule.
    pub async fn run_for(&mut self, length: Duration) {
        let end = self.clock.now().plus(length);
        let mut tick = self.clock.now();
        loop {
            let next = tick.min(end);
            self.drain(next).await;
            if next >= end {
                return;
            }
            let run = AssertUnwindSafe(self.refresher.handle()).catch_unwind().await;
            match run {
                Ok(Ok(report)) => self.reports.push(report),
                _ => self.failed_minutes += 1,
            }
            tick = next.plus(self.every);
        }
    }

    /// Works off what the queues hold by `until`.
    pub async fn drain(&mut self, until: Timestamp) {
        let mut steps = 0;
        while let Some((at, work)) = self.post.take(until) {
            self.go_to(at);
            self.work(work).await;
            steps += 1;
            assert!(steps < 2_000, "the queues never come to rest; dead letters: {:?}", self.dead);
        }
        self.go_to(until);
    }

    /// Works off everything that is due now, all of it at the same time.
    pub async fn all_at_once(&mut self) {
        let mut works = vec![];
        while let Some((_, work)) = self.post.take(self.clock.now()) {
            works.push(work);
        }
        let (mail_sync, worker) = (&self.mail_sync, &self.worker);
        let running = works.iter().cloned().map(|work| async move {
            match work {
                Work::Sync(work) => mail_sync.work(work).await,
                Work::Worker(work) => worker.work(work, None).await,
            }
        });
        let outcomes = futures::future::join_all(running).await;
        for (work, outcome) in works.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Retry { after, .. } => self.post.put(work, after),
                Outcome::Fail(why) => self.dead.push(why),
                Outcome::Done | Outcome::Ignore(_) | Outcome::Defer { .. } => {}
            }
        }
    }

    /// As a person does it on Gmail's own page.
    pub async fn send_draft_by_hand(&self) {
        self.on_the_draft_page(&[("do", "send")]).await;
    }

    pub async fn edit_draft_by_hand(&self, text: &str) {
        self.on_the_draft_page(&[("do", "save"), ("body", text)]).await;
    }

    async fn on_the_draft_page(&self, fields: &[(&str, &str)]) {
        let desk = self.desk();
        let draft = desk.drafts.first().expect("a draft");
        let message = desk.messages.iter().find(|message| message.id == draft.message_id).expect("the draft's message");
        let mut form: Vec<(&str, &str)> = fields.to_vec();
        if !fields.iter().any(|(name, _)| *name == "body") {
            form.push(("body", &message.text));
        }
        let page = format!("{}/mail/{DESK}/drafts/{}", self.google.url(), draft.id);
        let answer = reqwest::Client::new().post(page).form(&form).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// As the console records it: the draft is approved as it stands.
    pub async fn approve(&self, thread: &str) {
        let mut action = self.conversation(thread).await.actions.remove(0);
        let message = action.draft.clone().expect("a draft").message;
        (action.state, action.due_at) = (ActionState::Approved { message, text: None }, Some(self.clock.now()));
        self.table.commit(Commit::new().put(action)).await.unwrap();
    }

    /// What *Enabled* and *Reconnect* write.
    pub async fn resume(&self) {
        let now = self.clock.now();
        let resume = Resume { ver: 0, mailbox: self.mailbox.clone(), requested_at: now, due_at: Some(now) };
        self.table.commit(Commit::new().put(resume)).await.unwrap();
    }

    /// Long enough for a mail to be answered, whatever hint is lost.
    pub async fn settle(&mut self) {
        self.run_for(Duration::from_secs(240)).await;
    }

    /// The simulator's clock goes along.
    pub fn go_to(&self, at: Timestamp) {
        if at > self.clock.now() {
            self.clock.set(at);
            self.google.set_clock_offset(at.as_millis() - wall_clock().as_millis() + self.skew_ms);
        }
    }

    pub async fn sync_state(&self) -> SyncState {
        self.table.sync_state(&self.mailbox).await.unwrap().expect("the sync state")
    }

    /// How often Gmail was asked for this.
    pub fn asked_gmail(&self, method: &str) -> usize {
        let method = format!("gmail.users.{method}");
        self.google.calls().iter().filter(|call| call.method == method).count()
    }

    /// Lets Google do this to a call, the `nth` and so many after it.
    pub fn let_gmail(&self, method: &str, (nth, times): (u64, u64), when: When, effect: Effect) {
        let method = format!("gmail.users.{method}");
        self.google.fault(Fault { method, account: None, nth, times, when, effect });
    }

    /// Like `drain`, but every message is delivered twice, and both copies are worked off at the same time.
    pub async fn drain_doubled(&mut self, until: Timestamp) {
        let mut steps = 0;
        while let Some((at, work)) = self.post.take(until) {
            self.go_to(at);
            self.post.put(work.clone(), Duration::ZERO);
            self.post.put(work, Duration::ZERO);
            self.all_at_once().await;
            steps += 1;
            assert!(steps < 500, "the queues never come to rest");
        }
        self.go_to(until);
    }

    pub async fn conversation(&self, thread: &str) -> Conversation {
        let thread = ThreadId::parse(thread).unwrap();
        let found = self.table.conversation(&self.mailbox, &thread, self.clock.now()).await.unwrap();
        found.expect("the conversation")
    }

    pub async fn conversations(&self) -> Vec<HeadRow> {
        self.table.list(&self.mailbox, None, 100, self.clock.now()).await.unwrap().rows
    }

    pub fn desk(&self) -> AccountDump {
        self.google.dump(DESK).unwrap()
    }

    pub fn with_label(&self, label: &str) -> Vec<MessageDump> {
        self.desk().messages.into_iter().filter(|message| message.has_label(label)).collect()
    }

    pub fn drafts(&self) -> Vec<MessageDump> {
        self.with_label("DRAFT")
    }

    /// Where people tend the knowledge base.
    pub fn library(&self) -> KnowledgeDesk {
        KnowledgeDesk {
            library: self.table.clone(),
            files: Arc::new(self.files.clone()),
            commits: self.table.clone(),
            queue: self.post.clone(),
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Where people see what it lacks.
    pub fn gaps(&self) -> GapDesk {
        let KnowledgeDesk { library, files, commits, queue, clock, entropy } = self.library();
        GapDesk { gaps: self.table.clone(), library, files, commits, queue, clock, entropy }
    }

    /// What the customer got.
    pub fn answers(&self) -> Vec<MessageDump> {
        self.google.dump(ADA).unwrap().messages.into_iter().filter(|message| message.has_label("INBOX")).collect()
    }

    pub async fn view(&self) -> MailboxView {
        self.table.mailbox(&self.mailbox).await.unwrap().expect("the mailbox")
    }

    pub async fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.view().await.settings;
        change(&mut settings);
        self.table.commit(Commit::new().put(settings)).await.unwrap();
    }

    pub async fn table_put(&self, item: impl Into<Item>) {
        self.table.commit(Commit::new().put(item)).await.unwrap();
    }

    /// Everything of a turn that is open, for assertions: (turn, action) codes.
    pub async fn states(&self, thread: &str) -> Vec<(TurnState, Option<&'static str>)> {
        let conversation = self.conversation(thread).await;
        let action =
            |no| conversation.actions.iter().find(|action| action.turn == no).map(|action| action.state.code());
        conversation.turns.iter().map(|turn| (turn.state, action(turn.no))).collect()
    }
}

/// The switch to another grant, with what was parked to be taken up.
pub async fn reconnect(table: &Table, vault: &CountingVault, mailbox: &MailboxId, secret: GrantSecret, now: Timestamp) {
    let mut meta = table.mailbox(mailbox).await.unwrap().expect("the mailbox").meta;
    let grant = GrantId::parse(format!("grant-{}", now.as_millis())).unwrap();
    vault.create(mailbox, &grant, &secret).await.unwrap();
    let mut commit = Commit::new();
    let former_was_none = meta.grant.is_none();
    if let Some(former) = meta.grant.replace(grant.clone())
        && let Some(mut record) = table.grant(mailbox, &former).await.unwrap()
    {
        (record.state, record.due_at) = (GrantState::Former, Some(now));
        commit = commit.put(record);
    }
    meta.problem = None;
    if former_was_none {
        // Disconnecting was a decision: what came since is history.
        meta.connected_at = now;
    }
    let record = GrantRecord {
        ver: 0,
        mailbox: mailbox.clone(),
        grant,
        state: GrantState::Current,
        created_at: now,
        access_expires_at: Some(secret.access_expires_at),
        refresh_expires_at: None,
        due_at: Some(now.plus(Duration::from_secs(2_900))),
    };
    let mut sync = table.sync_state(mailbox).await.unwrap().expect("the sync state");
    sync.due_at = Some(now);
    let ver = table.resume(mailbox).await.unwrap().map_or(0, |resume| resume.ver);
    let resume = Resume { ver, mailbox: mailbox.clone(), requested_at: now, due_at: Some(now) };
    table.commit(commit.put(meta).put(record).put(sync).put(resume)).await.unwrap();
}

struct Parts {
    url: String,
    clock: ManualClock,
    table: Arc<Table>,
    files: MemoryFiles,
    post: Arc<Post>,
    vault: Arc<CountingVault>,
    team: Arc<dyn Notifier>,
    rules: Rules,
    faults: Arc<Faults>,
    commit_faults: Arc<Faults>,
    assistant: Option<Arc<dyn Assistant>>,
    guards: Arc<dyn Guards>,
    model: Option<ModelSettings>,
}

/// A server of one's own asks for no key.
struct NoKey;

#[async_trait]
impl KeySource for NoKey {
    async fn key(&self, _afresh: bool) -> Result<Option<String>, String> {
        Ok(None)
    }
}

impl Parts {
    fn functions(
        self,
        asked: Arc<AtomicU32>,
        requests: Arc<Mutex<Vec<AnswerRequest>>>,
    ) -> (MailSync, AiWorker, TokenRefresher, Desk) {
        let Self {
            url,
            clock,
            table,
            files,
            post,
            vault,
            team,
            rules,
            faults,
            commit_faults,
            assistant,
            guards,
            model,
        } = self;
        let table = Arc::new(FailNth::new(table, faults.clone()));
        let commits = Arc::new(FailNth::new(table.clone(), commit_faults));
        let post = Arc::new(FailNth::new(post, faults.clone()));
        let files = Arc::new(FailNth::new(Arc::new(files), faults.clone()));
        let vault = Arc::new(FailNth::new(vault, faults));
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let entropy = Arc::new(SequenceEntropy::default());
        let http = runtime::http::client().unwrap();
        let jwks = Arc::new(Jwks::new(http.clone(), format!("{url}/oauth2/v3/certs"), clock.clone()));
        let endpoints = OAuthEndpoints {
            auth: format!("{url}/o/oauth2/v2/auth"),
            token: format!("{url}/token"),
            revoke: format!("{url}/revoke"),
            issuer: url.clone(),
        };
        let client = (CLIENT.to_owned(), "secret".to_owned());
        let oauth = Arc::new(GoogleOAuth::new(http.clone(), endpoints, client, Arc::new(SameClient), jwks));
        let tokens = Arc::new(Tokens::new(vault.clone(), oauth.clone(), clock.clone()));
        let model = model.map(|settings| {
            let key = Credentials::Key(Arc::new(NoKey));
            Arc::new(Model::new(settings, key, http.clone(), clock.clone(), entropy.clone()))
        });
        let spending = model.as_ref().map(|_| -> Arc<dyn Spending> { table.clone() });
        let gmail = Arc::new(GoogleGmail::new(http, &url, Some(TOPIC.to_owned()), tokens, clock.clone()).unwrap());
        let budgeted = |share| -> Arc<dyn Gmail> {
            Arc::new(BudgetedGmail::new(gmail.clone(), table.clone(), table.clone(), clock.clone(), share))
        };
        let mail_sync = MailSync {
            sync: Sync {
                mailboxes: table.clone(),
                engines: table.clone(),
                conversations: table.clone(),
                seen: table.clone(),
                commits: commits.clone(),
                gmail: budgeted(Share::Background),
                queue: post.clone(),
                clock: clock.clone(),
                entropy: entropy.clone(),
                rules: rules.clone(),
            },
            ingest: Ingest {
                engines: table.clone(),
                mailboxes: table.clone(),
                conversations: table.clone(),
                seen: table.clone(),
                commits: commits.clone(),
                gmail: budgeted(Share::Background),
                reader: Arc::new(Mime),
                pseudonyms: Arc::new(FakePseudonyms),
                sync_queue: post.clone(),
                work_queue: post.clone(),
                clock: clock.clone(),
                rules: rules.clone(),
            },
        };
        let known = KnowledgeAssistant::new(table.clone(), files.clone()).with_model(model);
        let inner = assistant.unwrap_or_else(|| Arc::new(known));
        let assistant: Arc<dyn Assistant> = Arc::new(CountingAssistant { inner, asked, requests });
        let worker = AiWorker {
            turns: TakeTurn {
                engines: table.clone(),
                mailboxes: table.clone(),
                conversations: table.clone(),
                commits: commits.clone(),
                assistant: assistant.clone(),
                attachments: ReadAttachments { gmail: budgeted(Share::Answers), reader: Arc::new(Mime) },
                guards: guards.clone(),
                spending: spending.clone(),
                writer: Arc::new(Mime),
                queue: post.clone(),
                clock: clock.clone(),
                entropy: entropy.clone(),
                gaps: KeepGaps { gaps: table.clone(), gists: Arc::new(Likeness) },
                rules: rules.clone(),
            },
            knowledge: ReadKnowledge {
                library: table.clone(),
                files,
                reader: Arc::new(Documents),
                commits: table.clone(),
                queue: post.clone(),
                clock: clock.clone(),
                entropy: entropy.clone(),
                lease: rules.lease,
            },
            gaps: CloseGap {
                gaps: table.clone(),
                library: table.clone(),
                conversations: table.clone(),
                commits: table.clone(),
                queue: post.clone(),
                clock: clock.clone(),
            },
            actions: Act {
                engines: table.clone(),
                seen: table.clone(),
                mailboxes: table.clone(),
                conversations: table.clone(),
                commits: commits.clone(),
                gmail: budgeted(Share::Answers),
                writer: Arc::new(Mime),
                pseudonyms: Arc::new(FakePseudonyms),
                queue: post.clone(),
                sync_queue: post.clone(),
                clock: clock.clone(),
                entropy,
                rules: rules.clone(),
            },
            team: NotifyTeam {
                mailboxes: table.clone(),
                conversations: table.clone(),
                targets: table.clone(),
                commits: table.clone(),
                notifier: team,
                clock: clock.clone(),
                site: SiteOrigin::parse("https://post.example.com").unwrap(),
                lease: rules.lease,
            },
            parked: TakeUpParked {
                mailboxes: table.clone(),
                engines: table.clone(),
                conversations: table.clone(),
                commits: commits.clone(),
                sync_queue: post.clone(),
                work_queue: post.clone(),
                clock: clock.clone(),
                rules: rules.clone(),
            },
            examples: AnswerExample {
                mailboxes: table.clone(),
                examples: table.clone(),
                commits: table.clone(),
                assistant,
                guards,
                spending,
                clock: clock.clone(),
                rules: rules.clone(),
            },
        };
        let people = Desk {
            mailboxes: table.clone(),
            conversations: table.clone(),
            commits: table.clone(),
            gmail: budgeted(Share::Answers),
            reader: Arc::new(Mime),
            writer: Arc::new(Mime),
            queue: post.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            retention: rules.retention,
        };
        let refresher = TokenRefresher {
            due: Due {
                mailboxes: table.clone(),
                engines: table.clone(),
                due: table.clone(),
                library: table.clone(),
                commits: table.clone(),
                vault,
                oauth,
                gmail: budgeted(Share::Background),
                sync_queue: post.clone(),
                work_queue: post.clone(),
                clock: clock.clone(),
                rules,
            },
        };
        (mail_sync, worker, refresher, people)
    }
}

fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(0).plus(since)
}

/// Enough for the questions of the tests.
fn knowledge() -> Vec<KnowledgeDocument> {
    let text = "## Returns\n\nYou have 30 days to return an item. The parcel label for a return is free.\n\n\
                ## Shipping\n\nDelivery within the country takes 2 to 4 working days.\n";
    vec![KnowledgeDocument { id: "shop".into(), title: "Shop".into(), text: text.into(), version: 1 }]
}
