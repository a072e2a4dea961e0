//! The search of the knowledge base by itself: whether the right passage is found, and nothing where there is none.

use super::data::{Question, covered};
use crate::{Error, Result};
use assistant::knowledge::{Hit, Index};
use assistant::provider::{ALL_EMBEDDED, Model};
use channel::assistant::Source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Passages looked at; a right one beyond counts as not found.
const DEPTH: usize = 10;
/// Look-ups that may pass until every passage has its vector.
const WARM_UPS: usize = 10;

/// Of the questions of one language, or of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Questions that have a passage.
    pub questions: u32,
    /// The right passage comes first.
    pub first: u32,
    /// The right passage is among the first five.
    pub in_five: u32,
    /// Sum of one over the place of the right passage, to the tenth place.
    pub reciprocal: f64,
    /// Questions that no passage answers.
    pub unanswerable: u32,
    /// Those of them for which nothing is over the floor.
    pub left_alone: u32,
}

impl Found {
    pub fn recall_1(&self) -> f64 {
        share(f64::from(self.first), self.questions)
    }

    pub fn recall_5(&self) -> f64 {
        share(f64::from(self.in_five), self.questions)
    }

    pub fn mrr(&self) -> f64 {
        share(self.reciprocal, self.questions)
    }

    fn count(&mut self, question: &Question, place: Option<u32>, anything: bool) {
        if question.relevant.is_empty() {
            self.unanswerable += 1;
            self.left_alone += u32::from(!anything);
            return;
        }
        self.questions += 1;
        self.first += u32::from(place == Some(1));
        self.in_five += u32::from(place.is_some_and(|place| place <= 5));
        self.reciprocal += place.map_or(0.0, |place| 1.0 / f64::from(place));
    }
}

fn share(part: f64, of: u32) -> f64 {
    if of == 0 { 0.0 } else { part / f64::from(of) }
}

/// The name of the row over all languages.
pub const ALL: &str = "all";

/// By language, and [`ALL`].
pub type Rows = BTreeMap<String, Found>;

/// What the product takes for a source: BM25's candidates over the floor.
pub fn over_the_floor(index: &Index, question: &str) -> Vec<Hit> {
    index.search(question, DEPTH)
}

/// BM25's order alone, which tells the ranking apart from the floor. Something is always offered.
pub fn by_order(index: &Index, question: &str) -> Vec<Hit> {
    index.ranked(question, DEPTH)
}

/// What a model is offered: by words and embeddings where it has them, over the low floors of each.
pub async fn offered(model: &Model, index: &Index, passages: &[Source], questions: &[Question]) -> Result<Rows> {
    // What finds no room in one look-up follows with the next: a slow machine gets its time before it is measured.
    for question in questions.iter().take(WARM_UPS) {
        if model.look_up(index, &question.question, DEPTH).await.1.search == ALL_EMBEDDED {
            break;
        }
    }
    let mut found = vec![];
    for question in questions {
        let (hits, usage) = model.look_up(index, &question.question, DEPTH).await;
        // A search that fell back would be measured as one that did not.
        if usage.search != ALL_EMBEDDED {
            return Err(Error::new(usage.search).remedy("see that the server of the embeddings runs and answers"));
        }
        found.push(hits);
    }
    Ok(counted(passages, questions.iter().zip(found)))
}

pub fn measure(
    index: &Index,
    passages: &[Source],
    questions: &[Question],
    search: fn(&Index, &str) -> Vec<Hit>,
) -> Rows {
    counted(passages, questions.iter().map(|question| (question, search(index, &question.question))))
}

fn counted<'q>(passages: &[Source], found: impl Iterator<Item = (&'q Question, Vec<Hit>)>) -> Rows {
    let mut out = Rows::new();
    for (question, hits) in found {
        let is_right = |id: &str, text: &str| {
            let document = id.split('#').next().unwrap_or_default();
            covered(passages, document, text).iter().any(|name| question.relevant.iter().any(|right| right == name))
        };
        let place = (1_u32..).zip(&hits).find(|(_, hit)| is_right(&hit.id, &hit.passage)).map(|(place, _)| place);
        for row in [question.language.as_str(), ALL] {
            out.entry(row.to_owned()).or_default().count(question, place, !hits.is_empty());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::data::passages;
    use channel::assistant::KnowledgeDocument;

    #[test]
    fn places_and_silence_are_counted() {
        let text = "## Delivery time\n\nStandard delivery takes three working days within the country.\n\n\
                    ## Payment\n\nYou can pay by card or by bank transfer after the order.\n";
        let page = |text: &str| KnowledgeDocument {
            id: "en/a.md".into(),
            title: "Shop".into(),
            text: text.to_owned(),
            version: 1,
        };
        let documents = [page(text)];
        let ask = |question: &str, relevant: &[&str]| Question {
            id: "q".into(),
            language: "en".into(),
            style: "keyword".into(),
            question: question.into(),
            relevant: relevant.iter().map(|name| (*name).to_owned()).collect(),
        };
        let questions = [
            ask("How long does standard delivery take?", &["en/a.md > Delivery time"]),
            ask("How long does the standard delivery take?", &["en/a.md > Nowhere"]),
            ask("Do you sell bicycles for children?", &[]),
        ];
        let (index, passages) = (Index::build(&documents), passages(&documents));
        let found = measure(&index, &passages, &questions, over_the_floor);
        let all = &found[ALL];
        assert_eq!((all.questions, all.first, all.in_five), (2, 1, 1));
        assert_eq!((all.unanswerable, all.left_alone), (1, 1));
        assert!((all.recall_1() - 0.5).abs() < 1e-9 && (all.mrr() - 0.5).abs() < 1e-9);
        assert_eq!(found["en"], found[ALL]);
        let ranked = measure(&index, &passages, &questions, by_order);
        assert_eq!((ranked[ALL].first, ranked[ALL].questions), (1, 2));
    }
}
