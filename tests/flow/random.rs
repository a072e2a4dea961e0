//! `C1`, `C2`: random sequences of what customers, people, Google and breakdowns do, held against a naive model.
//!
//! The model knows nothing of turns, leases or cursors. It remembers who wrote what and when, and afterwards asks: is
//! every mail in exactly one turn, was none answered twice, was nothing sent over the head of a newer mail or of a
//! colleague, and is nothing left behind? `POSTROOM_PROPERTY_CASES` sets the number of sequences; the sequences are the
//! same in every run, and more cases only add to them.

use crate::letters::{DESK, genuine, question};
use crate::world::{Setup, World};
use channel::ids::{MessageId, ThreadId};
use channel::ports::{Clock, Commits, Conversations, Engines};
use channel::record::{ActionKind, ActionState, Commit, Conversation, TurnState};
use channel::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use simulator::{Deliver, Effect, Lag, When as GoogleWhen};
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{FailWith, Faults, When};

/// Sequences in the usual run.
const CASES: u32 = 10;
const LONGEST: usize = 24;
const THREADS: usize = 3;
/// Longer than every lease, visibility time-out, patience and second look together.
const HEAL: Duration = Duration::from_secs(2 * 3600);

const GMAIL: [&str; 8] = [
    "history.list",
    "messages.list",
    "messages.get",
    "threads.get",
    "drafts.create",
    "drafts.update",
    "drafts.send",
    "drafts.get",
];

#[derive(Debug, Clone)]
enum Op {
    /// A customer writes in one of the threads.
    Mail {
        thread: usize,
        pushed: bool,
    },
    /// The last push again, or one that names an id long past.
    PushAgain {
        stale: bool,
    },
    Reorder,
    LoseHints,
    Run {
        seconds: u64,
    },
    /// Both copies of every message at once.
    RunDoubled,
    /// The `k`th call from now to store, queue or vault.
    Break {
        k: usize,
        after: bool,
        crash: bool,
    },
    BreakGmail {
        method: usize,
        after: bool,
        how: u8,
    },
    Lag,
    Pause,
    Resume,
    OwnReply {
        thread: usize,
    },
    Approve {
        thread: usize,
    },
    Edit,
    Reconnect,
    Forget,
}

fn op() -> impl Strategy<Value = Op> {
    let thread = 0..THREADS;
    prop_oneof![
        6 => (thread.clone(), any::<bool>()).prop_map(|(thread, pushed)| Op::Mail { thread, pushed }),
        1 => any::<bool>().prop_map(|stale| Op::PushAgain { stale }),
        1 => Just(Op::Reorder),
        1 => Just(Op::LoseHints),
        6 => (1u64..200).prop_map(|seconds| Op::Run { seconds }),
        1 => Just(Op::RunDoubled),
        4 => (1usize..40, any::<bool>(), any::<bool>()).prop_map(|(k, after, crash)| Op::Break { k, after, crash }),
        4 => (0..GMAIL.len(), any::<bool>(), 0u8..3)
            .prop_map(|(method, after, how)| Op::BreakGmail { method, after, how }),
        1 => Just(Op::Lag),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => thread.clone().prop_map(|thread| Op::OwnReply { thread }),
        3 => thread.prop_map(|thread| Op::Approve { thread }),
        1 => Just(Op::Edit),
        1 => Just(Op::Reconnect),
        1 => Just(Op::Forget),
    ]
}

/// What the model remembers of one Gmail thread.
#[derive(Debug, Default)]
struct Known {
    id: Option<String>,
    mails: Vec<(MessageId, Timestamp)>,
    own: Vec<(MessageId, Timestamp)>,
}

struct Case {
    world: World,
    faults: std::sync::Arc<Faults>,
    threads: Vec<Known>,
    written: u32,
}

impl Case {
    async fn new(sends: bool, delay: u32) -> Self {
        let faults = Faults::none();
        let settings = move |settings: &mut channel::record::Settings| {
            (settings.auto_reply, settings.draft_only, settings.delay_secs) = (sends, !sends, delay);
        };
        let mut setup = Setup { faults: faults.clone(), settings: Box::new(settings), ..Setup::default() };
        // The budgets have tests of their own; here they would hide what is looked for.
        setup.rules.caps.thread_per_day = 100;
        setup.rules.caps.sender_per_day = 100;
        let world = World::with(setup).await;
        let threads = (0..THREADS).map(|_| Known::default()).collect();
        Self { world, faults, threads, written: 0 }
    }

    /// A moment of its own for everything that somebody does.
    fn tick(&self) -> Timestamp {
        let now = self.world.clock.now().plus(Duration::from_secs(1));
        self.world.go_to(now);
        now
    }

