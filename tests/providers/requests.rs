//! What each protocol sends.

use crate::desk::{Desk, KEY, MODEL, QUESTION, good};
use serde_json::Value;
use testkit::model::{Dialect, Say, Seen};

async fn request(dialect: Dialect) -> Seen {
    let desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await;
    assert!(desk.ask().await.unwrap().answerable);
    let seen = desk.server.seen();
    assert_eq!(seen.len(), 1);
    let seen = seen.into_iter().next().unwrap();
    assert_eq!((seen.method.as_str(), seen.header("content-type")), ("POST", Some("application/json")));
    let (system, texts) = dialect.asked(&seen.body);
    assert!(system.contains("brief") && texts.len() == 1 && texts[0].contains(QUESTION));
    assert!(!seen.body.to_string().contains(KEY), "the key has no place in a body");
    seen
}

fn is_the_schema(schema: &Value) {
    assert_eq!(*schema, assistant::structured::schema());
}

#[tokio::test]
async fn openai_is_asked_for_a_schema_without_a_stream() {
    let seen = request(Dialect::OpenAi).await;
    assert_eq!(seen.path, "/chat/completions");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!((&seen.body["model"], &seen.body["stream"]), (&MODEL.into(), &false.into()));
    assert_eq!(seen.body["response_format"]["type"], "json_schema");
    assert_eq!(seen.body["response_format"]["json_schema"]["strict"], true);
    is_the_schema(&seen.body["response_format"]["json_schema"]["schema"]);
    assert_eq!(seen.body["messages"][0]["role"], "system");
    assert!(seen.body["max_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
}

#[tokio::test]
async fn anthropic_is_asked_for_a_tool_without_a_stream() {
    let seen = request(Dialect::Anthropic).await;
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!((seen.header("x-api-key"), seen.header("anthropic-version")), (Some(KEY), Some("2023-06-01")));
    assert_eq!((&seen.body["model"], &seen.body["stream"]), (&MODEL.into(), &false.into()));
    is_the_schema(&seen.body["tools"][0]["input_schema"]);
    assert_eq!(seen.body["tool_choice"]["name"], seen.body["tools"][0]["name"]);
    assert!(seen.body["max_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
}

#[tokio::test]
async fn bedrock_is_asked_by_its_service_model_and_signed() {
    let seen = request(Dialect::Bedrock).await;
    assert_eq!(seen.path, "/model/vendor.model-1%3A0/converse");
    crate::converse::assert_shape(&seen);
    crate::converse::assert_signed(&seen, "eu-west-1");
    is_the_schema(&seen.body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]);
}

#[tokio::test]
async fn an_earlier_exchange_is_part_of_what_is_asked() {
    for dialect in Dialect::ALL {
        let mut desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await;
        let mut earlier = desk.request.chain[0].clone();
        earlier.text = "Do you have teapots?".to_owned();
        desk.request.chain.insert(0, earlier);
        desk.ask().await.unwrap();
        let (_, texts) = dialect.asked(&desk.server.seen()[0].body);
        assert!(texts[0].find("Do you have teapots?").unwrap() < texts[0].find("how long does").unwrap());
    }
}
