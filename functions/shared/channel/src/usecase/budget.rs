//! The Gmail budget of a mailbox: 6,000 units a minute, leased in slices from one item, so that we never provoke a 429
//! of our own making, and a moment before which nobody calls, shared by all.
//!
//! Units by method: <https://developers.google.com/workspace/gmail/api/reference/quota>.

use crate::ids::{DraftId, HistoryId, LabelId, MailboxId, MessageId, ThreadId};
use crate::ports::{
    Access, Clock, CommitError, Commits, Engines, Gmail, GmailError, GmailLabel, HistoryPage, MessageHeaders,
    MessageList, Profile,
};
use crate::record::{Commit, DraftRef, Units};
use crate::time::Timestamp;
use crate::usecase::common::not_before;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PER_MINUTE: u32 = 6_000;
const SLICE: u32 = 500;

/// Who asks: answers and the console may use all of it, background work leaves a fifth to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Background,
    Answers,
}

impl Share {
    fn limit(self) -> u32 {
        match self {
            Self::Background => PER_MINUTE / 5 * 4,
            Self::Answers => PER_MINUTE,
        }
    }
}

struct Slice {
    minute: Timestamp,
    left: u32,
}

/// Gmail, within its budget.
pub struct BudgetedGmail {
    inner: Arc<dyn Gmail>,
    engines: Arc<dyn Engines>,
    commits: Arc<dyn Commits>,
    clock: Arc<dyn Clock>,
    share: Share,
    slices: Mutex<HashMap<MailboxId, Slice>>,
}

fn minute_of(now: Timestamp) -> Timestamp {
    Timestamp::from_secs(now.as_secs().div_euclid(60) * 60)
}

fn store_failure(error: impl std::fmt::Display) -> GmailError {
    GmailError::Unavailable(format!("the Gmail budget cannot be read: {error}"))
}

impl BudgetedGmail {
    pub fn new(
        inner: Arc<dyn Gmail>,
        engines: Arc<dyn Engines>,
        commits: Arc<dyn Commits>,
        clock: Arc<dyn Clock>,
        share: Share,
    ) -> Self {
        Self { inner, engines, commits, clock, share, slices: Mutex::new(HashMap::new()) }
    }

    fn take_from_slice(&self, mailbox: &MailboxId, units: u32) -> bool {
        let minute = minute_of(self.clock.now());
        let mut slices = self.slices.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match slices.get_mut(mailbox) {
            Some(slice) if slice.minute == minute && slice.left >= units => {
                slice.left -= units;
                true
            }
            _ => false,
        }
    }

    async fn pay(&self, mailbox: &MailboxId, units: u32) -> Result<(), GmailError> {
        if self.take_from_slice(mailbox, units) {
            return Ok(());
        }
        for _ in 0..4 {
            let now = self.clock.now();
            let minute = minute_of(now);
            let stored = self.engines.units(mailbox).await.map_err(store_failure)?;
            let mut item =
                stored.unwrap_or(Units { ver: 0, mailbox: mailbox.clone(), minute, used: 0, not_before: None });
            if let Some(until) = item.not_before.filter(|until| *until > now) {
                return Err(GmailError::RateLimited { until: Some(until) });
            }
            if item.minute != minute {
                (item.minute, item.used, item.not_before) = (minute, 0, None);
            }
            let wanted = SLICE.max(units);
            if item.used + wanted > self.share.limit() {
                return Err(GmailError::RateLimited { until: Some(minute.plus(Duration::from_secs(60))) });
            }
            item.used += wanted;
            match self.commits.commit(Commit::new().put(item)).await {
                Ok(()) => {
                    let mut slices = self.slices.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    slices.insert(mailbox.clone(), Slice { minute, left: wanted - units });
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(store_failure(error)),
            }
        }
        Err(GmailError::RateLimited { until: Some(self.clock.now().plus(Duration::from_secs(2))) })
    }

    /// After a rate limit of Gmail's own, tells everybody.
    async fn tell(&self, mailbox: &MailboxId, error: &GmailError) {
        let (GmailError::RateLimited { .. }, Some(until)) = (error, not_before(error, self.clock.now())) else {
            return;
        };
        self.slices.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(mailbox);
        for _ in 0..3 {
            let Ok(stored) = self.engines.units(mailbox).await else { return };
            let minute = minute_of(self.clock.now());
            let mut item =
                stored.unwrap_or(Units { ver: 0, mailbox: mailbox.clone(), minute, used: 0, not_before: None });
            if item.not_before.is_some_and(|known| known >= until) {
                return;
            }
            item.not_before = Some(until);
            match self.commits.commit(Commit::new().put(item)).await {
                Err(CommitError::Conflict(_)) => {}
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(mailbox.id = %mailbox, %error, "a rate limit could not be shared");
                    return;
                }
            }
        }
    }
}

