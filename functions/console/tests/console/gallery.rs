//! Every page in the states that matter, written as files to look at (in cargo's directory for test files), and checked
//! for what a screen reader needs.

use crate::support::*;
use crate::{operator, router};
use channel::address::Mailbox;
use channel::assistant::Author;
use channel::ids::{LabelId, MailboxId, MessageId, ThreadId};
use channel::mail::{Attachment, Authentication};
use channel::ports::{Clock, Files, GmailLabel};
use channel::record::*;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

fn directory() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("gallery");
    std::fs::create_dir_all(directory.join("assets")).unwrap();
    directory
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap())
}

/// One `h1`, a title, landmarks, unique ids, references that exist, and a label for each field.
fn check(name: &str, page: &str) {
    let tags: Vec<&str> = page.split('<').skip(1).map(|part| part.split('>').next().unwrap()).collect();
    let count = |start: &str| tags.iter().filter(|tag| tag.split_whitespace().next() == Some(start)).count();
    assert_eq!((count("h1"), count("main"), count("title")), (1, 1, 1), "{name}");
    let ids: Vec<&str> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "{name}: ids are unique");
    let labelled: BTreeSet<&str> = tags.iter().filter_map(|tag| attribute(tag, "for")).collect();
    let mut inside_label = false;
    for tag in &tags {
        match tag.split_whitespace().next() {
            Some("label") => inside_label = true,
            Some("/label") => inside_label = false,
            Some("input" | "select" | "textarea") if attribute(tag, "type") != Some("hidden") => {
                let by_id = attribute(tag, "id").is_some_and(|id| labelled.contains(id));
                assert!(
                    inside_label || by_id || attribute(tag, "aria-label").is_some(),
                    "{name}: no label for <{tag}>"
                );
            }
            _ => {}
        }
        for reference in ["for", "aria-labelledby", "aria-describedby"] {
            for id in attribute(tag, reference).unwrap_or("").split_whitespace() {
                assert!(known.contains(id), "{name}: {reference} names {id}, which is not there");
            }
        }
    }
}

async fn keep(browser: &mut Browser, name: &str, path: &str) {
    let seen = browser.get(path).await;
    check(name, &seen.body);
    std::fs::write(directory().join(format!("{name}.html")), seen.body).unwrap();
}

fn conversations(world: &World) {
    let rows = [
        ("Ada Lovelace", "Where is my order 10-4431?", ConversationState::Review, true, 120),
        (
            "Grace Hopper",
            "URGENT: the invoice is wrong, and nobody answers the telephone since Thursday",
            ConversationState::NeedsPerson,
            true,
            900,
        ),
        ("Jean Bartik", "Opening hours over the holidays", ConversationState::Pending, false, 1_800),
        ("山田 花子", "返品について", ConversationState::Answered, false, 7_200),
        ("newsletter@shop.test", "Your weekly news", ConversationState::NoAnswer, false, 90_000),
        ("Mary Jackson", "", ConversationState::Working, true, 20),
        ("Katherine Johnson", "Password reset does not work", ConversationState::Held, false, 200_000),
        ("Dorothy Vaughan", "Thank you!", ConversationState::Received, false, 400_000),
    ];
    for (number, (name, subject, state, unread, ago)) in rows.into_iter().enumerate() {
        let mut head = head(state);
        head.thread = ThreadId::parse(format!("r{number}")).unwrap();
        head.customer = Mailbox { name: Some(name.to_owned()), email: email("someone@customer.test") };
        (head.title, head.unread, head.updated_at) = (subject.to_owned(), unread, at(-ago));
        world.seed(head);
    }
}

