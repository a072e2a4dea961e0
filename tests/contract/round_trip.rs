//! Every kind of item comes back as it was put, with all fields and with as few as there may be.

use crate::harness::{Under, on_both};
use channel::assistant::{Author, Personality, Source, Usage};
use channel::ids::{DraftId, HistoryId, LabelId, LeaseToken};
use channel::mail::{Attachment, Authentication, Obstacle, Suppression};
use channel::ports::Clock;
use channel::record::*;
use channel::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use testkit::*;

on_both! {
    every_kind_comes_back_as_it_was_put
    history_ids_above_the_signed_range_come_back
    a_conversation_comes_back_in_order
    a_conversation_shows_nothing_that_has_expired
    a_mailbox_needs_its_settings
    mailboxes_are_listed_by_address
    seen_mails_are_found_by_the_hundred
}

fn lease(now: Timestamp) -> Option<Lease> {
    let token = LeaseToken::parse("lease-1").unwrap();
    Some(Lease { token, until: now, purpose: "plan".to_owned(), attempts: 3 })
}

fn label(text: &str) -> LabelId {
    LabelId::parse(text).unwrap()
}

/// One full and, where fields are optional, one bare item of every kind.
pub fn every_kind(now: Timestamp) -> Vec<Item> {
    let mut items = vec![Organisation { ver: 0, sending_stopped: true }.into()];
    items.extend(mailbox_items(now));
    items.extend(engine_items(now));
    items.extend(conversation_items(now));
    items.extend(action_items(now));
    items.extend(notice_items(now));
    items.extend(web_items(now));
    items.extend(knowledge_items(now));
    items
}

fn mailbox_items(now: Timestamp) -> Vec<Item> {
    let bare = mailbox_meta("mb", now);
    let problem = GrantProblem { kind: GrantProblemKind::BlockedByAdmin, grant: grant_id("grant-1"), at: now };
    let full = MailboxMeta { problem: Some(problem), last_mail_at: Some(now), ..mailbox_meta("mb2", now) };
    let personality =
        Personality {
            tone: "friendly, „du“ ✓".to_owned(), disclosure: Some(String::new()), ..Personality::default()
        };
    let exclusions = Exclusions {
        senders: vec![address("Boss@Example.org")],
        domains: vec!["example.org".to_owned()],
        labels: vec![label("Label_1")],
        subject_words: vec!["rechnung".to_owned()],
        bulk: false,
    };
    let settings = Settings { exclusions, personality, delay_secs: 60, ..Settings::initial(mailbox_id("mb2")) };
    let owned = AddressOwner { ver: 0, address_hash: "0a".to_owned(), mailbox: Some(mailbox_id("mb")) };
    let free = AddressOwner { ver: 0, address_hash: "0b".to_owned(), mailbox: None };
    vec![
        bare.into(),
        Settings::initial(mailbox_id("mb")).into(),
        full.into(),
        settings.into(),
        owned.into(),
        free.into(),
    ]
}

fn notice_items(now: Timestamp) -> Vec<Item> {
    let mut targets = targets("mb");
    targets.targets[0].problem = Some(TargetProblem { at: now, why: "Slack refused.".to_owned() });
    let states = [
        DeliveryState::Planned { not_before: now, why: Some("429".to_owned()) },
        DeliveryState::Planned { not_before: now, why: None },
        DeliveryState::Sending,
        DeliveryState::Delivered,
        DeliveryState::Failed { why: "gone".to_owned() },
        DeliveryState::Unknown { why: "lost".to_owned() },
    ];
    let delivery = |state| Delivery {
        target: targets.targets[0].id.clone(),
        name: "Team".to_owned(),
        state,
        attempts: 2,
        updated_at: now,
    };
    let bare = Notice {
        ver: 0,
        mailbox: mailbox_id("mb"),
        thread: thread_id("t1"),
        turn: 1,
        event: NoticeEvent::NeedsPerson,
        reason: "A complaint.".to_owned(),
        deliveries: None,
        created_at: now,
        due_at: None,
        expires_at: now.plus(Duration::from_secs(60)),
    };
    let deliveries = Some(states.map(delivery).to_vec());
    let full = Notice { turn: 2, deliveries, due_at: Some(now), ..bare.clone() };
    vec![targets.into(), Targets::none(mailbox_id("mb3")).into(), bare.into(), full.into()]
}

