//! Whether a passage answers a question: the share of the question's meaning that it holds, and the kind of fact that
//! was asked for.
//!
//! Each content word of the question is a unit with a weight. A word that speaks of a known concept weighs most: when the
//! passage has it neither by word nor by concept, that is what the passage leaves open. A word that neither the base nor
//! the lexicon knows weighs as a noun (what the question may be about) or as anything else (a way of putting it). Some
//! gaps outweigh any share: a country or a long number that the passage does not name, and an amount or a time that was
//! asked for and is not there.

use super::shelf::{BY_CONCEPT, BY_KIN, BY_RELATION, Passage, Shelf, Unit, count};
use super::terms::{Term, terms};
use super::wanted::{Wanted, holds, wanted};
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Below this nothing counts as a source.
pub const FLOOR: f32 = 0.6;

/// Words of a question that are weighed; longer ones are no questions.
const MAX_UNITS: usize = 60;
/// What a unit weighs that the passage should have.
const CONCEPT: f32 = 1.0;
const WORD: f32 = 0.8;
/// Concepts that only qualify another.
const SOFT: f32 = 0.35;
const UNKNOWN_NOUN: f32 = 0.9;
const UNKNOWN: f32 = 0.45;
const NUMBER: f32 = 0.15;
const SHARED_HEADING: f32 = 0.5;
/// What a passage gains whose heading is what was asked for.
const HEADED: f32 = 0.12;
/// With this much one word of a long question may be left open.
const SURE: f32 = 0.72;
const CLEAR: f32 = 1.25;
/// A number this long names one order or one customer.
const REFERENCE_DIGITS: usize = 5;
const CODE_DIGITS: usize = 3;

/// Concepts that say how, to whom or at what stage, and are seldom the subject by themselves.
const QUALIFIERS: &[&str] = &[
    "old",
    "late",
    "start",
    "monthly",
    "yearly",
    "email",
    "staff",
    "document",
    "gratis",
    "threshold",
    "regret",
    "unsealed",
    "save",
    "broke_down",
    "covered",
    "address_where",
    "online",
    "group",
    "airport",
    "station",
    "meal",
    "bike",
    "visit_doctor",
    "back",
    "car",
    "money",
    "defect",
    "textbook",
    "weekday",
    "place",
    "link",
    "order",
    "undo",
    "correct",
    "size",
    "delay",
    "apply",
    "contact",
    "business",
    "room",
    "course",
    "identity",
    "claim",
    "seal",
    "big",
    "small",
    "gift",
    "lamp",
    "term",
    "children",
    "age",
    "visit",
    "harm",
    "bulk",
    "photo",
    "plant",
    "pod",
];

/// A question made ready for the passages of one language.
#[derive(Debug, Clone)]
pub struct Query {
    language: String,
    terms: Vec<Term>,
    context: Vec<Term>,
    pub(super) wanted: Option<Wanted>,
    units: OnceCell<Vec<Unit>>,
    context_units: OnceCell<Vec<Unit>>,
}

impl Query {
    pub fn new(language: &str, text: &str) -> Self {
        let wanted = wanted(language, text);
        let mut terms = different(language, text);
        if wanted == Some(Wanted::Amount) {
            // `How much do I pay` asks what it costs.
            let pays = |part: &&mut Vec<&'static str>| part.contains(&"pay");
            terms.iter_mut().flat_map(|term| term.parts.iter_mut()).filter(pays).for_each(|part| part.push("cost"));
        }
        Self {
            language: language.to_owned(),
            terms,
            context: Vec::new(),
            wanted,
            units: OnceCell::new(),
            context_units: OnceCell::new(),
        }
    }

    /// A question whose subject was named before it; what kind of fact is asked for is its own.
    pub fn within(language: &str, context: &str, text: &str) -> Self {
        Self { wanted: wanted(language, text), ..Self::new(language, &format!("{context} {text}")) }
    }

    /// A question that goes on from an earlier one, whose place and numbers it replaces by its own.
    pub fn after(language: &str, earlier: &str, text: &str) -> Self {
        let mut query = Self::new(language, text);
        query.wanted = query.wanted.or(wanted(language, earlier));
        let known: HashSet<String> = query.terms.iter().map(|term| term.word.clone()).collect();
        let kept = different(language, earlier).into_iter();
        let kept = kept.filter(|term| !term.number && term.place.is_none() && !term.parts.is_empty());
        query.terms.extend(kept.filter(|term| !known.contains(&term.word)));
        query
    }

    /// Words around the question: they may tip the order of passages, never make one an answer.
    #[must_use]
    pub fn beside(mut self, context: &str) -> Self {
        let own: HashSet<&str> = self.terms.iter().map(|term| term.word.as_str()).collect();
        let context = different(&self.language, context);
        let context = context.into_iter().filter(|term| !own.contains(term.word.as_str())).collect();
        self.context = context;
        self
    }

    pub(super) fn units(&self, shelf: &Shelf) -> &[Unit] {
        self.units.get_or_init(|| units(shelf, &self.language, &self.terms))
    }

