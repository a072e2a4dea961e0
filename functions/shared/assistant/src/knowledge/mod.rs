//! The knowledge base as passages that can be searched.
//!
//! Each language has its own index, since a word's rarity is a fact about one language. BM25 over words, concepts and
//! places orders the passages (see [`shelf`]), but its number grows with the length of the question and the size of the
//! base, so no fixed bar on it means *this answers that*. What counts as a source is decided by **coverage**: the share,
//! by weight, of the question's content words that the passage (or its headings) holds. See [`Match`].
//!
//! Invariant: a passage is a slice of its document, and a search finds passages of one language only.

mod chunk;
mod coverage;
mod hybrid;
mod lexicon;
mod shelf;
mod terms;
mod wanted;

pub use chunk::{Chunk, chunks, plain};
pub(crate) use coverage::Query;
pub use coverage::{FLOOR, Match};
pub(crate) use hybrid::{MAX_EMBEDDED, usable};
pub use hybrid::{Meaning, Vectors};
pub(crate) use terms::{Term, concept_token, stop_words, terms};

use crate::language;
use channel::assistant::KnowledgeDocument;
use shelf::{Cut, Passage, Shelf};
use std::collections::BTreeMap;

/// More passages than this are not indexed; the rest is counted in [`Index::skipped`].
pub const MAX_PASSAGES: usize = 20_000;
/// What is offered as a source outside the built-in assistant, which also weighs the whole mail.
const SURE: f32 = 0.93;
/// Candidates that the order hands to the coverage test.
const CANDIDATES: usize = 30;

/// A passage that may support an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// `<document>#<chunk>`.
    pub id: String,
    /// Headings above the passage, outermost first.
    pub title: String,
    /// As it stands in the document.
    pub passage: String,
    /// Of [`Index::search`] the coverage of the query, 0 to 1 and at least [`FLOOR`]; else what its order goes by.
    pub score: f32,
    /// BCP 47.
    pub language: String,
}

/// A searchable snapshot of the knowledge base.
pub struct Index {
    shelves: BTreeMap<String, Shelf>,
    skipped: usize,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("passages", &self.len())
            .field("languages", &self.languages())
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Chunks, tells the language of each passage and indexes it. The same documents give the same index.
    pub fn build(documents: &[KnowledgeDocument]) -> Self {
        let mut by_language: BTreeMap<String, Vec<Cut>> = BTreeMap::new();
        let (mut kept, mut skipped) = (0, 0);
        for document in documents {
            let whole = language::detect(&chunk::plain(crate::text::clip(&document.text, 8_000)));
            let chunks = chunk::chunks(&document.text);
            let alone = chunks.len() == 1;
            for (number, chunk) in chunks.into_iter().enumerate() {
                if kept == MAX_PASSAGES {
                    skipped += 1;
                    continue;
                }
                kept += 1;
                let language = passage_language(whole, &chunk);
                by_language.entry(language).or_default().push(cut(document, number, chunk, alone));
            }
        }
        let shelves = by_language
            .into_iter()
            .map(|(language, cuts)| {
                let shelf = Shelf::build(&language, cuts);
                (language, shelf)
            })
            .collect();
        Self { shelves, skipped }
    }

