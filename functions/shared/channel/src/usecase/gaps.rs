//! Questions that the knowledge base could not answer (`C10`), and answering them once.
//!
//! Invariant: a question is content and expires with its conversation; a group holds none. Each turn has one question at
//! most, kept under its own key, so that planning the turn again replaces it.

use crate::address::EmailAddress;
use crate::ids::{DocumentId, GapId};
use crate::ports::{Clock, CommitError, Commits, Entropy, Files, Gaps, Gist, Library, WorkQueue};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::common::Stop;
use crate::usecase::common::fresh_id;
use crate::usecase::knowledge::{KnowledgeError, MAX_DOCUMENTS, NotTaken, Pair, fresh_document, send_hint};
use crate::work::Job;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Questions that are read at once.
pub const MAX_QUESTIONS: usize = 1_000;
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
