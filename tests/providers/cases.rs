//! What each protocol has to do, whatever comes back.

use crate::desk::{Desk, but, good, why};
use channel::assistant::{Intent, Sentiment, Urgency};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::model::{Dialect, Ended, Reply, Say};

/// Runs each case for each protocol, as tests of their own.
macro_rules! on_all {
    ($($case:ident)*) => {
        mod openai { $(#[tokio::test] async fn $case() { super::$case(super::Dialect::OpenAi).await; })* }
        mod anthropic { $(#[tokio::test] async fn $case() { super::$case(super::Dialect::Anthropic).await; })* }
        mod bedrock { $(#[tokio::test] async fn $case() { super::$case(super::Dialect::Bedrock).await; })* }
    };
}

on_all! {
    a_structured_answer_is_taken
    without_a_schema_the_text_is_read
    a_rate_limit_is_waited_for_and_asked_once_more
    a_long_wait_is_left_to_the_queue
    a_provider_out_of_order_is_asked_twice
    a_provider_that_recovers_answers
    silence_ends_with_the_deadline
    a_body_that_stalls_ends_with_the_deadline
    an_answer_that_breaks_off_is_not_asked_again
    no_connection_is_tried_twice
    without_time_nobody_is_asked
    a_refusal_is_a_persons
    an_answer_that_is_cut_off_is_a_persons
    a_content_filter_is_a_persons
    an_empty_answer_is_a_persons
    a_malformed_answer_is_repaired_once
    a_malformed_answer_twice_is_a_persons
    two_hundred_kilobytes_are_a_persons
    a_body_without_end_is_not_read_to_its_end
    unknown_fields_and_words_fall_away
    sources_that_were_not_given_do_not_count
    another_language_passes_and_is_never_sure
    the_secret_word_is_never_passed_on
    a_refused_request_names_its_remedy
    what_is_no_json_is_not_available
    what_is_answered_without_a_passage_is_a_persons
}

async fn a_structured_answer_is_taken(dialect: Dialect) {
    let desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await;
    let answer = desk.ask().await.unwrap();
    assert!(answer.answerable && answer.reason_for_person.is_none());
    assert_eq!(answer.reply, "Standard delivery takes 3 to 5 working days.");
    assert_eq!(
        (answer.intent, answer.sentiment, answer.urgency),
        (Intent::Question, Sentiment::Positive, Urgency::Low)
    );
    assert_eq!((answer.language.as_str(), answer.confidence), ("en", 0.9));
    assert_eq!(answer.sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), ["help#1"]);
    assert!(answer.sources[0].passage.contains("3 to 5"));
    let usage = &answer.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.calls), (1_000, 100, 1));
    // 1,000 tokens at one dollar a million and 100 at four.
    assert_eq!(usage.cost_micro_usd, 1_400);
    assert!(usage.context_tokens > 300 && usage.passages >= 1 && usage.model == crate::desk::MODEL);
    let canary = answer.canary.unwrap();
    assert!(dialect.asked(&desk.server.seen()[0].body).0.contains(&canary));
}

async fn without_a_schema_the_text_is_read(dialect: Dialect) {
    let said = format!("Here you are:\n```json\n{}\n```", good());
    let mut desk = Desk::saying(dialect, vec![Say::whole(said)]).await;
    desk.settings.keeps_schema = false;
    assert!(desk.ask().await.unwrap().answerable);
    let body = &desk.server.seen()[0].body;
    for field in ["response_format", "tools", "tool_choice", "toolConfig"] {
        assert!(body.get(field).is_none(), "{field}");
    }
}

fn once_then_good(dialect: Dialect, first: Reply) -> impl Fn(&testkit::model::Seen, usize) -> Reply + Send + Sync {
    move |seen, before| match before {
        0 => first.clone(),
        _ => Reply::json(&dialect.said(&Say::whole(good().to_string()), seen)),
    }
}

async fn a_rate_limit_is_waited_for_and_asked_once_more(dialect: Dialect) {
    let desk = Desk::new(dialect, once_then_good(dialect, Reply::status(429).with_header("retry-after", "0"))).await;
    let answer = desk.ask().await.unwrap();
    assert!(answer.answerable);
    assert_eq!((answer.usage.calls, desk.calls()), (2, 2));
}

async fn a_long_wait_is_left_to_the_queue(dialect: Dialect) {
    let desk = Desk::new(dialect, |_, _| Reply::status(429).with_header("retry-after", "3600")).await;
    let (kind, why) = why(desk.ask().await);
    assert_eq!((kind, desk.calls()), ("unavailable", 1), "{why}");
    // A wait that the queue could bear and the deadline cannot.
    let desk = Desk::new(dialect, |_, _| Reply::status(429).with_header("retry-after", "15")).await;
    let desk = desk.within(Duration::from_secs(10));
    assert_eq!((crate::desk::why(desk.ask().await).0, desk.calls()), ("unavailable", 1));
}

async fn a_provider_out_of_order_is_asked_twice(dialect: Dialect) {
    for status in [500, 502, 503, 529] {
        let desk = Desk::new(dialect, move |_, _| Reply::status(status)).await;
        let (kind, why) = why(desk.ask().await);
        assert_eq!((kind, desk.calls()), ("unavailable", 2), "{why}");
        assert!(why.contains(&status.to_string()), "{why}");
    }
}

async fn a_provider_that_recovers_answers(dialect: Dialect) {
    let desk = Desk::new(dialect, once_then_good(dialect, Reply::status(503))).await;
    assert!(desk.ask().await.unwrap().answerable);
}

/// Long enough for a request to arrive, short enough to wait for.
const SOON: Duration = Duration::from_millis(1_500);

async fn silence_ends_with_the_deadline(dialect: Dialect) {
    let desk = Desk::new(dialect, |_, _| Reply::Silence).await.within(SOON);
    let (kind, why) = why(desk.ask().await);
    assert_eq!((kind, desk.calls()), ("unavailable", 1), "{why}");
}

async fn a_body_that_stalls_ends_with_the_deadline(dialect: Dialect) {
    let desk = Desk::new(dialect, |_, _| Reply::Stalls(b"{\"choices\": [".to_vec())).await.within(SOON);
    let (kind, why) = why(desk.ask().await);
    assert_eq!((kind, desk.calls()), ("unavailable", 1), "{why}");
}

async fn an_answer_that_breaks_off_is_not_asked_again(dialect: Dialect) {
    let desk = Desk::new(dialect, |_, _| Reply::Breaks(b"{\"choices\": [".to_vec())).await;
    let (kind, why) = why(desk.ask().await);
    assert_eq!((kind, desk.calls()), ("unavailable", 1), "{why}");
}

async fn no_connection_is_tried_twice(dialect: Dialect) {
    let mut desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await;
    // A port that was given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    desk.settings.url = format!("http://127.0.0.1:{port}");
    let error = desk.ask().await.unwrap_err();
    assert_eq!(error.usage().calls, 2, "{error}");
    assert_eq!(why(Err(error)).0, "unavailable");
}

async fn without_time_nobody_is_asked(dialect: Dialect) {
    let desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await.within(Duration::ZERO);
    assert_eq!((why(desk.ask().await).0, desk.calls()), ("unavailable", 0));
}

async fn ended(dialect: Dialect, ended: Ended, text: &str) -> String {
    let desk = Desk::saying(dialect, vec![Say { ended, ..Say::whole(text) }]).await;
    let error = desk.ask().await.unwrap_err();
    assert_eq!((error.usage().input_tokens, error.usage().cost_micro_usd), (1_000, 1_400), "it was paid for");
    let (kind, why) = why(Err(error));
    assert_eq!((kind, desk.calls()), ("unusable", 1), "{why}");
    why
}

async fn a_refusal_is_a_persons(dialect: Dialect) {
    let why = ended(dialect, Ended::Refused, &good().to_string()).await;
    assert!(why.contains("refused") || why.contains("filter"), "{why}");
}

async fn an_answer_that_is_cut_off_is_a_persons(dialect: Dialect) {
    let whole = good().to_string();
    let why = ended(dialect, Ended::AtLength, &whole[..whole.len() / 2]).await;
    assert!(why.contains("cut off"), "{why}");
    // Even when what there is of it can be read.
    assert!(ended(dialect, Ended::AtLength, &whole).await.contains("cut off"));
}

async fn a_content_filter_is_a_persons(dialect: Dialect) {
    let why = ended(dialect, Ended::Filtered, "").await;
    assert!(why.contains("filter") || why.contains("refused"), "{why}");
}

async fn an_empty_answer_is_a_persons(dialect: Dialect) {
    assert!(ended(dialect, Ended::Whole, "").await.contains("empty"));
    assert!(ended(dialect, Ended::Whole, " \n ").await.contains("empty"));
}

async fn a_malformed_answer_is_repaired_once(dialect: Dialect) {
    let says = vec![Say::whole("I would say three to five days."), Say::whole(good().to_string())];
    let desk = Desk::saying(dialect, says).await;
    let answer = desk.ask().await.unwrap();
    assert!(answer.answerable);
    assert_eq!((answer.usage.calls, answer.usage.input_tokens, answer.usage.output_tokens), (2, 2_000, 200));
    let seen = desk.server.seen();
    let (_, first) = dialect.asked(&seen[0].body);
    let (_, second) = dialect.asked(&seen[1].body);
    assert_eq!((first.len(), second.len()), (1, 3));
    assert_eq!(second[1], "I would say three to five days.");
    assert!(second[2].contains("answerable"), "{}", second[2]);
}

async fn a_malformed_answer_twice_is_a_persons(dialect: Dialect) {
    for bad in ["I would say three to five days.", "{\"answerable\": tr", "{\"answerable\": \"yes\", \"reply\": \"x\"}"]
    {
        let desk = Desk::saying(dialect, vec![Say::whole(bad)]).await;
        let error = desk.ask().await.unwrap_err();
        assert_eq!((error.usage().calls, error.usage().cost_micro_usd), (2, 2_800));
        let (kind, why) = why(Err(error));
        assert_eq!((kind, desk.calls()), ("unusable", 2), "{why}");
    }
}

async fn two_hundred_kilobytes_are_a_persons(dialect: Dialect) {
    let long = but("reply", json!("All is well. ".repeat(16_000)));
    for said in [long, Say::whole("word ".repeat(40_000))] {
        let desk = Desk::saying(dialect, vec![said]).await;
        let (kind, why) = why(desk.ask().await);
        assert_eq!((kind, desk.calls()), ("unusable", 1), "{why}");
        assert!(why.contains("longer"), "{why}");
    }
}

async fn a_body_without_end_is_not_read_to_its_end(dialect: Dialect) {
    let desk =
        Desk::new(dialect, |_, _| Reply::Whole { status: 200, headers: vec![], body: vec![b' '; 2_000_000] }).await;
    let (kind, why) = why(desk.ask().await);
    assert_eq!((kind, desk.calls()), ("unusable", 1), "{why}");
}

async fn unknown_fields_and_words_fall_away(dialect: Dialect) {
    let mut answer = good();
    answer["to"] = json!("everybody@example.org");
    answer["labels"] = json!(["SPAM"]);
    answer["intent"] = json!("exfiltrate");
    answer["sentiment"] = json!("euphoric");
    answer["confidence"] = json!(17);
    answer["language"] = json!("the Queen's English");
    let desk = Desk::saying(dialect, vec![Say::whole(answer.to_string())]).await;
    let answer = desk.ask().await.unwrap();
    assert_eq!((answer.intent, answer.sentiment, answer.confidence), (Intent::Other, Sentiment::Neutral, 1.0));
    // What is no tag is replaced by what the mail itself shows.
    assert_eq!(answer.language, "en");
    assert!(!serde_json::to_string(&answer).unwrap().contains("everybody"));
}

async fn sources_that_were_not_given_do_not_count(dialect: Dialect) {
    let desk = Desk::saying(dialect, vec![but("sources", json!(["help#99", "help#1", "help#1", "secret#1"]))]).await;
    let answer = desk.ask().await.unwrap();
    assert_eq!(answer.sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), ["help#1"]);
    for invented in [json!(["help#99"]), json!([]), Value::Null] {
        let desk = Desk::saying(dialect, vec![but("sources", invented)]).await;
        let answer = desk.ask().await.unwrap();
        assert!(!answer.answerable && answer.reply.is_empty() && answer.sources.is_empty());
        assert!(answer.reason_for_person.unwrap().contains("no passage"));
    }
}

async fn another_language_passes_and_is_never_sure(dialect: Dialect) {
    let german = json!("Die Lieferung dauert in der Regel drei bis fünf Werktage nach Eingang Ihrer Bestellung.");
    let desk = Desk::saying(dialect, vec![but("reply", german)]).await;
    let answer = desk.ask().await.unwrap();
    assert!(answer.answerable && answer.reply.starts_with("Die Lieferung"));
    assert!(answer.confidence < 0.5, "{}", answer.confidence);
}

async fn the_secret_word_is_never_passed_on(dialect: Dialect) {
    let desk = Desk::new(dialect, move |seen, _| {
        let (system, _) = dialect.asked(&seen.body);
        let word = system.split("the word ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_uppercase();
        Reply::json(&dialect.said(&but("reply", json!(format!("My word is {word}."))), seen))
    })
    .await;
    let (kind, why) = why(desk.ask().await);
    assert_eq!(kind, "unusable");
    assert!(why.contains("secret word"), "{why}");
}

async fn a_refused_request_names_its_remedy(dialect: Dialect) {
    for (status, remedy, calls) in [
        (400, "POSTROOM_MODEL_FORMAT", 1),
        (401, "app secret", 2),
        (403, "permissions", 1),
        (404, "POSTROOM_MODEL", 1),
        (413, "POSTROOM_MODEL_CONTEXT_TOKENS", 1),
    ] {
        let desk = Desk::new(dialect, move |_, _| Reply::status(status)).await;
        let (kind, why) = why(desk.ask().await);
        assert_eq!((kind, desk.calls()), ("unusable", calls), "{status}: {why}");
        assert!(why.contains(remedy), "{status}: {why}");
        let reloads = u32::from(status == 401 && dialect != Dialect::Bedrock);
        assert_eq!(desk.reloads.load(Ordering::SeqCst), reloads, "a refused key is read anew");
    }
}

async fn what_is_no_json_is_not_available(dialect: Dialect) {
    let page = b"<html>Bad gateway of some proxy</html>".to_vec();
    let desk = Desk::new(dialect, move |_, _| Reply::Whole { status: 200, headers: vec![], body: page.clone() }).await;
    assert_eq!((why(desk.ask().await).0, desk.calls()), ("unavailable", 1));
    let desk = Desk::new(dialect, |_, _| Reply::json(&json!({ "hello": "there" }))).await;
    assert_eq!(why(desk.ask().await).0, "unusable");
}

async fn what_is_answered_without_a_passage_is_a_persons(dialect: Dialect) {
    let mut desk = Desk::saying(dialect, vec![Say::whole(good().to_string())]).await;
    desk.request.chain[0].text = "Do you sell bicycles for giraffes?".to_owned();
    desk.request.subject = "Giraffes".to_owned();
    let answer = desk.ask().await.unwrap();
    assert!(!answer.answerable && answer.reply.is_empty());
    let (_, texts) = dialect.asked(&desk.server.seen()[0].body);
    assert!(texts[0].contains("no passage for this mail"), "{}", texts[0]);
    assert_eq!(answer.usage.passages, 0);
}
