//! Notify: the team is told that a conversation needs a person, by every target that is set (`B4`).
//!
//! Invariants: each try is recorded before it is made; a target is told of a turn once, and again only where it did not
//! arrive or where the receiver can tell a repetition; the answer path never waits for any of it.

use crate::ids::{MailboxId, TargetId, ThreadId};
use crate::outcome::Outcome;
use crate::ports::{
    About, Clock, CommitError, Commits, Conversations, Mailboxes, NotDelivered, NoticeTargets, Notification, Notifier,
};
use crate::record::{
    Commit, Conversation, Delivery, DeliveryState, MailboxView, Notice, Target, TargetProblem, Targets,
};
use crate::time::Timestamp;
use crate::usecase::common::Stop;
use crate::usecase::session::{SiteOrigin, sha256_hex};
use std::sync::Arc;
use std::time::Duration;

/// Between the tries; after the last of them nobody tries any more.
const WAITS: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1_800), Duration::from_secs(7_200)];
/// A receiver that asks for a longer wait gets this one.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);
const TRIES: usize = 4;

pub struct NotifyTeam {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub conversations: Arc<dyn Conversations>,
    pub targets: Arc<dyn NoticeTargets>,
    pub commits: Arc<dyn Commits>,
    pub notifier: Arc<dyn Notifier>,
    pub clock: Arc<dyn Clock>,
    /// Where the links lead.
    pub site: SiteOrigin,
    /// The function's time-out and ten seconds: so long another run leaves a notice alone that this one has begun.
    pub lease: Duration,
}

impl NotifyTeam {
    pub async fn run(&self, mailbox: &MailboxId, thread: &ThreadId, turn: u32) -> Outcome {
        self.try_run(mailbox, thread, turn).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(&self, mailbox: &MailboxId, thread: &ThreadId, turn: u32) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Outcome::Ignore("unknown_mailbox")) };
        let Some(conversation) = self.conversations.conversation(mailbox, thread, now).await? else {
            return Ok(Outcome::Ignore("no_conversation"));
        };
        let Some(mut notice) = conversation.notice(turn).cloned() else { return Ok(Outcome::Ignore("no_notice")) };
        match notice.due_at {
            None => return Ok(Outcome::Ignore("not_due")),
            Some(due) if due > now => return Ok(Outcome::Ignore("not_due_yet")),
            Some(_) => {}
        }
        let targets = self.targets.targets(mailbox).await?.unwrap_or_else(|| Targets::none(mailbox.clone()));
        let mut deliveries = notice.deliveries.take().unwrap_or_else(|| planned(&targets, &notice, now));
        for at in 0..deliveries.len() {
            self.one(&view, &conversation, &targets, &mut notice, &mut deliveries, at).await?;
        }
        notice.due_at = deliveries.iter().filter_map(|delivery| due(delivery, now)).min();
        self.record(&mut notice, &deliveries).await?;
        self.note_problems(mailbox, &deliveries).await;
        Ok(Outcome::Done)
    }

    /// One target, as far as it goes now.
    async fn one(
        &self,
        view: &MailboxView,
        conversation: &Conversation,
        targets: &Targets,
        notice: &mut Notice,
        deliveries: &mut [Delivery],
        at: usize,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let Some(delivery) = deliveries.get(at).filter(|delivery| due(delivery, now).is_some_and(|due| due <= now))
        else {
            return Ok(());
        };
        let ready = match targets.find(&delivery.target) {
            None => Err(DeliveryState::Failed { why: "The target was removed.".to_owned() }),
            Some(_) if view.meta.grant.is_none() => {
                Err(DeliveryState::Failed { why: "The mailbox was disconnected.".to_owned() })
            }
            // Its function ended in the middle of it.
            Some(target) if delivery.state == DeliveryState::Sending && !target.place.knows_repeats() => {
                Err(DeliveryState::Unknown { why: "It is not known whether the notification arrived.".to_owned() })
            }
            Some(target) => Ok(target),
        };
        let target = match ready {
            Ok(target) => target,
            Err(state) => {
                set(deliveries, at, state, now);
                return Ok(());
            }
        };
        set(deliveries, at, DeliveryState::Sending, now);
        if let Some(delivery) = deliveries.get_mut(at) {
            delivery.attempts += 1;
        }
        notice.due_at = Some(now.plus(self.lease));
        self.record(notice, deliveries).await?;
        let said = self.notifier.notify(target, &self.notification(view, conversation, notice, target)).await;
        let now = self.clock.now();
        if let Err(error) = &said {
            tracing::warn!(mailbox.id = %notice.mailbox, target.id = %target.id, %error, "a notification did not arrive");
        }
        let attempts = deliveries.get(at).map_or(0, |delivery| delivery.attempts);
        set(deliveries, at, outcome(said, target, attempts, now), now);
        Ok(())
    }

    fn notification(
        &self,
        view: &MailboxView,
        conversation: &Conversation,
        notice: &Notice,
        target: &Target,
    ) -> Notification {
        let customer = &conversation.head.customer;
        let sender = customer.name.as_deref().filter(|name| !name.trim().is_empty());
        let about = About {
            sender: sender.unwrap_or_else(|| customer.email.as_str()).to_owned(),
            subject: conversation.head.title.clone(),
            reason: notice.reason.clone(),
        };
        Notification {
            id: id(notice, &target.id),
            event: notice.event.code(),
            mailbox: view.meta.address.clone(),
            about: (!target.without_content).then_some(about),
            link: self.site.url(&format!("/chat/{}/{}", notice.mailbox, notice.thread)),
            at: notice.created_at,
        }
    }

    async fn record(&self, notice: &mut Notice, deliveries: &[Delivery]) -> Result<(), Stop> {
        notice.deliveries = Some(deliveries.to_vec());
        self.commits.commit(Commit::new().put(notice.clone())).await?;
        notice.ver += 1;
        Ok(())
    }

    /// What the channel page says of a target. The notice itself holds the truth, so that a failure here costs nothing
    /// but the hint.
    async fn note_problems(&self, mailbox: &MailboxId, deliveries: &[Delivery]) {
        for _ in 0..TRIES {
            match self.try_note_problems(mailbox, deliveries).await {
                Ok(()) => return,
                Err(Stop::Commit(CommitError::Conflict(_))) => {}
                Err(error) => {
                    tracing::warn!(mailbox.id = %mailbox, %error, "the state of a target was not noted");
                    return;
                }
            }
        }
    }

    async fn try_note_problems(&self, mailbox: &MailboxId, deliveries: &[Delivery]) -> Result<(), Stop> {
        let Some(mut targets) = self.targets.targets(mailbox).await? else { return Ok(()) };
        let former = targets.clone();
        for target in &mut targets.targets {
            let Some(delivery) = deliveries.iter().find(|delivery| delivery.target == target.id) else { continue };
            match &delivery.state {
                DeliveryState::Delivered => target.problem = None,
                DeliveryState::Failed { why } | DeliveryState::Unknown { why } => {
                    target.problem = Some(TargetProblem { at: delivery.updated_at, why: why.clone() });
                }
                DeliveryState::Planned { .. } | DeliveryState::Sending => {}
            }
        }
        if targets != former {
            self.commits.commit(Commit::new().put(targets)).await?;
        }
        Ok(())
    }
}

