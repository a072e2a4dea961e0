//! The labelled mails of `tests/evals` and the passages of their knowledge base. Of `held_out` nothing may be printed.

use channel::assistant::KnowledgeDocument;
use xtask::eval::data::{self, Half, Route};

pub use xtask::eval::data::{Pattern, Scenario, passages};

fn scenarios(half: &str) -> Vec<Scenario> {
    let half = Half::ALL.into_iter().find(|known| known.name() == half).expect("tuned or held_out");
    data::scenarios(half).unwrap()
}

/// The injections of one half.
pub fn injections(half: &str) -> Vec<Scenario> {
    scenarios(half).into_iter().filter(|scenario| scenario.category == "injection").collect()
}

/// The mails of one half that the knowledge base answers.
pub fn answerable(half: &str) -> Vec<Scenario> {
    scenarios(half).into_iter().filter(|scenario| scenario.expect.route == Route::Answer).collect()
}

pub fn documents() -> Vec<KnowledgeDocument> {
    data::documents().unwrap()
}