    fn mail(&mut self, thread: usize, own: bool, pushed: bool) {
        let now = self.tick();
        self.written += 1;
        let known = &self.threads[thread];
        let mut letter = question(&format!("m{}", self.written)).subject(&format!("Question {thread}"));
        if known.id.is_some() {
            letter =
                letter.replies_to(&format!("<first{thread}@customer.test>")).subject(&format!("Re: Question {thread}"));
        } else {
            letter.id = format!("<first{thread}@customer.test>");
        }
        let mut how = Deliver { internal_date: Some(now.as_millis()), ..genuine() };
        if own {
            letter = letter.from(&format!("Support <{DESK}>"));
            how = Deliver { labels: vec!["SENT".into()], authentication: None, ..how };
        }
        let delivered = self.world.deliver_as(&letter, &how);
        let known = &mut self.threads[thread];
        known.id.get_or_insert_with(|| delivered.thread_id.clone());
        assert_eq!(known.id.as_ref(), Some(&delivered.thread_id), "Gmail keeps the thread");
        let entry = (MessageId::parse(&delivered.id).unwrap(), now);
        if own {
            known.own.push(entry)
        } else {
            known.mails.push(entry)
        }
        if pushed {
            self.world.push();
        }
    }

    async fn conversation(&self, thread: usize) -> Option<Conversation> {
        let id = ThreadId::parse(self.threads[thread].id.as_ref()?).unwrap();
        self.world.table.conversation(&self.world.mailbox, &id, self.world.clock.now()).await.unwrap()
    }

    async fn approve(&self, thread: usize) {
        let Some(conversation) = self.conversation(thread).await else { return };
        let waits = conversation.actions.into_iter().find(|action| {
            action.state == ActionState::Drafted && action.kind == ActionKind::Draft && action.due_at.is_none()
        });
        let Some(mut action) = waits else { return };
        let Some(draft) = action.draft.clone() else { return };
        action.state = ActionState::Approved { message: draft.message, text: None };
        action.due_at = Some(self.world.clock.now());
        self.world.table.commit(Commit::new().put(action)).await.unwrap();
    }

    async fn enable(&self, enabled: bool) {
        let view = self.world.view().await;
        if view.settings.enabled == enabled {
            return;
        }
        self.world.change(|settings| settings.enabled = enabled).await;
        if enabled {
            self.resume().await;
        }
    }

    async fn resume(&self) {
        let ver = self.world.table.resume(&self.world.mailbox).await.unwrap().map_or(0, |resume| resume.ver);
        let now = self.world.clock.now();
        let resume =
            channel::record::Resume { ver, mailbox: self.world.mailbox.clone(), requested_at: now, due_at: Some(now) };
        self.world.table.commit(Commit::new().put(resume)).await.unwrap();
    }

    async fn step(&mut self, op: &Op) {
        match op {
            Op::Mail { thread, pushed } => self.mail(*thread, false, *pushed),
            Op::OwnReply { thread } if self.threads[*thread].id.is_some() => self.mail(*thread, true, true),
            Op::PushAgain { stale: false } => self.world.push(),
            Op::PushAgain { stale: true } => self.world.push_id(1),
            Op::Reorder => self.world.post.reorder(),
            Op::LoseHints => self.lose_hints(),
            Op::Run { seconds } => self.world.run_for(Duration::from_secs(*seconds)).await,
            Op::RunDoubled => {
                let until = self.world.clock.now().plus(Duration::from_secs(40));
                // A worker that ends in the middle is tried one at a time.
                self.faults.disarm();
                self.world.drain_doubled(until).await;
            }
            Op::Break { k, after, crash } => {
                let with = if *crash { FailWith::Crash } else { FailWith::Unavailable };
                self.faults.arm(*k, if *after { When::After } else { When::Before }, with);
            }
            Op::BreakGmail { method, after, how } => {
                let effect = match how {
                    0 => Effect::drop_connection(),
                    1 => Effect::refuse(503, "backendError"),
                    _ => Effect::refuse(429, "rateLimitExceeded"),
                };
                // Google refuses by rate before it does anything.
                let when = if *after && *how < 2 { GoogleWhen::After } else { GoogleWhen::Before };
                self.world.let_gmail(GMAIL[*method], (1, 1), when, effect);
            }
            Op::Lag => {
                let lag = Lag { younger_than_ms: None, ahead: true, gets: false };
                self.world.let_gmail("history.list", (1, 1), GoogleWhen::Before, Effect::Lag { lag });
            }
            Op::Pause => self.enable(false).await,
            Op::Resume => self.enable(true).await,
            Op::Approve { thread } => self.approve(*thread).await,
            Op::Edit if !self.world.desk().drafts.is_empty() => {
                self.world.edit_draft_by_hand("A colleague's own words.").await;
            }
            Op::Reconnect => {
                self.world.google.revoke_grants(DESK);
                self.world.run_for(Duration::from_secs(61)).await;
                self.world.reconnect().await;
            }
            Op::Forget => self.world.google.forget_history(DESK).unwrap(),
            Op::OwnReply { .. } | Op::Edit => {}
        }
    }

