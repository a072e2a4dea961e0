//! Questions that the knowledge base could not answer (`C10`), and answering them once: what people see of them, how a
//! plan keeps them, and how the turns that wait are planned again.
//!
//! Invariant: a question is content and expires with its conversation; a group holds none. Each turn has one question at
//! most, kept under its own key, so that planning the turn again replaces it.

use crate::address::EmailAddress;
use crate::assistant::Author;
use crate::ids::{DocumentId, GapId};
use crate::outcome::Outcome;
use crate::ports::{
    Clock, CommitError, Commits, Conversations, Entropy, Files, Gaps, Gist, Gists, Library, StoreError, WorkQueue,
};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::common::{Stop, fresh_id};
use crate::usecase::knowledge::{KnowledgeError, MAX_DOCUMENTS, NotTaken, Pair, fresh_document, send_hint};
use crate::work::{Job, WorkerWork};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Questions that are read at once.
pub const MAX_QUESTIONS: usize = 1_000;
/// Characters of a question that are kept.
const MAX_KEPT: usize = 500;
/// Turns that one step plans again.
const PER_STEP: usize = 20;
/// A group outlives its questions a little, so that it is not written with each of them. It holds no content.
const SLACK: Duration = Duration::from_secs(30 * 24 * 3600);
/// Of the smaller question's terms this share must be in the other, and at least [`MIN_COMMON`] of them.
const ALIKE: f32 = 0.6;
const MIN_COMMON: usize = 2;

/// A group with its questions.
#[derive(Debug, Clone, PartialEq)]
pub struct GapView {
    pub gap: Gap,
    /// Newest first; at least one.
    pub questions: Vec<GapQuestion>,
}

impl GapView {
    pub fn count(&self) -> usize {
        self.questions.len()
    }

    /// The question that shows what the group is about: of those most like the others, the first asked.
    pub fn example(&self) -> Option<&GapQuestion> {
        let likeness = |one: &GapQuestion| -> f32 {
            self.questions.iter().map(|other| alike(&one.terms, &other.terms).unwrap_or(0.0)).sum()
        };
        self.questions
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)).then_with(|| b.asked_at.cmp(&a.asked_at)))
    }
}

