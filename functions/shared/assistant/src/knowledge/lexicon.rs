//! What words mean at a service desk: which of them speak of the same thing (`parcel`, `delivery`, `arrive`), which name a
//! place, and which carry no subject (`please`, `wondering`). General vocabulary of customers, not of any one knowledge
//! base.
//!
//! The words stand in `lexicon/*.txt`. An entry is the beginning of a folded word; `=word` is the whole word, and
//! `send~back` are words in this order with few others between. In languages that compound, an entry of five letters or
//! more also counts inside a word, and one of four at its end (`Versandkosten`, `kweeklamp`).
//!
//! Invariant: the files are read once, are the same for every knowledge base, and only ever relate words to each other.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const CONCEPTS: [&str; 4] = [
    include_str!("lexicon/trade.txt"),
    include_str!("lexicon/shopping.txt"),
    include_str!("lexicon/account.txt"),
    include_str!("lexicon/services.txt"),
];
const GENERAL: &str = include_str!("lexicon/general.txt");
const PLACES: &str = include_str!("lexicon/places.txt");

/// Words that may stand between two of a phrase.
const GAP: usize = 4;
/// Shorter entries are never looked for with a typing error.
const FUZZY_LETTERS: usize = 6;

/// Languages whose words are joined without a space.
pub fn compounds(language: &str) -> bool {
    matches!(language, "de" | "nl" | "sv" | "da" | "no" | "fi" | "hu")
}

/// One entry of a file: a word or its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pattern {
    text: &'static str,
    whole: bool,
}

impl Pattern {
    fn read(entry: &'static str) -> Self {
        let text = entry.trim_matches('=');
        Self { text, whole: text.len() != entry.len() }
    }

    fn fits(self, word: &str) -> bool {
        if self.whole { word == self.text } else { word.starts_with(self.text) }
    }
}

#[derive(Debug, Default)]
struct Vocabulary {
    /// By their text, since every beginning of a word is looked up.
    entries: HashMap<&'static str, Vec<(Pattern, &'static str)>>,
    phrases: HashMap<&'static str, Vec<(Vec<Pattern>, &'static str)>>,
    general: HashMap<&'static str, Pattern>,
    /// Entries by their first letter, for words with a typing error.
    by_letter: HashMap<char, Vec<(&'static str, &'static str)>>,
}

static VOCABULARIES: LazyLock<HashMap<&'static str, Vocabulary>> = LazyLock::new(|| {
    let mut out: HashMap<&'static str, Vocabulary> = HashMap::new();
    for (concept, line) in CONCEPTS.iter().flat_map(|file| sections(file)) {
        let Some((language, entries)) = line.split_once(' ') else { continue };
        let vocabulary = out.entry(language).or_default();
        for entry in entries.split(' ').filter(|entry| !entry.is_empty()) {
            vocabulary.add(entry, concept);
        }
    }
    for (_, line) in sections(GENERAL) {
        let Some((language, entries)) = line.split_once(' ') else { continue };
        let vocabulary = out.entry(language).or_default();
        for pattern in entries.split(' ').filter(|entry| !entry.is_empty()).map(Pattern::read) {
            let known = vocabulary.general.entry(pattern.text).or_insert(pattern);
            known.whole &= pattern.whole;
        }
    }
    out
});

impl Vocabulary {
    fn add(&mut self, entry: &'static str, concept: &'static str) {
        let mut parts: Vec<Pattern> =
            entry.split(['~', '-']).filter(|part| !part.trim_matches('=').is_empty()).map(Pattern::read).collect();
        if parts.len() > 1 {
            self.phrases.entry(parts[0].text).or_default().push((parts, concept));
        } else if let Some(pattern) = parts.pop() {
            self.entries.entry(pattern.text).or_default().push((pattern, concept));
            if pattern.text.chars().count() >= FUZZY_LETTERS
                && let Some(first) = pattern.text.chars().next()
            {
                self.by_letter.entry(first).or_default().push((pattern.text, concept));
            }
        }
    }
}

/// The lines of a file with the heading (`[name]`) that they stand under.
fn sections(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut heading = "";
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            heading = name;
            return None;
        }
        Some((heading, line))
    })
}

/// The concepts a folded word speaks of, by the part of the word that does: a compound has several parts, and each part
/// may be read in several ways.
pub fn parts(language: &str, word: &str) -> Vec<Vec<&'static str>> {
    let found = found_parts(language, word);
    // `abgeholt` is a form of `abholen`: the mark of the participle stands inside.
    match (found.is_empty() && matches!(language, "de" | "nl")).then(|| word.find("ge")).flatten() {
        Some(at) if at <= 6 => found_parts(language, &format!("{}{}", &word[..at], &word[at + 2..])),
        _ => found,
    }
}