fn engine_items(now: Timestamp) -> Vec<Item> {
    let mailbox = || mailbox_id("mb2");
    let resync = Resync {
        reason: ResyncReason::Gap,
        profile_id: HistoryId(u64::MAX - 1),
        since: now,
        labels: vec![label("INBOX"), label("Label_2")],
        page_token: Some("page".to_owned()),
        found: 12,
    };
    let sync = SyncState {
        relist: 2,
        relist_until: None,
        unconfirmed: Some((HistoryId(u64::MAX - 2), now)),
        resync: Some(resync),
        lease: lease(now),
        last_sync_at: Some(now),
        last_push_at: Some(now),
        push_missed_at: Some(now),
        swept_at: Some(now),
        recovered: 4,
        due_at: Some(now),
        ..sync_state("mb2", u64::MAX, now)
    };
    let watch = WatchState {
        ver: 0,
        mailbox: mailbox(),
        expiration: Some(now),
        renewed_at: Some(now),
        last_error: Some("rate_limited".to_owned()),
        due_at: Some(now),
    };
    let refresh_expires_at = Some(now.plus(Duration::from_secs(7 * 24 * 3600)));
    let grant = GrantRecord { refresh_expires_at, due_at: Some(now), ..grant_record("mb2", "grant-2", now) };
    let units = Units { ver: 0, mailbox: mailbox(), minute: now, used: u32::MAX, not_before: Some(now) };
    let mail = ParkedWork::Mail { message: message_id("m1") };
    let turn = ParkedWork::Turn { thread: thread_id("t1"), turn: 2 };
    vec![
        sync_state("mb", 1, now).into(),
        sync.into(),
        watch.into(),
        grant_record("mb", "grant-1", now).into(),
        grant.into(),
        units.into(),
        Parked { due_at: Some(now), ..parked("mb", mail, now) }.into(),
        parked("mb", turn, now).into(),
        Resume { ver: 0, mailbox: mailbox(), requested_at: now, due_at: Some(now) }.into(),
    ]
}

fn conversation_items(now: Timestamp) -> Vec<Item> {
    let full_head = Head {
        title: String::new(),
        state: ConversationState::Review,
        state_reason: Some("A draft waits.".to_owned()),
        unread: false,
        taken_over: Some(TakenOver { at: now, reason: "own_reply".to_owned() }),
        last_turn: 3,
        mails: 9,
        lease: lease(now),
        ..head("mb", "t2", now)
    };
    let mut full_mail = mail("mb", "t2", "m2", now);
    full_mail.author = Author::Person;
    full_mail.headers.reply_to = vec![person("日本", "reply@example.net")];
    full_mail.headers.references = vec!["<0@example.net>".to_owned(), "<1@example.net>".to_owned()];
    full_mail.headers.authentication = Authentication::Fail;
    full_mail.headers.suppression = vec![Suppression::AutoSubmitted, Suppression::AutoSubject];
    full_mail.headers.date = Some(now);
    full_mail.headers.marker = Some("marker".to_owned());
    full_mail.text = "Größe?\n\u{1F4E6} \"quoted\"\n".to_owned();
    full_mail.truncated = true;
    full_mail.attachments = vec![Attachment {
        part: 2,
        name: "a.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 5_000_000_000,
        inline: true,
    }];
    full_mail.obstacles = vec![Obstacle::Encrypted];
    full_mail.labels = vec![label("INBOX")];
    full_mail.turn = Some(1);
    let full_turn = Turn {
        rev: 4,
        state: TurnState::NeedsPerson,
        reason: Some("unknown".to_owned()),
        mails: vec![message_id("m1"), message_id("m2")],
        slot: Some(AnswerSlot { step: step_name("answer"), rev: 4 }),
        due_at: None,
        ..turn("mb", "t2", 2, now)
    };
    let source = Source { id: "doc#1".to_owned(), title: "Returns".to_owned(), passage: "Within 14 days.".to_owned() };
    let usage = Usage {
        provider: "openai".to_owned(),
        model: "a model".to_owned(),
        context_tokens: 1_200,
        mails_left_out: 2,
        passages: 3,
        input_tokens: u64::from(u32::MAX) + 1,
        output_tokens: 90,
        calls: 2,
        cost_micro_usd: 1_234_567,
        embedding_model: "embed-1".to_owned(),
        embedding_calls: 2,
        embedding_tokens: 300,
        search: "Passages were found by words and embeddings".to_owned(),
    };
    let full_trace =
        Trace { sources: vec![source], confidence: Some(0.1), usage: Some(usage), ..trace("mb", "t2", 2, now) };
    vec![
        head("mb", "t1", now).into(),
        full_head.into(),
        mail("mb", "t1", "m1", now).into(),
        full_mail.into(),
        turn("mb", "t1", 1, now).into(),
        full_turn.into(),
        Trace { entries: vec![], confidence: None, ..trace("mb", "t1", 1, now) }.into(),
        full_trace.into(),
        correspondent("mb", "t1", "c0", now).into(),
        seen("mb", "m1", SeenState::Reading { tries: 2 }, now).into(),
        seen("mb", "m2", SeenState::Stored, now).into(),
        seen("mb", "m3", SeenState::Filtered { reason: "label".to_owned() }, now).into(),
        seen("mb", "m4", SeenState::Unreadable { reason: "parts".to_owned() }, now).into(),
        seen("mb", "m5", SeenState::Gone, now).into(),
    ]
}

