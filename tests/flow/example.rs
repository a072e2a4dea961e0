//! `A3.2`: the assistant is asked without an effect, by *Ask* and by the live example of a personality.

use crate::world::{Setup, World, auto_reply};
use async_trait::async_trait;
use channel::address::EmailAddress;
use channel::assistant::{Answer, AnswerRequest, AssistantError, Personality, Source, Usage};
use channel::ids::{ExampleId, MailboxId};
use channel::ports::*;
use channel::record::*;
use channel::usecase::caps::cost_counter;
use channel::usecase::example::{AskExample, GIVEN_UP, NotAsked, Question};
use channel::work::WorkerWork;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use testkit::SequenceEntropy;

static IDS: LazyLock<Arc<SequenceEntropy>> = LazyLock::new(Arc::default);

fn console(world: &World) -> AskExample {
    AskExample {
        commits: world.table.clone(),
        queue: world.post.clone(),
        clock: Arc::new(world.clock.clone()),
        entropy: IDS.clone(),
    }
}

fn question(mailbox: Option<&MailboxId>, text: &str) -> Question {
    Question {
        operator: EmailAddress::parse("operator@example.com").unwrap(),
        mailbox: mailbox.cloned(),
        subject: "Delivery".to_owned(),
        text: text.to_owned(),
        personality: Personality { signature: "The desk".to_owned(), ..Personality::default() },
    }
}

async fn ask(world: &mut World, question: Question) -> ExampleState {
    let id = console(world).ask(question).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    state(world, &id).await
}

async fn state(world: &World, id: &ExampleId) -> ExampleState {
    world.table.example(id, world.clock.now()).await.unwrap().unwrap().state
}

async fn no_effect(world: &World) {
    assert!(world.desk().messages.is_empty() && world.drafts().is_empty(), "nothing came to Gmail");
    assert!(world.conversations().await.is_empty(), "nothing came to Chat");
}

/// Says what it was made to say, whatever it is asked.
struct Scripted(Result<Answer, fn() -> AssistantError>);

#[async_trait]
impl Assistant for Scripted {
    async fn answer(&self, _: &AnswerRequest) -> Result<Answer, AssistantError> {
        match &self.0 {
            Ok(answer) => Ok(answer.clone()),
            Err(error) => Err(error()),
        }
    }
}

fn says(reply: &str, passage: &str) -> Setup {
    let source = Source { id: "shipping#0".to_owned(), title: "Shipping".to_owned(), passage: passage.to_owned() };
    let answer = Answer {
        language: "en".to_owned(),
        answerable: true,
        confidence: 0.9,
        reply: reply.to_owned(),
        sources: vec![source],
        ..Answer::default()
    };
    Setup { assistant: Some(Arc::new(Scripted(Ok(answer)))), ..auto_reply() }
}

#[tokio::test]
async fn a_question_is_answered_and_nothing_else_happens() {
    let mut world = World::with(auto_reply()).await;
    let mailbox = world.mailbox.clone();
    for mailbox in [Some(&mailbox), None] {
        let told = ask(&mut world, question(mailbox, "Hello,\n\nhow many days do I have to return an item?")).await;
        let ExampleState::Answered { answer } = told else { panic!("{told:?}") };
        assert!(answer.reply.as_ref().is_some_and(|reply| reply.contains("30 days")), "{answer:?}");
        assert!(answer.person.is_none() && answer.withheld.is_empty() && answer.held.is_empty(), "{answer:?}");
        assert_eq!((answer.language.as_str(), answer.usage.calls), ("en", 0));
        assert!(!answer.sources.is_empty() && answer.guards > 10, "the guards were asked too: {answer:?}");
    }
    no_effect(&world).await;
}

#[tokio::test]
async fn what_a_person_would_take_is_told() {
    let mut world = World::with(auto_reply()).await;
    let told = ask(&mut world, question(None, "Do you sell submarines with a view of Saturn?")).await;
    let ExampleState::Answered { answer } = told else { panic!("{told:?}") };
    assert!(answer.person.is_some() && answer.reply.is_none(), "{answer:?}");
}

