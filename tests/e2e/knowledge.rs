//! `A3.2`, `C10` on the real binaries: a page is posted to the bucket as a browser does it, read by the worker, and the
//! next mail is answered from it; a question without a source is answered once. And the contract of the bucket.

use crate::office::{Office, eventually, labels};
use ::aws::{Bucket, Table, WorkSender, emulator_config};
use async_trait::async_trait;
use channel::address::EmailAddress;
use channel::ports::UploadForm;
use channel::record::{Document, DocumentStatus};
use channel::usecase::gaps::{GapDesk, GapView};
use channel::usecase::knowledge::{Begun, KnowledgeDesk};
use runtime::clock::SystemClock;
use runtime::entropy::SystemEntropy;
use std::sync::Arc;
use tests::files::{Poster, keep_the_contract};

struct Shelf {
    desk: KnowledgeDesk,
    gaps: GapDesk,
    bucket: Bucket,
    page: Page,
}

/// What a page of the console does with a form.
struct Page(reqwest::Client);

#[async_trait]
impl Poster for Page {
    async fn post(&self, form: &UploadForm, bytes: &[u8]) -> Result<(), String> {
        let answer = self.send(form, bytes).await;
        let (status, text) = (answer.status(), answer.text().await.expect("an answer"));
        if status.is_success() { Ok(()) } else { Err(text) }
    }
}