fn action_items(now: Timestamp) -> Vec<Item> {
    let (message, text) = (message_id("m9"), Some("another".to_owned()));
    let states = [
        ActionState::Planned,
        ActionState::Drafting { since: now },
        ActionState::Drafted,
        ActionState::Approved { message: message.clone(), text },
        ActionState::Approved { message: message.clone(), text: None },
        ActionState::Sending { since: now, attempt: 1 },
        ActionState::Unknown { since: now, attempt: 2, looks: 3 },
        ActionState::Sent { message: message.clone(), at: now },
        ActionState::Failed { reason: "refused".to_owned() },
        ActionState::Cancelled { reason: "newer".to_owned(), cleanup: true },
        ActionState::NeedsPerson { reason: "limit".to_owned() },
    ];
    let action = |(no, state)| {
        let step = format!("step-{no}");
        let draft = DraftRef { draft: DraftId::parse("r-1").unwrap(), message: message.clone() };
        Action {
            state,
            kind: ActionKind::PersonReply,
            draft: Some(draft),
            not_before: Some(now),
            budget_taken: true,
            by: Some(address("operator@example.com")),
            ..action("mb", "t1", 1, &step, now)
        }
        .into()
    };
    let mut items: Vec<Item> = states.into_iter().enumerate().map(action).collect();
    items.push(Action { due_at: None, ..testkit::action("mb", "t1", 1, "bare", now) }.into());
    items
}

fn web_items(now: Timestamp) -> Vec<Item> {
    let sign_in = OAuthPurpose::SignIn { return_to: "/chat".to_owned() };
    let operator = address("operator@example.com");
    let connect = OAuthPurpose::Connect { mailbox: Some(mailbox_id("mb")), operator, history_days: Some(30) };
    let mut bare = oauth_state("o1", sign_in, now);
    bare.nonce = Some("nonce".to_owned());
    let answer = ExampleAnswer {
        language: "de".to_owned(),
        confidence: 0.75,
        reply: Some("Zwei Tage.".to_owned()),
        person: None,
        withheld: vec![],
        held: vec![HeldBy { guard: "figures".to_owned(), reason: "a number is new".to_owned() }],
        guards: 17,
        sources: vec![],
        usage: Usage { calls: 1, cost_micro_usd: u64::from(u32::MAX) + 1, ..Usage::default() },
    };
    vec![
        bare.into(),
        oauth_state("o2", connect, now).into(),
        session("s1", now).into(),
        Session { time_zone: Some("Europe/Berlin".to_owned()), ..session("s2", now) }.into(),
        example("e1", ExampleState::Asked, now).into(),
        example("e2", ExampleState::Answering { since: now }, now).into(),
        example("e3", ExampleState::Failed { why: "Not available.".to_owned() }, now).into(),
        Example { mailbox: None, ..example("e4", ExampleState::Answered { answer: Box::new(answer) }, now) }.into(),
    ]
}

