//! The published JSON Schema of a flow, derived from types that only describe it. A test holds that they name the same
//! steps and fields as the reader, and that the file in the crate is the schema.

#![expect(dead_code, reason = "the types describe documents; none is ever made of them")]

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use std::collections::BTreeMap;

/// A flow of Postroom: which mail it takes, and what is done with it, step by step.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Postroom flow")]
#[serde(deny_unknown_fields)]
struct Document {
    /// The version of the language: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    name: Option<String>,
    description: Option<String>,
    trigger: Trigger,
    channel: Option<Channel>,
    /// Flows with a lower number go first.
    #[schemars(range(min = 0, max = 1000))]
    priority: Option<u32>,
    /// Which mail the flow takes: CEL, or the plain form `Subject contains "urgent" OR "help"`. Every mail without it.
    when: Option<String>,
    #[schemars(length(min = 1, max = 100))]
    steps: Vec<Item>,
}

#[derive(Debug, Serialize, JsonSchema)]
enum Trigger {
    #[serde(rename = "Chat Service")]
    ChatService,
    #[serde(rename = "Chat Service (Gmail)")]
    ChatServiceGmail,
    #[serde(rename = "chat_service")]
    Plain,
}

#[derive(Debug, Serialize, JsonSchema)]
enum Channel {
    Gmail,
    #[serde(rename = "gmail")]
    Plain,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Item {
    Word(Word),
    Step(Box<Step>),
}

/// A step that needs no fields.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    AiRequest,
    SendReply,
    CreateDraft,
    MarkRead,
    Archive,
    RouteToHuman,
    Stop,
}

/// One kind of step, with what every step may have.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct Step {
    /// For people.
    name: Option<String>,
    /// The step is skipped unless this holds.
    #[serde(rename = "if")]
    guard: Option<String>,
    on_error: Option<OnError>,
    /// Asks the assistant; without `system` and `input` for its own answer from the knowledge base.
    ai_request: Option<AiRequest>,
    /// Asks the assistant which of your labels fits.
    classify: Option<Classify>,
    /// Answers the mail; it may become a draft where sending would be unwise.
    send_reply: Option<Or<SendReply>>,
    /// Makes a draft for review.
    create_draft: Option<Or<CreateDraft>>,
    add_label: Option<Or<Label>>,
    remove_label: Option<Or<Label>>,
    mark_read: Option<Nothing>,
    archive: Option<Nothing>,
    /// Forwards the mail with its attachments to an address of the settings.
    forward: Option<Or<Forward>>,
    /// Gives the conversation to a person; the assistant writes no more in it.
    route_to_human: Option<Or<Reason>>,
    /// Tells the team by every target of the channel.
    notify: Option<Or<Message>>,
    slack: Option<Slack>,
    webhook: Option<Or<Webhook>>,
    wait: Option<Or<Wait>>,
    stop: Option<Or<Reason>>,
    /// The first branch whose condition holds.
    choose: Option<Vec<Branch>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnError {
    Stop,
    Continue,
    Human,
}

/// A bare text, or the fields.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Or<T> {
    Text(String),
    Fields(T),
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AiRequest {
    /// What the assistant is told to be and to do.
    system: Option<String>,
    /// What it works on; the mail's text unless it says something else.
    input: Option<String>,
    /// The name of the answer: `steps.NAME.text`. The latest is `ai_response`.
    result: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Classify {
    /// Label and description.
    labels: BTreeMap<String, String>,
    input: Option<String>,
    /// The name of the answer: `steps.NAME.label`; `kind` unless it says something else.
    result: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SendReply {
    subject: Option<String>,
    body: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateDraft {
    /// `{{sender_email}}` or `settings.NAME`.
    to: Option<String>,
    subject: Option<String>,
    body: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Label {
    /// Nested by `/`; made where it is missing. No template.
    label: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forward {
    /// `settings.NAME`, or an address that the settings hold. No template.
    to: String,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Message {
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Slack {
    /// `#name` or an id. No template.
    channel: String,
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Webhook {
    /// No template.
    url: String,
    message: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// `30 minutes`, `2 hours`, `1 day`.
    #[serde(rename = "for")]
    time: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Branch {
    #[serde(rename = "if")]
    guard: Option<String>,
    steps: Option<Vec<Item>>,
    #[serde(rename = "else")]
    otherwise: Option<Vec<Item>>,
}

/// The schema, as JSON Schema 2020-12.
pub fn schema() -> Schema {
    schema_for!(Document)
}

/// The schema as the text of its file.
///
/// # Errors
/// None that is known: the schema is JSON already.
pub fn schema_text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&schema()).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{COMMON, KINDS, TOP};
    use std::collections::BTreeSet;

    fn properties(of: &serde_json::Value) -> BTreeSet<String> {
        of["properties"].as_object().unwrap().keys().cloned().collect()
    }

    /// The definition that a field's schema refers to, through `anyOf`.
    fn group<'a>(root: &'a serde_json::Value, of: &'a serde_json::Value) -> Option<&'a serde_json::Value> {
        if of["properties"].is_object() || of["additionalProperties"] == serde_json::json!(false) {
            return Some(of);
        }
        if let Some(name) = of["$ref"].as_str() {
            return group(root, root.pointer(name.trim_start_matches('#')).unwrap());
        }
        of["anyOf"].as_array()?.iter().find_map(|part| group(root, part))
    }

    #[test]
    fn the_schema_names_what_the_reader_knows() {
        let root = serde_json::to_value(schema()).unwrap();
        assert_eq!(properties(&root), TOP.iter().map(|name| (*name).to_owned()).collect());
        let step = &root["$defs"]["Step"];
        let known = COMMON.iter().copied().chain(KINDS.iter().map(|kind| kind.name)).chain(["choose"]);
        assert_eq!(properties(step), known.map(str::to_owned).collect());
        for kind in &KINDS {
            let of = group(&root, &step["properties"][kind.name]).unwrap();
            let expected: BTreeSet<String> = kind.fields.iter().map(|(name, _)| (*name).to_owned()).collect();
            if expected.is_empty() {
                continue;
            }
            assert_eq!(properties(of), expected, "{}", kind.name);
            let required: BTreeSet<&str> =
                of["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
            let must = kind.fields.iter().filter(|(_, must)| *must).map(|(name, _)| *name).collect();
            assert_eq!(required, must, "{}", kind.name);
        }
    }

    #[test]
    fn words_of_the_schema_are_the_bare_steps() {
        let root = serde_json::to_value(schema()).unwrap();
        let words: BTreeSet<&str> =
            root["$defs"]["Word"]["enum"].as_array().unwrap().iter().filter_map(|word| word.as_str()).collect();
        assert_eq!(words, KINDS.iter().filter(|kind| kind.bare()).map(|kind| kind.name).collect());
    }
}
