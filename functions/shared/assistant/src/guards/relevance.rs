//! The cited passages speak of what was asked: one of them has a good part of the content words of each question (of a
//! question that names its subject elsewhere, one word of the subject line will do). A model is offered the passages
//! that come nearest, fitting or not, and it may find what shares few words; whether it did is a person's to say, so that
//! such an answer is a draft. So is an answer to a mail of which it cannot be told what it asks. Effect: a draft; a mail
//! that gives thanks and asks nothing, or of which not even the language can be told, gets no answer at all.

use super::case::Case;
use super::lexical::{Vocabulary, content, most};
use super::{Finding, draft, person};
use crate::extractive::questions;
use crate::language::{self, UNDETERMINED};
use crate::text::{fold, sentences, words};

/// Questions of one mail that are looked at.
const MAX_ASKS: usize = 40;
/// A question of so few content words leans on the subject.
const FEW: usize = 2;
/// One passage has at least one in so many of a question's content words.
const SHARE: usize = 3;

pub fn judge(case: &Case<'_>) -> Finding {
    let mut language = language::detect(&case.customer);
    if language == UNDETERMINED {
        language = language::detect(&case.reply);
    }
    let passages = Vocabulary::of_each(language, &case.passages);
    let asks: Vec<&str> =
        case.open.iter().flat_map(|mail| questions::read(mail).asks).map(|ask| ask.text).take(MAX_ASKS).collect();
    if asks.is_empty() && case.open.iter().flat_map(|mail| sentences(mail)).any(closes) {
        return person("the mail gives thanks and asks nothing");
    }
    if asks.is_empty() && language::detect(&case.customer) == UNDETERMINED {
        return person("neither the language of the mail nor what it asks can be told");
    }
    if asks.is_empty() {
        return draft("the mail asks nothing that could be told from it");
    }
    let of_subject = content(language, case.subject);
    let subject_speaks = most(&passages, &of_subject) > 0;
    // `And how much is it?` is about what the subject says.
    let missed = |ask: &&str| {
        let said = content(language, ask);
        let found = most(&passages, &said);
        let enough = if said.len() <= FEW && subject_speaks { 0 } else { (said.len() / SHARE).max(said.len().min(1)) };
        found < enough
    };
    if asks.iter().any(missed) { draft("the cited passages do not speak of what the mail asks") } else { None }
}

fn closes(sentence: &str) -> bool {
    questions::thanks(sentence) || words(&fold(sentence)).any(|word| word == "cheers")
}