    pub(super) fn context(&self, shelf: &Shelf) -> &[Unit] {
        self.context_units.get_or_init(|| units(shelf, &self.language, &self.context))
    }

    /// `How much is it?`: asks for a fact of something that it does not name.
    pub fn lacks_subject(&self) -> bool {
        self.terms
            .iter()
            .all(|term| term.number || term.concepts.iter().all(|of| *of == "cost") && !term.concepts.is_empty())
    }

    /// Nothing in it could be looked up.
    pub fn is_empty(&self) -> bool {
        self.terms.iter().all(|term| term.number)
    }

    /// How many of its words or concepts a sentence has.
    pub fn shared_with(&self, language: &str, sentence: &str) -> usize {
        let own = terms(language, sentence, MAX_UNITS * 4);
        let meets = |term: &Term| {
            own.iter().any(|other| {
                other.stems.iter().any(|stem| term.stems.contains(stem))
                    || other.concepts.iter().any(|concept| term.concepts.contains(concept))
            })
        };
        self.terms.iter().filter(|term| meets(term)).count()
    }

    pub fn subjects(&self) -> usize {
        self.terms.iter().filter(|term| !term.number).count()
    }
}

fn different(language: &str, text: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    let all = terms(language, text, MAX_UNITS * 4).into_iter();
    all.filter(|term| seen.insert(term.word.clone())).take(MAX_UNITS).collect()
}

fn units(shelf: &Shelf, language: &str, terms: &[Term]) -> Vec<Unit> {
    terms.iter().map(|term| weighed(shelf, shelf.unit(language, term))).collect()
}

fn weighed(shelf: &Shelf, mut unit: Unit) -> Unit {
    let rare = unit.weight / (count(shelf.passages.len()) + 1.5).ln().max(1.0);
    let term = &unit.term;
    let soft = is_soft(term);
    unit.weight = if term.number {
        NUMBER
    } else if term.place.is_some() {
        CONCEPT
    } else if !term.parts.is_empty() {
        if soft { SOFT } else { CONCEPT }
    } else if unit.known {
        WORD * (0.4 + 0.6 * rare.min(1.0))
    } else if term.noun {
        UNKNOWN_NOUN
    } else {
        UNKNOWN
    };
    unit
}

/// What it costs is asked of something.
fn is_price(term: &Term) -> bool {
    term.concepts.contains(&"cost")
}

fn is_soft(term: &Term) -> bool {
    let may_qualify = |part: &Vec<&str>| part.iter().any(|concept| QUALIFIERS.contains(concept));
    !term.parts.is_empty() && term.parts.iter().all(may_qualify)
}

/// A passage over the floor.
#[derive(Debug, Clone)]
pub struct Match {
    pub(crate) at: usize,
    /// Coverage of the question, 0 to 1.
    pub coverage: f32,
    order: f32,
}

/// What a passage has of a question.
#[derive(Debug, Default)]
struct Tally {
    covered: f32,
    total: f32,
    /// Units that it has by word or concept.
    full: usize,
    /// Those among them that are more than qualifiers.
    hard: usize,
    /// Those among them that speak of a concept.
    concepts: usize,
    headed: usize,
    /// Weighty units that it lacks altogether: concepts, and nouns that nobody knows.
    missed_concepts: usize,
    missed_nouns: usize,
    /// Other words that nobody knows.
    unknown: usize,
    /// Qualifiers that it lacks.
    unqualified: usize,
    /// Concepts that only the headings above have.
    above: usize,
}

impl Tally {
    fn missed(&self) -> usize {
        self.missed_concepts + self.missed_nouns
    }

    fn coverage(&self, passage: &Passage) -> f32 {
        let heading = count(self.headed) / count(passage.heading_words.max(1));
        let bonus = if self.missed() == 0 { HEADED * heading.min(1.0) } else { 0.0 };
        (self.covered / self.total + bonus).min(1.0)
    }
}

impl Match {
    pub(super) fn judge(shelf: &Shelf, at: usize, query: &Query, order: f32, floor: f32) -> Option<Self> {
        let passage = shelf.passages.get(at)?;
        if query.is_empty() || !holds(query.wanted, &passage.text) {
            return None;
        }
        let tally = tally(query.units(shelf), passage)?;
        let coverage = tally.coverage(passage);
        // Of a longer question one word may be nobody's; a concept that is left open is what was asked.
        let complete = match (tally.missed_concepts, tally.missed_nouns) {
            (0, 0) => tally.above == 0 || tally.full >= 2,
            (1, 0) => tally.hard >= 3 && tally.headed > 0 && coverage >= SURE,
            (0, 2) => tally.hard >= 3 && tally.headed > 0 && coverage >= SURE,
            (0, 1) => tally.full >= 3 || (tally.full == 2 && tally.headed > 0 && query.wanted.is_some()),
            _ => false,
        };
        // `Does the guarantee cover theft?`: of a short question no word is idle, unless a fact was asked for.
        let idle = tally.full >= 3 || query.wanted.is_some() || (tally.unknown == 0 && tally.unqualified <= 1);
        let complete = complete && idle;
        let subject = tally.full >= 3
            || (tally.full == 2 && (tally.concepts > 0 || tally.headed > 0))
            || is_subject(shelf, query, passage);
        let firm =
            |unit: &Unit| !(unit.term.number || is_soft(&unit.term) || is_price(&unit.term)) && unit.weight > UNKNOWN;
        let only_soft = !query.units(shelf).iter().any(firm)
            && tally.unqualified == 0
            && tally.unknown == 0
            && (tally.headed > 0 || query.wanted.is_some());
        let named = (tally.hard > 0 || only_soft)
            && (tally.concepts > 0 || tally.full >= 2 || query.wanted.is_some() || query.subjects() == 1);
        (coverage >= floor && tally.full > 0 && complete && subject && named).then_some(Self { at, coverage, order })
    }

