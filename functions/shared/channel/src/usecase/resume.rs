//! Resume: after *Reconnect* or *Enabled*, the parked work of a mailbox is taken up, in steps.

use crate::ids::{MailboxId, ThreadId};
use crate::outcome::Outcome;
use crate::ports::{Clock, CommitError, Commits, Conversations, Engines, Mailboxes, SyncQueue, WorkQueue};
use crate::record::{ActionKind, ActionState, Commit, ConversationState, ItemKey, Parked, ParkedWork, Turn, TurnState};
use crate::time::Timestamp;
use crate::usecase::common::{Rules, Stop};
use crate::work::{SyncWork, WorkerWork};
use std::sync::Arc;
use std::time::Duration;

/// One step takes so many; the next is enqueued by this one.
const PER_STEP: usize = 50;
/// A pending answer that was held for longer is looked at by a person.
const HELD_TOO_LONG: Duration = Duration::from_secs(24 * 3600);

pub struct TakeUpParked {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub conversations: Arc<dyn Conversations>,
    pub commits: Arc<dyn Commits>,
    pub sync_queue: Arc<dyn SyncQueue>,
    pub work_queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
}

impl TakeUpParked {
    pub async fn run(&self, mailbox: &MailboxId) -> Outcome {
        self.try_run(mailbox).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(&self, mailbox: &MailboxId) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Outcome::Ignore("unknown_mailbox")) };
        let Some(resume) = self.engines.resume(mailbox).await? else { return Ok(Outcome::Ignore("nothing_to_resume")) };
        if view.usable_grant().is_none() {
            return Ok(Outcome::Ignore("no_usable_grant"));
        }
        let parked = self.engines.parked(mailbox, PER_STEP).await?;
        let mut left = 0;
        let mut conflicts = 0;
        for item in &parked {
            match &item.work {
                ParkedWork::Mail { .. } => {
                    let ports =
                        Ports { engines: &*self.engines, commits: &*self.commits, sync_queue: &*self.sync_queue };
                    take_up(&ports, mailbox, &item.work, now).await?;
                }
                // A paused mailbox still records its mail; its turns wait.
                ParkedWork::Turn { .. } if !view.settings.enabled => left += 1,
                ParkedWork::Turn { thread, turn } => {
                    conflicts += usize::from(!self.reopen(item, thread, *turn, now).await?)
                }
            }
        }
        if conflicts > 0 {
            // Somebody is at those conversations: RESUME stays due and brings this back.
            return Ok(Outcome::Ignore("conversations_changed"));
        }
        if parked.len() == PER_STEP && left < PER_STEP {
            self.work_queue.send(vec![WorkerWork::Resume { mailbox: mailbox.clone() }], Duration::ZERO).await?;
            return Ok(Outcome::Done);
        }
        match self.commits.commit(Commit::new().delete(ItemKey::Resume(mailbox.clone()), resume.ver)).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(Outcome::Done),
            Err(other) => Err(other.into()),
        }
    }

    async fn reopen(&self, item: &Parked, thread: &ThreadId, no: u32, now: Timestamp) -> Result<bool, Stop> {
        let unpark = (ItemKey::Park(item.mailbox.clone(), item.work.clone()), item.ver);
        let Some(conversation) = self.conversations.conversation(&item.mailbox, thread, now).await? else {
            return self.drop_park(unpark).await.map(|()| true);
        };
        let mut head = conversation.head.clone();
        let mut commit = Commit::new().delete(unpark.0.clone(), unpark.1);
        let mut hints = vec![];
        if let Some(turn) = conversation.turn(no).filter(|turn| turn.state == TurnState::Parked) {
            let turn = Turn { state: TurnState::Open, due_at: Some(now), settle_until: now, ..turn.clone() };
            (head.state, head.state_reason) = (ConversationState::Working, None);
            hints.push(WorkerWork::Turn { mailbox: item.mailbox.clone(), thread: thread.clone(), turn: no });
            commit = commit.put(turn);
        }
        for action in conversation.actions.iter().filter(|action| action.turn == no && action.due_at.is_none()) {
            let waits_for_person = matches!(action.state, ActionState::Drafted) && action.kind == ActionKind::Draft;
            if action.state.ended() || waits_for_person {
                continue;
            }
            let mut action = action.clone();
            if action.kind == ActionKind::Send
                && !action.state.in_flight()
                && now.since(action.updated_at) > HELD_TOO_LONG
            {
                action.kind = ActionKind::Draft;
                action.reply.machine_sent = false;
                if action.state == ActionState::Drafted {
                    // The draft that stands says that a machine sent it: it is written anew.
                    action.state = ActionState::Planned;
                }
            }
            action.due_at = Some(now);
            (head.state, head.state_reason) = (ConversationState::Pending, None);
            hints.push(WorkerWork::Act {
                mailbox: item.mailbox.clone(),
                thread: thread.clone(),
                turn: no,
                step: action.step.clone(),
            });
            commit = commit.put(action);
        }
        if hints.is_empty() {
            return self.drop_park(unpark).await.map(|()| true);
        }
        match self.commits.commit(commit.put(head)).await {
            Err(CommitError::Conflict(_)) => return Ok(false),
            other => other?,
        }
        self.work_queue.send(hints, Duration::ZERO).await?;
        Ok(true)
    }

    async fn drop_park(&self, (key, ver): (ItemKey, u64)) -> Result<(), Stop> {
        match self.commits.commit(Commit::new().delete(key, ver)).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

/// What taking up a parked mail needs.
pub struct Ports<'a> {
    pub engines: &'a dyn Engines,
    pub commits: &'a dyn Commits,
    pub sync_queue: &'a dyn SyncQueue,
}

/// Queues a parked mail, then forgets that it was parked: a crash in between only reads it twice.
pub async fn take_up(ports: &Ports<'_>, mailbox: &MailboxId, work: &ParkedWork, now: Timestamp) -> Result<(), Stop> {
    let ParkedWork::Mail { message } = work else { return Ok(()) };
    let Some(item) = ports.engines.parked_work(mailbox, work).await? else { return Ok(()) };
    let ingest = SyncWork::Ingest {
        mailbox: mailbox.clone(),
        message: message.clone(),
        thread: None,
        first_seen: now,
        labels: vec![],
    };
    ports.sync_queue.send(vec![ingest], Duration::ZERO).await?;
    match ports.commits.commit(Commit::new().delete(ItemKey::Park(mailbox.clone(), work.clone()), item.ver)).await {
        Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
