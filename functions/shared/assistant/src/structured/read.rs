//! The tolerant reader. Work is bounded: by the size of the text, the number of places where an object may begin, and
//! the parser's own limit of nesting.

use crate::text::clip;
use channel::assistant::{Intent, Sentiment, Urgency};
use serde_json::{Deserializer, Map, Value};

/// Longer answers are not read.
pub const MAX_ANSWER: usize = 64 * 1024;
/// Opening braces that are tried.
const MAX_STARTS: usize = 64;
const MAX_SOURCES: usize = 50;
const MAX_REASON: usize = 400;

/// What a model said, in our types and still unchecked against what it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub intent: Intent,
    /// BCP 47, or `und`.
    pub language: String,
    pub sentiment: Sentiment,
    pub urgency: Urgency,
    pub answerable: bool,
    /// 0 to 1.
    pub confidence: f32,
    pub reply: String,
    pub sources: Vec<String>,
    pub reason_for_person: String,
}

/// What is wrong, in words that quote nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

fn malformed<T>(what: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(what.into()))
}

pub fn read(text: &str) -> Result<Read, Malformed> {
    if text.len() > MAX_ANSWER {
        return malformed(format!("it is longer than {MAX_ANSWER} bytes"));
    }
    let object = the_object(text)?;
    let answerable = match object.get("answerable") {
        Some(Value::Bool(answerable)) => *answerable,
        Some(_) => return malformed("answerable is not true or false"),
        None => return malformed("answerable is missing"),
    };
    let reply = match object.get("reply") {
        None if answerable => return malformed("reply is missing"),
        _ => string(&object, "reply")?,
    };
    Ok(Read {
        intent: match string(&object, "intent")?.as_str() {
            "question" => Intent::Question,
            "sales" => Intent::Sales,
            "support" => Intent::Support,
            "complaint" => Intent::Complaint,
            "chat" => Intent::Chat,
            _ => Intent::Other,
        },
        language: tag(&string(&object, "language")?),
        sentiment: match string(&object, "sentiment")?.as_str() {
            "positive" => Sentiment::Positive,
            "negative" => Sentiment::Negative,
            _ => Sentiment::Neutral,
        },
        urgency: match string(&object, "urgency")?.as_str() {
            "low" => Urgency::Low,
            "high" => Urgency::High,
            _ => Urgency::Normal,
        },
        answerable,
        confidence: number(&object, "confidence")?,
        reply: plain(&reply),
        sources: strings(&object, "sources")?,
        reason_for_person: clip(plain(&string(&object, "reason_for_person")?).trim(), MAX_REASON).to_owned(),
    })
}

/// The one object of the text that looks like an answer, whatever stands around it.
fn the_object(text: &str) -> Result<Map<String, Value>, Malformed> {
    let text = after_thinking(text.trim());
    if let Ok(Value::Object(object)) = serde_json::from_str(text) {
        return Ok(object);
    }
    let (mut found, mut at) = (None, 0);
    for _ in 0..MAX_STARTS {
        let Some(start) = text[at..].find('{').map(|start| at + start) else { break };
        let mut values = Deserializer::from_str(&text[start..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) => {
                at = start + values.byte_offset();
                if object.contains_key("answerable") && found.replace(object).is_some() {
                    return malformed("there is more than one object");
                }
            }
            _ => at = start + 1,
        }
    }
    found.ok_or_else(|| Malformed("there is no whole JSON object with the field answerable".to_owned()))
}

/// Some open models print their deliberation first, in a mark of its own.
fn after_thinking(text: &str) -> &str {
    match text.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>")) {
        Some((_, answer)) => answer.trim(),
        None => text,
    }
}

/// Absent and null are empty.
fn string(object: &Map<String, Value>, name: &str) -> Result<String, Malformed> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => malformed(format!("{name} is not a text")),
    }
}

fn number(object: &Map<String, Value>, name: &str) -> Result<f32, Malformed> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(0.0),
        Some(Value::Number(number)) => {
            let clamped = number.as_f64().unwrap_or(0.0).clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, reason = "a number between 0 and 1")]
            Ok(clamped as f32)
        }
        Some(_) => malformed(format!("{name} is not a number")),
    }
}

