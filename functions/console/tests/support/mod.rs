//! The world around the browser-facing functions: testkit's store, and strict fakes of what only these two suites need;
//! a call that a test did not prepare panics.

use async_trait::async_trait;
use channel::address::{EmailAddress, Mailbox};
use channel::ids::*;
use channel::mail::*;
use channel::ports::*;
use channel::record::*;
use channel::time::Timestamp;
use channel::usecase::authorisation::Authorisations;
use channel::usecase::session::{Door, Operators, SiteOrigin};
use channel::work::{SyncWork, WorkerWork};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{FakeTeam, ManualClock, MemoryFiles, MemoryStore};

pub const START: i64 = 1_795_363_500;

pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

pub fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Google, the queues and the vault, with what a test prepared and what they were asked for.
#[derive(Default)]
pub struct Outside {
    pub secrets: Mutex<BTreeMap<(MailboxId, GrantId), GrantSecret>>,
    pub sync_work: Mutex<Vec<SyncWork>>,
    pub worker_work: Mutex<Vec<WorkerWork>>,
    drawn: AtomicU64,
    /// The account that a grant opens; `Err` when Gmail refuses.
    pub profile: Mutex<Option<Result<Profile, GmailError>>>,
    pub labels: Mutex<Option<Result<Vec<GmailLabel>, GmailError>>>,
    pub drafts: Mutex<BTreeMap<DraftId, (DraftRef, Vec<u8>)>>,
    pub gmail_down: Mutex<bool>,
    pub stopped: Mutex<Vec<Access>>,
    pub revoked: Mutex<Vec<String>>,
    pub revoke_fails: Mutex<bool>,
    pub tokens: Mutex<Option<Result<TokenAnswer, OAuthError>>>,
    pub exchanges: AtomicU64,
    pub id_token: Mutex<Option<IdToken>>,
    pub built_in: Mutex<bool>,
    /// Who is told, and what they answered.
    pub team: Arc<FakeTeam>,
    /// The next commit is refused because the store is down.
    pub store_down: Mutex<bool>,
    /// The number of the commit that fails, counted down from now, and whether it does so after its effect.
    pub failing_commit: Mutex<Option<(usize, bool)>>,
}

/// Everything that is not ours: the store of testkit under a clock that stands still, and [`Outside`].
pub struct World {
    pub store: Arc<MemoryStore>,
    pub files: Arc<MemoryFiles>,
    clock: ManualClock,
    outside: Outside,
}

impl std::ops::Deref for World {
    type Target = Outside;
    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl World {
    pub fn new() -> Arc<Self> {
        let clock = ManualClock::at(at(0));
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let files = Arc::new(MemoryFiles::new(Arc::new(clock.clone())));
        Arc::new(Self { store, files, clock, outside: Outside::default() })
    }

    pub fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    pub fn seed(&self, item: impl Into<Item>) {
        self.store.seed(item);
    }

    pub fn find<T>(&self, pick: impl Fn(&Item) -> Option<T>) -> Vec<T> {
        self.store.everything().iter().filter_map(pick).collect()
    }

    pub fn snapshot(&self) -> Vec<Item> {
        self.store.everything()
    }
}

macro_rules! pick {
    ($kind:ident) => {
        |item: &Item| match item {
            Item::$kind(record) => Some((**record).clone()),
            _ => None,
        }
    };
}
pub(crate) use pick;

#[async_trait]
impl Commits for World {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        let lost = || CommitError::from(StoreError::Unavailable("lost".to_owned()));
        let fails = {
            let mut failing = self.failing_commit.lock().unwrap();
            let now = failing.filter(|(left, _)| *left == 0).map(|(_, after)| after);
            *failing = failing.and_then(|(left, after)| left.checked_sub(1).map(|left| (left, after)));
            now
        };
        if fails == Some(false) {
            return Err(lost());
        }
        if *self.store_down.lock().unwrap() {
            return Err(StoreError::Unavailable("down".to_owned()).into());
        }
        self.store.commit(commit).await?;
        if fails == Some(true) { Err(lost()) } else { Ok(()) }
    }
}

#[async_trait]
impl SyncQueue for World {
    async fn send(&self, work: Vec<SyncWork>, _after: Duration) -> Result<(), QueueError> {
        self.sync_work.lock().unwrap().extend(work);
        Ok(())
    }
}

#[async_trait]
impl WorkQueue for World {
    async fn send(&self, work: Vec<WorkerWork>, _after: Duration) -> Result<(), QueueError> {
        self.worker_work.lock().unwrap().extend(work);
        Ok(())
    }
}

