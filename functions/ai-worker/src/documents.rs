//! Documents as text with their passages counted: what is handed in for the knowledge base, read.

use assistant::base::passages;
use channel::assistant::KnowledgeDocument;
use channel::ports::{DocumentReader, ReadDocument, UnreadableDocument};

#[derive(Debug, Clone, Copy, Default)]
pub struct Documents;

impl DocumentReader for Documents {
    fn read_document(
        &self,
        media_type: &str,
        title: &str,
        _file_name: &str,
        bytes: &[u8],
    ) -> Result<ReadDocument, UnreadableDocument> {
        let text = text(media_type, bytes)?;
        let document = KnowledgeDocument { id: "document".to_owned(), title: title.to_owned(), text, version: 1 };
        let languages = passages(&document);
        let passages = languages.values().sum();
        Ok(ReadDocument { text: document.text, truncated: false, passages, languages })
    }
}

fn text(media_type: &str, bytes: &[u8]) -> Result<String, UnreadableDocument> {
    let unreadable =
        |reason: &str, remedy: &str| UnreadableDocument { reason: reason.to_owned(), remedy: remedy.to_owned() };
    if !media_type.starts_with("text/") {
        return Err(unreadable("This kind of file is not read yet.", "Hand it in as text or Markdown."));
    }
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|_| unreadable("The file is not text in UTF-8.", "Save it as UTF-8 and hand it in again."))
}
