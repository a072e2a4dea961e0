//! All passages of one language with their inverted index, and the order that a question puts them in: BM25 over the
//! words, concepts and places of the question, each with a weight of its own.
//!
//! Invariant: ranking looks only at the passages that share something with the question; its work is bounded by the
//! words of the question and the places where they stand.

use super::chunk;
use super::coverage::Query;
use super::lexicon;
use super::terms::{Term, concept_token, place_token, terms};
use super::wanted::holds;
use std::collections::{HashMap, HashSet};

/// Words of a passage that are indexed. Passages are cut well below this.
pub const MAX_WORDS: usize = 400;
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.4;
/// Words that a passage begins with.
const LEAD: usize = 3;
/// A concept in other words says almost as much as the word itself; a kindred word says half.
pub const BY_WORD: f32 = 1.0;
pub const BY_CONCEPT: f32 = 0.85;
pub const BY_TYPING_ERROR: f32 = 0.8;
pub const BY_KIN: f32 = 0.55;
pub const BY_RELATION: f32 = 0.54;
/// A word of the heading is what the passage is about.
const IN_HEADING: f32 = 0.5;
/// A word of the mail that is not of the question itself.
const CONTEXT: f32 = 0.4;
const FACT: f32 = 0.12;
/// Letters that kindred words begin or end with alike.
const KIN_LETTERS: usize = 5;

/// Concepts of which the one often answers for the other.
const RELATED: &[(&str, &str)] = &[
    ("back", "return"),
    ("car", "parking"),
    ("desktop", "mobile"),
    ("back", "refund"),
    ("back", "undo"),
    ("money", "pay"),
    ("money", "refund"),
    ("refund", "return"),
    ("return", "refund"),
    ("regret", "return"),
    ("exchange", "return"),
    ("unsealed", "return"),
    ("gratis", "cost"),
    ("cost", "gratis"),
    ("threshold", "gratis"),
    ("gratis", "threshold"),
    ("track", "ship"),
    ("haulier", "ship"),
    ("upstairs", "ship"),
    ("place", "address_where"),
    ("address_where", "email"),
    ("weekday", "open"),
    ("weekend", "weekday"),
    ("weekend", "open"),
    ("contact", "phone"),
    ("phone", "contact"),
    ("contact", "email"),
    ("staff", "contact"),
    ("ending", "term"),
    ("term", "ending"),
    ("cancel", "ending"),
    ("ending", "cancel"),
    ("broke_down", "defect"),
    ("defect", "broke_down"),
    ("broke_down", "warranty"),
    ("defect", "warranty"),
    ("covered", "warranty"),
    ("warranty", "covered"),
    ("repair", "warranty"),
    ("claim", "warranty"),
    ("card", "pay"),
    ("cash", "pay"),
    ("cheque", "pay"),
    ("transfer", "pay"),
    ("debit", "pay"),
    ("instalments", "pay"),
    ("save", "discount"),
    ("discount", "save"),
    ("old", "cost"),
    ("plan", "order"),
    ("identity", "document"),
    ("seal", "unsealed"),
    ("deduct", "cost"),
    ("mobile", "app"),
    ("desktop", "app"),
    ("weekday", "start"),
    ("visit_doctor", "booking"),
    ("booking", "visit_doctor"),
    ("slot", "visit_doctor"),
    ("late", "checkin"),
    ("apply", "booking"),
    ("network", "online"),
    ("tyre", "repair"),
    ("brake", "repair"),
    ("inspection", "repair"),
    ("wood", "colour"),
    ("delete", "account"),
    ("undo", "delete"),
    ("payout", "pay"),
    ("privacy", "delete"),
];

/// One indexed passage; the words are numbers of the shelf's vocabulary, sorted.
#[derive(Debug)]
pub struct Passage {
    pub id: String,
    pub title: String,
    pub text: String,
    /// Stems, concepts and places of the passage and of the headings that are its own.
    pub terms: Box<[u32]>,
    /// Those of its own headings alone.
    pub heading: Box<[u32]>,
    /// How many different words that is.
    pub heading_words: usize,
    /// Stems of the words that it begins with.
    pub lead: Box<[u32]>,
    /// Those of the headings it shares with the rest of its document.
    pub shared: Box<[u32]>,
}