    /// Work for the worker is a hint; a mail on its way in is not.
    fn lose_hints(&self) {
        let kept: Vec<_> = self.world.post.waiting();
        self.world.post.lose();
        for work in kept.into_iter().filter(|work| matches!(work, crate::post::Work::Sync(_))) {
            self.world.post.put(work, Duration::ZERO);
        }
    }

    /// Whatever broke works again, and whoever paused resumes.
    async fn heal(&mut self) {
        self.faults.disarm();
        self.world.google.clear_faults();
        self.enable(true).await;
        if self.world.view().await.usable_grant().is_none() {
            self.world.reconnect().await;
        }
        self.world.every = Duration::from_secs(300);
        self.world.run_for(HEAL).await;
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(&self.world.dead, &Vec::<String>::new(), "no work is given up");
        let parked = self.world.table.parked(&self.world.mailbox, 100).await.unwrap();
        prop_assert!(parked.is_empty(), "left parked: {:?}", parked);
        let answers: BTreeMap<_, _> = self
            .world
            .with_label("SENT")
            .into_iter()
            .filter(|message| message.header("X-Postroom-Id").is_some())
            .map(|message| (message.id.clone(), message))
            .collect();
        let mut accounted = 0;
        for thread in 0..THREADS {
            if self.threads[thread].mails.is_empty() {
                continue;
            }
            let conversation = self.conversation(thread).await;
            prop_assert!(conversation.is_some(), "thread {} is lost", thread);
            accounted += self.check_thread(thread, &conversation.unwrap(), &answers)?;
        }
        prop_assert_eq!(accounted, answers.len(), "every mail of ours that went out is recorded");
        Ok(())
    }

    fn check_thread(
        &self,
        thread: usize,
        conversation: &Conversation,
        answers: &BTreeMap<String, simulator::MessageDump>,
    ) -> Result<usize, TestCaseError> {
        let known = &self.threads[thread];
        let turns_of = |id: &MessageId| {
            let of = |turn: &&channel::record::Turn| turn.mails.contains(id);
            conversation.turns.iter().filter(of).map(|turn| turn.no).collect::<Vec<_>>()
        };
        for (id, _) in &known.mails {
            let stored = conversation.mails.iter().filter(|mail| mail.message == *id).count();
            prop_assert_eq!(stored, 1, "mail {} of thread {}", id, thread);
            prop_assert_eq!(turns_of(id).len(), 1, "turns of mail {}: {:?}", id, &conversation.turns);
        }
        for turn in &conversation.turns {
            let at_rest = !matches!(turn.state, TurnState::Open | TurnState::Parked);
            prop_assert!(at_rest, "thread {}: {:?} {:?}", thread, turn, &conversation.actions);
        }
        let mut sent = 0;
        for turn in &conversation.turns {
            let of_turn = conversation.actions.iter().filter(|action| action.turn == turn.no);
            let out: Vec<_> = of_turn
                .filter_map(|action| match &action.state {
                    ActionState::Sent { message, .. } => Some((action, message)),
                    _ => None,
                })
                .collect();
            prop_assert!(out.len() <= 1, "turn {} was answered {} times", turn.no, out.len());
            for (action, message) in out {
                let mail = answers.get(message.as_str());
                prop_assert!(mail.is_some(), "an answer is recorded that Gmail does not have");
                sent += 1;
                if action.kind != ActionKind::Send {
                    continue;
                }
                let at = Timestamp::from_millis(mail.unwrap().internal_date);
                for (id, written) in known.mails.iter().filter(|(_, written)| *written < at) {
                    let seen = turns_of(id).iter().all(|no| *no <= turn.no);
                    prop_assert!(seen, "sent at {:?} over mail {} of {:?}", at, id, written);
                }
                let asked = known.mails.iter().filter(|(id, _)| turn.mails.contains(id)).map(|(_, at)| *at).max();
                let spoken = known.own.iter().find(|(_, own)| *own < at && Some(*own) > asked);
                prop_assert!(spoken.is_none(), "sent at {:?} after a colleague's {:?}", at, spoken);
            }
        }
        let drafts = self.world.drafts();
        let ours = drafts.iter().filter(|draft| Some(&draft.thread_id) == known.id.as_ref());
        prop_assert!(ours.count() <= 1, "thread {} has more than one draft", thread);
        Ok(sent)
    }
}

fn cases() -> u32 {
    let wanted = std::env::var("POSTROOM_PROPERTY_CASES").ok();
    wanted.map_or(CASES, |count| count.parse().expect("POSTROOM_PROPERTY_CASES is a number of sequences"))
}

#[test]
fn no_sequence_of_events_loses_a_mail_or_answers_it_twice() {
    let config = Config { cases: cases(), failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequences = (any::<bool>(), prop_oneof![Just(0u32), Just(90)], prop::collection::vec(op(), 4..LONGEST));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runner.run(&sequences, |(sends, delay, ops)| {
        runtime.block_on(async {
            let mut case = Case::new(sends, delay).await;
            for op in &ops {
                case.step(op).await;
            }
            case.heal().await;
            case.check().await
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
