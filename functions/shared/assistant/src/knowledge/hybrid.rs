//! Passages for a model to read: ranked by their words and, where the provider embeds, by their meaning as well.
//!
//! A model may find an answer in a passage that shares few words with the question, so that it is shown the best
//! passages by rank; [`super::FLOOR`] is for answers that are made of the passages themselves. What is kept out here is
//! what has nothing to do with the question: a passage that shares next to none of its words, or whose vector points
//! elsewhere. The two orders are put together by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009),
//! which needs no common scale.
//!
//! Invariants: a vector belongs to one text and one model. No passage of another language than the customer's is offered,
//! however near it comes: what a translation rests on is beyond the guards, and maybe beyond whoever reads the draft.

use super::terms::{Term, concept_token, terms};
use super::{Hit, Index, Passage, Shelf, best_first, chunk, hit};
use crate::language::UNDETERMINED;
use crate::text::clip;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// Candidates of each order.
const CANDIDATES: usize = 30;
/// Damps the weight of the first places, as in the paper.
const DAMPING: f32 = 60.0;
/// Share of a question's words, by weight, that a passage has at least…
const LEAST_SHARE: f32 = 0.15;
/// … or so many of them: of a long mail three words are a small share.
const LEAST_WORDS: usize = 3;
/// Words of a question that are weighed.
const MAX_WORDS: usize = 240;
/// Of a text that is embedded, in bytes; the shortest bound among the providers is 2,048 characters.
pub(crate) const MAX_EMBEDDED: usize = 2_000;
/// Numbers of a vector.
const MAX_DIMENSION: usize = 4_096;

/// A text of a passage, by its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key([u8; 16]);

impl Key {
    fn of(passage: &Passage) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(passage.title.as_bytes());
        context.update(b"\n");
        context.update(passage.text.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(key)
    }
}

/// Vectors of passages, made by one model. Each number is kept in a byte: a cosine asks for no more.
///
/// It can be stored and read again; what it holds is found by the text of a passage, so that it outlives a change of the
/// knowledge base and only what is new is paid for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Vectors {
    model: String,
    dimension: usize,
    of: HashMap<Key, Box<[i8]>>,
}

/// As it is written down: keys in hexadecimal digits, vectors in Base64.
#[derive(Serialize, Deserialize)]
struct Stored {
    model: String,
    dimension: usize,
    vectors: BTreeMap<String, String>,
}

impl From<Vectors> for Stored {
    fn from(vectors: Vectors) -> Self {
        let hex = |key: Key| {
            key.0.iter().fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _written = write!(text, "{byte:02x}");
                text
            })
        };
        let bytes = |vector: &[i8]| vector.iter().map(|number| number.to_ne_bytes()[0]).collect::<Vec<u8>>();
        let of = vectors.of.into_iter().map(|(key, vector)| (hex(key), STANDARD.encode(bytes(&vector))));
        Self { model: vectors.model, dimension: vectors.dimension, vectors: of.collect() }
    }
}

impl TryFrom<Stored> for Vectors {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut of = HashMap::with_capacity(stored.vectors.len());
        for (key, vector) in stored.vectors {
            let number = u128::from_str_radix(&key, 16).map_err(|_| "a key of the vectors is no hash".to_owned())?;
            let bytes = STANDARD.decode(vector).map_err(|_| "a vector is not in Base64".to_owned())?;
            if bytes.len() != stored.dimension || stored.dimension > MAX_DIMENSION {
                return Err("a vector has another length than it should have".to_owned());
            }
            let numbers = bytes.into_iter().map(|byte| i8::from_ne_bytes([byte]));
            of.insert(Key(number.to_be_bytes()), numbers.collect());
        }
        Ok(Self { model: stored.model, dimension: stored.dimension, of })
    }
}

impl Vectors {
    /// None yet, of this model.
    pub(crate) fn of_model(model: &str) -> Self {
        Self { model: model.to_owned(), ..Self::default() }
    }

    /// The model that they were made by, as its provider names it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How many passages have one.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Why the vector cannot be kept.
    pub(crate) fn insert(&mut self, key: Key, vector: &[f32]) -> Result<(), &'static str> {
        if !self.of.is_empty() && vector.len() != self.dimension {
            return Err("its vectors have another length than before");
        }
        let packed = packed(vector)?;
        self.dimension = vector.len();
        self.of.insert(key, packed);
        Ok(())
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.of.contains_key(key)
    }

    /// How many numbers a vector has; none while there is none.
    pub(crate) fn dimension(&self) -> Option<usize> {
        (!self.of.is_empty()).then_some(self.dimension)
    }

    /// Drops what belongs to no passage any more.
    pub(crate) fn keep(&mut self, wanted: &HashSet<Key>) {
        self.of.retain(|key, _| wanted.contains(key));
    }
}