/// Where people see what the knowledge base lacks, and add it.
#[derive(Clone)]
pub struct GapDesk {
    pub gaps: Arc<dyn Gaps>,
    pub library: Arc<dyn Library>,
    pub files: Arc<dyn Files>,
    pub commits: Arc<dyn Commits>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl GapDesk {
    /// Open groups, most asked first, then the latest; groups that are answered and whose turns still wait come last.
    pub async fn list(&self) -> Result<Vec<GapView>, Stop> {
        let now = self.clock.now();
        let mut questions: BTreeMap<GapId, Vec<GapQuestion>> = BTreeMap::new();
        for question in self.gaps.gap_questions(MAX_QUESTIONS, now).await? {
            questions.entry(question.gap.clone()).or_default().push(question);
        }
        let gaps = self.gaps.gaps(now).await?.into_iter();
        let mut views: Vec<GapView> = gaps
            .filter_map(|gap| {
                let mut questions = questions.remove(&gap.gap)?;
                questions.sort_by_key(|question| std::cmp::Reverse(question.asked_at));
                Some(GapView { gap, questions })
            })
            .collect();
        views.sort_by_cached_key(|view| {
            let latest = view.questions.first().map(|question| question.asked_at);
            let closed = view.gap.state != GapState::Open;
            (closed, std::cmp::Reverse((view.count(), latest)), view.gap.gap.clone())
        });
        Ok(views)
    }

    pub async fn open(&self, id: &GapId) -> Result<Option<GapView>, Stop> {
        Ok(self.list().await?.into_iter().find(|view| view.gap.gap == *id))
    }

    /// Answers the group once: the pair goes into the knowledge base, and the turns that wait are planned again when it
    /// serves. `ver`: the group's version that the page showed.
    pub async fn answer(
        &self,
        id: &GapId,
        ver: u64,
        question: &str,
        answer: &str,
        by: &EmailAddress,
    ) -> Result<DocumentId, KnowledgeError> {
        let pair = Pair::checked(question, answer)?;
        let now = self.clock.now();
        let gap = self.known(id, ver, now).await?;
        if self.library.library().await.map_err(Stop::from)?.len() >= MAX_DOCUMENTS {
            return Err(NotTaken::Full.into());
        }
        let token = fresh_id(&*self.entropy);
        let document = pair.document(fresh_document(&*self.entropy), 1, &token, by, now);
        pair.write(&*self.files, &document).await.map_err(Stop::from)?;
        let (document_id, version) = (document.id.clone(), document.newest.version);
        let state = GapState::Answered { document: document_id.clone(), at: now, by: by.clone() };
        let gap = Gap { state, due_at: Some(now), ..gap };
        self.put(Commit::new().put(document).put(gap)).await?;
        send_hint(&*self.queue, Job::ReadDocument { document: document_id.clone(), version }.into()).await;
        Ok(document_id)
    }

    /// The group is of no interest: it is forgotten with its questions. Their conversations stay as they are.
    pub async fn dismiss(&self, id: &GapId, ver: u64) -> Result<(), KnowledgeError> {
        let now = self.clock.now();
        let gap = self.known(id, ver, now).await?;
        let questions = self.gaps.gap_questions(MAX_QUESTIONS, now).await.map_err(Stop::from)?;
        // The group first: no question joins one that is gone.
        self.put(Commit::new().delete(ItemKey::Gap(gap.gap.clone()), gap.ver)).await?;
        for question in questions.into_iter().filter(|question| question.gap == *id) {
            forget(&*self.commits, &question).await?;
        }
        Ok(())
    }

    async fn known(&self, id: &GapId, ver: u64, now: Timestamp) -> Result<Gap, KnowledgeError> {
        let gap = self.gaps.gap(id, now).await.map_err(Stop::from)?.ok_or(NotTaken::Changed)?;
        if gap.state == GapState::Open && gap.ver == ver { Ok(gap) } else { Err(NotTaken::Changed.into()) }
    }

    async fn put(&self, commit: Commit) -> Result<(), KnowledgeError> {
        match self.commits.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(NotTaken::Changed.into()),
            Err(error) => Err(Stop::from(error).into()),
        }
    }
}

/// Deletes a question; succeeds when it is gone or was asked anew.
pub(crate) async fn forget(commits: &dyn Commits, question: &GapQuestion) -> Result<(), Stop> {
    let key = ItemKey::GapQuestion(question.mailbox.clone(), question.thread.clone(), question.turn);
    match commits.commit(Commit::new().delete(key, question.ver)).await {
        Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How like two questions are, 0 to 1; none when they are not alike.
pub fn alike(a: &[String], b: &[String]) -> Option<f32> {
    let (a, b): (BTreeSet<&String>, BTreeSet<&String>) = (a.iter().collect(), b.iter().collect());
    let common = a.intersection(&b).count();
    let smaller = a.len().min(b.len());
    if common == 0 || smaller == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a question has a few dozen terms")]
    let share = |of: usize| common as f32 / of as f32;
    let enough = common >= MIN_COMMON.min(smaller) && share(smaller) >= ALIKE;
    // Two words of a long mail are in many others: the whole must be like, too.
    let union = a.len() + b.len() - common;
    (enough && share(union) >= ALIKE / 2.0).then(|| share(union))
}

/// The group of the question that is most like this one; the oldest of several equally like.
pub fn nearest<'a>(gist: &Gist, known: impl IntoIterator<Item = &'a GapQuestion>) -> Option<&'a GapId> {
    let same_language = |question: &&GapQuestion| question.language == gist.language;
    known
        .into_iter()
        .filter(same_language)
        .filter_map(|question| Some((alike(&gist.terms, &question.terms)?, question)))
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| (y.asked_at, &y.gap).cmp(&(x.asked_at, &x.gap))))
        .map(|(_, question)| &question.gap)
}

