//! Due: everything with work outstanding carries `due_at`; once a minute what is due is enqueued, watches are renewed
//! and grants are kept alive.
//!
//! Invariants: queue messages are hints, the item is the truth; only this use case writes a fresh access token, and a
//! secret that no item names as current or fresh is deleted.

use crate::ids::{GrantId, MailboxId};
use crate::ports::{
    Access, Clock, CommitError, Commits, DueIndex, Engines, Gmail, GrantSecret, GrantVault, Library, Mailboxes, OAuth,
    OAuthError, SyncQueue, VaultError, WorkQueue,
};
use crate::record::{Commit, GrantRecord, GrantState, ItemKey, MailboxView, ParkedWork};
use crate::time::Timestamp;
use crate::usecase::common::{DAY, Rules, Stop, delay_until, grant_problem, note_grant_problem};
use crate::work::{Job, SyncWork, WorkerWork};
use std::sync::Arc;
use std::time::Duration;

/// What falls due before the next run is enqueued now, with its delay.
const AHEAD: Duration = Duration::from_secs(90);
/// How many items one run takes; the rest is due a minute later.
const PER_RUN: usize = 500;
/// A grant still being created after so long was abandoned.
const ABANDONED: Duration = Duration::from_secs(15 * 60);
/// A watch ends after seven days; Google recommends to renew it daily.
const RENEW_WATCH: Duration = DAY;
/// A watch that could not be renewed by then is told of: a person has this long to see to it.
const WATCH_ENDS_SOON: Duration = Duration::from_secs(48 * 3600);
/// An access token is replaced this long before it ends.
const REFRESH_AHEAD: Duration = Duration::from_secs(10 * 60);

pub struct Due {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub due: Arc<dyn DueIndex>,
    pub library: Arc<dyn Library>,
    pub commits: Arc<dyn Commits>,
    pub vault: Arc<dyn GrantVault>,
    pub oauth: Arc<dyn OAuth>,
    pub gmail: Arc<dyn Gmail>,
    pub sync_queue: Arc<dyn SyncQueue>,
    pub work_queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
}

/// What one run did; it goes into the log and the metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueReport {
    pub enqueued: usize,
    pub watches: usize,
    pub grants: usize,
    pub failed: usize,
    /// Watches that end soon and could not be renewed in this run.
    pub watches_ending: usize,
    /// Grants whose refresh was refused because of the OAuth client.
    pub clients_refused: usize,
}

impl Due {
    pub async fn run(&self) -> Result<DueReport, Stop> {
        let now = self.clock.now();
        let mut keys = self.due.due(now.plus(AHEAD), PER_RUN).await?;
        // The oldest first, so that nothing starves when there is more than one run can do.
        keys.sort_by_key(|(_, at)| *at);
        let mut report = DueReport::default();
        for (key, at) in keys {
            if let Err(error) = self.one(&key, at, &mut report).await {
                report.failed += 1;
                tracing::warn!(item = kind_of(&key), %error, "due work could not be begun; it is due again in a minute");
            }
        }
        Ok(report)
    }

