//! Taking a conversation over from the assistant, handing it back, and answering by hand (`A6`, `B8`).

use crate::address::EmailAddress;
use crate::assistant::Author;
use crate::ids::{MailboxId, StepName, ThreadId};
use crate::mail::OutgoingReply;
use crate::ports::CommitError;
use crate::record::*;
use crate::usecase::common::{Stop, fresh_id};
use crate::usecase::own_mail::cancelled;
use crate::usecase::review::{Case, Desk, DeskError, Refused, TRIES, showing, written_text};
use crate::work::WorkerWork;

/// What handing back led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedBack {
    /// The unanswered mails of the thread go to the assistant now.
    Reopened,
    /// Nothing waits; the assistant takes the next mail.
    FromTheNextMail,
}

/// Cancels what the assistant has planned and not begun to send. A person's own reply is not the assistant's.
fn cancel_assistants(mut commit: Commit, case: &Case, reason: &str) -> (Commit, Vec<(u32, StepName)>) {
    let mut cleanup = vec![];
    let live =
        |action: &&Action| action.kind != ActionKind::PersonReply && !action.state.ended() && !action.state.in_flight();
    for action in case.conversation.actions.iter().filter(live) {
        let action = cancelled(action, reason, case.now);
        if action.due_at.is_some() {
            cleanup.push((action.turn, action.step.clone()));
        }
        commit = commit.put(action);
    }
    (commit, cleanup)
}

fn newest_turn(case: &Case) -> Option<Turn> {
    case.conversation.turn(case.conversation.head.last_turn).cloned()
}

