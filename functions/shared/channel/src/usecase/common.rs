//! What several use cases share: the numbers of the rules, lease tokens, and what a failure of a port means.

use crate::ids::{LeaseToken, MailboxId};
use crate::outcome::Outcome;
use crate::ports::{
    Clock, CommitError, Commits, Engines, Entropy, FilesError, GmailError, Mailboxes, QueueError, StoreError,
};
use crate::record::{Commit, GrantProblem, GrantProblemKind, MailboxView, Parked};
use crate::time::Timestamp;
use std::time::Duration;

/// The numbers that decisions are made with.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a thread must be quiet before its mails are answered.
    pub settle: Duration,
    /// The settle time never lasts longer than this after the first mail.
    pub settle_max: Duration,
    /// How long content is kept.
    pub retention: Duration,
    /// How long the id of a mail is remembered.
    pub seen_retention: Duration,
    /// A mailbox is listed at least this often, pushes or not.
    pub fallback: Duration,
    /// Whether pushes are set up at all.
    pub push: bool,
    /// The length of a lease: the function's time-out and ten seconds, since no function outlives its time-out.
    pub lease: Duration,
    /// A mail older than this when first seen is drafted, never sent by machine (`B10`).
    pub stale: Duration,
    /// Below this an answer is a draft.
    pub min_confidence: f32,
    /// Answers sent by machine, at most.
    pub caps: Caps,
    /// The longest that the assistant is waited for, however much time the function has.
    pub answer_within: Duration,
}

/// Answer budgets (`B11`).
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    pub thread_per_day: u32,
    pub sender_per_day: u32,
    pub domain_per_day: u32,
    pub mailbox_per_hour: u32,
}

pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// Why a turn of an earlier connection has no answer.
pub const DISCONNECTED: &str = "The mailbox was disconnected.";
/// The longest delay of a queue message.
pub const QUEUE_DELAY_MAX: Duration = Duration::from_secs(900);

impl Default for Rules {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            settle_max: Duration::from_secs(600),
            retention: 30 * DAY,
            seen_retention: 120 * DAY,
            fallback: Duration::from_secs(300),
            push: true,
            lease: Duration::from_secs(130),
            stale: DAY,
            min_confidence: 0.5,
            caps: Caps { thread_per_day: 3, sender_per_day: 5, domain_per_day: 30, mailbox_per_hour: 30 },
            answer_within: Duration::from_secs(90),
        }
    }
}

/// Why a use case stopped early.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Gmail(#[from] GmailError),
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl Stop {
    /// What it means for the work in hand, where nothing more special is known.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Store(StoreError::Broken(why)) | Self::Commit(CommitError::Store(StoreError::Broken(why))) => {
                Outcome::Fail(why)
            }
            Self::Commit(CommitError::Conflict(_)) => {
                Outcome::Retry { after: Duration::from_secs(1), reason: "an item changed meanwhile".to_owned() }
            }
            Self::Files(FilesError::Broken(why)) => Outcome::Fail(why),
            Self::Gmail(GmailError::Refused(why)) => Outcome::Fail(format!("Gmail refused: {why}")),
            // The item with its `due_at` brings the work back in any case: there is no hurry that would use up the queue's
            // patience.
            other => Outcome::Retry { after: Duration::from_secs(60), reason: other.to_string() },
        }
    }
}

/// Random and unguessable; 32 hex digits.
pub fn fresh_id(entropy: &dyn Entropy) -> String {
    entropy.bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn fresh_token(entropy: &dyn Entropy) -> LeaseToken {
    // Hex digits are always a valid id; falling back to a constant would let two holders share a lease.
    LeaseToken::parse(fresh_id(entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"))
}

/// What is parked, with the version that stands: parking again is no conflict, and makes a deletion under way miss.
pub async fn parked_again(engines: &dyn Engines, parked: Parked) -> Result<Parked, StoreError> {
    let stored = engines.parked_work(&parked.mailbox, &parked.work).await?;
    Ok(Parked { ver: stored.map_or(0, |stored| stored.ver), ..parked })
}

/// Records that the grant in force does not work, so that the channel page says so and work is parked. False when the
/// grant is no longer the one in force: then nothing is concluded from its failure, and the work comes again.
pub async fn note_grant_problem(
    mailboxes: &dyn Mailboxes,
    commits: &dyn Commits,
    clock: &dyn Clock,
    view: &MailboxView,
    kind: GrantProblemKind,
) -> Result<bool, Stop> {
    for _ in 0..3 {
        let Some(now_view) = mailboxes.mailbox(&view.meta.mailbox).await? else { return Ok(false) };
        if view.meta.grant != now_view.meta.grant {
            return Ok(false);
        }
        let Some(current) = &now_view.meta.grant else { return Ok(false) };
        if now_view.meta.problem.as_ref().is_some_and(|problem| problem.grant == *current) {
            return Ok(true);
        }
        let mut meta = now_view.meta.clone();
        meta.problem = Some(GrantProblem { kind, grant: current.clone(), at: clock.now() });
        match commits.commit(Commit::new().put(meta)).await {
            Err(CommitError::Conflict(_)) => {}
            Ok(()) => return Ok(true),
            Err(other) => return Err(other.into()),
        }
    }
    Err(CommitError::Conflict(vec![]).into())
}

/// The grant problem that a Gmail error tells of, if it tells of one.
pub fn grant_problem(error: &GmailError) -> Option<GrantProblemKind> {
    match error {
        GmailError::Grant(kind) => Some(*kind),
        GmailError::GrantMissing => Some(GrantProblemKind::Expired),
        _ => None,
    }
}

/// When to try again after a rate limit or a transient refusal.
pub fn not_before(error: &GmailError, now: Timestamp) -> Option<Timestamp> {
    match error {
        GmailError::RateLimited { until: Some(until) } => Some((*until).max(now.plus(Duration::from_secs(1)))),
        GmailError::RateLimited { until: None } => Some(now.plus(Duration::from_secs(60))),
        GmailError::Precondition => Some(now.plus(Duration::from_secs(60))),
        GmailError::Unavailable(_) => Some(now.plus(Duration::from_secs(15))),
        _ => None,
    }
}

/// A queue delay that reaches `at`, as far as the queue can.
pub fn delay_until(at: Timestamp, now: Timestamp) -> Duration {
    at.since(now).min(QUEUE_DELAY_MAX)
}

/// A mailbox id from random bytes.
pub fn fresh_mailbox_id(entropy: &dyn Entropy) -> MailboxId {
    MailboxId::parse(fresh_id(entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"))
}
