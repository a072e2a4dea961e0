//! `B4`: the team is told, by every target, once a turn; nothing of that touches the answer path.

use crate::letters::{Letter, question};
use crate::receiver::Receiver;
use crate::world::{Setup, World};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::ids::{MailboxId, ThreadId};
use channel::outcome::Outcome;
use channel::ports::{NotDelivered, NoticeTargets, Seals, Topic};
use channel::record::*;
use channel::usecase::notify::NotifyTeam;
use channel::usecase::session::SiteOrigin;
use futures::FutureExt;
use notify::guard::{Guard, SystemResolver};
use notify::{Notify, SlackToken};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::*;

/// Nothing in the knowledge base answers it.
fn hard(id: &str) -> Letter {
    question(id).subject("Elephants <!channel>").body("Can my elephant play the violin at your office party?\n")
}

async fn world() -> World {
    let world = World::new().await;
    world.table_put(targets("desk")).await;
    world
}

fn names(team: &FakeTeam) -> Vec<String> {
    team.told().into_iter().map(|(target, _)| target.name).collect()
}

const ALL: [&str; 4] = ["slack", "hook", "bot", "topic"];

async fn deliveries(world: &World, thread: &str) -> Vec<Delivery> {
    world.conversation(thread).await.notice(1).unwrap().deliveries.clone().unwrap()
}

#[tokio::test]
async fn each_target_is_told_once_whatever_is_repeated() {
    let mut world = world().await;
    let mail = world.receive(&hard("a"));
    world.push();
    world.push();
    world.settle().await;
    world.push();
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    assert_eq!(names(&world.team), ALL);
    let told = world.team.told();
    for (target, notification) in &told {
        assert_eq!(notification.link, format!("https://post.example.com/chat/desk/{}", mail.thread_id));
        assert_eq!(notification.event, "conversation.needs_person");
        assert_eq!(notification.about.is_none(), target.without_content, "{}", target.name);
    }
    let about = told[0].1.about.clone().unwrap();
    assert_eq!(about.subject, "Elephants <!channel>");
    assert!(!about.sender.is_empty() && !about.reason.is_empty());
    let notice = world.conversation(&mail.thread_id).await.notice(1).unwrap().clone();
    assert_eq!(notice.due_at, None);
    assert!(notice.deliveries.unwrap().iter().all(|delivery| delivery.state == DeliveryState::Delivered));
}

#[tokio::test]
async fn an_answered_mail_tells_nobody() {
    let mut world = world().await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
    assert!(world.team.told().is_empty());
}

