//! Uploads: sizes and the resumable protocol.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{CUSTOMER, Fixture, SUPPORT, mail, reply, start};

const CHUNK: usize = 256 * 1024;

async fn open(at: &Fixture, method: Method, path: &str, meta: Value, length: usize) -> Response {
    let url = at.url(&format!("/upload/gmail/v1/users/me/{path}?uploadType=resumable"));
    let request = at.http.request(method, url).bearer_auth(&at.token).json(&meta);
    request
        .header("x-upload-content-type", "message/rfc822")
        .header("x-upload-content-length", length)
        .send()
        .await
        .unwrap()
}

/// Sends a chunk, without a token, as Google's own clients may.
async fn put(at: &Fixture, location: &str, range: &str, bytes: &[u8]) -> Response {
    at.http.put(location).header("content-range", range).body(bytes.to_vec()).send().await.unwrap()
}

fn location(answer: &Response) -> String {
    assert_eq!(answer.status(), 200);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_large_mail_goes_up_in_chunks_into_its_thread() {
    let at = start().await;
    let thread = at.deliver(&mail("a@customer.test", "Parcel", "")).thread_id;
    let raw = format!("{}{}\r\n", reply("a@customer.test", "Re: Parcel"), "x".repeat(CHUNK + 1_000)).into_bytes();
    let total = raw.len();
    let to = location(&open(&at, Method::POST, "messages/send", json!({"threadId": thread}), total).await);
    assert!(to.starts_with(at.sim.url()));
    let asked = put(&at, &to, &format!("bytes */{total}"), b"").await;
    assert_eq!((asked.status(), asked.headers().get("range")), (StatusCode::PERMANENT_REDIRECT, None));
    let first = put(&at, &to, &format!("bytes 0-{}/{total}", CHUNK - 1), &raw[..CHUNK]).await;
    assert_eq!(first.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(first.headers()["range"], format!("bytes=0-{}", CHUNK - 1));
    let again = put(&at, &to, &format!("bytes 0-{}/{total}", CHUNK - 1), &raw[..CHUNK]).await;
    assert_eq!(again.status(), StatusCode::PERMANENT_REDIRECT, "a chunk may be repeated");
    let end = format!("bytes {CHUNK}-{}/{total}", total - 1);
    assert_eq!(put(&at, &to, &end, &raw[CHUNK..total - 5]).await.status(), 400, "the range must fit the bytes");
    let last = put(&at, &to, &end, &raw[CHUNK..]).await;
    assert_eq!(last.status(), 200);
    let sent: Value = last.json().await.unwrap();
    assert_eq!(sent["threadId"], json!(thread));
    let arrived = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    assert!(arrived.text.contains(&"x".repeat(CHUNK + 1_000)));
    assert_eq!(put(&at, &to, &end, &raw[CHUNK..]).await.status(), 404, "a finished upload is gone");
    let methods: Vec<String> = at.sim.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods.iter().filter(|method| *method == "gmail.users.messages.send").count(), 1, "{methods:?}");
}

#[tokio::test]
async fn every_upload_method_is_resumable_in_one_piece() {
    let at = start().await;
    let raw = reply("a@customer.test", "Hi");
    let send = async |method: Method, path: &str, meta: Value| {
        let to = location(&open(&at, method, path, meta, raw.len()).await);
        let answer = at.http.put(&to).body(raw.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()
    };
    let draft = send(Method::POST, "drafts", json!({})).await["id"].as_str().unwrap().to_owned();
    assert_eq!(send(Method::PUT, &format!("drafts/{draft}"), json!({})).await["id"], json!(draft));
    assert_eq!(send(Method::POST, "drafts/send", json!({"id": draft})).await["labelIds"], json!(["SENT"]));
    assert_eq!(send(Method::POST, "messages", json!({"labelIds": ["STARRED"]})).await["labelIds"], json!(["STARRED"]));
    assert_eq!(send(Method::POST, "messages/import", json!({})).await["labelIds"], json!(["INBOX", "UNREAD"]));
    assert_eq!(at.sim.dump(SUPPORT).unwrap().messages.len(), 3);
}

#[tokio::test]
async fn a_resumable_upload_is_checked() {
    let at = start().await;
    assert_eq!(open(&at, Method::POST, "messages/send", json!({}), 36_700_161).await.status(), 413);
    assert_eq!(
        open(&at, Method::POST, "messages", json!({}), 36_700_161).await.status(),
        200,
        "stored mail may be larger"
    );
    assert_eq!(open(&at, Method::POST, "messages", json!({}), 157_286_401).await.status(), 413);
    let stranger =
        at.http.post(at.url("/upload/gmail/v1/users/me/messages?uploadType=resumable")).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let to = location(&open(&at, Method::POST, "messages", json!({}), 10).await);
    for (range, bytes) in [
        ("bytes 5-9/10", &b"56789"[..]),
        ("bytes 0-4/10", b"01234"),
        ("lines 1-2/3", b"x"),
        ("bytes 0-9/9", b"0123456789"),
    ] {
        assert_eq!(put(&at, &to, range, bytes).await.status(), 400, "{range}");
    }
    let elsewhere = to.replace("/messages?", "/drafts?");
    assert_eq!(put(&at, &elsewhere, "bytes 0-9/10", b"0123456789").await.status(), 404, "a session is of one method");
    let unknown = at.url("/upload/gmail/v1/users/me/messages?uploadType=chunky");
    let answer = at.http.post(unknown).bearer_auth(&at.token).body("x").send().await.unwrap();
    assert_eq!(answer.status(), 400);
}
