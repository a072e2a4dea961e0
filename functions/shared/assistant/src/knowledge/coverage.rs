//! Whether a passage answers a question: the share of the question's meaning that it holds, and the kind of fact that
//! was asked for.
//!
//! Each content word of the question is a unit with a weight: rare words weigh more than frequent ones, a word that the
//! whole base has never seen weighs most, because it is what the question is about and nobody wrote about it. A unit is
//! covered by its stem or, slightly less, by another word of the same concept. Some gaps outweigh any share: a country
//! or a long number that the passage does not name, and an amount or a time that was asked for and is not there.

use super::terms::{Term, concept_token, terms};
use super::{Passage, Shelf};
use crate::text::{fold, is_hangul, is_unspaced, words};
use std::cmp::Ordering;
use std::collections::HashSet;

/// Below this coverage nothing counts as a source. At two thirds, a question of three words needs all that matter, and
/// one of four or five may say one thing in words of its own.
pub const FLOOR: f32 = 0.66;

/// Words of a question that are weighed; longer ones are no questions.
const MAX_UNITS: usize = 60;
const BY_CONCEPT: f32 = 0.9;
const BY_SHARED_HEADING: f32 = 0.4;
const UNSEEN: f32 = 1.4;
const NUMBER: f32 = 0.3;
/// A number this long names one order or one customer.
const REFERENCE_DIGITS: usize = 5;

/// The kind of fact that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Amount,
    Duration,
    Moment,
}

/// A question made ready for the passages of one language.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    text: String,
    terms: Vec<Term>,
    wanted: Option<Wanted>,
}

impl Query {
    pub fn new(language: &str, text: &str) -> Self {
        let mut seen = HashSet::new();
        let terms = terms(language, text, MAX_UNITS * 4)
            .into_iter()
            .filter(|term| seen.insert(term.word.clone()))
            .take(MAX_UNITS)
            .collect();
        Self { text: text.to_owned(), terms, wanted: wanted(language, text) }
    }

    /// A question whose subject was named before it; what kind of fact is asked for is its own.
    pub fn within(language: &str, context: &str, text: &str) -> Self {
        Self { wanted: wanted(language, text), ..Self::new(language, &format!("{context} {text}")) }
    }

    /// `How much is it?`: asks for a fact of something that it does not name.
    pub fn lacks_subject(&self) -> bool {
        self.terms.iter().all(|term| term.number || term.concepts == ["cost"])
    }

