//! Act: one action of the ledger, carried out at Gmail under the thread's lease.
//!
//! Invariants: an effect is recorded before it is begun; an answer is sent only from a recorded draft by `drafts.send`,
//! begun in one transaction that requires the turn, its revision, the thread, the settings and the budgets to be as
//! they were read; a lost answer of Gmail is looked into, never repeated blindly.

use crate::ids::{LeaseToken, MailboxId, StepName, ThreadId};
use crate::outcome::Outcome;
use crate::ports::{
    Access, Clock, CommitError, Commits, Conversations, Engines, Entropy, Gmail, GmailError, MailWriter, Mailboxes,
    Pseudonyms, SeenMails, SyncQueue, WorkQueue,
};
use crate::record::{
    Action, ActionKind, ActionState, Commit, Conversation, ConversationState, DraftRef, Head, ItemKey, Lease,
    MailboxView, Notice, SeenState, TakenOver, Turn, TurnState,
};
use crate::time::Timestamp;
use crate::usecase::common::{
    DISCONNECTED, Rules, Stop, delay_until, fresh_token, grant_problem, not_before, note_grant_problem, parked_again,
};
use crate::usecase::ingest::parked_turn;
use crate::usecase::own_mail::cancelled;
use crate::work::{SyncWork, WorkerWork};
use std::sync::Arc;
use std::time::Duration;

/// After a lost answer nothing is concluded for so long, since a draft may still be listed for some seconds.
pub const SETTLE_UNKNOWN: Duration = Duration::from_secs(10);
/// Between two looks for a mail that may have been sent.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// After so many looks without a trace of it, a person is asked.
const LOOKS: u32 = 2;
/// `drafts.send` is begun only with so much of the lease left: more than its own time-out.
const SEND_TIME: Duration = Duration::from_secs(45);
/// A newer mail of the thread that cannot be read holds an answer back for so long; then a person looks.
const UNSEEN_PATIENCE: Duration = Duration::from_secs(3600);
/// After so many tries that Gmail did not carry out, a person is asked.
const SEND_ATTEMPTS: u32 = 5;
/// A refusal that lasts longer takes the draft of an answer sent by machine out of Gmail again.
const LONG_REFUSAL: Duration = Duration::from_secs(120);

pub struct Act {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub seen: Arc<dyn SeenMails>,
    pub conversations: Arc<dyn Conversations>,
    pub commits: Arc<dyn Commits>,
    pub gmail: Arc<dyn Gmail>,
    pub writer: Arc<dyn MailWriter>,
    pub pseudonyms: Arc<dyn Pseudonyms>,
    pub queue: Arc<dyn WorkQueue>,
    pub sync_queue: Arc<dyn SyncQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub rules: Rules,
}

/// The action in hand with what was read about it. The head carries our lease.
pub(crate) struct Hand {
    pub view: MailboxView,
    pub access: Access,
    pub conversation: Conversation,
    pub head: Head,
    pub turn: Option<Turn>,
    pub action: Action,
    /// Names our lease on the head.
    pub token: LeaseToken,
}

impl Hand {
    fn set(&mut self, state: ActionState, due_at: Option<Timestamp>, now: Timestamp) {
        self.action.state = state;
        self.action.due_at = due_at;
        self.action.not_before = due_at;
        self.action.updated_at = now;
    }

    fn show(&mut self, state: ConversationState, reason: Option<&str>, now: Timestamp) {
        self.head.state = state;
        self.head.state_reason = reason.map(str::to_owned);
        self.head.updated_at = now;
    }

    fn end_turn(&mut self, state: TurnState, reason: Option<&str>) {
        if let Some(turn) = &mut self.turn {
            turn.state = state;
            turn.reason = reason.map(str::to_owned);
            turn.due_at = None;
        }
    }

    fn answers_its_turn(&self) -> bool {
        self.action.kind != ActionKind::PersonReply
    }
}

