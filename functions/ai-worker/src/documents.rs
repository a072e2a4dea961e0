//! Documents as text with their passages counted: what is handed in for the knowledge base, read.

use assistant::base::passages;
use channel::assistant::KnowledgeDocument;
use channel::ports::{DocumentReader, ReadDocument, UnreadableDocument};

/// Characters of one document; a thousand pages.
const MAX_CHARACTERS: usize = 2_000_000;

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
        let (text, truncated) = cut(text(media_type, bytes)?, MAX_CHARACTERS);
        let document = KnowledgeDocument { id: "document".to_owned(), title: title.to_owned(), text, version: 1 };
        let languages = passages(&document);
        let passages = languages.values().sum();
        Ok(ReadDocument { text: document.text, truncated, passages, languages })
    }
}

/// At most so many characters, and whether there were more.
fn cut(mut text: String, most: usize) -> (String, bool) {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    text.truncate(end.unwrap_or(text.len()));
    (text, end.is_some())
}

fn text(media_type: &str, bytes: &[u8]) -> Result<String, UnreadableDocument> {
    let unreadable =
        |reason: &str, remedy: &str| UnreadableDocument { reason: reason.to_owned(), remedy: remedy.to_owned() };
    if !media_type.starts_with("text/") {
        return Err(unreadable(
            "PDF and Word files cannot be read by this release.",
            "Save it as text, Markdown or HTML and hand that in.",
        ));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| unreadable("The file is not text in UTF-8.", "Save it as UTF-8 and hand it in again."))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    Ok(if media_type == "text/html" { mime::html_to_text(&text) } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media_type: &str, bytes: &[u8]) -> Result<ReadDocument, UnreadableDocument> {
        Documents.read_document(media_type, "A page", "page", bytes)
    }

    #[test]
    fn text_is_read_as_it_stands_and_html_without_its_marks() {
        let page = read(
            "text/markdown",
            "\u{feff}## Delivery\r\n\r\nStandard delivery takes 2 to 4 working days.\r\n".as_bytes(),
        );
        let page = page.expect("a page");
        assert_eq!(page.text, "## Delivery\n\nStandard delivery takes 2 to 4 working days.\n");
        assert_eq!((page.passages, page.truncated), (1, false));
        let html =
            read("text/html", b"<style>p{}</style><p>Delivery takes <b>2 days</b>.<script>x()</script>").expect("html");
        assert_eq!(html.text.trim(), "Delivery takes 2 days.");
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        for (media_type, bytes) in [("text/plain", b"\xff\xfe".as_slice()), ("application/pdf", b"%PDF-1.7")] {
            let why = read(media_type, bytes).expect_err("it is unreadable");
            assert!(!why.reason.is_empty() && why.remedy.contains("hand"), "{why:?}");
        }
        assert_eq!(read("text/plain", b" \n ").expect("an empty page").passages, 0);
    }

    #[test]
    fn a_long_document_is_cut_and_says_so() {
        assert_eq!(cut("éèê".to_owned(), 2), ("éè".to_owned(), true));
        assert_eq!(cut("éèê".to_owned(), 3), ("éèê".to_owned(), false));
        assert_eq!(cut(String::new(), 3), (String::new(), false));
    }
}
