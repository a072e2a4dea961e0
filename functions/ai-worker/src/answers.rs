//! The assistant as the worker uses it: the knowledge base is read from the store, indexed once for each state of its
//! documents, and kept while the function is warm. A configured model answers from its passages; without one the
//! built-in assistant does.

use assistant::provider::Model;
use assistant::{Extractive, knowledge::Index};
use async_trait::async_trait;
use channel::assistant::{Answer, AnswerRequest, AssistantError, KnowledgeDocument};
use channel::ports::{Assistant, Clock, Knowledge};
use channel::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a changed document may go unnoticed.
const FRESH: Duration = Duration::from_secs(30);

struct Cached {
    read_at: Timestamp,
    /// Ids and versions of what was indexed.
    of: Vec<(String, u64)>,
    assistant: Arc<Extractive>,
}

pub struct KnowledgeAssistant {
    knowledge: Arc<dyn Knowledge>,
    clock: Arc<dyn Clock>,
    model: Option<Arc<Model>>,
    cached: Mutex<Option<Cached>>,
}

impl KnowledgeAssistant {
    pub fn new(knowledge: Arc<dyn Knowledge>, clock: Arc<dyn Clock>) -> Self {
        Self { knowledge, clock, model: None, cached: Mutex::new(None) }
    }

    /// Answers are written by `model`.
    #[must_use]
    pub fn with_model(mut self, model: Option<Arc<Model>>) -> Self {
        self.model = model;
        self
    }

    async fn current(&self) -> Result<Arc<Extractive>, AssistantError> {
        let now = self.clock.now();
        let mut cached = self.cached.lock().await;
        if let Some(known) = cached.as_ref().filter(|known| now.since(known.read_at) < FRESH) {
            return Ok(known.assistant.clone());
        }
        let documents = self.knowledge.documents().await;
        let documents = documents
            .map_err(|error| AssistantError::unavailable(format!("the knowledge base cannot be read: {error}")))?;
        let of = state_of(&documents);
        let assistant = match cached.take() {
            Some(known) if known.of == of => known.assistant,
            _ => Arc::new(Extractive::new(Index::build(&documents))),
        };
        *cached = Some(Cached { read_at: now, of, assistant: assistant.clone() });
        Ok(assistant)
    }
}

fn state_of(documents: &[KnowledgeDocument]) -> Vec<(String, u64)> {
    let mut state: Vec<_> = documents.iter().map(|document| (document.id.clone(), document.version)).collect();
    state.sort();
    state
}

#[async_trait]
impl Assistant for KnowledgeAssistant {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        let assistant = self.current().await?;
        match &self.model {
            Some(model) => model.answer(assistant.index(), request).await,
            None => Ok(assistant.answer(request)),
        }
    }
}
