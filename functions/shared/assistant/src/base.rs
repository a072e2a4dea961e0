//! The assistant over the knowledge base as it stands: the snapshot in the bucket, indexed once and kept while the
//! function is warm. A configured model answers from its passages; without one the built-in assistant does.
//!
//! Invariant: which snapshot serves is asked for each answer, by one small read; the snapshot itself is fetched when it
//! is another than the one that is known.

use crate::Extractive;
use crate::extractive::asked;
use crate::knowledge::{Index, concept_token, terms};
use crate::language;
use crate::provider::Model;
use async_trait::async_trait;
use channel::assistant::{Answer, AnswerRequest, AssistantError, Intent, KnowledgeDocument, Snapshot};
use channel::ports::{Assistant, Files, FilesError, Gist, Gists, Library};
use channel::record::snapshot_file;
use channel::usecase::reading::MAX_SNAPSHOT;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How often another snapshot may take the place of the one that is being fetched.
const TRIES: usize = 3;

struct Cached {
    snapshot: Option<String>,
    assistant: Arc<Extractive>,
}

pub struct KnowledgeAssistant {
    library: Arc<dyn Library>,
    files: Arc<dyn Files>,
    model: Option<Arc<Model>>,
    cached: Mutex<Option<Cached>>,
}

impl KnowledgeAssistant {
    pub fn new(library: Arc<dyn Library>, files: Arc<dyn Files>) -> Self {
        Self { library, files, model: None, cached: Mutex::new(None) }
    }

    /// Answers are written by `model`.
    #[must_use]
    pub fn with_model(mut self, model: Option<Arc<Model>>) -> Self {
        self.model = model;
        self
    }

    async fn current(&self) -> Result<Arc<Extractive>, AssistantError> {
        // Held while a snapshot is fetched: two turns that begin at once fetch it once.
        let mut cached = self.cached.lock().await;
        for _ in 0..TRIES {
            let head = self.library.knowledge_head().await.map_err(unavailable)?;
            if let Some(known) = cached.as_ref().filter(|known| known.snapshot == head.snapshot) {
                return Ok(known.assistant.clone());
            }
            let documents = match &head.snapshot {
                None => vec![],
                Some(name) => match self.files.read(&snapshot_file(name), MAX_SNAPSHOT).await {
                    Ok(bytes) => Snapshot::from_bytes(&bytes).map_err(unavailable)?.documents,
                    // Another took its place, and it was deleted.
                    Err(FilesError::Missing) => continue,
                    Err(error) => return Err(unavailable(error)),
                },
            };
            // The former one goes first: two at once would be twice the memory.
            *cached = None;
            let assistant = Arc::new(Extractive::new(Index::build(&documents)));
            *cached = Some(Cached { snapshot: head.snapshot, assistant: assistant.clone() });
            return Ok(assistant);
        }
        Err(unavailable("the snapshot that the head names is not in the bucket"))
    }
}

fn unavailable(error: impl std::fmt::Display) -> AssistantError {
    AssistantError::unavailable(format!("the knowledge base cannot be read: {error}"))
}

#[async_trait]
impl Assistant for KnowledgeAssistant {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        let assistant = self.current().await?;
        match &self.model {
            Some(model) => {
                let answer = model.answer(assistant.index(), request).await?;
                Ok(Answer { unanswered: unanswered(&answer, request), ..answer })
            }
            None => Ok(assistant.answer(request)),
        }
    }
}

/// What a model found no passage for: all that was asked, since it does not say which part. A complaint and small talk
/// are a person's for another reason than a missing source.
fn unanswered(answer: &Answer, request: &AnswerRequest) -> Vec<String> {
    if answer.answerable && !answer.sources.is_empty() || matches!(answer.intent, Intent::Complaint | Intent::Chat) {
        return vec![];
    }
    let open = request.chain.iter().rev().take(request.open).rev();
    open.flat_map(|mail| asked(&mail.text)).map(str::to_owned).collect()
}

/// Passages of one document, by language.
pub fn passages(document: &KnowledgeDocument) -> BTreeMap<String, u32> {
    let index = Index::build(std::slice::from_ref(document));
    let count = |language: &str| (0..).take_while(|at| index.passage(language, *at).is_some()).count();
    let counted = |language: &str| (language.to_owned(), u32::try_from(count(language)).unwrap_or(u32::MAX));
    index.languages().into_iter().map(counted).collect()
}

/// Compares questions by the search's own terms: stems, and the concepts that synonyms share.
#[derive(Debug, Clone, Copy, Default)]
pub struct Likeness;

/// Words of a question that are compared.
const MAX_WORDS: usize = 80;

impl Gists for Likeness {
    fn gist(&self, question: &str) -> Gist {
        let language = language::detect(question);
        let terms: BTreeSet<String> = terms(language, question, MAX_WORDS)
            .into_iter()
            // A word has several spellings of its stem; its concepts say more than the word.
            .filter_map(|term| match term.concepts.first() {
                Some(concept) => Some(concept_token(concept)),
                None => term.stems.into_iter().last(),
            })
            .collect();
        Gist { language: language.to_owned(), terms: terms.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::usecase::gaps::alike;

    #[test]
    fn passages_are_counted_by_language() {
        let text = "## Returns\n\nYou have 30 days to return an item that you bought in our shop, from the day it arrived.\n\n\
                    ## Rückgabe\n\nSie haben 30 Tage Zeit, um einen Artikel aus unserem Geschäft zurückzugeben, ab dem Tag der Lieferung.\n";
        let document = KnowledgeDocument { id: "a".into(), title: "A".into(), text: text.into(), version: 1 };
        assert_eq!(passages(&document), BTreeMap::from([("de".to_owned(), 1), ("en".to_owned(), 1)]));
    }

    #[test]
    fn the_same_question_in_other_words_is_alike_and_another_is_not() {
        let gist = |text: &str| Likeness.gist(text);
        let like = |a: &str, b: &str| alike(&gist(a).terms, &gist(b).terms);
        assert!(like("Do you repair bicycles?", "Can you repair my bicycle please?").is_some());
        assert!(like("Reparieren Sie auch Fahrräder?", "Könnten Sie mein Fahrrad reparieren?").is_some());
        assert!(like("Do you repair bicycles?", "Do you have a shop in Oslo?").is_none());
        assert_eq!(gist("Do you repair bicycles?"), gist("Do you repair bicycles?"));
    }
}
