//! Garbage at each HTTP route, queue and event type gets the documented answer, and nothing stops.

use crate::aws::Aws;
use crate::main_job::QUESTION;
use crate::office::{Office, eventually, labels};
use serde_json::{Value, json};
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Requests that no client library writes, and the status that each gets: method and target, headers, status.
///
/// 400 is the front door's (it speaks for API Gateway's own parser); 404 and 401 with a JSON body are API Gateway's for
/// a route that is not there and a push whose token its authoriser refuses; the rest is ours.
const RAW: [(&str, &str, u16); 34] = [
    ("GET /chat?a=<x>", "", 400),
    ("GET /chat?a=\"x\"", "", 400),
    ("GET /chat?a=\u{1}", "", 400),
    ("GET /chat?a=\u{e4}", "", 400),
    ("GET /chat?a=b c", "", 400),
    ("GET /a<b>c", "", 400),
    ("GET /oauth/callback?code=<b>", "", 400),
    ("GET /chat?a=%00%ff%", "", 303),
    ("GET /chat?a={b}|^`\\", "", 303),
    ("GET /chat?page=%F0%9F%92%A9&mailbox=%00", "", 303),
    ("GET /oauth/callback", "", 400),
    ("GET /oauth/callback?%zz&&&=&=&state", "", 400),
    ("GET /oauth/callback?state=a&state=b&code=%00&code=", "", 400),
    ("GET /signin/callback?state=%ff&code=%fe&error=%fd", "", 303),
    ("GET /signin?return_to=//evil.example", "", 200),
    ("GET /chat", "Cookie: session=%%%; ; =; a\r\n", 303),
    ("GET /chat", "Cookie: \u{fe}\u{ff}\r\n", 303),
    ("GET /chat/..%2f/%00", "", 404),
    ("GET /chat/a/b/c/d", "", 404),
    ("GET //", "", 404),
    ("GET /assets/../Cargo.toml", "", 404),
    ("GET /assets/%2e%2e%2fCargo.toml", "", 404),
    ("HEAD /signin", "", 200),
    ("BREW /chat", "", 405),
    ("DELETE /chat", "", 405),
    ("TRACE /signin", "", 405),
    ("GET /gmail/push", "", 404),
    ("PUT /gmail/push", "Content-Length: 0\r\n", 404),
    ("GET /oauth/connect", "", 404),
    ("POST /oauth/callback", "Content-Length: 0\r\n", 404),
    ("POST /oauth/connect", "Content-Length: 0\r\n", 403),
    ("POST /gmail/push", "Content-Length: 0\r\n", 401),
    ("POST /gmail/push", "Content-Length: 0\r\nAuthorization: Bearer a.b.c\r\n", 401),
    ("POST /gmail/push", "Content-Length: 0\r\nAuthorization: Basic Zm9vOmJhcg==\r\n", 401),
];

/// The status of the answer to a request that is written byte by byte; characters are sent as ISO 8859-1.
async fn raw(front: &str, line: &str, headers: &str) -> u16 {
    let address = front.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).await.expect("the front door");
    let request = format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    let bytes: Vec<u8> = request.chars().map(|c| u8::try_from(u32::from(c)).expect("ISO 8859-1")).collect();
    stream.write_all(&bytes).await.expect("written");
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.expect("an answer");
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    status.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Forms of a signed-in operator that are none: path, content type, body, status.
fn forms(mailbox: &str, token: &str) -> Vec<(String, &'static str, Vec<u8>, u16)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let settings = format!("/channels/gmail/{mailbox}/settings");
    let reply = format!("/chat/{mailbox}/0000000000000001/reply");
    let megabytes = |count: usize| format!("form_token={token}&text={}", "x".repeat(count << 20)).into_bytes();
    let signed = |rest: &str| format!("form_token={token}&{rest}").into_bytes();
    vec![
        ("/settings".into(), "application/json", b"{}".to_vec(), 415),
        ("/settings".into(), "text/plain", b"a=b".to_vec(), 415),
        ("/settings".into(), FORM, b"%ff%fe=%00".to_vec(), 403),
        ("/settings".into(), FORM, vec![0, 255, 254, 10], 403),
        ("/settings".into(), FORM, b"".to_vec(), 403),
        (settings.clone(), FORM, megabytes(2), 413),
        (settings.clone(), FORM, signed("ver=x"), 400),
        (settings, "multipart/form-data; boundary=b", b"--b--".to_vec(), 415),
        (reply.clone(), FORM, megabytes(2), 413),
        (reply.clone(), FORM, signed("text=hello"), 400),
        (reply, FORM, signed("text=hello&form_id=%3Cscript%3E"), 400),
        (format!("/chat/{mailbox}/0000000000000001/dance"), FORM, signed("a=b"), 404),
        (format!("/chat/{mailbox}/0000000000000001/approve"), FORM, signed("turn=x&step=%00&ver=-1"), 400),
        ("/chat/%00/%ff/approve".into(), FORM, signed("a=b"), 404),
        ("/channels/gmail/nobody/settings".into(), FORM, signed("a=b"), 404),
        ("/channels/gmail/nobody/disconnect".into(), FORM, signed("a=b"), 404),
        ("/oauth/connect".into(), FORM, megabytes(1), 400),
        ("/oauth/connect".into(), "application/json", b"[]".to_vec(), 400),
        ("/oauth/connect".into(), FORM, signed("history_days=99999999999999999999"), 303),
        ("/oauth/connect".into(), FORM, signed("mailbox=%00%00"), 303),
        ("/gmail/push".into(), "application/json", vec![b'{'; 1 << 20], 401),
    ]
}

