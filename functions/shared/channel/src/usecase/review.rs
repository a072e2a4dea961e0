//! What a person decides at a conversation (`A6`): a draft is approved, edited or discarded, a pending answer sent now or
//! cancelled. The decision is recorded and queued; `ai-worker` carries it out at Gmail.
//!
//! Invariant: a decision counts for what the page showed. It names the version of the action, and an approval the
//! Gmail message as well; anything newer refuses it.

use crate::address::{EmailAddress, Mailbox};
use crate::ids::{MailboxId, MessageId, StepName, ThreadId};
use crate::ports::{
    Access, Clock, CommitError, Commits, Conversations, Entropy, Gmail, GmailError, MailReader, MailWriter, Mailboxes,
    WorkQueue,
};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::common::Stop;
use crate::usecase::own_mail::cancelled;
use crate::work::WorkerWork;
use std::sync::Arc;
use std::time::Duration;

/// Characters of a text that a person writes.
pub const MAX_TEXT: usize = 50_000;
pub(crate) const TRIES: usize = 4;

/// Where people work on conversations.
#[derive(Clone)]
pub struct Desk {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub conversations: Arc<dyn Conversations>,
    pub commits: Arc<dyn Commits>,
    pub gmail: Arc<dyn Gmail>,
    pub reader: Arc<dyn MailReader>,
    pub writer: Arc<dyn MailWriter>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// How long content is kept.
    pub retention: Duration,
}

/// Why a decision was not taken; each has its own message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such conversation")]
    NotFound,
    #[error("the draft or answer has changed since the page was shown")]
    Changed,
    #[error("the customer wrote more since the page was shown")]
    NewerMail,
    #[error("it is being sent, or was sent")]
    UnderWay,
    #[error("the mailbox is not connected")]
    NotConnected,
    #[error("the channel is paused")]
    Paused,
    #[error("automatic sending is stopped for the organisation")]
    Stopped,
    #[error("the text is empty")]
    Empty,
    #[error("the text is too long")]
    TooLong,
    #[error("the mail names nobody who can be answered")]
    NobodyToAnswer,
}

#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Stop(#[from] Stop),
}

/// Which action a form is about, as its page showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    pub mailbox: MailboxId,
    pub thread: ThreadId,
    pub turn: u32,
    pub step: StepName,
    pub ver: u64,
}

/// A conversation as it is shown, with the draft that waits for review as it stands in Gmail.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub view: MailboxView,
    pub conversation: Conversation,
    pub draft: Option<StandingDraft>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StandingDraft {
    pub action: Action,
    pub shown: ShownDraft,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ShownDraft {
    /// As it was written.
    AsWritten { message: MessageId, text: String },
    /// A person changed it in Gmail; this is what would be sent.
    Edited { message: MessageId, text: String, to: Vec<Mailbox> },
    /// No longer in Gmail: sent from there, or discarded.
    Gone,
    /// Gmail cannot be asked now; the text is the one that was written.
    Unreachable { message: MessageId, text: String },
}

pub(crate) struct Case {
    pub view: MailboxView,
    pub conversation: Conversation,
    pub now: Timestamp,
}

/// The action of a form, found as the form knew it.
struct Found {
    action: Action,
    turn: Option<Turn>,
}

fn find(case: &Case, at: &ActionRef) -> Result<Found, Refused> {
    let action = case.conversation.action(at.turn, &at.step).ok_or(Refused::NotFound)?;
    if action.ver != at.ver {
        let gone =
            matches!(action.state, ActionState::Approved { .. } | ActionState::Sent { .. }) || action.state.in_flight();
        return Err(if gone { Refused::UnderWay } else { Refused::Changed });
    }
    Ok(Found { action: action.clone(), turn: case.conversation.turn(at.turn).cloned() })
}

/// Removes what only a browser's form adds; refuses what cannot be sent.
pub fn written_text(text: &str) -> Result<String, Refused> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_end();
    if text.trim().is_empty() {
        return Err(Refused::Empty);
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Refused::TooLong);
    }
    Ok(format!("{text}\n"))
}

