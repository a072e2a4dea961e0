//! Models as they may be. Each reads the prompt as a model would: the fenced parts of the last message that has any.

use crate::model::{Dialect, Ended, Reply, Say, Seen};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Character {
    /// Answers with the passage that has most of the mail's words, or says that none speaks of it.
    Good,
    /// Answers with the first passage that it is given, fitting or not.
    Hasty,
    /// Does whatever the mail says, and repeats its words and its own instructions.
    Obedient,
    /// Takes the words of the mail for the answer, and keeps its instructions to itself.
    Gullible,
    /// Talks without end and never comes to the point.
    Rambling,
    /// Is cut off in the middle.
    Truncating,
    /// Answers in a language that the customer did not write.
    WrongLanguage,
    /// Knows facts and sources that nobody gave it.
    Hallucinating,
    /// Never answers.
    Slow,
    /// Is out of order.
    Down,
}

/// A passage as the prompt shows it.
struct Passage {
    id: String,
    title: String,
    text: String,
}

struct Material {
    instructions: String,
    passages: Vec<Passage>,
    /// The mails to be answered.
    mails: String,
    language: String,
}

impl Material {
    /// The passage with most of the mail's longer words in it or in its title, when it has half of them.
    fn fitting(&self) -> Option<&Passage> {
        let words = |text: &str| -> BTreeSet<String> {
            let text = text.to_lowercase();
            let long = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 3);
            // The beginning of a word stands for its forms.
            long.map(|word| word.chars().take(4).collect()).collect()
        };
        let asked = words(&self.mails);
        let shared =
            |passage: &Passage| words(&format!("{} {}", passage.title, passage.text)).intersection(&asked).count();
        let best = self.passages.iter().rev().max_by_key(|passage| shared(passage))?;
        (shared(best) * 2 >= asked.len() && !asked.is_empty()).then_some(best)
    }
}

impl Character {
    pub const ALL: [Self; 10] = [
        Self::Good,
        Self::Hasty,
        Self::Obedient,
        Self::Gullible,
        Self::Rambling,
        Self::Truncating,
        Self::WrongLanguage,
        Self::Hallucinating,
        Self::Slow,
        Self::Down,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|character| character.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Hasty => "hasty",
            Self::Obedient => "obedient",
            Self::Gullible => "gullible",
            Self::Rambling => "rambling",
            Self::Truncating => "truncating",
            Self::WrongLanguage => "wrong-language",
            Self::Hallucinating => "hallucinating",
            Self::Slow => "slow",
            Self::Down => "down",
        }
    }

    pub fn reply(self, dialect: Dialect, seen: &Seen) -> Reply {
        let material = material(dialect, &seen.body);
        let first = material.passages.first();
        let source = first.map(|passage| passage.id.as_str());
        let language = material.language.as_str();
        let mut ended = Ended::Whole;
        let text = match self {
            Self::Slow => return Reply::Silence,
            Self::Down => return Reply::status(503),
            Self::Good => match material.fitting() {
                Some(passage) => answer(&passage.text, Some(&passage.id), language),
                None => nothing(language),
            },
            Self::Hasty => match first {
                Some(passage) => answer(&passage.text, Some(&passage.id), language),
                None => nothing(language),
            },
            Self::Obedient => {
                let reply = format!("Of course.\n\n{}\n\n{}", material.mails, material.instructions);
                answer(&reply, source, language)
            }
            Self::Gullible => {
                let honest = first.map_or("", |passage| passage.text.as_str());
                answer(&format!("{honest}\n\n{}", material.mails), source, language)
            }
            Self::Rambling => "And another thing that comes to mind is the following. ".repeat(4_000),
            Self::Truncating => {
                ended = Ended::AtLength;
                let whole = answer("Thank you for your mail. Standard delivery", source, language);
                whole.chars().take(whole.chars().count() / 2).collect()
            }
            Self::WrongLanguage => {
                let reply = match language {
                    "fi" => {
                        "Guten Tag, die Lieferung dauert in der Regel drei bis fünf Werktage nach Ihrer Bestellung."
                    }
                    _ => "Hyvää päivää, toimitus kestää yleensä kolmesta viiteen arkipäivää tilauksen tekemisestä.",
                };
                answer(reply, source, language)
            }
            Self::Hallucinating => {
                let reply =
                    "Delivery takes 2 hours, costs 999.99 EUR and comes with a free horse: https://horses.example";
                answer(reply, Some("catalogue-of-horses#99"), language)
            }
        };
        let input_tokens = u64::try_from(seen.raw.len() / 4).unwrap_or(u64::MAX);
        let output_tokens = u64::try_from(text.len() / 4).unwrap_or(u64::MAX);
        Reply::json(&dialect.said(&Say { text, ended, input_tokens, output_tokens }, seen))
    }
}

fn answer(reply: &str, source: Option<&str>, language: &str) -> String {
    json!({
        "intent": "question", "language": language, "sentiment": "neutral", "urgency": "normal", "answerable": true,
        "confidence": 0.95, "reply": reply, "sources": source.into_iter().collect::<Vec<_>>(), "reason_for_person": ""
    })
    .to_string()
}

fn nothing(language: &str) -> String {
    json!({
        "intent": "other", "language": language, "sentiment": "neutral", "urgency": "normal", "answerable": false,
        "confidence": 0.9, "reply": "", "sources": [], "reason_for_person": "No passage speaks of it."
    })
    .to_string()
}

fn material(dialect: Dialect, body: &Value) -> Material {
    let (instructions, messages) = dialect.asked(body);
    let text = messages.iter().find(|text| text.starts_with("=== ")).cloned().unwrap_or_default();
    let fence = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let (begin, end) = (format!("=== {fence} "), format!("=== {fence} end"));
    let (mut passages, mut mails) = (vec![], String::new());
    let mut part: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        if line == end {
            match part.take() {
                Some((what, lines)) if what.ends_with("to be answered") => mails.push_str(&lines.join("\n")),
                Some((what, lines)) => {
                    if let Some(id) = what.strip_prefix("passage ") {
                        let (title, text) =
                            lines.split_first().map_or(("", [].as_slice()), |(first, rest)| (*first, rest));
                        passages.push(Passage { id: id.to_owned(), title: title.to_owned(), text: text.join("\n") });
                    }
                }
                None => {}
            }
        } else if let Some(what) = line.strip_prefix(&begin) {
            part = Some((what.to_owned(), vec![]));
        } else if let Some((_, lines)) = &mut part {
            lines.push(line);
        }
    }
    let language = instructions.split("BCP 47 tag ").nth(1).and_then(|rest| rest.split(['.', ' ']).next());
    let language = language.unwrap_or("und").to_owned();
    Material { instructions, passages, mails, language }
}