/// The numbers as bytes, scaled so that the greatest uses the whole of one.
fn packed(vector: &[f32]) -> Result<Box<[i8]>, &'static str> {
    usable(vector)?;
    let greatest = vector.iter().fold(0.0_f32, |greatest, number| greatest.max(number.abs()));
    #[expect(clippy::cast_possible_truncation, reason = "the scale keeps each number within -127 and 127")]
    Ok(vector.iter().map(|number| (number / greatest * 127.0).round() as i8).collect())
}

/// Whether a vector points anywhere.
pub(crate) fn usable(vector: &[f32]) -> Result<(), &'static str> {
    if vector.is_empty() || vector.len() > MAX_DIMENSION {
        return Err("a vector is empty or too long");
    }
    if vector.iter().any(|number| !number.is_finite()) {
        return Err("a vector holds what is no number");
    }
    if vector.iter().all(|number| *number == 0.0) { Err("a vector is all zeros") } else { Ok(()) }
}

/// -1 to 1; 0 for vectors of different lengths.
fn cosine(question: &[f32], passage: &[i8]) -> f32 {
    if question.len() != passage.len() {
        return 0.0;
    }
    let (mut dot, mut own, mut other) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in question.iter().zip(passage) {
        let b = f32::from(*b);
        dot += a * b;
        own += a * a;
        other += b * b;
    }
    let lengths = (own * other).sqrt();
    if lengths > 0.0 { dot / lengths } else { 0.0 }
}

/// What embeddings add to a search.
#[derive(Debug, Clone)]
pub struct Meaning {
    pub vectors: Arc<Vectors>,
    /// One for each question, in their order.
    pub questions: Vec<Vec<f32>>,
    /// A passage whose cosine is lower has nothing to do with the question.
    pub floor: f32,
}

/// A text that a vector is wanted for.
pub(crate) struct Wanted {
    pub key: Key,
    pub text: String,
}

impl Index {
    /// The best passages for several questions about one thing, at most `limit`: the first of each, then the second of
    /// each, and so on. `language` is the customer's.
    pub fn offered(&self, language: &str, questions: &[String], meaning: Option<&Meaning>, limit: usize) -> Vec<Hit> {
        let languages = self.languages_for(language);
        let placed = meaning.map_or_else(Vec::new, |meaning| self.placed(&languages, &meaning.vectors));
        let lists: Vec<Vec<Hit>> = questions
            .iter()
            .enumerate()
            .map(|(no, question)| {
                let by_words = self.by_words(&languages, question);
                let vector = meaning.and_then(|meaning| Some((meaning.questions.get(no)?, meaning.floor)));
                let by_meaning = vector.map(|(vector, floor)| by_meaning(&placed, vector, floor));
                fused([Some(by_words), by_meaning].into_iter().flatten())
            })
            .collect();
        let mut out: Vec<Hit> = vec![];
        let depth = lists.iter().map(Vec::len).max().unwrap_or(0);
        for hit in (0..depth).flat_map(|place| lists.iter().filter_map(move |list| list.get(place))) {
            if out.len() < limit && out.iter().all(|known| known.id != hit.id) {
                out.push(hit.clone());
            }
        }
        out
    }

    /// The customer's language where the base has it; every language that it has where that cannot be told.
    fn languages_for(&self, language: &str) -> Vec<&str> {
        match self.shelves.get_key_value(language) {
            _ if language == UNDETERMINED => self.languages(),
            Some((own, _)) => vec![own.as_str()],
            None => vec![],
        }
    }

    fn by_words(&self, languages: &[&str], question: &str) -> Vec<Hit> {
        let mut hits = self.ranked_in(languages, question, CANDIDATES);
        let asked: HashMap<&str, Vec<Term>> =
            languages.iter().map(|language| (*language, content(language, question))).collect();
        hits.retain(|hit| {
            let shelf = self.shelves.get(&hit.language);
            let passage = shelf.and_then(|shelf| Some((shelf, shelf.passages.iter().find(|one| one.id == hit.id)?)));
            passage
                .zip(asked.get(hit.language.as_str()))
                .is_some_and(|((shelf, one), asked)| concerns(shelf, one, asked))
        });
        hits
    }

