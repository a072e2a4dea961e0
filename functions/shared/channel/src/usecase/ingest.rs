//! Ingest: one mail, from its id to its place in a conversation and a turn, exactly once.
//!
//! Invariants: a mail is filtered by labels, then by headers, and only then is its body fetched; mail, turn, head and
//! `SEEN = stored` are written together or not at all; a mail that cannot be read becomes work for a person, not a loss.

use crate::assistant::Author;
use crate::ids::{LabelId, MailboxId, MessageId, ThreadId};
use crate::mail::{Obstacle, ReadMail};
use crate::outcome::Outcome;
use crate::ports::{
    Access, Clock, CommitError, Commits, Conversations, Engines, Gmail, GmailError, MailReader, Mailboxes,
    MessageHeaders, Pseudonyms, SeenMails, StoreError, SyncQueue, WorkQueue,
};
use crate::record::{
    Commit, Conversation, ConversationState, Correspondent, Head, ItemKey, MailboxView, Parked, ParkedWork, Seen,
    SeenState, StoredMail, Turn, TurnState,
};
use crate::time::Timestamp;
use crate::usecase::common::{Rules, Stop, grant_problem, not_before, note_grant_problem, parked_again};
use crate::usecase::own_mail::{OwnMail, sort_own_mail};
use crate::work::{SyncWork, WorkerWork};
use std::sync::Arc;
use std::time::Duration;

/// A third start of the same mail means that reading it ends the process.
const TRIES: u32 = 2;
/// How often a conversation that somebody else is at is read again.
const STORE_TRIES: u32 = 5;
/// A mail just announced may not be there yet.
const NOT_YET: Duration = Duration::from_secs(60);
/// A mail deferred for longer is parked.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Gmail's own limit for a received mail, raw.
const MAX_BYTES: u64 = 36_700_160;

pub struct Ingest {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub conversations: Arc<dyn Conversations>,
    pub seen: Arc<dyn SeenMails>,
    pub commits: Arc<dyn Commits>,
    pub gmail: Arc<dyn Gmail>,
    pub reader: Arc<dyn MailReader>,
    pub pseudonyms: Arc<dyn Pseudonyms>,
    pub sync_queue: Arc<dyn SyncQueue>,
    pub work_queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
}

/// One mail on its way in.
#[derive(Debug, Clone)]
pub struct Announced {
    pub mailbox: MailboxId,
    pub message: MessageId,
    pub thread: Option<ThreadId>,
    pub first_seen: Timestamp,
    pub labels: Vec<LabelId>,
}

impl Ingest {
    pub async fn run(&self, mail: &Announced) -> Outcome {
        match self.try_run(mail).await {
            Ok(outcome) => outcome,
            Err(stop) => self.stopped(mail, stop).await,
        }
    }

    /// Nothing but this message carries the mail, so a fault must not use up the queue's patience with it: the mail is
    /// queued anew, and after an hour of that it is parked.
    async fn stopped(&self, mail: &Announced, stop: Stop) -> Outcome {
        let (after, reason) = match &stop {
            Stop::Commit(CommitError::Conflict(_)) => (Duration::from_secs(2), "an_item_changed_meanwhile"),
            // A permission that is missing may be on its way: changes of IAM spread slowly.
            Stop::Store(StoreError::Broken(_)) | Stop::Commit(CommitError::Store(StoreError::Broken(_))) => {
                (Duration::from_secs(60), "the_store_refuses")
            }
            _ => (Duration::from_secs(30), "a_service_is_not_available"),
        };
        tracing::warn!(mailbox.id = %mail.mailbox, message.id = %mail.message, error = %stop, "a mail comes again");
        match self.again(mail, after, reason).await {
            Ok(outcome) => outcome,
            Err(_) => stop.outcome(),
        }
    }

