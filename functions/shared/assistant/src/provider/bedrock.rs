//! Converse: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The schema is kept to
//! by a tool that has to be called.

use super::protocol::{Ask, Said, Stop, content, tokens};
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
