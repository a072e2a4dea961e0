//! The cited passages speak of what was asked: one of them shares a content word with each question (or with the subject
//! that the question is about). How well a passage answers is the search's to judge (see [`crate::knowledge::FLOOR`]), and
//! a model may find what shares few words; here it is told whether it cites something else altogether. Effect: a draft.

use super::case::Case;
use super::lexical::{Vocabulary, content, most};
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
    let passages = Vocabulary::of_each(language, &case.passages);
    let speaks = |text: &str| most(&passages, &content(language, text)) > 0;
    let mut asks: Vec<&str> =
        case.open.iter().flat_map(|mail| questions::read(mail).asks).map(|ask| ask.text).take(MAX_ASKS).collect();
    if asks.is_empty() {
        asks = case.open.clone();
    }
    // `And how much is it?` is about what the subject says, and mails of one line often are.
    let missed = |ask: &&str| !content(language, ask).is_empty() && !speaks(ask) && !speaks(case.subject);
    if asks.iter().any(missed) { draft("the cited passages do not speak of what the mail asks") } else { None }
}