    /// Passages over the floor, best first. The language is the query's own; when that cannot be told, each language
    /// of the base is tried with its own rules.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let query = crate::text::clip(query, 2_000);
        let mut hits: Vec<Hit> = self
            .languages_of(query)
            .into_iter()
            .flat_map(|language| {
                let query = Query::new(language, query);
                self.matches_over(language, &query, limit, SURE).into_iter().map(|found| self.hit(language, &found))
            })
            .collect();
        best_first(&mut hits, limit);
        hits
    }

    /// The best order, the floor left aside: not a source, but what tells a wrong order from a high floor. The score is
    /// BM25's own, which says nothing by itself.
    pub fn ranked(&self, query: &str, limit: usize) -> Vec<Hit> {
        self.ranked_in(&self.languages_of(crate::text::clip(query, 2_000)), query, limit)
    }

    /// The same in languages that are known.
    pub(crate) fn ranked_in(&self, languages: &[&str], query: &str, limit: usize) -> Vec<Hit> {
        let query = crate::text::clip(query, 2_000);
        let mut hits = Vec::new();
        for language in languages.iter().copied() {
            let Some(shelf) = self.shelves.get(language) else { continue };
            for (at, score) in shelf.ranked(&Query::new(language, query), limit) {
                hits.push(hit(language, &shelf.passages[at], score));
            }
        }
        best_first(&mut hits, limit);
        hits
    }

    /// The query's own language, or all where it cannot be told; none where the base has nothing in it.
    fn languages_of(&self, query: &str) -> Vec<&str> {
        match language::detect(query) {
            language::UNDETERMINED => self.languages(),
            told => self.shelves.get_key_value(told).map(|(known, _)| known.as_str()).into_iter().collect(),
        }
    }

    /// Languages that the base has passages in, sorted.
    pub fn languages(&self) -> Vec<&str> {
        self.shelves.keys().map(String::as_str).collect()
    }

    /// Number of indexed passages.
    pub fn len(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.passages.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shelves.is_empty()
    }

    /// Passages beyond [`MAX_PASSAGES`], which are not searched.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Passages over the floor, best first.
    pub(crate) fn matches(&self, language: &str, query: &Query, limit: usize) -> Vec<Match> {
        self.matches_over(language, query, limit, FLOOR)
    }

    /// Passages over a floor of the caller's.
    pub(crate) fn matches_over(&self, language: &str, query: &Query, limit: usize, floor: f32) -> Vec<Match> {
        let Some(shelf) = self.shelves.get(language) else {
            return Vec::new();
        };
        let ranked = shelf.ranked(query, CANDIDATES).into_iter();
        let mut found: Vec<Match> =
            ranked.filter_map(|(at, order)| Match::judge(shelf, at, query, order, floor)).collect();
        found.sort_by(Match::best_first);
        found.truncate(limit);
        found
    }

    /// Whether a passage found for another question of the same mail covers this one too.
    pub(crate) fn extends(&self, language: &str, at: usize, query: &Query, least: f32) -> bool {
        self.shelves.get(language).is_some_and(|shelf| Match::extends(shelf, at, query, least))
    }

    pub(crate) fn passage(&self, language: &str, at: usize) -> Option<&Passage> {
        self.shelves.get(language)?.passages.get(at)
    }

    /// How many of the words stand in the passages of each language; for mails too short to tell their language.
    pub(crate) fn known_words(&self, text: &str) -> Vec<(&str, usize)> {
        self.shelves
            .iter()
            .map(|(language, shelf)| {
                let known = terms(language, text, 40)
                    .into_iter()
                    .filter(|term| !term.number && term.stems.iter().any(|stem| shelf.has(stem)))
                    .count();
                (language.as_str(), known)
            })
            .collect()
    }

    fn hit(&self, language: &str, found: &Match) -> Hit {
        hit(language, &self.shelves[language].passages[found.at], found.coverage)
    }
}

fn hit(language: &str, passage: &Passage, score: f32) -> Hit {
    Hit {
        id: passage.id.clone(),
        title: passage.title.clone(),
        passage: passage.text.clone(),
        score,
        language: language.to_owned(),
    }
}

fn best_first(hits: &mut Vec<Hit>, limit: usize) {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(limit);
}

/// A document in one language may hold a section in another; a short passage goes with its document.
fn passage_language(document: &'static str, chunk: &chunk::Chunk) -> String {
    if document != language::UNDETERMINED && chunk.passage.split_whitespace().count() < 12 {
        return document.to_owned();
    }
    let own = language::detect(&chunk::plain(&chunk.passage));
    if own == language::UNDETERMINED { document.to_owned() } else { own.to_owned() }
}

fn cut(document: &KnowledgeDocument, number: usize, chunk: chunk::Chunk, alone: bool) -> Cut {
    let title = if chunk.headings.is_empty() { document.title.clone() } else { chunk.headings.join(" > ") };
    // The innermost heading is the passage's own. Those above it hold for its neighbours too and tell none apart.
    let (own, above) = chunk.headings.split_last().map_or(("", [].as_slice()), |(own, above)| (own.as_str(), above));
    let shared = format!("{}\n{}", document.title, above.join("\n"));
    let own = if alone { format!("{shared}\n{own}") } else { own.to_owned() };
    Cut { id: format!("{}#{}", document.id, number + 1), title, text: chunk.passage, own, shared }
}

#[cfg(test)]
mod tests;
