//! Texts embedded for the search: the passages once, each question when it is asked.
//!
//! Invariants: a search never fails for want of a vector. Whatever goes wrong, passages are found by their words, and
//! the usage says so. At most a third of the time that an answer has is spent here, and a bounded number of requests;
//! passages that found no room are embedded with the next mail. Vectors of one model are never compared with another's.

use super::call::{About, Caller, Request};
use super::protocol::{Embed, Embedded, Side};
use super::{EmbeddingSettings, Failed, Model, WITHIN, unusable};
use crate::knowledge::{Hit, Index, MAX_EMBEDDED, Meaning, Vectors, usable};
use crate::language;
use crate::prompt::approximate;
use crate::text::clip;
use channel::assistant::Usage;
use channel::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What the usage says when question and passages all had a vector.
pub const ALL_EMBEDDED: &str = "Passages were found by words and embeddings";

/// For questions and passages together.
const LONGEST: Duration = Duration::from_secs(20);
/// Requests for passages while one mail is answered.
const REQUESTS: usize = 64;

impl Model {
    /// Vectors that were stored, so that their passages need not be embedded again. Those of another model are left out.
    pub async fn remember(&self, vectors: Vectors) {
        if self.settings.embedding.as_ref().is_some_and(|settings| settings.model == vectors.model()) {
            *self.vectors.lock().await = Arc::new(vectors);
        }
    }

    /// What was embedded so far, to be stored beside the index.
    pub async fn vectors(&self) -> Arc<Vectors> {
        self.vectors.lock().await.clone()
    }

    /// The passages that one question would bring to a model, best first, and what finding them took.
    pub async fn look_up(&self, index: &Index, question: &str, limit: usize) -> (Vec<Hit>, Usage) {
        let mut usage = Usage::default();
        let questions = [question.to_owned()];
        let meaning = self.meaning(index, &questions, self.clock.now().plus(WITHIN), &mut usage).await;
        usage.cost_micro_usd = self.cost(&usage);
        (index.offered(language::detect(question), &questions, meaning.as_ref(), limit), usage)
    }

    /// None where nothing is embedded or nothing came of it; the usage says which.
    pub(super) async fn meaning(
        &self,
        index: &Index,
        questions: &[String],
        deadline: Timestamp,
        usage: &mut Usage,
    ) -> Option<Meaning> {
        let settings = self.settings.embedding.as_ref()?;
        usage.embedding_model.clone_from(&settings.model);
        if index.is_empty() || questions.is_empty() {
            return None;
        }
        let now = self.clock.now();
        let caller = Caller { model: self, deadline: now.plus(LONGEST.min(deadline.since(now) / 3)) };
        let of_questions = match self.questions(settings, &caller, questions, usage).await {
            Ok(vectors) => vectors,
            Err(failed) => {
                usage.search = format!("Passages were found by their words alone: {}", why(failed));
                return None;
            }
        };
        let (vectors, ended) = self.passages(settings, &caller, index, of_questions[0].len(), usage).await;
        usage.search = match ended {
            Ok(()) => ALL_EMBEDDED.to_owned(),
            Err(failed) => format!(
                "Passages were found by words, and by embeddings where they have one ({} of {}): {}",
                vectors.len().min(index.len()),
                index.len(),
                why(failed)
            ),
        };
        (!vectors.is_empty()).then_some(Meaning { vectors, questions: of_questions, floor: settings.floor })
    }

    async fn questions(
        &self,
        settings: &EmbeddingSettings,
        caller: &Caller<'_>,
        questions: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Vec<f32>>, Failed> {
        let texts: Vec<&str> = questions.iter().map(|text| clip(text, MAX_EMBEDDED)).collect();
        let mut out = vec![];
        for texts in texts.chunks(self.at_once(settings)?) {
            out.extend(self.embed(settings, caller, texts, Side::Question, usage).await?);
        }
        let lengths_differ = out.windows(2).any(|pair| pair[0].len() != pair[1].len());
        if lengths_differ { unusable("its vectors are not all of one length") } else { Ok(out) }
    }

    /// The vectors of the base's passages, those included that are made now. `dimension` is the questions'.
    async fn passages(
        &self,
        settings: &EmbeddingSettings,
        caller: &Caller<'_>,
        index: &Index,
        dimension: usize,
        usage: &mut Usage,
    ) -> (Arc<Vectors>, Result<(), Failed>) {
        let mut known = self.vectors.lock().await;
        if known.model() != settings.model || known.dimension().is_some_and(|before| before != dimension) {
            *known = Arc::new(Vectors::of_model(&settings.model));
        }
        let keys = index.keys();
        if known.len() > keys.len() {
            Arc::make_mut(&mut known).keep(&keys);
        }
        let ended = self.complete(settings, caller, index, (dimension, &mut known), usage).await;
        (known.clone(), ended)
    }

    async fn complete(
        &self,
        settings: &EmbeddingSettings,
        caller: &Caller<'_>,
        index: &Index,
        (dimension, known): (usize, &mut Arc<Vectors>),
        usage: &mut Usage,
    ) -> Result<(), Failed> {
        let at_once = self.at_once(settings)?;
        let wanted = index.without(known, at_once * REQUESTS + 1);
        for batch in wanted.chunks(at_once).take(REQUESTS) {
            let texts: Vec<&str> = batch.iter().map(|wanted| wanted.text.as_str()).collect();
            let vectors = self.embed(settings, caller, &texts, Side::Passage, usage).await?;
            if vectors.iter().any(|vector| vector.len() != dimension) {
                return unusable("its vectors are not all of one length");
            }
            let known = Arc::make_mut(known);
            for (wanted, vector) in batch.iter().zip(&vectors) {
                if let Err(why) = known.insert(wanted.key, vector) {
                    return unusable(why);
                }
            }
        }
        if wanted.len() > at_once * REQUESTS { unusable("the others follow with the next mails") } else { Ok(()) }
    }

    fn at_once(&self, settings: &EmbeddingSettings) -> Result<usize, Failed> {
        match self.settings.provider.embeds_at_once(&settings.model) {
            0 => unusable("this provider offers no embeddings; leave POSTROOM_EMBEDDING_MODEL empty"),
            count => Ok(count),
        }
    }

    /// One request: a vector for each text.
    async fn embed(
        &self,
        settings: &EmbeddingSettings,
        caller: &Caller<'_>,
        texts: &[&str],
        side: Side,
        usage: &mut Usage,
    ) -> Result<Vec<Vec<f32>>, Failed> {
        let embed = Embed { model: &settings.model, url: &self.settings.url, texts, side };
        let provider = self.settings.provider;
        let Some((url, body)) = provider.embedding(&embed) else {
            return unusable("this provider offers no embeddings");
        };
        let request = Request { about: About::Embedding, url, body: body.to_string() };
        let answer = caller.post(&request, &mut usage.embedding_calls).await?;
        let Embedded { vectors, tokens } = provider.read_embedding(&settings.model, &answer);
        let counted = || texts.iter().map(|text| u64::from(approximate(text))).sum();
        usage.embedding_tokens = usage.embedding_tokens.saturating_add(tokens.unwrap_or_else(counted));
        if vectors.len() != texts.len() {
            return unusable(format!("it gave {} vectors for {} texts", vectors.len(), texts.len()));
        }
        match vectors.iter().find_map(|vector| usable(vector).err()) {
            Some(why) => unusable(why),
            None => Ok(vectors),
        }
    }
}

fn why(failed: Failed) -> String {
    match failed {
        Failed::Unavailable(why) | Failed::Unusable(why) => why,
    }
}
