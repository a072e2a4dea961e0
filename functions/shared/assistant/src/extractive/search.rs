//! The passages that answer a mail: each question by itself first, and only what stays open with the words around it.
//!
//! Invariant: every question of the mail has a passage, or none is given. Words around a question may tell which passage
//! is meant; a concept that the question names and the passage lacks is never made good by them.

use super::{Person, refers_back};
use crate::extractive::questions::{self, Ask};
use crate::knowledge::{FLOOR, Index, Match, Query};

/// What a question must have of its own in a passage that the rest of the mail leads to.
const LEAST: f32 = 0.34;
/// Passages that are compared.
const COMPARED: usize = 3;
/// A question this short may go on from the one before.
const SHORT: usize = 4;

/// One question and the passage that answers it.
pub struct Found {
    pub passage: usize,
    pub coverage: f32,
    pub query: Query,
}

pub struct Search<'s> {
    pub index: &'s Index,
    pub language: &'s str,
    pub subject: &'s str,
    /// What the same customer asked before in this thread.
    pub earlier: Option<&'s str>,
}

impl Search<'_> {
    pub fn resolve(&self, asks: &[Ask<'_>]) -> Result<Vec<Found>, Person> {
        let mut alone: Vec<Option<Vec<Found>>> = asks.iter().map(|ask| self.alone(ask)).collect();
        // What a mail orders is never taken for a part of what it asks.
        if asks.iter().zip(&alone).any(|(ask, found)| found.is_none() && questions::is_order(ask.text)) {
            return Err(Person::because("The mail orders something that the knowledge base does not speak of."));
        }
        for at in 0..asks.len() {
            if alone[at].is_none() {
                alone[at] = self.with_neighbours(asks, &alone, at).or_else(|| self.in_context(&asks[at]));
            }
        }
        if alone.iter().any(Option::is_none)
            && let Some(found) = self.together(asks)
        {
            return Ok(vec![found]);
        }
        let open: Vec<&str> =
            asks.iter().zip(&alone).filter(|(_, found)| found.is_none()).map(|(ask, _)| ask.text).collect();
        if !open.is_empty() {
            return Err(Person::lacking(
                "The knowledge base has no passage that answers a question of this mail.",
                open,
            ));
        }
        Ok(alone.into_iter().flatten().flatten().collect())
    }

    /// By the question's own words: one passage, or one for each of the subjects that it joins.
    fn alone(&self, ask: &Ask<'_>) -> Option<Vec<Found>> {
        let query = Query::new(self.language, ask.text);
        if query.is_empty() || (query.lacks_subject() && !(ask.before.is_none() && self.subject.is_empty())) {
            return None;
        }
        if let Some(found) = self.then(ask, &query) {
            return Some(vec![found]);
        }
        if let Some(found) = self.clearest(ask, query) {
            return Some(vec![found]);
        }
        let parts = questions::subjects(ask.text);
        if parts.len() < 2 {
            return None;
        }
        let queries = parts.iter().map(|part| Query::new(self.language, part)).filter(|part| !part.is_empty());
        let found: Option<Vec<Found>> = queries.map(|part| self.best(part, FLOOR)).collect();
        found.filter(|found| !found.is_empty())
    }

    /// `I pay by transfer. When is it sent then?`: the condition stands in the sentence before.
    fn then(&self, ask: &Ask<'_>, own: &Query) -> Option<Found> {
        let before = ask.before.filter(|_| follows(ask.text) && own.subjects() <= SHORT)?;
        let found = self.best(Query::within(self.language, before, ask.text), FLOOR)?;
        self.index.extends(self.language, found.passage, own, LEAST).then_some(found)
    }

    /// The best passage; where two are about as good, the words around the question tell which is meant.
    fn clearest(&self, ask: &Ask<'_>, query: Query) -> Option<Found> {
        let found = self.index.matches(self.language, &query, COMPARED);
        let (best, second) = (found.first()?, found.get(1));
        if second.is_none_or(|second| best.clearly_before(second)) {
            return Some(Found { passage: best.at, coverage: best.coverage, query });
        }
        let around = format!("{} {}", ask.before.unwrap_or_default(), self.subject);
        self.best(query.beside(&around), FLOOR)
    }

    fn best(&self, query: Query, floor: f32) -> Option<Found> {
        let best: Match = self.index.matches_over(self.language, &query, 1, floor).into_iter().next()?;
        Some(Found { passage: best.at, coverage: best.coverage, query })
    }

    /// `… and how do I get another?` is answered by what answers the question beside it.
    fn with_neighbours(&self, asks: &[Ask<'_>], found: &[Option<Vec<Found>>], at: usize) -> Option<Vec<Found>> {
        let query = Query::new(self.language, asks[at].text);
        let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
        beside.filter_map(|other| found.get(other)?.as_ref()?.last()).find_map(|other| {
            let extends = self.index.extends(self.language, other.passage, &query, LEAST);
            extends.then(|| vec![Found { passage: other.passage, coverage: other.coverage, query: query.clone() }])
        })
    }

    /// `Can I send it back?` is about what was said just before, what the subject says, or what was asked before.
    fn in_context(&self, ask: &Ask<'_>) -> Option<Vec<Found>> {
        let own = Query::new(self.language, ask.text);
        let before = ask.before.unwrap_or_default();
        let around = [before.to_owned(), self.subject.to_owned(), format!("{before} {}", self.subject)];
        let weak = own.subjects() == 0 || own.lacks_subject();
        let least = if weak || refers_back(ask.text) { 0.0 } else { LEAST };
        let by_words = around.into_iter().filter(|context| !context.trim().is_empty()).find_map(|context| {
            let found = self.best(Query::within(self.language, &context, ask.text), FLOOR)?;
            self.index.extends(self.language, found.passage, &own, least).then_some(found)
        });
        by_words.or_else(|| self.going_on(ask, &own)).map(|found| vec![found])
    }

    fn going_on(&self, ask: &Ask<'_>, own: &Query) -> Option<Found> {
        let earlier = self.earlier.filter(|_| own.subjects() <= SHORT)?;
        let found = self.best(Query::after(self.language, earlier, ask.text), FLOOR)?;
        let least = if own.subjects() == 0 { 0.0 } else { LEAST };
        self.index.extends(self.language, found.passage, own, least).then_some(found)
    }

    /// Several questions that only make one together: `its price, how many fit in, and what the lamp draws`.
    fn together(&self, asks: &[Ask<'_>]) -> Option<Found> {
        let all: Vec<&str> = asks.iter().map(|ask| ask.text).collect();
        let found = self.best(Query::new(self.language, &all.join(" ")), FLOOR)?;
        let fits = |ask: &&Ask<'_>| {
            let own = Query::new(self.language, ask.text);
            self.index.extends(self.language, found.passage, &own, if own.subjects() == 0 { 0.0 } else { LEAST })
        };
        (asks.len() > 1 && asks.iter().filter(fits).count() == asks.len()).then_some(found)
    }
}

/// Words that tie a question to the condition before it.
fn follows(text: &str) -> bool {
    const THEN: &[&str] = &[
        "then",
        "dann",
        "alors",
        "entonces",
        "allora",
        "entao",
        "dan",
        "wtedy",
        "silloin",
        "akkor",
        "тогда",
        "instead",
    ];
    crate::text::words(text).any(|word| THEN.contains(&crate::text::fold(word).as_str()))
}