fn found_parts(language: &str, word: &str) -> Vec<Vec<&'static str>> {
    let Some(vocabulary) = VOCABULARIES.get(language) else { return Vec::new() };
    let mut found: Vec<(usize, usize, &'static str)> = Vec::new();
    let starts = if compounds(language) { word.len() } else { 1 };
    for start in (0..starts).filter(|start| word.is_char_boundary(*start)) {
        let rest = &word[start..];
        for end in (1..=rest.len()).filter(|end| rest.is_char_boundary(*end)) {
            for (pattern, concept) in vocabulary.entries.get(&rest[..end]).into_iter().flatten() {
                let inside = start > 0;
                let letters = pattern.text.chars().count();
                let fits = if inside {
                    !pattern.whole && start > 1 && (letters >= 5 || (letters >= 4 && end == rest.len()))
                } else {
                    pattern.fits(word)
                };
                if fits {
                    found.push((start, start + end, concept));
                }
            }
        }
    }
    // What stands inside a longer entry is no part of its own: `Personal` in `Personalausweis`.
    let whole = found.clone();
    found.retain(|(start, end, _)| {
        !whole.iter().any(|(from, to, _)| from <= start && end <= to && to - from > end - start && (end - start) < 10)
            || whole.iter().all(|(from, to, _)| to - from <= end - start)
    });
    found.sort_unstable_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut out: Vec<(usize, Vec<&'static str>)> = Vec::new();
    for (start, end, concept) in found {
        match out.last_mut() {
            Some((until, group)) if start < *until => {
                *until = end.max(*until);
                if !group.contains(&concept) {
                    group.push(concept);
                }
            }
            _ => out.push((end, vec![concept])),
        }
    }
    out.into_iter().map(|(_, group)| group).collect()
}

/// The concepts of phrases that begin at a word of a text, and the places of the further words that belong to them.
pub fn phrases<W: AsRef<str>>(language: &str, words: &[W], at: usize) -> (Vec<&'static str>, Vec<usize>) {
    let (mut out, mut taken) = (Vec::new(), Vec::new());
    let (Some(vocabulary), Some(word)) = (VOCABULARIES.get(language), words.get(at).map(AsRef::as_ref)) else {
        return (out, taken);
    };
    for end in (1..=word.len()).filter(|end| word.is_char_boundary(*end)) {
        for (pattern, concept) in vocabulary.phrases.get(&word[..end]).into_iter().flatten() {
            if let Some(further) = follow(&pattern[1..], words, at + 1).filter(|_| pattern[0].fits(word))
                && !out.contains(concept)
            {
                out.push(*concept);
                taken.extend(further);
            }
        }
    }
    (out, taken)
}

fn follow<W: AsRef<str>>(patterns: &[Pattern], words: &[W], from: usize) -> Option<Vec<usize>> {
    let Some((first, rest)) = patterns.split_first() else { return Some(Vec::new()) };
    let at = from + words.get(from..)?.iter().take(GAP).position(|word| first.fits(word.as_ref()))?;
    let mut further = follow(rest, words, at + 1)?;
    further.push(at);
    Some(further)
}

/// The concepts of the entry that a word with a typing error may have meant.
pub fn nearly(language: &str, word: &str) -> Vec<&'static str> {
    let letters = word.chars().count();
    let (Some(vocabulary), Some(first)) = (VOCABULARIES.get(language), word.chars().next()) else {
        return Vec::new();
    };
    if letters < FUZZY_LETTERS {
        return Vec::new();
    }
    let mut best: Option<(usize, &'static str)> = None;
    for (entry, concept) in vocabulary.by_letter.get(&first).into_iter().flatten() {
        let length = entry.chars().count();
        // The ending is free, as it is without an error.
        let fits = letters + 1 >= length
            && [length - 1, length, length + 1].iter().any(|size| {
                let head: String = word.chars().take(*size).collect();
                // In a short word another letter makes another word: `hiding` is not `hiring`.
                one_apart(&head, entry) && (length >= 8 || head.len() != entry.len() || same_letters(&head, entry))
            });
        if fits && best.is_none_or(|(known, _)| length > known) {
            best = Some((length, concept));
        }
    }
    best.map(|(_, concept)| concept).into_iter().collect()
}

fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// One letter more, less or other, or two that changed places.
pub fn one_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a.len(), b.len()) {
        (left, right) if left == right => {
            left == 0 || a[1..] == b[1..] || (left >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..])
        }
        (left, right) if left > right => a[1..] == *b,
        _ => *a == b[1..],
    }
}

/// A word of any mail, without a subject of its own.
pub fn is_general(language: &str, word: &str) -> bool {
    let Some(vocabulary) = VOCABULARIES.get(language) else { return false };
    (1..=word.len())
        .filter(|end| word.is_char_boundary(*end))
        .any(|end| vocabulary.general.get(&word[..end]).is_some_and(|pattern| pattern.fits(word)))
}

