//! The knowledge base as people tend it: documents are handed in, replaced and removed, pairs of question and answer
//! written. Here it is only recorded and queued; [`super::reading`] reads.
//!
//! Invariant: what is handed in changes no answer by itself. The text that serves does so until another has been read,
//! and a decision counts for the version of the document that its page showed.

use crate::address::EmailAddress;
use crate::ids::DocumentId;
use crate::ports::{
    Clock, CommitError, Commits, Entropy, Files, FilesError, Library, UploadForm, UploadTerms, WorkQueue,
};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::common::{Stop, fresh_id};
use crate::work::{Job, WorkerWork};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of one file.
pub const MAX_FILE: u64 = 20 * 1024 * 1024;
pub const MAX_DOCUMENTS: usize = 1_000;
/// Characters.
pub const MAX_TITLE: usize = 200;
pub const MAX_ANSWER: usize = 20_000;
/// How long a link to the bucket is good for.
pub const LINK_LIFE: Duration = Duration::from_secs(300);
/// A text that is longer was not written by us.
const MAX_TEXT: u64 = 16 * 1024 * 1024;
const TRIES: usize = 4;

/// What is read, by the end of the file's name. What the browser says of the type is not believed.
const KINDS: [(&str, &str); 9] = [
    ("md", "text/markdown"),
    ("markdown", "text/markdown"),
    ("txt", "text/plain"),
    ("text", "text/plain"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("csv", "text/csv"),
    ("pdf", "application/pdf"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
];

/// For the `accept` of a file field.
pub const ACCEPTED: &str = ".md,.markdown,.txt,.text,.html,.htm,.csv,.pdf,.docx";

/// The media type of a file that can be read.
pub fn media_type_of(file_name: &str) -> Option<&'static str> {
    let (_, end) = file_name.rsplit_once('.')?;
    KINDS.iter().find(|(known, _)| end.eq_ignore_ascii_case(known)).map(|(_, media_type)| *media_type)
}

/// Why something was not taken in; names cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("There is no such document; it may have been removed. Go back to the list.")]
    Unknown,
    #[error("This kind of file is not read. Hand in a file that ends in .md, .txt, .html, .csv, .pdf or .docx.")]
    Kind,
    #[error("The file has more than {} MB. Split it, or leave out its pictures.", MAX_FILE / 1024 / 1024)]
    TooLarge,
    #[error("The file is empty. Choose another.")]
    Empty,
    #[error("Give a title of 1 to {MAX_TITLE} characters.")]
    Title,
    #[error("Write the question, in at most {MAX_TITLE} characters.")]
    Question,
    #[error("Write the answer, in at most {MAX_ANSWER} characters.")]
    Answer,
    #[error("A question and its answer are changed by writing them, not by a file.")]
    NotAFile,
    #[error("The last version is still being read. Try again in a minute.")]
    Busy,
    #[error("It was changed since the page was shown. Look at it again.")]
    Changed,
    #[error("The file has not arrived. Upload it again.")]
    NotArrived,
    #[error("The knowledge base holds {MAX_DOCUMENTS} documents already. Remove one, or join several into one.")]
    Full,
}

#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error(transparent)]
    Refused(#[from] NotTaken),
    #[error(transparent)]
    Stop(#[from] Stop),
}

/// The documents, and what serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub head: KnowledgeHead,
    /// By title.
    pub documents: Vec<Document>,
}

impl Listed {
    /// Passages that answers are made from now, and how many of each language.
    pub fn passages(&self) -> (u32, std::collections::BTreeMap<&str, u32>) {
        let mut languages = std::collections::BTreeMap::new();
        for text in self.documents.iter().filter_map(|document| document.text.as_ref()) {
            for (language, count) in &text.languages {
                *languages.entry(language.as_str()).or_insert(0) += count;
            }
        }
        (languages.values().sum(), languages)
    }
}

/// A document that was begun, and the form to post its file by.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    pub document: DocumentId,
    pub version: u64,
    pub form: UploadForm,
}

#[derive(Clone)]
pub struct KnowledgeDesk {
    pub library: Arc<dyn Library>,
    pub files: Arc<dyn Files>,
    pub commits: Arc<dyn Commits>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl KnowledgeDesk {
    pub async fn list(&self) -> Result<Listed, Stop> {
        let head = self.library.knowledge_head().await?;
        let mut documents = self.library.library().await?;
        documents.sort_by_cached_key(|document| (document.title.to_lowercase(), document.id.clone()));
        Ok(Listed { head, documents })
    }

    /// One document, with the head that its status is told by.
    pub async fn open(&self, id: &DocumentId) -> Result<Option<(Document, KnowledgeHead)>, Stop> {
        let Some(document) = self.library.document(id).await? else { return Ok(None) };
        Ok(Some((document, self.library.knowledge_head().await?)))
    }

    /// The text that is searched, as it was read; none before the first version was.
    pub async fn text(&self, document: &Document) -> Result<Option<String>, Stop> {
        let Some(text) = &document.text else { return Ok(None) };
        let name = text_file(&document.id, text.edition.version);
        let bytes = self.files.read(&name, MAX_TEXT).await?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(FilesError::Broken(format!("{name} is not text: replace the document")).into()),
        }
    }

