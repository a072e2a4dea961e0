//! Sync: the mailbox's history since the stored cursor, filtered by label, one Ingest per mail, then the cursor.
//!
//! Invariants: the cursor is moved only after everything before it is durably queued, and only forward; a history id
//! that is too old leads to a listing that closes the gap, never to a jump over it.

use crate::ids::{HistoryId, LabelId, MailboxId, MessageId, ThreadId};
use crate::outcome::Outcome;
use crate::ports::{
    Access, Clock, CommitError, Commits, Conversations, Engines, Entropy, Gmail, GmailError, HistoryKind,
    HistoryRecord, Mailboxes, SeenMails, SyncQueue,
};
use crate::record::{Commit, Lease, MailboxView, Resync, ResyncReason, SyncState};
use crate::time::Timestamp;
use crate::usecase::common::{DAY, Rules, Stop, fresh_token, grant_problem, not_before, note_grant_problem};
use crate::work::SyncWork;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A run stops listing after this many ids and goes on in the next.
const IDS_PER_RUN: u64 = 2_000;
/// How often an empty answer after a push is listed again, and after how long.
const RELIST: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// So much later an empty answer confirms an earlier one.
const QUIET: Duration = Duration::from_secs(60);
/// Sent mail is read this much later than what it may answer.
const AFTER_ITS_THREAD: Duration = Duration::from_secs(15);
/// The daily net looks this far back.
const SWEEP_BACK: Duration = Duration::from_secs(2 * 24 * 3600);
/// A mailbox whose pushes went missing is listed this often for an hour (`A1.3`).
const ANXIOUS: Duration = Duration::from_secs(60);

pub struct Sync {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub conversations: Arc<dyn Conversations>,
    pub seen: Arc<dyn SeenMails>,
    pub commits: Arc<dyn Commits>,
    pub gmail: Arc<dyn Gmail>,
    pub queue: Arc<dyn SyncQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub rules: Rules,
}

/// What one record or listing asks to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    thread: ThreadId,
    labels: Vec<LabelId>,
    /// In no watched label: read only when its thread is a conversation already.
    only_if_known: bool,
}

