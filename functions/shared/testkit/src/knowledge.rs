//! Reading and comparing without the assistant's rules.

use channel::ports::{DocumentReader, Gist, Gists, ReadDocument, UnreadableDocument};
use std::collections::{BTreeMap, BTreeSet};

/// Reads UTF-8 as it is, one passage a paragraph, all of it English; anything else is unreadable.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainReader;

impl DocumentReader for PlainReader {
    fn read_document(
        &self,
        _media_type: &str,
        _title: &str,
        _file_name: &str,
        bytes: &[u8],
    ) -> Result<ReadDocument, UnreadableDocument> {
        let text = std::str::from_utf8(bytes).map_err(|_| UnreadableDocument {
            reason: "The file is damaged.".to_owned(),
            remedy: "Hand it in again.".to_owned(),
        })?;
        let passages = text.split("\n\n").filter(|part| !part.trim().is_empty()).count();
        let passages = u32::try_from(passages).expect("a test's document is short");
        let languages = BTreeMap::from([("en".to_owned(), passages)]);
        Ok(ReadDocument { text: text.to_owned(), truncated: false, passages, languages })
    }
}

/// Compares by words of more than three letters, in lower case; every text is English.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakeGists;

impl Gists for FakeGists {
    fn gist(&self, question: &str) -> Gist {
        let words = question.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 3);
        let terms: BTreeSet<String> = words.map(str::to_lowercase).collect();
        Gist { language: "en".to_owned(), terms: terms.into_iter().collect() }
    }
}