#[tokio::test]
async fn what_does_not_arrive_is_tried_again_and_at_last_shown() {
    let mut world = world().await;
    world.every = Duration::from_secs(300);
    let later = || NotDelivered::Later { after: None, why: "The host cannot be reached.".to_owned() };
    world.team.answers(Err(NotDelivered::Refused("Slack refused (no_service).".to_owned())));
    world.team.answers(Err(later()));
    world.team.answers(Err(NotDelivered::Lost("no answer".to_owned())));
    world.team.answers(Ok(()));
    (0..4).for_each(|_| world.team.answers(Err(later())));
    let mail = world.receive(&hard("a"));
    world.run_for(Duration::from_secs(240)).await;
    // Nobody waited for it.
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    world.run_for(Duration::from_secs(4 * 3600)).await;
    assert_eq!(names(&world.team), [ALL.as_slice(), &["hook"; 4]].concat());
    let ids: Vec<_> = world.team.told().into_iter().filter(|(t, _)| t.name == "hook").map(|(_, n)| n.id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "a receiver can tell a repetition: {ids:?}");
    let deliveries = deliveries(&world, &mail.thread_id).await;
    let states: Vec<_> = deliveries.iter().map(|delivery| &delivery.state).collect();
    assert!(matches!(states[0], DeliveryState::Failed { why } if why.contains("no_service")), "{states:?}");
    assert!(matches!(states[1], DeliveryState::Failed { why } if why.contains("tried 5 times")), "{states:?}");
    assert!(matches!(states[2], DeliveryState::Unknown { .. }), "{states:?}");
    assert_eq!(*states[3], DeliveryState::Delivered);
    let targets = world.table.targets(&world.mailbox).await.unwrap().unwrap();
    let problems: Vec<_> = targets.targets.iter().map(|target| target.problem.is_some()).collect();
    assert_eq!(problems, [true, true, true, false]);
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_is_left_alone_so_long() {
    let mut world = world().await;
    let wait = NotDelivered::Later { after: Some(Duration::from_secs(1200)), why: "Slack asks to wait.".to_owned() };
    world.team.answers(Err(wait));
    let mail = world.receive(&hard("a"));
    world.run_for(Duration::from_secs(900)).await;
    assert_eq!(names(&world.team), ALL);
    world.run_for(Duration::from_secs(900)).await;
    assert_eq!(names(&world.team).last().map(String::as_str), Some("slack"));
    assert_eq!(deliveries(&world, &mail.thread_id).await[0].state, DeliveryState::Delivered);
}

/// One notice that is due, with everything around it in memory.
struct Small {
    clock: ManualClock,
    store: Arc<MemoryStore>,
    team: Arc<FakeTeam>,
    faults: Arc<Faults>,
}

impl Small {
    fn new(faults: Arc<Faults>) -> Self {
        let clock = ManualClock::default();
        let now = channel::ports::Clock::now(&clock);
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        store.seed(MailboxMeta { grant: Some(grant_id("g")), ..mailbox_meta("desk", now) });
        store.seed(Settings::initial(mailbox_id("desk")));
        store.seed(targets("desk"));
        store.seed(head("desk", "t1", now));
        store.seed(turn("desk", "t1", 1, now));
        store.seed(Notice {
            ver: 0,
            mailbox: mailbox_id("desk"),
            thread: thread_id("t1"),
            turn: 1,
            event: NoticeEvent::NeedsPerson,
            reason: "A complaint.".to_owned(),
            deliveries: None,
            created_at: now,
            due_at: Some(now),
            expires_at: now.plus(Duration::from_secs(86_400)),
        });
        Self { clock, store, team: Arc::default(), faults }
    }

    /// The message comes every minute, whatever becomes of it.
    async fn run(&self, minutes: u32) {
        let table = Arc::new(FailNth::new(self.store.clone(), self.faults.clone()));
        let work = NotifyTeam {
            mailboxes: table.clone(),
            conversations: table.clone(),
            targets: table.clone(),
            commits: table,
            notifier: self.team.clone(),
            clock: Arc::new(self.clock.clone()),
            site: SiteOrigin::parse("https://post.example.com").unwrap(),
            lease: Duration::from_secs(130),
        };
        let (mailbox, thread) = (MailboxId::parse("desk").unwrap(), ThreadId::parse("t1").unwrap());
        for _ in 0..minutes {
            let ended = AssertUnwindSafe(work.run(&mailbox, &thread, 1)).catch_unwind().await;
            assert!(!matches!(ended, Ok(Outcome::Fail(_))), "{ended:?}");
            self.clock.advance(Duration::from_secs(60));
        }
    }

    fn notice(&self) -> Notice {
        match self.store.stored(&ItemKey::Notice(mailbox_id("desk"), thread_id("t1"), 1)) {
            Some(Item::Notice(notice)) => *notice,
            other => panic!("{other:?}"),
        }
    }
}

/// Only the receiver that knows repetitions may see one; nobody is forgotten without a word.
fn at_most_once(small: &Small, case: &str) {
    let (notice, told) = (small.notice(), names(&small.team));
    assert_eq!(notice.due_at, None, "{case}: {notice:?}");
    for delivery in notice.deliveries.unwrap() {
        let times = told.iter().filter(|name| **name == delivery.name).count();
        assert!(times <= 1 || delivery.name == "hook", "{case}: {} was told {times} times", delivery.name);
        match &delivery.state {
            DeliveryState::Delivered => assert!(times >= 1, "{case}: {}", delivery.name),
            DeliveryState::Unknown { .. } => assert_ne!(delivery.name, "hook", "{case}"),
            other => panic!("{case}: {} ends as {other:?}", delivery.name),
        }
    }
}

#[tokio::test]
async fn each_call_may_fail_or_be_the_last_and_nobody_is_told_twice() {
    let calls = Faults::none();
    let plain = Small::new(calls.clone());
    plain.run(10).await;
    at_most_once(&plain, "no fault");
    let points = calls.calls();
    assert!(points >= 9, "{points} calls");
    for k in 1..=points {
        for when in [When::Before, When::After] {
            for with in [FailWith::Unavailable, FailWith::Crash] {
                let case = format!("call {k} of {points}, {when:?}, {with:?}");
                let small = Small::new(Faults::nth(k, when, with));
                small.run(15).await;
                at_most_once(&small, &case);
            }
        }
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_it_tells_a_target_is_taken_for_one_that_told() {
    for (at, name) in ALL.iter().enumerate() {
        let small = Small::new(Faults::none());
        (0..at).for_each(|_| small.team.answers(Ok(())));
        small.team.crashes();
        small.run(15).await;
        at_most_once(&small, name);
        let state = small.notice().deliveries.unwrap().remove(at).state;
        assert_eq!(matches!(state, DeliveryState::Unknown { .. }), *name != "hook", "{name}: {state:?}");
    }
}

#[tokio::test]
async fn a_target_that_is_gone_and_a_mailbox_that_is_disconnected_are_told_nothing() {
    let small = Small::new(Faults::none());
    let mut meta = mailbox_meta("desk", channel::ports::Clock::now(&small.clock));
    meta.grant = None;
    small.store.seed(meta);
    small.run(2).await;
    assert!(small.team.told().is_empty());
    assert!(small.notice().deliveries.unwrap().iter().all(|d| matches!(d.state, DeliveryState::Failed { .. })));

    let small = Small::new(Faults::none());
    small.store.seed(Targets::none(mailbox_id("desk")));
    small.run(2).await;
    assert!(small.team.told().is_empty());
    assert_eq!((small.notice().deliveries, small.notice().due_at), (Some(vec![]), None));
}

struct Token;

#[async_trait]
impl SlackToken for Token {
    async fn token(&self, _afresh: bool) -> Result<Option<String>, String> {
        Ok(Some("xoxb-team".to_owned()))
    }
}

#[derive(Default)]
struct Mails(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Topic for Mails {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NotDelivered> {
        self.0.lock().unwrap().push((subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

/// From the customer's mail to what each kind of target received, with the real notifier behind its real guard.
#[tokio::test]
async fn each_kind_of_target_receives_what_a_mail_brought_about() {
    let (receiver, mails) = (Receiver::start().await, Arc::new(Mails::default()));
    for _ in 0..3 {
        receiver.answers("200 OK", "", r#"{"ok":true}"#);
    }
    let notifier = Notify {
        guard: Guard::new(Arc::new(SystemResolver), vec![receiver.pair()]),
        seals: Arc::new(FakeSeals),
        slack_token: Arc::new(Token),
        slack_api: receiver.url("/api"),
        topic: Some(mails.clone()),
        clock: Arc::new(ManualClock::default()),
    };
    let mut world = World::with(Setup { notifier: Some(Arc::new(notifier)), ..Setup::default() }).await;
    let mut team = targets("desk");
    for target in &mut team.targets {
        let id = target.id.clone();
        let at = |path: &str| FakeSeals.seal(&id, &receiver.url(path)).unwrap();
        match &mut target.place {
            Place::SlackWebhook { url, .. } => *url = at("/services/T/B/x"),
            Place::Webhook { url, .. } => *url = at("/in"),
            Place::SlackChannel { .. } | Place::Topic => {}
        }
    }
    world.table_put(team).await;
    let mail = world.receive(&hard("a"));
    world.settle().await;
    let deliveries = deliveries(&world, &mail.thread_id).await;
    assert!(deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered), "{deliveries:?}");
    let requests = receiver.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.head.split(' ').nth(1).unwrap()).collect();
    assert_eq!(paths, ["/services/T/B/x", "/in", "/api/chat.postMessage"]);
    // The subject of the mail tries to call the whole channel.
    let slack = requests[0].json()["text"].as_str().unwrap().to_owned();
    assert!(slack.contains("Subject: Elephants &lt;!channel&gt;"), "{slack}");
    // Signed with the secret of the target.
    let (id, at) = (requests[1].header("webhook-id").unwrap(), requests[1].header("webhook-timestamp").unwrap());
    let signed = [format!("{id}.{at}.").as_bytes(), &requests[1].body].concat();
    let tag = requests[1].header("webhook-signature").unwrap().strip_prefix("v1,").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    hmac::verify(&key, &signed, &STANDARD.decode(tag).unwrap()).unwrap();
    assert_eq!(requests[1].json()["data"]["subject"], "Elephants <!channel>");
    // The channel is told without content.
    let bot = requests[2].json();
    assert_eq!(
        (bot["channel"].as_str(), requests[2].header("authorization")),
        (Some("#support"), Some("Bearer xoxb-team"))
    );
    assert!(!bot.to_string().contains("Elephants"), "{bot}");
    let mails = mails.0.lock().unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].1.contains("Elephants") && mails[0].1.contains(&mail.thread_id), "{}", mails[0].1);
}