impl Sync {
    pub async fn run(&self, mailbox: &MailboxId, pushed: Option<HistoryId>) -> Outcome {
        self.try_run(mailbox, pushed).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(&self, mailbox: &MailboxId, pushed: Option<HistoryId>) -> Result<Outcome, Stop> {
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Outcome::Ignore("unknown_mailbox")) };
        let Some(mut state) = self.engines.sync_state(mailbox).await? else {
            return Ok(Outcome::Ignore("no_sync_state"));
        };
        let now = self.clock.now();
        let Some(grant) = view.usable_grant().cloned() else {
            return self.rest(state).await;
        };
        if state.lease.as_ref().is_some_and(|lease| lease.held(now)) {
            return self.after_the_other(mailbox, pushed, &state).await;
        }
        state.lease =
            Some(Lease::next(state.lease.as_ref(), fresh_token(&*self.entropy), now.plus(self.rules.lease), "sync"));
        match self.save(&mut state).await {
            Err(Stop::Commit(CommitError::Conflict(_))) => return self.after_the_other(mailbox, pushed, &state).await,
            other => other?,
        }
        let access = Access { mailbox: mailbox.clone(), grant };
        let worked = self.work(&view, &access, &mut state, pushed).await;
        self.finish(&view, state, pushed, worked).await
    }

    /// No grant works: nothing is due until a person reconnects.
    async fn rest(&self, mut state: SyncState) -> Result<Outcome, Stop> {
        if state.due_at.take().is_some() {
            self.save(&mut state).await?;
        }
        Ok(Outcome::Ignore("no_usable_grant"))
    }

    /// Another run holds the lease. What it has not seen is looked for once more after it.
    async fn after_the_other(
        &self,
        mailbox: &MailboxId,
        pushed: Option<HistoryId>,
        state: &SyncState,
    ) -> Result<Outcome, Stop> {
        let Some(pushed) = pushed.filter(|id| *id > state.cursor) else {
            return Ok(Outcome::Ignore("sync_is_running"));
        };
        let after = Duration::from_secs(5);
        self.queue.send(vec![SyncWork::Sync { mailbox: mailbox.clone(), pushed: Some(pushed) }], after).await?;
        Ok(Outcome::Defer { after, reason: "sync_is_running" })
    }

    async fn save(&self, state: &mut SyncState) -> Result<(), Stop> {
        self.commits.commit(Commit::new().put(state.clone())).await?;
        state.ver += 1;
        Ok(())
    }

    /// Returns how long to wait before the next run, when one is wanted soon.
    async fn work(
        &self,
        view: &MailboxView,
        access: &Access,
        state: &mut SyncState,
        pushed: Option<HistoryId>,
    ) -> Result<Option<Duration>, Stop> {
        // A cursor that is too old lists nothing: the gap is closed first. Everything else lets new mail go ahead.
        if !state.resync.as_ref().is_some_and(|resync| resync.reason == ResyncReason::Gap) {
            match self.history(view, access, state, pushed).await {
                Ok(Some(again)) => return Ok(Some(again)),
                Ok(None) => {}
                Err(Stop::Gmail(GmailError::HistoryGone)) => self.begin_gap(view, access, state).await?,
                Err(other) => return Err(other),
            }
        }
        let now = self.clock.now();
        if state.resync.is_none() && state.swept_at.is_none_or(|at| now.since(at) >= DAY) {
            let since = now.minus(SWEEP_BACK).max(view.meta.connected_at);
            state.resync = Some(self.begin(view, ResyncReason::Sweep, state.cursor, since));
        }
        match state.resync.take() {
            Some(resync) => self.list_on(view, access, state, resync).await,
            None => Ok(None),
        }
    }

    async fn history(
        &self,
        view: &MailboxView,
        access: &Access,
        state: &mut SyncState,
        pushed: Option<HistoryId>,
    ) -> Result<Option<Duration>, Stop> {
        let start = state.cursor;
        let mut page: Option<String> = None;
        let mut queued = 0u64;
        loop {
            let answer = self.gmail.history(access, start, page.as_deref()).await?;
            let candidates = candidates(view, &answer.records);
            let found = self.enqueue(access, candidates).await?;
            queued += found;
            if found > 0 && pushed.is_none() && self.push_was_expected(state) {
                state.push_missed_at = Some(self.clock.now());
            }
            if let Some(last) = answer.records.iter().map(|record| record.id).max() {
                self.advance(state, last);
            }
            let Some(next) = answer.next_page else {
                let any = state.cursor > start;
                return Ok(self.end_of_history(state, pushed, any, answer.history_id));
            };
            if queued >= IDS_PER_RUN {
                // The page token dies with this run; the cursor just saved continues where it stopped.
                return Ok(Some(Duration::ZERO));
            }
            self.save(state).await?;
            page = Some(next);
        }
    }

    /// The list right after a push may lack what the push announced, although it names a newer id: it comes back empty,
    /// or ends too early. So records alone move the cursor, and the newest id only a list that is empty when nothing is
    /// waited for any more.
    fn end_of_history(
        &self,
        state: &mut SyncState,
        pushed: Option<HistoryId>,
        any: bool,
        newest: HistoryId,
    ) -> Option<Duration> {
        let now = self.clock.now();
        let announced = pushed.is_some_and(|id| id > state.cursor);
        // A push that was waited for is reached: what is announced next is waited for anew.
        state.relist = if pushed.is_some() && !announced { 0 } else { state.relist };
        let over = state.relist == 0 && state.relist_until.is_none_or(|until| until <= now);
        if announced && (any || over) {
            state.relist_until = Some(now.plus(RELIST[0] + RELIST[1]));
            state.relist = 0;
        }
        // Any run may find nothing in this time; none moves the cursor over what a push announced.
        if let Some(until) = state.relist_until.filter(|until| *until > now) {
            let again = announced.then(|| RELIST.get(usize::from(state.relist)).copied().unwrap_or(until.since(now)));
            state.relist = state.relist.saturating_add(u8::from(announced));
            return again.map(|after| after.min(until.since(now)).max(Duration::from_secs(1)));
        }
        (state.relist, state.relist_until) = (0, None);
        if any {
            state.unconfirmed = None;
        } else {
            self.advance_when_quiet(state, newest, now);
        }
        state.cursor_at = now;
        None
    }

    /// An empty list names the newest id, and may still lack the mail that made it: no push need have announced that.
    /// So the cursor goes to what an earlier empty list named, when this one, from the same cursor, is empty as well.
    fn advance_when_quiet(&self, state: &mut SyncState, newest: HistoryId, now: Timestamp) {
        match state.unconfirmed {
            Some((id, at)) if now.since(at) >= QUIET => {
                self.advance(state, id);
                state.unconfirmed = (newest > state.cursor).then_some((newest, now));
            }
            Some(_) => {}
            None => state.unconfirmed = (newest > state.cursor).then_some((newest, now)),
        }
    }

    fn advance(&self, state: &mut SyncState, to: HistoryId) {
        if to > state.cursor {
            state.cursor = to;
        }
    }

    /// Mail that a push should have announced a minute ago, and did not.
    fn push_was_expected(&self, state: &SyncState) -> bool {
        let now = self.clock.now();
        self.rules.push && state.last_push_at.is_none_or(|at| now.since(at) > Duration::from_secs(60))
    }

    async fn begin_gap(&self, view: &MailboxView, access: &Access, state: &mut SyncState) -> Result<(), Stop> {
        let profile = self.gmail.profile(access).await?;
        let since = state.cursor_at.minus(Duration::from_secs(3600));
        tracing::warn!(mailbox.id = %view.meta.mailbox, "the history id is too old: closing the gap by listing");
        state.resync = Some(self.begin(view, ResyncReason::Gap, profile.history_id, since));
        self.save(state).await
    }

    fn begin(&self, view: &MailboxView, reason: ResyncReason, profile_id: HistoryId, since: Timestamp) -> Resync {
        let mut labels = view.settings.labels.clone();
        // A person's own reply carries SENT alone.
        labels.extend(LabelId::parse("SENT"));
        labels.dedup();
        Resync { reason, profile_id, since, labels, page_token: None, found: 0 }
    }

    async fn list_on(
        &self,
        view: &MailboxView,
        access: &Access,
        state: &mut SyncState,
        mut resync: Resync,
    ) -> Result<Option<Duration>, Stop> {
        match self.list_pages(view, access, &mut resync).await {
            Ok(None) => {
                self.end_of_listing(state, &resync);
                Ok(None)
            }
            // Whatever stopped it, it goes on where it is.
            unfinished => {
                state.resync = Some(resync);
                unfinished
            }
        }
    }

    async fn list_pages(
        &self,
        view: &MailboxView,
        access: &Access,
        resync: &mut Resync,
    ) -> Result<Option<Duration>, Stop> {
        let mut listed = 0u64;
        while let Some(label) = resync.labels.first().cloned() {
            if listed >= IDS_PER_RUN {
                return Ok(Some(Duration::ZERO));
            }
            let page = match self.gmail.list(access, &label, Some(resync.since), resync.page_token.as_deref()).await {
                // A page token that is no longer valid: the label is listed from its start.
                Err(GmailError::Refused(_)) if resync.page_token.is_some() => {
                    resync.page_token = None;
                    continue;
                }
                Err(GmailError::Refused(_) | GmailError::NotFound) => {
                    tracing::warn!(mailbox.id = %view.meta.mailbox, label.id = %label, "a watched label is gone from Gmail");
                    resync.labels.remove(0);
                    continue;
                }
                other => other?,
            };
            listed += page.messages.len() as u64;
            let sent = label.as_str() == "SENT";
            let messages: Vec<MessageId> = page.messages.iter().map(|(id, _)| id.clone()).collect();
            let known = self.seen.seen(&view.meta.mailbox, &messages, self.clock.now()).await?;
            let fresh = page
                .messages
                .into_iter()
                .filter(|(id, _)| !known.iter().any(|seen| seen.message == *id && seen.state.is_final()));
            let candidates = fresh
                .map(|(id, thread)| (id, Candidate { thread, labels: vec![label.clone()], only_if_known: sent }))
                .collect();
            resync.found += self.enqueue(access, candidates).await?;
            resync.page_token = page.next_page;
            if resync.page_token.is_none() {
                resync.labels.remove(0);
            }
        }
        Ok(None)
    }

    fn end_of_listing(&self, state: &mut SyncState, resync: &Resync) {
        match resync.reason {
            ResyncReason::History => {}
            ResyncReason::Gap => {
                self.advance(state, resync.profile_id);
                state.cursor_at = self.clock.now();
                state.recovered += resync.found;
                tracing::warn!(mailbox.id = %state.mailbox, recovered = resync.found, "the gap in the history is closed");
            }
            ResyncReason::Sweep => {
                state.recovered += resync.found;
                if resync.found > 0 {
                    tracing::warn!(mailbox.id = %state.mailbox, recovered = resync.found, "mail found that history had not told of");
                }
            }
        }
        state.swept_at = Some(self.clock.now());
    }

    /// Returns how many incoming mails were queued.
    async fn enqueue(&self, access: &Access, candidates: BTreeMap<MessageId, Candidate>) -> Result<u64, Stop> {
        let now = self.clock.now();
        let mut work = Vec::with_capacity(candidates.len());
        let mut sent = vec![];
        for (message, candidate) in candidates {
            // The first mail of its thread may be on its way to becoming a conversation: the reply comes after it.
            if candidate.labels.iter().any(|label| label.as_str() == "SENT") {
                sent.push(ingest(access, message, candidate, now));
                continue;
            }
            if candidate.only_if_known
                && self.conversations.head(&access.mailbox, &candidate.thread, now).await?.is_none()
            {
                continue;
            }
            work.push(ingest(access, message, candidate, now));
        }
        let count = work.len() as u64;
        for (work, after) in [(work, Duration::ZERO), (sent, AFTER_ITS_THREAD)] {
            if !work.is_empty() {
                self.queue.send(work, after).await?;
            }
        }
        Ok(count)
    }

    /// Gives the lease back, whatever happened, and says when the mailbox is looked at again.
    async fn finish(
        &self,
        view: &MailboxView,
        mut state: SyncState,
        pushed: Option<HistoryId>,
        worked: Result<Option<Duration>, Stop>,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        state.lease = None;
        if pushed.is_some() {
            state.last_push_at = Some(now);
        }
        let outcome = match worked {
            Ok(again) => {
                state.last_sync_at = Some(now);
                state.due_at = Some(now.plus(self.interval(&state, now)));
                match again {
                    Some(after) => {
                        let next = SyncWork::Sync { mailbox: state.mailbox.clone(), pushed };
                        self.queue.send(vec![next], after).await?;
                        Outcome::Defer { after, reason: "more_to_list" }
                    }
                    None => Outcome::Done,
                }
            }
            // The lease is somebody else's by now: nothing of ours may be written.
            Err(Stop::Commit(error @ CommitError::Conflict(_))) => return Ok(Stop::Commit(error).outcome()),
            Err(Stop::Gmail(error)) => self.gmail_failed(view, &mut state, error, now).await?,
            Err(other) => other.outcome(),
        };
        self.save(&mut state).await?;
        Ok(outcome)
    }

    async fn gmail_failed(
        &self,
        view: &MailboxView,
        state: &mut SyncState,
        error: GmailError,
        now: Timestamp,
    ) -> Result<Outcome, Stop> {
        if let Some(kind) = grant_problem(&error) {
            let in_force = note_grant_problem(&*self.mailboxes, &*self.commits, &*self.clock, view, kind).await?;
            state.due_at = (!in_force).then_some(now);
            return Ok(Outcome::Ignore("no_usable_grant"));
        }
        if let Some(until) = not_before(&error, now) {
            state.due_at = Some(until);
            return Ok(Outcome::Defer { after: until.since(now), reason: "gmail_asks_to_wait" });
        }
        if let GmailError::Client(why) = &error {
            tracing::error!(mailbox.id = %state.mailbox, error = %why, "Google refuses the OAuth client: check its id and secret in the app secret");
        } else {
            tracing::warn!(mailbox.id = %state.mailbox, %error, "Gmail failed: the mailbox is listed again in a minute");
        }
        // The item brings the mailbox back. A message that came back as well would be one more with each minute.
        state.due_at = Some(now.plus(ANXIOUS));
        Ok(Outcome::Defer { after: ANXIOUS, reason: "gmail_failed" })
    }

    fn interval(&self, state: &SyncState, now: Timestamp) -> Duration {
        let anxious =
            !self.rules.push || state.push_missed_at.is_some_and(|at| now.since(at) < Duration::from_secs(3600));
        if anxious { ANXIOUS.min(self.rules.fallback) } else { self.rules.fallback }
    }
}

