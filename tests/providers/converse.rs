//! Bedrock's own word for a Converse request: the service model that AWS's clients are made from, and Signature
//! Version 4 computed a second time, from the secret.

use aws_lc_rs::{digest, hmac};
use serde_json::{Map, Value};
use std::fmt::Write;
use testkit::model::{Dialect, Say, Seen};

fn model() -> Value {
    serde_json::from_str(include_str!("../fixtures/bedrock/converse.json")).unwrap()
}

/// Everything that `value` violates of `shape`.
fn violations(model: &Value, shape: &str, value: &Value, at: &str) -> Vec<String> {
    let definition = &model["shapes"][shape];
    let wrong = |what: &str| vec![format!("{at}: {what} ({shape})")];
    match definition["type"].as_str().unwrap_or_else(|| panic!("no shape {shape}")) {
        "structure" if definition["document"] == true => vec![],
        "structure" => match value.as_object() {
            Some(object) => structure(model, definition, object, at),
            None => wrong("no object"),
        },
        "list" => match value.as_array() {
            Some(items) => {
                let member = definition["member"]["shape"].as_str().unwrap();
                let each = items.iter().enumerate();
                each.flat_map(|(n, item)| violations(model, member, item, &format!("{at}[{n}]"))).collect()
            }
            None => wrong("no list"),
        },
        "string" => match value.as_str() {
            None => wrong("no text"),
            Some(text) => {
                let length = u64::try_from(text.chars().count()).unwrap();
                let known = definition["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == text));
                let fits = definition["min"].as_u64().is_none_or(|min| length >= min)
                    && definition["max"].as_u64().is_none_or(|max| length <= max);
                if known && fits { vec![] } else { wrong("a text that is not allowed") }
            }
        },
        "integer" | "long" => match value.as_i64() {
            Some(number) if definition["min"].as_i64().is_none_or(|min| number >= min) => vec![],
            _ => wrong("no whole number, or one that is not allowed"),
        },
        "boolean" if value.is_boolean() => vec![],
        "float" if value.is_number() => vec![],
        _ => wrong("of another type"),
    }
}

fn structure(model: &Value, definition: &Value, object: &Map<String, Value>, at: &str) -> Vec<String> {
    let mut found = vec![];
    let members = definition["members"].as_object().unwrap();
    let in_body = |name: &str| members[name].get("location").is_none();
    for name in definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if in_body(name) && !object.contains_key(name) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    if definition["union"] == true && object.len() != 1 {
        found.push(format!("{at}: a union with {} members", object.len()));
    }
    for (name, value) in object {
        match members.get(name) {
            Some(member) if in_body(name) => {
                let shape = member["shape"].as_str().unwrap();
                found.extend(violations(model, shape, value, &format!("{at}.{name}")));
            }
            _ => found.push(format!("{at}: {name} is unknown")),
        }
    }
    found
}

pub fn assert_shape(seen: &Seen) {
    let model = model();
    let http = &model["operations"]["Converse"]["http"];
    assert_eq!(
        (http["method"].as_str(), http["requestUri"].as_str()),
        (Some("POST"), Some("/model/{modelId}/converse"))
    );
    assert_eq!(violations(&model, "ConverseRequest", &seen.body, "request"), Vec::<String>::new());
}

/// InvokeModel's address and headers; its body is the model's own.
pub fn assert_invokes(seen: &Seen, path: &str) {
    let model: Value = serde_json::from_str(include_str!("../fixtures/bedrock/invoke.json")).unwrap();
    let http = &model["operations"]["InvokeModel"]["http"];
    let (before, after) = http["requestUri"].as_str().unwrap().split_once("{modelId}").unwrap();
    assert_eq!(
        (http["method"].as_str(), seen.path.as_str()),
        (Some("POST"), format!("{before}{path}{after}").as_str())
    );
    let members = model["shapes"]["InvokeModelRequest"]["members"].as_object().unwrap();
    for name in ["contentType", "accept"] {
        let header = members[name]["locationName"].as_str().unwrap().to_lowercase();
        assert_eq!(seen.header(&header), Some("application/json"), "{header}");
    }
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>, with the emulator's
/// secret `test`.
pub fn assert_signed(seen: &Seen, region: &str) {
    let authorization = seen.header("authorization").expect("a signature");
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").expect("the algorithm");
    let part = |name: &str| rest.split(", ").find_map(|part| part.strip_prefix(name)).expect("a part of it");
    let (credential, signed, signature) = (part("Credential="), part("SignedHeaders="), part("Signature="));
    let time = seen.header("x-amz-date").expect("a date");
    let scope =
        format!("{}/{region}/{}/aws4_request", &time[..8], model()["metadata"]["signingName"].as_str().unwrap());
    assert_eq!(credential, format!("test/{scope}"));
    assert!(signed.split(';').any(|name| name == "host") && signed.split(';').any(|name| name == "x-amz-date"));
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", seen.header(name).expect("a signed header"))).collect();
    // Each segment of the path is encoded once more, for every service but S3.
    let path = seen.path.replace('%', "%25");
    let canonical = format!("POST\n{path}\n\n{headers}\n{signed}\n{}", sha256(&seen.raw));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let key = scope.split('/').fold(b"AWS4test".to_vec(), |key, part| sign(&key, part));
    assert_eq!(signature, hex(&sign(&key, &text)));
}

#[test]
fn a_request_of_another_shape_is_noticed() {
    let model = model();
    let of = |body: Value| violations(&model, "ConverseRequest", &body, "request");
    for bad in [
        serde_json::json!({ "messages": [{ "role": "user", "content": "text" }] }),
        serde_json::json!({ "messages": [{ "role": "narrator", "content": [{ "text": "a" }] }] }),
        serde_json::json!({ "system": [{ "text": "" }] }),
        serde_json::json!({ "stream": false }),
        serde_json::json!({ "inferenceConfig": { "maxTokens": 0 } }),
        serde_json::json!({ "toolConfig": {} }),
        serde_json::json!({ "messages": [{ "role": "user", "content": [{ "text": "a", "toolUse": {} }] }] }),
    ] {
        assert_ne!(of(bad.clone()), Vec::<String>::new(), "{bad}");
    }
}

#[test]
fn the_scripted_answers_have_the_shape_of_the_service_model() {
    let seen = Seen {
        method: String::new(),
        path: String::new(),
        headers: vec![],
        raw: vec![],
        body: serde_json::json!({ "toolConfig": { "toolChoice": { "tool": { "name": "t" } } } }),
    };
    for text in ["{}", "words"] {
        let answer = Dialect::Bedrock.said(&Say::whole(text), &seen);
        assert_eq!(violations(&model(), "ConverseResponse", &answer, "answer"), Vec::<String>::new());
    }
}
