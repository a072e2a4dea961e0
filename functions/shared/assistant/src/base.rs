//! The assistant over the knowledge base as it stands: the snapshot in the bucket, indexed once and kept while the
//! function is warm. A configured model answers from its passages; without one the built-in assistant does.
//!
//! Invariant: which snapshot serves is asked for each answer, by one small read; the snapshot itself is fetched when it
//! is another than the one that is known.

use crate::Extractive;
use crate::knowledge::Index;
use crate::provider::Model;
use async_trait::async_trait;
use channel::assistant::{Answer, AnswerRequest, AssistantError, Snapshot};
use channel::ports::{Assistant, Files, FilesError, Library};
use channel::record::snapshot_file;
use channel::usecase::reading::MAX_SNAPSHOT;
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
            Some(model) => model.answer(assistant.index(), request).await,
            None => Ok(assistant.answer(request)),
        }
    }
}
