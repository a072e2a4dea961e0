//! The outer form of a reply: there is one, it is no longer than a mail, it does not turn in circles, and nothing of a
//! template is left in it.

use super::case::Case;
use super::{Finding, draft, person};
use crate::text::{fold, sentences, words};
use std::collections::{HashMap, HashSet};

/// Characters of a reply that a customer reads.
const LONG: usize = 4_000;
/// From so many words on, the share of words said before is looked at.
const REPEATS_FROM: usize = 60;

pub fn length(case: &Case<'_>) -> Finding {
    if !case.reply.chars().any(char::is_alphabetic) {
        return person("the reply has no text");
    }
    if case.too_long {
        return person("the reply is too long to be checked");
    }
    if case.reply.chars().count() > LONG { draft("the reply is very long") } else { None }
}

pub fn repetition(case: &Case<'_>) -> Finding {
    let mut said: HashMap<String, usize> = HashMap::new();
    for sentence in sentences(&case.reply) {
        *said.entry(fold(sentence)).or_insert(0) += 1;
    }
    let folded = fold(&case.reply);
    let all: Vec<&str> = words(&folded).collect();
    let threes: Vec<&[&str]> = all.windows(3).collect();
    let different: HashSet<&&[&str]> = threes.iter().collect();
    let circles = all.len() >= REPEATS_FROM && different.len() * 2 < threes.len();
    if circles || said.values().any(|times| *times >= 3) { draft("the reply repeats itself") } else { None }
}

const TEMPLATE: &[&str] = &["{{", "}}", "{%", "${", "<%", "lorem ipsum", "todo:", "tbd", "xxxx", "](", "[["];

pub fn leftovers(case: &Case<'_>) -> Finding {
    let (reply, sources) = (case.reply.to_lowercase(), case.sources.to_lowercase());
    let template = TEMPLATE.iter().any(|mark| reply.contains(mark) && !sources.contains(mark));
    let gap = enclosed(&reply, '[', ']').chain(enclosed(&reply, '<', '>')).any(|gap| !sources.contains(gap));
    if template || gap { draft("a placeholder or markup is left in the reply") } else { None }
}

/// `[your name]`, `[1]`, `<b>`: what stands in brackets on one line, with the brackets. Links in angles are for their
/// own guard.
fn enclosed(text: &str, open: char, close: char) -> impl Iterator<Item = &str> {
    text.split_inclusive(close).filter_map(move |piece| {
        let at = piece.rfind(open)?;
        let found = &piece[at..];
        let inner = found.strip_suffix(close)?.strip_prefix(open)?;
        let gap = !inner.is_empty()
            && inner.chars().count() <= 60
            && !inner.contains('\n')
            && inner.starts_with(|c: char| c.is_alphanumeric() || "/!_".contains(c))
            && !inner.contains(['@', '.']);
        gap.then_some(found)
    })
}
