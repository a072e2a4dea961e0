//! No subject, body, address, name, query string, form field or secret stands in a log of functions or servers, nor
//! in a dead-letter queue. Marked values are planted wherever content enters, and searched for.

use crate::aws::Aws;
use crate::main_job::QUESTION;
use crate::marks::{Marks, Searched, finds, logs};
use crate::office::{Office, labels};
use serde_json::Value;

/// The mail, and the mark of its text.
fn mail(marks: &mut Marks, mailbox: &str) -> (String, String) {
    let body = marks.fresh("body");
    let html = marks.fresh("HTML body");
    let (subject, name) = (marks.fresh("subject"), marks.fresh("display name"));
    let sender = format!("{}@{}.example", marks.fresh("sender's local part"), marks.fresh("sender's domain"));
    let (reply_to, message_id) = (marks.fresh("Reply-To"), marks.fresh("Message-ID"));
    let (file, content, header) = (marks.fresh("attachment's name"), marks.fresh("attachment"), marks.fresh("header"));
    let mail = format!(
        "From: {name} <{sender}>\nReply-To: <{reply_to}@customer.example>\nTo: {mailbox}\nSubject: Delivery of a teapot {subject}\n\
         Message-ID: <{message_id}@customer.example>\nX-Odd: {header}\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n\
         --c\nContent-Type: text/plain\n\nHello,\n\nhow long does standard delivery take?\n\n{body}\n\
         --c\nContent-Type: text/html\n\n<p>Hello,</p><p>how long does standard delivery take?</p><p>{html}</p>\n--c--\n\
         --b\nContent-Type: text/plain; name=\"{file}.txt\"\nContent-Disposition: attachment; filename=\"{file}.txt\"\n\n\
         {content}\n--b--\n"
    );
    (mail, body)
}

/// What the browser carried while signing in and connecting: codes, states, nonces, cookies, form tokens.
fn plant_what_was_carried(marks: &mut Marks, office: &Office) {
    let carried = ["code", "state", "nonce", "code_challenge"];
    let mut codes = 0;
    for url in &office.operator.visited {
        for (name, value) in url.query_pairs().filter(|(name, _)| carried.contains(&name.as_ref())) {
            marks.plant(&format!("{name} of {}", url.path()), &value);
            codes += usize::from(name == "code");
        }
    }
    assert!(codes >= 2, "signing in and connecting carry a code each");
    let jars = office.operator.cookies.values().flatten();
    for (name, value) in jars.filter(|(_, value)| value.len() >= 12) {
        marks.plant(&format!("cookie {name}"), value);
    }
}

fn plant_secret(marks: &mut Marks, name: &str, secret: &Value) {
    for (field, value) in secret.as_object().expect("a secret is an object") {
        if let Some(value) = value.as_str().filter(|value| value.len() >= 12 && field != "google_client_id") {
            marks.plant(&format!("{field} of {name}"), value);
        }
    }
}

async fn plant_secrets(marks: &mut Marks, aws: &Aws<'_>, stack: &str, mailbox: &str) {
    plant_secret(marks, "the app secret", &aws.secret(&format!("{stack}/app")).await);
    let grants = aws.secrets(&format!("{stack}/mailbox/{mailbox}/")).await;
    assert_eq!(grants.len(), 1, "one grant");
    let grant = aws.secret(&grants[0]).await;
    assert!(grant["refresh_token"].is_string() && grant["access_token"].is_string());
    plant_secret(marks, "the grant", &grant);
}

