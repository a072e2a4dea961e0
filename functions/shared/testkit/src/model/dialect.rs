//! The three protocols, from the server's side.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/chat/object>, <https://docs.anthropic.com/en/api/messages>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.

use crate::model::Seen;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Bedrock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Whole,
    AtLength,
    Refused,
    Filtered,
}

/// What the model is to say.
#[derive(Debug, Clone)]
pub struct Say {
    pub text: String,
    pub ended: Ended,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Say {
    pub fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), ended: Ended::Whole, input_tokens: 1_000, output_tokens: 100 }
    }
}

impl Dialect {
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Bedrock];

    /// The answer's body. An object is handed over by the tool that was asked for, anything else as text.
    pub fn said(self, say: &Say, seen: &Seen) -> Value {
        let input = serde_json::from_str::<Value>(&say.text).ok().filter(Value::is_object);
        match self {
            Self::OpenAi => openai(say),
            Self::Anthropic => anthropic(say, input, seen.body["tool_choice"]["name"].as_str()),
            Self::Bedrock => bedrock(say, input, seen.body["toolConfig"]["toolChoice"]["tool"]["name"].as_str()),
        }
    }

    /// Instructions, and the texts of all messages.
    pub fn asked(self, body: &Value) -> (String, Vec<String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        match self {
            Self::OpenAi => {
                let mut texts: Vec<String> = messages.iter().map(|message| text(&message["content"])).collect();
                let system = if texts.is_empty() { String::new() } else { texts.remove(0) };
                (system, texts)
            }
            Self::Anthropic => (text(&body["system"]), messages.iter().map(|m| text(&m["content"])).collect()),
            Self::Bedrock => {
                (text(&body["system"][0]["text"]), messages.iter().map(|m| text(&m["content"][0]["text"])).collect())
            }
        }
    }
}

fn openai(say: &Say) -> Value {
    let finish = match say.ended {
        Ended::Whole | Ended::Refused => "stop",
        Ended::AtLength => "length",
        Ended::Filtered => "content_filter",
    };
    let (content, refusal) = match say.ended {
        Ended::Refused => (Value::Null, json!("I'm sorry, I can't assist with that request.")),
        _ => (json!(say.text), Value::Null),
    };
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "scripted",
        "choices": [{
            "index": 0, "logprobs": null, "finish_reason": finish,
            "message": { "role": "assistant", "content": content, "refusal": refusal, "annotations": [] }
        }],
        "usage": {
            "prompt_tokens": say.input_tokens, "completion_tokens": say.output_tokens,
            "total_tokens": say.input_tokens + say.output_tokens
        }
    })
}

fn anthropic(say: &Say, input: Option<Value>, tool: Option<&str>) -> Value {
    let (content, whole) = match (input, tool) {
        (Some(input), Some(name)) => {
            (json!([{ "type": "tool_use", "id": "toolu_1", "name": name, "input": input }]), "tool_use")
        }
        _ => (json!([{ "type": "text", "text": say.text }]), "end_turn"),
    };
    let (content, stop) = match say.ended {
        Ended::Whole => (content, whole),
        Ended::AtLength => (content, "max_tokens"),
        Ended::Refused | Ended::Filtered => (json!([]), "refusal"),
    };
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": content,
        "stop_reason": stop, "stop_sequence": null,
        "usage": {
            "input_tokens": say.input_tokens, "output_tokens": say.output_tokens,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0
        }
    })
}

fn bedrock(say: &Say, input: Option<Value>, tool: Option<&str>) -> Value {
    let (content, whole) = match (input, tool) {
        (Some(input), Some(name)) => {
            (json!([{ "toolUse": { "toolUseId": "tooluse_1", "name": name, "input": input } }]), "tool_use")
        }
        _ => (json!([{ "text": say.text }]), "end_turn"),
    };
    let stop = match say.ended {
        Ended::Whole => whole,
        Ended::AtLength => "max_tokens",
        Ended::Refused => "guardrail_intervened",
        Ended::Filtered => "content_filtered",
    };
    json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop,
        "usage": {
            "inputTokens": say.input_tokens, "outputTokens": say.output_tokens,
            "totalTokens": say.input_tokens + say.output_tokens
        },
        "metrics": { "latencyMs": 420 }
    })
}
