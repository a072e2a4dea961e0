//! Embeddings from the server's side: whether they are asked for, and an answer in the dialect's shape.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/embeddings/object>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html>. Anthropic has none.

use crate::model::{Reply, Seen};
use serde_json::{Value, json};

/// Numbers of a scripted vector.
const DIMENSION: usize = 256;

/// The texts that are to be embedded; none for any other request.
pub fn texts(seen: &Seen) -> Option<Vec<String>> {
    let list = |value: &Value| value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect();
    if seen.path.ends_with("/embeddings") {
        return list(&seen.body["input"]);
    }
    if seen.path.ends_with("/invoke") {
        return match seen.body["inputText"].as_str() {
            Some(text) => Some(vec![text.to_owned()]),
            None => list(&seen.body["texts"]),
        };
    }
    None
}

/// An answer with these vectors, in the shape that the request asks for.
pub fn vectors(seen: &Seen, vectors: &[Vec<f32>]) -> Value {
    let tokens = 10 * vectors.len();
    if seen.path.ends_with("/embeddings") {
        let one = |(no, vector): (usize, &Vec<f32>)| json!({ "object": "embedding", "index": no, "embedding": vector });
        return json!({
            "object": "list", "data": vectors.iter().enumerate().map(one).collect::<Vec<_>>(), "model": "scripted",
            "usage": { "prompt_tokens": tokens, "total_tokens": tokens }
        });
    }
    match seen.body.get("inputText") {
        Some(_) => {
            let vector = vectors.first();
            json!({ "embedding": vector, "embeddingsByType": { "float": vector }, "inputTextTokenCount": tokens })
        }
        None => json!({
            "id": "embed-1", "response_type": "embeddings_by_type", "texts": seen.body["texts"],
            "embeddings": { "float": vectors }
        }),
    }
}

/// A vector of each text by what it is spelled with: the same everywhere, and near for texts that share parts of words.
/// It shows that the way is whole, and nothing of how well a real model finds.
pub fn spelled(seen: &Seen) -> Option<Reply> {
    let all: Vec<Vec<f32>> = texts(seen)?.iter().map(|text| spelling(text)).collect();
    Some(Reply::json(&vectors(seen, &all)))
}

fn spelling(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSION];
    // Something for a text without words.
    vector[0] = 0.01;
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2) {
        let marked: Vec<char> = format!("<{word}>").chars().collect();
        for part in marked.windows(4) {
            // FNV-1a.
            let hash = part.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
                (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0100_0000_01b3)
            });
            let place = usize::try_from(hash % 255).unwrap_or(0) + 1;
            vector[place] += 1.0;
        }
    }
    vector
}