impl Desk {
    pub async fn open(&self, mailbox: &MailboxId, thread: &ThreadId) -> Result<Option<Opened>, Stop> {
        let Some(case) = self.read(mailbox, thread).await? else { return Ok(None) };
        let for_review = |action: &&Action| action.kind == ActionKind::Draft && action.state == ActionState::Drafted;
        let draft = match case.conversation.actions.iter().rev().find(for_review).cloned() {
            Some(action) => Some(StandingDraft { shown: self.standing(&case.view, &action).await, action }),
            None => None,
        };
        Ok(Some(Opened { view: case.view, conversation: case.conversation, draft }))
    }

    async fn standing(&self, view: &MailboxView, action: &Action) -> ShownDraft {
        let Some(ours) = &action.draft else { return ShownDraft::Gone };
        let unreachable = || ShownDraft::Unreachable { message: ours.message.clone(), text: action.reply.text.clone() };
        let Some(grant) = view.usable_grant() else { return unreachable() };
        let access = Access { mailbox: view.meta.mailbox.clone(), grant: grant.clone() };
        let (stands, raw) = match self.gmail.draft_raw(&access, &ours.draft).await {
            Ok(found) => found,
            Err(GmailError::NotFound) => return ShownDraft::Gone,
            Err(error) => {
                tracing::warn!(mailbox.id = %view.meta.mailbox, %error, "a draft could not be read");
                return unreachable();
            }
        };
        if stands.message == ours.message {
            return ShownDraft::AsWritten { message: stands.message, text: action.reply.text.clone() };
        }
        match self.reader.read(&raw) {
            Ok(mail) => {
                let mut text = mail.text;
                for part in [mail.signature, mail.quoted].into_iter().flatten() {
                    text = format!("{}\n\n{part}", text.trim_end());
                }
                ShownDraft::Edited { message: stands.message, text, to: mail.headers.to }
            }
            Err(error) => {
                tracing::warn!(mailbox.id = %view.meta.mailbox, %error, "an edited draft could not be read");
                unreachable()
            }
        }
    }

    /// The draft is to be sent: as it stands, or with another text.
    pub async fn approve(
        &self,
        at: &ActionRef,
        shown: &MessageId,
        text: Option<&str>,
        by: &EmailAddress,
    ) -> Result<(), DeskError> {
        let text = text.map(written_text).transpose()?;
        self.decide(at, |case, found| {
            let Found { mut action, turn } = found;
            match &action.state {
                ActionState::Drafted => {}
                state if state.ended() => return Err(Refused::Changed),
                _ => return Err(Refused::UnderWay),
            }
            if case.view.usable_grant().is_none() {
                return Err(Refused::NotConnected);
            }
            let turn = turn.filter(|turn| turn.state == TurnState::Planned).ok_or(Refused::Changed)?;
            if turn.rev != action.rev {
                return Err(Refused::NewerMail);
            }
            let text = text.clone().filter(|text| text.trim_end() != action.reply.text.trim_end());
            action.state = ActionState::Approved { message: shown.clone(), text };
            action.due_at = Some(case.now);
            action.by = Some(by.clone());
            action.updated_at = case.now;
            let key = ItemKey::Turn(turn.mailbox.clone(), turn.thread.clone(), turn.no);
            let head = showing(
                &case.conversation.head,
                ConversationState::Pending,
                Some("Approved; it is being sent."),
                case.now,
            );
            Ok(Commit::new().put(action).put(head).check(key, turn.ver))
        })
        .await
    }

    /// The draft is not wanted; the worker removes it from Gmail, unless it was edited there.
    pub async fn discard(&self, at: &ActionRef, by: &EmailAddress) -> Result<(), DeskError> {
        self.end(at, by, "discarded", "The draft was discarded.").await
    }

    /// The pending answer is not to be sent.
    pub async fn cancel(&self, at: &ActionRef, by: &EmailAddress) -> Result<(), DeskError> {
        self.end(at, by, "cancelled", "The pending answer was cancelled.").await
    }

