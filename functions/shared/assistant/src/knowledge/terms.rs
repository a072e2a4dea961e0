//! Words of a text as search terms, per language: folded, without stop words, stemmed; character pairs where a script
//! has no spaces.

use super::lexicon;
use crate::text::{fold, is_hangul, is_unspaced, words};
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The languages that have stop words, fillers or a stemmer here. All others are searched by folded words.
const LANGUAGES: &[&str] = &[
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "hu", "ro", "ru", "tr", "pl", "el", "ar", "sl",
    "id",
];

/// General stop words of a language, as published with the stop-words crate; none where it has none.
pub fn stop_words(language: &str) -> &'static [&'static str] {
    match language {
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "da" | "no" | "fi" | "hu" | "ro" | "ru" | "tr"
        | "el" | "ar" | "sl" | "id" => stop_words::get(language),
        _ => &[],
    }
}

fn algorithm(language: &str) -> Option<Algorithm> {
    Some(match language {
        "en" => Algorithm::English,
        "de" => Algorithm::German,
        "fr" => Algorithm::French,
        "es" => Algorithm::Spanish,
        "it" => Algorithm::Italian,
        "pt" => Algorithm::Portuguese,
        "nl" => Algorithm::Dutch,
        "sv" => Algorithm::Swedish,
        "da" => Algorithm::Danish,
        "no" => Algorithm::Norwegian,
        "fi" => Algorithm::Finnish,
        "hu" => Algorithm::Hungarian,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "tr" => Algorithm::Turkish,
        "el" => Algorithm::Greek,
        "ar" => Algorithm::Arabic,
        _ => return None,
    })
}

static DROPPED: LazyLock<HashMap<&'static str, HashSet<String>>> = LazyLock::new(|| {
    let general = |language| stop_words(language).iter().flat_map(|entry| words(entry)).map(fold).collect();
    LANGUAGES.iter().map(|language| (*language, general(language))).collect()
});

/// One word of a text that carries meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Folded, unstemmed.
    pub word: String,
    /// What it may be indexed under: the word, and its stem with and without marks, since people leave marks out and a
    /// stemmer needs them.
    pub stems: Vec<String>,
    pub concepts: Vec<&'static str>,
    /// The concepts by the part of the word that speaks of them.
    pub parts: Vec<Vec<&'static str>>,
    pub number: bool,
    /// The code of the country or region that it names.
    pub place: Option<&'static str>,
    /// It stands where a noun or a name does.
    pub noun: bool,
}

/// Words after which a noun is likely.
const BEFORE_NOUNS: &str = "the a an my your our his her their any some of for with le la les l un une des du de d mon ma mes votre vos \
    notre nos au aux el los las una del mi sus su mis il lo gli i della dei mio mia vostro o os as um uma do da dos das \
    meu minha vosso der die das den dem ein eine einen einem einer mein meine ihr ihre het een mijn uw onze jullie det \
    en ett";

static NOUN_MARKS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| BEFORE_NOUNS.split_whitespace().collect());

/// The terms of a text in order; at most `limit` words are read.
pub fn terms(language: &str, text: &str, limit: usize) -> Vec<Term> {
    let reader = Reader { language, stemmer: algorithm(language).map(Stemmer::create), dropped: DROPPED.get(language) };
    let all: Vec<&str> = words(text).take(limit).collect();
    let folded: Vec<String> = all.iter().map(|word| fold(word)).collect();
    let mut out = Vec::new();
    let mut unspaced = String::new();
    // Words that a phrase before them has used up.
    let mut taken: HashSet<usize> = HashSet::new();
    for (at, word) in all.iter().enumerate() {
        if word.chars().any(|c| is_unspaced(c) || is_hangul(c)) {
            // Segmentation may part every character; pairs are taken over the whole run.
            unspaced.push_str(word);
            if word.chars().any(is_hangul) {
                pairs(&std::mem::take(&mut unspaced), &mut out);
            }
            continue;
        }
        pairs(&std::mem::take(&mut unspaced), &mut out);
        let said = lexicon::phrases(language, &folded, at);
        if taken.contains(&at) && said.0.is_empty() {
            continue;
        }
        taken.extend(said.1);
        if let Some(term) = reader.term(&all, &folded, at, said.0) {
            out.push(term);
        }
    }
    pairs(&unspaced, &mut out);
    out
}

struct Reader<'r> {
    language: &'r str,
    stemmer: Option<Stemmer>,
    dropped: Option<&'r HashSet<String>>,
}