    pub fn text(&self) -> &str {
        &self.text
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

/// A passage over the floor.
#[derive(Debug, Clone)]
pub struct Match {
    pub(crate) at: usize,
    pub coverage: f32,
    /// Share of the query's words that the passage's own heading has.
    headed: f32,
    /// A fact was asked for, and the passage has a figure.
    figure: bool,
    bm25: f32,
}

impl Match {
    pub(super) fn judge(shelf: &Shelf, at: usize, query: &Query, bm25: f32) -> Option<Self> {
        let passage = shelf.passages.get(at)?;
        if query.is_empty() || !holds(query.wanted, &passage.text) {
            return None;
        }
        let (mut covered, mut total, mut full, mut headed) = (0.0_f32, 0.0_f32, 0_usize, 0_usize);
        let mut missed_unseen = 0;
        let mut common = false;
        for term in &query.terms {
            let credit = credit(term, &passage.terms, &passage.shared);
            if credit == 0.0 && must_stand(term) {
                return None;
            }
            let weight = weight(shelf, term);
            missed_unseen += usize::from(credit == 0.0 && weight >= UNSEEN);
            full += usize::from(credit >= BY_CONCEPT && !term.number);
            common |= credit >= BY_CONCEPT && !term.concepts.is_empty();
            headed += usize::from(!term.number && in_heading(term, passage));
            covered += weight * credit;
            total += weight;
        }
        let knows_prices = shelf.frequency.contains_key(&concept_token("cost"));
        if knows_prices
            && query.wanted == Some(Wanted::Amount)
            && !query.terms.iter().any(|term| term.concepts.contains(&"cost"))
        {
            // `How much` asks for a price without naming it.
            total += 0.5;
            covered += if passage.terms.contains(&concept_token("cost")) { 0.5 } else { 0.0 };
        }
        let coverage = covered / total;
        let over = coverage >= FLOOR && full > 0 && (missed_unseen == 0 || full >= 3);
        // Two words of the text alone, neither a common topic nor in the heading, are still said in passing.
        let subject = full >= 3 || (full == 2 && (common || headed > 0)) || is_subject(shelf, query, passage);
        #[expect(clippy::cast_precision_loss, reason = "a query has at most some sixty words")]
        let headed = headed as f32 / query.subjects().max(1) as f32;
        // `Within 30 days` answers how long sooner than `within one working day`, which is said of something else in passing.
        let figure = query.wanted.is_some() && passage.text.chars().any(|c| c.is_ascii_digit());
        (over && subject).then_some(Self { at, coverage, headed, figure, bm25 })
    }

    pub(super) fn best_first(a: &Self, b: &Self) -> Ordering {
        // What stands in its heading is what a passage is about; a word in its text may be said in passing.
        let rank = |found: &Self| ((found.coverage + 0.4 * found.headed) * 20.0).round();
        rank(b).total_cmp(&rank(a)).then(b.figure.cmp(&a.figure)).then(b.bm25.total_cmp(&a.bm25)).then(a.at.cmp(&b.at))
    }
}

fn in_heading(term: &Term, passage: &Passage) -> bool {
    term.stems.iter().any(|stem| passage.heading.contains(stem))
        || (!term.concepts.is_empty()
            && term.concepts.iter().all(|concept| passage.heading.contains(&concept_token(concept))))
}

/// One shared word makes a source only if the passage is about it: `delivery` stands in a passage on returns as well
/// (`within 30 days of delivery`), and `Do you have lamps?` is not answered by whatever speaks of lamps. It is about
/// what its heading names, or about a word that no other passage has and that it begins with (`Dogs are welcome`).
fn is_subject(shelf: &Shelf, query: &Query, passage: &Passage) -> bool {
    let rare = |term: &Term| {
        term.stems.iter().filter_map(|stem| shelf.frequency.get(stem)).max() == Some(&1)
            && term.stems.iter().any(|stem| passage.lead.contains(stem))
    };
    query.terms.iter().filter(|term| !term.number).any(|term| {
        let headed = in_heading(term, passage) && (!term.concepts.is_empty() || passage.heading_words <= 2);
        headed || rare(term)
    })
}

fn credit(term: &Term, own: &HashSet<String>, shared: &HashSet<String>) -> f32 {
    let stem_in = |set: &HashSet<String>| term.stems.iter().any(|stem| set.contains(stem));
    // A compound speaks of all its concepts: `Versandkosten` is not covered by a passage about the times of delivery.
    let concepts_in = |set: &HashSet<String>| {
        !term.concepts.is_empty() && term.concepts.iter().all(|concept| set.contains(&concept_token(concept)))
    };
    if stem_in(own) {
        1.0
    } else if concepts_in(own) {
        BY_CONCEPT
    } else if related(term, own) {
        0.6
    } else if stem_in(shared) || concepts_in(shared) {
        BY_SHARED_HEADING
    } else {
        0.0
    }
}

/// Concepts of which the one often answers for the other.
fn related(term: &Term, own: &HashSet<String>) -> bool {
    const RELATED: &[(&str, &str)] =
        &[("refund", "return"), ("return", "refund"), ("weekday", "open"), ("track", "order"), ("place", "open")];
    RELATED.iter().any(|(of, other)| term.concepts == [*of] && own.contains(&concept_token(other)))
}

fn must_stand(term: &Term) -> bool {
    term.region || (term.number && term.word.chars().filter(char::is_ascii_digit).count() >= REFERENCE_DIGITS)
}

fn weight(shelf: &Shelf, term: &Term) -> f32 {
    if term.number {
        return NUMBER;
    }
    let concepts = term.concepts.iter().map(|concept| concept_token(concept));
    let frequency =
        term.stems.iter().cloned().chain(concepts).filter_map(|token| shelf.frequency.get(&token)).copied().min();
    let Some(frequency) = frequency else {
        return UNSEEN;
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of passages are far below what a float holds exactly")]
    let share = frequency as f32 / shelf.passages.len().max(1) as f32;
    1.2 - 0.5 * share
}

const CURRENCIES: &str = "€ $ £ ¥ ￥ ₽ ₺ eur usd chf gbp sek dkk nok pln huf ron try kr zl ft lei руб tl 円 元 원 euro pound dollar franc frank cent";
const FREE: &str = "free gratis gratuit kostenlos kostenfrei unentgeltlich bezplat darmow ingyen бесплат ucretsiz ilmai ilmain offert 無料 免费 무료";
const TIME_UNITS: &str = "day days hour week month year minute tag tage tagen stund woche monat jahr werktag arbeitstag minut jour heure semaine mois an ans annee dia dias hora semana mes meses ano anos giorn ora ore settiman mese mesi ann dag dagen uur week weken maand jaar timm veck manad ar arbetsdag hverdag time uge uke maned paiva viik kuukau vuo tunti tun nap het honap ev ora zi zile luni saptaman день дня дней час недел месяц год лет gun hafta ay yil saat dni dzien tygod miesi godzin rok lat 日 天 週 周 年 月 時間 小时 일 년 개월";
const NUMERALS: &str = "one two three four five six seven ten fourteen thirty ein eine einem einen zwei drei vier funf sechs sieben zehn un une deux trois quatre cinq six dix quinze trente uno una dos tres cuatro cinco diez due tre quattro cinque dois duas quatro twee drie vier vijf";

/// The fact that was asked for is of a kind that the passage can state: an amount with its currency, a number with a
/// unit of time.
fn holds(wanted: Option<Wanted>, passage: &str) -> bool {
    let folded = fold(passage);
    let digit = folded.chars().any(is_digit);
    match wanted {
        None => true,
        Some(Wanted::Amount) => {
            digit && FREE.split(' ').chain(CURRENCIES.split(' ')).any(|mark| stands(&folded, mark))
                || FREE.split(' ').any(|mark| stands(&folded, mark))
        }
        Some(Wanted::Duration) => states_duration(&folded),
        Some(Wanted::Moment) => digit,
    }
}

fn is_digit(c: char) -> bool {
    c.is_numeric() || "一二三四五六七八九十百千".contains(c)
}

fn stands(folded: &str, mark: &str) -> bool {
    if mark.chars().all(|c| c.is_ascii_alphabetic()) {
        words(folded).any(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(mark))
    } else {
        folded.contains(mark)
    }
}

fn states_duration(folded: &str) -> bool {
    if folded.chars().any(|c| is_unspaced(c) || is_hangul(c)) {
        let unit =
            |rest: &str| TIME_UNITS.split(' ').filter(|unit| !unit.is_ascii()).any(|unit| rest.starts_with(unit));
        return folded.char_indices().any(|(at, c)| is_digit(c) && unit(folded[at + c.len_utf8()..].trim_start()));
    }
    let all: Vec<&str> = words(folded).flat_map(|word| word.split('-')).collect();
    let unit = |word: &&str| {
        TIME_UNITS.split(' ').any(|unit| {
            if unit.chars().count() <= 3 {
                *word == unit
            } else {
                word.starts_with(unit) || (unit.chars().count() > 3 && word.ends_with(unit))
            }
        })
    };
    all.iter().enumerate().any(|(at, word)| {
        let number =
            word.starts_with(|c: char| c.is_ascii_digit()) || NUMERALS.split(' ').any(|numeral| numeral == *word);
        number && all[at..].iter().skip(1).take(4).any(unit)
    })
}

const ASKED: &[(&str, Wanted, &[&str])] = &[
    ("en", Wanted::Amount, &["how much", "what does it cost", "price", "what do you charge", "what are the costs"]),
    (
        "en",
        Wanted::Duration,
        &[
            "how long",
            "how many days",
            "how many weeks",
            "how many months",
            "how fast",
            "how quickly",
            "how soon",
            "how many years",
        ],
    ),
    ("en", Wanted::Moment, &["what time", "what are your opening", "opening hours", "when do you", "when are you"]),
    ("de", Wanted::Amount, &["wie viel kost", "was kost", "wieviel kost", "wie teuer", "preis", "wie hoch sind"]),
    (
        "de",
        Wanted::Duration,
        &["wie lange", "wie viele tage", "wie schnell", "wie viel zeit", "wieviel zeit", "wie viele wochen"],
    ),
    ("de", Wanted::Moment, &["um wie viel uhr", "wann haben sie", "wann offn", "offnungszeiten"]),
    (
        "fr",
        Wanted::Amount,
        &["combien cout", "quel est le prix", "quels sont les tarifs", "a quel prix", "combien ca cout"],
    ),
    (
        "fr",
        Wanted::Duration,
        &["combien de temps", "combien de jours", "quel delai", "quels sont les delais", "sous combien"],
    ),
    ("fr", Wanted::Moment, &["a quelle heure", "quels sont vos horaires", "horaires"]),
    ("es", Wanted::Amount, &["cuanto cuest", "cuanto val", "que precio", "cual es el precio", "cuanto sale"]),
    ("es", Wanted::Duration, &["cuanto tard", "cuanto tiempo", "cuantos dias", "que plazo", "en cuanto"]),
    ("es", Wanted::Moment, &["a que hora", "que horario", "horario"]),
    ("it", Wanted::Amount, &["quanto cost", "qual e il prezzo"]),
    ("it", Wanted::Duration, &["quanto tempo", "quanti giorni"]),
    ("it", Wanted::Moment, &["a che ora", "orari"]),
    ("pt", Wanted::Amount, &["quanto cust", "qual e o preco", "qual o preco"]),
    ("pt", Wanted::Duration, &["quanto tempo", "quantos dias", "qual o prazo"]),
    ("pt", Wanted::Moment, &["a que horas", "horario"]),
    ("nl", Wanted::Amount, &["wat kost", "hoeveel kost", "welke prijs", "wat is de prijs"]),
    ("nl", Wanted::Duration, &["hoe lang", "hoelang", "hoeveel dagen", "hoe snel"]),
    ("nl", Wanted::Moment, &["hoe laat", "openingstijden"]),
    ("sv", Wanted::Amount, &["vad kost", "hur mycket kost"]),
    ("sv", Wanted::Duration, &["hur lang tid", "hur lange", "hur manga dagar"]),
    ("da", Wanted::Amount, &["hvad kost", "hvor meget kost"]),
    ("da", Wanted::Duration, &["hvor lang tid", "hvor laenge", "hvor mange dage"]),
    ("no", Wanted::Amount, &["hva kost", "hvor mye kost"]),
    ("no", Wanted::Duration, &["hvor lang tid", "hvor lenge", "hvor mange dager"]),
    ("fi", Wanted::Amount, &["paljonko maks", "mita maks", "kuinka paljon maks"]),
    ("fi", Wanted::Duration, &["kuinka kauan", "kauanko", "kuinka monta paivaa"]),
    ("hu", Wanted::Amount, &["mennyibe"]),
    ("hu", Wanted::Duration, &["mennyi ideig", "mennyi ido", "hany nap", "meddig tart"]),
    ("ro", Wanted::Amount, &["cat cost", "ce pret"]),
    ("ro", Wanted::Duration, &["cat dureaza", "cat timp", "cate zile"]),
    ("ru", Wanted::Amount, &["сколько сто", "какая цена", "какова цена"]),
    ("ru", Wanted::Duration, &["сколько времени", "как долго", "сколько дней"]),
    ("tr", Wanted::Amount, &["kac para", "ucreti ne kadar", "fiyati ne kadar"]),
    ("tr", Wanted::Duration, &["ne kadar sur", "kac gun"]),
    ("pl", Wanted::Amount, &["ile kosztuje", "jaka jest cena"]),
    ("pl", Wanted::Duration, &["jak dlugo", "ile dni", "ile trwa"]),
    ("ja", Wanted::Amount, &["いくら"]),
    ("zh", Wanted::Amount, &["多少钱", "多少錢"]),
    ("ko", Wanted::Amount, &["얼마인"]),
];

fn wanted(language: &str, text: &str) -> Option<Wanted> {
    let folded = fold(text);
    ASKED
        .iter()
        .find(|(of, _, asked)| *of == language && asked.iter().any(|asked| folded.contains(asked)))
        .map(|(_, wanted, _)| *wanted)
}