    /// The passages that have a vector, with it.
    fn placed<'a>(&'a self, languages: &[&'a str], vectors: &'a Vectors) -> Vec<Placed<'a>> {
        self.passages_in(languages)
            .filter_map(|(language, passage)| Some((language, passage, &**vectors.of.get(&Key::of(passage))?)))
            .collect()
    }

    fn passages_in<'a>(&'a self, languages: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a Passage)> {
        let shelves = languages.iter().filter_map(|language| Some((*language, self.shelves.get(*language)?)));
        shelves
            .flat_map(|(language, shelf)| shelf.passages.iter().map(move |passage| (language, passage)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The texts of all passages by their keys.
    pub(crate) fn keys(&self) -> HashSet<Key> {
        self.passages_in(&self.languages()).map(|(_, passage)| Key::of(passage)).collect()
    }

    /// Passages that have no vector yet, at most `limit`.
    pub(crate) fn without(&self, vectors: &Vectors, limit: usize) -> Vec<Wanted> {
        let mut seen = HashSet::new();
        self.passages_in(&self.languages())
            .map(|(_, passage)| (Key::of(passage), passage))
            .filter(|(key, _)| !vectors.has(key) && seen.insert(*key))
            .take(limit)
            .map(|(key, passage)| {
                let text = format!("{}\n{}", passage.title, chunk::plain(&passage.text));
                Wanted { key, text: clip(&text, MAX_EMBEDDED).to_owned() }
            })
            .collect()
    }
}

/// A passage with its language and its vector.
type Placed<'a> = (&'a str, &'a Passage, &'a [i8]);

fn by_meaning(placed: &[Placed<'_>], question: &[f32], floor: f32) -> Vec<Hit> {
    let near = placed.iter().map(|(language, passage, vector)| (language, passage, cosine(question, vector)));
    let mut near: Vec<_> = near.filter(|(.., cosine)| *cosine >= floor).collect();
    near.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.1.id.cmp(&b.1.id)));
    near.truncate(CANDIDATES);
    near.into_iter().map(|(language, passage, cosine)| hit(language, passage, cosine)).collect()
}

/// The words that a question is about.
fn content(language: &str, question: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    let all = terms(language, question, MAX_WORDS).into_iter();
    all.filter(|term| !term.number && seen.insert(term.word.clone())).collect()
}

/// Whether a passage has enough of what was asked for to be shown to a model.
fn concerns(shelf: &Shelf, passage: &Passage, asked: &[Term]) -> bool {
    let (mut found, mut met, mut all) = (0_usize, 0.0_f32, 0.0_f32);
    for term in asked {
        let tokens = term.stems.iter().cloned().chain(term.concepts.iter().map(|concept| concept_token(concept)));
        let numbers: Vec<u32> = tokens.filter_map(|token| shelf.find(&token)).collect();
        let weight = rarity(shelf, &numbers);
        all += weight;
        if numbers.iter().any(|number| passage.terms.contains(number) || passage.shared.contains(number)) {
            met += weight;
            found += 1;
        }
    }
    found > 0 && (found >= LEAST_WORDS || met >= LEAST_SHARE * all)
}

/// Inverse document frequency; most for a word that no passage has.
fn rarity(shelf: &Shelf, numbers: &[u32]) -> f32 {
    let frequency = numbers.iter().map(|number| shelf.frequency(*number)).max().filter(|count| *count > 0);
    #[expect(clippy::cast_precision_loss, reason = "counts of passages are far below what a float holds exactly")]
    let (all, with) = (shelf.passages.len() as f32, frequency.map_or(0.5, |count| count as f32));
    (1.0 + all / with).ln()
}

/// Reciprocal rank fusion: each order gives a passage one over its damped place.
fn fused(orders: impl Iterator<Item = Vec<Hit>>) -> Vec<Hit> {
    let mut out: Vec<Hit> = vec![];
    let mut places: HashMap<String, usize> = HashMap::new();
    for order in orders {
        for (place, hit) in (1_u16..).zip(order) {
            let worth = 1.0 / (DAMPING + f32::from(place));
            if let Some(at) = places.get(&hit.id) {
                out[*at].score += worth;
            } else {
                places.insert(hit.id.clone(), out.len());
                out.push(Hit { score: worth, ..hit });
            }
        }
    }
    let limit = out.len();
    best_first(&mut out, limit);
    out
}

#[cfg(test)]
mod tests;