impl Desk {
    /// The assistant is off on this thread. What it had planned is cancelled; what is being sent right now is not.
    pub async fn take_over(&self, mailbox: &MailboxId, thread: &ThreadId) -> Result<(), DeskError> {
        for _ in 0..TRIES {
            let case = self.read(mailbox, thread).await?.ok_or(Refused::NotFound)?;
            let words = "Taken over. The assistant is off here until it is handed back.";
            let mut head = showing(&case.conversation.head, ConversationState::NeedsPerson, Some(words), case.now);
            head.taken_over = Some(TakenOver { at: case.now, reason: "taken_over".to_owned() });
            let (mut commit, cleanup) = cancel_assistants(Commit::new(), &case, "taken_over");
            let in_flight =
                |no: u32| case.conversation.actions.iter().any(|action| action.turn == no && action.state.in_flight());
            if let Some(mut turn) = newest_turn(&case).filter(|turn| turn.state.joinable() && !in_flight(turn.no)) {
                turn.state = TurnState::NeedsPerson;
                turn.reason = Some(words.to_owned());
                turn.due_at = None;
                commit = commit.put(turn);
            }
            match self.commits.commit(commit.put(head)).await {
                Ok(()) => {
                    for (turn, step) in cleanup {
                        self.hint(mailbox, thread, turn, &step).await;
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(Refused::Changed.into())
    }

    /// The assistant is on again. When the newest mail is the customer's and its turn waits for a person, that turn is
    /// opened again; what was answered or discarded stays as it is.
    pub async fn hand_back(&self, mailbox: &MailboxId, thread: &ThreadId) -> Result<HandedBack, DeskError> {
        for _ in 0..TRIES {
            let case = self.read(mailbox, thread).await?.ok_or(Refused::NotFound)?;
            let customers_word = case.conversation.mails.last().is_some_and(|mail| mail.author == Author::Customer);
            let waiting = newest_turn(&case).filter(|turn| customers_word && turn.state == TurnState::NeedsPerson);
            let state = match (&waiting, customers_word) {
                (Some(_), _) => ConversationState::Working,
                (None, true) => ConversationState::Received,
                (None, false) => ConversationState::Answered,
            };
            let mut head = showing(&case.conversation.head, state, None, case.now);
            head.taken_over = None;
            let mut commit = Commit::new().put(head);
            let reopened = waiting.map(|mut turn| {
                turn.rev += 1;
                turn.state = TurnState::Open;
                (turn.reason, turn.slot) = (None, None);
                turn.settle_until = case.now;
                turn.due_at = Some(case.now);
                turn
            });
            if let Some(turn) = &reopened {
                commit = commit.put(turn.clone());
            }
            match self.commits.commit(commit).await {
                Ok(()) => {}
                Err(CommitError::Conflict(_)) => continue,
                Err(error) => return Err(Stop::from(error).into()),
            }
            let Some(turn) = reopened else { return Ok(HandedBack::FromTheNextMail) };
            let work = WorkerWork::Turn { mailbox: mailbox.clone(), thread: thread.clone(), turn: turn.no };
            self.send_hint(work).await;
            return Ok(HandedBack::Reopened);
        }
        Err(Refused::Changed.into())
    }

    /// A person's own answer from Chat. `form_id` is made with the page, so that a form sent twice is one mail.
    pub async fn reply(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        form_id: &str,
        text: &str,
        by: &EmailAddress,
    ) -> Result<(), DeskError> {
        let text = written_text(text)?;
        let step = StepName::parse(format!("person:{form_id}")).map_err(|_| Refused::Changed)?;
        for _ in 0..TRIES {
            let case = self.read(mailbox, thread).await?.ok_or(Refused::NotFound)?;
            if case.conversation.actions.iter().any(|action| action.step == step) {
                return Err(Refused::UnderWay.into());
            }
            if case.view.usable_grant().is_none() {
                return Err(Refused::NotConnected.into());
            }
            let action = self.own_reply(&case, &step, &text, by)?;
            let words = "Your answer is being sent. The assistant is off here until it is handed back.";
            let mut head = showing(&case.conversation.head, ConversationState::Pending, Some(words), case.now);
            head.taken_over = Some(TakenOver { at: case.now, reason: "own_reply".to_owned() });
            let (mut commit, cleanup) = cancel_assistants(Commit::new().put(head), &case, "own_reply");
            if let Some(mut turn) =
                newest_turn(&case).filter(|turn| turn.state.joinable() || turn.state == TurnState::NeedsPerson)
            {
                turn.state = TurnState::Answered;
                turn.reason = Some("Somebody of the team answered.".to_owned());
                turn.due_at = None;
                commit = commit.put(turn);
            }
            let no = action.turn;
            match self.commits.commit(commit.put(action)).await {
                Ok(()) => {
                    self.hint(mailbox, thread, no, &step).await;
                    for (turn, step) in cleanup {
                        self.hint(mailbox, thread, turn, &step).await;
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(Refused::Changed.into())
    }

    fn own_reply(&self, case: &Case, step: &StepName, text: &str, by: &EmailAddress) -> Result<Action, Refused> {
        let head = &case.conversation.head;
        let customers = case.conversation.mails.iter().rev().filter(|mail| mail.author == Author::Customer);
        let own = [case.view.meta.address.clone()];
        let (parent, to) = customers
            .map(|mail| (mail, self.writer.reply_recipients(&mail.headers, &own)))
            .find(|(_, to)| !to.is_empty())
            .ok_or(Refused::NobodyToAnswer)?;
        let (in_reply_to, references) = self.writer.reply_references(&parent.headers);
        let reply = OutgoingReply {
            from: crate::address::Mailbox { name: None, email: head.answered_by.clone() },
            to,
            cc: vec![],
            subject: self.writer.reply_subject(&head.title),
            text: text.to_owned(),
            in_reply_to,
            references,
            marker: fresh_id(&*self.entropy),
            machine_sent: false,
        };
        Ok(Action {
            ver: 0,
            mailbox: head.mailbox.clone(),
            thread: head.thread.clone(),
            turn: head.last_turn,
            step: step.clone(),
            rev: newest_turn(case).map_or(0, |turn| turn.rev),
            kind: ActionKind::PersonReply,
            state: ActionState::Planned,
            reply,
            draft: None,
            due_at: Some(case.now),
            not_before: None,
            budget_taken: false,
            by: Some(by.clone()),
            updated_at: case.now,
            expires_at: case.now.plus(self.retention),
        })
    }
}