    /// A link to the newest version as it was handed in.
    pub async fn download(&self, document: &Document) -> Result<String, Stop> {
        Ok(self.files.download_link(&document.newest.file, &document.newest.file_name, LINK_LIFE).await?)
    }

    /// A new document. The title is the file's name where none is given. `then`: where the browser goes afterwards, an
    /// address of ours in full; `{document}` and `{version}` in it are filled in.
    pub async fn begin_upload(
        &self,
        file_name: &str,
        title: Option<&str>,
        then: Option<&str>,
        by: &EmailAddress,
    ) -> Result<Begun, KnowledgeError> {
        let file_name = file_name_of(file_name);
        let media_type = media_type_of(&file_name).ok_or(NotTaken::Kind)?;
        let title = title.map(str::trim).filter(|title| !title.is_empty()).map_or_else(
            || file_name.rsplit_once('.').map_or(file_name.as_str(), |(stem, _)| stem).to_owned(),
            str::to_owned,
        );
        let title = bounded(&title, MAX_TITLE).ok_or(NotTaken::Title)?;
        if self.library.library().await.map_err(Stop::from)?.len() >= MAX_DOCUMENTS {
            return Err(NotTaken::Full.into());
        }
        let now = self.clock.now();
        let id = fresh_document(&*self.entropy);
        let newest = self.edition(&id, 1, file_name, media_type, by);
        let document = begun(id, DocumentKind::File, title, newest, now);
        let form = self.form(&document, then).await?;
        self.commits.commit(Commit::new().put(document.clone())).await.map_err(Stop::from)?;
        Ok(Begun { document: document.id, version: 1, form })
    }

    /// Another version of a document, of any kind of file. The former text serves until this one has been read.
    pub async fn begin_replacement(
        &self,
        id: &DocumentId,
        file_name: &str,
        then: Option<&str>,
        by: &EmailAddress,
    ) -> Result<Begun, KnowledgeError> {
        let file_name = file_name_of(file_name);
        let media_type = media_type_of(&file_name).ok_or(NotTaken::Kind)?;
        let mut document = self.known(id).await?;
        if document.kind == DocumentKind::Pair {
            return Err(NotTaken::NotAFile.into());
        }
        if document.is_busy() {
            return Err(NotTaken::Busy.into());
        }
        document.newest = self.edition(id, document.newest.version + 1, file_name, media_type, by);
        (document.reading, document.due_at) = uploading(self.clock.now());
        let form = self.form(&document, then).await?;
        let version = document.newest.version;
        self.put(Commit::new().put(document)).await?;
        Ok(Begun { document: id.clone(), version, form })
    }

    /// The browser says that the file is in the bucket. Saying so twice is no error.
    pub async fn finish_upload(&self, id: &DocumentId, version: u64) -> Result<Document, KnowledgeError> {
        let mut document = self.known(id).await?;
        if document.newest.version != version {
            return Err(NotTaken::Changed.into());
        }
        if !matches!(document.reading, Reading::Uploading { .. }) {
            return Ok(document);
        }
        let arrived = self.files.look(&document.newest.file).await.map_err(Stop::from)?;
        let size = arrived.ok_or(NotTaken::NotArrived)?.size;
        if size == 0 {
            return Err(NotTaken::Empty.into());
        }
        if size > MAX_FILE {
            return Err(NotTaken::TooLarge.into());
        }
        document.newest.size = size;
        document.reading = Reading::Waiting;
        document.due_at = Some(self.clock.now());
        self.put(Commit::new().put(document.clone())).await?;
        self.hint(Job::ReadDocument { document: id.clone(), version }).await;
        document.ver += 1;
        Ok(document)
    }