/// A passage before it is indexed.
pub struct Cut {
    pub id: String,
    pub title: String,
    pub text: String,
    /// The heading that is its own.
    pub own: String,
    /// The headings that hold for its neighbours too.
    pub shared: String,
}

#[derive(Debug)]
pub struct Shelf {
    pub passages: Vec<Passage>,
    numbers: HashMap<Box<str>, u32>,
    /// For each word the passages that it stands in, and how often.
    postings: Vec<Vec<(u32, u8)>>,
    lengths: Vec<u16>,
    mean_length: f32,
    /// Words as written, by their first and by their last letters.
    kin: HashMap<Box<str>, Vec<Box<str>>>,
}

/// What a term of the question may be found as.
#[derive(Debug, Clone)]
pub struct Unit {
    pub term: Term,
    /// Numbers of the vocabulary, with what they are worth.
    pub tokens: Vec<(u32, f32)>,
    /// For each part of a compound the numbers of its concepts; all parts are needed.
    pub parts: Vec<Vec<(u32, f32)>>,
    pub weight: f32,
    /// The base has the word, or a word of its concept.
    pub known: bool,
}

impl Shelf {
    pub fn build(language: &str, cuts: Vec<Cut>) -> Self {
        let mut shelf = Self {
            passages: Vec::with_capacity(cuts.len()),
            numbers: HashMap::new(),
            postings: Vec::new(),
            lengths: Vec::with_capacity(cuts.len()),
            mean_length: 1.0,
            kin: HashMap::new(),
        };
        let mut written: HashSet<Box<str>> = HashSet::new();
        for (at, cut) in (0_u32..).zip(cuts) {
            let plain = chunk::plain(&cut.text);
            let (own, body) = (terms(language, &cut.own, MAX_WORDS), terms(language, &plain, MAX_WORDS));
            let shared = terms(language, &cut.shared, MAX_WORDS);
            let lead = terms(language, &plain, LEAD);
            let heading_words = own.iter().map(|term| term.word.as_str()).collect::<HashSet<_>>().len();
            let mut counts: HashMap<u32, u8> = HashMap::new();
            for term in own.iter().chain(&body) {
                if !term.number && term.word.chars().count() >= KIN_LETTERS {
                    written.insert(term.word.as_str().into());
                }
                for token in tokens(term) {
                    let count = counts.entry(shelf.number(token)).or_insert(0);
                    *count = count.saturating_add(1);
                }
            }
            for (number, count) in &counts {
                shelf.postings[*number as usize].push((at, *count));
            }
            let length = u16::try_from(own.len() + body.len()).unwrap_or(u16::MAX);
            shelf.lengths.push(length);
            let passage = Passage {
                heading: shelf.set(&own),
                lead: shelf.set(&lead),
                shared: shelf.set(&shared),
                terms: sorted(counts.into_keys().collect()),
                heading_words,
                id: cut.id,
                title: cut.title,
                text: cut.text,
            };
            shelf.passages.push(passage);
        }
        let total: f32 = shelf.lengths.iter().map(|length| f32::from(*length)).sum();
        shelf.mean_length = (total / count(shelf.passages.len())).max(1.0);
        let mut written: Vec<Box<str>> = written.into_iter().collect();
        written.sort_unstable();
        for word in written {
            let (head, tail) = ends(&word);
            shelf.kin.entry(format!("{head}-").into()).or_default().push(word.clone());
            shelf.kin.entry(format!("-{tail}").into()).or_default().push(word);
        }
        shelf
    }

    fn number(&mut self, token: String) -> u32 {
        if let Some(number) = self.numbers.get(token.as_str()) {
            return *number;
        }
        let number = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        self.postings.push(Vec::new());
        self.numbers.insert(token.into(), number);
        number
    }

