//! What holds for every page: headers, escaping, empty states.

use crate::operator;
use crate::support::*;
use channel::address::Mailbox;
use channel::assistant::{Source, Usage};
use channel::ids::{DocumentId, ExampleId, LabelId, MailboxId};
use channel::mail::Attachment;
use channel::ports::{Files, GmailLabel};
use channel::record::*;

/// Payloads of DOMPurify's suite (its licence stands beside them), and some that break out of attributes and textareas.
fn hostile() -> Vec<String> {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../fixtures/dompurify/cases.json")).unwrap();
    let payloads = cases.iter().map(|case| case["payload"].as_str().unwrap().to_owned());
    let own = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</textarea><svg onload=alert(1)>",
        "</title><script>alert(1)</script>",
    ];
    payloads.chain(own.map(str::to_owned)).filter(|payload| !payload.trim().is_empty()).collect()
}

/// Tags and attributes of a page. Text that is escaped adds none, so a page with hostile text has those of the same
/// page with harmless text.
fn markup(page: &str) -> Vec<String> {
    let mut tags = vec![];
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let mut names = String::new();
        let mut quoted = false;
        for c in tag.chars() {
            match c {
                '"' => quoted = !quoted,
                _ if quoted => {}
                c => names.push(c),
            }
        }
        tags.push(names);
    }
    tags
}

fn write_everywhere(world: &World, text: &str) {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut head = head(ConversationState::Review);
    head.title = line.clone();
    head.customer.name = Some(line.clone());
    head.state_reason = Some(line.clone());
    head.unread = false;
    world.seed(head);
    let mut mail = customer_mail("m1", -600, text);
    mail.headers.from[0] = Mailbox { name: Some(line.clone()), email: email("ada@customer.test") };
    mail.attachments =
        vec![Attachment { part: 1, name: line.clone(), media_type: line.clone(), size: 5, inline: false }];
    world.seed(mail);
    let mut action = action(ActionKind::Draft, ActionState::Drafted);
    action.reply.text = text.to_owned();
    world.seed(action);
    let mut trace = world.find(pick!(Trace)).remove(0);
    trace.entries[0].said = line.clone();
    trace.sources[0].title = line.clone();
    trace.sources[0].passage = text.to_owned();
    world.seed(trace);
    let label = GmailLabel { id: LabelId::parse("Label_1").unwrap(), name: line.clone(), system: false };
    *world.labels.lock().unwrap() = Some(Ok(vec![label]));
    let mut settings = Settings::initial(mailbox_id());
    settings.personality.tone = line.clone();
    settings.personality.signature = text.to_owned();
    world.seed(settings.clone());
    // The worker would have cut nothing of it out.
    for (id, mailbox) in [("ex1", Some(mailbox_id())), ("ex2", None)] {
        world.seed(hostile_example(id, mailbox, text, &settings));
    }
    let mut document = testkit::document("d1", at(-60));
    (document.title, document.newest.file_name, document.newest.media_type) =
        (line.clone(), line.clone(), line.clone());
    document.reading = Reading::Failed { reason: line.clone(), remedy: line.clone() };
    if let Some(read) = &mut document.text {
        read.languages = [(line.clone(), 2)].into();
    }
    world.seed(document);
    world.seed(Gap { expires_at: at(3_000_000), ..testkit::gap("g1", at(-900)) });
    let question = testkit::gap_question("g1", "mb1", "t1", "harmless", at(-60));
    world.seed(GapQuestion { text: text.to_owned(), language: line, expires_at: at(2_000_000), ..question });
}

/// The text that was read of the document, as one passage whatever it holds.
async fn hostile_text(world: &World, text: &str) {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(800).collect();
    let file = format!("# Heading\n\nx {line}").into_bytes();
    let name = text_file(&DocumentId::parse("d1").unwrap(), 1);
    world.files.write(&name, "text/markdown", file).await.unwrap();
}

fn hostile_example(id: &str, mailbox: Option<MailboxId>, text: &str, settings: &Settings) -> Example {
    let held = HeldBy { guard: text.to_owned(), reason: text.to_owned() };
    let answer = ExampleAnswer {
        language: text.to_owned(),
        confidence: 0.5,
        reply: Some(text.to_owned()),
        person: None,
        withheld: vec![],
        held: vec![held],
        guards: 1,
        sources: vec![Source { id: "x#1".to_owned(), title: text.to_owned(), passage: text.to_owned() }],
        usage: Usage { model: text.to_owned(), calls: 1, ..Usage::default() },
    };
    Example {
        ver: 0,
        id: ExampleId::parse(id).unwrap(),
        operator: email("op@example.com"),
        mailbox,
        subject: text.to_owned(),
        text: text.to_owned(),
        personality: settings.personality.clone(),
        asked_at: at(0),
        state: ExampleState::Answered { answer: Box::new(answer) },
        expires_at: at(3600),
    }
}