/// Keeps what a plan found no source for.
#[derive(Clone)]
pub struct KeepGaps {
    pub gaps: Arc<dyn Gaps>,
    pub gists: Arc<dyn Gists>,
}

impl KeepGaps {
    /// Adds to the plan's commit that `turn` asks `question`, in the group of what is most like it, or in a new one; or
    /// that what it asked before is settled. Nothing is read for a turn that lacks nothing and never did.
    pub async fn note(
        &self,
        commit: Commit,
        turn: &mut Turn,
        question: Option<&str>,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let former = match turn.gap {
            None => None,
            Some(_) => self.gaps.gap_question(&turn.mailbox, &turn.thread, turn.no, now).await?,
        };
        let Some(question) = question else {
            turn.gap = None;
            let delete = |former: GapQuestion| {
                let key = ItemKey::GapQuestion(former.mailbox, former.thread, former.turn);
                (key, former.ver)
            };
            return Ok(match former.map(delete) {
                Some((key, ver)) => commit.delete(key, ver),
                None => commit,
            });
        };
        let open: BTreeMap<GapId, Gap> =
            self.gaps.gaps(now).await?.into_iter().filter(is_open).map(|gap| (gap.gap.clone(), gap)).collect();
        let known = self.gaps.gap_questions(MAX_QUESTIONS, now).await?;
        let of_others = |one: &&GapQuestion| {
            let same = one.mailbox == turn.mailbox && one.thread == turn.thread && one.turn == turn.no;
            !same && open.contains_key(&one.gap)
        };
        let gist = self.gists.gist(question);
        let group = nearest(&gist, known.iter().filter(of_others)).and_then(|id| open.get(id));
        // Asked by itself before: it stays in its group.
        let group = group.or_else(|| former.as_ref().and_then(|former| open.get(&former.gap)));
        let expires_at = turn.expires_at;
        let (gap, commit) = match group {
            Some(gap) if gap.expires_at >= expires_at => {
                // Answered meanwhile, it would take the question along unanswered.
                (gap.gap.clone(), commit.check(ItemKey::Gap(gap.gap.clone()), gap.ver))
            }
            Some(gap) => (gap.gap.clone(), commit.put(Gap { expires_at: expires_at.plus(SLACK), ..gap.clone() })),
            None => {
                let gap = fresh_gap(entropy);
                let expires_at = expires_at.plus(SLACK);
                let fresh =
                    Gap { ver: 0, gap: gap.clone(), state: GapState::Open, opened_at: now, due_at: None, expires_at };
                (gap, commit.put(fresh))
            }
        };
        turn.gap = Some(gap.clone());
        Ok(commit.put(GapQuestion {
            ver: former.as_ref().map_or(0, |former| former.ver),
            gap,
            mailbox: turn.mailbox.clone(),
            thread: turn.thread.clone(),
            turn: turn.no,
            text: question.chars().take(MAX_KEPT).collect(),
            language: gist.language,
            terms: gist.terms,
            asked_at: former.map_or(now, |former| former.asked_at),
            expires_at,
        }))
    }
}

fn is_open(gap: &Gap) -> bool {
    gap.state == GapState::Open
}