/// What the queues get, and the beginning of the reason in the dead-letter queue.
fn messages(mark: &str) -> Vec<(String, &'static str)> {
    vec![
        (format!("no JSON {mark}"), "undecodable: Syntax"),
        (format!("{{\"v\":1,\"kind\":\"sync\",\"{mark}\""), "undecodable: Eof"),
        (format!("[\"{mark}\"]"), "undecodable: Data"),
        (json!({ "mark": mark }).to_string(), "undecodable: Data"),
        (json!({ "v": 1, "kind": "dance", "mark": mark }).to_string(), "undecodable: Data"),
        (json!({ "v": 1, "kind": "sync", "mark": mark }).to_string(), "undecodable: Data"),
        (json!({ "v": 1, "kind": "turn", "mark": mark, "mailbox": mark }).to_string(), "undecodable: Data"),
        (json!({ "v": 1, "kind": "ingest", "mark": mark, "mailbox": 7 }).to_string(), "undecodable: Data"),
        (json!({ "v": 300, "kind": "sync", "mark": mark, "mailbox": mark }).to_string(), "undecodable: Data"),
    ]
}

async fn garbage_at_the_routes(office: &mut Office, mailbox: &str) -> usize {
    let front = office.cloud.front_door.clone();
    let mut wrong = String::new();
    for (line, headers, expected) in RAW {
        let status = raw(&front, line, headers).await;
        if status != expected {
            writeln!(wrong, "{line:?} {headers:?}: {status}, not {expected}").expect("a text grows");
        }
    }
    let page = office.operator.open(&format!("{front}/channels/gmail/{mailbox}/settings")).await;
    let token = page.form("/settings").fields.iter().find(|(name, _)| name == "form_token").cloned();
    let token = token.expect("a form token").1;
    let cookies: Vec<String> = office.operator.cookies.values().flatten().map(|(n, v)| format!("{n}={v}")).collect();
    let forms = forms(mailbox, &token);
    let count = forms.len();
    for (path, kind, body, expected) in forms {
        let request = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let request = request.expect("a client").post(format!("{front}{path}")).body(body);
        let request =
            request.header("content-type", kind).header("origin", &front).header("cookie", cookies.join("; "));
        let status = request.send().await.expect("an answer").status().as_u16();
        if status != expected {
            writeln!(wrong, "POST {path} {kind}: {status}, not {expected}").expect("a text grows");
        }
    }
    for path in ["/chat/%00/%ff", "/chat/a/b", "/channels/gmail/%ff/settings", "/channels/gmail/a%2Fb/disconnect"] {
        let status = office.operator.open(&format!("{front}{path}")).await.status;
        if status != 404 {
            writeln!(wrong, "GET {path}, signed in: {status}, not 404").expect("a text grows");
        }
    }
    for query in ["page=%F0%9F%92%A9", "page=AAAA&mailbox=x", "show=%00", "message=%3Cscript%3E", "mailbox=a&mailbox=b"]
    {
        let page = office.operator.open(&format!("{front}/chat?{query}")).await;
        if page.status != 200 || page.html.contains("<script>") {
            writeln!(wrong, "GET /chat?{query}, signed in: {}, not 200", page.status).expect("a text grows");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    RAW.len() + count + 9
}

async fn garbage_in_the_queues(office: &Office, mark: &str) -> usize {
    let aws = Aws::of(&office.cloud);
    let queues = [("SyncQueueUrl", "SyncDlqUrl", "mail-sync"), ("WorkQueueUrl", "WorkDlqUrl", "ai-worker")];
    let unknown = [
        json!({ "v": 1, "kind": "sync", "mailbox": mark, "pushed": 7 }),
        json!({ "v": 1, "kind": "turn", "mailbox": mark, "thread": "0000000000000001", "turn": 1 }),
    ];
    for ((queue, dead, function), unknown) in queues.into_iter().zip(unknown) {
        for (body, _) in messages(mark) {
            aws.send(queue, &body).await;
        }
        aws.send(queue, &unknown.to_string()).await;
        let mut missing = messages(mark);
        eventually(&format!("{dead} holds what {queue} was given"), async || {
            for message in aws.look(dead).await {
                missing.retain(|(body, reason)| {
                    *body != message.body || !message.reason.as_deref().is_some_and(|told| told.starts_with(reason))
                });
            }
            missing.is_empty().then_some(())
        })
        .await;
        // Work for a mailbox that is not there is no fault: it is told and forgotten.
        eventually(&format!("{function} tells of an unknown mailbox"), async || {
            let lines = office.cloud.logs(function).await.unwrap_or_else(|error| panic!("{error}"));
            lines.iter().any(|line| line.contains(mark) && line.contains(r#""outcome":"ignore""#)).then_some(())
        })
        .await;
        let unknown = unknown.to_string();
        let dead_too = aws.look(dead).await.into_iter().any(|message| message.body == unknown);
        assert!(!dead_too, "an unknown mailbox is in {dead}");
    }
    2 * (messages(mark).len() + 1)
}

/// An event of API Gateway (payload format 2.0).
fn http_event(path: &str, query: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "host": "localhost" },
        "requestContext": {
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
            "stage": "$default",
        },
        "isBase64Encoded": false,
    })
}

async fn garbage_as_events(office: &Office) -> usize {
    let aws = Aws::of(&office.cloud);
    let mut count = 0;
    let any = ["{}", "[]", "\"x\"", "null", "7", r#"{"source":"aws.scheduler","detail":{"odd":[1,{}]}}"#];
    for function in ["gmail-webhook", "oauth-callback", "console", "mail-sync", "ai-worker", "token-refresher"] {
        for event in any {
            let (failed, answer) = aws.invoke(function, event).await;
            // The schedule's event is not looked at; elsewhere what is no event of ours ends in an error of its own.
            assert_eq!(failed, function != "token-refresher", "{function} {event}: {answer}");
            assert!(!failed || answer.contains("DeserializeError"), "{function} {event}: {answer}");
            count += 1;
        }
    }
    for function in ["mail-sync", "ai-worker"] {
        let (failed, answer) = aws.invoke(function, r#"{"Records":[]}"#).await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!((failed, answer), (false, json!({ "batchItemFailures": [] })), "{function}");
        count += 1;
    }
    let odd: String = (1..=0x17f_u32).filter_map(char::from_u32).collect();
    for (function, path, expected) in
        [("console", "/chat", 303), ("oauth-callback", "/oauth/callback", 400), ("gmail-webhook", "/gmail/push", 401)]
    {
        for query in ["<", "a=\"b\" c", odd.as_str()] {
            let (failed, answer) = aws.invoke(function, &http_event(path, query).to_string()).await;
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!((failed, &answer["statusCode"]), (false, &json!(expected)), "{function} {query:?}: {answer}");
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn garbage_gets_its_answer_and_nothing_stops() {
    let mut office = Office::open("e2e").await;
    let address = office.fresh_mailbox("garbage").await;
    office.sign_in().await;
    office.connect(&address).await;
    let id = office.mailbox_id(&address).await;
    let mark = format!("{:032x}", std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos());

    let requests = garbage_at_the_routes(&mut office, &id).await;
    let messages = garbage_in_the_queues(&office, &mark).await;
    let events = garbage_as_events(&office).await;
    println!("{requests} requests, {messages} messages, {events} events");

    let mail = QUESTION.replace("MAILBOX", &address);
    let (_, thread) = office.deliver(&address, &mail).await;
    let drafts = |m: &Value| m["thread_id"] == thread.as_str() && labels(m).contains(&"DRAFT");
    assert_eq!(office.wait_for_mail(&address, "the draft", drafts).await.len(), 1);
    office.wait_for_page(&id, &thread, "Draft waiting for your review").await;
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