    /// A question and its answer, new or in place of those that `replaces` names with the version its page showed.
    pub async fn put_pair(
        &self,
        replaces: Option<(&DocumentId, u64)>,
        question: &str,
        answer: &str,
        by: &EmailAddress,
    ) -> Result<DocumentId, KnowledgeError> {
        let pair = Pair::checked(question, answer)?;
        let now = self.clock.now();
        let token = fresh_id(&*self.entropy);
        let document = match replaces {
            None => {
                if self.library.library().await.map_err(Stop::from)?.len() >= MAX_DOCUMENTS {
                    return Err(NotTaken::Full.into());
                }
                pair.document(fresh_document(&*self.entropy), 1, &token, by, now)
            }
            Some((id, ver)) => {
                let known = self.known(id).await?;
                if known.ver != ver || known.kind != DocumentKind::Pair {
                    return Err(NotTaken::Changed.into());
                }
                if known.is_busy() {
                    return Err(NotTaken::Busy.into());
                }
                let fresh = pair.document(id.clone(), known.newest.version + 1, &token, by, now);
                Document { ver: known.ver, text: known.text, added_at: known.added_at, ..fresh }
            }
        };
        pair.write(&*self.files, &document).await.map_err(Stop::from)?;
        let (id, version) = (document.id.clone(), document.newest.version);
        self.put(Commit::new().put(document)).await?;
        self.hint(Job::ReadDocument { document: id.clone(), version }).await;
        Ok(id)
    }