fn knowledge_items(now: Timestamp) -> Vec<Item> {
    let mut waiting = document("waiting", now);
    waiting.newest.version = u64::MAX;
    waiting.newest.by = None;
    (waiting.kind, waiting.text) = (DocumentKind::Pair, None);
    (waiting.reading, waiting.due_at) = (Reading::Reading { attempt: 2 }, Some(now));
    let mut unread = document("unread", now);
    unread.reading = Reading::Failed { reason: "It is damaged.".to_owned(), remedy: "Again.".to_owned() };
    let until = now.plus(Duration::from_secs(60));
    let uploading = Document { reading: Reading::Uploading { until }, due_at: Some(until), ..document("new", now) };
    let by = address("operator@example.com");
    let state = GapState::Answered { document: document_id("waiting"), at: now, by };
    let head = KnowledgeHead {
        snapshot: Some("0000000007-ab".to_owned()),
        changes: 8,
        built: 7,
        built_at: Some(now),
        due_at: Some(now),
        ver: 0,
    };
    vec![
        head.into(),
        document("read", now).into(),
        waiting.into(),
        unread.into(),
        uploading.into(),
        gap("open", now).into(),
        Gap { state, due_at: Some(now), ..gap("answered", now) }.into(),
        gap_question("open", "mb", "t1", "Do you repair bicycles?", now).into(),
        GapQuestion { turn: 12, terms: vec![], ..gap_question("open", "mb", "t1", "?", now) }.into(),
    ]
}

/// The item again, by the port that reads its kind.
pub async fn read_back(store: &Arc<dyn Store>, item: &Item, now: Timestamp) -> Option<Item> {
    match item {
        Item::Organisation(_) => Some(store.organisation().await.unwrap().into()),
        Item::Mailbox(r) => store.mailbox(&r.mailbox).await.unwrap().map(|view| view.meta.into()),
        Item::Settings(r) => store.mailbox(&r.mailbox).await.unwrap().map(|view| view.settings.into()),
        Item::Sync(r) => store.sync_state(&r.mailbox).await.unwrap().map(Item::from),
        Item::Watch(r) => store.watch_state(&r.mailbox).await.unwrap().map(Item::from),
        Item::Grant(r) => {
            let one = store.grant(&r.mailbox, &r.grant).await.unwrap();
            assert!(store.grants(&r.mailbox).await.unwrap().iter().any(|grant| Some(grant) == one.as_ref()));
            one.map(Item::from)
        }
        Item::Units(r) => store.units(&r.mailbox).await.unwrap().map(Item::from),
        Item::Park(r) => {
            let parked = store.parked(&r.mailbox, 10).await.unwrap();
            parked.into_iter().find(|parked| parked.work == r.work).map(Item::from)
        }
        Item::Resume(r) => store.resume(&r.mailbox).await.unwrap().map(Item::from),
        Item::AddressOwner(r) => store.address_owner(&r.address_hash).await.unwrap().map(Item::from),
        Item::Head(r) => store.head(&r.mailbox, &r.thread, now).await.unwrap().map(Item::from),
        Item::Seen(r) => {
            let seen = store.seen(&r.mailbox, std::slice::from_ref(&r.message), now).await.unwrap();
            seen.into_iter().next().map(Item::from)
        }
        Item::OAuthState(r) => store.oauth_state(&r.state_hash, now).await.unwrap().map(Item::from),
        Item::Session(r) => store.session(&r.session_hash, now).await.unwrap().map(Item::from),
        Item::Example(r) => store.example(&r.id, now).await.unwrap().map(Item::from),
        Item::KnowledgeHead(_) => {
            Some(store.knowledge_head().await.unwrap()).filter(|head| head.ver > 0).map(Item::from)
        }
        Item::Document(r) => {
            let one = store.document(&r.id).await.unwrap();
            assert!(store.library().await.unwrap().iter().any(|document| Some(document) == one.as_ref()));
            one.map(Item::from)
        }
        Item::Gap(r) => {
            let one = store.gap(&r.gap, now).await.unwrap();
            let all = store.gaps(now).await.unwrap();
            assert_eq!(all.iter().find(|gap| gap.gap == r.gap), one.as_ref());
            one.map(Item::from)
        }
        Item::GapQuestion(r) => {
            let one = store.gap_question(&r.mailbox, &r.thread, r.turn, now).await.unwrap();
            let all = store.gap_questions(100, now).await.unwrap();
            let same = |other: &&GapQuestion| (&other.thread, other.turn) == (&r.thread, r.turn);
            assert_eq!(all.iter().find(same), one.as_ref());
            one.map(Item::from)
        }
        Item::Targets(r) => store.targets(&r.mailbox).await.unwrap().map(Item::from),
        Item::Correspondent(_) | Item::Mail(_) | Item::Turn(_) | Item::Action(_) | Item::Trace(_) | Item::Notice(_) => {
            of_conversation(store, item, now).await
        }
    }
}