    async fn one(&self, key: &ItemKey, at: Timestamp, report: &mut DueReport) -> Result<(), Stop> {
        let now = self.clock.now();
        let delay = delay_until(at, now);
        match key {
            ItemKey::Sync(mailbox) => {
                self.sync_queue.send(vec![SyncWork::Sync { mailbox: mailbox.clone(), pushed: None }], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Turn(mailbox, thread, turn) => {
                let work = WorkerWork::Turn { mailbox: mailbox.clone(), thread: thread.clone(), turn: *turn };
                self.work_queue.send(vec![work], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Action(mailbox, thread, turn, step) => {
                let (mailbox, thread) = (mailbox.clone(), thread.clone());
                self.work_queue
                    .send(vec![WorkerWork::Act { mailbox, thread, turn: *turn, step: step.clone() }], delay)
                    .await?;
                report.enqueued += 1;
            }
            ItemKey::Notice(mailbox, thread, turn) => {
                let work = WorkerWork::Notify { mailbox: mailbox.clone(), thread: thread.clone(), turn: *turn };
                self.work_queue.send(vec![work], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Resume(mailbox) => {
                self.work_queue.send(vec![WorkerWork::Resume { mailbox: mailbox.clone() }], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Document(document) => {
                // Which version waits is known by the item only.
                let Some(document) = self.library.document(document).await? else { return Ok(()) };
                let job = Job::ReadDocument { document: document.id, version: document.newest.version };
                self.work_queue.send(vec![job.into()], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::KnowledgeHead => {
                self.work_queue.send(vec![Job::BuildSnapshot.into()], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Gap(gap) => {
                self.work_queue.send(vec![Job::CloseGap { gap: gap.clone() }.into()], delay).await?;
                report.enqueued += 1;
            }
            ItemKey::Park(mailbox, work @ ParkedWork::Mail { .. }) if at <= now => {
                crate::usecase::resume::take_up(
                    &crate::usecase::resume::Ports {
                        engines: &*self.engines,
                        commits: &*self.commits,
                        sync_queue: &*self.sync_queue,
                    },
                    mailbox,
                    work,
                    now,
                )
                .await?;
                report.enqueued += 1;
            }
            ItemKey::Watch(mailbox) if at <= now => {
                self.renew_watch(mailbox, report).await?;
                report.watches += 1;
            }
            ItemKey::Grant(mailbox, grant) if at <= now => {
                self.keep_grant(mailbox, grant, report).await?;
                report.grants += 1;
            }
            _ => {}
        }
        Ok(())
    }

    async fn renew_watch(&self, mailbox: &MailboxId, report: &mut DueReport) -> Result<(), Stop> {
        let now = self.clock.now();
        let (Some(view), Some(mut watch)) =
            (self.mailboxes.mailbox(mailbox).await?, self.engines.watch_state(mailbox).await?)
        else {
            return Ok(());
        };
        let Some(grant) = view.usable_grant().cloned().filter(|_| self.rules.push) else {
            watch.due_at = None;
            self.commits.commit(Commit::new().put(watch)).await?;
            return Ok(());
        };
        let access = Access { mailbox: mailbox.clone(), grant };
        match self.gmail.watch(&access, &view.settings.labels).await {
            Ok(expiration) => {
                watch.expiration = Some(expiration);
                watch.renewed_at = Some(now);
                watch.last_error = None;
                watch.due_at = Some(now.plus(RENEW_WATCH));
            }
            Err(error) => {
                if let Some(kind) = grant_problem(&error) {
                    note_grant_problem(&*self.mailboxes, &*self.commits, &*self.clock, &view, kind).await?;
                }
                tracing::warn!(mailbox.id = %mailbox, %error, "the watch could not be renewed; the fallback sync goes on");
                report.watches_ending +=
                    usize::from(watch.expiration.is_none_or(|ends| ends.since(now) < WATCH_ENDS_SOON));
                watch.last_error = Some(error.to_string());
                watch.due_at = Some(now.plus(Duration::from_secs(300)));
            }
        }
        self.commits.commit(Commit::new().put(watch)).await?;
        Ok(())
    }

    async fn keep_grant(&self, mailbox: &MailboxId, grant: &GrantId, report: &mut DueReport) -> Result<(), Stop> {
        let now = self.clock.now();
        let Some(record) = self.engines.grant(mailbox, grant).await? else { return Ok(()) };
        let current = match self.mailboxes.mailbox(mailbox).await? {
            Some(view) if view.meta.grant.as_ref() == Some(grant) => Some(view),
            _ => None,
        };
        match (record.state, current) {
            (_, Some(view)) => self.exercise(&view, record, now, report).await,
            (GrantState::Creating, None) if now.since(record.created_at) < ABANDONED => {
                let due_at = Some(record.created_at.plus(ABANDONED));
                Ok(self.commits.commit(Commit::new().put(GrantRecord { due_at, ..record })).await?)
            }
            (_, None) => self.forget(record).await,
        }
    }

    /// A fresh access token ahead of the end of the former one, for a mailbox in use; once a day for any other, so that
    /// a revoked grant is noticed before mail comes.
    async fn exercise(
        &self,
        view: &MailboxView,
        mut record: GrantRecord,
        now: Timestamp,
        report: &mut DueReport,
    ) -> Result<(), Stop> {
        let (mailbox, grant) = (record.mailbox.clone(), record.grant.clone());
        if view.usable_grant().is_none() {
            record.due_at = None;
            return Ok(self.commits.commit(Commit::new().put(record)).await?);
        }
        let refreshed = match self.vault.read(&mailbox, &grant).await {
            Ok(secret) => self.oauth.refresh(&secret.refresh_token).await.map(|answer| (secret, answer)),
            Err(VaultError::Missing) => {
                note_grant_problem(
                    &*self.mailboxes,
                    &*self.commits,
                    &*self.clock,
                    view,
                    crate::record::GrantProblemKind::Expired,
                )
                .await?;
                record.due_at = None;
                return Ok(self.commits.commit(Commit::new().put(record)).await?);
            }
            Err(error) => Err(OAuthError::Unavailable(error.to_string())),
        };
        match refreshed {
            Ok((secret, answer)) => {
                let access_expires_at = now.plus(answer.expires_in);
                let fresh = GrantSecret {
                    refresh_token: answer.refresh_token.unwrap_or(secret.refresh_token),
                    access_token: answer.access_token,
                    access_expires_at,
                };
                if let Err(error) = self.vault.replace(&mailbox, &grant, &fresh).await {
                    tracing::warn!(mailbox.id = %mailbox, %error, "a fresh access token could not be kept; readers refresh by themselves");
                }
                let in_use = view.meta.last_mail_at.is_some_and(|at| now.since(at) < DAY);
                record.state = GrantState::Current;
                record.access_expires_at = Some(access_expires_at);
                if let Some(ends_in) = answer.refresh_expires_in {
                    record.refresh_expires_at = Some(now.plus(ends_in));
                }
                record.due_at = Some(if in_use {
                    access_expires_at.minus(REFRESH_AHEAD).max(now.plus(REFRESH_AHEAD))
                } else {
                    now.plus(DAY)
                });
            }
            Err(OAuthError::Grant(kind)) => {
                note_grant_problem(&*self.mailboxes, &*self.commits, &*self.clock, view, kind).await?;
                record.due_at = None;
            }
            Err(error) => {
                // The client's configuration or the authorisation server: no mailbox is to blame.
                report.clients_refused += usize::from(matches!(error, OAuthError::Client(_)));
                tracing::warn!(mailbox.id = %mailbox, %error, "a grant could not be exercised");
                record.due_at = Some(now.plus(Duration::from_secs(300)));
            }
        }
        Ok(self.commits.commit(Commit::new().put(record)).await?)
    }

    /// The secret first, then the item: an item without a secret is harmless, the reverse would be forgotten.
    async fn forget(&self, record: GrantRecord) -> Result<(), Stop> {
        if let Err(error) = self.vault.delete(&record.mailbox, &record.grant).await {
            tracing::warn!(mailbox.id = %record.mailbox, %error, "a former grant's secret could not be deleted; it is tried again");
            let due_at = Some(self.clock.now().plus(Duration::from_secs(300)));
            return Ok(self.commits.commit(Commit::new().put(GrantRecord { due_at, ..record })).await?);
        }
        let key = ItemKey::Grant(record.mailbox.clone(), record.grant.clone());
        match self.commits.commit(Commit::new().delete(key, record.ver)).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

fn kind_of(key: &ItemKey) -> &'static str {
    match key {
        ItemKey::Sync(_) => "sync",
        ItemKey::Turn(..) => "turn",
        ItemKey::Action(..) => "action",
        ItemKey::Notice(..) => "notice",
        ItemKey::Resume(_) => "resume",
        ItemKey::Park(..) => "park",
        ItemKey::Watch(_) => "watch",
        ItemKey::Grant(..) => "grant",
        _ => "other",
    }
}
