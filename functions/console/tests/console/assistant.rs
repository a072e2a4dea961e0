//! The personality of a mailbox with its live example, and *Ask*.

use crate::operator;
use crate::support::*;
use channel::assistant::{Personality, Source, Usage};
use channel::record::*;
use channel::work::WorkerWork;
use std::sync::Arc;

const PAGE: &str = "/channels/gmail/mb1/personality";
const TRY: &str = "/channels/gmail/mb1/personality/example";
const ASK: &str = "/knowledge/ask";

async fn connected() -> (Arc<World>, Browser, String) {
    let world = World::new();
    connected_mailbox(&world);
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

fn form<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let base = [("form_token", token), ("ver", "1"), ("disclosure", "standard"), ("sample", "question")];
    let others = base.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    others.chain(more.iter().copied()).collect()
}

fn stored(world: &World) -> Settings {
    world.find(pick!(Settings)).remove(0)
}

fn example(world: &World) -> Example {
    world.find(pick!(Example)).remove(0)
}

fn answer() -> ExampleAnswer {
    ExampleAnswer {
        language: "en".to_owned(),
        confidence: 0.82,
        reply: Some("Standard delivery takes 2 to 4 working days.".to_owned()),
        person: None,
        withheld: vec![],
        held: vec![],
        guards: 17,
        sources: vec![Source {
            id: "shipping#0".to_owned(),
            title: "Shipping times".to_owned(),
            passage: "Standard: 2 to 4 working days.".to_owned(),
        }],
        usage: Usage::default(),
    }
}

fn held(guard: &str, reason: &str) -> HeldBy {
    HeldBy { guard: guard.to_owned(), reason: reason.to_owned() }
}

fn becomes(world: &World, state: ExampleState) {
    world.seed(Example { state, ..example(world) });
}

fn answered(world: &World, answer: ExampleAnswer) {
    becomes(world, ExampleState::Answered { answer: Box::new(answer) });
}

#[tokio::test]
async fn the_personality_is_saved_and_leaves_the_other_settings_alone() {
    let (world, mut browser, token) = connected().await;
    let others = Settings { ver: 1, delay_secs: 60, ..Settings::initial(mailbox_id()) };
    world.seed(others.clone());
    let more = [
        ("tone", " brief "),
        ("instructions", "Say “thou”.\r\nNever joke."),
        ("language", "de"),
        ("signature", "Kind regards\r\nSupport"),
        ("disclosure", "own"),
        ("disclosure_text", "A machine wrote this."),
    ];
    let seen = browser.post(PAGE, &form(&token, &more)).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/personality?message=saved"));
    let personality = Personality {
        tone: "brief".to_owned(),
        instructions: "Say “thou”.\nNever joke.".to_owned(),
        language: "de".to_owned(),
        signature: "Kind regards\nSupport".to_owned(),
        disclosure: Some("A machine wrote this.".to_owned()),
    };
    assert_eq!(stored(&world), Settings { ver: 2, personality, ..others });
    let page = browser.get(PAGE).await.body;
    assert!(page.contains("value=\"brief\"") && page.contains("Never joke.") && page.contains("A machine wrote this."));
    assert!(world.find(pick!(Example)).is_empty() && world.worker_work.lock().unwrap().is_empty());
}