    fn set(&mut self, terms: &[Term]) -> Box<[u32]> {
        let numbers = terms.iter().flat_map(tokens).map(|token| self.number(token)).collect();
        sorted(numbers)
    }

    /// Its number, where any passage or heading has it.
    pub fn find(&self, token: &str) -> Option<u32> {
        self.numbers.get(token).copied()
    }

    /// The word stands in a passage or its own heading.
    pub fn has(&self, token: &str) -> bool {
        self.find(token).is_some_and(|number| self.frequency(number) > 0)
    }

    pub fn frequency(&self, number: u32) -> usize {
        self.postings.get(number as usize).map_or(0, Vec::len)
    }

    fn rarity(&self, number: u32) -> f32 {
        let (all, of) = (count(self.passages.len()), count(self.frequency(number)));
        (1.0 + (all - of + 0.5) / (of + 0.5)).ln()
    }

    /// Where a term of a question is to be looked for.
    pub fn unit(&self, language: &str, term: &Term) -> Unit {
        let mut term = term.clone();
        let mut tokens: Vec<(u32, f32)> =
            term.stems.iter().filter_map(|stem| self.find(stem)).map(|number| (number, BY_WORD)).collect();
        let stands = |tokens: &[(u32, f32)]| tokens.iter().any(|(number, _)| self.frequency(*number) > 0);
        if let Some(code) = term.place {
            tokens.extend(self.find(&place_token(code)).map(|number| (number, BY_WORD)));
            if lexicon::in_union(code) {
                tokens.extend(self.find(&place_token(lexicon::UNION)).map(|number| (number, BY_CONCEPT)));
            }
        } else if !term.number && !stands(&tokens) {
            let kin = self.kindred(&term.word);
            if term.parts.is_empty() {
                let meant = kin.iter().find(|(_, worth)| *worth >= BY_TYPING_ERROR);
                let concepts = meant.map_or_else(
                    || lexicon::nearly(language, &term.word),
                    |(word, _)| lexicon::parts(language, word).into_iter().flatten().collect(),
                );
                if !concepts.is_empty() {
                    term.concepts.clone_from(&concepts);
                    term.parts = vec![concepts];
                }
            }
            tokens.extend(kin.into_iter().filter_map(|(word, worth)| Some((self.find(word)?, worth))));
        }
        let parts: Vec<Vec<(u32, f32)>> = term.parts.iter().map(|part| self.concepts(part)).collect();
        let known = stands(&tokens) || parts.iter().any(|part| stands(part));
        let all = tokens.iter().chain(parts.iter().flatten().filter(|(_, worth)| *worth >= BY_CONCEPT));
        let rarest = all.map(|(number, _)| self.rarity(*number)).fold(0.0_f32, f32::max);
        Unit { term, tokens, parts, weight: rarest, known }
    }