async fn of_conversation(store: &Arc<dyn Store>, item: &Item, now: Timestamp) -> Option<Item> {
    let (mailbox, thread) = match item.key() {
        ItemKey::Correspondent(mailbox, thread, _)
        | ItemKey::Mail(mailbox, thread, _, _)
        | ItemKey::Turn(mailbox, thread, _)
        | ItemKey::Action(mailbox, thread, _, _)
        | ItemKey::Trace(mailbox, thread, _)
        | ItemKey::Notice(mailbox, thread, _) => (mailbox, thread),
        other => panic!("{other:?} is no part of a conversation"),
    };
    let whole = store.conversation(&mailbox, &thread, now).await.unwrap()?;
    let mut all: Vec<Item> = Vec::new();
    all.extend(whole.mails.into_iter().map(Item::from));
    all.extend(whole.turns.into_iter().map(Item::from));
    all.extend(whole.actions.into_iter().map(Item::from));
    all.extend(whole.traces.into_iter().map(Item::from));
    all.extend(whole.notices.into_iter().map(Item::from));
    all.extend(whole.correspondents.into_iter().map(Item::from));
    all.into_iter().find(|found| found.key() == item.key())
}

async fn every_kind_comes_back_as_it_was_put(Under { store, clock }: Under) {
    let now = clock.now();
    let items = every_kind(now);
    for item in &items {
        let mut commit = Commit::new();
        commit.puts.push(item.clone());
        store.commit(commit).await.unwrap_or_else(|error| panic!("{:?}: {error}", item.key()));
    }
    for mut item in items {
        item.set_ver(1);
        assert_eq!(read_back(&store, &item, now).await.as_ref(), Some(&item));
    }
}

async fn history_ids_above_the_signed_range_come_back(Under { store, clock }: Under) {
    let now = clock.now();
    let ids = [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];
    for (ver, id) in (0..).zip(ids) {
        store.commit(Commit::new().put(SyncState { ver, ..sync_state("mb", id, now) })).await.unwrap();
        let read = store.sync_state(&mailbox_id("mb")).await.unwrap().unwrap();
        assert_eq!((read.cursor, read.ver), (HistoryId(id), ver + 1));
    }
}

async fn a_conversation_comes_back_in_order(Under { store, clock }: Under) {
    let now = clock.now();
    let later = |secs| now.plus(Duration::from_secs(secs));
    let mut commit = Commit::new().put(head("mb", "t", now)).put(head("mb", "t9", now));
    for (message, at) in [("b", 60), ("a", 60), ("z", 5), ("c", 1000)] {
        commit = commit.put(mail("mb", "t", message, later(at)));
    }
    for no in [10, 2, 1] {
        commit = commit.put(turn("mb", "t", no, now)).put(trace("mb", "t", no, now));
        commit = commit.put(action("mb", "t", no, "label", now)).put(action("mb", "t", no, "answer", now));
    }
    // Of other threads, one with a name that begins alike.
    commit = commit.put(mail("mb", "t9", "x", now)).put(turn("mb2", "t", 1, now));
    store.commit(commit).await.unwrap();

    let found = store.conversation(&mailbox_id("mb"), &thread_id("t"), now).await.unwrap().unwrap();
    let mails: Vec<_> = found.mails.iter().map(|mail| mail.message.as_str()).collect();
    assert_eq!(mails, ["z", "a", "b", "c"]);
    assert_eq!(found.turns.iter().map(|turn| turn.no).collect::<Vec<_>>(), [1, 2, 10]);
    assert_eq!(found.traces.iter().map(|trace| trace.turn).collect::<Vec<_>>(), [1, 2, 10]);
    let actions: Vec<_> = found.actions.iter().map(|action| (action.turn, action.step.as_str())).collect();
    let expected = [1, 2, 10].map(|no| [(no, "answer"), (no, "label")]).concat();
    assert_eq!(actions, expected);
}