#[tokio::test]
async fn saving_the_settings_keeps_the_personality() {
    let (world, mut browser, token) = connected().await;
    let personality = Personality { tone: "brief".to_owned(), ..Personality::default() };
    world.seed(Settings { personality: personality.clone(), ..Settings::initial(mailbox_id()) });
    *world.labels.lock().unwrap() = Some(Ok(vec![]));
    let fields =
        [("form_token", token.as_str()), ("ver", "1"), ("labels", "INBOX"), ("delay_unit", "minutes"), ("tone", "x")];
    assert_eq!(browser.post("/channels/gmail/mb1/settings", &fields).await.code(), Some("saved"));
    assert_eq!(stored(&world).personality, personality);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_lost() {
    let (world, mut browser, token) = connected().await;
    let before = stored(&world);
    let long = "x".repeat(4001);
    let more = [("tone", "kind & brief"), ("language", "de<"), ("instructions", long.as_str()), ("disclosure", "own")];
    for path in [PAGE, TRY] {
        let seen = browser.post(path, &form(&token, &more)).await;
        assert_eq!(seen.status, 422);
        for field in ["language", "instructions", "disclosure_text"] {
            assert!(seen.body.contains(&format!("id=\"{field}-errors\"")), "{path}: {field}");
        }
        assert!(seen.body.contains("kind &#38; brief") && seen.body.contains(&long));
    }
    let seen = browser.post(TRY, &form(&token, &[("sample", "own"), ("text", " "), ("tone", "brief")])).await;
    assert_eq!((seen.status, seen.body.contains("id=\"text-errors\"")), (422, true));
    assert_eq!((stored(&world), world.find(pick!(Example)).len()), (before, 0));
}

#[tokio::test]
async fn a_form_from_before_somebody_elses_does_not_overwrite_theirs() {
    let (world, mut browser, token) = connected().await;
    let theirs = Settings { ver: 5, ..Settings::initial(mailbox_id()) };
    world.seed(theirs.clone());
    let seen = browser.post(PAGE, &form(&token, &[("tone", "mine")])).await;
    assert_eq!((seen.status, seen.body.contains("value=\"mine\"")), (409, true));
    assert!(seen.body.contains("name=\"ver\" value=\"5\""), "saving again is then a decision");
    assert_eq!(stored(&world), theirs);
    // Trying in between does not hide that somebody saved.
    let seen = browser.post(TRY, &form(&token, &[("tone", "mine")])).await;
    let page = browser.get(seen.location.unwrap().split('#').next().unwrap()).await.body;
    assert!(page.contains("name=\"ver\" value=\"1\""));
}

#[tokio::test]
async fn the_form_is_tried_on_a_mail_before_it_is_saved() {
    let (world, mut browser, token) = connected().await;
    let more =
        [("tone", "cheerful"), ("signature", "The desk"), ("sample", "own"), ("subject", "Hi"), ("text", "How?")];
    let seen = browser.post(TRY, &form(&token, &more)).await;
    assert_eq!(seen.status, 303);
    let address = seen.location.unwrap();
    let asked = example(&world);
    assert_eq!((asked.subject.as_str(), asked.text.as_str(), asked.operator), ("Hi", "How?", email("op@example.com")));
    assert_eq!(asked.personality.tone, "cheerful");
    let work = WorkerWork::Example { example: asked.id, account: mailbox_id() };
    assert_eq!(*world.worker_work.lock().unwrap(), [work]);
    assert_eq!(stored(&world).personality, Personality::default(), "nothing was saved");

    let page = browser.get(&address).await.body;
    assert!(page.contains("id=\"example\" aria-live=\"polite\" data-poll") && page.contains("Look again"));
    assert!(
        page.contains("value=\"cheerful\"") && page.contains("Not saved yet") && page.contains("\nHow?</textarea>")
    );
    answered(&world, answer());
    let page = browser.get(&address).await.body;
    assert!(!page.contains("data-poll") && page.contains("This would be a draft for review."));
    let mail = "Standard delivery takes 2 to 4 working days.\n\nThe desk\n\nThis answer was written by an assistant.";
    assert!(page.contains(mail), "signature and disclosure stand below: {page}");
    assert!(page.contains("confidence 0.82 · 17 guards passed") && page.contains("Shipping times"));
    assert!(page.contains("Asked in English"));
}

#[tokio::test]
async fn a_sample_is_used_as_it_stands() {
    let (world, mut browser, token) = connected().await;
    let seen = browser.post(TRY, &form(&token, &[("sample", "german"), ("text", "ignored")])).await;
    assert!(example(&world).text.contains("zurückgeben"));
    let page = browser.get(&seen.location.unwrap()).await.body;
    assert!(page.contains("value=\"german\" checked") && !page.contains("ignored"));
    assert_eq!(browser.post(TRY, &form(&token, &[("sample", "nonsense")])).await.status, 400);
}

#[tokio::test]
async fn each_end_is_told_in_words() {
    let (world, mut browser, token) = connected().await;
    let address = browser.post(TRY, &form(&token, &[])).await.location.unwrap();
    let auto = Settings { auto_reply: true, draft_only: false, ..Settings::initial(mailbox_id()) };
    let neither = Settings { draft_only: false, ..Settings::initial(mailbox_id()) };
    let figures = || held("figures", "the answer holds a number that no source has");
    for (settings, answer, said) in [
        (&auto, answer(), "This would be sent without a person"),
        (&auto, ExampleAnswer { held: vec![figures()], ..answer() }, "not be sent by itself"),
        (&neither, answer(), "nothing would be written"),
        (
            &auto,
            ExampleAnswer { reply: None, person: Some("No source has it.".to_owned()), ..answer() },
            "A person would take this. No source has it.",
        ),
        (
            &auto,
            ExampleAnswer { reply: None, withheld: vec![figures()], ..answer() },
            "A person would take this: the answer is kept back.",
        ),
    ] {
        world.seed(settings.clone());
        let holds = !answer.held.is_empty() || !answer.withheld.is_empty();
        answered(&world, answer);
        let page = browser.get(&address).await.body;
        assert!(page.contains(said), "{said}: {page}");
        let named = page.contains("Because the answer holds a number that no source has. <span class=\"step\">figures");
        assert_eq!(named, holds, "{said}");
    }
    becomes(&world, ExampleState::Failed { why: "The <model> is down.".to_owned() });
    assert!(browser.get(&address).await.body.contains("The &#60;model&#62; is down."));
    becomes(&world, ExampleState::Answering { since: at(0) });
    world.advance(181);
    let page = browser.get(&address).await.body;
    assert!(
        page.contains("No answer came within 3 minutes") && !page.contains("data-poll"),
        "it does not wait for ever"
    );
    world.advance(3600);
    assert!(!browser.get(&address).await.body.contains("What it would answer"), "it has expired");
}

#[tokio::test]
async fn what_a_model_cost_is_told() {
    let (world, mut browser, token) = connected().await;
    let address = browser.post(TRY, &form(&token, &[])).await.location.unwrap();
    let usage = Usage {
        provider: "bedrock".to_owned(),
        model: "a-model".to_owned(),
        calls: 1,
        input_tokens: 900,
        output_tokens: 80,
        cost_micro_usd: 1_234,
        ..Usage::default()
    };
    answered(&world, ExampleAnswer { usage, ..answer() });
    assert!(browser.get(&address).await.body.contains("a-model (bedrock): 900 tokens in, 80 tokens out, 0.001234 USD"));
}

#[tokio::test]
async fn the_built_in_assistant_owns_up_to_what_it_does_not_use() {
    let (world, mut browser, _) = connected().await;
    let said = "it does not use tone and instructions";
    assert!(!browser.get(PAGE).await.body.contains(said));
    *world.built_in.lock().unwrap() = true;
    let (mut browser, _) = operator(&world).await;
    assert!(browser.get(PAGE).await.body.contains(said));
}

#[tokio::test]
async fn a_question_to_the_knowledge_base_is_answered_on_its_page() {
    let (world, mut browser, token) = connected().await;
    let page = browser.get(ASK).await.body;
    assert!(page.contains("Nothing is sent, drafted or stored in Chat") && !page.contains("id=\"example\""));
    for (text, status) in [("", 422), (" \n", 422)] {
        let seen = browser.post(ASK, &[("form_token", &token), ("text", text)]).await;
        assert_eq!((seen.status, seen.body.contains("id=\"text-errors\"")), (status, true));
    }
    let seen = browser.post(ASK, &[("form_token", &token), ("text", "متى يصل طلبي؟")]).await;
    let address = seen.location.unwrap();
    assert_eq!((example(&world).mailbox, example(&world).personality), (None, Personality::default()));
    answered(&world, answer());
    let page = browser.get(&address).await.body;
    assert!(page.contains("dir=\"auto\"") && page.contains("متى يصل طلبي؟"), "the question stays");
    assert!(page.contains("The knowledge base answers this.") && page.contains("2 to 4 working days"));
    assert!(!page.contains("written by an assistant"), "an answer here is no mail");
    // It is no example of a mailbox.
    let id = example(&world).id;
    assert!(!browser.get(&format!("{PAGE}?example={id}")).await.body.contains("What it would answer"));
}

#[tokio::test]
async fn nobody_sees_what_another_asked() {
    let (world, mut browser, token) = connected().await;
    let address = browser.post(ASK, &[("form_token", &token), ("text", "mine alone")]).await.location.unwrap();
    world.seed(Example { operator: email("other@example.org"), ..example(&world) });
    assert!(!browser.get(&address).await.body.contains("mine alone"));
    for garbage in ["%00", "..%2F..", "", &"x".repeat(500), "%3Cscript%3E"] {
        let seen = browser.get(&format!("{ASK}?example={garbage}")).await;
        assert_eq!((seen.status, seen.body.contains("id=\"example\"")), (200, false), "{garbage}");
    }
}

#[tokio::test]
async fn sixty_questions_an_hour_are_the_limit() {
    let (world, mut browser, token) = connected().await;
    for _ in 0..60 {
        assert_eq!(browser.post(ASK, &[("form_token", &token), ("text", "How?")]).await.status, 303);
    }
    let seen = browser.post(ASK, &[("form_token", &token), ("text", "And how?")]).await;
    assert_eq!((seen.status, seen.body.contains("sixty questions an hour")), (429, true));
    assert!(seen.body.contains("And how?"), "nothing that was typed is lost");
    assert_eq!(browser.post(TRY, &form(&token, &[])).await.status, 303, "each mailbox has its own");
    world.advance(3600);
    assert_eq!(browser.post(ASK, &[("form_token", &token), ("text", "How?")]).await.status, 303);
}

#[tokio::test]
async fn no_form_works_from_elsewhere() {
    let (world, mut browser, token) = connected().await;
    let before = world.snapshot();
    for path in [PAGE, TRY, ASK] {
        let mut fields = form(&token, &[("text", "How?")]);
        browser.origin = Some("https://evil.example".to_owned());
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
        browser.origin = Some(ORIGIN.to_owned());
        fields[0].1 = "guessed";
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
        let kind = ("application/json", "{}".to_owned());
        assert_eq!(browser.send("POST", path, Some(kind)).await.status, 415, "{path}");
        let mut stranger = Browser::new(crate::router(&world));
        assert_eq!(stranger.post(path, &form(&token, &[])).await.location.as_deref(), Some("/signin"), "{path}");
    }
    for path in ["/channels/gmail/mb2/personality", "/channels/gmail/%00/personality"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
        assert_eq!(browser.post(path, &form(&token, &[])).await.status, 404, "{path}");
    }
    assert_eq!(browser.post(PAGE, &[("form_token", &token), ("ver", "x")]).await.status, 400);
    assert_eq!(world.snapshot(), before);
}