    fn concepts(&self, part: &[&'static str]) -> Vec<(u32, f32)> {
        let own =
            part.iter().filter_map(|concept| self.find(&concept_token(concept))).map(|number| (number, BY_CONCEPT));
        let related = RELATED
            .iter()
            .filter(|(of, _)| part.contains(of))
            .filter_map(|(_, other)| self.find(&concept_token(other)))
            .map(|number| (number, BY_RELATION));
        own.chain(related).collect()
    }

    /// Words of the base that the word may have meant, or that share its stem or a part.
    fn kindred(&self, word: &str) -> Vec<(&str, f32)> {
        let letters = word.chars().count();
        if letters < KIN_LETTERS {
            return Vec::new();
        }
        let (head, tail) = ends(word);
        let mut out: Vec<(&str, f32)> = Vec::new();
        for (key, ahead) in [(format!("{head}-"), true), (format!("-{tail}"), false)] {
            for other in self.kin.get(key.as_str()).into_iter().flatten() {
                let longer = letters.max(other.chars().count());
                let alike = if ahead {
                    word.chars().zip(other.chars()).take_while(|(a, b)| a == b).count()
                } else {
                    word.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count()
                };
                let worth = if lexicon::one_apart(word, other) {
                    BY_TYPING_ERROR
                } else if alike * 3 >= longer * 2 {
                    BY_KIN
                } else {
                    continue;
                };
                out.push((other, worth));
            }
        }
        out
    }

    /// What a passage has of a unit: the best of its words, or the mean over the parts of a compound.
    pub fn credit(unit: &Unit, set: &[u32]) -> f32 {
        let best = |tokens: &[(u32, f32)]| {
            tokens
                .iter()
                .filter(|(number, _)| set.binary_search(number).is_ok())
                .map(|(_, worth)| *worth)
                .fold(0.0, f32::max)
        };
        let by_word = best(&unit.tokens);
        let by_parts = if unit.parts.is_empty() {
            0.0
        } else {
            unit.parts.iter().map(|part| best(part)).sum::<f32>() / count(unit.parts.len())
        };
        by_word.max(by_parts)
    }

    /// The best passages for a question with what the order rests on, best first.
    pub fn ranked(&self, query: &Query, limit: usize) -> Vec<(usize, f32)> {
        let mut sums: HashMap<u32, f32> = HashMap::new();
        let units = query.units(self).iter().map(|unit| (unit, 1.0));
        let context = query.context(self).iter().map(|unit| (unit, CONTEXT));
        let (units, context): (Vec<_>, Vec<_>) = (units.collect(), context.collect());
        for (unit, share) in units.into_iter().chain(context) {
            let mut best: HashMap<u32, f32> = HashMap::new();
            let each = count(unit.parts.len().max(1));
            let parts = unit.parts.iter().flatten().map(|(number, worth)| (*number, *worth / each));
            for (number, worth) in unit.tokens.iter().copied().chain(parts) {
                let rarity = self.rarity(number);
                for (at, often) in self.postings.get(number as usize).into_iter().flatten() {
                    let length = f32::from(self.lengths[*at as usize]) / self.mean_length;
                    let often = f32::from(*often);
                    let often = often * (SATURATION + 1.0) / (often + SATURATION * (1.0 - LENGTH + LENGTH * length));
                    let headed = self.passages[*at as usize].heading.binary_search(&number).is_ok();
                    let worth = worth * rarity * often * (1.0 + if headed { IN_HEADING } else { 0.0 });
                    let known = best.entry(*at).or_insert(0.0);
                    *known = known.max(worth);
                }
            }
            let share = share * if unit.term.number { 0.3 } else { 1.0 };
            for (at, worth) in best {
                *sums.entry(at).or_insert(0.0) += worth * share;
            }
        }
        let mut out: Vec<(usize, f32)> = sums
            .into_iter()
            .map(|(at, sum)| {
                let at = at as usize;
                let fact = query.wanted.is_some() && holds(query.wanted, &self.passages[at].text);
                (at, sum * (1.0 + if fact { FACT } else { 0.0 }))
            })
            .collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        out.truncate(limit);
        out
    }
}

fn tokens(term: &Term) -> impl Iterator<Item = String> {
    let concepts = term.concepts.iter().map(|concept| concept_token(concept));
    term.stems.iter().cloned().chain(concepts).chain(term.place.map(place_token)).collect::<HashSet<_>>().into_iter()
}

fn sorted(mut numbers: Vec<u32>) -> Box<[u32]> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into()
}

/// The first and the last letters.
fn ends(word: &str) -> (String, String) {
    let letters = KIN_LETTERS - 1;
    let head = word.chars().take(letters).collect();
    let skip = word.chars().count().saturating_sub(letters + 1);
    (head, word.chars().skip(skip).collect())
}

#[expect(clippy::cast_precision_loss, reason = "counts of words and passages are far below what a float holds exactly")]
pub fn count(number: usize) -> f32 {
    number as f32
}