#[tokio::test]
async fn a_guard_that_would_hold_the_answer_is_named() {
    let text = "How long does standard delivery take?";
    let passage = "Standard delivery takes 2 to 4 working days.";
    let mut world = World::with(says("Standard delivery takes 17 working days.", passage)).await;
    let mailbox = world.mailbox.clone();
    let told = ask(&mut world, question(Some(&mailbox), text)).await;
    let ExampleState::Answered { answer } = told else { panic!("{told:?}") };
    let named: Vec<_> = answer.held.iter().chain(&answer.withheld).map(|held| held.guard.as_str()).collect();
    assert!(named.contains(&"figures"), "{named:?}");

    let link = "Standard delivery takes 2 to 4 working days. Pay at https://evil.example/pay first.";
    let mut world = World::with(says(link, passage)).await;
    let told = ask(&mut world, question(None, text)).await;
    let ExampleState::Answered { answer } = told else { panic!("{told:?}") };
    assert!(answer.withheld.iter().any(|held| held.guard == "links"), "{answer:?}");
    assert_eq!(answer.reply, None, "what reaches nobody is not shown");
}

#[tokio::test]
async fn a_message_that_comes_twice_asks_once() {
    let mut world = World::with(auto_reply()).await;
    let id = console(&world).ask(question(None, "How long does standard delivery take?")).await.unwrap();
    let account = MailboxId::parse("organisation").unwrap();
    let work = WorkerWork::Example { example: id, account };
    WorkQueue::send(&*world.post, vec![work.clone(), work], Duration::ZERO).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_is_left() {
    let mut world = World::with(auto_reply()).await;
    let id = console(&world).ask(question(None, "How long does standard delivery take?")).await.unwrap();
    world.clock.advance(GIVEN_UP);
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!((world.asked.load(Ordering::SeqCst), state(&world, &id).await), (0, ExampleState::Asked));
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.table.example(&id, world.clock.now()).await.unwrap(), None, "it expires");
}

#[tokio::test]
async fn an_assistant_that_fails_says_so_once() {
    let unavailable = || AssistantError::unavailable("the provider is down");
    let unusable = || AssistantError::unusable("it talked in circles");
    for (error, said) in [(unavailable as fn() -> AssistantError, "Try again in a moment"), (unusable, "A person")] {
        let assistant: Arc<dyn Assistant> = Arc::new(Scripted(Err(error)));
        let mut world = World::with(Setup { assistant: Some(assistant), ..auto_reply() }).await;
        let told = ask(&mut world, question(None, "How long does standard delivery take?")).await;
        assert!(matches!(&told, ExampleState::Failed { why } if why.contains(said)), "{told:?}");
        assert_eq!(world.asked.load(Ordering::SeqCst), 1, "a person asks again, no queue does");
    }
}

#[tokio::test]
async fn questions_are_bounded() {
    let world = World::with(auto_reply()).await;
    let console = console(&world);
    for wrong in ["", "  \r\n ", &"x".repeat(10_001)] {
        assert!(matches!(console.ask(question(None, wrong)).await, Err(NotAsked::Fields(_))), "{}", wrong.len());
    }
    for _ in 0..60 {
        console.ask(question(None, "How long?")).await.unwrap();
    }
    assert!(matches!(console.ask(question(None, "How long?")).await, Err(NotAsked::TooMany)));
    assert!(console.ask(question(Some(&world.mailbox), "How long?")).await.is_ok(), "an account of its own");
}

#[tokio::test]
async fn no_model_is_asked_beyond_the_budget() {
    let Setup { settings, .. } = auto_reply();
    let model = assistant::provider::ModelSettings::new(
        assistant::provider::Provider::OpenAi,
        "none".to_owned(),
        "http://127.0.0.1:9/v1".to_owned(),
    );
    let answer = Answer {
        language: "en".to_owned(),
        answerable: true,
        confidence: 0.9,
        reply: "Two to four days.".to_owned(),
        usage: Usage { calls: 1, cost_micro_usd: 600_000, ..Usage::default() },
        ..Answer::default()
    };
    let assistant: Arc<dyn Assistant> = Arc::new(Scripted(Ok(answer)));
    let setup = Setup { settings, model: Some(model), assistant: Some(assistant), ..Setup::default() };
    let mut world = World::with(setup).await;
    let mailbox = world.mailbox.clone();
    for (asked, mailbox) in [(2, Some(&mailbox)), (4, None)] {
        for _ in 0..2 {
            let told = ask(&mut world, question(mailbox, "How long does it take?")).await;
            assert!(matches!(told, ExampleState::Answered { .. }), "{told:?}");
        }
        let told = ask(&mut world, question(mailbox, "How long does it take?")).await;
        assert!(matches!(&told, ExampleState::Failed { why } if why.contains("no model was asked")), "{told:?}");
        assert_eq!(world.asked.load(Ordering::SeqCst), asked);
    }
    let (counter, now) = (cost_counter(&mailbox, world.clock.now()), world.clock.now());
    assert_eq!(world.table.spent(&counter, now).await.unwrap(), 1_200_000, "it counts with the mails of the mailbox");
}