impl Reader<'_> {
    fn term(&self, all: &[&str], words: &[String], at: usize, said: Vec<&'static str>) -> Option<Term> {
        let (word, folded) = (all[at], &words[at]);
        let capital = at > 0 && word.chars().next().is_some_and(char::is_uppercase);
        let number = folded.chars().any(|c| c.is_ascii_digit());
        let place = lexicon::place(self.language, folded, words.get(at + 1).map(String::as_str), capital);
        let parts = match (place, said.is_empty()) {
            (Some(_), _) => Vec::new(),
            (None, true) => lexicon::parts(self.language, folded),
            (None, false) => {
                let mut parts = lexicon::parts(self.language, folded);
                match parts.first_mut() {
                    Some(first) => {
                        let new: Vec<_> = said.into_iter().filter(|concept| !first.contains(concept)).collect();
                        first.extend(new);
                    }
                    None => parts.push(said),
                }
                parts
            }
        };
        if parts.is_empty() && place.is_none() && !number && self.says_nothing(folded) {
            return None;
        }
        let mut stems = vec![folded.clone()];
        if let Some(stemmer) = self.stemmer.as_ref().filter(|_| !number) {
            for stem in [stemmer.stem(folded).into_owned(), fold(&stemmer.stem(&word.to_lowercase()))] {
                if !stems.contains(&stem) {
                    stems.push(stem);
                }
            }
        }
        let noun = capital || self.ends_noun_phrase(words, at);
        let mut concepts: Vec<&'static str> = parts.iter().flatten().copied().collect();
        concepts.dedup();
        Some(Term { word: folded.clone(), stems, concepts, parts, number, place, noun })
    }

    /// After an article; in languages that put adjectives ahead, only the last word of such a row.
    fn ends_noun_phrase(&self, words: &[String], at: usize) -> bool {
        let marked = |back: usize| at >= back && NOUN_MARKS.contains(words[at - back].as_str());
        if self.language == "de" {
            // Nouns have a capital there.
            return false;
        }
        // Bare nouns stand last: `Does the guarantee cover theft?`
        let verbal = self.language == "en" && ["ing", "ed", "ly"].iter().any(|ending| words[at].ends_with(ending));
        if at > 0 && at + 1 == words.len() && !verbal {
            return true;
        }
        if self.language != "en" {
            return marked(1);
        }
        let last = words.get(at + 1).is_none_or(|next| self.says_nothing(next));
        last && (marked(1) || (marked(2) && !self.says_nothing(&words[at - 1])))
    }

    fn says_nothing(&self, folded: &str) -> bool {
        self.dropped.is_some_and(|set| set.contains(folded))
            || folded.chars().count() < 2
            || lexicon::is_general(self.language, folded)
    }
}

/// Words of courtesy and asking in Chinese, Japanese and Korean: pairs made of these alone say nothing.
const GLUE: &str = "的了吗呢吧请問问你您我们們是在有和可以什么麼怎样樣多少哪里裡個个这這那要会會能么嗎的是否";

fn pairs(run: &str, out: &mut Vec<Term>) {
    let chars: Vec<char> = run.chars().filter(|c| c.is_alphanumeric()).collect();
    let hiragana = |c: char| matches!(c, '\u{3040}'..='\u{309f}');
    for pair in chars.windows(2) {
        // Hiragana is mostly grammar; two of it carry no subject.
        if pair.iter().all(|c| hiragana(*c))
            || pair.iter().any(|c| GLUE.contains(*c))
            || (hiragana(pair[0]) != hiragana(pair[1]))
        {
            continue;
        }
        let word: String = pair.iter().collect();
        out.push(Term {
            stems: vec![word.clone()],
            word,
            concepts: Vec::new(),
            parts: Vec::new(),
            number: false,
            place: None,
            noun: false,
        });
    }
}

/// The token under which a concept is indexed; no word of a text can look like it.
pub fn concept_token(concept: &str) -> String {
    format!("\u{1}{concept}")
}

/// The token under which a place is indexed.
pub fn place_token(code: &str) -> String {
    format!("\u{2}{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(language: &str, text: &str) -> Vec<String> {
        terms(language, text, 100).into_iter().map(|term| term.stems.last().cloned().unwrap_or_default()).collect()
    }

    #[test]
    fn inflections_meet_in_every_stemmed_language() {
        let cases = [
            ("en", "lamps", "lamp"),
            ("fr", "lampes", "lampe"),
            ("de", "Tischen", "Tisch"),
            ("es", "mesas", "mesa"),
            ("it", "tavoli", "tavolo"),
            ("pt", "mesas", "mesa"),
            ("nl", "lampen", "lamp"),
            ("sv", "lamporna", "lampor"),
            ("da", "lamperne", "lamper"),
            ("no", "lampene", "lampe"),
            ("fi", "lamput", "lamppu"),
            ("hu", "asztalok", "asztal"),
            ("ro", "lămpile", "lampilor"),
            ("ru", "лампы", "лампа"),
            ("tr", "masalar", "masa"),
        ];
        for (language, a, b) in cases {
            let (a, b) = (terms(language, a, 9), terms(language, b, 9));
            assert!(a[0].stems.iter().any(|stem| b[0].stems.contains(stem)), "{language}: {a:?} {b:?}");
        }
    }

    #[test]
    fn case_and_marks_do_not_matter() {
        assert_eq!(stems("fr", "Éléphant"), stems("fr", "elephant"));
        assert_eq!(stems("de", "MÖBEL"), stems("de", "mobel"));
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(stems("zh", "运费说明"), ["运费", "费说", "说明"]);
        assert_eq!(stems("ja", "送料はいくらですか"), ["送料"]);
        assert_eq!(stems("ko", "배송비"), ["배송", "송비"]);
    }

    #[test]
    fn the_number_of_words_is_bounded() {
        assert_eq!(terms("en", &"lamp ".repeat(10_000), 50).len(), 50);
    }
}
