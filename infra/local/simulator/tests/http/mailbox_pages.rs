//! What a person does with a mailbox by its pages, and what hostile mail does to them: nothing.

use base64::{Engine, prelude::BASE64_STANDARD};
use simulator::{Deliver, MessageDump};

use crate::pages::{page, submit};
use crate::support::{CUSTOMER, Fixture, SUPPORT, mail, raw, reply, start};

/// A part of a multipart form: name, file name, contents.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

async fn upload(at: &Fixture, path: &str, parts: &[Part<'_>]) -> (u16, String, String) {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        body.extend_from_slice(format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        if let Some(file) = file {
            body.extend_from_slice(format!("; filename=\"{file}\"\r\nContent-Type: application/pdf").as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    let request = at.http.post(at.url(path)).header("content-type", "multipart/form-data; boundary=frontier");
    let response = request.body(body).send().await.unwrap();
    let status = response.status().as_u16();
    let to = response.headers().get("location").map_or_else(String::new, |to| to.to_str().unwrap().to_owned());
    (status, to, response.text().await.unwrap())
}

fn message(at: &Fixture, address: &str, id: &str) -> MessageDump {
    let dump = at.sim.dump(address).unwrap();
    dump.messages.into_iter().find(|message| message.id == id).unwrap()
}

fn rows(html: &str) -> usize {
    html.matches("name=\"thread\" value=").count()
}

#[tokio::test]
async fn accounts_are_added_by_form_and_mistakes_are_told() {
    let at = start().await;
    let form = [("name", "Ada"), ("address", "Ada@Shop.test"), ("kind", "organisation")];
    assert_eq!(submit(&at, "/accounts", &form).await, (302, "/mail/ada%40shop.test?said=added".into()));
    let (_, home) = page(&at, "/").await;
    assert!(home.contains("ada@shop.test") && home.contains("organisation at shop.test"));
    assert!(home.contains("Not connected: nothing watches this mailbox"));
    assert!(page(&at, "/mail/ada@shop.test").await.1.contains("No mail yet."));
    for (address, problem) in [("ada@shop.test", "already"), ("ada", "no address"), ("a <b@c.test>", "no address")] {
        let response = at.http.post(at.url("/accounts")).form(&[("address", address)]).send().await.unwrap();
        assert_eq!(response.status(), 400);
        assert!(response.text().await.unwrap().contains(problem), "{address}");
    }
}

#[tokio::test]
async fn a_mail_with_files_reaches_everybody_and_nobody_sees_bcc() {
    let at = start().await;
    let pdf = b"%PDF-1.7\r\n\x00\x9f--frontier is no border here\n";
    let to = format!("Support <{SUPPORT}>");
    let parts: [Part<'_>; 8] = [
        ("to", None, to.as_bytes()),
        ("cc", None, b"\"Second, Customer\" <second@customer.test>"),
        ("bcc", None, b"operator@postroom.test"),
        ("subject", None, "Reçu".as_bytes()),
        ("body", None, b"See the files."),
        ("file", Some("re\u{e7}u.pdf"), pdf),
        ("file", Some("b.pdf"), b"second"),
        ("file", Some(""), b""),
    ];
    let (status, to, _) = upload(&at, &format!("/mail/{CUSTOMER}/send"), &parts).await;
    assert_eq!(status, 302);
    assert!(to.ends_with("?said=sent"), "{to}");
    for address in ["second@customer.test", "operator@postroom.test"] {
        let got = at.sim.dump(address).unwrap().messages.pop().unwrap();
        assert_eq!((got.header("Bcc"), got.text.trim()), (None, "See the files."));
        assert!(got.header("Cc").unwrap().contains("second@customer.test"));
    }
    let got = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    let (_, html) = page(&at, &format!("/mail/{SUPPORT}/t/{}", got.thread_id)).await;
    assert!(html.contains("re\u{e7}u.pdf") && html.contains("b.pdf") && !html.contains("attachments/2"), "{html}");
    let path = format!("/mail/{SUPPORT}/m/{}/attachments", got.id);
    let file = at.http.get(at.url(&format!("{path}/0"))).send().await.unwrap();
    let field = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(field("content-type"), "application/pdf");
    assert_eq!(field("content-disposition"), "attachment; filename=\"re_u.pdf\"; filename*=UTF-8''re%C3%A7u.pdf");
    assert_eq!(field("x-content-type-options"), "nosniff");
    assert!(field("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert_eq!(file.bytes().await.unwrap().as_ref(), pdf);
    assert_eq!(page(&at, &format!("{path}/2")).await.0, 404);
    let (_, source) = page(&at, &format!("/mail/{SUPPORT}/m/{}/original", got.id)).await;
    assert!(source.contains("Authentication-Results: mx.google.com;"));
}

#[tokio::test]
async fn what_cannot_be_sent_comes_back_with_all_that_was_typed() {
    let at = start().await;
    let send = format!("/mail/{CUSTOMER}/send");
    for (to, problem) in [("nobody", "is no address"), ("", "Nobody to send it to")] {
        let parts: [Part<'_>; 2] = [("to", None, to.as_bytes()), ("body", None, b"Kept <words>")];
        let (status, _, html) = upload(&at, &send, &parts).await;
        assert_eq!(status, 400);
        assert!(html.contains(problem) && html.contains("Kept &#60;words&#62;"), "{html}");
    }
    let large = vec![b'x'; 13 * 1024 * 1024];
    let parts: [Part<'_>; 4] = [
        ("to", None, SUPPORT.as_bytes()),
        ("file", Some("one.bin"), &large),
        ("file", Some("two.bin"), &large),
        ("body", None, b"Kept <words>"),
    ];
    let (status, _, html) = upload(&at, &send, &parts).await;
    assert_eq!(status, 413);
    assert!(html.contains("larger than 25 MB") && html.contains("Kept &#60;words&#62;"));
    assert!(at.sim.dump(CUSTOMER).unwrap().messages.is_empty());
    assert!(at.sim.dump(SUPPORT).unwrap().messages.is_empty());
}

#[tokio::test]
async fn a_draft_of_ones_own_is_changed_in_every_field_and_sent() {
    let at = start().await;
    let parts: [Part<'_>; 4] = [
        ("do", None, b"draft"),
        ("subject", None, b"Plan"),
        ("body", None, b"One"),
        ("file", Some("plan.pdf"), b"first"),
    ];
    let (status, thread, _) = upload(&at, &format!("/mail/{CUSTOMER}/send"), &parts).await;
    assert_eq!(status, 302);
    assert!(page(&at, &thread).await.1.contains("plan.pdf"));
    assert!(page(&at, &format!("/mail/{CUSTOMER}?in=drafts")).await.1.contains("(no recipient)"));

    let draft = at.sim.dump(CUSTOMER).unwrap().drafts.pop().unwrap();
    let parts: [Part<'_>; 6] = [
        ("do", None, b"save"),
        ("to", None, SUPPORT.as_bytes()),
        ("cc", None, b"second@customer.test"),
        ("subject", None, b"Another plan"),
        ("remove", None, b"0"),
        ("file", Some("new.pdf"), b"second"),
    ];
    let action = format!("/mail/{CUSTOMER}/drafts/{}", draft.id);
    assert_eq!(upload(&at, &action, &parts).await.0, 302);
    let saved = at.sim.dump(CUSTOMER).unwrap();
    assert_eq!((saved.drafts.len(), saved.messages.len()), (1, 1));
    assert_eq!(submit(&at, &action, &[("do", "send")]).await.0, 302);
    for address in [SUPPORT, "second@customer.test"] {
        let got = at.sim.dump(address).unwrap().messages.pop().unwrap();
        assert_eq!((got.header("Subject"), got.text.trim()), (Some("Another plan"), "One"));
        let (_, html) = page(&at, &format!("/mail/{address}/t/{}", got.thread_id)).await;
        assert!(html.contains("new.pdf") && !html.contains("plan.pdf, "), "{html}");
    }
    assert!(at.sim.dump(CUSTOMER).unwrap().drafts.is_empty());

    let (_, thread, _) = upload(&at, &format!("/mail/{CUSTOMER}/send"), &[("do", None, b"draft")]).await;
    let draft = at.sim.dump(CUSTOMER).unwrap().drafts.pop().unwrap();
    let (status, to) = submit(&at, &format!("/mail/{CUSTOMER}/drafts/{}", draft.id), &[("do", "discard")]).await;
    assert_eq!((status, to), (302, "/mail/customer%40customer.test?said=discarded".into()));
    assert_eq!(page(&at, &thread).await.0, 404);
}

#[tokio::test]
async fn folders_search_and_pages_show_what_they_name() {
    let at = start().await;
    let put = |number: i64, labels: &[&str]| {
        let options = Deliver {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            internal_date: Some(1_767_340_800_000 + number * 60_000),
            ..Deliver::default()
        };
        let mail = mail(&format!("{number}@customer.test"), &format!("Question {number}."), "");
        at.sim.deliver(SUPPORT, mail, &options).unwrap()
    };
    for number in 0..60 {
        put(number, if number < 3 { &["INBOX"] } else { &["INBOX", "UNREAD"] });
    }
    put(100, &["SPAM"]);
    put(101, &["TRASH"]);
    put(102, &["STARRED"]);
    let list = async |query: &str| page(&at, &format!("/mail/{SUPPORT}{query}")).await;
    let (_, first) = list("").await;
    assert_eq!(rows(&first), 50);
    assert!(first.contains("1–50 of 60") && first.contains("57<span class=\"unseen\"> unread"), "{first}");
    let (_, second) = list("?in=inbox&page=2").await;
    assert!(rows(&second) == 10 && second.contains("Question 0.") && second.contains("51–60 of 60"));
    assert_eq!(rows(&list("?page=99").await.1), 10, "a page that is gone is the last one");
    for (folder, subject) in [("spam", "Question 100."), ("trash", "Question 101."), ("starred", "Question 102.")] {
        let (_, html) = list(&format!("?in={folder}")).await;
        assert!(rows(&html) == 1 && html.contains(subject), "{folder}");
    }
    assert!(list("?in=all").await.1.contains("of 61"));
    assert!(list("?q=subject%3A%22Question+7.%22").await.1.contains("1–1 of 1"));
    assert!(list("?q=is%3Aread+in%3Ainbox").await.1.contains("of 3"));
    assert_eq!(rows(&list("?q=in%3Atrash").await.1), 1);
    assert!(list("?q=nonsense").await.1.contains("Nothing was found."));
    assert_eq!(list("?in=Label_9").await.0, 404);
    assert_eq!(list("?to=a%40b.test").await.0, 302);
}

#[tokio::test]
async fn what_is_done_to_mails_stands_in_history() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let other = at.deliver(&mail("b@customer.test", "Second", ""));
    let act = async |action: &str| {
        let form = [("thread", taken.thread_id.as_str()), ("do", action)];
        submit(&at, &format!("/mail/{SUPPORT}/threads"), &form).await
    };
    let labels = || message(&at, SUPPORT, &taken.id).label_ids;
    let (_, start_id) = at.get("profile").await;
    let start_id = start_id["historyId"].as_str().unwrap().to_owned();
    for (action, after) in [
        ("read", vec!["INBOX"]),
        ("star", vec!["INBOX", "STARRED"]),
        ("archive", vec!["STARRED"]),
        ("unstar", vec![]),
        ("spam", vec!["SPAM"]),
        ("restore", vec!["INBOX"]),
        ("trash", vec!["TRASH"]),
        ("restore", vec!["INBOX"]),
        ("unread", vec!["INBOX", "UNREAD"]),
    ] {
        assert_eq!(act(action).await.0, 302, "{action}");
        assert_eq!(labels(), after, "{action}");
    }
    let (_, history) = at.get(&format!("history?startHistoryId={start_id}")).await;
    assert_eq!(history["history"].as_array().unwrap().len(), 12, "{history}");
    assert_eq!(act("nonsense").await.0, 400);
    assert!(act("delete").await.1.ends_with("said=none"), "only what is in spam or trash is deleted from there");
    act("trash").await;
    assert!(act("delete").await.1.ends_with("said=deleted"));
    assert!(at.sim.dump(SUPPORT).unwrap().messages.iter().all(|message| message.id != taken.id));

    let one = format!("/mail/{SUPPORT}/m/{}", other.id);
    let (status, back) = submit(&at, &one, &[("do", "star")]).await;
    assert!(status == 302 && back.ends_with(&format!("?said=starred#m{}", other.id)), "{back}");
    assert!(message(&at, SUPPORT, &other.id).has_label("STARRED"));
    assert_eq!(submit(&at, &one, &[("do", "delete")]).await.0, 302);
    assert!(at.sim.dump(SUPPORT).unwrap().messages.is_empty());
    assert_eq!(submit(&at, &one, &[("do", "star")]).await.0, 404);
}

#[tokio::test]
async fn labels_are_made_renamed_put_on_and_deleted_by_hand() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let (_, draft) = at.post("drafts", raw(&reply("a@customer.test", "Re: Parcel"), &taken.thread_id)).await;
    let labels = format!("/mail/{SUPPORT}/labels");
    assert_eq!(submit(&at, &labels, &[("name", "Urgent"), ("colour", "#16a766")]).await.0, 302);
    for (name, status) in [("urgent", 409), ("INBOX", 400), ("", 400), ("a//b", 400)] {
        assert_eq!(submit(&at, &labels, &[("name", name)]).await.0, status, "{name}");
    }
    let one = format!("/mail/{SUPPORT}/m/{}", taken.id);
    assert_eq!(submit(&at, &one, &[("do", "new-label"), ("name", "Shop/Returns")]).await.0, 302);
    let bulk = [("thread", taken.thread_id.as_str()), ("do", "label"), ("label", "Label_1")];
    assert_eq!(submit(&at, &format!("/mail/{SUPPORT}/threads"), &bulk).await.0, 302);
    assert!(message(&at, SUPPORT, &taken.id).has_label("Label_1"));
    assert!(message(&at, SUPPORT, &taken.id).has_label("Label_2"));
    let stored = message(&at, SUPPORT, draft["message"]["id"].as_str().unwrap());
    assert_eq!(stored.label_ids, ["DRAFT"], "a draft takes no label");

    let path = format!("{labels}/Label_1");
    assert_eq!(submit(&at, &path, &[("name", "Shop/Returns")]).await.0, 409);
    assert_eq!(submit(&at, &path, &[("name", "Calm"), ("colour", "#4a86e8")]).await.0, 302);
    let (_, list) = at.get("labels/Label_1").await;
    assert_eq!((list["name"].as_str(), list["color"]["backgroundColor"].as_str()), (Some("Calm"), Some("#4a86e8")));
    let (_, html) = page(&at, &format!("/mail/{SUPPORT}?in=Label_1")).await;
    assert!(html.contains("fill=\"#4a86e8\"") && html.contains("Calm") && rows(&html) == 1);
    assert_eq!(submit(&at, &path, &[("do", "delete")]).await.0, 302);
    assert!(!message(&at, SUPPORT, &taken.id).has_label("Label_1"));
    assert_eq!(at.get("labels/Label_1").await.0, 404);
    assert_eq!(submit(&at, &one, &[("do", "label"), ("label", "SENT")]).await.0, 404);
}

#[tokio::test]
async fn an_answer_to_all_and_a_forwarded_mail_are_prepared() {
    let at = start().await;
    let more = format!(
        "Cc: Second <second@customer.test>, Me <{SUPPORT}>\r\nReply-To: \"Desk, Their\" <desk@customer.test>\r\n"
    );
    let taken = at.deliver(&mail("a@customer.test", "Parcel", &more));
    let compose = format!("/mail/{SUPPORT}/compose?mail={}", taken.id);
    let (_, html) = page(&at, &format!("{compose}&as=reply")).await;
    assert!(
        html.contains("&#34;Desk, Their&#34; &#60;desk@customer.test&#62;") && html.contains("Re: Parcel"),
        "{html}"
    );
    assert!(html.contains("&#62; Where is my parcel?") && !html.contains("second@customer.test"));
    let (_, html) = page(&at, &format!("{compose}&as=all")).await;
    assert!(html.contains("Second &#60;second@customer.test&#62;\"") && !html.contains(&format!("{SUPPORT}&#62;\"")));

    let attached = "From: a@customer.test\r\nTo: support@postroom.test\r\nSubject: Photo\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee.\r\n--b\r\nContent-Type: image/png\r\n\
        Content-Disposition: attachment; filename=p.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";
    let photo = at.deliver(attached);
    let (_, html) = page(&at, &format!("/mail/{SUPPORT}/compose?mail={}&as=forward", photo.id)).await;
    assert!(html.contains("Fwd: Photo") && html.contains("Remove <bdi>p.png</bdi>"), "{html}");
    let form = [("forward", photo.id.as_str()), ("to", CUSTOMER), ("subject", "Fwd: Photo"), ("body", "Look")];
    assert_eq!(submit(&at, &format!("/mail/{SUPPORT}/send"), &form).await.0, 302);
    let got = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    let file = at.http.get(at.url(&format!("/mail/{CUSTOMER}/m/{}/attachments/0", got.id))).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap().as_ref(), [0, 1, 2]);
}

#[tokio::test]
async fn hostile_html_files_and_letters_stay_harmless() {
    let at = start().await;
    let name = BASE64_STANDARD.encode("a\r\nSet-Cookie: x=1\u{202e}gpj.html");
    let hostile = format!(
        "From: =?UTF-8?B?{}?= <x@customer.test>\r\nTo: {SUPPORT}\r\nSubject: =?UTF-8?B?{}?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <p>Hello</p><script>alert(1)</script><img src=https://tracker.example/p.png>\
         <meta http-equiv=refresh content='0;url=https://evil.example/'>\r\n--b\r\n\
         Content-Type: text/html; name=\"=?UTF-8?B?{name}?=\"\r\nContent-Disposition: attachment\r\n\r\n\
         <script>alert(2)</script>\r\n--b--\r\n",
        BASE64_STANDARD.encode("\u{202e}moc.elpmaxe\u{202c} <b>漢字"),
        BASE64_STANDARD.encode("\u{202e}</title><script>alert(3)</script> 🎁 مرحبا"),
    );
    let taken = at.deliver(&hostile);
    let label = [("name", "\"><svg onload=alert(4)>")];
    assert_eq!(submit(&at, &format!("/mail/{SUPPORT}/labels"), &label).await.0, 302);
    let thread = format!("/mail/{SUPPORT}/t/{}", taken.thread_id);
    let compose = format!("/mail/{SUPPORT}/compose?mail={}&as=forward", taken.id);
    for path in [&thread, &compose, &format!("/mail/{SUPPORT}"), &format!("/mail/{SUPPORT}/labels")] {
        let (status, html) = page(&at, path).await;
        assert_eq!(status, 200);
        assert_eq!(html.matches("<script").count(), 1, "{path}: {html}");
        for markup in ["<b>漢字", "<svg onload", "<img", "<meta http-equiv", "https://tracker.example/p.png\""] {
            assert!(!html.contains(markup), "{path} has {markup}");
        }
    }
    let (_, html) = page(&at, &thread).await;
    assert!(
        html.contains("<h2><bdi>moc.elpmaxe &#60;b&#62;漢字</bdi></h2>"),
        "a name does not turn its surroundings: {html}"
    );
    assert!(html.contains("<iframe sandbox loading") && html.contains("🎁 مرحبا"), "{html}");
    let framed = at.http.get(at.url(&format!("/mail/{SUPPORT}/m/{}/html", taken.id))).send().await.unwrap();
    let policy = framed.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"), "{policy}");
    assert!(!policy.contains("allow-"));
    let file = at.http.get(at.url(&format!("/mail/{SUPPORT}/m/{}/attachments/0", taken.id))).send().await.unwrap();
    let disposition = file.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename=\"a") && !disposition.contains("E2%80%AE"), "{disposition}");
    assert!(file.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn a_huge_text_is_shortened_in_the_page_and_whole_in_its_original() {
    let at = start().await;
    let long = "a ".repeat(500_000);
    let taken = at.deliver(&format!("From: x@customer.test\r\nSubject: Long\r\n\r\n{long}END\r\n"));
    let (_, html) = page(&at, &format!("/mail/{SUPPORT}/t/{}", taken.thread_id)).await;
    assert!(html.len() < 300_000 && html.contains("Only the beginning is shown"));
    let (_, source) = page(&at, &format!("/mail/{SUPPORT}/m/{}/original", taken.id)).await;
    assert!(source.ends_with("END\r\n"));
}