    async fn end(&self, at: &ActionRef, by: &EmailAddress, code: &str, words: &str) -> Result<(), DeskError> {
        self.decide(at, |case, found| {
            if found.action.state.in_flight() || matches!(found.action.state, ActionState::Approved { .. }) {
                return Err(Refused::UnderWay);
            }
            if found.action.state.ended() {
                return Err(Refused::Changed);
            }
            let mut action = cancelled(&found.action, code, case.now);
            action.by = Some(by.clone());
            let mut commit = Commit::new().put(action);
            if let Some(mut turn) = found.turn.filter(|turn| turn.state.joinable()) {
                turn.state = TurnState::NoAnswer;
                turn.reason = Some(words.to_owned());
                turn.due_at = None;
                commit = commit.put(turn);
            }
            Ok(commit.put(showing(&case.conversation.head, ConversationState::Received, Some(words), case.now)))
        })
        .await
    }

    /// The pending answer does not wait any longer.
    pub async fn send_now(&self, at: &ActionRef, by: &EmailAddress) -> Result<(), DeskError> {
        self.decide(at, |case, found| {
            let mut action = found.action;
            if action.state.in_flight() || action.state.ended() {
                return Err(Refused::UnderWay);
            }
            if action.kind != ActionKind::Send {
                return Err(Refused::Changed);
            }
            if case.view.usable_grant().is_none() {
                return Err(Refused::NotConnected);
            }
            if !case.view.settings.enabled {
                return Err(Refused::Paused);
            }
            if case.view.organisation.sending_stopped {
                return Err(Refused::Stopped);
            }
            // `not_before` stays: it is Gmail's word, not ours.
            action.due_at = Some(case.now);
            action.by = Some(by.clone());
            action.updated_at = case.now;
            let head =
                showing(&case.conversation.head, ConversationState::Pending, Some("It is being sent."), case.now);
            Ok(Commit::new().put(action).put(head))
        })
        .await
    }

    /// Somebody looked. Left out while a worker has the thread in hand: it is not worth a conflict.
    pub async fn mark_read(&self, head: &Head) -> Result<(), Stop> {
        let now = self.clock.now();
        if !head.unread || head.lease.as_ref().is_some_and(|lease| lease.held(now)) {
            return Ok(());
        }
        match self.commits.commit(Commit::new().put(Head { unread: false, ..head.clone() })).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn read(&self, mailbox: &MailboxId, thread: &ThreadId) -> Result<Option<Case>, Stop> {
        let now = self.clock.now();
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(None) };
        let conversation = self.conversations.conversation(mailbox, thread, now).await?;
        Ok(conversation.map(|conversation| Case { view, conversation, now }))
    }

    /// Reads, decides, commits. A conflict over the head alone is no reason to refuse; the action's version decides.
    async fn decide(
        &self,
        at: &ActionRef,
        decision: impl Fn(&Case, Found) -> Result<Commit, Refused> + Send + Sync,
    ) -> Result<(), DeskError> {
        for _ in 0..TRIES {
            let case = self.read(&at.mailbox, &at.thread).await?.ok_or(Refused::NotFound)?;
            let commit = decision(&case, find(&case, at)?)?;
            match self.commits.commit(commit).await {
                Ok(()) => {
                    self.hint(&at.mailbox, &at.thread, at.turn, &at.step).await;
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(Refused::Changed.into())
    }

    /// The due index has it already: a hint that is lost costs at most a minute.
    pub(crate) async fn hint(&self, mailbox: &MailboxId, thread: &ThreadId, turn: u32, step: &StepName) {
        let work = WorkerWork::Act { mailbox: mailbox.clone(), thread: thread.clone(), turn, step: step.clone() };
        self.send_hint(work).await;
    }

    pub(crate) async fn send_hint(&self, work: WorkerWork) {
        if let Err(error) = self.queue.send(vec![work], Duration::ZERO).await {
            tracing::warn!(%error, "a hint was lost; the work comes from the due index");
        }
    }
}

pub(crate) fn showing(head: &Head, state: ConversationState, reason: Option<&str>, now: Timestamp) -> Head {
    Head { state, state_reason: reason.map(str::to_owned), updated_at: now, unread: false, ..head.clone() }
}