fn long_thread(world: &World) {
    conversation_in_review(world);
    let mut first = customer_mail(
        "m0",
        -90_000,
        "Hello,\n\nI ordered a reading lamp (10-4431) on the second of November and have heard nothing since. Is it on its way?\n\nKind regards\nAda",
    );
    let file = |name: &str, size| Attachment {
        part: 1,
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        size,
        inline: false,
    };
    first.attachments = vec![
        file("order-confirmation.pdf", 84_211),
        file("a-rather-long-name-of-a-photograph-of-the-parcel.jpeg", 3_412_000),
    ];
    let mut reply = customer_mail(
        "m01",
        -80_000,
        "Hello Ada,\n\nI have asked the warehouse and will come back to you tomorrow.\n\nSam, Support",
    );
    (reply.author, reply.headers.from[0]) =
        (Author::Person, Mailbox { name: Some("Sam, Support".to_owned()), email: email("support@example.com") });
    let mut answer = customer_mail(
        "m02",
        -70_000,
        "Hello Ada,\n\nyour order left our warehouse. You can follow it at https://shop.example.com/track.\n\nThis answer was written by an assistant. Reply to reach a person.",
    );
    (answer.author, answer.headers.from[0]) =
        (Author::Assistant, Mailbox { name: None, email: email("support@example.com") });
    let mut last =
        customer_mail("m1", -600, "Thank you. It says “delivered”, but nothing has arrived.\nWhere is my order?");
    last.headers.authentication = Authentication::Fail;
    for mail in [first, reply, answer, last] {
        world.seed(mail);
    }
    let mut head = head(ConversationState::Review);
    head.state_reason = Some("A draft, because the sender is not authenticated.".to_owned());
    head.title = "Where is my order 10-4431?".to_owned();
    world.seed(head);
    let mut trace = world.find(pick!(Trace)).remove(0);
    trace.entries.push(TraceEntry {
        at: at(-509),
        step: "guard".to_owned(),
        said: "Downgraded to a draft because the sender is not authenticated.".to_owned(),
    });
    world.seed(trace);
}

fn labels(world: &World) {
    let label = |number: usize, name: &str| GmailLabel {
        id: LabelId::parse(format!("Label_{number}")).unwrap(),
        name: name.to_owned(),
        system: false,
    };
    let names = ["Support", "Support/Shop", "Sales", "Invoices", "Press"];
    let labels = names.iter().enumerate().map(|(number, name)| label(number, name)).collect();
    *world.labels.lock().unwrap() = Some(Ok(labels));
}

async fn knowledge(world: &World) {
    let mut read = testkit::document("returns", at(-90_000));
    read.title = "Returns and refunds".to_owned();
    let markdown = "# Returns\n\n## How long\n\nYou have 30 days to return an item.\n\n## الإرجاع\n\nلديك 30 يومًا.\n";
    world.files.write(&text_file(&read.id, 1), "text/markdown", markdown.into()).await.unwrap();
    let mut uploading = testkit::document("prices", at(-5));
    uploading.reading = Reading::Uploading { until: at(600) };
    (uploading.text, uploading.newest.size) = (None, 0);
    let mut failed = testkit::document("scan", at(-700));
    let reason = "The PDF holds pictures of pages and no text.".to_owned();
    failed.reading = Reading::Failed { reason, remedy: "Hand in a PDF with text, or type the text.".to_owned() };
    (failed.text, failed.newest.size, failed.title) = (None, 4_500_000, "A scan with a long name ".repeat(6));
    for document in [read, uploading, failed] {
        world.seed(document);
    }
    world.seed(KnowledgeHead { changes: 1, built: 1, ..KnowledgeHead::default() });
    for (gap, thread, text) in [
        ("g1", "t1", "Do you deliver to Norway, and what does it cost?"),
        ("g1", "t2", "Is delivery to Norway possible?"),
        ("g2", "t3", "هل يمكنني الدفع عند الاستلام؟"),
    ] {
        world.seed(Gap { expires_at: at(3_000_000), ..testkit::gap(gap, at(-900)) });
        let question = testkit::gap_question(gap, "mb1", thread, text, at(-600));
        world.seed(GapQuestion { expires_at: at(2_000_000), ..question });
    }
}

fn second_mailbox(world: &World, problem: GrantProblemKind) {
    let id = MailboxId::parse("mb2").unwrap();
    let mut meta = world.find(pick!(Mailbox)).remove(0);
    (meta.mailbox, meta.address, meta.address_hash) = (id.clone(), email("sales@example.com"), "sales".to_owned());
    meta.problem = Some(GrantProblem { kind: problem, grant: grant_id(), at: world.now() });
    world.seed(meta);
    world.seed(Settings { draft_only: false, auto_reply: true, ..Settings::initial(id) });
}