#[tokio::test]
async fn mail_is_text_whatever_it_says() {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let (mut browser, _) = operator(&world).await;
    write_everywhere(&world, "harmless");
    hostile_text(&world, "harmless").await;
    let pages = [
        "/chat",
        "/chat/mb1/t1",
        "/channels/gmail/mb1/settings",
        "/channels/gmail/mb1/personality?example=ex1",
        "/knowledge/ask?example=ex2",
        "/knowledge",
        "/knowledge/documents/d1",
        "/knowledge/documents/d1/remove",
        "/knowledge/gaps",
        "/knowledge/gaps/g1",
    ];
    let mut plain = vec![];
    for page in pages {
        plain.push(markup(&browser.get(page).await.body));
    }
    let payloads = hostile();
    assert!(payloads.len() > 50, "{}", payloads.len());
    for payload in payloads {
        write_everywhere(&world, &payload);
        hostile_text(&world, &payload).await;
        for (page, expected) in pages.iter().zip(&plain) {
            let seen = browser.get(page).await;
            assert_eq!(seen.status, 200);
            assert_eq!(&markup(&seen.body), expected, "{page} with {payload}");
        }
    }
}

#[tokio::test]
async fn an_address_shows_nothing_of_its_own() {
    let world = World::new();
    let (mut browser, _) = operator(&world).await;
    for page in ["/chat", "/channels/gmail", "/settings"] {
        let seen = browser
            .get(&format!("{page}?message=%3Cscript%3Ehello&show=%3Cscript%3Ehello&mailbox=%3Cscript%3Ehello"))
            .await;
        assert_eq!(seen.status, 200);
        assert!(!seen.body.contains("hello"), "{page}");
    }
    let mut stranger = Browser::new(crate::router(&world));
    let seen = stranger.get("/signin?return_to=%22%3E%3Cscript%3Ehello").await;
    assert!(!seen.body.contains("hello"), "only a path of ours is kept");
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let (mut browser, _) = operator(&world).await;
    for (page, status) in [
        ("/", 303),
        ("/chat", 200),
        ("/chat/mb1/t1", 200),
        ("/channels/gmail", 200),
        ("/nowhere", 404),
        ("/chat/mb1/t9", 404),
    ] {
        let seen = browser.get(page).await;
        assert_eq!(seen.status, status, "{page}");
        let header = |name: &str| seen.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self' https://accounts.example.com",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert!(!seen.body.contains(" style=") && !seen.body.contains(" onclick="), "the policy would not let it work");
    }
}

#[tokio::test]
async fn files_are_kept_by_their_hash() {
    let world = World::new();
    let (mut browser, _) = operator(&world).await;
    let page = browser.get("/chat").await.body;
    for name in ["postroom.css", "postroom.js", "postroom.svg"] {
        let address = page.split('"').find(|part| part.starts_with(&format!("/assets/{name}?v="))).unwrap();
        let seen = browser.get(address).await;
        assert_eq!(seen.status, 200);
        assert!(seen.headers["cache-control"].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(browser.get("/assets/..%2FCargo.toml").await.status, 404);
}

#[tokio::test]
async fn empty_lists_say_what_to_do() {
    let world = World::new();
    let (mut browser, _) = operator(&world).await;
    assert!(browser.get("/chat").await.body.contains("No mailbox is connected yet"));
    connected_mailbox(&world);
    let page = browser.get("/chat").await.body;
    assert!(page.contains("Send a test mail to <strong>support@example.com</strong>"), "{page}");
    assert!(browser.get("/chat?show=waiting").await.body.contains("Nothing on this page waits for anyone"));
    world.seed(Settings { enabled: false, ..Settings::initial(mailbox_id()) });
    assert!(browser.get("/chat").await.body.contains("paused, disconnected or has to be reconnected"));
}

#[tokio::test]
async fn the_list_filters_and_pages() {
    let world = World::new();
    connected_mailbox(&world);
    let states = [ConversationState::Answered, ConversationState::NeedsPerson, ConversationState::Review];
    for number in 0..120_i64 {
        let mut head = head(states[usize::try_from(number % 3).unwrap()]);
        head.thread = channel::ids::ThreadId::parse(format!("t{number}")).unwrap();
        head.title = format!("Number {number}.");
        head.updated_at = at(-number);
        world.seed(head);
    }
    let (mut browser, _) = operator(&world).await;
    let mut page = browser.get("/chat").await.body;
    let mut seen = 0;
    loop {
        seen += page.matches("Number ").count();
        let Some((_, rest)) = page.split_once("<a class=\"button\" href=\"/chat?") else { break };
        let query = rest.split('"').next().unwrap().replace("&#38;", "&");
        page = browser.get(&format!("/chat?{query}")).await.body;
    }
    assert_eq!(seen, 120, "each once over all pages");
    for page in ["/chat?page=garbage", "/chat?show=review&page=%FF%00", "/chat?mailbox=mb1&page=-1"] {
        let seen = browser.get(page).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/chat")), "{page}");
    }
    let waiting = browser.get("/chat?show=waiting").await.body;
    assert_eq!(waiting.matches("Number ").count(), 50);
    assert!(waiting.contains("These are the newest") && !waiting.contains(">Number 0."));
    let review = browser.get("/chat?show=review").await.body;
    assert_eq!((review.matches("Number ").count(), review.contains("Number 1.")), (40, false));
    assert!(review.contains("20+"), "the badge counts what waits");
}

#[tokio::test]
async fn unread_and_expired_are_respected() {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let (mut browser, _) = operator(&world).await;
    assert!(browser.get("/chat").await.body.contains("Unread: "));
    assert_eq!(browser.get("/chat/mb1/t1").await.status, 200);
    assert!(!browser.get("/chat").await.body.contains("Unread: "));
    let mut head = head(ConversationState::Review);
    head.expires_at = at(-1);
    world.seed(head);
    assert_eq!(browser.get("/chat/mb1/t1").await.status, 404);
    assert!(!browser.get("/chat").await.body.contains("Where is my order?"));
}