    /// The answer of a pair as it was written last, for its form.
    pub async fn pair_answer(&self, document: &Document) -> Result<String, Stop> {
        let bytes = self.files.read(&document.newest.file, MAX_FILE).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text.split_once("\n\n").map_or("", |(_, answer)| answer).trim_end().to_owned())
    }

    pub async fn rename(&self, id: &DocumentId, ver: u64, title: &str) -> Result<(), KnowledgeError> {
        let title = bounded(title, MAX_TITLE).ok_or(NotTaken::Title)?;
        let document = self.known(id).await?;
        if document.ver != ver {
            return Err(NotTaken::Changed.into());
        }
        let now = self.clock.now();
        let head = self.library.knowledge_head().await.map_err(Stop::from)?;
        // The title is part of what is searched.
        self.put(Commit::new().put(Document { title, ..document }).put(head.changed(now))).await?;
        self.hint(Job::BuildSnapshot).await;
        Ok(())
    }

    /// Gone from the list at once, with its files; from the answers with the next snapshot.
    pub async fn remove(&self, id: &DocumentId, ver: u64) -> Result<(), KnowledgeError> {
        for _ in 0..TRIES {
            let document = self.known(id).await?;
            if document.ver != ver {
                return Err(NotTaken::Changed.into());
            }
            let head = self.library.knowledge_head().await.map_err(Stop::from)?.changed(self.clock.now());
            let commit = Commit::new().delete(ItemKey::Document(id.clone()), ver).put(head);
            match self.commits.commit(commit).await {
                Ok(()) => {
                    self.hint(Job::BuildSnapshot).await;
                    self.delete_files(&document).await;
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(NotTaken::Changed.into())
    }

    /// Nothing names them any more. What stays is found when a snapshot is built.
    async fn delete_files(&self, document: &Document) {
        let text = document.text.as_ref().map(|text| &text.edition);
        let read = text.map(|edition| text_file(&document.id, edition.version));
        let names = [Some(&document.newest.file), text.map(|edition| &edition.file), read.as_ref()];
        for name in names.into_iter().flatten() {
            if let Err(error) = self.files.delete(name).await {
                tracing::warn!(%error, "a file of a removed document was not deleted");
            }
        }
    }

    async fn known(&self, id: &DocumentId) -> Result<Document, KnowledgeError> {
        Ok(self.library.document(id).await.map_err(Stop::from)?.ok_or(NotTaken::Unknown)?)
    }

    fn edition(
        &self,
        document: &DocumentId,
        version: u64,
        file_name: String,
        media_type: &str,
        by: &EmailAddress,
    ) -> Edition {
        let file = original_file(document, version, &fresh_id(&*self.entropy));
        let (media_type, by) = (media_type.to_owned(), Some(by.clone()));
        Edition { version, file_name, media_type, file, size: 0, at: self.clock.now(), by }
    }

    async fn form(&self, document: &Document, then: Option<&str>) -> Result<UploadForm, Stop> {
        let version = document.newest.version;
        let then = then
            .map(|then| then.replace("{document}", document.id.as_str()).replace("{version}", &version.to_string()));
        let terms = UploadTerms { media_type: document.newest.media_type.clone(), max_size: MAX_FILE, then };
        Ok(self.files.upload_form(&document.newest.file, &terms, LINK_LIFE).await?)
    }

    async fn put(&self, commit: Commit) -> Result<(), KnowledgeError> {
        match self.commits.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(NotTaken::Changed.into()),
            Err(error) => Err(Stop::from(error).into()),
        }
    }

    async fn hint(&self, job: Job) {
        send_hint(&*self.queue, job.into()).await;
    }
}

/// The due index has it already: a hint that is lost costs at most a minute.
pub(crate) async fn send_hint(queue: &dyn WorkQueue, work: WorkerWork) {
    if let Err(error) = queue.send(vec![work], Duration::ZERO).await {
        tracing::warn!(%error, "a hint was lost; the work comes from the due index");
    }
}

pub(crate) fn fresh_document(entropy: &dyn Entropy) -> DocumentId {
    DocumentId::parse(fresh_id(entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"))
}

fn begun(id: DocumentId, kind: DocumentKind, title: String, newest: Edition, now: Timestamp) -> Document {
    let (reading, due_at) = uploading(now);
    Document { ver: 0, id, kind, title, newest, reading, text: None, added_at: now, due_at }
}

fn uploading(now: Timestamp) -> (Reading, Option<Timestamp>) {
    // An upload that was begun within the link's life may end after it.
    let until = now.plus(LINK_LIFE * 2);
    (Reading::Uploading { until }, Some(until))
}

/// A document whose file is in the bucket already and waits to be read.
pub fn handed_in(id: DocumentId, kind: DocumentKind, title: String, newest: Edition, now: Timestamp) -> Document {
    Document { reading: Reading::Waiting, due_at: Some(now), ..begun(id, kind, title, newest, now) }
}

/// A question and its answer, checked.
pub(crate) struct Pair {
    question: String,
    text: String,
}

impl Pair {
    pub fn checked(question: &str, answer: &str) -> Result<Self, NotTaken> {
        let question = bounded(question, MAX_TITLE).ok_or(NotTaken::Question)?;
        let answer = answer.replace("\r\n", "\n");
        let answer = answer.trim();
        if answer.is_empty() || answer.chars().count() > MAX_ANSWER {
            return Err(NotTaken::Answer);
        }
        let text = format!("## {question}\n\n{answer}\n");
        Ok(Self { question, text })
    }

    pub fn document(&self, id: DocumentId, version: u64, token: &str, by: &EmailAddress, now: Timestamp) -> Document {
        let edition = Edition {
            version,
            file_name: "question.md".to_owned(),
            media_type: "text/markdown".to_owned(),
            file: original_file(&id, version, token),
            size: self.text.len() as u64,
            at: now,
            by: Some(by.clone()),
        };
        handed_in(id, DocumentKind::Pair, self.question.clone(), edition, now)
    }

    /// Before the document names it.
    pub async fn write(&self, files: &dyn Files, document: &Document) -> Result<(), FilesError> {
        files.write(&document.newest.file, &document.newest.media_type, self.text.clone().into_bytes()).await
    }
}

/// One line, trimmed, without control characters; none when it is empty or too long.
fn bounded(text: &str, longest: usize) -> Option<String> {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line: String = line.join(" ").chars().filter(|c| !c.is_control()).collect();
    (!line.is_empty() && line.chars().count() <= longest).then_some(line)
}

/// The last part of what a browser calls the file, cut short.
fn file_name_of(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let kept: String = last.chars().filter(|c| !c.is_control()).collect();
    let kept = kept.trim();
    match kept.chars().count().checked_sub(MAX_TITLE) {
        // The end tells the kind.
        Some(too_many) => kept.chars().skip(too_many).collect(),
        None => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_the_kind() {
        assert_eq!(media_type_of("Terms 2026.PDF"), Some("application/pdf"));
        assert_eq!(media_type_of("a.tar.md"), Some("text/markdown"));
        for name in ["page", "a.exe", "a.doc", "pdf", ".", ""] {
            assert_eq!(media_type_of(name), None, "{name}");
        }
        for (end, _) in KINDS {
            assert!(ACCEPTED.split(',').any(|accepted| accepted == format!(".{end}")), "{end}");
        }
    }

    #[test]
    fn a_name_keeps_its_end_and_loses_its_folder() {
        assert_eq!(file_name_of("C:\\docs\\terms.pdf"), "terms.pdf");
        assert_eq!(file_name_of("../../terms.pdf\n"), "terms.pdf");
        let long = format!("{}.pdf", "a".repeat(500));
        assert_eq!(file_name_of(&long).chars().count(), MAX_TITLE);
        assert!(file_name_of(&long).ends_with("a.pdf"));
    }

    #[test]
    fn a_pair_is_a_heading_and_its_answer() {
        let pair = Pair::checked("  Do you ship\nto Norway? ", "Yes.\r\n\r\nIn a week.  ").unwrap();
        assert_eq!(pair.text, "## Do you ship to Norway?\n\nYes.\n\nIn a week.\n");
        assert_eq!(Pair::checked(" ", "Yes.").err(), Some(NotTaken::Question));
        assert_eq!(Pair::checked("Why?", " \n ").err(), Some(NotTaken::Answer));
        assert_eq!(Pair::checked("Why?", &"x".repeat(MAX_ANSWER + 1)).err(), Some(NotTaken::Answer));
    }
}