#[tokio::test]
async fn every_page_can_be_read_by_everybody() {
    let empty = World::new();
    let mut stranger = Browser::new(router(&empty));
    keep(&mut stranger, "signin", "/signin").await;
    keep(&mut stranger, "signin-refused", "/signin?message=not_an_operator").await;
    for name in ["postroom.css", "postroom.js", "postroom.svg"] {
        std::fs::write(directory().join("assets").join(name), stranger.get(&format!("/assets/{name}")).await.body)
            .unwrap();
    }
    let (mut browser, _) = operator(&empty).await;
    keep(&mut browser, "chat-no-mailbox", "/chat").await;
    keep(&mut browser, "channels-none", "/channels/gmail").await;
    keep(&mut browser, "settings", "/settings").await;
    keep(&mut browser, "not-found", "/nowhere").await;

    let world = World::new();
    connected_mailbox(&world);
    labels(&world);
    let (mut browser, token) = operator(&world).await;
    keep(&mut browser, "chat-empty", "/chat").await;
    conversations(&world);
    keep(&mut browser, "chat", "/chat").await;
    second_mailbox(&world, GrantProblemKind::Revoked);
    keep(&mut browser, "chat-several", "/chat?show=waiting").await;
    keep(&mut browser, "channels", "/channels/gmail?message=connected").await;
    keep(&mut browser, "disconnect", "/channels/gmail/mb1/disconnect").await;
    keep(&mut browser, "mailbox-settings", "/channels/gmail/mb1/settings").await;
    let mut team = testkit::targets("mb1");
    team.targets[0].problem = Some(TargetProblem { at: at(-300), why: "Slack refused (no_service).".to_owned() });
    world.seed(team);
    keep(&mut browser, "notifications", "/channels/gmail/mb1/notifications?message=test_failed").await;
    let wrong = [
        ("form_token", token.as_str()),
        ("ver", "1"),
        ("auto_reply", "on"),
        ("delay", "soon"),
        ("delay_unit", "minutes"),
        ("excluded_senders", "not an address"),
        ("excluded_domains", "nope"),
        ("disclosure", "own"),
        ("language", "?"),
        ("tone", "brief"),
    ];
    let seen = browser.post("/channels/gmail/mb1/personality", &wrong).await;
    check("personality-wrong", &seen.body);
    std::fs::write(directory().join("personality-wrong.html"), seen.body).unwrap();
    keep(&mut browser, "personality", "/channels/gmail/mb1/personality").await;
    keep(&mut browser, "ask", "/knowledge/ask").await;
    keep(&mut browser, "knowledge-empty", "/knowledge").await;
    keep(&mut browser, "gaps-empty", "/knowledge/gaps").await;
    keep(&mut browser, "pair", "/knowledge/pair").await;
    knowledge(&world).await;
    keep(&mut browser, "knowledge", "/knowledge?message=file_taken").await;
    keep(&mut browser, "document", "/knowledge/documents/returns").await;
    keep(&mut browser, "document-remove", "/knowledge/documents/returns/remove").await;
    keep(&mut browser, "document-arrived", "/knowledge/documents/prices?arrived=1").await;
    keep(&mut browser, "gaps", "/knowledge/gaps").await;
    keep(&mut browser, "gap", "/knowledge/gaps/g1").await;
    let seen = browser.post("/knowledge/upload", &[("form_token", &token), ("title", "Terms"), ("kind", "pdf")]).await;
    check("upload", &seen.body);
    std::fs::write(directory().join("upload.html"), seen.body).unwrap();
    let seen = browser.post("/channels/gmail/mb1/settings", &wrong).await;
    check("mailbox-settings-wrong", &seen.body);
    std::fs::write(directory().join("mailbox-settings-wrong.html"), seen.body).unwrap();
    long_thread(&world);
    keep(&mut browser, "thread-review", "/chat/mb1/t1").await;

    let world = World::new();
    connected_mailbox(&world);
    conversation_pending(&world);
    let (mut browser, _) = operator(&world).await;
    keep(&mut browser, "thread-pending", "/chat/mb1/t1").await;
    let sent = ActionState::Sent { message: MessageId::parse("m9").unwrap(), at: at(-5) };
    world.seed(action(ActionKind::Send, sent));
    world.seed(turn(TurnState::Answered));
    let taken_over = Some(TakenOver { at: at(-5), reason: "own_reply".to_owned() });
    world.seed(Head { taken_over, ..head(ConversationState::Answered) });
    keep(&mut browser, "thread-answered", "/chat/mb1/t1?message=replied").await;
    let _: Arc<World> = world;
}
