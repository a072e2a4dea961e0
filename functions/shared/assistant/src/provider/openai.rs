//! Chat completions: <https://platform.openai.com/docs/api-reference/chat>, and everything that serves the same:
//! Azure OpenAI (`/openai/v1`), Groq, Ollama, vLLM, llama.cpp. Embeddings: <https://platform.openai.com/docs/api-reference/embeddings>.

use super::protocol::{Ask, Embed, Embedded, Said, Stop, tokens, vector};
use crate::structured;
use serde_json::{Value, json};

pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut messages = vec![json!({ "role": "system", "content": ask.system })];
    messages.extend(ask.lines.iter().map(|line| json!({ "role": line.role.code(), "content": line.text })));
    let mut body = json!({ "model": ask.model, "messages": messages, "stream": false });
    body[limit(ask.url)] = ask.output_tokens.into();
    if let Some(schema) = ask.schema {
        let form = json!({ "name": structured::NAME, "strict": true, "schema": schema });
        body["response_format"] = json!({ "type": "json_schema", "json_schema": form });
    }
    body
}

/// OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
fn limit(url: &str) -> &'static str {
    let host = url.split('/').nth(2).unwrap_or_default();
    let newer =
        host == "api.openai.com" || host.ends_with(".openai.azure.com") || host.ends_with(".services.ai.azure.com");
    if newer { "max_completion_tokens" } else { "max_tokens" }
}

pub(super) fn read(answer: &Value) -> Said {
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let refused = message["refusal"].as_str().is_some_and(|text| !text.is_empty());
    let stop = match choice["finish_reason"].as_str() {
        _ if refused => Stop::Refused,
        Some("stop" | "eos") => Stop::Done,
        Some("length") => Stop::Length,
        Some("content_filter") => Stop::Filtered,
        _ => Stop::Unknown,
    };
    Said {
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        stop,
        input_tokens: tokens(&answer["usage"], "prompt_tokens"),
        output_tokens: tokens(&answer["usage"], "completion_tokens"),
    }
}

/// Far below what any server allows, so that an answer stays small.
pub(super) const EMBEDS_AT_ONCE: usize = 32;

pub(super) fn embedding_body(embed: &Embed<'_>) -> Value {
    json!({ "model": embed.model, "input": embed.texts, "encoding_format": "float" })
}

/// The vectors come with the place of their text, in any order.
pub(super) fn read_embedding(answer: &Value) -> Embedded {
    let mut placed: Vec<(u64, Vec<f32>)> = vec![];
    for (no, one) in (0_u64..).zip(answer["data"].as_array().into_iter().flatten()) {
        let Some(numbers) = vector(&one["embedding"]) else { return Embedded::default() };
        placed.push((one["index"].as_u64().unwrap_or(no), numbers));
    }
    placed.sort_by_key(|(place, _)| *place);
    if (0_u64..).zip(&placed).any(|(no, (place, _))| no != *place) {
        return Embedded::default();
    }
    Embedded {
        vectors: placed.into_iter().map(|(_, numbers)| numbers).collect(),
        tokens: answer["usage"]["prompt_tokens"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_length_has_the_name_that_the_server_knows() {
        for (url, name) in [
            ("https://api.openai.com/v1", "max_completion_tokens"),
            ("https://shop.openai.azure.com/openai/v1", "max_completion_tokens"),
            ("http://127.0.0.1:11434/v1", "max_tokens"),
            ("https://api.openai.com.example/v1", "max_tokens"),
        ] {
            assert_eq!(limit(url), name, "{url}");
        }
    }

    #[test]
    fn vectors_are_put_into_the_order_of_their_texts() {
        let read = |data: Value| read_embedding(&json!({ "data": data, "usage": { "prompt_tokens": 7 } }));
        let of = |place: u64, number: f64| json!({ "index": place, "embedding": [number] });
        let read_well = read(json!([of(1, 0.5), of(0, 0.25)]));
        assert_eq!(read_well, Embedded { vectors: vec![vec![0.25], vec![0.5]], tokens: Some(7) });
        for bad in [json!([of(1, 0.5), of(1, 0.5)]), json!([{ "index": 0, "embedding": ["a"] }]), json!("none")] {
            assert!(read(bad.clone()).vectors.is_empty(), "{bad}");
        }
    }
}