impl Page {
    async fn send(&self, form: &UploadForm, bytes: &[u8]) -> reqwest::Response {
        const MARK: &str = "a-mark-that-is-in-no-file";
        let mut body = vec![];
        for (field, value) in &form.fields {
            let part = format!("--{MARK}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let part =
            "Content-Disposition: form-data; name=\"file\"; filename=\"any\"\r\nContent-Type: text/plain\r\n\r\n";
        body.extend_from_slice(format!("--{MARK}\r\n{part}").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{MARK}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={MARK}");
        self.0.post(&form.url).header("content-type", kind).body(body).send().await.expect("the bucket")
    }
}

fn operator() -> EmailAddress {
    EmailAddress::parse(crate::office::OPERATOR).expect("an address")
}

impl Shelf {
    fn of(office: &Office) -> Self {
        let output = |name: &str| {
            office.cloud.stack.outputs.get(name).cloned().unwrap_or_else(|| panic!("the stack has no output {name}"))
        };
        let (config, clock) = (emulator_config(&office.cloud.aws), Arc::new(SystemClock));
        let table = Arc::new(Table::new(&config, output("TableName"), clock.clone()));
        let bucket = Bucket::new(&config, output("BucketName"), clock.clone()).expect("a bucket");
        let queue = Arc::new(WorkSender::new(&config, output("WorkQueueUrl")));
        let (files, entropy) = (Arc::new(bucket.clone()), Arc::new(SystemEntropy));
        let desk = KnowledgeDesk {
            library: table.clone(),
            files: files.clone(),
            commits: table.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let (gaps, library) = (table.clone(), table.clone());
        let gaps = GapDesk { gaps, library, files, commits: table, queue, clock, entropy };
        Self { desk, gaps, bucket, page: Page(office.http.clone()) }
    }

    async fn hand_in(&self, begun: &Begun, bytes: &[u8]) -> Document {
        self.page.post(&begun.form, bytes).await.unwrap_or_else(|error| panic!("the form was refused: {error}"));
        self.desk.finish_upload(&begun.document, begun.version).await.expect("an upload that arrived");
        eventually("the document is read", async || {
            let (document, head) = self.desk.open(&begun.document).await.expect("the table").expect("the document");
            let status = document.status(&head);
            assert!(!matches!(status, DocumentStatus::Failed { .. }), "{status:?}");
            (status == DocumentStatus::Ready).then_some(document)
        })
        .await
    }
}

fn mail(to: &str, id: &str, text: &str) -> String {
    format!(
        "From: Ada <customer@customer.test>\nTo: {to}\nSubject: A question {id}\nMessage-ID: <{id}@customer.test>\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n\
         Hello,\n\n{text}\n\nAda\n"
    )
}

#[tokio::test]
async fn what_is_handed_in_answers_the_next_mail_and_a_question_without_a_source_is_answered_once() {
    let mut office = Office::open("knowledge").await;
    let address = office.fresh_mailbox("knowledge").await;
    office.sign_in().await;
    office.connect(&address).await;
    let id = office.mailbox_id(&address).await;
    let shelf = Shelf::of(&office);

    // A document: posted, read, answered from. It goes again at the end, since other tests share the cloud.
    let begun = shelf.desk.begin_upload("Kennels.md", None, None, &operator()).await.expect("a form");
    let text = "# Kennels\n\nWe build kennels for greyhounds out of larch wood. A kennel takes 11 weeks.\n";
    let document = shelf.hand_in(&begun, text.as_bytes()).await;
    let (_, thread) = office.deliver(&address, &mail(&address, "kennel", "Do you build kennels for greyhounds?")).await;
    let drafted = |thread: String| {
        move |message: &serde_json::Value| message["thread_id"] == thread.as_str() && labels(message).contains(&"DRAFT")
    };
    let drafts = office.wait_for_mail(&address, "the draft", drafted(thread)).await;
    assert!(drafts[0]["text"].as_str().is_some_and(|text| text.contains("11 weeks")), "{}", drafts[0]);

    // A version that cannot be read takes nothing away.
    let broken = shelf.desk.begin_replacement(&document.id, "Kennels.pdf", None, &operator()).await.expect("a form");
    shelf.page.post(&broken.form, b"%PDF-1.7 \xff\xfe").await.expect("posted");
    shelf.desk.finish_upload(&document.id, broken.version).await.expect("an upload that arrived");
    let document = eventually("the broken version says why", async || {
        let (document, head) = shelf.desk.open(&document.id).await.expect("the table").expect("the document");
        matches!(document.status(&head), DocumentStatus::Failed { .. }).then_some(document)
    })
    .await;
    assert_eq!(document.former_text().expect("the former text").edition.version, 1);

    // A question without a source, answered once: its draft is made.
    let (_, thread) = office.deliver(&address, &mail(&address, "hutch", "Do you sell hutches for chinchillas?")).await;
    office.wait_for_page(&id, &thread, "Needs a person").await;
    let asked = |view: &GapView| view.questions.iter().any(|question| question.thread.as_str() == thread);
    let view =
        eventually("the gap", async || shelf.gaps.list().await.expect("the gaps").into_iter().find(|view| asked(view)))
            .await;
    let answer = "We sell hutches for chinchillas in 3 sizes.";
    let pair = shelf
        .gaps
        .answer(&view.gap.gap, view.gap.ver, "Do you sell hutches for chinchillas?", answer, &operator())
        .await
        .expect("an open gap");
    let drafts = office.wait_for_mail(&address, "the draft that was made again", drafted(thread.clone())).await;
    assert_eq!(drafts.len(), 1);
    assert!(drafts[0]["text"].as_str().is_some_and(|text| text.contains("3 sizes")), "{}", drafts[0]);

    for id in [document.id, pair] {
        let (document, _) = shelf.desk.open(&id).await.expect("the table").expect("the document");
        shelf.desk.remove(&id, document.ver).await.expect("removed");
    }
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn the_bucket_keeps_its_contract_and_is_nobody_elses() {
    let office = Office::open("bucket").await;
    let shelf = Shelf::of(&office);
    let below = format!("kb/contract-{}/", office.fresh_mailbox("bucket").await);
    keep_the_contract(&shelf.bucket, &shelf.page, &below).await;

    // A page with a script may post from the console's origin, and from no other.
    let terms = channel::ports::UploadTerms {
        media_type: "text/plain".to_owned(),
        max_size: 10,
        then: Some(format!("{}/knowledge", office.cloud.front_door)),
    };
    let name = format!("{below}e");
    let form = channel::ports::Files::upload_form(&shelf.bucket, &name, &terms, std::time::Duration::from_secs(60))
        .await
        .expect("a form");
    for (origin, allowed) in [(office.cloud.front_door.as_str(), true), ("https://elsewhere.example", false)] {
        let ask = office.http.request(reqwest::Method::OPTIONS, &form.url).header("origin", origin);
        let answer = ask.header("access-control-request-method", "POST").send().await.expect("the bucket");
        let named = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("text"));
        assert_eq!(named == Some(origin), allowed, "{origin}: {named:?}");
    }
    // Without a script the browser is led back to the console.
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let answer = Page(plain.expect("a client")).send(&form, b"1234567890").await;
    assert_eq!(answer.status(), 303);
    let to = answer.headers()["location"].to_str().expect("text");
    assert!(to.starts_with(&format!("{}/knowledge", office.cloud.front_door)), "{to}");
    // Without a signature there is nothing to read or to list.
    for url in [format!("{}/{name}", form.url), form.url.clone()] {
        assert_eq!(office.http.get(&url).send().await.expect("the bucket").status(), 403, "{url}");
    }
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