impl Act {
    pub async fn run(&self, mailbox: &MailboxId, thread: &ThreadId, turn: u32, step: &StepName) -> Outcome {
        self.try_run(mailbox, thread, turn, step).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        turn: u32,
        step: &StepName,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Outcome::Ignore("unknown_mailbox")) };
        let Some(conversation) = self.conversations.conversation(mailbox, thread, now).await? else {
            return Ok(Outcome::Ignore("no_conversation"));
        };
        let Some(action) = conversation.action(turn, step).cloned() else { return Ok(Outcome::Ignore("no_action")) };
        let Some(due) = action.due_at else { return Ok(Outcome::Ignore("not_due")) };
        let due = action.not_before.map_or(due, |at| at.max(due));
        if due > now {
            return Ok(self.later(&action, due.since(now), "not_due_yet").await);
        }
        let turn = conversation.turn(turn).cloned();
        let Some(grant) = view.usable_grant().cloned() else {
            return self.without_grant(&view, conversation.head, turn, action).await;
        };
        if let Some(lease) = conversation.head.lease.as_ref().filter(|lease| lease.held(now)) {
            return Ok(self
                .later(&action, lease.until.since(now).min(Duration::from_secs(10)), "the_thread_is_busy")
                .await);
        }
        let mut head = conversation.head.clone();
        let purpose = format!("act#{}#{}", action.turn, action.step);
        let token = fresh_token(&*self.entropy);
        head.lease = Some(Lease::next(head.lease.as_ref(), token.clone(), now.plus(self.rules.lease), &purpose));
        match self.commits.commit(Commit::new().put(head.clone())).await {
            Err(CommitError::Conflict(_)) => {
                return Ok(self.later(&action, Duration::from_secs(2), "the_thread_is_busy").await);
            }
            other => other?,
        }
        head.ver += 1;
        let access = Access { mailbox: mailbox.clone(), grant };
        let mut hand = Hand { view, access, conversation, head, turn, action, token };
        match self.step(&mut hand).await {
            Err(Stop::Gmail(error)) => self.gmail_failed(hand, error).await,
            Err(Stop::Commit(CommitError::Conflict(keys))) => {
                self.give_back(hand).await?;
                Err(CommitError::Conflict(keys).into())
            }
            other => other,
        }
    }

    /// One action goes as far as it can in this run.
    async fn step(&self, hand: &mut Hand) -> Result<Outcome, Stop> {
        match hand.action.state.clone() {
            ActionState::Cancelled { reason, cleanup: true } => self.clean_up(hand, reason).await,
            ActionState::Sending { since, attempt } => {
                // Its holder is gone, and the mail may be on its way.
                self.look(hand, since, attempt, 0).await
            }
            ActionState::Unknown { since, attempt, looks } => self.look(hand, since, attempt, looks).await,
            ActionState::Approved { message, text } => self.approved(hand, &message, text).await,
            ActionState::Planned | ActionState::Drafting { .. } | ActionState::Drafted => self.carry_out(hand).await,
            _ => {
                self.settle(hand).await?;
                Ok(Outcome::Ignore("ended"))
            }
        }
    }

    async fn carry_out(&self, hand: &mut Hand) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if hand.answers_its_turn() {
            if let Some(outcome) = self.superseded(hand, now).await? {
                return Ok(outcome);
            }
            if !hand.view.settings.enabled {
                return self.hold(hand, now).await;
            }
            if hand.action.kind == ActionKind::Send {
                if hand.view.organisation.sending_stopped {
                    return self.downgrade(hand, "automatic sending is stopped for the organisation").await;
                }
                if let Some(outcome) = self.reread_thread(hand).await? {
                    return Ok(outcome);
                }
            }
        }
        if hand.action.state != ActionState::Drafted {
            self.draft(hand).await?;
        }
        match hand.action.kind {
            ActionKind::Draft => {
                let now = self.clock.now();
                hand.set(ActionState::Drafted, None, now);
                hand.show(ConversationState::Review, None, now);
                self.settle(hand).await?;
                Ok(Outcome::Done)
            }
            ActionKind::Send | ActionKind::PersonReply => self.send(hand, 1).await,
        }
    }

    /// A newer mail joined, somebody took over, or the turn is closed: this plan is no longer wanted.
    async fn superseded(&self, hand: &mut Hand, now: Timestamp) -> Result<Option<Outcome>, Stop> {
        if hand.turn.as_ref().is_some_and(|turn| turn.opened_at < hand.view.meta.connected_at) {
            return self.ends_with_its_connection(hand, now).await.map(Some);
        }
        let newer = hand.conversation.turn(hand.head.last_turn).filter(|turn| turn.no > hand.action.turn);
        if let Some(newer) =
            newer.filter(|turn| turn.state.joinable()).cloned().filter(|_| hand.head.taken_over.is_none())
        {
            return self.join_the_newer(hand, newer, now).await.map(Some);
        }
        let wanted = hand.turn.as_ref().is_some_and(|turn| {
            turn.state == TurnState::Planned
                && turn.rev == hand.action.rev
                && turn.slot.as_ref().is_some_and(|slot| slot.step == hand.action.step && slot.rev == hand.action.rev)
        });
        if wanted && hand.head.taken_over.is_none() {
            return Ok(None);
        }
        let replanned =
            hand.turn.as_ref().is_some_and(|turn| matches!(turn.state, TurnState::Open | TurnState::Parked));
        if replanned && hand.head.taken_over.is_none() {
            // The next plan takes this action over, with its draft; until then nothing of it is due.
            hand.action.due_at = None;
            self.settle(hand).await?;
            return Ok(Some(Outcome::Ignore("a_newer_plan_is_coming")));
        }
        hand.action = cancelled(&hand.action, "taken_over", now);
        let cleanup = hand.action.due_at.is_some();
        self.settle(hand).await?;
        if cleanup {
            self.later(&hand.action, Duration::ZERO, "cleanup").await;
        }
        Ok(Some(Outcome::Ignore("superseded")))
    }

    /// Disconnecting was a decision: what was under way then does not come back with the mailbox (`A8`).
    async fn ends_with_its_connection(&self, hand: &mut Hand, now: Timestamp) -> Result<Outcome, Stop> {
        hand.action = cancelled(&hand.action, "disconnected", now);
        let cleanup = hand.action.due_at.is_some();
        if hand.turn.as_ref().is_some_and(|turn| turn.state.joinable()) {
            hand.end_turn(TurnState::NoAnswer, Some(DISCONNECTED));
        }
        if hand.head.last_turn == hand.action.turn {
            hand.show(ConversationState::Received, Some(DISCONNECTED), now);
        }
        self.settle(hand).await?;
        if cleanup {
            self.later(&hand.action, Duration::ZERO, "cleanup").await;
        }
        Ok(Outcome::Ignore("disconnected"))
    }

    /// While this answer was under way a newer mail opened a turn of its own; the answer did not go out after all. Its
    /// mails join the newer turn, and its draft goes.
    async fn join_the_newer(&self, hand: &mut Hand, mut newer: Turn, now: Timestamp) -> Result<Outcome, Stop> {
        hand.action = cancelled(&hand.action, "joined_a_newer_turn", now);
        let mails = hand.turn.as_ref().map(|turn| turn.mails.clone()).unwrap_or_default();
        hand.end_turn(TurnState::NoAnswer, Some("Its mails are answered together with a newer one."));
        newer.mails = mails.into_iter().chain(newer.mails).collect();
        newer.rev += 1;
        if newer.state == TurnState::Planned {
            (newer.state, newer.due_at) = (TurnState::Open, Some(now));
            hand.show(ConversationState::Working, None, now);
        }
        hand.head.lease = None;
        let mut commit = Commit::new().put(hand.action.clone()).put(hand.head.clone()).put(newer.clone());
        if let Some(turn) = &hand.turn {
            commit = commit.put(turn.clone());
        }
        self.commits.commit(commit).await?;
        hand.action.ver += 1;
        let work = WorkerWork::Turn { mailbox: newer.mailbox, thread: newer.thread, turn: newer.no };
        if let Err(error) = self.queue.send(vec![work], Duration::ZERO).await {
            tracing::warn!(mailbox.id = %hand.access.mailbox, %error, "a hint was lost; the turn comes from the due index");
        }
        if hand.action.due_at.is_some() {
            self.later(&hand.action, Duration::ZERO, "cleanup").await;
        }
        Ok(Outcome::Ignore("joined_a_newer_turn"))
    }

    /// Paused: the answer waits with its mailbox; *Resume* takes it up.
    async fn hold(&self, hand: &mut Hand, now: Timestamp) -> Result<Outcome, Stop> {
        hand.action.due_at = None;
        hand.action.updated_at = now;
        hand.show(ConversationState::Held, Some("The channel is paused."), now);
        hand.head.lease = None;
        // Paused by settings that still stand: a person who resumes meanwhile makes this commit fail.
        let unchanged = ItemKey::Settings(hand.access.mailbox.clone());
        let mut commit =
            Commit::new().put(hand.action.clone()).put(hand.head.clone()).check(unchanged, hand.view.settings.ver);
        if let Some(turn) = &hand.turn {
            commit = commit.put(parked_again(&*self.engines, parked_turn(turn, now)).await?);
        }
        self.commits.commit(commit).await?;
        Ok(Outcome::Ignore("paused"))
    }

    /// What would have been sent becomes a draft for review (`C7`).
    async fn downgrade(&self, hand: &mut Hand, reason: &str) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        hand.action.kind = ActionKind::Draft;
        hand.action.reply.machine_sent = false;
        if !matches!(hand.action.state, ActionState::Drafting { .. }) {
            hand.action.state = ActionState::Planned;
        }
        self.draft(hand).await?;
        hand.set(ActionState::Drafted, None, now);
        hand.show(ConversationState::Review, Some(&format!("A draft, because {reason}.")), now);
        self.settle(hand).await?;
        Ok(Outcome::Done)
    }

    /// At its due time an answer is sent only when the thread is as it was when the answer was planned (`C4`).
    async fn reread_thread(&self, hand: &mut Hand) -> Result<Option<Outcome>, Stop> {
        let now = self.clock.now();
        let messages = self.gmail.thread(&hand.access, &hand.action.thread).await?;
        let known = |id: &crate::ids::MessageId| hand.conversation.mails.iter().any(|mail| mail.message == *id);
        let newest_known = hand.conversation.mails.iter().map(|mail| mail.internal_date).max();
        let unseen: Vec<_> = messages
            .iter()
            .filter(|message| {
                !message.labels.iter().any(|label| matches!(label.as_str(), "DRAFT" | "SPAM" | "TRASH" | "CHAT"))
            })
            .filter(|message| !known(&message.message))
            .filter(|message| newest_known.is_none_or(|newest| message.internal_date >= newest))
            .collect();
        let ids: Vec<_> = unseen.iter().map(|message| message.message.clone()).collect();
        let seen = self.seen.seen(&hand.access.mailbox, &ids, now).await?;
        // What an exclusion left out, or what is gone, is nobody's word in this conversation.
        let settled = |id: &crate::ids::MessageId| {
            seen.iter().any(|seen| seen.message == *id && seen.state.is_final() && seen.state != SeenState::Stored)
        };
        let unseen: Vec<_> = unseen.into_iter().filter(|message| !settled(&message.message)).collect();
        if unseen.is_empty() {
            return Ok(None);
        }
        let patience = hand
            .turn
            .as_ref()
            .map_or(now, |turn| turn.opened_at)
            .plus(hand.view.settings.delay())
            .plus(UNSEEN_PATIENCE);
        if now > patience {
            let why = "the thread holds a newer mail that could not be read";
            return self.downgrade(hand, why).await.map(Some);
        }
        let work = unseen.iter().map(|message| SyncWork::Ingest {
            mailbox: hand.access.mailbox.clone(),
            message: message.message.clone(),
            thread: Some(message.thread.clone()),
            first_seen: now,
            labels: message.labels.clone(),
        });
        self.sync_queue.send(work.collect(), Duration::ZERO).await?;
        // The mail's own reading joins the turn, or cancels the answer; this looks again after it.
        let again = now.plus(Duration::from_secs(20));
        let state = hand.action.state.clone();
        hand.set(state, Some(again), now);
        self.settle(hand).await?;
        Ok(Some(self.later(&hand.action, again.since(now), "the_thread_has_newer_mail").await))
    }

    /// The draft in Gmail: made, updated, or found again after a crash.
    async fn draft(&self, hand: &mut Hand) -> Result<(), Stop> {
        let now = self.clock.now();
        let may_exist = matches!(hand.action.state, ActionState::Drafting { .. });
        if hand.action.draft.is_none() && may_exist {
            hand.action.draft = self.find_draft(hand).await?;
        }
        if !may_exist {
            let due = hand.action.due_at;
            hand.set(ActionState::Drafting { since: now }, due, now);
            self.save_action(hand).await?;
        }
        let mail = self
            .writer
            .write_reply(&hand.action.reply)
            .map_err(|why| GmailError::Refused(format!("the answer cannot be written: {why}")))?;
        let drafted = match hand.action.draft.clone() {
            None => self.gmail.create_draft(&hand.access, &hand.action.thread, &mail).await?,
            Some(ours) => self.refresh_draft(hand, &ours, &mail).await?,
        };
        hand.action.draft = Some(drafted);
        hand.action.state = ActionState::Drafted;
        Ok(())
    }

    /// An unedited draft of a former plan is updated. One that a person edited, or that is gone, is left alone.
    async fn refresh_draft(&self, hand: &mut Hand, ours: &DraftRef, mail: &[u8]) -> Result<DraftRef, Stop> {
        match self.gmail.draft(&hand.access, &ours.draft).await {
            Ok(stands) if stands.message == ours.message => {
                Ok(self.gmail.update_draft(&hand.access, &ours.draft, &hand.action.thread, mail).await?)
            }
            Ok(_edited) => {
                // A person is at it: their words stay, and they send it. What we know of the draft stays what we wrote, so
                // that the difference is seen.
                hand.action.kind = ActionKind::Draft;
                Ok(ours.clone())
            }
            Err(GmailError::NotFound) => Ok(self.gmail.create_draft(&hand.access, &hand.action.thread, mail).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// A draft of ours by its marker; drafts are members of their thread.
    async fn find_draft(&self, hand: &Hand) -> Result<Option<DraftRef>, Stop> {
        let messages = self.gmail.thread(&hand.access, &hand.action.thread).await?;
        let ours = messages.iter().find(|message| {
            message.labels.iter().any(|label| label.as_str() == "DRAFT")
                && carries_marker(&message.headers, &hand.action.reply.marker)
        });
        let Some(ours) = ours else { return Ok(None) };
        let drafts = self.gmail.drafts_in(&hand.access, &hand.action.thread).await?;
        Ok(drafts.into_iter().find(|draft| draft.message == ours.message))
    }

    /// A person approved the draft they were shown.
    async fn approved(
        &self,
        hand: &mut Hand,
        shown: &crate::ids::MessageId,
        text: Option<String>,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if hand.answers_its_turn() {
            if let Some(outcome) = self.superseded(hand, now).await? {
                return Ok(outcome);
            }
            if !hand.view.settings.enabled {
                return self.hold(hand, now).await;
            }
        }
        let Some(ours) = hand.action.draft.clone() else {
            hand.set(ActionState::NeedsPerson { reason: "no_draft".to_owned() }, None, now);
            return self.to_person(hand, "There is no draft that could be sent.").await;
        };
        let stands = match self.gmail.draft(&hand.access, &ours.draft).await {
            Ok(stands) => stands,
            Err(GmailError::NotFound) => return self.vanished(hand).await,
            Err(error) => return Err(error.into()),
        };
        if stands.message != *shown {
            hand.set(ActionState::Drafted, None, now);
            hand.show(ConversationState::Review, Some("Changed in Gmail: look at it again before it is sent."), now);
            self.settle(hand).await?;
            return Ok(Outcome::Done);
        }
        if let Some(text) = text {
            hand.action.reply.text = text;
            let mail = self
                .writer
                .write_reply(&hand.action.reply)
                .map_err(|why| GmailError::Refused(format!("the answer cannot be written: {why}")))?;
            let updated = self.gmail.update_draft(&hand.access, &ours.draft, &hand.action.thread, &mail).await?;
            hand.action.state = ActionState::Approved { message: updated.message.clone(), text: None };
            hand.action.draft = Some(updated);
            self.save_action(hand).await?;
        }
        self.send(hand, 1).await
    }

    /// The draft is gone from Gmail: a person sent it there, or discarded it.
    async fn vanished(&self, hand: &mut Hand) -> Result<Outcome, Stop> {
        if let Some(sent) = self.find_sent(hand).await? {
            return self.sent(hand, sent).await;
        }
        let now = self.clock.now();
        hand.set(ActionState::Cancelled { reason: "discarded_in_gmail".to_owned(), cleanup: false }, None, now);
        hand.end_turn(TurnState::NoAnswer, Some("The draft was discarded in Gmail."));
        hand.show(ConversationState::Received, Some("The draft was discarded in Gmail."), now);
        self.settle(hand).await?;
        Ok(Outcome::Done)
    }

    /// Begun in one transaction; then `drafts.send`, once.
    async fn send(&self, hand: &mut Hand, attempt: u32) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if attempt > SEND_ATTEMPTS {
            return self.to_person(hand, "Gmail did not send the answer. The draft is still in the thread.").await;
        }
        let Some(draft) = hand.action.draft.clone() else {
            return self.to_person(hand, "There is no draft that could be sent.").await;
        };
        let before = hand.action.state.clone();
        let lease_end = hand.head.lease.as_ref().map(|lease| lease.until);
        if lease_end.is_none_or(|end| end.since(now) < SEND_TIME) {
            hand.set(before, Some(now), now);
            self.settle(hand).await?;
            return Ok(self.later(&hand.action, Duration::ZERO, "too_little_time_left").await);
        }
        hand.set(ActionState::Sending { since: now, attempt }, lease_end, now);
        let takes_budget = hand.action.kind == ActionKind::Send && !hand.action.budget_taken;
        hand.action.budget_taken |= takes_budget;
        // Head and turn are written although nothing changes in them: a mail that read them before this joins neither.
        let mut commit = Commit::new()
            .put(hand.action.clone())
            .put(hand.head.clone())
            .check(ItemKey::Settings(hand.access.mailbox.clone()), hand.view.settings.ver)
            .check(ItemKey::Mailbox(hand.access.mailbox.clone()), hand.view.meta.ver)
            .check(ItemKey::Organisation, hand.view.organisation.ver);
        if let Some(turn) = hand.turn.as_ref().filter(|_| hand.answers_its_turn()) {
            commit = commit.put(turn.clone());
        }
        if takes_budget {
            for cap in crate::usecase::caps::caps(&hand.action, &self.rules, &*self.pseudonyms, now) {
                commit = commit.cap(cap);
            }
        }
        match self.commits.commit(commit).await {
            Err(CommitError::CapReached(cap)) => {
                (hand.action.state, hand.action.budget_taken) = (before, false);
                return self.downgrade(hand, &crate::usecase::caps::in_words(&cap)).await;
            }
            other => other?,
        }
        hand.action.ver += 1;
        hand.head.ver += 1;
        if let Some(turn) = hand.turn.as_mut().filter(|_| hand.action.kind != ActionKind::PersonReply) {
            turn.ver += 1;
        }
        match self.gmail.send_draft(&hand.access, &draft.draft).await {
            Ok(message) => self.sent(hand, message).await,
            Err(error) => self.not_sent(hand, before, attempt, error).await,
        }
    }

    /// What a failure of `drafts.send` means.
    async fn not_sent(
        &self,
        hand: &mut Hand,
        before: ActionState,
        attempt: u32,
        error: GmailError,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if let Some(until) = not_before(&error, now) {
            return self.refused_for_now(hand, before, until).await;
        }
        match error {
            GmailError::Unknown(_) | GmailError::NotFound => {
                let again = now.plus(SETTLE_UNKNOWN);
                hand.set(ActionState::Unknown { since: now, attempt, looks: 0 }, Some(again), now);
                self.settle(hand).await?;
                Ok(self.later(&hand.action, SETTLE_UNKNOWN, "it_is_not_known_whether_it_was_sent").await)
            }
            GmailError::Grant(_) | GmailError::GrantMissing | GmailError::Client(_) => {
                hand.set(before, Some(now), now);
                self.save_action(hand).await?;
                Err(error.into())
            }
            other => {
                hand.set(ActionState::Failed { reason: other.to_string() }, None, now);
                self.to_person(hand, "Gmail refused to send the answer. The draft is still in the thread.").await
            }
        }
    }

    async fn refused_for_now(&self, hand: &mut Hand, before: ActionState, until: Timestamp) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        hand.set(before, Some(until), now);
        if hand.action.kind == ActionKind::Send && until.since(now) > LONG_REFUSAL {
            // A draft with a machine's headers must not lie in the mailbox where a person may send it.
            if let Some(draft) = hand.action.draft.clone() {
                self.delete_if_ours(hand, &draft).await?;
            }
            hand.action.draft = None;
            hand.action.state = ActionState::Planned;
            hand.show(ConversationState::Pending, Some("Gmail asks to wait."), now);
        }
        self.settle(hand).await?;
        Ok(self.later(&hand.action, until.since(now), "gmail_asks_to_wait").await)
    }

    async fn sent(&self, hand: &mut Hand, message: crate::ids::MessageId) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        hand.set(ActionState::Sent { message, at: now }, None, now);
        if hand.answers_its_turn() {
            hand.end_turn(TurnState::Answered, None);
        }
        hand.show(ConversationState::Answered, None, now);
        self.settle(hand).await?;
        Ok(Outcome::Done)
    }

    /// Whether a mail whose sending was begun is out.
    async fn look(&self, hand: &mut Hand, since: Timestamp, attempt: u32, looks: u32) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let settled = since.plus(SETTLE_UNKNOWN);
        if settled > now {
            hand.set(ActionState::Unknown { since, attempt, looks }, Some(settled), now);
            self.settle(hand).await?;
            return Ok(self.later(&hand.action, settled.since(now), "it_is_not_known_whether_it_was_sent").await);
        }
        let Some(draft) = hand.action.draft.clone() else {
            return self
                .to_person(hand, "It is not known whether the answer was sent. Look at the thread in Gmail.")
                .await;
        };
        match self.gmail.draft(&hand.access, &draft.draft).await {
            // Still there: it was not sent. Everything is checked again before the next try.
            Ok(_) => return self.back_to_drafted(hand, attempt).await,
            Err(GmailError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(message) = self.find_sent(hand).await? {
            return self.sent(hand, message).await;
        }
        if looks + 1 >= LOOKS {
            hand.set(ActionState::NeedsPerson { reason: "send_unknown".to_owned() }, None, now);
            return self
                .to_person(hand, "It is not known whether the answer was sent. Look at the thread in Gmail.")
                .await;
        }
        hand.set(ActionState::Unknown { since, attempt, looks: looks + 1 }, Some(now.plus(LOOK_AGAIN)), now);
        self.settle(hand).await?;
        Ok(self.later(&hand.action, LOOK_AGAIN, "it_is_not_known_whether_it_was_sent").await)
    }

    /// Not sent after all. If the thread moved on meanwhile, the answer goes no further.
    async fn back_to_drafted(&self, hand: &mut Hand, attempt: u32) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if hand.answers_its_turn() {
            // Recorded first: an action that may be on its way holds back everything else of its thread.
            hand.set(ActionState::Drafted, Some(now), now);
            self.save_action(hand).await?;
            if let Some(outcome) = self.superseded(hand, now).await? {
                return Ok(outcome);
            }
            if !hand.view.settings.enabled || hand.view.organisation.sending_stopped {
                return self.carry_out(hand).await;
            }
        }
        self.send(hand, attempt + 1).await
    }

    async fn find_sent(&self, hand: &Hand) -> Result<Option<crate::ids::MessageId>, Stop> {
        let messages = self.gmail.thread(&hand.access, &hand.action.thread).await?;
        let sent = messages.into_iter().find(|message| {
            message.labels.iter().any(|label| label.as_str() == "SENT")
                && carries_marker(&message.headers, &hand.action.reply.marker)
        });
        Ok(sent.map(|message| message.message))
    }

    /// Removes the draft of a cancelled action from Gmail, unless a person edited it.
    async fn clean_up(&self, hand: &mut Hand, reason: String) -> Result<Outcome, Stop> {
        if let Err(error) = self.remove_draft(hand).await {
            match error {
                Stop::Gmail(GmailError::NotFound | GmailError::Refused(_) | GmailError::Conflict) => {
                    tracing::warn!(mailbox.id = %hand.access.mailbox, "a cancelled draft could not be removed from Gmail");
                }
                other => return Err(other),
            }
        }
        hand.action.draft = None;
        hand.set(ActionState::Cancelled { reason, cleanup: false }, None, self.clock.now());
        self.settle(hand).await?;
        Ok(Outcome::Done)
    }

    async fn remove_draft(&self, hand: &Hand) -> Result<(), Stop> {
        let draft = match hand.action.draft.clone() {
            Some(draft) => Some(draft),
            None => self.find_draft(hand).await?,
        };
        match draft {
            Some(draft) => self.delete_if_ours(hand, &draft).await,
            None => Ok(()),
        }
    }

    async fn delete_if_ours(&self, hand: &Hand, ours: &DraftRef) -> Result<(), Stop> {
        match self.gmail.draft(&hand.access, &ours.draft).await {
            Ok(stands) if stands.message == ours.message => {
                match self.gmail.delete_draft(&hand.access, &ours.draft).await {
                    Ok(()) | Err(GmailError::NotFound) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            // Edited by a person, or gone already.
            Ok(_) | Err(GmailError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn to_person(&self, hand: &mut Hand, why: &str) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if !hand.action.state.ended() {
            hand.set(ActionState::NeedsPerson { reason: "send_unknown".to_owned() }, None, now);
        }
        if hand.answers_its_turn() {
            hand.end_turn(TurnState::NeedsPerson, Some(why));
            // So does whatever comes next in this thread, until it is handed back.
            hand.head.taken_over.get_or_insert(TakenOver { at: now, reason: "routed".to_owned() });
        }
        hand.show(ConversationState::NeedsPerson, Some(why), now);
        self.settle(hand).await?;
        Ok(Outcome::Done)
    }

    /// The action alone, in the middle of a run.
    async fn save_action(&self, hand: &mut Hand) -> Result<(), Stop> {
        self.commits.commit(Commit::new().put(hand.action.clone())).await?;
        hand.action.ver += 1;
        Ok(())
    }

    /// Action, turn and head at the end of a run; gives the lease back. The effect has happened by now, so a
    /// conversation that changed meanwhile is read again and the same is written onto it.
    async fn settle(&self, hand: &mut Hand) -> Result<(), Stop> {
        hand.head.lease = None;
        for _ in 0..4 {
            let mut commit = Commit::new().put(hand.action.clone()).put(hand.head.clone());
            let stored = hand.conversation.turn(hand.action.turn);
            if let Some(turn) = hand.turn.as_ref().filter(|turn| Some(*turn) != stored) {
                commit = commit.put(turn.clone());
                let reason = turn.reason.as_deref().filter(|_| turn.state == TurnState::NeedsPerson);
                let notice =
                    reason.and_then(|why| Notice::needs_person(&hand.conversation, turn, why, self.clock.now()));
                if let Some(notice) = notice {
                    commit = commit.put(notice);
                }
            }
            match self.commits.commit(commit).await {
                Ok(()) => {
                    hand.action.ver += 1;
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => self.rebase(hand).await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(CommitError::Conflict(vec![]).into())
    }

    /// Somebody changed head or turn while the effect was under way; the action itself is ours by its lease.
    async fn rebase(&self, hand: &mut Hand) -> Result<(), Stop> {
        let now = self.clock.now();
        let fresh = self.conversations.conversation(&hand.access.mailbox, &hand.action.thread, now).await?;
        let Some(fresh) = fresh else { return Err(CommitError::Conflict(vec![]).into()) };
        let same =
            fresh.action(hand.action.turn, &hand.action.step).is_some_and(|action| action.ver == hand.action.ver);
        if !same {
            return Err(CommitError::Conflict(vec![]).into());
        }
        let newer_work = fresh.turns.iter().any(|turn| turn.no > hand.action.turn || turn.state == TurnState::Open);
        let mut head = fresh.head.clone();
        head.lease = None;
        if let (None, Some(ours)) = (&head.taken_over, &hand.head.taken_over) {
            head.taken_over = Some(ours.clone());
        }
        if !newer_work && head.taken_over == hand.head.taken_over {
            (head.state, head.state_reason) = (hand.head.state, hand.head.state_reason.clone());
            head.updated_at = head.updated_at.max(hand.head.updated_at);
        }
        hand.head = head;
        let our_rev = hand.turn.as_ref().map(|ours| ours.rev);
        let moved_on = |turn: &Turn| Some(turn.rev) != our_rev;
        hand.turn = match (fresh.turn(hand.action.turn).cloned(), hand.turn.take()) {
            (Some(stored), Some(ours)) if !moved_on(&stored) || hand.action.state.ended() => {
                Some(Turn { state: ours.state, reason: ours.reason, due_at: ours.due_at, ..stored })
            }
            (stored, _) => stored,
        };
        hand.conversation = fresh;
        Ok(())
    }

    /// After a conflict: the lease goes back if it is still ours.
    async fn give_back(&self, hand: Hand) -> Result<(), Stop> {
        let now = self.clock.now();
        let stored = self.conversations.head(&hand.access.mailbox, &hand.action.thread, now).await?;
        let still_ours = |head: &Head| head.lease.as_ref().is_some_and(|lease| lease.token == hand.token);
        let Some(mut head) = stored.filter(still_ours) else { return Ok(()) };
        head.lease = None;
        match self.commits.commit(Commit::new().put(head)).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    async fn gmail_failed(&self, mut hand: Hand, error: GmailError) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if let Some(kind) = grant_problem(&error) {
            if note_grant_problem(&*self.mailboxes, &*self.commits, &*self.clock, &hand.view, kind).await? {
                hand.show(ConversationState::Held, Some("The mailbox has to be reconnected."), now);
                return self.hold_without_grant(hand).await;
            }
            let state = hand.action.state.clone();
            hand.set(state, Some(now), now);
            self.settle(&mut hand).await?;
            return Ok(self.later(&hand.action, Duration::from_secs(1), "another_grant_is_in_force").await);
        }
        if matches!(error, GmailError::NotFound | GmailError::Conflict) {
            return self.to_person(&mut hand, "The thread, or the draft in it, is gone from Gmail.").await;
        }
        if let GmailError::Refused(why) = &error {
            tracing::warn!(mailbox.id = %hand.access.mailbox, turn.id = hand.action.turn, error = %why, "Gmail refuses the action");
            hand.set(ActionState::Failed { reason: why.clone() }, None, now);
            return self.to_person(&mut hand, "Gmail refused the draft of the answer.").await;
        }
        let until = not_before(&error, now).unwrap_or_else(|| now.plus(Duration::from_secs(30)));
        let state = hand.action.state.clone();
        hand.set(state, Some(until), now);
        self.settle(&mut hand).await?;
        tracing::warn!(mailbox.id = %hand.access.mailbox, turn.id = hand.action.turn, %error, "Gmail failed: the action comes again");
        Ok(self.later(&hand.action, until.since(now), "gmail_failed").await)
    }

    async fn hold_without_grant(&self, mut hand: Hand) -> Result<Outcome, Stop> {
        hand.head.lease = None;
        let now = self.clock.now();
        // Only while the mailbox is as it is: a reconnect takes the work up again.
        let Some(view) = self.mailboxes.mailbox(&hand.access.mailbox).await? else {
            return Ok(Outcome::Ignore("unknown_mailbox"));
        };
        if view.usable_grant().is_some() {
            return Err(CommitError::Conflict(vec![]).into());
        }
        self.held(&view, hand.head, hand.turn, hand.action, now).await
    }

    /// No grant works. A disconnected mailbox ends the action, any other waits for *Reconnect*.
    async fn without_grant(
        &self,
        view: &MailboxView,
        mut head: Head,
        turn: Option<Turn>,
        mut action: Action,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if view.meta.grant.is_some() {
            head.state = ConversationState::Held;
            head.state_reason = Some("The mailbox has to be reconnected.".to_owned());
            return self.held(view, head, turn, action, now).await;
        }
        action.due_at = None;
        action.updated_at = now;
        action.state = ActionState::Cancelled { reason: "disconnected".to_owned(), cleanup: false };
        let mut commit = Commit::new().put(action);
        if let Some(mut turn) = turn.filter(|turn| turn.state.joinable()) {
            (turn.state, turn.due_at) = (TurnState::NoAnswer, None);
            turn.reason = Some(DISCONNECTED.to_owned());
            (head.state, head.state_reason) = (ConversationState::Received, turn.reason.clone());
            commit = commit.put(turn).put(head);
        }
        self.commits.commit(commit).await?;
        Ok(Outcome::Ignore("disconnected"))
    }

    async fn held(
        &self,
        view: &MailboxView,
        head: Head,
        turn: Option<Turn>,
        mut action: Action,
        now: Timestamp,
    ) -> Result<Outcome, Stop> {
        action.updated_at = now;
        // An answer by hand to a thread without a turn has no place among the parked: it asks again by itself.
        action.due_at = if turn.is_some() { None } else { Some(now.plus(Duration::from_secs(3600))) };
        let unchanged = ItemKey::Mailbox(view.meta.mailbox.clone());
        let mut commit = Commit::new().put(action).put(head).check(unchanged, view.meta.ver);
        if let Some(turn) = &turn {
            commit = commit.put(parked_again(&*self.engines, parked_turn(turn, now)).await?);
        }
        self.commits.commit(commit).await?;
        Ok(Outcome::Ignore("no_usable_grant"))
    }

    /// The due index has the action; the hint makes it quicker where a queue can reach that far.
    async fn later(&self, action: &Action, after: Duration, reason: &'static str) -> Outcome {
        let work = WorkerWork::Act {
            mailbox: action.mailbox.clone(),
            thread: action.thread.clone(),
            turn: action.turn,
            step: action.step.clone(),
        };
        let now = self.clock.now();
        let delay = delay_until(now.plus(after), now);
        if let Err(error) = self.queue.send(vec![work], delay).await {
            tracing::warn!(mailbox.id = %action.mailbox, %error, "a hint was lost; the action comes from the due index");
        }
        Outcome::Defer { after, reason }
    }
}

fn carries_marker(headers: &[(String, String)], marker: &str) -> bool {
    headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("X-Postroom-Id") && value.trim() == marker)
}