/// Every target that wants to know of this.
fn planned(targets: &Targets, notice: &Notice, now: Timestamp) -> Vec<Delivery> {
    let wanted = targets.targets.iter().filter(|target| target.events.contains(&notice.event));
    wanted
        .map(|target| Delivery {
            target: target.id.clone(),
            name: target.name.clone(),
            state: DeliveryState::Planned { not_before: now, why: None },
            attempts: 0,
            updated_at: now,
        })
        .collect()
}

fn set(deliveries: &mut [Delivery], at: usize, state: DeliveryState, now: Timestamp) {
    if let Some(delivery) = deliveries.get_mut(at) {
        (delivery.state, delivery.updated_at) = (state, now);
    }
}

fn due(delivery: &Delivery, now: Timestamp) -> Option<Timestamp> {
    match &delivery.state {
        DeliveryState::Planned { not_before, .. } => Some(*not_before),
        DeliveryState::Sending => Some(now),
        DeliveryState::Delivered | DeliveryState::Failed { .. } | DeliveryState::Unknown { .. } => None,
    }
}

fn outcome(said: Result<(), NotDelivered>, target: &Target, attempts: u32, now: Timestamp) -> DeliveryState {
    let (after, why) = match said {
        Ok(()) => return DeliveryState::Delivered,
        Err(NotDelivered::Refused(why)) => return DeliveryState::Failed { why },
        Err(NotDelivered::Lost(why)) if !target.place.knows_repeats() => return DeliveryState::Unknown { why },
        Err(NotDelivered::Lost(why)) => (None, why),
        Err(NotDelivered::Later { after, why }) => (after, why),
    };
    let tried = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    match WAITS.get(tried) {
        None => DeliveryState::Failed { why: format!("{why} It was tried {attempts} times.") },
        Some(wait) => {
            let wait = after.map_or(*wait, |after| after.clamp(*wait, LONGEST_WAIT));
            DeliveryState::Planned { not_before: now.plus(wait), why: Some(why) }
        }
    }
}

/// The same for every try.
fn id(notice: &Notice, target: &TargetId) -> String {
    let key = format!("{}#{}#{}#{target}", notice.mailbox, notice.thread, notice.turn);
    format!("msg_{}", sha256_hex(&key).get(..32).unwrap_or_default())
}
