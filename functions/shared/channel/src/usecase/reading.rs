//! Reading what was handed in, and building the snapshot that answers are made from: work for `ai-worker`, in steps that
//! can each be begun again.
//!
//! Invariants: a version that cannot be read takes nothing away from what serves; the head names a snapshot only when
//! that is whole in the bucket and holds every change that the head had counted.

use crate::assistant::{KnowledgeDocument, Snapshot};
use crate::ids::DocumentId;
use crate::outcome::Outcome;
use crate::ports::{
    Clock, CommitError, Commits, DocumentReader, Entropy, Files, FilesError, Library, ReadDocument, UnreadableDocument,
    WorkQueue,
};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::common::{Stop, fresh_id};
use crate::usecase::knowledge::{MAX_FILE, send_hint};
use crate::work::Job;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Characters of all documents together; a few thousand pages.
pub const MAX_CHARACTERS: u64 = 8_000_000;
/// What is searched at most; the index leaves out more.
pub const MAX_PASSAGES: u32 = 20_000;
/// Bytes of one document's text.
const MAX_TEXT: u64 = 16 * 1024 * 1024;
/// Bytes of a snapshot.
pub const MAX_SNAPSHOT: u64 = 64 * 1024 * 1024;
/// Reading that was begun this often without an end is given up.
const ATTEMPTS: u32 = 3;
/// All documents move the one head.
const TRIES: usize = 10;
/// What nothing names is deleted when it is older: what was just written may be about to be named.
const ORPHANED: Duration = Duration::from_secs(3600);

pub struct ReadKnowledge {
    pub library: Arc<dyn Library>,
    pub files: Arc<dyn Files>,
    pub reader: Arc<dyn DocumentReader>,
    pub commits: Arc<dyn Commits>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Longer than one run can last.
    pub lease: Duration,
}

impl ReadKnowledge {
    pub async fn read(&self, id: &DocumentId, version: u64) -> Outcome {
        self.try_read(id, version).await.unwrap_or_else(Stop::outcome)
    }

    pub async fn build(&self) -> Outcome {
        self.try_build().await.unwrap_or_else(Stop::outcome)
    }

