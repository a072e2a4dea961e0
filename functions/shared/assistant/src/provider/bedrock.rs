//! Converse: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The schema is kept to
//! by a tool that has to be called.
//!
//! Embeddings are asked for by InvokeModel, whose body is the model's own:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html>.

use super::protocol::{Ask, Embed, Embedded, Said, Side, Stop, content, tokens, vector};
use crate::structured;
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn address(ask: &Ask<'_>) -> String {
    format!("{}/model/{}/converse", ask.url, escaped(ask.model))
}

/// Everything but RFC 3986's unreserved characters: an id has colons, and an ARN slashes.
fn escaped(id: &str) -> String {
    id.bytes().fold(String::with_capacity(id.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _written = write!(text, "%{byte:02X}");
        }
        text
    })
}

pub(super) fn body(ask: &Ask<'_>) -> Value {
    let message = |role: &str, text: &str| json!({ "role": role, "content": [{ "text": text }] });
    let messages: Vec<Value> = ask.lines.iter().map(|line| message(line.role.code(), &line.text)).collect();
    let mut body = json!({
        "system": [{ "text": ask.system }],
        "messages": messages,
        "inferenceConfig": { "maxTokens": ask.output_tokens },
    });
    if let Some(schema) = ask.schema {
        let tool = json!({
            "name": structured::NAME,
            "description": structured::DESCRIPTION,
            "inputSchema": { "json": schema },
        });
        body["toolConfig"] =
            json!({ "tools": [{ "toolSpec": tool }], "toolChoice": { "tool": { "name": structured::NAME } } });
    }
    body
}

pub(super) fn read(answer: &Value) -> Said {
    let stop = match answer["stopReason"].as_str() {
        Some("end_turn" | "tool_use" | "stop_sequence") => Stop::Done,
        // What the service could not parse is for our reader to judge.
        Some("malformed_model_output" | "malformed_tool_use") => Stop::Done,
        Some("max_tokens") => Stop::Length,
        Some("guardrail_intervened" | "content_filtered") => Stop::Filtered,
        Some("model_context_window_exceeded") => Stop::Context,
        _ => Stop::Unknown,
    };
    let ours = |block: &Value| block["toolUse"]["name"] == structured::NAME;
    let usage = &answer["usage"];
    Said {
        text: content(&answer["output"]["message"]["content"], |block| {
            block.get("toolUse").filter(|_| ours(block))?.get("input")
        }),
        stop,
        input_tokens: tokens(usage, "inputTokens")
            + tokens(usage, "cacheReadInputTokens")
            + tokens(usage, "cacheWriteInputTokens"),
        output_tokens: tokens(usage, "outputTokens"),
    }
}

/// Of Cohere; every other model is asked as Titan is. An inference profile and an ARN hold the model's name as well.
fn is_cohere(model: &str) -> bool {
    model.contains("cohere.")
}

/// Titan takes one text, Cohere up to 96.
pub(super) fn embeds_at_once(model: &str) -> usize {
    if is_cohere(model) { 32 } else { 1 }
}

pub(super) fn embedding_address(embed: &Embed<'_>) -> String {
    format!("{}/model/{}/invoke", embed.url, escaped(embed.model))
}

pub(super) fn embedding_body(embed: &Embed<'_>) -> Value {
    if is_cohere(embed.model) {
        let side = match embed.side {
            Side::Question => "search_query",
            Side::Passage => "search_document",
        };
        return json!({ "texts": embed.texts, "input_type": side, "truncate": "END", "embedding_types": ["float"] });
    }
    json!({ "inputText": embed.texts.first() })
}

pub(super) fn read_embedding(model: &str, answer: &Value) -> Embedded {
    if is_cohere(model) {
        let vectors = answer["embeddings"]["float"].as_array();
        let vectors = vectors.and_then(|all| all.iter().map(vector).collect());
        // The count of tokens is in no field.
        return Embedded { vectors: vectors.unwrap_or_default(), tokens: None };
    }
    Embedded {
        vectors: vector(&answer["embedding"]).into_iter().collect(),
        tokens: answer["inputTextTokenCount"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_id_is_one_segment_of_the_path() {
        assert_eq!(escaped("amazon.nova-lite-v1:0"), "amazon.nova-lite-v1%3A0");
        let arn = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.x-1~";
        assert_eq!(escaped(arn), "arn%3Aaws%3Abedrock%3Aeu-west-1%3A111122223333%3Ainference-profile%2Feu.x-1~");
    }
}
