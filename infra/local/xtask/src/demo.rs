//! The small shop that the local cloud starts with: who may sign in, and what its knowledge base says.

use crate::workspace::Workspace;
use crate::{Context, Error, Result};
use aws::{Bucket, Table, WorkSender, emulator_config};
use channel::assistant::KnowledgeDocument;
use channel::ids::DocumentId;
use channel::ports::{Clock, Commits, Files, Library, WorkQueue};
use channel::record::{Commit, Document, DocumentKind, DocumentStatus, Edition, original_file};
use channel::usecase::knowledge::handed_in;
use channel::work::Job;
use runtime::clock::SystemClock;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who may sign in to the console; the simulator makes this account at its first start.
pub const OPERATOR: &str = "operator@postroom.test";

/// The shop's mailbox, which the simulator makes too.
pub const MAILBOX: &str = "support@postroom.test";

/// The pages of `infra/local/demo/knowledge`: the id is the file's name, the title its first heading.
pub fn documents(workspace: &Workspace) -> Result<Vec<KnowledgeDocument>> {
    let folder = workspace.root.join("infra/local/demo/knowledge");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .why(|| format!("cannot read {}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files.iter().map(|file| document(file)).collect()
}

fn document(file: &Path) -> Result<KnowledgeDocument> {
    let (title, text) = page(file)?;
    let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(KnowledgeDocument { id, title, text, version: 1 })
}

/// Title and text of a page in Markdown: its first line is the title.
pub fn page(file: &Path) -> Result<(String, String)> {
    let page = fs::read_to_string(file).why(|| format!("cannot read {}", file.display()))?;
    let (heading, text) = page.split_once('\n').unwrap_or((&page, ""));
    let title = heading
        .strip_prefix("# ")
        .ok_or_else(|| Error::new(format!("{} does not begin with a heading", file.display())))?;
    Ok((title.trim().to_owned(), text.trim().to_owned()))
}

/// How long the worker has for reading the pages; it needs a second or two.
const READING_PATIENCE: Duration = Duration::from_secs(90);

/// What the knowledge base of a stack consists of.
pub struct Shelf {
    pub table: Table,
    pub bucket: Bucket,
    pub queue: WorkSender,
}

impl Shelf {
    /// By the outputs of the stack at `endpoint`.
    pub fn of(endpoint: &str, output: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let (config, clock) = (emulator_config(endpoint), Arc::new(SystemClock));
        let bucket = Bucket::new(&config, output("BucketName")?, clock.clone()).map_err(Error::new)?;
        let queue = WorkSender::new(&config, output("WorkQueueUrl")?);
        Ok(Self { table: Table::new(&config, output("TableName")?, clock), bucket, queue })
    }

    /// Hands in the pages that the knowledge base does not have yet, and waits until they are read; what somebody changed
    /// there stays as it is.
    pub async fn fill(&self, workspace: &Workspace) -> Result<()> {
        let known = self.table.library().await.why(|| "reading the knowledge base".into())?;
        let mut jobs = vec![];
        for page in documents(workspace)? {
            if known.iter().any(|other| other.id.as_str() == page.id) {
                continue;
            }
            let document = self.hand_in(page).await?;
            jobs.push(Job::ReadDocument { document: document.id, version: document.newest.version }.into());
        }
        if jobs.is_empty() {
            return Ok(());
        }
        self.queue.send(jobs, Duration::ZERO).await.why(|| "asking the worker to read the pages".into())?;
        self.wait().await
    }

    async fn hand_in(&self, page: KnowledgeDocument) -> Result<Document> {
        let what = || format!("knowledge base, {}", page.id);
        let id = DocumentId::parse(page.id.clone()).why(what)?;
        let now = SystemClock.now();
        let bytes = page.text.into_bytes();
        let newest = Edition {
            version: 1,
            file_name: format!("{id}.md"),
            media_type: "text/markdown".to_owned(),
            file: original_file(&id, 1, "demo"),
            size: bytes.len() as u64,
            at: now,
            by: None,
        };
        self.bucket.write(&newest.file, &newest.media_type, bytes).await.why(what)?;
        let document = handed_in(id, DocumentKind::File, page.title, newest, now);
        self.table.commit(Commit::new().put(document.clone())).await.why(what)?;
        Ok(document)
    }

    async fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + READING_PATIENCE;
        loop {
            let head = self.table.knowledge_head().await.why(|| "reading the knowledge base".into())?;
            let documents = self.table.library().await.why(|| "reading the knowledge base".into())?;
            let mut waiting = 0;
            for document in &documents {
                match document.status(&head) {
                    DocumentStatus::Ready | DocumentStatus::Uploading => {}
                    DocumentStatus::Reading => waiting += 1,
                    DocumentStatus::Failed { reason, remedy } if document.newest.by.is_none() => {
                        return Err(Error::new(format!("{} could not be read: {reason}", document.id)).remedy(remedy));
                    }
                    DocumentStatus::Failed { .. } => {}
                }
            }
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let what = format!("{waiting} pages of the knowledge base are not read yet");
                return Err(Error::new(what).remedy("see `cargo xtask logs ai-worker`"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
