//! Chat completions: <https://platform.openai.com/docs/api-reference/chat>, and everything that serves the same:
//! Azure OpenAI (`/openai/v1`), Groq, Ollama, vLLM, llama.cpp.

use super::protocol::{Ask, Said, Stop, tokens};
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
}
