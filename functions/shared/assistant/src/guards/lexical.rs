//! Which content words a text shares with others: by stem, or by a concept of the lexicon.

use crate::knowledge::{Term, concept_token, terms};
use std::collections::HashSet;

/// Words of one text that are weighed.
const MAX_WORDS: usize = 30_000;

/// The words of one passage.
pub struct Vocabulary(HashSet<String>);

impl Vocabulary {
    pub fn of_each(language: &str, passages: &[String]) -> Vec<Self> {
        let of = |text: &String| {
            let words = terms(language, text, MAX_WORDS).into_iter();
            words.flat_map(|term| term.stems.into_iter().chain(term.concepts.into_iter().map(concept_token))).collect()
        };
        passages.iter().map(|text| Self(of(text))).collect()
    }

    fn has(&self, term: &Term) -> bool {
        term.stems.iter().any(|stem| self.0.contains(stem))
            || term.concepts.iter().any(|concept| self.0.contains(&concept_token(concept)))
    }
}

/// The different content words of a text. Numbers are left to the guard of figures.
pub fn content(language: &str, text: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    let all = terms(language, text, MAX_WORDS).into_iter();
    all.filter(|term| !term.number && seen.insert(term.word.clone())).collect()
}

/// How many of the words stand in the one passage that has most of them.
pub fn most(passages: &[Vocabulary], words: &[Term]) -> usize {
    let found = |passage: &Vocabulary| words.iter().filter(|word| passage.has(word)).count();
    passages.iter().map(found).max().unwrap_or(0)
}
