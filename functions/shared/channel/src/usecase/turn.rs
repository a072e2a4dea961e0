//! Turn: what becomes of the open mails of a thread. Planned under the thread's lease, for one revision, in one
//! transaction over turn, action, head and trace.

use crate::assistant::{Answer, AnswerRequest, AssistantError, GuardEffect, Guarded, Usage};
use crate::ids::{MailboxId, StepName, ThreadId};
use crate::outcome::Outcome;
use crate::ports::{
    Access, Assistant, Clock, CommitError, Commits, Conversations, Engines, Entropy, Guards, MailWriter, Mailboxes,
    Spending, WorkQueue,
};
use crate::record::{
    Action, ActionKind, ActionState, AnswerSlot, Commit, Conversation, ConversationState, Head, ItemKey, Lease,
    MailboxView, Notice, TakenOver, Trace, TraceEntry, Turn, TurnState,
};
use crate::time::Timestamp;
use crate::usecase::attachments::ReadAttachments;
use crate::usecase::caps::cost_counter;
use crate::usecase::common::{DAY, DISCONNECTED, Rules, Stop, delay_until, fresh_id, fresh_token, parked_again};
use crate::usecase::gaps::KeepGaps;
use crate::usecase::ingest::parked_turn;
use crate::usecase::own_mail::{cancel_live, cancelled};
use crate::usecase::plan::{Planned, Verdict, before_asking, guard_case, plan_answer};
use crate::work::WorkerWork;
use std::sync::Arc;
use std::time::Duration;

/// A turn whose planning was begun this often without an end goes to a person.
const ATTEMPTS: u32 = 3;

pub struct TakeTurn {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub conversations: Arc<dyn Conversations>,
    pub commits: Arc<dyn Commits>,
    pub assistant: Arc<dyn Assistant>,
    pub attachments: ReadAttachments,
    pub guards: Arc<dyn Guards>,
    /// Counts what a model costs; none where the assistant costs nothing.
    pub spending: Option<Arc<dyn Spending>>,
    pub writer: Arc<dyn MailWriter>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Keeps what no source supports.
    pub gaps: KeepGaps,
    pub rules: Rules,
}

/// What the turn was found to need.
enum Decision {
    Answer(Box<(Planned, Answer)>),
    NoAnswer(String),
    NeedsPerson(String),
}

/// What the trace keeps of a decision.
#[derive(Default)]
struct Told {
    entries: Vec<TraceEntry>,
    usage: Option<Usage>,
    /// What was asked and no source supports.
    lacking: Option<String>,
}

/// The name of the one answering step of the modes; flows will bring names of their own.
pub fn answer_step() -> StepName {
    StepName::parse("answer").unwrap_or_else(|_| unreachable!("a constant that is a valid id"))
}