    async fn try_run(&self, mail: &Announced) -> Result<Outcome, Stop> {
        let Some(view) = self.mailboxes.mailbox(&mail.mailbox).await? else {
            return Ok(Outcome::Ignore("unknown_mailbox"));
        };
        if view.meta.grant.is_none() {
            return Ok(Outcome::Ignore("disconnected"));
        }
        let Some(grant) = view.usable_grant().cloned() else {
            return self.park(mail, &view, "no_usable_grant", None).await;
        };
        let now = self.clock.now();
        let seen = self.seen.seen(&mail.mailbox, std::slice::from_ref(&mail.message), now).await?.pop();
        if seen.as_ref().is_some_and(|seen| !matches!(seen.state, SeenState::Reading { .. })) {
            return Ok(Outcome::Ignore("seen"));
        }
        let access = Access { mailbox: mail.mailbox.clone(), grant };
        match self.read_and_store(&view, &access, mail, seen).await {
            Err(Stop::Gmail(error)) => self.gmail_failed(&view, mail, error).await,
            other => other,
        }
    }

    async fn read_and_store(
        &self,
        view: &MailboxView,
        access: &Access,
        mail: &Announced,
        seen: Option<Seen>,
    ) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if let Some(outcome) = self.sent_into_nothing(mail, now).await? {
            return Ok(outcome);
        }
        let found = match self.gmail.headers(access, &mail.message).await {
            Err(GmailError::NotFound) if now.since(mail.first_seen) < NOT_YET => {
                return self.again(mail, Duration::from_secs(5), "not_there_yet").await;
            }
            Err(GmailError::NotFound) => {
                let gone = self.seen_item(mail, seen.as_ref(), SeenState::Gone);
                self.commits.commit(Commit::new().put(gone)).await?;
                return Ok(Outcome::Ignore("deleted_before_it_was_read"));
            }
            other => other?,
        };
        if found.labels.iter().any(|label| matches!(label.as_str(), "DRAFT" | "SPAM" | "TRASH" | "CHAT")) {
            // Without a mark: what leaves these labels comes back.
            return Ok(Outcome::Ignore("not_in_a_watched_place"));
        }
        let conversation = self.conversations.conversation(&mail.mailbox, &found.thread, now).await?;
        let sent = found.labels.iter().any(|label| label.as_str() == "SENT");
        if conversation.is_none() && (sent || !view.settings.watches(&found.labels)) {
            return Ok(Outcome::Ignore("no_conversation_and_no_watched_label"));
        }
        let headers = self.reader.headers(&found.headers);
        if !sent && let Some(reason) = excluded(view, &found.labels, &headers) {
            let filtered = self.seen_item(mail, seen.as_ref(), SeenState::Filtered { reason: reason.to_owned() });
            self.commits.commit(Commit::new().put(filtered)).await?;
            return Ok(Outcome::Ignore(reason));
        }
        if sent && let Some(conversation) = &conversation {
            match sort_own_mail(&*self.gmail, access, conversation, &found, &headers).await? {
                OwnMail::NotSettled => return self.again(mail, Duration::from_secs(10), "own_send_not_settled").await,
                sorted => return self.store_own(view, access, mail, seen, &found, conversation, sorted).await,
            }
        }
        let (read, reading) = self.read(access, mail, seen, &found, headers).await?;
        self.store(view, mail, &found, conversation, read, reading).await
    }

    /// Sent mail matters in a conversation only; one that is not there yet may come within a minute.
    async fn sent_into_nothing(&self, mail: &Announced, now: Timestamp) -> Result<Option<Outcome>, Stop> {
        let (Some(thread), true) = (&mail.thread, mail.labels.iter().any(|label| label.as_str() == "SENT")) else {
            return Ok(None);
        };
        if self.conversations.head(&mail.mailbox, thread, now).await?.is_some() {
            return Ok(None);
        }
        if now.since(mail.first_seen) < NOT_YET {
            return self.again(mail, Duration::from_secs(30), "no_conversation_yet").await.map(Some);
        }
        Ok(Some(Outcome::Ignore("sent_outside_of_conversations")))
    }

    /// Fetches the body, then reads it, counting the starts just before, so that a mail which ends the process poisons
    /// only itself.
    async fn read(
        &self,
        access: &Access,
        mail: &Announced,
        seen: Option<Seen>,
        found: &MessageHeaders,
        headers: crate::mail::MailHeaders,
    ) -> Result<(ReadMail, Seen), Stop> {
        let tries = match &seen {
            Some(Seen { state: SeenState::Reading { tries }, .. }) => *tries,
            _ => 0,
        };
        // A person sees who wrote and about what, and opens the mail itself in Gmail.
        let unreadable =
            || ReadMail { headers: headers.clone(), obstacles: vec![Obstacle::TooComplex], ..ReadMail::default() };
        if tries >= TRIES {
            let mark = seen.unwrap_or_else(|| self.seen_item(mail, None, SeenState::Reading { tries }));
            tracing::warn!(mailbox.id = %mail.mailbox, message.id = %mail.message, tries, "a mail could not be read: a person has to");
            return Ok((unreadable(), mark));
        }
        let raw = if found.size > MAX_BYTES { vec![] } else { self.gmail.raw(access, &mail.message).await? };
        let mut mark = self.seen_item(mail, seen.as_ref(), SeenState::Reading { tries: tries + 1 });
        self.commits.commit(Commit::new().put(mark.clone())).await?;
        mark.ver += 1;
        match self.reader.read(&raw) {
            Ok(read) => Ok((read, mark)),
            Err(why) => {
                tracing::warn!(mailbox.id = %mail.mailbox, message.id = %mail.message, error = %why, "a mail could not be read: a person has to");
                Ok((unreadable(), mark))
            }
        }
    }

    /// A customer's mail: into its conversation, and into a turn when it is live. Somebody else may be at the conversation:
    /// then it is read again, and the mail, which was read already, is put into what is there now.
    async fn store(
        &self,
        view: &MailboxView,
        mail: &Announced,
        found: &MessageHeaders,
        mut conversation: Option<Conversation>,
        read: ReadMail,
        mark: Seen,
    ) -> Result<Outcome, Stop> {
        for _ in 0..STORE_TRIES {
            let now = self.clock.now();
            let (commit, turn) = self.stored(view, mail, found, conversation.as_ref(), read.clone(), &mark).await?;
            match self.commits.commit(commit).await {
                Ok(()) => {
                    if let Some(turn) = turn.filter(|turn| turn.state == TurnState::Open) {
                        self.hint(&turn, now).await;
                    }
                    return Ok(Outcome::Done);
                }
                Err(CommitError::Conflict(_)) => {
                    conversation = self.conversations.conversation(&mail.mailbox, &found.thread, now).await?;
                }
                Err(other) => return Err(other.into()),
            }
        }
        self.give_up(mail, mark).await
    }

    /// The mail was read well: its next start is a first one.
    async fn give_up(&self, mail: &Announced, mark: Seen) -> Result<Outcome, Stop> {
        let unread = Seen { state: SeenState::Reading { tries: 0 }, ..mark };
        match self.commits.commit(Commit::new().put(unread)).await {
            Ok(()) | Err(CommitError::Conflict(_)) => {
                self.again(mail, Duration::from_secs(2), "conversation_changed").await
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Everything that the mail changes, for the conversation as it was read.
    async fn stored(
        &self,
        view: &MailboxView,
        mail: &Announced,
        found: &MessageHeaders,
        conversation: Option<&Conversation>,
        read: ReadMail,
        mark: &Seen,
    ) -> Result<(Commit, Option<Turn>), Stop> {
        let now = self.clock.now();
        let live = found.internal_date >= view.meta.connected_at;
        let mut head = match conversation {
            Some(conversation) => conversation.head.clone(),
            None => new_head(view, found, &read, now, &self.rules),
        };
        let mut stored = stored_mail(mail, found, read, now.plus(self.rules.retention));
        let turn = live.then(|| self.turn_for(view, conversation, &mut head, &mail.message, now));
        stored.turn = turn.as_ref().map(|turn| turn.no);
        head.mails += 1;
        head.expires_at = now.plus(self.rules.retention);
        if live {
            head.unread = true;
            head.updated_at = now;
        } else {
            head.updated_at = head.updated_at.max(found.internal_date);
        }
        let mut commit = Commit::new();
        if let Some(correspondent) = self.correspondent(conversation, &stored) {
            commit = commit.put(correspondent);
        }
        if let Some(turn) = &turn {
            if turn.state == TurnState::Parked {
                // Parked by settings that still stand: a person who resumes meanwhile makes this commit fail.
                let parked = parked_again(&*self.engines, parked_turn(turn, now)).await?;
                let settings = &view.settings;
                commit = commit.put(parked).check(ItemKey::Settings(settings.mailbox.clone()), settings.ver);
            }
            commit = commit.put(turn.clone());
        }
        if live && view.meta.last_mail_at.is_none_or(|at| now.since(at) > Duration::from_secs(6 * 3600)) {
            // Tells the token refresher which mailboxes are in use; a few times a day is enough.
            let mut meta = view.meta.clone();
            meta.last_mail_at = Some(now);
            commit = commit.put(meta);
        }
        let mark =
            Seen { state: SeenState::Stored, at: now, expires_at: now.plus(self.rules.seen_retention), ..mark.clone() };
        Ok((commit.put(stored).put(head).put(mark), turn))
    }

    /// The turn that this mail belongs to: the newest one while it may still be joined, else a new one.
    fn turn_for(
        &self,
        view: &MailboxView,
        conversation: Option<&Conversation>,
        head: &mut Head,
        message: &MessageId,
        now: Timestamp,
    ) -> Turn {
        let newest = conversation.and_then(|conversation| conversation.turn(conversation.head.last_turn));
        let in_flight = |no: u32| {
            conversation.is_some_and(|c| c.actions.iter().any(|action| action.turn == no && action.state.in_flight()))
        };
        let mut turn = match newest {
            // A turn of an earlier connection ended with it, though its own end may not be written yet.
            Some(turn) if turn.state.joinable() && !in_flight(turn.no) && turn.opened_at >= view.meta.connected_at => {
                let mut turn = turn.clone();
                turn.rev += 1;
                turn.settle_until =
                    now.plus(self.rules.settle).min(turn.opened_at.plus(self.rules.settle_max)).max(now);
                turn
            }
            _ => {
                head.last_turn += 1;
                Turn {
                    ver: 0,
                    mailbox: head.mailbox.clone(),
                    thread: head.thread.clone(),
                    no: head.last_turn,
                    rev: 1,
                    state: TurnState::Open,
                    reason: None,
                    opened_at: now,
                    settle_until: now.plus(self.rules.settle),
                    mails: vec![],
                    slot: None,
                    flow: "mode@1".to_owned(),
                    gap: None,
                    due_at: None,
                    expires_at: now,
                }
            }
        };
        turn.mails.push(message.clone());
        turn.expires_at = now.plus(self.rules.retention);
        if view.settings.enabled {
            turn.state = TurnState::Open;
            turn.due_at = Some(turn.settle_until);
            head.state = ConversationState::Working;
            head.state_reason = None;
        } else {
            turn.state = TurnState::Parked;
            turn.due_at = None;
            head.state = ConversationState::Held;
            head.state_reason = Some("The channel is paused.".to_owned());
        }
        turn
    }

    /// Written once a conversation for each correspondent, and again when it would expire before the mail does.
    fn correspondent(&self, conversation: Option<&Conversation>, stored: &StoredMail) -> Option<Correspondent> {
        let author = stored.headers.from.first()?;
        let address_hash = self.pseudonyms.of(&author.email);
        let known = conversation.and_then(|c| c.correspondents.iter().find(|known| known.address_hash == address_hash));
        Some(Correspondent {
            ver: known.map_or(0, |known| known.ver),
            mailbox: stored.mailbox.clone(),
            thread: stored.thread.clone(),
            address_hash,
            expires_at: stored.expires_at,
        })
    }

    /// The due index has it already: a hint that is lost costs at most a minute.
    async fn hint(&self, turn: &Turn, now: Timestamp) {
        let work = WorkerWork::Turn { mailbox: turn.mailbox.clone(), thread: turn.thread.clone(), turn: turn.no };
        if let Err(error) = self.work_queue.send(vec![work], turn.settle_until.since(now)).await {
            tracing::warn!(mailbox.id = %turn.mailbox, turn.id = turn.no, %error, "the hint for a turn was lost; it comes from the due index");
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one mail with everything that was read about it")]
    async fn store_own(
        &self,
        view: &MailboxView,
        access: &Access,
        mail: &Announced,
        seen: Option<Seen>,
        found: &MessageHeaders,
        conversation: &Conversation,
        sorted: OwnMail,
    ) -> Result<Outcome, Stop> {
        let headers = self.reader.headers(&found.headers);
        let (read, mark) = self.read(access, mail, seen, found, headers).await?;
        let now = self.clock.now();
        let mut stored = stored_mail(mail, found, read, now.plus(self.rules.retention));
        let mut commit = sorted.consequences(conversation, &mut stored, view, now);
        let mark = Seen { state: SeenState::Stored, at: now, expires_at: now.plus(self.rules.seen_retention), ..mark };
        commit = commit.put(stored).put(mark);
        match self.commits.commit(commit).await {
            Err(CommitError::Conflict(_)) => self.again(mail, Duration::from_secs(1), "conversation_changed").await,
            Err(other) => Err(other.into()),
            Ok(()) => Ok(Outcome::Done),
        }
    }

    fn seen_item(&self, mail: &Announced, former: Option<&Seen>, state: SeenState) -> Seen {
        let now = self.clock.now();
        Seen {
            ver: former.map_or(0, |seen| seen.ver),
            mailbox: mail.mailbox.clone(),
            message: mail.message.clone(),
            state,
            at: now,
            expires_at: now.plus(self.rules.seen_retention),
        }
    }

    /// The same mail again later; it keeps the time it was first seen.
    async fn again(&self, mail: &Announced, after: Duration, reason: &'static str) -> Result<Outcome, Stop> {
        if self.clock.now().since(mail.first_seen) > PATIENCE {
            let Some(view) = self.mailboxes.mailbox(&mail.mailbox).await? else {
                return Ok(Outcome::Ignore("unknown_mailbox"));
            };
            return self.park(mail, &view, reason, Some(self.clock.now().plus(PATIENCE))).await;
        }
        let work = SyncWork::Ingest {
            mailbox: mail.mailbox.clone(),
            message: mail.message.clone(),
            thread: mail.thread.clone(),
            first_seen: mail.first_seen,
            labels: mail.labels.clone(),
        };
        self.sync_queue.send(vec![work], after).await?;
        Ok(Outcome::Defer { after, reason })
    }

    /// Kept with its mailbox until a person reconnects, or until `due_at`. What was true of the mailbox must still be.
    async fn park(
        &self,
        mail: &Announced,
        view: &MailboxView,
        reason: &'static str,
        due_at: Option<Timestamp>,
    ) -> Result<Outcome, Stop> {
        let parked = Parked {
            ver: 0,
            mailbox: mail.mailbox.clone(),
            work: ParkedWork::Mail { message: mail.message.clone() },
            reason: reason.to_owned(),
            parked_at: self.clock.now(),
            due_at,
        };
        let parked = parked_again(&*self.engines, parked).await?;
        let unchanged = ItemKey::Mailbox(mail.mailbox.clone());
        self.commits.commit(Commit::new().put(parked).check(unchanged, view.meta.ver)).await?;
        Ok(Outcome::Ignore(reason))
    }

    async fn gmail_failed(&self, view: &MailboxView, mail: &Announced, error: GmailError) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        if let Some(kind) = grant_problem(&error) {
            if note_grant_problem(&*self.mailboxes, &*self.commits, &*self.clock, view, kind).await? {
                let Some(view) = self.mailboxes.mailbox(&mail.mailbox).await? else {
                    return Ok(Outcome::Ignore("unknown_mailbox"));
                };
                return self.park(mail, &view, "no_usable_grant", None).await;
            }
            return self.again(mail, Duration::from_secs(1), "another_grant_is_in_force").await;
        }
        if let GmailError::Refused(why) = &error {
            tracing::error!(mailbox.id = %mail.mailbox, message.id = %mail.message, error = %why, "Gmail refuses a mail: it is parked");
            return self.park(mail, view, "gmail_refused", Some(now.plus(6 * PATIENCE))).await;
        }
        match not_before(&error, now) {
            Some(until) => self.again(mail, until.since(now), "gmail_asks_to_wait").await,
            None => self.again(mail, Duration::from_secs(30), "gmail_failed").await,
        }
    }
}

/// The turn's own place among the parked work of its mailbox.
pub fn parked_turn(turn: &Turn, now: Timestamp) -> Parked {
    Parked {
        ver: 0,
        mailbox: turn.mailbox.clone(),
        work: ParkedWork::Turn { thread: turn.thread.clone(), turn: turn.no },
        reason: "paused".to_owned(),
        parked_at: now,
        due_at: None,
    }
}

/// Which exclusion leaves this mail out (`A3.1`), judged by its headers alone.
fn excluded(view: &MailboxView, labels: &[LabelId], headers: &crate::mail::MailHeaders) -> Option<&'static str> {
    let rules = &view.settings.exclusions;
    let from = || headers.from.iter().map(|author| &author.email);
    let subject = headers.subject.to_lowercase();
    if labels.iter().any(|label| rules.labels.contains(label)) {
        Some("excluded_label")
    } else if from().any(|email| rules.senders.contains(email)) {
        Some("excluded_sender")
    } else if from().any(|email| rules.domains.iter().any(|domain| email.in_domain(domain))) {
        Some("excluded_domain")
    } else if rules
        .subject_words
        .iter()
        .any(|word| !word.trim().is_empty() && subject.contains(&word.trim().to_lowercase()))
    {
        Some("excluded_subject")
    } else if rules.bulk && headers.bulk {
        Some("excluded_bulk")
    } else {
        None
    }
}

fn new_head(view: &MailboxView, found: &MessageHeaders, read: &ReadMail, now: Timestamp, rules: &Rules) -> Head {
    let nobody = || crate::address::Mailbox { name: None, email: view.meta.address.clone() };
    Head {
        ver: 0,
        mailbox: view.meta.mailbox.clone(),
        thread: found.thread.clone(),
        title: read.headers.subject.clone(),
        customer: read.headers.from.first().cloned().unwrap_or_else(nobody),
        answered_by: view.meta.address.clone(),
        state: ConversationState::Received,
        state_reason: None,
        unread: false,
        updated_at: found.internal_date,
        taken_over: None,
        last_turn: 0,
        mails: 0,
        lease: None,
        expires_at: now.plus(rules.retention),
    }
}

fn stored_mail(mail: &Announced, found: &MessageHeaders, read: ReadMail, expires_at: Timestamp) -> StoredMail {
    StoredMail {
        ver: 0,
        mailbox: mail.mailbox.clone(),
        thread: found.thread.clone(),
        message: mail.message.clone(),
        internal_date: found.internal_date,
        author: Author::Customer,
        headers: read.headers,
        text: read.text,
        truncated: read.truncated,
        attachments: read.attachments,
        obstacles: read.obstacles,
        labels: found.labels.clone(),
        turn: None,
        expires_at,
    }
}
