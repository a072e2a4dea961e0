//! Embeddings: what is asked for, what is kept, and that a search does without them whatever comes back.

use crate::converse;
use crate::desk::{Desk, GUIDE, KEY, good, index, index_of};
use assistant::knowledge::Vectors;
use assistant::provider::EmbeddingSettings;
use channel::assistant::{Answer, Usage};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::model::{Dialect, Reply, Say, Seen, embedding};

/// Whose embeddings: a dialect and a model.
#[derive(Debug, Clone, Copy)]
struct Kind(Dialect, &'static str);

const OPENAI: Kind = Kind(Dialect::OpenAi, "embed-small");
const TITAN: Kind = Kind(Dialect::Bedrock, "amazon.titan-embed-text-v2:0");
const COHERE: Kind = Kind(Dialect::Bedrock, "cohere.embed-multilingual-v3");
const KINDS: [Kind; 3] = [OPENAI, TITAN, COHERE];

/// Embeddings by `embed`, to which the texts are given as well; to everything else the good answer.
async fn desk(kind: Kind, embed: impl Fn(&Seen, &[String]) -> Reply + Send + Sync + 'static) -> Desk {
    let dialect = kind.0;
    let mut desk = Desk::new(dialect, move |seen, _| match embedding::texts(seen) {
        Some(texts) => embed(seen, &texts),
        None => Reply::json(&dialect.said(&Say::whole(good().to_string()), seen)),
    })
    .await;
    desk.settings.embedding = Some(EmbeddingSettings { price: 100_000, floor: 0.5, ..EmbeddingSettings::new(kind.1) });
    desk
}

/// The first axis is deliveries, the second everything else.
fn meaning(text: &str) -> Vec<f32> {
    let text = text.to_lowercase();
    if text.contains("deliver") || text.contains("parcel") { vec![1.0, 0.1, 0.0] } else { vec![0.1, 1.0, 0.0] }
}

fn well(seen: &Seen, texts: &[String]) -> Reply {
    let all: Vec<Vec<f32>> = texts.iter().map(|text| meaning(text)).collect();
    Reply::json(&embedding::vectors(seen, &all))
}

fn embedded(desk: &Desk) -> Vec<String> {
    desk.server.seen().iter().filter_map(embedding::texts).flatten().collect()
}

#[tokio::test]
async fn passages_are_embedded_once_and_questions_each_time() {
    for kind in KINDS {
        let desk = desk(kind, well).await;
        let model = desk.model();
        let first = model.answer(&index(), &desk.request).await.unwrap();
        assert!(first.answerable, "{kind:?}");
        assert_eq!(first.usage.search, "Passages were found by words and embeddings", "{kind:?}");
        let passages = |texts: &[String]| texts.iter().filter(|text| text.starts_with("Help > ")).count();
        let before = embedded(&desk);
        assert_eq!(passages(&before), 2, "{before:?}");
        assert!(before.iter().any(|text| text.contains("how long does standard delivery take?")), "{before:?}");
        let second = model.answer(&index(), &desk.request).await.unwrap();
        let after = embedded(&desk);
        assert_eq!((passages(&after), after.len() - before.len()), (2, before.len() - 2), "{kind:?}");
        assert!(second.usage.embedding_tokens < first.usage.embedding_tokens);
        assert!(second.usage.embedding_calls < first.usage.embedding_calls);
        assert_eq!(first.usage.embedding_model, kind.1);
        // A tenth of a dollar a million, beside the 1,400 that the answer takes.
        assert!((1_401..=1_420).contains(&first.usage.cost_micro_usd), "{kind:?}: {}", first.usage.cost_micro_usd);
        assert_eq!(first.usage.calls, 1, "an embedding is no answer");
    }
}

#[tokio::test]
async fn only_a_changed_passage_is_paid_for_again_and_stored_vectors_count() {
    let desk = desk(OPENAI, well).await;
    let model = desk.model();
    model.answer(&index(), &desk.request).await.unwrap();
    let stored = serde_json::to_string(&*model.vectors().await).unwrap();
    let known = embedded(&desk).len();
    model.answer(&index_of(&GUIDE.replace("18:00", "19:00")), &desk.request).await.unwrap();
    let new: Vec<String> = embedded(&desk).split_off(known);
    let passages: Vec<&String> = new.iter().filter(|text| text.starts_with("Help > ")).collect();
    assert!(passages.len() == 1 && passages[0].contains("19:00"), "{new:?}");
    // Another worker, which was given what was stored.
    let other = desk.model();
    other.remember(serde_json::from_str(&stored).unwrap()).await;
    let known = embedded(&desk).len();
    other.answer(&index(), &desk.request).await.unwrap();
    assert!(embedded(&desk).split_off(known).iter().all(|text| !text.starts_with("Help > ")));
    // Those of another model are no use.
    let foreign: Vectors = serde_json::from_str(&stored.replace("embed-small", "embed-large")).unwrap();
    let third = desk.model();
    third.remember(foreign).await;
    assert!(third.vectors().await.is_empty());
}

#[tokio::test]
async fn each_kind_is_asked_in_its_own_shape() {
    for kind in KINDS {
        let desk = desk(kind, well).await;
        desk.model().answer(&index(), &desk.request).await.unwrap();
        let all: Vec<Seen> = desk.server.seen().into_iter().filter(|seen| embedding::texts(seen).is_some()).collect();
        let (question, passage) = (&all[0], all.last().unwrap());
        match kind.1 {
            "embed-small" => {
                assert_eq!(question.path, "/embeddings");
                assert_eq!(question.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
                assert_eq!(
                    (&question.body["model"], &question.body["encoding_format"]),
                    (&json!(kind.1), &json!("float"))
                );
                assert_eq!(all.len(), 2, "one request for the questions, one for the passages");
            }
            "amazon.titan-embed-text-v2:0" => {
                converse::assert_invokes(question, "amazon.titan-embed-text-v2%3A0");
                for seen in &all {
                    assert_eq!(seen.body.as_object().unwrap().keys().collect::<Vec<_>>(), ["inputText"]);
                }
            }
            _ => {
                converse::assert_invokes(question, "cohere.embed-multilingual-v3");
                let side = |seen: &Seen| seen.body["input_type"].as_str().map(str::to_owned);
                assert_eq!(
                    (side(question).as_deref(), side(passage).as_deref()),
                    (Some("search_query"), Some("search_document"))
                );
                assert_eq!(question.body["embedding_types"], json!(["float"]));
            }
        }
        if kind.0 == Dialect::Bedrock {
            all.iter().for_each(|seen| converse::assert_signed(seen, "eu-west-1"));
        }
        for seen in &all {
            assert!(!seen.body.to_string().contains(KEY));
            let longest = embedding::texts(seen).unwrap().iter().map(String::len).max();
            assert!(longest.is_some_and(|bytes| bytes <= 2_000));
        }
    }
}

#[tokio::test]
async fn a_passage_without_a_common_word_is_found_by_its_meaning() {
    let mut desk = desk(OPENAI, well).await;
    desk.request.subject = "Question".to_owned();
    desk.request.chain[0].text = "Could you tell me when my parcel turns up, please?".to_owned();
    let shown = |usage: &Usage| usage.passages;
    let with = desk.model().answer(&index(), &desk.request).await.unwrap();
    assert_eq!((shown(&with.usage), with.answerable), (1, true));
    desk.settings.embedding = Some(EmbeddingSettings { floor: 0.999, ..desk.settings.embedding.clone().unwrap() });
    desk.request.chain[0].text = "Could you tell me who won the election in that year?".to_owned();
    let other = desk.model().answer(&index(), &desk.request).await.unwrap();
    assert_eq!((shown(&other.usage), other.answerable), (1, false), "the opening hours, and not what is cited");
    desk.settings.embedding = None;
    assert_eq!(shown(&desk.model().answer(&index(), &desk.request).await.unwrap().usage), 0);
}

/// The answer comes all the same, found by words; what is told of it names the reason and nothing of the mail.
async fn found_by_words(desk: &Desk, reason: &str) -> Answer {
    let answer = desk.model().answer(&index(), &desk.request).await.unwrap();
    assert!(answer.answerable, "{reason}");
    let said = &answer.usage.search;
    assert!(said.starts_with("Passages were found by"), "{said}");
    assert!(said.contains("alone") || said.contains("(0 of 2)"), "{said}");
    assert!(said.contains(reason), "{reason} is not in: {said}");
    for secret in [KEY, "Quillfeather", "teapot", "standard delivery", "127.0.0.1"] {
        assert!(!said.contains(secret), "{secret} is in: {said}");
    }
    answer
}

#[tokio::test]
async fn a_search_does_without_embeddings_that_fail() {
    let status = |status: u16| move |_: &Seen, _: &[String]| Reply::status(status);
    for kind in KINDS {
        for (code, reason, calls) in [
            (503, "out of order (503)", 2),
            (529, "out of order (529)", 2),
            (401, "refuses the key", 2),
            (403, "permissions", 1),
            (404, "POSTROOM_EMBEDDING_MODEL", 1),
            (400, "POSTROOM_EMBEDDING_MODEL", 1),
            (413, "POSTROOM_EMBEDDING_MODEL", 1),
        ] {
            let answer = found_by_words(&desk(kind, status(code)).await, reason).await;
            assert_eq!((answer.usage.embedding_calls, answer.usage.embedding_tokens), (calls, 0), "{code}");
        }
        let limited = |_: &Seen, _: &[String]| Reply::status(429).with_header("retry-after", "3600");
        assert_eq!(found_by_words(&desk(kind, limited).await, "429").await.usage.embedding_calls, 1);
        let huge = |_: &Seen, _: &[String]| Reply::Whole { status: 200, headers: vec![], body: vec![b' '; 6_000_000] };
        found_by_words(&desk(kind, huge).await, "longer than").await;
        let breaks = |_: &Seen, _: &[String]| Reply::Breaks(b"{\"data\": [".to_vec());
        found_by_words(&desk(kind, breaks).await, "broke off").await;
        let page = |_: &Seen, _: &[String]| Reply::Whole { status: 200, headers: vec![], body: b"<html>".to_vec() };
        found_by_words(&desk(kind, page).await, "not JSON").await;
        let other = |_: &Seen, _: &[String]| Reply::json(&json!({ "hello": "there" }));
        found_by_words(&desk(kind, other).await, "gave 0 vectors").await;
        let zeros =
            |seen: &Seen, texts: &[String]| Reply::json(&embedding::vectors(seen, &vec![vec![0.0; 3]; texts.len()]));
        found_by_words(&desk(kind, zeros).await, "all zeros").await;
        let endless = |seen: &Seen, texts: &[String]| {
            Reply::json(&embedding::vectors(seen, &vec![vec![0.5; 5_000]; texts.len()]))
        };
        found_by_words(&desk(kind, endless).await, "too long").await;
    }
}

#[tokio::test]
async fn what_is_no_number_is_no_vector() {
    for bad in ["NaN", "1e999", "null", "\"0.5\""] {
        let reply = move |_: &Seen, texts: &[String]| {
            let one = |no: usize| format!("{{\"index\": {no}, \"embedding\": [0.5, {bad}]}}");
            let all: Vec<String> = (0..texts.len()).map(one).collect();
            Reply::Whole {
                status: 200,
                headers: vec![],
                body: format!("{{\"data\": [{}]}}", all.join(",")).into_bytes(),
            }
        };
        let desk = desk(OPENAI, reply).await;
        let answer = desk.model().answer(&index(), &desk.request).await.unwrap();
        assert!(answer.answerable && answer.usage.search.contains("alone"), "{bad}: {}", answer.usage.search);
    }
    // In range for the protocol, and too great for the numbers that are kept.
    let reply = |seen: &Seen, texts: &[String]| {
        let mut answer = embedding::vectors(seen, &vec![vec![0.5; 2]; texts.len()]);
        answer["data"][0]["embedding"][1] = json!(1e300);
        Reply::json(&answer)
    };
    found_by_words(&desk(OPENAI, reply).await, "no number").await;
}

#[tokio::test]
async fn too_few_vectors_and_other_lengths_do_not_count() {
    for kind in [OPENAI, COHERE] {
        let fewer = |seen: &Seen, texts: &[String]| {
            let all: Vec<Vec<f32>> = texts.iter().skip(1).map(|text| meaning(text)).collect();
            Reply::json(&embedding::vectors(seen, &all))
        };
        found_by_words(&desk(kind, fewer).await, "vectors for").await;
    }
    for kind in KINDS {
        // Questions come first; passages are given another length.
        let longer = |seen: &Seen, texts: &[String]| {
            let length = if texts[0].starts_with("Help > ") { 4 } else { 3 };
            Reply::json(&embedding::vectors(seen, &vec![vec![0.5; length]; texts.len()]))
        };
        let desk = desk(kind, longer).await;
        let answer = found_by_words(&desk, "not all of one length").await;
        assert!(answer.usage.embedding_tokens > 0, "it was paid for");
        assert!(desk.model().vectors().await.is_empty());
    }
}

#[tokio::test]
async fn a_model_that_changes_its_length_is_asked_for_all_passages_anew() {
    let desk = desk(OPENAI, |seen, texts| {
        let length = if seen.body.to_string().contains("Second") { 4 } else { 3 };
        let renewed = texts[0].starts_with("Help > ") && texts.len() == 1;
        Reply::json(&embedding::vectors(seen, &vec![vec![0.5; if renewed { 4 } else { length }]; texts.len()]))
    })
    .await;
    let model = desk.model();
    model.answer(&index(), &desk.request).await.unwrap();
    assert_eq!(model.vectors().await.len(), 2);
    let mut second = desk.request.clone();
    second.chain[0].text = "Second: how long does standard delivery take?".to_owned();
    let answer = model.answer(&index(), &second).await.unwrap();
    assert!(answer.usage.search.contains("not all of one length"), "{}", answer.usage.search);
    assert!(model.vectors().await.is_empty(), "vectors of two lengths are not mixed");
}

#[tokio::test]
async fn slow_embeddings_leave_time_for_the_answer() {
    for reply in [Reply::Silence, Reply::Stalls(b"{\"data\": [".to_vec())] {
        let desk = desk(OPENAI, move |_, _| reply.clone()).await.within(Duration::from_secs(6));
        let answer = found_by_words(&desk, "in time").await;
        assert_eq!(answer.usage.embedding_calls, 1);
    }
}

#[tokio::test]
async fn passages_that_fail_leave_the_others_their_vectors() {
    let desk = desk(TITAN, |seen, texts| match texts[0].as_str() {
        text if text.contains("Opening hours") => Reply::status(503),
        _ => well(seen, texts),
    })
    .await;
    let answer = desk.model().answer(&index(), &desk.request).await.unwrap();
    assert!(answer.answerable);
    let said = &answer.usage.search;
    assert!(said.contains("(1 of 2)") && said.contains("out of order"), "{said}");
}

#[tokio::test]
async fn anthropic_offers_none_and_is_asked_for_none() {
    let desk = desk(Kind(Dialect::Anthropic, "any"), well).await;
    let answer = found_by_words(&desk, "offers no embeddings").await;
    assert_eq!((answer.usage.embedding_calls, desk.calls()), (0, 1));
}

#[tokio::test]
async fn without_a_model_of_embeddings_nothing_is_embedded() {
    let mut desk = desk(OPENAI, well).await;
    desk.settings.embedding = None;
    let answer = desk.model().answer(&index(), &desk.request).await.unwrap();
    assert!(answer.answerable && answer.usage.search.is_empty() && answer.usage.embedding_model.is_empty());
    assert!(embedded(&desk).is_empty());
}

#[test]
fn the_vectors_of_a_scripted_answer_have_the_documented_place() {
    let seen = |path: &str, body: Value| Seen {
        method: String::new(),
        path: path.to_owned(),
        headers: vec![],
        raw: vec![],
        body,
    };
    let vectors = [vec![0.5, 0.25]];
    let openai = embedding::vectors(&seen("/v1/embeddings", json!({ "input": ["a"] })), &vectors);
    assert_eq!(openai["data"][0]["embedding"], json!([0.5, 0.25]));
    let titan = embedding::vectors(&seen("/model/t/invoke", json!({ "inputText": "a" })), &vectors);
    assert_eq!(titan["embedding"], json!([0.5, 0.25]));
    let cohere = embedding::vectors(&seen("/model/c/invoke", json!({ "texts": ["a"] })), &vectors);
    assert_eq!(cohere["embeddings"]["float"][0], json!([0.5, 0.25]));
}