macro_rules! paid {
    ($self:ident, $at:ident, $units:expr, $call:expr) => {{
        $self.pay(&$at.mailbox, $units).await?;
        let answer = $call.await;
        if let Err(error) = &answer {
            $self.tell(&$at.mailbox, error).await;
        }
        answer
    }};
}

#[async_trait]
impl Gmail for BudgetedGmail {
    async fn profile(&self, at: &Access) -> Result<Profile, GmailError> {
        paid!(self, at, 1, self.inner.profile(at))
    }
    async fn watch(&self, at: &Access, labels: &[LabelId]) -> Result<Timestamp, GmailError> {
        paid!(self, at, 100, self.inner.watch(at, labels))
    }
    async fn stop(&self, at: &Access) -> Result<(), GmailError> {
        paid!(self, at, 50, self.inner.stop(at))
    }
    async fn history(&self, at: &Access, start: HistoryId, page: Option<&str>) -> Result<HistoryPage, GmailError> {
        paid!(self, at, 2, self.inner.history(at, start, page))
    }
    async fn list(
        &self,
        at: &Access,
        label: &LabelId,
        after: Option<Timestamp>,
        page: Option<&str>,
    ) -> Result<MessageList, GmailError> {
        paid!(self, at, 5, self.inner.list(at, label, after, page))
    }
    async fn headers(&self, at: &Access, message: &MessageId) -> Result<MessageHeaders, GmailError> {
        paid!(self, at, 20, self.inner.headers(at, message))
    }
    async fn raw(&self, at: &Access, message: &MessageId) -> Result<Vec<u8>, GmailError> {
        paid!(self, at, 20, self.inner.raw(at, message))
    }
    async fn thread(&self, at: &Access, thread: &ThreadId) -> Result<Vec<MessageHeaders>, GmailError> {
        paid!(self, at, 40, self.inner.thread(at, thread))
    }
    async fn labels(&self, at: &Access) -> Result<Vec<GmailLabel>, GmailError> {
        paid!(self, at, 1, self.inner.labels(at))
    }
    async fn create_draft(&self, at: &Access, thread: &ThreadId, mail: &[u8]) -> Result<DraftRef, GmailError> {
        paid!(self, at, 10, self.inner.create_draft(at, thread, mail))
    }
    async fn update_draft(
        &self,
        at: &Access,
        draft: &DraftId,
        thread: &ThreadId,
        mail: &[u8],
    ) -> Result<DraftRef, GmailError> {
        paid!(self, at, 15, self.inner.update_draft(at, draft, thread, mail))
    }
    async fn draft(&self, at: &Access, draft: &DraftId) -> Result<DraftRef, GmailError> {
        paid!(self, at, 20, self.inner.draft(at, draft))
    }
    async fn draft_raw(&self, at: &Access, draft: &DraftId) -> Result<(DraftRef, Vec<u8>), GmailError> {
        paid!(self, at, 20, self.inner.draft_raw(at, draft))
    }
    async fn drafts_in(&self, at: &Access, thread: &ThreadId) -> Result<Vec<DraftRef>, GmailError> {
        paid!(self, at, 5, self.inner.drafts_in(at, thread))
    }
    async fn delete_draft(&self, at: &Access, draft: &DraftId) -> Result<(), GmailError> {
        paid!(self, at, 10, self.inner.delete_draft(at, draft))
    }
    async fn send_draft(&self, at: &Access, draft: &DraftId) -> Result<MessageId, GmailError> {
        paid!(self, at, 100, self.inner.send_draft(at, draft))
    }
}