    async fn try_read(&self, id: &DocumentId, version: u64) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(mut document) = self.library.document(id).await? else { return Ok(Outcome::Ignore("no_document")) };
        if document.newest.version != version {
            return Ok(Outcome::Ignore("another_version"));
        }
        let attempt = match document.reading {
            Reading::Done | Reading::Failed { .. } => return Ok(Outcome::Ignore("already_read")),
            Reading::Uploading { until } => {
                // The browser may have gone before it could say that the file has arrived.
                if until > now {
                    return Ok(Outcome::Ignore("still_uploading"));
                }
                let Some(arrived) = self.files.look(&document.newest.file).await? else {
                    let why = failed("The file never arrived.", "Upload it again.");
                    return self.settle(document, why).await;
                };
                document.newest.size = arrived.size;
                0
            }
            Reading::Waiting => 0,
            Reading::Reading { .. } if document.due_at.is_some_and(|due| due > now) => {
                return Ok(Outcome::Ignore("being_read"));
            }
            Reading::Reading { attempt } => attempt,
        };
        if attempt >= ATTEMPTS {
            let why = failed(
                "Reading it was begun several times and never ended.",
                "Hand it in as plain text, or in smaller parts.",
            );
            return self.settle(document, why).await;
        }
        document.reading = Reading::Reading { attempt: attempt + 1 };
        document.due_at = Some(now.plus(self.lease));
        match self.commits.commit(Commit::new().put(document.clone())).await {
            Err(CommitError::Conflict(_)) => return Ok(Outcome::Ignore("changed_meanwhile")),
            other => other?,
        }
        document.ver += 1;
        let ended = self.claimed(document.clone()).await;
        if ended.is_err() {
            // Given back, so that the next try need not wait for the lease's end; without that it only takes longer.
            let given_back = Document { due_at: Some(now), ..document };
            if let Err(error) = self.commits.commit(Commit::new().put(given_back)).await {
                tracing::warn!(%error, "a document stays claimed until its lease ends");
            }
        }
        ended
    }

    async fn claimed(&self, document: Document) -> Result<Outcome, Stop> {
        match self.text_of(&document).await? {
            Ok(read) => self.take_in(document, read).await,
            Err(unreadable) => self.settle(document, failed(&unreadable.reason, &unreadable.remedy)).await,
        }
    }

    /// The inner error is for people.
    async fn text_of(&self, document: &Document) -> Result<Result<ReadDocument, UnreadableDocument>, Stop> {
        let newest = &document.newest;
        let unreadable = |reason: &str, remedy: &str| {
            Ok(Err(UnreadableDocument { reason: reason.to_owned(), remedy: remedy.to_owned() }))
        };
        let bytes = match self.files.read(&newest.file, MAX_FILE).await {
            Ok(bytes) => bytes,
            Err(FilesError::Missing) => return unreadable("The file is no longer there.", "Upload it again."),
            Err(FilesError::TooLarge { .. }) => {
                return unreadable("The file is too large.", "Split it, or leave out its pictures.");
            }
            Err(error) => return Err(error.into()),
        };
        let read = match self.reader.read_document(&newest.media_type, &document.title, &newest.file_name, &bytes) {
            Ok(read) => read,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        if read.passages == 0 {
            return unreadable(
                "It holds no text.",
                "If it is scanned or made of pictures, hand in a version with text in it.",
            );
        }
        let others = self.library.library().await?;
        let others = || others.iter().filter(|other| other.id != document.id).filter_map(|other| other.text.as_ref());
        let characters: u64 = others().map(|text| text.characters).sum();
        let passages: u32 = others().map(|text| text.passages).sum();
        if characters + count(&read.text) > MAX_CHARACTERS || passages.saturating_add(read.passages) > MAX_PASSAGES {
            return unreadable(
                "The knowledge base is full.",
                "Remove or shorten documents, then hand this one in again.",
            );
        }
        Ok(Ok(read))
    }

    /// The text lies in the bucket before the document names it.
    async fn take_in(&self, document: Document, read: ReadDocument) -> Result<Outcome, Stop> {
        let name = text_file(&document.id, document.newest.version);
        let characters = count(&read.text);
        self.files.write(&name, "text/markdown", read.text.into_bytes()).await?;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let head = self.library.knowledge_head().await?.changed(now);
            let text = StoredText {
                edition: document.newest.clone(),
                characters,
                passages: read.passages,
                languages: read.languages.clone(),
                truncated: read.truncated,
                change: head.changes,
                read_at: now,
            };
            let read = Document { reading: Reading::Done, text: Some(text), due_at: None, ..document.clone() };
            match self.commits.commit(Commit::new().put(read).put(head)).await {
                Ok(()) => {
                    send_hint(&*self.queue, Job::BuildSnapshot.into()).await;
                    return Ok(Outcome::Done);
                }
                // The head moves with every document; the document itself only when somebody changed it.
                Err(CommitError::Conflict(keys)) if keys.contains(&ItemKey::Document(document.id.clone())) => {
                    return Ok(Outcome::Ignore("changed_meanwhile"));
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict(vec![ItemKey::KnowledgeHead]).into())
    }

    async fn settle(&self, document: Document, reading: Reading) -> Result<Outcome, Stop> {
        let document = Document { reading, due_at: None, ..document };
        match self.commits.commit(Commit::new().put(document)).await {
            Ok(()) => Ok(Outcome::Done),
            Err(CommitError::Conflict(_)) => Ok(Outcome::Ignore("changed_meanwhile")),
            Err(error) => Err(error.into()),
        }
    }

    async fn try_build(&self) -> Result<Outcome, Stop> {
        let head = self.library.knowledge_head().await?;
        if head.due_at.is_none() {
            return Ok(Outcome::Ignore("up_to_date"));
        }
        // Read after the head: whatever changed since is counted there, and the commit below finds out.
        let documents = self.library.library().await?;
        let Some(texts) = self.texts(&head, &documents).await? else { return self.again().await };
        let snapshot = Snapshot::new(texts).to_bytes().map_err(|error| FilesError::Broken(error.to_string()))?;
        let name = format!("{:010}-{}", head.changes, fresh_id(&*self.entropy));
        self.files.write(&snapshot_file(&name), "application/json", snapshot).await?;
        let now = self.clock.now();
        let next = KnowledgeHead {
            snapshot: Some(name.clone()),
            built: head.changes,
            built_at: Some(now),
            due_at: None,
            ..head
        };
        match self.commits.commit(Commit::new().put(next)).await {
            Ok(()) => {}
            Err(CommitError::Conflict(_)) => {
                self.files.delete(&snapshot_file(&name)).await?;
                return self.again().await;
            }
            Err(error) => return Err(error.into()),
        }
        // What is left over is found the next time: the snapshot stands.
        if let Err(error) = self.sweep(&documents, &name, now).await {
            tracing::warn!(%error, "files of the knowledge base that nothing names were not deleted");
        }
        Ok(Outcome::Done)
    }

    /// Unchanged texts out of the snapshot that serves, the others one by one; none when one was replaced meanwhile.
    async fn texts(
        &self,
        head: &KnowledgeHead,
        documents: &[Document],
    ) -> Result<Option<Vec<KnowledgeDocument>>, Stop> {
        let mut known = self.known_texts(head).await?;
        let mut texts = vec![];
        for document in documents {
            let Some(text) = &document.text else { continue };
            let version = text.edition.version;
            let text = match known.remove(&(document.id.to_string(), version)) {
                Some(known) => known,
                None => match self.files.read(&text_file(&document.id, version), MAX_TEXT).await {
                    Ok(bytes) => String::from_utf8(bytes)
                        .map_err(|_| FilesError::Broken(format!("{} is not text: replace it", document.id)))?,
                    Err(FilesError::Missing) => return Ok(None),
                    Err(error) => return Err(error.into()),
                },
            };
            let (id, title) = (document.id.to_string(), document.title.clone());
            texts.push(KnowledgeDocument { id, title, text, version });
        }
        Ok(Some(texts))
    }

    /// By id and version. A snapshot that cannot be used only costs more reads.
    async fn known_texts(&self, head: &KnowledgeHead) -> Result<BTreeMap<(String, u64), String>, Stop> {
        let Some(name) = &head.snapshot else { return Ok(BTreeMap::new()) };
        let snapshot = match self.files.read(&snapshot_file(name), MAX_SNAPSHOT).await {
            Ok(bytes) => Snapshot::from_bytes(&bytes),
            Err(FilesError::Missing) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let documents = match snapshot {
            Ok(snapshot) => snapshot.documents,
            Err(error) => {
                tracing::warn!(%error, "the snapshot is built from the texts alone");
                vec![]
            }
        };
        Ok(documents.into_iter().map(|one| ((one.id, one.version), one.text)).collect())
    }

    /// The head stays due: this only makes it quicker. Not at once, since what changes now changes often.
    async fn again(&self) -> Result<Outcome, Stop> {
        let after = Duration::from_secs(1);
        if let Err(error) = self.queue.send(vec![Job::BuildSnapshot.into()], after).await {
            tracing::warn!(%error, "a hint was lost; the snapshot comes from the due index");
        }
        Ok(Outcome::Defer { after, reason: "the_documents_changed" })
    }

    /// Deletes what nothing names any more: former versions, former snapshots, files of removed documents.
    async fn sweep(&self, documents: &[Document], snapshot: &str, now: Timestamp) -> Result<(), FilesError> {
        let mut named: BTreeSet<String> = BTreeSet::from([snapshot_file(snapshot)]);
        for document in documents {
            named.insert(document.newest.file.clone());
            if let Some(text) = &document.text {
                named.insert(text.edition.file.clone());
                named.insert(text_file(&document.id, text.edition.version));
            }
        }
        for file in self.files.list(KNOWLEDGE_FILES).await? {
            if !named.contains(&file.name) && now.since(file.modified_at) > ORPHANED {
                self.files.delete(&file.name).await?;
            }
        }
        Ok(())
    }
}

fn failed(reason: &str, remedy: &str) -> Reading {
    Reading::Failed { reason: reason.to_owned(), remedy: remedy.to_owned() }
}

fn count(text: &str) -> u64 {
    text.chars().count() as u64
}
