//! Mail that carries SENT in a known thread: ours, our draft that a person sent, or a person's own reply.
//!
//! Own sends come back as history, often before they are recorded; while a send of the thread is not settled, nothing
//! is concluded from it.

use crate::assistant::Author;
use crate::ids::MessageId;
use crate::mail::MailHeaders;
use crate::ports::{Access, Gmail, GmailError, MessageHeaders};
use crate::record::{
    Action, ActionKind, ActionState, Commit, Conversation, ConversationState, Head, MailboxView, StoredMail, TakenOver,
    Turn, TurnState,
};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub enum OwnMail {
    /// A send of this thread is under way or unknown.
    NotSettled,
    /// The mail of an action that is recorded as sent.
    Recorded(Box<Action>),
    /// Our draft, sent by a person from Gmail, edited or not: the answer of its turn.
    DraftSentByPerson(Box<Action>),
    /// A person answered by themselves.
    OwnReply,
}

pub async fn sort_own_mail(
    gmail: &dyn Gmail,
    access: &Access,
    conversation: &Conversation,
    found: &MessageHeaders,
    headers: &MailHeaders,
) -> Result<OwnMail, GmailError> {
    let actions = &conversation.actions;
    let is_recorded =
        |action: &&Action| matches!(&action.state, ActionState::Sent { message, .. } if *message == found.message);
    if let Some(action) = actions.iter().find(is_recorded) {
        return Ok(OwnMail::Recorded(Box::new(action.clone())));
    }
    if actions.iter().any(|action| action.state.in_flight()) {
        return Ok(OwnMail::NotSettled);
    }
    let marked = |action: &&Action| headers.marker.as_deref() == Some(action.reply.marker.as_str());
    if let Some(action) = actions.iter().find(marked) {
        let sorted = Box::new(action.clone());
        return Ok(if matches!(action.state, ActionState::Sent { .. }) {
            OwnMail::Recorded(sorted)
        } else {
            OwnMail::DraftSentByPerson(sorted)
        });
    }
    // Gmail's own page may drop our header when a person edits the draft: then the draft is gone.
    let live =
        actions.iter().filter(|action| matches!(action.state, ActionState::Drafted | ActionState::Approved { .. }));
    for action in live {
        let Some(draft) = &action.draft else { continue };
        match gmail.draft(access, &draft.draft).await {
            Err(GmailError::NotFound) => return Ok(OwnMail::DraftSentByPerson(Box::new(action.clone()))),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(OwnMail::OwnReply)
}

impl OwnMail {
    /// What it changes in the conversation; `stored` gets its author.
    pub fn consequences(
        self,
        conversation: &Conversation,
        stored: &mut StoredMail,
        view: &MailboxView,
        now: Timestamp,
    ) -> Commit {
        let mut head = Head { mails: conversation.head.mails + 1, ..conversation.head.clone() };
        head.expires_at = head.expires_at.max(stored.expires_at);
        let history = stored.internal_date < view.meta.connected_at;
        match self {
            Self::Recorded(action) => {
                stored.author = if action.kind == ActionKind::PersonReply { Author::Person } else { Author::Assistant };
                stored.turn = Some(action.turn);
                Commit::new().put(head)
            }
            Self::DraftSentByPerson(action) => {
                stored.author = Author::Assistant;
                stored.turn = Some(action.turn);
                head.state = ConversationState::Answered;
                head.state_reason = None;
                head.updated_at = now;
                let mut sent = *action;
                sent.state = ActionState::Sent { message: stored.message.clone(), at: stored.internal_date };
                (sent.due_at, sent.not_before, sent.updated_at) = (None, None, now);
                let mut turn = conversation.turn(sent.turn).cloned();
                let mut commit = Commit::new();
                if let Some(next) =
                    turn.as_mut().and_then(|turn| written_after(conversation, turn, stored.internal_date, now))
                {
                    (head.state, head.last_turn) = (ConversationState::Working, next.no);
                    commit = commit.put(next);
                }
                let commit = commit.put(head).put(sent);
                close_turn(commit, turn, TurnState::Answered, "The draft was sent from Gmail.")
            }
            Self::OwnReply | Self::NotSettled => {
                stored.author = Author::Person;
                if history || stored.internal_date < newest_customer_mail(conversation) {
                    // An older reply that is read late: newer mail of the customer still waits.
                    return Commit::new().put(head);
                }
                head.taken_over = Some(TakenOver { at: now, reason: "own_reply".to_owned() });
                head.state = ConversationState::Answered;
                head.state_reason = Some(
                    "Somebody of the team answered. The assistant is off here until it is handed back.".to_owned(),
                );
                head.updated_at = now;
                let commit = cancel_live(Commit::new().put(head), conversation, "own_reply", now);
                let turn = conversation.turn(conversation.head.last_turn).filter(|turn| turn.state.joinable()).cloned();
                close_turn(commit, turn, TurnState::Answered, "Somebody of the team answered.")
            }
        }
    }
}

/// Mails of the turn that came after it was answered open a turn of their own.
fn written_after(conversation: &Conversation, turn: &mut Turn, answered: Timestamp, now: Timestamp) -> Option<Turn> {
    let later =
        |id: &MessageId| conversation.mails.iter().any(|mail| mail.message == *id && mail.internal_date > answered);
    let (mails, answered): (Vec<_>, Vec<_>) = turn.mails.drain(..).partition(later);
    turn.mails = answered;
    (!mails.is_empty()).then(|| Turn {
        ver: 0,
        no: conversation.head.last_turn + 1,
        rev: 1,
        state: TurnState::Open,
        reason: None,
        opened_at: now,
        settle_until: now,
        mails,
        slot: None,
        gap: None,
        due_at: Some(now),
        ..turn.clone()
    })
}

fn newest_customer_mail(conversation: &Conversation) -> Timestamp {
    let customers = conversation.mails.iter().filter(|mail| mail.author == Author::Customer);
    customers.map(|mail| mail.internal_date).max().unwrap_or(Timestamp::from_millis(0))
}

fn close_turn(commit: Commit, turn: Option<Turn>, state: TurnState, reason: &str) -> Commit {
    let Some(mut turn) = turn else { return commit };
    turn.state = state;
    turn.reason = Some(reason.to_owned());
    turn.due_at = None;
    commit.put(turn)
}

/// Cancels everything of the assistant's in the conversation that has not begun to be sent. Drafts of ours are removed from Gmail by the
/// worker, unless a person edited them.
pub fn cancel_live(mut commit: Commit, conversation: &Conversation, reason: &str, now: Timestamp) -> Commit {
    let assistants = |action: &&Action| action.kind != ActionKind::PersonReply;
    let live = |action: &&Action| !action.state.ended() && !action.state.in_flight();
    for action in conversation.actions.iter().filter(assistants).filter(live) {
        commit = commit.put(cancelled(action, reason, now));
    }
    commit
}

/// The action, cancelled; due at once when a draft of it may stand in Gmail.
pub fn cancelled(action: &Action, reason: &str, now: Timestamp) -> Action {
    let cleanup = action.draft.is_some() || matches!(action.state, ActionState::Drafting { .. });
    let mut action = action.clone();
    action.state = ActionState::Cancelled { reason: reason.to_owned(), cleanup };
    action.due_at = cleanup.then_some(now);
    action.not_before = None;
    action.updated_at = now;
    action
}
