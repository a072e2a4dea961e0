//! `A5`, `B11`, `C7`: what becomes of a mail when a model writes the answers, whatever the model does.

use crate::letters::question;
use crate::world::{Setup, WORKER_TIME, World, auto_reply};
use assistant::provider::{EmbeddingSettings, ModelSettings, Prices, Provider};
use channel::ports::Clock;
use channel::record::{ConversationState, Trace};
use channel::time::Timestamp;
use channel::usecase::common::Rules;
use serde_json::json;
use std::time::Duration;
use testkit::model::{Character, Dialect, Ended, ModelServer, Reply, Say, Seen, embedding};

fn settings(url: &str) -> ModelSettings {
    ModelSettings {
        // A cent for a hundred tokens, so that a budget is soon used up.
        prices: Prices { input: 100_000_000, output: 100_000_000 },
        pause: Duration::ZERO,
        ..ModelSettings::new(Provider::OpenAi, "scripted", url)
    }
}

pub async fn world(
    reply: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    change: impl FnOnce(&mut Setup),
) -> (World, ModelServer) {
    let server = ModelServer::start(reply).await.unwrap();
    let mut setup = auto_reply();
    setup.model = Some(settings(&server.url));
    change(&mut setup);
    (World::with(setup).await, server)
}

pub fn plays(character: Character) -> impl Fn(&Seen, usize) -> Reply + Send + Sync {
    move |seen, _| character.reply(Dialect::OpenAi, seen)
}

pub async fn trace(world: &World, thread: &str) -> Trace {
    world.conversation(thread).await.traces.into_iter().next().expect("a trace")
}

pub fn says(trace: &Trace, step: &str, text: &str) -> bool {
    trace.entries.iter().any(|entry| entry.step == step && entry.said.contains(text))
}

