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

/// What a text that is embedded is to the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Question,
    Passage,
}

/// Texts to be embedded in one request.
pub(super) struct Embed<'a> {
    pub model: &'a str,
    /// Of the provider, without a final slash.
    pub url: &'a str,
    pub texts: &'a [&'a str],
    pub side: Side,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Embedded {
    /// In the order of the texts; empty for an answer of another shape.
    pub vectors: Vec<Vec<f32>>,
    /// None where the provider does not say.
    pub tokens: Option<u64>,
}

impl Provider {
    /// How many texts one request may hold; 0 where the provider embeds nothing.
    pub(super) fn embeds_at_once(self, model: &str) -> usize {
        match self {
            Self::Bedrock => bedrock::embeds_at_once(model),
            Self::OpenAi => openai::EMBEDS_AT_ONCE,
            Self::Anthropic => 0,
        }
    }

    /// Address and body; none where the provider embeds nothing.
    pub(super) fn embedding(self, embed: &Embed<'_>) -> Option<(String, Value)> {
        match self {
            Self::Bedrock => Some((bedrock::embedding_address(embed), bedrock::embedding_body(embed))),
            Self::OpenAi => Some((format!("{}/embeddings", embed.url), openai::embedding_body(embed))),
            Self::Anthropic => None,
        }
    }

    pub(super) fn read_embedding(self, model: &str, answer: &Value) -> Embedded {
        match self {
            Self::Bedrock => bedrock::read_embedding(model, answer),
            Self::OpenAi => openai::read_embedding(answer),
            Self::Anthropic => Embedded::default(),
        }
    }

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

/// An array of numbers; none when anything in it is no number.
pub(super) fn vector(value: &Value) -> Option<Vec<f32>> {
    #[expect(clippy::cast_possible_truncation, reason = "a vector is kept with far less precision")]
    value.as_array()?.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
}