/// Queries, fields, headers and paths of every route, right and wrong ones, with and without a session.
async fn knock(marks: &mut Marks, office: &mut Office, mailbox: &str) {
    let front = office.cloud.front_door.clone();
    let queries = [
        "/chat?mailbox={}&show={}&page={}&message={}",
        "/chat/{}/{}?message={}",
        "/signin?return_to=/{}&message={}",
        "/signin/callback?code={}&state={}&error={}",
        "/oauth/callback?code={}&state={}",
        "/oauth/callback?error={}&error_description={}&state={}",
        "/settings?{}={}",
        "/{}?{}",
        "/assets/{}",
    ];
    for query in queries {
        let mut path = query.to_owned();
        while path.contains("{}") {
            path = path.replacen("{}", &marks.fresh(&format!("parameter of GET {query}")), 1);
        }
        office.operator.open(&format!("{front}{path}")).await;
        office.http.get(format!("{front}{path}")).send().await.expect("an answer");
    }
    let page = office.operator.open(&format!("{front}/channels/gmail/{mailbox}/settings")).await;
    let token = page.form("/settings").fields.iter().find(|(name, _)| name == "form_token").cloned();
    let token = token.expect("a form token").1;
    let posts = [
        ("/signin", "return_to"),
        ("/oauth/connect", "mailbox"),
        ("/oauth/connect", "history_days"),
        ("/settings", "mark"),
        ("/channels/gmail/{}/settings", "excluded_senders"),
        ("/channels/gmail/{}/settings", "instructions"),
        ("/channels/gmail/{}/settings", "delay"),
        ("/chat/{}/0000000000000001/reply", "text"),
        ("/gmail/push", "message"),
    ];
    for (path, field) in posts {
        let path = path.replace("{}", mailbox);
        let (value, wrong) = (marks.fresh(&format!("{field} of POST {path}")), marks.fresh("form token"));
        let cookies: Vec<_> = office.operator.cookies.values().flatten().map(|(n, v)| format!("{n}={v}")).collect();
        for token in [&token, &wrong] {
            let fields = [(field, value.as_str()), ("form_token", token)];
            let request = office.http.post(format!("{front}{path}")).form(&fields).header("origin", &front);
            let request = request.header("cookie", cookies.join("; "));
            request.send().await.expect("an answer");
        }
        let bearer = marks.fresh("bearer token");
        let request = office.http.post(format!("{front}{path}")).bearer_auth(&bearer).body(value);
        request.header("cookie", format!("session={bearer}")).send().await.expect("an answer");
    }
    // The token itself was in a page, so it was planted too.
    marks.plant("form token of the session", &token);
}

#[tokio::test]
async fn nothing_that_was_planted_stands_in_a_log_or_a_dead_letter_queue() {
    let mut office = Office::open("e2e").await;
    let mut marks = Marks::default();
    let local = marks.fresh("mailbox's address");
    let address = format!("{local}@postroom.test");
    office.account(&address, "Desk").await;
    office.sign_in().await;
    office.connect(&address).await;
    let id = office.mailbox_id(&address).await;
    plant_what_was_carried(&mut marks, &office);
    let stack = office.cloud.stack.name.clone();
    plant_secrets(&mut marks, &Aws::of(&office.cloud), &stack, &id).await;

    // A mail full of marks, and one the whole way to an answer that a person edited.
    let (marked, body) = mail(&mut marks, &address);
    let (_, thread) = office.deliver(&address, &marked).await;
    office.wait_for_page(&id, &thread, &body).await;
    let (_, thread) = office.deliver(&address, &QUESTION.replace("MAILBOX", &address)).await;
    let page = office.wait_for_page(&id, &thread, "Draft waiting for your review").await;
    let edited = marks.fresh("edited answer");
    let form = page.form("/approve").set("text", &format!("Thirty days. {edited}"));
    let page = office.operator.submit(&page, form).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let sent = |m: &Value| m["thread_id"] == thread.as_str() && labels(m).contains(&"SENT");
    office.wait_for_mail(&address, "the sent mail", sent).await;
    office.wait_for_page(&id, &thread, "Answered").await;
    knock(&mut marks, &mut office, &id).await;

    let mut searched = logs(&office.cloud).await;
    let aws = Aws::of(&office.cloud);
    for queue in ["SyncDlqUrl", "WorkDlqUrl"] {
        let messages = aws.look(queue).await;
        let text: Vec<String> = messages.into_iter().map(|m| format!("{} {:?}", m.body, m.reason)).collect();
        searched.push(Searched { place: queue.to_owned(), text: text.join("\n") });
    }
    for at in &searched {
        println!("{}: {} bytes", at.place, at.text.len());
    }
    // The search does look at what these requests wrote: an id that may be logged is there.
    let logged = searched.iter().filter(|at| at.text.contains(&id)).count();
    assert!(logged >= 3, "the mailbox's id stands in {logged} places only");
    let found = finds(&marks, &searched);
    println!("{} marks, {} places, {} finds", marks.count(), searched.len(), found.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
