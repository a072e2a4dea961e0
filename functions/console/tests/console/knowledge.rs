//! The documents of the knowledge base, and gaps.

use crate::operator;
use crate::support::*;
use channel::ids::{DocumentId, GapId};
use channel::outcome::Outcome;
use channel::ports::*;
use channel::record::*;
use channel::usecase::knowledge::MAX_FILE;
use channel::usecase::reading::ReadKnowledge;
use channel::work::{Job, WorkerWork};
use std::sync::Arc;
use std::time::Duration;
use testkit::PlainReader;

async fn signed() -> (Arc<World>, Browser, String) {
    let world = World::new();
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

/// What ai-worker does with what was queued.
async fn worked_off(world: &Arc<World>) {
    let reading = ReadKnowledge {
        library: world.store.clone(),
        files: world.files.clone(),
        reader: Arc::new(PlainReader),
        commits: world.clone(),
        queue: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
        lease: Duration::from_secs(60),
    };
    for _ in 0..10 {
        let work = std::mem::take(&mut *world.worker_work.lock().unwrap());
        for work in work {
            let outcome = match work {
                WorkerWork::Job { job: Job::ReadDocument { document, version } } => {
                    reading.read(&document, version).await
                }
                WorkerWork::Job { job: Job::BuildSnapshot } => reading.build().await,
                WorkerWork::Job { job: Job::CloseGap { .. } } => Outcome::Done,
                other => panic!("not asked for: {other:?}"),
            };
            assert!(matches!(outcome, Outcome::Done | Outcome::Ignore(_)), "{outcome:?}");
        }
    }
}

fn documents(world: &World) -> Vec<Document> {
    world.find(pick!(Document))
}

fn attribute(tag: &str, name: &str) -> String {
    let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in {tag}"));
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

/// The form that a page holds for the bucket, as a browser reads it.
fn direct(page: &str) -> UploadForm {
    let (_, form) = page.split_once("<form id=\"direct\"").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    let hidden = form.split("<input type=\"hidden\"").skip(1);
    let fields = hidden.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect();
    UploadForm { url: attribute(form, "action"), fields, expires_at: at(0) }
}

fn arrived(page: &str) -> (String, String) {
    let (_, form) = page.split_once("<form id=\"arrived\"").unwrap();
    let (_, version) = form.split_once("name=\"version\"").unwrap();
    (attribute(form, "action"), attribute(version, "value"))
}

/// By the script, or without one.
async fn handed_in(world: &Arc<World>, browser: &mut Browser, token: &str, name: &str, text: &str) -> DocumentId {
    let fields = [("form_token", token), ("file_name", name), ("script", "on")];
    let page = browser.post("/knowledge/upload", &fields).await;
    assert_eq!(page.status, 200);
    world.files.post(&direct(&page.body), text.as_bytes()).unwrap();
    let (action, version) = arrived(&page.body);
    let seen = browser.post(&action, &[("form_token", token), ("version", &version)]).await;
    assert_eq!(seen.code(), Some("file_taken"));
    let id = seen.location.unwrap();
    let id = id.strip_prefix("/knowledge/documents/").unwrap().split('?').next().unwrap();
    DocumentId::parse(id).unwrap()
}

#[tokio::test]
async fn an_empty_knowledge_base_says_what_to_put_there() {
    let (_, mut browser, _) = signed().await;
    let page = browser.get("/knowledge").await.body;
    assert!(page.contains("Nothing here yet") && page.contains("every mail goes to a person"));
    assert!(page.contains("Write a question and its answer") && page.contains("up to 20 MB each"));
    assert!(browser.get("/knowledge/gaps").await.body.contains("No gaps"));
}

#[tokio::test]
async fn a_file_goes_to_the_bucket_and_is_read() {
    let (world, mut browser, token) = signed().await;
    let text = "# Returns\n\nWithin 30 days <script>alert(1)</script>.\n";
    let id = handed_in(&world, &mut browser, &token, "Terms & <b>.md", text).await;
    let work = WorkerWork::Job { job: Job::ReadDocument { document: id.clone(), version: 1 } };
    assert_eq!(*world.worker_work.lock().unwrap(), [work]);
    let page = browser.get("/knowledge").await.body;
    assert!(page.contains("Reading…") && page.contains("id=\"documents\" data-poll"), "it looks again by itself");
    assert!(page.contains("Terms &#38; &#60;b&#62;") && page.contains("op@example.com"));
    worked_off(&world).await;
    let page = browser.get("/knowledge").await.body;
    assert!(page.contains(">Ready<") && !page.contains("data-poll") && page.contains("Markdown, 1 KB"), "{page}");
    assert!(page.contains("2 passages: English"));
    let page = browser.get(&format!("/knowledge/documents/{id}")).await.body;
    assert!(page.contains("<h3 dir=\"auto\">Returns</h3>") && page.contains("&#60;script&#62;alert(1)"));
    let seen = browser.get(&format!("/knowledge/documents/{id}/download")).await;
    assert!(seen.location.unwrap().starts_with("https://bucket.example/kb/"));
}

#[tokio::test]
async fn without_a_script_the_browser_sends_the_file_by_itself() {
    let (world, mut browser, token) = signed().await;
    let fields = [("form_token", token.as_str()), ("title", "Prices"), ("kind", "txt")];
    let page = browser.post("/knowledge/upload", &fields).await.body;
    let form = direct(&page);
    assert!(page.contains("enctype=\"multipart/form-data\"") && page.contains("name=\"file\""));
    let then = form.fields.iter().find(|(name, _)| name == "success_action_redirect").unwrap().1.clone();
    world.files.post(&form, b"Prices\n\n5 EUR").unwrap();
    let then = then.strip_prefix(ORIGIN).unwrap();
    let page = browser.get(then).await.body;
    assert!(page.contains("The file has been sent.") && !page.contains("data-poll"), "a link alone changes nothing");
    assert!(matches!(documents(&world)[0].reading, Reading::Uploading { .. }));
    let (_, rest) = page.split_once("The file has been sent.").unwrap();
    assert!(rest.contains("Read it"));
    let action = then.split('?').next().unwrap();
    let fields = [("form_token", token.as_str()), ("version", "1")];
    assert_eq!(browser.post(&format!("{action}/arrived"), &fields).await.code(), Some("file_taken"));
    worked_off(&world).await;
    assert_eq!((documents(&world)[0].title.as_str(), &documents(&world)[0].reading), ("Prices", &Reading::Done));
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_the_remedy() {
    let (world, mut browser, token) = signed().await;
    for name in ["virus.exe", "noend", "a.doc", "../../etc/passwd", ""] {
        let fields = [("form_token", token.as_str()), ("file_name", name), ("title", "Mine & yours"), ("script", "on")];
        let seen = browser.post("/knowledge/upload", &fields).await;
        assert_eq!(seen.status, 422, "{name}");
        assert!(seen.body.contains("This kind of file is not read. Hand in a file that ends in .md"), "{name}");
        assert!(seen.body.contains("value=\"Mine &#38; yours\""), "what was typed stays");
    }
    let long = "x".repeat(300);
    let fields = [("form_token", token.as_str()), ("title", long.as_str()), ("kind", "pdf")];
    assert!(browser.post("/knowledge/upload", &fields).await.body.contains("Give a title of 1 to 200 characters."));
    assert!(documents(&world).is_empty());

    let fields = [("form_token", token.as_str()), ("file_name", "a.md"), ("script", "on")];
    let page = browser.post("/knowledge/upload", &fields).await.body;
    let (action, version) = arrived(&page);
    let seen = browser.post(&action, &[("form_token", &token), ("version", &version)]).await;
    assert_eq!((seen.status, seen.body.contains("The file has not arrived. Upload it again.")), (422, true));
    let form = direct(&page);
    let too_much = vec![b'x'; usize::try_from(MAX_FILE).unwrap() + 1];
    assert_eq!(world.files.post(&form, &too_much).unwrap_err(), "EntityTooLarge", "the form itself is bounded");
    world.advance(301);
    assert!(world.files.post(&form, b"x").unwrap_err().starts_with("AccessDenied"), "and good for five minutes");
    let seen = browser.post(&action, &[("form_token", &token), ("version", "9")]).await;
    assert_eq!((seen.status, seen.body.contains("It was changed since the page was shown")), (409, true));
    assert_eq!(browser.post(&action, &[("form_token", &token), ("version", "x")]).await.status, 400);
    // The script takes back what it had begun.
    let (_, undo) = page.split_once("<form id=\"undo\"").unwrap();
    let (_, ver) = undo.split_once("name=\"ver\"").unwrap();
    let fields = [("form_token", token.as_str()), ("ver", &attribute(ver, "value"))];
    assert_eq!(browser.post(&attribute(undo, "action"), &fields).await.code(), Some("document_removed"));
    assert!(documents(&world).is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why_and_a_newer_one_takes_its_place() {
    let (world, mut browser, token) = signed().await;
    let id = handed_in(&world, &mut browser, &token, "shop.txt", "One\n\nTwo").await;
    worked_off(&world).await;
    let replace = format!("/knowledge/documents/{id}/replace");
    let fields = [("form_token", token.as_str()), ("file_name", "shop.pdf"), ("script", "on")];
    let page = browser.post(&replace, &fields).await.body;
    assert!(!page.contains("id=\"undo\""), "what serves is not taken back");
    world.files.post(&direct(&page), &[0xff, 0xfe, 0x00]).unwrap();
    let (action, version) = arrived(&page);
    browser.post(&action, &[("form_token", &token), ("version", &version)]).await;
    worked_off(&world).await;
    let page = browser.get("/knowledge").await.body;
    assert!(page.contains(">Not read<") && page.contains("The file is damaged. Hand it in again."));
    assert!(page.contains("2 passages: English, of the version before"), "{page}");
    let page = browser.get(&format!("/knowledge/documents/{id}")).await.body;
    assert!(page.contains("answers are made from version 1, which is shown below") && page.contains("Two"));
    let page = browser.post(&replace, &[("form_token", &token), ("kind", "md")]).await.body;
    world.files.post(&direct(&page), b"# Three\n\nThree.").unwrap();
    let (action, version) = arrived(&page);
    browser.post(&action, &[("form_token", &token), ("version", &version)]).await;
    worked_off(&world).await;
    let page = browser.get(&format!("/knowledge/documents/{id}")).await.body;
    assert!(page.contains("Three.") && !page.contains("Two") && page.contains("version 3"), "{page}");
}

#[tokio::test]
async fn removing_asks_first_and_renaming_does_not() {
    let (world, mut browser, token) = signed().await;
    let id = handed_in(&world, &mut browser, &token, "shop.txt", "One").await;
    worked_off(&world).await;
    let path = format!("/knowledge/documents/{id}");
    let ver = documents(&world)[0].ver.to_string();
    let rename = [("form_token", token.as_str()), ("ver", &ver), ("title", "Our <shop>")];
    assert_eq!(browser.post(&format!("{path}/rename"), &rename).await.code(), Some("renamed"));
    let seen = browser.post(&format!("{path}/rename"), &rename).await;
    assert_eq!((seen.status, seen.body.contains("Our &#60;shop&#62;")), (409, true), "a form of before");
    let page = browser.get(&format!("{path}/remove")).await.body;
    assert!(page.contains("Our &#60;shop&#62;") && page.contains("This cannot be undone."));
    let stale = browser.post(&format!("{path}/remove"), &[("form_token", &token), ("ver", &ver)]).await;
    assert_eq!((stale.status, documents(&world).len()), (409, 1));
    let ver = documents(&world)[0].ver.to_string();
    let fields = [("form_token", token.as_str()), ("ver", &ver)];
    assert_eq!(browser.post(&format!("{path}/remove"), &fields).await.code(), Some("document_removed"));
    assert_eq!(browser.post(&format!("{path}/remove"), &fields).await.code(), Some("document_gone"));
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_question_and_its_answer_are_written_and_changed() {
    let (world, mut browser, token) = signed().await;
    let long = "x".repeat(20_001);
    for (question, answer, field) in [(" ", "Yes.", "question"), ("Why?", "\r\n", "answer"), ("Why?", &long, "answer")]
    {
        let fields = [("form_token", token.as_str()), ("question", question), ("answer", answer)];
        let seen = browser.post("/knowledge/pair", &fields).await;
        assert_eq!((seen.status, seen.body.contains(&format!("id=\"{field}-errors\""))), (422, true));
    }
    let fields =
        [("form_token", token.as_str()), ("question", "هل تشحنون إلى النرويج؟"), ("answer", "نعم.\r\n\r\nخلال أسبوع.")];
    let seen = browser.post("/knowledge/pair", &fields).await;
    assert_eq!(seen.code(), Some("pair_taken"));
    worked_off(&world).await;
    let path = seen.location.unwrap();
    let path = path.split('?').next().unwrap();
    let page = browser.get(path).await.body;
    assert!(page.contains("dir=\"auto\" maxlength=\"200\" required value=\"هل تشحنون إلى النرويج؟\""), "{page}");
    assert!(page.contains("\nنعم.\n\nخلال أسبوع.</textarea>") && page.contains("Question and answer"));
    let id = documents(&world)[0].id.to_string();
    let ver = documents(&world)[0].ver.to_string();
    let change = [
        ("form_token", token.as_str()),
        ("document", &id),
        ("ver", &ver),
        ("question", "Do you ship to Norway?"),
        ("answer", "Yes."),
    ];
    assert_eq!(browser.post("/knowledge/pair", &change).await.code(), Some("pair_taken"));
    worked_off(&world).await;
    assert_eq!(documents(&world)[0].title, "Do you ship to Norway?");
    let stale = browser.post("/knowledge/pair", &change).await;
    assert_eq!((stale.status, stale.body.contains("It was changed since the page was shown")), (409, true));
    // A pair takes no file.
    let fields = [("form_token", token.as_str()), ("file_name", "a.md")];
    let seen = browser.post(&format!("{path}/replace"), &fields).await;
    assert_eq!((seen.status, seen.body.contains("changed by writing them, not by a file")), (422, true));
}

// ---- gaps -----------------------------------------------------------------------------------------------------------

fn asked(world: &World, gap: &str, thread: &str, text: &str, secs: i64) {
    let question = testkit::gap_question(gap, "mb1", thread, text, at(secs));
    world.seed(GapQuestion { expires_at: at(2_000_000), ..question });
}

fn with_gap(world: &World) {
    world.seed(Gap { expires_at: at(3_000_000), ..testkit::gap("g1", at(-900)) });
    asked(world, "g1", "t1", "Do you deliver <to> Norway?", -600);
    asked(world, "g1", "t2", "Is delivery to Norway possible?", -60);
}

#[tokio::test]
async fn a_gap_is_answered_once_for_all_who_asked() {
    let (world, mut browser, token) = signed().await;
    with_gap(&world);
    let page = browser.get("/knowledge/gaps").await.body;
    assert!(page.contains("2 asked") && page.contains("English") && page.contains("1 min ago"), "{page}");
    assert!(page.contains("/knowledge/gaps/g1"));
    let page = browser.get("/knowledge/gaps/g1").await.body;
    for part in
        ["Do you deliver &#60;to&#62; Norway?", "Is delivery to Norway possible?", "/chat/mb1/t1", "/chat/mb1/t2"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("Save and make 2 answers again"));
    let path = "/knowledge/gaps/g1/answer";
    let form = |answer| [("form_token", token.as_str()), ("ver", "1"), ("question", "To Norway?"), ("answer", answer)];
    let seen = browser.post(path, &form(" ")).await;
    assert_eq!((seen.status, seen.body.contains("id=\"answer-errors\"")), (422, true));
    assert!(seen.body.contains("value=\"To Norway?\""));
    assert_eq!(browser.post(path, &form("Yes, in a week.")).await.code(), Some("gap_answered"));
    let document = &documents(&world)[0];
    assert_eq!((document.kind, document.title.as_str()), (DocumentKind::Pair, "To Norway?"));
    let work = WorkerWork::Job { job: Job::ReadDocument { document: document.id.clone(), version: 1 } };
    assert_eq!(*world.worker_work.lock().unwrap(), [work]);
    let page = browser.get("/knowledge/gaps").await.body;
    assert!(page.contains("Answered: 2 being made again") && page.contains("data-poll"));
    let page = browser.get("/knowledge/gaps/g1").await.body;
    assert!(page.contains("This was answered.") && !page.contains("/answer\""), "it is answered once");
    let again = browser.post(path, &form("Again.")).await;
    assert_eq!((again.status, documents(&world).len()), (409, 1));
}

#[tokio::test]
async fn a_gap_of_no_interest_is_dismissed() {
    let (world, mut browser, token) = signed().await;
    with_gap(&world);
    let path = "/knowledge/gaps/g1/dismiss";
    assert_eq!(browser.post(path, &[("form_token", &token), ("ver", "7")]).await.status, 409);
    assert_eq!(browser.post(path, &[("form_token", &token), ("ver", "1")]).await.code(), Some("gap_dismissed"));
    assert!(world.find(pick!(Gap)).is_empty() && world.find(pick!(GapQuestion)).is_empty());
    assert!(browser.get("/knowledge/gaps").await.body.contains("No gaps"));
    assert_eq!(browser.get("/knowledge/gaps/g1").await.status, 404);
}

#[tokio::test]
async fn what_has_expired_is_not_shown() {
    let (world, mut browser, _) = signed().await;
    with_gap(&world);
    world.advance(2_000_000);
    let (mut again, _) = operator(&world).await;
    assert_eq!(browser.get("/knowledge/gaps").await.status, 303, "the session too has ended");
    assert!(again.get("/knowledge/gaps").await.body.contains("No gaps"));
    let _ = GapId::parse("g1").unwrap();
}

#[tokio::test]
async fn no_form_works_from_elsewhere_and_garbage_is_refused() {
    let (world, mut browser, token) = signed().await;
    let id = handed_in(&world, &mut browser, &token, "shop.txt", "One").await;
    worked_off(&world).await;
    with_gap(&world);
    let before = world.snapshot();
    let document = format!("/knowledge/documents/{id}");
    let paths = [
        "/knowledge/upload".to_owned(),
        "/knowledge/pair".to_owned(),
        format!("{document}/arrived"),
        format!("{document}/replace"),
        format!("{document}/rename"),
        format!("{document}/remove"),
        "/knowledge/gaps/g1/answer".to_owned(),
        "/knowledge/gaps/g1/dismiss".to_owned(),
    ];
    let mut fields = vec![
        ("form_token", token.as_str()),
        ("ver", "1"),
        ("version", "1"),
        ("file_name", "a.md"),
        ("title", "T"),
        ("question", "Q?"),
        ("answer", "A."),
    ];
    for path in &paths {
        browser.origin = Some("https://bucket.example".to_owned());
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
        browser.origin = Some(ORIGIN.to_owned());
        fields[0].1 = "guessed";
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
        fields[0].1 = &token;
        let mut stranger = Browser::new(crate::router(&world));
        assert_eq!(stranger.post(path, &fields).await.location.as_deref(), Some("/signin"), "{path}");
        let multipart = ("multipart/form-data; boundary=x", "--x--".to_owned());
        assert_eq!(browser.send("POST", path, Some(multipart)).await.status, 415, "{path}");
    }
    assert_eq!(world.snapshot(), before, "nothing was done");
    for path in ["/knowledge/documents/%00", "/knowledge/documents/nope", "/knowledge/gaps/nope", "/knowledge/gaps/%3C"]
    {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    for part in ["arrived", "replace", "rename", "remove"] {
        let seen = browser.post(&format!("/knowledge/documents/nope/{part}"), &fields).await;
        let gone = part == "remove" && seen.code() == Some("document_gone");
        assert!(seen.status == 404 || gone, "{part}: {}", seen.status);
    }
    assert_eq!(browser.post(&format!("{document}/remove"), &[("form_token", &token)]).await.status, 400);
    assert_eq!(browser.get("/knowledge/upload").await.location.as_deref(), Some("/knowledge"));
}

#[tokio::test]
async fn the_policy_lets_files_go_to_the_bucket_and_nowhere_else() {
    let (_, mut browser, _) = signed().await;
    let seen = browser.get("/knowledge").await;
    let policy = seen.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("connect-src 'self' https://bucket.example;"), "{policy}");
    assert!(policy.contains("form-action 'self' https://accounts.example.com https://bucket.example;"), "{policy}");
}
