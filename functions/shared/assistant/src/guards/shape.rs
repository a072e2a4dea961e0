//! The outer form of a reply: there is one, it is no longer than a mail, it does not turn in circles, it does not hand the
//! customer's own sentences back, and nothing of a template is left in it.

use super::case::Case;
use super::{Finding, draft, person};
use crate::text::{fold, sentences, words};
use std::collections::{HashMap, HashSet};

/// Characters of a reply that a customer reads.
const LONG: usize = 4_000;
/// From so many words on, the share of words said before is looked at.
const REPEATS_FROM: usize = 60;
/// From so many words on, what the customer wrote is no courtesy any more.
const COPIED: usize = 6;

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
    if copied(case) >= COPIED {
        return person("the reply hands the customer's own sentences back");
    }
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

/// Words in sentences of the reply that stand in the mail as they are, and in nothing that the team wrote. A greeting or
/// a name is soon the same; a sentence is a model that takes the mail for its answer. One that only quotes a question
/// says so in the same sentence.
fn copied(case: &Case<'_>) -> usize {
    let line = |text: &str| format!(" {} ", words(&fold(text)).collect::<Vec<_>>().join(" "));
    let (mail, ours) = (line(&case.customer), line(&format!("{}\n{}", case.sources, case.owner)));
    sentences(&case.reply)
        .into_iter()
        .flat_map(str::lines)
        .map(|sentence| (line(sentence), words(sentence).count()))
        .filter(|(said, count)| *count >= 2 && mail.contains(said) && !ours.contains(said))
        .map(|(_, count)| count)
        .sum()
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
