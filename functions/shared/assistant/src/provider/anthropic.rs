//! Messages: <https://docs.anthropic.com/en/api/messages>. The schema is kept to by a tool that has to be called.

use super::protocol::{Ask, Said, Stop, content, tokens};
use crate::structured;
use serde_json::{Value, json};

pub(super) const VERSION: &str = "2023-06-01";

pub(super) fn body(ask: &Ask<'_>) -> Value {
    let messages: Vec<Value> =
        ask.lines.iter().map(|line| json!({ "role": line.role.code(), "content": line.text })).collect();
    let mut body = json!({
        "model": ask.model,
        "max_tokens": ask.output_tokens,
        "system": ask.system,
        "messages": messages,
        "stream": false,
    });
    if let Some(schema) = ask.schema {
        body["tools"] =
            json!([{ "name": structured::NAME, "description": structured::DESCRIPTION, "input_schema": schema }]);
        body["tool_choice"] = json!({ "type": "tool", "name": structured::NAME, "disable_parallel_tool_use": true });
    }
    body
}

pub(super) fn read(answer: &Value) -> Said {
    let stop = match answer["stop_reason"].as_str() {
        Some("end_turn" | "tool_use" | "stop_sequence") => Stop::Done,
        Some("max_tokens") => Stop::Length,
        Some("refusal") => Stop::Refused,
        Some("model_context_window_exceeded") => Stop::Context,
        _ => Stop::Unknown,
    };
    let ours = |block: &Value| block["type"] == "tool_use" && block["name"] == structured::NAME;
    let usage = &answer["usage"];
    Said {
        text: content(&answer["content"], |block| block.get("input").filter(|_| ours(block))),
        stop,
        // Tokens from and into the cache are not part of `input_tokens`.
        input_tokens: tokens(usage, "input_tokens")
            + tokens(usage, "cache_creation_input_tokens")
            + tokens(usage, "cache_read_input_tokens"),
        output_tokens: tokens(usage, "output_tokens"),
    }
}