    /// Whether a passage that another question of the mail led to may answer this one as well: it leaves nothing open
    /// that was named, and has the kind of fact.
    pub(super) fn extends(shelf: &Shelf, at: usize, query: &Query, least: f32) -> bool {
        let Some(passage) = shelf.passages.get(at).filter(|passage| holds(query.wanted, &passage.text)) else {
            return false;
        };
        match tally(query.units(shelf), passage) {
            Some(tally) => {
                tally.missed_concepts == 0 && tally.missed_nouns <= 1 && tally.covered >= tally.total * least
            }
            None => query.terms.is_empty(),
        }
    }

    /// Far ahead of the next in the order.
    pub(crate) fn clearly_before(&self, second: &Self) -> bool {
        self.order >= second.order * CLEAR
    }

    pub(super) fn best_first(a: &Self, b: &Self) -> Ordering {
        b.order.total_cmp(&a.order).then(b.coverage.total_cmp(&a.coverage)).then(a.at.cmp(&b.at))
    }
}

/// `None` where something is missing that no other word makes good.
fn tally(units: &[Unit], passage: &Passage) -> Option<Tally> {
    let mut out = Tally::default();
    for unit in units {
        let own = Shelf::credit(unit, &passage.terms);
        let shared = Shelf::credit(unit, &passage.shared) * SHARED_HEADING;
        let credit = own.max(shared);
        if credit == 0.0 && must_stand(&unit.term) {
            return None;
        }
        // A qualifier that a passage lacks takes little; one that it has counts like any other word.
        let weight = if credit > 0.0 && !unit.term.number { unit.weight.max(WORD * credit) } else { unit.weight };
        let weighty = credit == 0.0 && weight >= UNKNOWN_NOUN;
        out.missed_concepts += usize::from(weighty && !unit.term.parts.is_empty());
        out.missed_nouns += usize::from(weighty && unit.term.parts.is_empty());
        out.unknown += usize::from(!unit.known && unit.term.parts.is_empty() && !unit.term.number);
        out.unqualified += usize::from(credit == 0.0 && is_soft(&unit.term));
        out.above += usize::from(own == 0.0 && shared > 0.0 && !unit.term.parts.is_empty());
        out.full += usize::from(own >= BY_KIN && !unit.term.number);
        out.hard += usize::from(own >= BY_KIN && !unit.term.number && !is_price(&unit.term) && !is_soft(&unit.term));
        out.concepts += usize::from(own >= BY_CONCEPT && !unit.term.parts.is_empty());
        out.headed += usize::from(!unit.term.number && Shelf::credit(unit, &passage.heading) >= BY_RELATION);
        out.covered += weight * credit.min(1.0).max(if own >= BY_CONCEPT { 1.0 } else { 0.0 });
        out.total += weight;
    }
    (out.total > 0.0).then_some(out)
}

/// One shared word makes a source only if the passage is about it: `delivery` stands in a passage on returns as well
/// (`within 30 days of delivery`), and `Do you have lamps?` is not answered by whatever speaks of lamps. It is about
/// what its heading names, or about a word that no other passage has and that it begins with (`Dogs are welcome`).
fn is_subject(shelf: &Shelf, query: &Query, passage: &Passage) -> bool {
    let rare = |unit: &Unit| {
        unit.tokens
            .iter()
            .any(|(number, _)| shelf.frequency(*number) == 1 && passage.lead.binary_search(number).is_ok())
    };
    query.units(shelf).iter().filter(|unit| !unit.term.number).any(|unit| {
        let headed = Shelf::credit(unit, &passage.heading) >= BY_CONCEPT
            && (!unit.term.parts.is_empty() || passage.heading_words <= 2);
        headed || rare(unit)
    })
}

fn must_stand(term: &Term) -> bool {
    let digits = term.word.chars().filter(char::is_ascii_digit).count();
    let code = digits >= CODE_DIGITS && term.word.chars().any(char::is_alphabetic);
    term.place.is_some() || (term.number && (digits >= REFERENCE_DIGITS || code))
}
