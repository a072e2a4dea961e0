//! The cited passages speak of what was asked: of each question at least a third of its content words. How well a
//! passage answers is the search's to judge (see [`crate::knowledge::FLOOR`]); here it is told whether a model cites
//! something else altogether. Effect: a draft.

use super::case::Case;
use super::lexical::Vocabulary;
use super::{Finding, draft};
use crate::extractive::questions;
use crate::language::{self, UNDETERMINED};

/// Questions of one mail that are looked at.
const MAX_ASKS: usize = 40;

pub fn judge(case: &Case<'_>) -> Finding {
    let mut language = language::detect(&case.customer);
    if language == UNDETERMINED {
        language = language::detect(&case.reply);
    }
    let sources = Vocabulary::new(language, &case.sources);
    let speaks = |text: &str| {
        let (found, of) = sources.share(text, |_| true);
        found * 3 >= of
    };
    let mut asks: Vec<&str> =
        case.open.iter().flat_map(|mail| questions::read(mail).asks).map(|ask| ask.text).take(MAX_ASKS).collect();
    if asks.is_empty() {
        asks = case.open.clone();
    }
    // `And how much is it?` is about what the subject says.
    let missed = |ask: &&str| !speaks(ask) && !speaks(&format!("{} {ask}", case.subject));
    if asks.iter().any(missed) { draft("the cited passages do not speak of what the mail asks") } else { None }
}
