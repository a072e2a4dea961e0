//! The one structured answer: the schema that a provider is asked to keep to, and a tolerant reader for what comes.
//!
//! Invariant: what is read fills declared fields only. Unknown fields fall away, unknown words become neutral, numbers
//! are clamped; a wrong type, a missing field or a second object is *malformed*, never guessed at.

mod read;

pub use read::{MAX_ANSWER, Malformed, Read, read};

use serde_json::{Value, json};

/// The name that providers ask for.
pub const NAME: &str = "reply_to_customer";
pub const DESCRIPTION: &str = "Hand over the reply to the customer's mail, or why a person should take it.";

pub const INTENTS: [&str; 6] = ["question", "sales", "support", "complaint", "chat", "other"];
pub const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
pub const URGENCIES: [&str; 3] = ["low", "normal", "high"];

/// The same in words, for models whose provider takes no schema.
pub const FORM: &str = "The JSON object has exactly these fields:\n\
- intent: one of question, sales, support, complaint, chat, other\n\
- language: BCP 47 tag of the language that the customer writes\n\
- sentiment: one of positive, neutral, negative\n\
- urgency: one of low, normal, high\n\
- answerable: true or false\n\
- confidence: a number from 0 to 1, how sure you are that the reply is right and whole\n\
- reply: the text of the reply, empty when answerable is false\n\
- sources: an array with the ids of the passages that the reply rests on\n\
- reason_for_person: why a person should take it, empty when answerable is true\n";

/// JSON Schema within what the providers' strict modes take: every field required, no others, no bounds.
pub fn schema() -> Value {
    let word = |words: &[&str]| json!({ "type": "string", "enum": words });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": [
            "intent", "language", "sentiment", "urgency", "answerable", "confidence", "reply", "sources",
            "reason_for_person"
        ],
        "properties": {
            "intent": word(&INTENTS),
            "language": { "type": "string", "description": "BCP 47 tag of the customer's language" },
            "sentiment": word(&SENTIMENTS),
            "urgency": word(&URGENCIES),
            "answerable": { "type": "boolean" },
            "confidence": { "type": "number", "description": "0 to 1" },
            "reply": { "type": "string", "description": "empty when not answerable" },
            "sources": { "type": "array", "items": { "type": "string" }, "description": "ids of passages" },
            "reason_for_person": { "type": "string", "description": "empty when answerable" }
        }
    })
}
