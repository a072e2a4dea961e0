//! Documents as text with their passages counted: what is handed in for the knowledge base, read.

use assistant::base::passages;
use channel::assistant::KnowledgeDocument;
use channel::ports::{DocumentReader, ReadDocument, UnreadableDocument};
use mime::document::{self, NotRead};

#[derive(Debug, Clone, Copy, Default)]
pub struct Documents;

impl DocumentReader for Documents {
    fn read_document(
        &self,
        media_type: &str,
        title: &str,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<ReadDocument, UnreadableDocument> {
        let read = document::text(media_type, file_name, bytes).map_err(unreadable)?;
        let document =
            KnowledgeDocument { id: "document".to_owned(), title: title.to_owned(), text: read.markdown, version: 1 };
        let languages = passages(&document);
        let passages = languages.values().sum();
        Ok(ReadDocument { text: document.text, truncated: read.truncated, passages, languages })
    }
}

/// Reason and remedy as sentences.
fn unreadable(why: NotRead) -> UnreadableDocument {
    let sentence = |words: &str| {
        let mut letters = words.chars();
        letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
    };
    UnreadableDocument { reason: sentence(why.reason()), remedy: sentence(why.remedy()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media_type: &str, name: &str, bytes: &[u8]) -> Result<ReadDocument, UnreadableDocument> {
        Documents.read_document(media_type, "A page", name, bytes)
    }

    #[test]
    fn passages_and_languages_are_counted() {
        let page = "## Delivery\r\n\r\nStandard delivery takes 2 to 4 working days.\r\n";
        let page = read("text/markdown", "page.md", page.as_bytes()).expect("a page");
        assert_eq!(page.text, "## Delivery\n\nStandard delivery takes 2 to 4 working days.");
        assert_eq!((page.passages, page.truncated), (1, false));
        let html = b"<style>p{}</style><h2>Delivery</h2><p>It takes <b>2 days</b>.<script>x()</script>";
        assert_eq!(read("text/html", "page.html", html).expect("html").text, "## Delivery\n\nIt takes 2 days.");
        let policy = include_bytes!("../../../tests/fixtures/documents/policy.pdf");
        let policy = read("application/pdf", "policy.pdf", policy).expect("a PDF");
        assert!(policy.passages >= 2 && policy.languages.contains_key("de"), "{policy:?}");
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let why = read("application/pdf", "a.pdf", b"%PDF-1.7").expect_err("it is unreadable");
        assert_eq!(why.reason, "It is damaged, or not what its name says.");
        assert_eq!(why.remedy, "Open it in its program and save it again.");
        assert_eq!(read("text/plain", "a.txt", b" \n ").expect_err("an empty page").reason, "It is empty.");
    }
}