fn strings(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, Malformed> {
    let items = match object.get(name) {
        None | Some(Value::Null) => return Ok(vec![]),
        Some(Value::Array(items)) => items,
        Some(_) => return malformed(format!("{name} is not an array")),
    };
    let texts = items.iter().take(MAX_SOURCES).map(|item| item.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| Malformed(format!("{name} holds something that is not a text")))
}

/// Lines and tabs stay; other control characters have no place in a mail.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The form of RFC 5646: a language of two or three letters, then subtags of one to eight letters and digits.
fn tag(text: &str) -> String {
    let text = text.trim();
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if fits && text.len() <= 35 { text.to_owned() } else { crate::language::UNDETERMINED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "intent": "question", "language": "en-GB", "sentiment": "negative", "urgency": "high", "answerable": true,
            "confidence": 0.75, "reply": "Three days.", "sources": ["help#1"], "reason_for_person": ""
        })
    }

    fn with(name: &str, value: Value) -> Result<Read, Malformed> {
        let mut object = whole();
        object[name] = value;
        read(&object.to_string())
    }

    #[test]
    fn a_whole_answer_is_read_and_what_is_unknown_falls_away() {
        let mut object = whole();
        object["to"] = json!("everybody@example.org");
        let answer = read(&object.to_string()).unwrap();
        assert_eq!(answer, read(&whole().to_string()).unwrap());
        assert_eq!(
            (answer.intent, answer.sentiment, answer.urgency),
            (Intent::Question, Sentiment::Negative, Urgency::High)
        );
        assert_eq!((answer.language.as_str(), answer.confidence), ("en-GB", 0.75));
        assert_eq!(answer.sources, ["help#1"]);
    }

    #[test]
    fn what_stands_around_the_object_is_dropped() {
        let object = whole().to_string();
        for text in [
            format!("```json\n{object}\n```"),
            format!("Here is the JSON you asked for:\n\n{object}\n\nAnything else?"),
            format!("<think>{{\"answerable\": false}} or not</think>\n{object}"),
            format!("A set {{a, b}} first. {object}"),
        ] {
            assert_eq!(read(&text), read(&object), "{text}");
        }
    }

    #[test]
    fn the_schema_and_the_reader_name_the_same_fields() {
        let schema = super::super::schema();
        let required: Vec<&str> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for (name, value) in whole().as_object().unwrap() {
            assert!(required.contains(&name.as_str()) && schema["properties"].get(name).is_some(), "{name}");
            assert!(super::super::FORM.contains(&format!("- {name}:")), "{name}: {value}");
        }
        assert_eq!(required.len(), whole().as_object().unwrap().len());
    }

    #[test]
    fn unknown_words_are_neutral_and_numbers_are_clamped() {
        assert_eq!(with("intent", json!("world domination")).unwrap().intent, Intent::Other);
        assert_eq!(with("sentiment", json!("furious")).unwrap().sentiment, Sentiment::Neutral);
        assert_eq!(with("urgency", Value::Null).unwrap().urgency, Urgency::Normal);
        assert_eq!(with("confidence", json!(7)).unwrap().confidence, 1.0);
        assert_eq!(with("confidence", json!(-0.5)).unwrap().confidence, 0.0);
        for bad in ["", "english please", "e", "en_GB", "en-toolongsubtag", "../x"] {
            assert_eq!(with("language", json!(bad)).unwrap().language, "und", "{bad}");
        }
        assert_eq!(with("reply", json!("a\r\nb\u{0}\u{1b}[0m")).unwrap().reply, "a\nb[0m");
    }

    #[test]
    fn wrong_types_are_malformed() {
        for (name, value) in [
            ("answerable", json!("yes")),
            ("answerable", Value::Null),
            ("reply", json!(["Three days."])),
            ("confidence", json!("high")),
            ("sources", json!("help#1")),
            ("sources", json!([1])),
            ("intent", json!(3)),
            ("language", json!({ "tag": "en" })),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name}: {value}");
        }
        let mut object = whole();
        object.as_object_mut().unwrap().remove("reply");
        assert!(read(&object.to_string()).is_err());
    }

    #[test]
    fn what_is_no_single_object_is_malformed() {
        let object = whole().to_string();
        for text in [
            String::new(),
            "I cannot do that.".to_owned(),
            "[]".to_owned(),
            object[..object.len() - 4].to_owned(),
            format!("{object}\n{object}"),
            "{".repeat(60_000),
            format!("{{\"answerable\":{}", "[".repeat(40_000)),
            "x".repeat(MAX_ANSWER + 1),
        ] {
            let Err(Malformed(why)) = read(&text) else { panic!("{} was read", clip(&text, 80)) };
            assert!(!why.contains("Three days"), "{why}");
        }
    }
}
