//! What a protocol is: where a request goes, what it holds, and how its answer is read.

use super::{Provider, anthropic, bedrock, openai};
use serde_json::Value;

pub(super) struct Ask<'a> {
    pub model: &'a str,
    /// Of the provider, without a final slash.
    pub url: &'a str,
    pub system: &'a str,
    pub lines: &'a [Line],
    /// Where the provider is to keep to it.
    pub schema: Option<&'a Value>,
    pub output_tokens: u32,
}

pub(super) struct Line {
    pub role: Role,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

impl Role {
    /// The same in all protocols.
    pub fn code(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Done,
    Length,
    Refused,
    Filtered,
    /// The request alone was too long.
    Context,
    Unknown,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// A JSON text where the provider keeps to the schema.
    pub text: String,
    pub stop: Stop,
    /// 0 where the provider does not say.
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Provider {
    pub(super) fn address_of(self, ask: &Ask<'_>) -> String {
        match self {
            Self::Bedrock => bedrock::address(ask),
            Self::OpenAi => format!("{}/chat/completions", ask.url),
            Self::Anthropic => format!("{}/v1/messages", ask.url),
        }
    }

    pub(super) fn body(self, ask: &Ask<'_>) -> Value {
        match self {
            Self::Bedrock => bedrock::body(ask),
            Self::OpenAi => openai::body(ask),
            Self::Anthropic => anthropic::body(ask),
        }
    }

    /// An answer of another shape gives an empty text and an unknown stop.
    pub(super) fn read(self, answer: &Value) -> Said {
        match self {
            Self::Bedrock => bedrock::read(answer),
            Self::OpenAi => openai::read(answer),
            Self::Anthropic => anthropic::read(answer),
        }
    }

    /// Name and value of the header that carries a key.
    pub(super) fn key_header(self, key: &str) -> (&'static str, String) {
        match self {
            Self::Anthropic => ("x-api-key", key.to_owned()),
            Self::Bedrock | Self::OpenAi => ("authorization", format!("Bearer {key}")),
        }
    }

    pub(super) fn other_headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Anthropic => &[("anthropic-version", anthropic::VERSION)],
            Self::Bedrock | Self::OpenAi => &[],
        }
    }
}

pub(super) fn tokens(usage: &Value, name: &str) -> u64 {
    usage.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// The texts of content blocks put together, or the input of the first call of our tool as JSON text.
pub(super) fn content(blocks: &Value, tool_input: impl Fn(&Value) -> Option<&Value>) -> String {
    let blocks = blocks.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(input) = blocks.iter().find_map(tool_input) {
        return input.to_string();
    }
    blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
}