#[tokio::test]
async fn a_good_model_answers_and_the_trace_tells_what_it_took() {
    let (mut world, server) = world(plays(Character::Good), |_| ()).await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    assert_eq!(world.answers().len(), 1);
    let trace = trace(&world, &mail.thread_id).await;
    let usage = trace.usage.as_ref().expect("what it took");
    assert_eq!((usage.provider.as_str(), usage.model.as_str(), usage.calls), ("openai", "scripted", 1));
    assert!(usage.context_tokens > 0 && usage.input_tokens > 0 && usage.output_tokens > 0);
    assert_eq!(usage.cost_micro_usd, (usage.input_tokens + usage.output_tokens) * 100);
    assert!(trace.sources.iter().any(|source| source.id.starts_with("shop#")), "{:?}", trace.sources);
    for part in ["scripted (openai)", "context of about", "1 call(s)", "USD"] {
        assert!(says(&trace, "model", part), "{part}: {:?}", trace.entries);
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_trace_tells_how_passages_were_found_and_the_cost_of_embeddings_counts() {
    for embeds in [true, false] {
        let reply = move |seen: &Seen, _: usize| match embedding::texts(seen) {
            Some(_) if !embeds => Reply::status(503),
            Some(_) => embedding::spelled(seen).expect("texts"),
            None => Character::Good.reply(Dialect::OpenAi, seen),
        };
        let embedding = EmbeddingSettings { price: 100_000_000, ..EmbeddingSettings::new("embed-1") };
        let (mut world, _server) = world(reply, |setup| {
            setup.model = setup.model.take().map(|model| ModelSettings { embedding: Some(embedding), ..model });
        })
        .await;
        let mail = world.receive(&question("a"));
        world.settle().await;
        assert_eq!(world.answers().len(), 1, "embeds: {embeds}");
        let trace = trace(&world, &mail.thread_id).await;
        let usage = trace.usage.as_ref().expect("what it took");
        let tokens = usage.input_tokens + usage.output_tokens + usage.embedding_tokens;
        assert_eq!((usage.cost_micro_usd, usage.embedding_tokens > 0), (tokens * 100, embeds));
        let said = if embeds {
            "found by words and embeddings (embed-1: 2 call(s)"
        } else {
            "by their words alone: the provider is out of order (503)"
        };
        assert!(says(&trace, "model", said), "{said}: {:?}", trace.entries);
    }
}

/// A worker that has to give up after this, and so little that a test need not wait long.
const WITHIN: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn fault_34_whatever_the_model_does_nothing_is_sent_and_a_person_or_a_draft_follows() {
    let stalls = |_: &Seen, _: usize| Reply::Stalls(b"{\"choices\":[{\"message\":{\"content\":\"".to_vec());
    let said = |say: Say| move |seen: &Seen, _: usize| Reply::json(&Dialect::OpenAi.said(&say, seen));
    let other_shape = json!({ "answer": "Two days.", "sure": true }).to_string();
    let leaks = |seen: &Seen, _: usize| {
        let (system, _) = Dialect::OpenAi.asked(&seen.body);
        let reply = json!({
            "answerable": true, "confidence": 1, "reply": format!("My rules are: {system}"), "sources": ["shop#1", "shop#2"]
        });
        Reply::json(&Dialect::OpenAi.said(&Say::whole(reply.to_string()), seen))
    };
    type Answering = Box<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;
    let person = ConversationState::NeedsPerson;
    // What it does, what becomes of the conversation, and how often it is called in all: one that is not available is
    // asked three times a minute apart, with one repetition where nothing was done yet.
    let cases: Vec<(&str, Answering, ConversationState, usize)> = vec![
        ("rambling", Box::new(plays(Character::Rambling)), person, 1),
        ("truncating", Box::new(plays(Character::Truncating)), person, 1),
        ("another language", Box::new(plays(Character::WrongLanguage)), person, 1),
        ("hallucinating", Box::new(plays(Character::Hallucinating)), person, 1),
        ("slow", Box::new(plays(Character::Slow)), person, 3),
        ("stalling", Box::new(stalls), person, 3),
        ("down", Box::new(plays(Character::Down)), person, 6),
        ("500", Box::new(|_, _| Reply::status(500)), person, 6),
        ("429", Box::new(|_, _| Reply::status(429).with_header("retry-after", "0")), person, 6),
        ("429 for an hour", Box::new(|_, _| Reply::status(429).with_header("retry-after", "3600")), person, 3),
        ("cut-off JSON", Box::new(said(Say::whole("{\"answerable\": true, \"reply\": \"Two"))), person, 2),
        ("JSON of another shape", Box::new(said(Say::whole(other_shape))), person, 2),
        ("empty", Box::new(said(Say::whole(""))), person, 1),
        ("refusing", Box::new(said(Say { ended: Ended::Refused, ..Say::whole("") })), person, 1),
        ("leaking", Box::new(leaks), person, 1),
    ];
    for (what, reply, state, calls) in cases {
        let rules = Rules { answer_within: WITHIN, ..Rules::default() };
        let (mut world, server) = world(reply, |setup| setup.rules = rules).await;
        let mail = world.receive(&question("a"));
        world.run_for(Duration::from_secs(900)).await;
        assert!(world.answers().is_empty(), "{what}: something was sent");
        let conversation = world.conversation(&mail.thread_id).await;
        assert_eq!(conversation.head.state, state, "{what}: {:?}", conversation.head.state_reason);
        assert_eq!(world.drafts().len(), usize::from(state == ConversationState::Review), "{what}");
        assert_eq!(server.seen().len(), calls, "{what}");
        assert!(world.dead.is_empty(), "{what}: {:?}", world.dead);
        let asked = world.requests.lock().unwrap().clone();
        assert!(asked.iter().all(|request| request.deadline.is_some()), "{what}: asked without an end");
        if state == person {
            let reason = conversation.head.state_reason.expect("a reason for a person");
            assert!(reason.contains("assistant") || reason.contains("model"), "{what}: {reason}");
        }
    }
}

#[tokio::test]
async fn the_assistant_has_what_the_function_has_left_and_no_more_than_it_may_take() {
    let settle = Duration::from_secs(30);
    for (answer_within, given) in [(Duration::from_secs(600), 105), (Duration::from_secs(40), 40)] {
        let rules = Rules { answer_within, settle, ..Rules::default() };
        let (mut world, _server) = world(plays(Character::Good), |setup| setup.rules = rules).await;
        world.receive(&question("a"));
        let before = world.clock.now();
        world.settle().await;
        let request = world.requests.lock().unwrap()[0].clone();
        let from_mail = request.deadline.expect("an end").since(before);
        // The turn waits for its settle time and begins within the minute after it.
        let given = Duration::from_secs(given) + settle;
        assert!(from_mail >= given && from_mail < given + Duration::from_secs(60), "{from_mail:?}");
    }
    assert_eq!(WORKER_TIME, Duration::from_secs(105 + 15));
}

#[tokio::test]
async fn beyond_the_budget_of_model_cost_a_person_follows_and_no_model_is_asked() {
    let (mut world, server) = world(plays(Character::Good), |setup| {
        setup.settings = Box::new(|settings| settings.model_budget_cents = 1);
    })
    .await;
    // All of it on one UTC day, whenever the test runs.
    let now = world.clock.now();
    let midnight = Timestamp::from_secs((now.as_secs().div_euclid(86_400) + 1) * 86_400);
    world.every = Duration::from_secs(3_600);
    world.run_for(midnight.plus(Duration::from_secs(60)).since(now)).await;
    let first = world.receive(&question("a"));
    world.settle().await;
    let spent = trace(&world, &first.thread_id).await.usage.expect("what it took").cost_micro_usd;
    assert!(spent > 10_000, "the first answer is to use the budget up: {spent}");
    let second = world.receive(&question("b").subject("Another matter"));
    world.settle().await;
    let conversation = world.conversation(&second.thread_id).await;
    assert_eq!(conversation.head.state, ConversationState::NeedsPerson);
    let reason = conversation.head.state_reason.expect("a reason");
    assert!(reason.contains("budget of model cost"), "{reason}");
    assert_eq!(server.seen().len(), 1);
    assert!(says(&trace(&world, &second.thread_id).await, "budget", "0.010000 USD"));
    // Another day, another budget.
    world.run_for(Duration::from_secs(24 * 3600)).await;
    world.receive(&question("c").subject("A third matter"));
    world.settle().await;
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_budget_of_nothing_asks_no_model() {
    let (mut world, server) = world(plays(Character::Good), |setup| {
        setup.settings = Box::new(|settings| settings.model_budget_cents = 0);
    })
    .await;
    let mail = world.receive(&question("a"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_model_that_is_down_for_a_minute_is_asked_again() {
    let (mut world, server) = world(
        |seen, before| match before {
            0 | 1 => Reply::status(503),
            _ => Character::Good.reply(Dialect::OpenAi, seen),
        },
        |_| (),
    )
    .await;
    world.receive(&question("a"));
    world.run_for(Duration::from_secs(300)).await;
    assert_eq!((world.answers().len(), server.seen().len()), (1, 3));
}
