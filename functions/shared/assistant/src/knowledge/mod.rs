//! The knowledge base as passages that can be searched.
//!
//! Each language has its own BM25 index, since a word's rarity is a fact about one language. BM25 orders the passages,
//! but its number grows with the length of the question and the size of the base, so no fixed bar on it means *this
//! answers that*. What counts as a source is decided by **coverage**: the share, by weight, of the question's content
//! words that the passage (or its headings) holds. See [`Match`].
//!
//! Invariant: a passage is a slice of its document, and a search finds passages of one language only.

mod chunk;
mod coverage;
mod hybrid;
mod lexicon;
mod terms;

pub use chunk::{Chunk, chunks, plain};
pub(crate) use coverage::Query;
pub use coverage::{FLOOR, Match};
pub(crate) use hybrid::{MAX_EMBEDDED, usable};
pub use hybrid::{Meaning, Vectors};
pub(crate) use terms::{Term, concept_token, stop_words, terms};

use crate::language;
use bm25::{Document, SearchEngine, SearchEngineBuilder, Tokenizer};
use channel::assistant::KnowledgeDocument;
use std::collections::{BTreeMap, HashMap, HashSet};

/// More passages than this are not indexed; the rest is counted in [`Index::skipped`].
pub const MAX_PASSAGES: usize = 20_000;
/// Words of a passage that are indexed. Passages are cut well below this.
const MAX_WORDS: usize = 400;
/// Candidates that BM25 hands to the coverage test.
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

/// One indexed passage.
#[derive(Debug)]
pub(crate) struct Passage {
    pub id: String,
    pub title: String,
    pub text: String,
    /// Stems and concepts of the passage and of the headings that are its own.
    pub terms: HashSet<String>,
    /// Stems and concepts of its own headings alone.
    pub heading: HashSet<String>,
    /// How many different words that is.
    pub heading_words: usize,
    /// Stems of the words that it begins with.
    pub lead: HashSet<String>,
    /// Stems and concepts of the headings it shares with the rest of its document.
    pub shared: HashSet<String>,
}

#[derive(Debug)]
struct Tokens {
    language: String,
}

impl Tokenizer for Tokens {
    fn tokenize(&self, text: &str) -> Vec<String> {
        terms(&self.language, text, MAX_WORDS).into_iter().flat_map(tokens).collect()
    }
}

fn tokens(term: Term) -> impl Iterator<Item = String> {
    term.stems.into_iter().chain(term.concepts.into_iter().map(concept_token))
}

/// All passages of one language.
pub(crate) struct Shelf {
    pub passages: Vec<Passage>,
    /// In how many passages a stem or concept stands.
    pub frequency: HashMap<String, u32>,
    engine: SearchEngine<u32, u32, Tokens>,
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

struct Cut {
    passage: Passage,
    searched: String,
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
                by_language.entry(language.clone()).or_default().push(cut(document, number, chunk, &language, alone));
            }
        }
        let shelves =
            by_language.into_iter().map(|(language, cuts)| (language.clone(), Shelf::build(language, cuts))).collect();
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
                self.matches(language, &query, limit).into_iter().map(|found| self.hit(language, &found))
            })
            .collect();
        best_first(&mut hits, limit);
        hits
    }

    /// What BM25 alone puts first, the floor left aside: not a source, but what tells a wrong order from a high floor.
    /// The score is BM25's own, which says nothing by itself.
    pub fn ranked(&self, query: &str, limit: usize) -> Vec<Hit> {
        self.ranked_in(&self.languages_of(crate::text::clip(query, 2_000)), query, limit)
    }

    /// The same in languages that are known.
    pub(crate) fn ranked_in(&self, languages: &[&str], query: &str, limit: usize) -> Vec<Hit> {
        let query = crate::text::clip(query, 2_000);
        let mut hits = Vec::new();
        for language in languages.iter().copied() {
            let Some(shelf) = self.shelves.get(language) else { continue };
            for result in shelf.engine.search(Query::new(language, query).text(), limit) {
                if let Some(passage) = usize::try_from(result.document.id).ok().and_then(|at| shelf.passages.get(at)) {
                    hits.push(hit(language, passage, result.score));
                }
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

    pub(crate) fn matches(&self, language: &str, query: &Query, limit: usize) -> Vec<Match> {
        let Some(shelf) = self.shelves.get(language) else {
            return Vec::new();
        };
        let mut found: Vec<Match> = shelf
            .engine
            .search(query.text(), CANDIDATES)
            .into_iter()
            .filter_map(|result| {
                let at = usize::try_from(result.document.id).ok()?;
                Match::judge(shelf, at, query, result.score)
            })
            .collect();
        found.sort_by(Match::best_first);
        found.truncate(limit);
        found
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
                    .filter(|term| !term.number && term.stems.iter().any(|stem| shelf.frequency.contains_key(stem)))
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

fn cut(document: &KnowledgeDocument, number: usize, chunk: chunk::Chunk, language: &str, alone: bool) -> Cut {
    let title = if chunk.headings.is_empty() { document.title.clone() } else { chunk.headings.join(" > ") };
    // The innermost heading is the passage's own. Those above it hold for its neighbours too and tell none apart.
    let (own, above) = chunk.headings.split_last().map_or(("", [].as_slice()), |(own, above)| (own.as_str(), above));
    let searched = format!("{own}\n{}", chunk::plain(&chunk.passage));
    let shared = format!("{}\n{}", document.title, above.join("\n"));
    let (own, searched) =
        if alone { (format!("{shared}\n{own}"), format!("{shared}\n{searched}")) } else { (own.to_owned(), searched) };
    let set = |text: &str| terms(language, text, MAX_WORDS).into_iter().flat_map(tokens).collect();
    let heading_words =
        terms(language, &own, MAX_WORDS).into_iter().map(|term| term.word).collect::<HashSet<_>>().len();
    let lead = terms(language, &chunk::plain(&chunk.passage), MAX_WORDS).into_iter().take(2).flat_map(tokens).collect();
    let passage = Passage {
        heading_words,
        lead,
        id: format!("{}#{}", document.id, number + 1),
        title,
        terms: set(&searched),
        heading: set(&own),
        shared: set(&shared),
        text: chunk.passage,
    };
    Cut { passage, searched }
}

impl Shelf {
    fn build(language: String, cuts: Vec<Cut>) -> Self {
        let mut frequency: HashMap<String, u32> = HashMap::new();
        let (mut passages, mut documents) = (Vec::with_capacity(cuts.len()), Vec::with_capacity(cuts.len()));
        for (id, cut) in (0_u32..).zip(cuts) {
            for term in &cut.passage.terms {
                *frequency.entry(term.clone()).or_insert(0) += 1;
            }
            documents.push(Document::new(id, cut.searched));
            passages.push(cut.passage);
        }
        let engine =
            SearchEngineBuilder::<u32, u32, Tokens>::with_tokenizer_and_documents(Tokens { language }, documents)
                .build();
        Self { passages, frequency, engine }
    }
}

#[cfg(test)]
mod tests;