async fn a_conversation_shows_nothing_that_has_expired(Under { store, clock }: Under) {
    let now = clock.now();
    let soon = now.plus(Duration::from_secs(10));
    let mut short = mail("mb", "t", "short", now);
    short.expires_at = soon;
    let commit = Commit::new().put(head("mb", "t", now)).put(short).put(mail("mb", "t", "long", now));
    store.commit(commit).await.unwrap();
    let messages = async |at| {
        let found = store.conversation(&mailbox_id("mb"), &thread_id("t"), at).await.unwrap().unwrap();
        found.mails.into_iter().map(|mail| mail.message.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(messages(now).await, ["long", "short"]);
    assert_eq!(messages(soon).await, ["long"]);
    let gone = head("mb", "t", now).expires_at;
    assert_eq!(store.conversation(&mailbox_id("mb"), &thread_id("t"), gone).await.unwrap(), None);
    assert_eq!(store.head(&mailbox_id("mb"), &thread_id("t"), gone).await.unwrap(), None);
}

async fn a_mailbox_needs_its_settings(Under { store, clock }: Under) {
    let now = clock.now();
    assert_eq!(store.mailbox(&mailbox_id("mb")).await.unwrap(), None);
    store.commit(Commit::new().put(mailbox_meta("mb", now))).await.unwrap();
    assert!(store.mailbox(&mailbox_id("mb")).await.is_err());
    store.commit(Commit::new().put(Settings::initial(mailbox_id("mb")))).await.unwrap();
    let view = store.mailbox(&mailbox_id("mb")).await.unwrap().unwrap();
    assert_eq!((view.meta.ver, view.settings.ver, view.organisation), (1, 1, Organisation::default()));
}

async fn mailboxes_are_listed_by_address(Under { store, clock }: Under) {
    let now = clock.now();
    assert_eq!(store.mailboxes().await.unwrap(), []);
    // More than one BatchGetItem takes.
    let names: Vec<String> = (0..120).map(|no| format!("m{no:03}")).collect();
    for name in names.iter().rev() {
        store.commit(Commit::new().put(mailbox_meta(name, now))).await.unwrap();
    }
    let listed = store.mailboxes().await.unwrap();
    assert_eq!(listed.iter().map(|meta| meta.mailbox.to_string()).collect::<Vec<_>>(), names);
    assert!(listed.iter().all(|meta| meta.ver == 1));
}

async fn seen_mails_are_found_by_the_hundred(Under { store, clock }: Under) {
    let now = clock.now();
    let soon = now.plus(Duration::from_secs(10));
    let ids: Vec<_> = (0..150).map(|no| message_id(&format!("m{no}"))).collect();
    for chunk in ids[..130].chunks(65) {
        let puts = chunk.iter().map(|id| seen("mb", id.as_str(), SeenState::Stored, now).into()).collect();
        store.commit(Commit { puts, ..Commit::new() }).await.unwrap();
    }
    let short = Seen { ver: 1, expires_at: soon, ..seen("mb", "m0", SeenState::Gone, now) };
    store.commit(Commit::new().put(short)).await.unwrap();
    let mut asked = ids.clone();
    asked.push(ids[3].clone());
    let found = store.seen(&mailbox_id("mb"), &asked, now).await.unwrap();
    assert_eq!(found.iter().map(|seen| seen.message.clone()).collect::<Vec<_>>(), ids[..130]);
    assert_eq!(store.seen(&mailbox_id("mb"), &asked, soon).await.unwrap().len(), 129);
    assert_eq!(store.seen(&mailbox_id("mb2"), &asked, now).await.unwrap(), []);
    assert_eq!(store.seen(&mailbox_id("mb"), &[], now).await.unwrap(), []);
}