fn ingest(access: &Access, message: MessageId, candidate: Candidate, now: Timestamp) -> SyncWork {
    SyncWork::Ingest {
        mailbox: access.mailbox.clone(),
        message,
        thread: Some(candidate.thread),
        first_seen: now,
        labels: candidate.labels,
    }
}

/// Which mails of the records are to be read. Drafts, spam, bin and chats never are; what left them comes back as an
/// added label.
fn candidates(view: &MailboxView, records: &[HistoryRecord]) -> BTreeMap<MessageId, Candidate> {
    let mut found = BTreeMap::new();
    for change in records.iter().flat_map(|record| &record.changes) {
        let labels = match &change.kind {
            HistoryKind::MessageAdded => &change.labels,
            HistoryKind::LabelsAdded(added) if view.settings.watches(added) => added,
            _ => continue,
        };
        let all = || labels.iter().chain(&change.labels);
        if all().any(|label| matches!(label.as_str(), "DRAFT" | "SPAM" | "TRASH" | "CHAT")) {
            continue;
        }
        // A record without labels does not say; the mail's own headers will.
        let only_if_known = !labels.is_empty() && !view.settings.watches(labels);
        let candidate = Candidate { thread: change.thread.clone(), labels: labels.clone(), only_if_known };
        found
            .entry(change.message.clone())
            .and_modify(|known: &mut Candidate| known.only_if_known &= only_if_known)
            .or_insert(candidate);
    }
    found
}