impl TakeTurn {
    /// `until`: when the assistant must have answered, so that the plan can still be written. None where nothing ends
    /// the caller.
    pub async fn run(&self, mailbox: &MailboxId, thread: &ThreadId, no: u32, until: Option<Timestamp>) -> Outcome {
        self.try_run(mailbox, thread, no, until).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        no: u32,
        until: Option<Timestamp>,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Outcome::Ignore("unknown_mailbox")) };
        let Some(mut conversation) = self.conversations.conversation(mailbox, thread, now).await? else {
            return Ok(Outcome::Ignore("no_conversation"));
        };
        let Some(turn) = conversation.turn(no).cloned() else { return Ok(Outcome::Ignore("no_turn")) };
        if turn.state != TurnState::Open {
            return Ok(Outcome::Ignore("turn_is_not_open"));
        }
        if view.meta.grant.is_none() || turn.opened_at < view.meta.connected_at {
            return self.ends_with_its_connection(&view, &conversation, turn, now).await;
        }
        if view.usable_grant().is_none() || !view.settings.enabled {
            return self.park(&view, &conversation.head, turn, now).await;
        }
        if turn.settle_until > now {
            return self.later(&turn, turn.settle_until.since(now), "settling").await;
        }
        if conversation.actions.iter().any(|action| action.state.in_flight() || is_earlier_send(action, no)) {
            return self.later(&turn, Duration::from_secs(15), "an_earlier_answer_is_under_way").await;
        }
        let purpose = format!("turn#{no}");
        if let Some(lease) = conversation.head.lease.as_ref().filter(|lease| lease.held(now)) {
            return self.later(&turn, lease.until.since(now).min(Duration::from_secs(10)), "the_thread_is_busy").await;
        }
        let lease = Lease::next(
            conversation.head.lease.as_ref(),
            fresh_token(&*self.entropy),
            now.plus(self.rules.lease),
            &purpose,
        );
        let attempts = lease.attempts;
        conversation.head.lease = Some(lease);
        match self.commits.commit(Commit::new().put(conversation.head.clone())).await {
            Err(CommitError::Conflict(_)) => {
                return self.later(&turn, Duration::from_secs(2), "the_thread_is_busy").await;
            }
            other => other?,
        }
        conversation.head.ver += 1;
        let mut told = Told::default();
        let decision = if attempts > ATTEMPTS {
            Decision::NeedsPerson("Planning the answer was begun several times and never ended.".to_owned())
        } else {
            match self.decide(&view, &conversation, &turn, until, &mut told).await {
                Ok(decision) => decision,
                Err(error) if attempts == ATTEMPTS => {
                    told.entries.push(self.entry("assistant", error.to_string()));
                    Decision::NeedsPerson(format!("The assistant was asked {ATTEMPTS} times and was not available."))
                }
                Err(error) => return self.give_back(conversation.head, &turn, &error).await,
            }
        };
        self.write(&view, conversation, turn, decision, told).await
    }

    fn entry(&self, step: &str, said: String) -> TraceEntry {
        TraceEntry { at: self.clock.now(), step: step.to_owned(), said }
    }

    fn tell(&self, guarded: &Guarded, effect: GuardEffect, lead: &str, told: &mut Told) {
        told.entries.extend(guarded.reasons(effect).map(|reason| self.entry("guard", format!("{lead} {reason}."))));
    }

    /// Asks within the budget of the mailbox and the time that is left; the inner error is for a person.
    async fn ask(
        &self,
        view: &MailboxView,
        mut request: AnswerRequest,
        until: Option<Timestamp>,
        told: &mut Told,
    ) -> Result<Result<Answer, String>, AssistantError> {
        let now = self.clock.now();
        let longest = now.plus(self.rules.answer_within);
        request.deadline = Some(until.map_or(longest, |until| until.min(longest)));
        let counter = cost_counter(&view.meta.mailbox, now);
        if let Some(spending) = &self.spending {
            let limit = u64::from(view.settings.model_budget_cents).saturating_mul(10_000);
            let spent = spending.spent(&counter, now).await;
            let spent = spent.map_err(|error| {
                AssistantError::unavailable(format!("the budget of model cost cannot be read: {error}"))
            })?;
            if spent >= limit {
                let why = "The budget of model cost of this mailbox for today is used up; no model was asked.";
                told.entries.push(self.entry("budget", format!("{why} {} of {}.", dollars(spent), dollars(limit))));
                return Ok(Err(why.to_owned()));
            }
        }
        let answer = self.assistant.answer(&request).await;
        let usage = match &answer {
            Ok(answer) => &answer.usage,
            Err(error) => error.usage(),
        };
        if usage.calls + usage.embedding_calls > 0 {
            told.entries.push(self.entry("model", in_words(usage)));
            told.usage = Some(usage.clone());
        }
        if let Some(spending) = self.spending.as_ref().filter(|_| usage.cost_micro_usd > 0) {
            // An answer that is paid for is not thrown away because its price could not be written down.
            if let Err(error) = spending.spend(&counter, usage.cost_micro_usd, now.plus(2 * DAY)).await {
                tracing::warn!(mailbox.id = %view.meta.mailbox, %error, "the cost of a model call was not counted");
            }
        }
        match answer {
            Ok(answer) => Ok(Ok(answer)),
            Err(AssistantError::Unusable { why, .. }) => {
                told.entries.push(self.entry("assistant", format!("No usable answer: {why}")));
                Ok(Err(format!("The assistant gave no usable answer: {why}")))
            }
            Err(unavailable) => Err(unavailable),
        }
    }

    async fn decide(
        &self,
        view: &MailboxView,
        conversation: &Conversation,
        turn: &Turn,
        until: Option<Timestamp>,
        told: &mut Told,
    ) -> Result<Decision, AssistantError> {
        let mut request = match before_asking(view, conversation, turn) {
            Verdict::Ask(request) => *request,
            Verdict::NoAnswer(why) => {
                told.entries.push(self.entry("suppression", why.clone()));
                return Ok(Decision::NoAnswer(why));
            }
            Verdict::NeedsPerson(why) => {
                told.entries.push(self.entry("route", why.clone()));
                return Ok(Decision::NeedsPerson(why));
            }
        };
        if let Some(grant) = view.usable_grant() {
            let access = Access { mailbox: view.meta.mailbox.clone(), grant: grant.clone() };
            let read = self.attachments.add(&access, conversation, turn, &mut request).await?;
            told.entries.extend(read.into_iter().map(|said| self.entry("attachment", said)));
        }
        let answer = match self.ask(view, request.clone(), until, told).await? {
            Ok(answer) => answer,
            Err(why) => return Ok(Decision::NeedsPerson(why)),
        };
        told.lacking = lacking(&answer, &request);
        if !answer.answerable || answer.reply.trim().is_empty() {
            let why =
                answer.reason_for_person.clone().unwrap_or_else(|| "The assistant cannot answer this.".to_owned());
            told.entries.push(self.entry("assistant", why.clone()));
            return Ok(Decision::NeedsPerson(why));
        }
        let said = format!(
            "Answered in {} from {} source(s), confidence {:.2}.",
            answer.language,
            answer.sources.len(),
            answer.confidence
        );
        told.entries.push(self.entry("assistant", said));
        let own = [view.meta.address.clone(), conversation.head.answered_by.clone()];
        let guarded = self.guards.judge(&guard_case(view, &request, &answer, &own));
        let said = format!("{} of {} guards passed.", guarded.passed(), guarded.verdicts.len());
        told.entries.push(self.entry("guards", said));
        if let Some(why) = withheld(&guarded) {
            self.tell(&guarded, GuardEffect::Person, "Handed to a person because", told);
            self.tell(&guarded, GuardEffect::Draft, "Besides,", told);
            return Ok(Decision::NeedsPerson(why));
        }
        let (marker, now) = (fresh_id(&*self.entropy), self.clock.now());
        let planned = match plan_answer(
            view,
            conversation,
            turn,
            &request,
            &answer,
            &guarded,
            &*self.writer,
            marker,
            &self.rules,
            now,
        ) {
            Ok(planned) => planned,
            Err(why) => {
                told.entries.push(self.entry("plan", why.clone()));
                return Ok(Decision::NoAnswer(why));
            }
        };
        told.entries.push(self.entry("mode", format!("{:?}", view.settings.mode())));
        for reason in &planned.downgrades {
            told.entries.push(self.entry("guard", format!("Downgraded to a draft because {reason}.")));
        }
        // A draft for review says what to look at; a downgrade has said it already.
        if planned.downgrades.is_empty() {
            self.tell(&guarded, GuardEffect::Draft, "Please check before sending:", told);
        }
        Ok(Decision::Answer(Box::new((planned, answer))))
    }

    /// The plan, in one transaction; it replaces what the former revision had planned and not begun.
    async fn write(
        &self,
        view: &MailboxView,
        conversation: Conversation,
        mut turn: Turn,
        decision: Decision,
        told: Told,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let mut head = conversation.head.clone();
        let lease = head.lease.take();
        turn.due_at = None;
        let mut commit = self.gaps.note(Commit::new(), &mut turn, told.lacking.as_deref(), &*self.entropy, now).await?;
        let mut trace = self.trace(&conversation, &turn, told, now);
        let former = conversation.action(turn.no, &answer_step());
        let (mut hint, mut tells) = (None, false);
        match decision {
            Decision::Answer(decided) => {
                let (planned, answer) = *decided;
                trace.sources = answer.sources;
                trace.confidence = Some(answer.confidence);
                let action = self.action(view, &turn, former, planned, now);
                turn.state = TurnState::Planned;
                turn.reason = None;
                turn.slot = Some(AnswerSlot { step: action.step.clone(), rev: turn.rev });
                if action.kind == ActionKind::Send {
                    (head.state, head.state_reason) = (ConversationState::Pending, None);
                    head.updated_at = now;
                }
                hint = action.due_at;
                commit = commit.put(action);
            }
            Decision::NoAnswer(why) => {
                end(&mut turn, &mut head, TurnState::NoAnswer, ConversationState::NoAnswer, why, now);
                commit = cancel_former(commit, former, now);
            }
            Decision::NeedsPerson(why) => {
                // The assistant stays off on this thread until a person hands it back (`B4`).
                head.taken_over.get_or_insert(TakenOver { at: now, reason: "routed".to_owned() });
                if let Some(notice) = Notice::needs_person(&conversation, &turn, &why, now) {
                    (commit, tells) = (commit.put(notice), true);
                }
                end(&mut turn, &mut head, TurnState::NeedsPerson, ConversationState::NeedsPerson, why, now);
                commit = cancel_former(commit, former, now);
            }
        }
        let (mailbox, thread, no) = (turn.mailbox.clone(), turn.thread.clone(), turn.no);
        match self.commits.commit(commit.put(turn).put(head).put(trace)).await {
            Ok(()) => {}
            // A mail joined, or a person took over: the next run plans for what is there now.
            Err(CommitError::Conflict(_)) => return self.start_over(&mailbox, &thread, no, lease.as_ref(), now).await,
            Err(other) => return Err(other.into()),
        }
        if tells {
            let (mailbox, thread) = (mailbox.clone(), thread.clone());
            self.hint(WorkerWork::Notify { mailbox, thread, turn: no }, Duration::ZERO).await;
        }
        if let Some(due) = hint {
            let work = WorkerWork::Act { mailbox, thread, turn: no, step: answer_step() };
            self.hint(work, delay_until(due, now)).await;
        }
        Ok(Outcome::Done)
    }

    fn action(
        &self,
        view: &MailboxView,
        turn: &Turn,
        former: Option<&Action>,
        planned: Planned,
        now: Timestamp,
    ) -> Action {
        let due = if planned.kind == ActionKind::Send { now.plus(view.settings.delay()) } else { now };
        let mut reply = planned.reply;
        if let Some(former) = former {
            // One marker for the life of the step: an orphan of a former revision is still recognised.
            reply.marker.clone_from(&former.reply.marker);
        }
        Action {
            ver: former.map_or(0, |action| action.ver),
            mailbox: turn.mailbox.clone(),
            thread: turn.thread.clone(),
            turn: turn.no,
            step: answer_step(),
            rev: turn.rev,
            kind: planned.kind,
            // A draft that may exist is looked for before another is made.
            state: match former.map(|action| &action.state) {
                Some(ActionState::Drafting { since }) => ActionState::Drafting { since: *since },
                _ => ActionState::Planned,
            },
            reply,
            draft: former.and_then(|action| action.draft.clone()),
            due_at: Some(due),
            not_before: None,
            budget_taken: false,
            by: None,
            updated_at: now,
            expires_at: now.plus(self.rules.retention),
        }
    }

    fn trace(&self, conversation: &Conversation, turn: &Turn, told: Told, now: Timestamp) -> Trace {
        Trace {
            ver: conversation.trace(turn.no).map_or(0, |trace| trace.ver),
            mailbox: turn.mailbox.clone(),
            thread: turn.thread.clone(),
            turn: turn.no,
            rev: turn.rev,
            entries: told.entries,
            sources: vec![],
            confidence: None,
            usage: told.usage,
            expires_at: now.plus(self.rules.retention),
        }
    }

    /// The mailbox is paused or cannot be used: the turn waits with its mailbox, in no queue. What was read of the mailbox
    /// must still be true, since *Resume* and *Reconnect* take up only what is parked.
    /// Disconnecting was a decision: what was under way then is dropped, and does not come back with the mailbox (`A8`).
    async fn ends_with_its_connection(
        &self,
        view: &MailboxView,
        conversation: &Conversation,
        mut turn: Turn,
        now: Timestamp,
    ) -> Result<Outcome, Stop> {
        let mut head = conversation.head.clone();
        (turn.state, turn.due_at) = (TurnState::NoAnswer, None);
        turn.reason = Some(DISCONNECTED.to_owned());
        if head.last_turn == turn.no {
            (head.state, head.state_reason) = (ConversationState::Received, turn.reason.clone());
        }
        let commit = cancel_live(Commit::new().put(turn).put(head), conversation, "disconnected", now)
            .check(ItemKey::Mailbox(view.meta.mailbox.clone()), view.meta.ver);
        self.commits.commit(commit).await?;
        Ok(Outcome::Ignore("disconnected"))
    }

    async fn park(&self, view: &MailboxView, head: &Head, mut turn: Turn, now: Timestamp) -> Result<Outcome, Stop> {
        let mut head = head.clone();
        turn.state = TurnState::Parked;
        turn.due_at = None;
        head.state = ConversationState::Held;
        head.state_reason = Some("The channel is paused or not connected.".to_owned());
        let parked = parked_again(&*self.engines, parked_turn(&turn, now)).await?;
        let commit = Commit::new()
            .put(turn)
            .put(head)
            .put(parked)
            .check(ItemKey::Settings(view.meta.mailbox.clone()), view.settings.ver)
            .check(ItemKey::Mailbox(view.meta.mailbox.clone()), view.meta.ver);
        self.commits.commit(commit).await?;
        Ok(Outcome::Ignore("parked"))
    }

    /// The due index holds the turn; the hint only makes it quicker.
    async fn later(&self, turn: &Turn, after: Duration, reason: &'static str) -> Result<Outcome, Stop> {
        let work = WorkerWork::Turn { mailbox: turn.mailbox.clone(), thread: turn.thread.clone(), turn: turn.no };
        self.hint(work, after).await;
        Ok(Outcome::Defer { after, reason })
    }

    async fn start_over(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        no: u32,
        ours: Option<&Lease>,
        now: Timestamp,
    ) -> Result<Outcome, Stop> {
        let head = self.conversations.head(mailbox, thread, now).await?;
        let still_ours = |head: &Head| head.lease.as_ref().map(|l| &l.token) == ours.map(|l| &l.token);
        if let Some(mut head) = head.filter(still_ours) {
            head.lease = None;
            match self.commits.commit(Commit::new().put(head)).await {
                Ok(()) | Err(CommitError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let work = WorkerWork::Turn { mailbox: mailbox.clone(), thread: thread.clone(), turn: no };
        self.hint(work, Duration::from_secs(1)).await;
        Ok(Outcome::Defer { after: Duration::from_secs(1), reason: "the_turn_changed" })
    }

    /// The assistant is not available: the lease is given back with its count, and the turn is due again in a minute.
    async fn give_back(&self, mut head: Head, turn: &Turn, error: &AssistantError) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if let Some(lease) = &mut head.lease {
            lease.until = now;
        }
        tracing::warn!(mailbox.id = %turn.mailbox, turn.id = turn.no, %error, "the assistant is not available");
        self.commits.commit(Commit::new().put(head)).await?;
        self.later(turn, Duration::from_secs(60), "the_assistant_is_not_available").await
    }

    async fn hint(&self, work: WorkerWork, after: Duration) {
        if let Err(error) = self.queue.send(vec![work], after).await {
            tracing::warn!(%error, "a hint was lost; the work comes from the due index");
        }
    }
}

/// Why nobody gets to see the answer, for people; none when it may at least be a draft.
fn withheld(guarded: &Guarded) -> Option<String> {
    let first = guarded.reasons(GuardEffect::Person).next()?;
    Some(format!("The assistant's answer was withheld because {first}."))
}

/// What the knowledge base is to be told, in the customer's words; none when it had what was asked for.
fn lacking(answer: &Answer, request: &AnswerRequest) -> Option<String> {
    if !answer.unanswered.is_empty() {
        return Some(answer.unanswered.join("\n"));
    }
    let unsupported = answer.answerable && answer.sources.is_empty();
    let open = || request.chain.iter().rev().take(request.open).rev().map(|mail| mail.text.trim());
    unsupported.then(|| open().collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
}

/// An answer of an earlier turn that is about to be sent, or waits to be tried again: it goes first, or joins this turn.
fn is_earlier_send(action: &Action, turn: u32) -> bool {
    let sends = action.kind == ActionKind::Send || matches!(action.state, ActionState::Approved { .. });
    action.turn < turn && sends && !action.state.ended() && action.due_at.is_some()
}

/// What a model was asked and what that took, for the trace.
fn in_words(usage: &Usage) -> String {
    let cost = match usage.cost_micro_usd {
        0 => "cost unknown".to_owned(),
        cost => format!("cost {}", dollars(cost)),
    };
    let left_out = match usage.mails_left_out {
        0 => String::new(),
        1 => ", 1 earlier mail left out".to_owned(),
        more => format!(", {more} earlier mails left out"),
    };
    let search = match usage.search.as_str() {
        "" => String::new(),
        search => format!(
            " {search} ({}: {} call(s), {} tokens).",
            usage.embedding_model, usage.embedding_calls, usage.embedding_tokens
        ),
    };
    format!(
        "{} ({}): context of about {} tokens with {} passage(s){left_out}; {} call(s), {} tokens in, {} tokens out, {cost}.{search}",
        usage.model,
        usage.provider,
        usage.context_tokens,
        usage.passages,
        usage.calls,
        usage.input_tokens,
        usage.output_tokens,
    )
}

/// Millionths of a US dollar as `0.0123 USD`.
fn dollars(micro: u64) -> String {
    format!("{}.{:06} USD", micro / 1_000_000, micro % 1_000_000)
}

fn end(turn: &mut Turn, head: &mut Head, to: TurnState, shown: ConversationState, why: String, now: Timestamp) {
    turn.state = to;
    turn.reason = Some(why.clone());
    head.state = shown;
    head.state_reason = Some(why);
    head.updated_at = now;
}

fn cancel_former(commit: Commit, former: Option<&Action>, now: Timestamp) -> Commit {
    match former.filter(|action| !action.state.ended()) {
        Some(action) => commit.put(cancelled(action, "replaced", now)),
        None => commit,
    }
}
