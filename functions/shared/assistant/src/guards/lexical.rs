//! Which content words a text shares with others: by stem, or by a concept of the lexicon.

use crate::knowledge::{Term, concept_token, terms};
use std::collections::HashSet;

/// Words of one text that are weighed.
const MAX_WORDS: usize = 30_000;

pub struct Vocabulary<'l> {
    language: &'l str,
    known: HashSet<String>,
}

impl<'l> Vocabulary<'l> {
    pub fn new(language: &'l str, text: &str) -> Self {
        let known = terms(language, text, MAX_WORDS)
            .into_iter()
            .flat_map(|term| term.stems.into_iter().chain(term.concepts.into_iter().map(concept_token)))
            .collect();
        Self { language, known }
    }

    pub fn has(&self, term: &Term) -> bool {
        term.stems.iter().any(|stem| self.known.contains(stem))
            || term.concepts.iter().any(|concept| self.known.contains(&concept_token(concept)))
    }

    /// Different content words of a text, and how many of them stand here. Numbers are left to the guard of figures.
    pub fn share(&self, text: &str, counts: impl Fn(&Term) -> bool) -> (usize, usize) {
        let mut seen = HashSet::new();
        let words: Vec<Term> = terms(self.language, text, MAX_WORDS)
            .into_iter()
            .filter(|term| !term.number && counts(term) && seen.insert(term.word.clone()))
            .collect();
        (words.iter().filter(|term| self.has(term)).count(), words.len())
    }
}
