//! `A1`, `A2`, `A5`: a mail arrives, a conversation appears, an answer stands in the thread.

use crate::office::{Office, header, labels};

pub const QUESTION: &str = "From: Ada <customer@customer.test>\nTo: MAILBOX\nSubject: Delivery of a teapot\n\
Message-ID: <first@customer.test>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n\
Content-Type: text/plain; charset=utf-8\n\nHello,\n\nhow long does standard delivery take?\n\nAda\n";

#[tokio::test]
async fn a_mail_becomes_a_draft_is_approved_and_a_later_one_is_answered_by_machine() {
    let mut office = Office::open("e2e").await;
    let address = office.fresh_mailbox("main-job").await;
    let mailbox = address.as_str();
    let question = QUESTION.replace("MAILBOX", mailbox);
    office.sign_in().await;
    office.connect(mailbox).await;
    let id = office.mailbox_id(mailbox).await;

    // A draft for review stands in the thread, and says nothing of a machine.
    let (_, thread) = office.deliver(mailbox, &question).await;
    let in_thread = |message: &serde_json::Value| message["thread_id"] == thread.as_str();
    let drafts = office.wait_for_mail(mailbox, "the draft", |m| in_thread(m) && labels(m).contains(&"DRAFT")).await;
    assert_eq!(drafts.len(), 1);
    assert_eq!(header(&drafts[0], "Subject"), Some("Re: Delivery of a teapot"));
    assert_eq!(header(&drafts[0], "In-Reply-To"), Some("<first@customer.test>"));
    assert_eq!(header(&drafts[0], "Auto-Submitted"), None);

    // Chat shows it with its sources; a person sends it.
    let page = office.wait_for_page(&id, &thread, "Draft waiting for your review").await;
    assert!(page.has("how long does standard delivery take?") && page.has("Sources"), "{}", page.text());
    let form = page.form("/approve").without("text");
    let page = office.operator.submit(&page, form).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let from_us = |m: &serde_json::Value| header(m, "From").is_some_and(|from| from.contains(mailbox));
    let answer = |m: &serde_json::Value| from_us(m) && header(m, "Subject") == Some("Re: Delivery of a teapot");
    let answers = office.wait_for_mail("customer@customer.test", "the answer", answer).await;
    assert_eq!(answers.len(), 1);
    office.wait_for_page(&id, &thread, "Answered").await;
    let sent = office.wait_for_mail(mailbox, "the sent mail", |m| in_thread(m) && labels(m).contains(&"SENT")).await;
    assert_eq!(sent.len(), 1, "sent once");

    // Auto-reply asks for a confirmation, then answers by itself, and says that a machine wrote.
    let front = office.cloud.front_door.clone();
    let page = office.operator.open(&format!("{front}/channels/gmail/{id}/settings")).await;
    let form = page.form("/settings").set("auto_reply", "on").without("draft_only").set("delay", "0");
    let asked = office.operator.submit(&page, form.clone()).await;
    let form = asked.form("/settings").set("auto_reply", "on").without("draft_only").set("auto_reply_confirmed", "on");
    let saved = office.operator.submit(&asked, form).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let again = question.replace("<first@", "<second@").replace("Delivery of a teapot", "One more question");
    let (_, second) = office.deliver(mailbox, &again).await;
    let answer = |m: &serde_json::Value| from_us(m) && header(m, "Subject") == Some("Re: One more question");
    let answers = office.wait_for_mail("customer@customer.test", "the machine's answer", answer).await;
    assert_eq!(answers.len(), 1);
    assert_eq!(header(&answers[0], "Auto-Submitted"), Some("auto-replied"));
    office.wait_for_page(&id, &second, "Answered").await;
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