#[derive(Debug, Default)]
struct Places {
    /// Whole words, or with `prefix` their beginnings; several words are joined by a blank.
    words: HashMap<&'static str, (&'static str, Kind)>,
    longest: usize,
    members: HashSet<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Country,
    Whole,
    City,
}

/// The code of the European Union, which stands for all its members.
pub const UNION: &str = "eu";

static PLACE_NAMES: LazyLock<Places> = LazyLock::new(|| {
    let mut out = Places::default();
    for (heading, line) in sections(PLACES) {
        if heading == "members" {
            out.members.extend(line.split(' '));
            continue;
        }
        let Some((code, names)) = line.split_once(' ') else { continue };
        for name in names.split(' ') {
            let text = name.trim_matches('=');
            let kind = match heading {
                "cities" => Kind::City,
                _ if text.len() != name.len() || text.contains('_') || text.len() < 4 => Kind::Whole,
                _ => Kind::Country,
            };
            out.longest = out.longest.max(text.len());
            out.words.entry(text).or_insert((code, kind));
        }
    }
    out
});

/// The place that a word names, alone or with the next one; a city only where it is written like a name.
pub fn place(language: &str, word: &str, next: Option<&str>, capital: bool) -> Option<&'static str> {
    // `Porto` is postage in German.
    if language == "de" && word == "porto" {
        return None;
    }
    let places = &*PLACE_NAMES;
    let of = |name: &str| {
        let (code, kind) = places.words.get(name)?;
        (*kind != Kind::City || capital).then_some(*code)
    };
    if let Some(code) = next.and_then(|next| of(&format!("{word}_{next}"))).or_else(|| of(word)) {
        return Some(code);
    }
    let ends = (4..word.len().min(places.longest + 1)).rev();
    ends.filter(|end| word.is_char_boundary(*end)).find_map(|end| {
        places.words.get(&word[..end]).filter(|(_, kind)| *kind == Kind::Country).map(|(code, _)| *code)
    })
}

/// A member of the European Union.
pub fn in_union(code: &str) -> bool {
    PLACE_NAMES.members.contains(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, word: &str) -> Vec<Vec<&'static str>> {
        parts(language, word)
    }

    #[test]
    fn words_share_a_concept_across_languages_and_compounds() {
        assert_eq!(of("en", "delivery"), [["ship"]]);
        assert_eq!(of("de", "versandkosten"), [["ship"], ["cost"]]);
        assert_eq!(of("fr", "livraison"), [["ship"]]);
        assert_eq!(of("nl", "groeilamp"), [["lamp"]]);
        assert!(of("de", "hoffen").is_empty());
        assert!(of("xx", "delivery").is_empty());
    }

    #[test]
    fn phrases_bridge_few_words() {
        assert_eq!(phrases("en", &["change", "my", "mind"], 0), (vec!["regret"], vec![2]));
        assert!(phrases("en", &["change", "a", "b", "c", "d", "e", "mind"], 0).0.is_empty());
    }

    #[test]
    fn one_typing_error_is_forgiven() {
        assert_eq!(nearly("en", "refnud"), ["refund"]);
        assert_eq!(nearly("nl", "incaso"), ["debit"]);
        assert!(nearly("en", "mushroom").is_empty());
        assert!(one_apart("abonement", "abonnement") && !one_apart("garden", "harden1"));
    }

    #[test]
    fn cities_stand_for_their_country_and_islands_for_themselves() {
        assert_eq!(place("en", "vienna", None, true), Some("at"));
        assert_eq!(place("en", "nice", None, false), None);
        assert_eq!(place("pt", "ponta", Some("delgada"), true), Some("pt-20"));
        assert_eq!(place("de", "osterreichischen", None, false), Some("at"));
        assert!(in_union("at") && !in_union("ch"));
    }

    #[test]
    fn the_files_are_folded_complete_and_without_repeats() {
        let mut concepts = HashSet::new();
        for (concept, line) in CONCEPTS.iter().flat_map(|file| sections(file)) {
            let (language, entries) = line.split_once(' ').unwrap_or_else(|| panic!("no entries: {line}"));
            assert_eq!(language.len(), 2, "{line}");
            assert_eq!(crate::text::fold(line), line, "not folded");
            assert!(concepts.insert((concept, language)), "{concept} has {language} twice");
            let entries: Vec<&str> = entries.split(' ').collect();
            let different: HashSet<&&str> = entries.iter().collect();
            assert_eq!(entries.len(), different.len(), "an entry is repeated: {line}");
        }
        for (_, line) in sections(GENERAL).chain(sections(PLACES)) {
            assert_eq!(crate::text::fold(line), line, "not folded");
        }
        let of_english = concepts.iter().filter(|(_, language)| *language == "en").count();
        assert!(of_english >= 150, "{of_english}");
    }
}