#[async_trait]
impl GrantVault for World {
    async fn read(&self, id: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError> {
        self.secrets.lock().unwrap().get(&(id.clone(), grant.clone())).cloned().ok_or(VaultError::Missing)
    }
    async fn create(&self, id: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        let recorded = self.store.stored(&ItemKey::Grant(id.clone(), grant.clone())).is_some();
        assert!(recorded, "the record of a grant comes before its secret");
        let former = self.secrets.lock().unwrap().insert((id.clone(), grant.clone()), secret.clone());
        assert!(former.is_none(), "a secret is created once");
        Ok(())
    }
    async fn replace(&self, _: &MailboxId, _: &GrantId, _: &GrantSecret) -> Result<(), VaultError> {
        panic!("only token-refresher replaces a secret");
    }
    async fn delete(&self, id: &MailboxId, grant: &GrantId) -> Result<(), VaultError> {
        self.secrets.lock().unwrap().remove(&(id.clone(), grant.clone()));
        Ok(())
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Entropy for World {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }
}

impl Pseudonyms for World {
    fn of(&self, address: &EmailAddress) -> String {
        channel::usecase::session::sha256_hex(&format!("key {}", address.canonical()))
    }
}

impl MailReader for World {
    fn headers(&self, _: &[(String, String)]) -> MailHeaders {
        panic!("the console reads no headers");
    }
    fn read(&self, raw: &[u8]) -> Result<ReadMail, Unreadable> {
        let text = String::from_utf8(raw.to_vec()).map_err(|_| Unreadable::NotMail)?;
        Ok(ReadMail { text, ..ReadMail::default() })
    }
    fn may_hold_text(&self, _: &Attachment) -> bool {
        panic!("the console reads no attachments");
    }
    fn attachments(&self, _: &[u8], _: &[u32]) -> Vec<Result<AttachedText, String>> {
        panic!("the console reads no attachments");
    }
}

impl MailWriter for World {
    fn reply_subject(&self, subject: &str) -> String {
        format!("Re: {subject}")
    }
    fn reply_references(&self, parent: &MailHeaders) -> (Option<String>, Vec<String>) {
        (parent.message_id.clone(), parent.message_id.clone().into_iter().collect())
    }
    fn reply_recipients(&self, parent: &MailHeaders, own: &[EmailAddress]) -> Vec<Mailbox> {
        let from = if parent.reply_to.is_empty() { &parent.from } else { &parent.reply_to };
        from.iter().filter(|from| !own.contains(&from.email)).cloned().collect()
    }
    fn reply_goes_elsewhere(&self, _: &MailHeaders) -> bool {
        false
    }
    fn write_reply(&self, _: &OutgoingReply) -> Result<Vec<u8>, String> {
        panic!("only the worker writes mails");
    }
}

const WORKERS: &str = "only the workers do this";

#[async_trait]
impl Gmail for World {
    async fn profile(&self, access: &Access) -> Result<Profile, GmailError> {
        GrantVault::read(self, &access.mailbox, &access.grant).await.map_err(|_| GmailError::GrantMissing)?;
        self.profile.lock().unwrap().clone().expect("a profile was prepared")
    }
    async fn labels(&self, _: &Access) -> Result<Vec<GmailLabel>, GmailError> {
        self.labels.lock().unwrap().clone().expect("labels were prepared")
    }
    async fn stop(&self, access: &Access) -> Result<(), GmailError> {
        self.stopped.lock().unwrap().push(access.clone());
        Ok(())
    }
    async fn draft_raw(&self, _: &Access, draft: &DraftId) -> Result<(DraftRef, Vec<u8>), GmailError> {
        if *self.gmail_down.lock().unwrap() {
            return Err(GmailError::Unavailable("down".to_owned()));
        }
        self.drafts.lock().unwrap().get(draft).cloned().ok_or(GmailError::NotFound)
    }
    /// Connecting asks for it at once; here it is left to token-refresher.
    async fn watch(&self, _: &Access, _: &[LabelId]) -> Result<Timestamp, GmailError> {
        Err(GmailError::Unavailable("no push in these tests".to_owned()))
    }
    async fn history(&self, _: &Access, _: HistoryId, _: Option<&str>) -> Result<HistoryPage, GmailError> {
        panic!("{WORKERS}");
    }
    async fn list(
        &self,
        _: &Access,
        _: &LabelId,
        _: Option<Timestamp>,
        _: Option<&str>,
    ) -> Result<MessageList, GmailError> {
        panic!("{WORKERS}");
    }
    async fn headers(&self, _: &Access, _: &MessageId) -> Result<MessageHeaders, GmailError> {
        panic!("{WORKERS}");
    }
    async fn raw(&self, _: &Access, _: &MessageId) -> Result<Vec<u8>, GmailError> {
        panic!("{WORKERS}");
    }
    async fn thread(&self, _: &Access, _: &ThreadId) -> Result<Vec<MessageHeaders>, GmailError> {
        panic!("{WORKERS}");
    }
    async fn create_draft(&self, _: &Access, _: &ThreadId, _: &[u8]) -> Result<DraftRef, GmailError> {
        panic!("{WORKERS}");
    }
    async fn update_draft(&self, _: &Access, _: &DraftId, _: &ThreadId, _: &[u8]) -> Result<DraftRef, GmailError> {
        panic!("{WORKERS}");
    }
    async fn draft(&self, _: &Access, _: &DraftId) -> Result<DraftRef, GmailError> {
        panic!("{WORKERS}");
    }
    async fn drafts_in(&self, _: &Access, _: &ThreadId) -> Result<Vec<DraftRef>, GmailError> {
        panic!("{WORKERS}");
    }
    async fn delete_draft(&self, _: &Access, _: &DraftId) -> Result<(), GmailError> {
        panic!("{WORKERS}");
    }
    async fn send_draft(&self, _: &Access, _: &DraftId) -> Result<MessageId, GmailError> {
        panic!("{WORKERS}");
    }
}

#[async_trait]
impl OAuth for World {
    fn connect_url(&self, redirect: &str, state: &str, challenge: &str, hint: Option<&str>) -> String {
        let hint = hint.unwrap_or("");
        format!("https://accounts.example.com/auth?redirect={redirect}&state={state}&challenge={challenge}&hint={hint}")
    }
    fn sign_in_url(&self, redirect: &str, state: &str, challenge: &str, nonce: &str) -> String {
        format!(
            "https://accounts.example.com/auth?redirect={redirect}&state={state}&challenge={challenge}&nonce={nonce}"
        )
    }
    async fn exchange(&self, _: &str, _: &str, verifier: &str) -> Result<TokenAnswer, OAuthError> {
        assert!(verifier.len() >= 43, "RFC 7636 4.1");
        self.exchanges.fetch_add(1, Ordering::SeqCst);
        self.tokens.lock().unwrap().clone().expect("an answer to the exchange was prepared")
    }
    async fn refresh(&self, _: &str) -> Result<TokenAnswer, OAuthError> {
        panic!("{WORKERS}");
    }
    async fn revoke(&self, token: &str) -> Result<(), OAuthError> {
        if *self.revoke_fails.lock().unwrap() {
            return Err(OAuthError::Unavailable("down".to_owned()));
        }
        self.revoked.lock().unwrap().push(token.to_owned());
        Ok(())
    }
    async fn verify_id_token(&self, token: &str, nonce: &str, _: Timestamp) -> Result<IdToken, OAuthError> {
        assert_eq!((token, nonce.len()), ("id-token", 64));
        self.id_token.lock().unwrap().clone().ok_or_else(|| OAuthError::Refused("a bad token".to_owned()))
    }
}

pub fn tokens(scope: &str) -> TokenAnswer {
    TokenAnswer {
        access_token: "access".to_owned(),
        expires_in: Duration::from_secs(3599),
        refresh_token: Some("refresh".to_owned()),
        refresh_expires_in: None,
        scope: Some(scope.to_owned()),
        id_token: Some("id-token".to_owned()),
    }
}

pub const ORIGIN: &str = "https://post.example.com";

pub fn door(world: &Arc<World>) -> Door {
    Door {
        origin: SiteOrigin::parse(ORIGIN).unwrap(),
        operators: Operators::parse("op@example.com,@example.org").unwrap(),
        states: world.store.clone(),
        commits: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
    }
}

pub fn authorisations(world: &Arc<World>) -> Authorisations {
    Authorisations { states: world.store.clone(), commits: world.clone(), clock: world.clone(), entropy: world.clone() }
}

/// A browser with one cookie jar, driving a router by real Lambda events of the HTTP API (payload 2.0).
pub struct Browser {
    pub router: axum::Router,
    pub cookies: BTreeMap<String, String>,
    pub origin: Option<String>,
}

pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Reply {
    /// The code of the message that the browser is sent on with.
    pub fn code(&self) -> Option<&str> {
        let refresh = || self.headers.get("refresh").and_then(|value| value.to_str().ok());
        self.location.as_deref().or_else(refresh)?.split_once("message=").map(|(_, code)| code)
    }
}

pub fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

impl Browser {
    pub fn new(router: axum::Router) -> Self {
        Self { router, cookies: BTreeMap::new(), origin: Some(ORIGIN.to_owned()) }
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = encode(fields);
        self.send("POST", path, Some(("application/x-www-form-urlencoded", body))).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: Option<(&str, String)>) -> Reply {
        use tower::ServiceExt;
        let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = serde_json::Map::new();
        headers.insert("host".to_owned(), "post.example.com".into());
        if let Some((kind, _)) = &body {
            headers.insert("content-type".to_owned(), (*kind).into());
        }
        if let Some(origin) = self.origin.as_deref().filter(|_| method == "POST") {
            headers.insert("origin".to_owned(), origin.into());
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": query, "headers": headers,
            "cookies": cookies, "body": body.as_ref().map(|(_, body)| body), "isBase64Encoded": false,
            "requestContext": {"accountId": "1", "apiId": "api", "domainName": "post.example.com", "stage": "$default",
                "requestId": "r", "routeKey": "$default", "time": "22/Nov/2026:16:05:00 +0000", "timeEpoch": 1_795_363_500_000_i64,
                "http": {"method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}},
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        Reply {
            status: parts.status.as_u16(),
            location: parts.headers.get("location").map(|value| value.to_str().unwrap().to_owned()),
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// A signed-in browser and the token of its forms.
pub async fn signed_in(world: &Arc<World>, router: axum::Router) -> (Browser, String) {
    let door = door(world);
    let cookie = door.open(email("op@example.com")).await.unwrap();
    let header = format!("__Host-postroom={cookie}");
    let who = door.signed_in(&[&header]).await.unwrap().unwrap();
    let mut browser = Browser::new(router);
    browser.cookies.insert("__Host-postroom".to_owned(), cookie);
    (browser, who.form_token)
}

// ---- a mailbox with one conversation ------------------------------------------------------------------------------

pub fn mailbox_id() -> MailboxId {
    MailboxId::parse("mb1").unwrap()
}

pub fn grant_id() -> GrantId {
    GrantId::parse("g1").unwrap()
}

pub fn thread_id() -> ThreadId {
    ThreadId::parse("t1").unwrap()
}

pub fn connected_mailbox(world: &World) {
    let (mailbox, grant) = (mailbox_id(), grant_id());
    let address = email("support@example.com");
    let hash = world.of(&address);
    world.seed(MailboxMeta {
        ver: 0,
        mailbox: mailbox.clone(),
        address: address.clone(),
        address_hash: hash.clone(),
        grant: Some(grant.clone()),
        problem: None,
        connected_at: at(-86_400),
        history_days: 7,
        last_mail_at: Some(at(-600)),
    });
    world.seed(Settings::initial(mailbox.clone()));
    world.seed(AddressOwner { ver: 0, address_hash: hash, mailbox: Some(mailbox.clone()) });
    world.seed(GrantRecord {
        ver: 0,
        mailbox: mailbox.clone(),
        grant: grant.clone(),
        state: GrantState::Current,
        created_at: at(-86_400),
        access_expires_at: Some(at(1800)),
        refresh_expires_at: None,
        due_at: Some(at(1500)),
    });
    world.seed(SyncState {
        ver: 0,
        mailbox: mailbox.clone(),
        cursor: HistoryId(100),
        cursor_at: at(-60),
        relist: 0,
        relist_until: None,
        unconfirmed: None,
        resync: None,
        lease: None,
        last_sync_at: Some(at(-60)),
        last_push_at: Some(at(-90)),
        push_missed_at: None,
        swept_at: None,
        recovered: 0,
        due_at: Some(at(240)),
    });
    world.seed(WatchState {
        ver: 0,
        mailbox: mailbox.clone(),
        expiration: Some(at(500_000)),
        renewed_at: Some(at(-86_400)),
        last_error: None,
        due_at: Some(at(3_600)),
    });
    let secret = GrantSecret {
        refresh_token: "old-refresh".to_owned(),
        access_token: "old".to_owned(),
        access_expires_at: at(1800),
    };
    world.secrets.lock().unwrap().insert((mailbox, grant), secret);
}

pub fn head(state: ConversationState) -> Head {
    Head {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        title: "Where is my order?".to_owned(),
        customer: Mailbox { name: Some("Ada Customer".to_owned()), email: email("ada@customer.test") },
        answered_by: email("support@example.com"),
        state,
        state_reason: None,
        unread: true,
        updated_at: at(-600),
        taken_over: None,
        last_turn: 1,
        mails: 1,
        lease: None,
        expires_at: at(2_000_000),
    }
}

pub fn customer_mail(id: &str, secs: i64, text: &str) -> StoredMail {
    let headers = MailHeaders {
        from: vec![Mailbox { name: Some("Ada Customer".to_owned()), email: email("ada@customer.test") }],
        subject: "Where is my order?".to_owned(),
        message_id: Some(format!("<{id}@customer.test>")),
        authentication: Authentication::Pass,
        ..MailHeaders::default()
    };
    StoredMail {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        message: MessageId::parse(id).unwrap(),
        internal_date: at(secs),
        author: channel::assistant::Author::Customer,
        headers,
        text: text.to_owned(),
        truncated: false,
        attachments: vec![],
        obstacles: vec![],
        labels: vec![LabelId::parse("INBOX").unwrap()],
        turn: Some(1),
        expires_at: at(2_000_000),
    }
}

pub fn turn(state: TurnState) -> Turn {
    Turn {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        no: 1,
        rev: 1,
        state,
        reason: None,
        opened_at: at(-600),
        settle_until: at(-570),
        mails: vec![MessageId::parse("m1").unwrap()],
        slot: Some(AnswerSlot { step: step(), rev: 1 }),
        flow: "mode@1".to_owned(),
        gap: None,
        due_at: None,
        expires_at: at(2_000_000),
    }
}

pub fn step() -> StepName {
    StepName::parse("answer").unwrap()
}

pub fn draft_ref(message: &str) -> DraftRef {
    DraftRef { draft: DraftId::parse("d1").unwrap(), message: MessageId::parse(message).unwrap() }
}

pub fn action(kind: ActionKind, state: ActionState) -> Action {
    Action {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        turn: 1,
        step: step(),
        rev: 1,
        kind,
        reply: OutgoingReply {
            from: Mailbox { name: None, email: email("support@example.com") },
            to: vec![Mailbox { name: Some("Ada Customer".to_owned()), email: email("ada@customer.test") }],
            cc: vec![],
            subject: "Re: Where is my order?".to_owned(),
            text: "Your order left on Monday.\n".to_owned(),
            in_reply_to: None,
            references: vec![],
            marker: "marker".to_owned(),
            machine_sent: kind == ActionKind::Send,
        },
        draft: (state == ActionState::Drafted).then(|| draft_ref("dm1")),
        state,
        due_at: (kind == ActionKind::Send).then(|| at(3_600)),
        not_before: None,
        budget_taken: false,
        by: None,
        updated_at: at(-500),
        expires_at: at(2_000_000),
    }
}

/// A conversation with a draft that waits for review, as it stands in Gmail.
pub fn conversation_in_review(world: &World) {
    world.seed(head(ConversationState::Review));
    world.seed(customer_mail("m1", -600, "Hello,\nwhere is my order?\n"));
    world.seed(turn(TurnState::Planned));
    world.seed(action(ActionKind::Draft, ActionState::Drafted));
    world.seed(Trace {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        turn: 1,
        rev: 1,
        entries: vec![TraceEntry {
            at: at(-510),
            step: "assistant".to_owned(),
            said: "Answered from 1 source.".to_owned(),
        }],
        sources: vec![channel::assistant::Source {
            id: "shipping#1".to_owned(),
            title: "Shipping times".to_owned(),
            passage: "Orders leave on Mondays.".to_owned(),
        }],
        confidence: Some(0.82),
        usage: None,
        expires_at: at(2_000_000),
    });
    let raw = b"Your order left on Monday.\n".to_vec();
    world.drafts.lock().unwrap().insert(DraftId::parse("d1").unwrap(), (draft_ref("dm1"), raw));
}

/// A conversation whose answer will be sent by machine in an hour.
pub fn conversation_pending(world: &World) {
    world.seed(head(ConversationState::Pending));
    world.seed(customer_mail("m1", -600, "Hello,\nwhere is my order?\n"));
    world.seed(turn(TurnState::Planned));
    world.seed(action(ActionKind::Send, ActionState::Planned));
}