fn fresh_gap(entropy: &dyn Entropy) -> GapId {
    GapId::parse(fresh_id(entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"))
}

/// The turns of an answered group are planned again, each through the ordinary plan and ledger.
pub struct CloseGap {
    pub gaps: Arc<dyn Gaps>,
    pub library: Arc<dyn Library>,
    pub conversations: Arc<dyn Conversations>,
    pub commits: Arc<dyn Commits>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
}

/// What became of one question.
enum Settled {
    /// Its turn is open again, or there was nothing to open.
    Done,
    /// Somebody is at the conversation.
    Later,
}

impl CloseGap {
    pub async fn run(&self, id: &GapId) -> Outcome {
        self.try_run(id).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(&self, id: &GapId) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(gap) = self.gaps.gap(id, now).await?.filter(|gap| gap.due_at.is_some()) else {
            return Ok(Outcome::Ignore("nothing_to_close"));
        };
        let GapState::Answered { document, .. } = &gap.state else { return Ok(Outcome::Ignore("not_answered")) };
        // The head first: a text that it counts as built is then the text of the document that is read after it.
        let head = self.library.knowledge_head().await?;
        match self.library.document(document).await?.map(|document| document.status(&head)) {
            Some(DocumentStatus::Ready) => {}
            // The answer is gone before it served: the questions are as open as before.
            None | Some(DocumentStatus::Failed { .. }) => {
                return self.settle(Gap { state: GapState::Open, due_at: None, ..gap }).await;
            }
            Some(DocumentStatus::Uploading | DocumentStatus::Reading) => {
                return self.later(gap.gap, Duration::from_secs(5), "the_answer_is_being_read").await;
            }
        }
        let questions = self.gaps.gap_questions(MAX_QUESTIONS, now).await?;
        let mut waiting = questions.into_iter().filter(|question| question.gap == *id);
        let mut busy = false;
        for question in waiting.by_ref().take(PER_STEP) {
            busy |= matches!(self.plan_again(&question, now).await?, Settled::Later);
        }
        if busy || waiting.next().is_some() {
            let after = if busy { Duration::from_secs(10) } else { Duration::ZERO };
            return self.later(gap.gap, after, "more_turns_wait").await;
        }
        self.settle(Gap { due_at: None, ..gap }).await
    }

    async fn settle(&self, gap: Gap) -> Result<Outcome, Stop> {
        match self.commits.commit(Commit::new().put(gap)).await {
            Ok(()) => Ok(Outcome::Done),
            Err(CommitError::Conflict(_)) => Ok(Outcome::Ignore("changed_meanwhile")),
            Err(error) => Err(error.into()),
        }
    }

    /// The group stays due; the message makes it quicker.
    async fn later(&self, gap: GapId, after: Duration, reason: &'static str) -> Result<Outcome, Stop> {
        if let Err(error) = self.queue.send(vec![Job::CloseGap { gap }.into()], after).await {
            tracing::warn!(%error, "a hint was lost; the group comes from the due index");
        }
        Ok(Outcome::Defer { after, reason })
    }

    async fn plan_again(&self, question: &GapQuestion, now: Timestamp) -> Result<Settled, Stop> {
        let conversation = self.conversations.conversation(&question.mailbox, &question.thread, now).await?;
        let Some(conversation) = conversation else {
            forget(&*self.commits, question).await?;
            return Ok(Settled::Done);
        };
        if conversation.head.lease.as_ref().is_some_and(|lease| lease.held(now)) {
            return Ok(Settled::Later);
        }
        let Some((turn, head)) = reopened(&conversation, question, now) else {
            forget(&*self.commits, question).await?;
            return Ok(Settled::Done);
        };
        let work = WorkerWork::Turn { mailbox: turn.mailbox.clone(), thread: turn.thread.clone(), turn: turn.no };
        let asked = ItemKey::GapQuestion(question.mailbox.clone(), question.thread.clone(), question.turn);
        match self.commits.commit(Commit::new().put(turn).put(head).delete(asked, question.ver)).await {
            Ok(()) => {}
            Err(CommitError::Conflict(_)) => return Ok(Settled::Later),
            Err(error) => return Err(error.into()),
        }
        send_hint(&*self.queue, work).await;
        Ok(Settled::Done)
    }
}

/// The turn, open again, and its head; none when a person has it in hand, when it was answered, or when it will be
/// planned anyway. A draft that stands is the plan's to renew: one that a person edited in Gmail stays as it is.
fn reopened(conversation: &Conversation, question: &GapQuestion, now: Timestamp) -> Option<(Turn, Head)> {
    let head = &conversation.head;
    let turn = conversation.turn(question.turn).filter(|turn| turn.no == head.last_turn)?;
    if turn.gap.as_ref() != Some(&question.gap) || conversation.actions.iter().any(|action| action.state.in_flight()) {
        return None;
    }
    let unanswered = conversation.mails.last().is_some_and(|mail| mail.author == Author::Customer);
    let routed = head.taken_over.as_ref().is_some_and(|taken| taken.reason == "routed");
    let of_turn = || conversation.actions.iter().filter(|action| action.turn == turn.no);
    let untouched = |action: &Action| {
        let waits = matches!(action.state, ActionState::Planned | ActionState::Drafting { .. } | ActionState::Drafted);
        action.kind == ActionKind::Draft && waits || action.state.ended() && action.by.is_none()
    };
    let waits = match turn.state {
        TurnState::NeedsPerson => routed,
        TurnState::Planned => head.taken_over.is_none(),
        _ => false,
    };
    if !(unanswered && waits && of_turn().all(untouched)) {
        return None;
    }
    let turn = Turn {
        rev: turn.rev + 1,
        state: TurnState::Open,
        reason: None,
        slot: None,
        gap: None,
        settle_until: now,
        due_at: Some(now),
        ..turn.clone()
    };
    let head = Head {
        state: ConversationState::Working,
        state_reason: None,
        taken_over: None,
        updated_at: now,
        ..head.clone()
    };
    Some((turn, head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{MailboxId, ThreadId};

    fn terms(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn asked(gap: &str, text: &str, at: i64) -> GapQuestion {
        GapQuestion {
            ver: 1,
            gap: GapId::parse(gap).unwrap_or_else(|error| panic!("{error}")),
            mailbox: MailboxId::parse("mb").unwrap_or_else(|error| panic!("{error}")),
            thread: ThreadId::parse("t").unwrap_or_else(|error| panic!("{error}")),
            turn: 1,
            text: text.to_owned(),
            language: "en".to_owned(),
            terms: terms(text),
            asked_at: Timestamp::from_secs(at),
            expires_at: Timestamp::from_secs(at + 100),
        }
    }

    #[test]
    fn likeness_needs_most_of_the_shorter_and_enough_of_both() {
        let like = |a: &str, b: &str| alike(&terms(a), &terms(b));
        assert_eq!(like("repair bicycle", "repair bicycle"), Some(1.0));
        assert!(like("repair bicycle", "repair bicycle monday").is_some());
        assert_eq!(like("repair bicycle", "repair car"), None);
        assert_eq!(like("repair", "repair"), Some(1.0));
        // Two words of a long mail are in many others.
        assert_eq!(like("repair bicycle", "repair bicycle or boat or car or pram or kite today in town"), None);
        assert_eq!(alike(&[], &[]), None);
    }

    #[test]
    fn a_question_joins_the_nearest_group_of_its_language_and_of_equals_the_oldest() {
        let known = [
            asked("late", "repair bicycle", 20),
            asked("early", "repair bicycle", 10),
            asked("far", "repair bicycle monday", 5),
        ];
        let gist = |language: &str| Gist { language: language.to_owned(), terms: terms("repair bicycle") };
        assert_eq!(nearest(&gist("en"), &known).map(GapId::as_str), Some("early"));
        assert_eq!(nearest(&gist("de"), &known), None);
    }

    #[test]
    fn the_example_is_what_the_others_are_most_like() {
        let questions = vec![
            asked("g", "repair bicycle chain wheel", 30),
            asked("g", "repair bicycle", 20),
            asked("g", "repair bicycle monday", 10),
        ];
        let id = GapId::parse("g").unwrap_or_else(|error| panic!("{error}"));
        let (now, later) = (Timestamp::from_secs(0), Timestamp::from_secs(100));
        let gap = Gap { ver: 1, gap: id, state: GapState::Open, opened_at: now, due_at: None, expires_at: later };
        let view = GapView { gap, questions };
        assert_eq!(view.example().map(|question| question.text.as_str()), Some("repair bicycle"));
    }
}
