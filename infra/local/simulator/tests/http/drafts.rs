use std::io::Cursor;

use google_gmail1::api::{Draft, Message};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CUSTOMER, Fixture, MODIFY, SUPPORT, mail, raw, reason, reply, start};

/// A mail that really came from the customer's account, so that both sides have the thread.
async fn from_customer(at: &Fixture) -> (String, String) {
    let form = [("to", SUPPORT), ("subject", "Parcel"), ("body", "Where is it?")];
    let sent = at.http.post(at.url(&format!("/mail/{CUSTOMER}/send"))).form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 302);
    let dump = at.sim.dump(SUPPORT).unwrap();
    let mail = dump.messages.last().unwrap();
    (mail.thread_id.clone(), mail.header("Message-ID").unwrap().trim_matches(['<', '>']).to_owned())
}

#[tokio::test]
async fn sending_a_draft_moves_ids_and_arrives_in_the_thread() {
    let at = start().await;
    let (thread, parent) = from_customer(&at).await;
    let (status, draft) = at.post("drafts", raw(&reply(&parent, "Re: Parcel"), &thread)).await;
    assert_eq!(status, 200, "{draft}");
    assert_eq!(draft["message"]["labelIds"], json!(["DRAFT"]));
    assert_eq!(draft["message"]["threadId"], json!(thread));
    let draft_id = draft["id"].as_str().unwrap();

    let again =
        at.gmail(Method::PUT, &format!("drafts/{draft_id}"), Some(raw(&reply(&parent, "Re: Parcel"), &thread))).await.1;
    assert_eq!(again["id"], draft["id"]);
    assert_ne!(again["message"]["id"], draft["message"]["id"]);
    assert_eq!(at.get(&format!("drafts/{draft_id}?format=minimal")).await.1["message"]["id"], again["message"]["id"]);

    let start_id = at.get("profile").await.1["historyId"].as_str().unwrap().to_owned();
    let (status, sent) = at.post("drafts/send", json!({"id": draft_id})).await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!(sent["labelIds"], json!(["SENT"]));
    assert_eq!(sent["threadId"], json!(thread));
    assert_ne!(sent["id"], again["message"]["id"]);
    let (_, history) = at.get(&format!("history?startHistoryId={start_id}")).await;
    assert_eq!(history["history"][0]["messagesDeleted"][0]["message"]["id"], again["message"]["id"]);
    assert_eq!(history["history"][1]["messagesAdded"][0]["message"]["id"], sent["id"]);

    let (status, body) = at.post("drafts/send", json!({"id": draft_id})).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    assert_eq!(at.get(&format!("drafts/{draft_id}")).await.0, 404);

    let ours = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    let rewritten = ours.header("Message-ID").unwrap().to_owned();
    assert!(rewritten.ends_with("@mail.gmail.com>"), "{rewritten}");
    assert_eq!(ours.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Message-ID")).count(), 1);
    assert_eq!(ours.header("X-Marker"), Some("42"));
    assert!(ours.header("Date").is_some());

    let theirs = at.sim.dump(CUSTOMER).unwrap();
    let got = theirs.messages.last().unwrap();
    assert_eq!(got.thread_id, theirs.messages[0].thread_id, "the recipient's side threads too");
    assert_eq!(got.header("Message-ID"), Some(rewritten.as_str()));
    assert!(got.header("Authentication-Results").unwrap().starts_with("mx.google.com; dkim=pass"));
    assert!(got.has_label("INBOX") && got.has_label("UNREAD"));
    assert_eq!(got.text.trim(), "On its way.");
}

#[tokio::test]
async fn a_thread_wants_matching_subject_and_references() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let thread_of = async |mail: String| {
        let (status, draft) = at.post("drafts", raw(&mail, &taken.thread_id)).await;
        assert_eq!(status, 200);
        draft["message"]["threadId"].as_str().unwrap().to_owned()
    };
    assert_eq!(thread_of(reply("a@customer.test", "Re: Parcel")).await, taken.thread_id);
    assert_ne!(thread_of(reply("a@customer.test", "Other")).await, taken.thread_id);
    assert_ne!(thread_of(reply("unknown@customer.test", "Re: Parcel")).await, taken.thread_id);
    let mail = reply("a@customer.test", "Re: Parcel");
    assert_eq!(at.post("drafts", raw(&mail, "18aaaaaaaaaaaaaa")).await.0, 404);
    assert_eq!(at.post("drafts", raw(&mail, "no thread")).await.0, 400);
}

#[tokio::test]
async fn the_products_client_uploads_a_draft() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let mail = reply("a@customer.test", "Re: Parcel");
    let request = Draft {
        message: Some(Message { thread_id: Some(taken.thread_id.clone()), ..Message::default() }),
        ..Draft::default()
    };
    let hub = at.hub();
    let (_, draft) = hub
        .users()
        .drafts_create(request, "me")
        .add_scope(MODIFY)
        .upload(Cursor::new(mail.clone().into_bytes()), "message/rfc822".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(draft.message.unwrap().thread_id.as_ref(), Some(&taken.thread_id));
    let id = draft.id.unwrap();
    let (_, read) = hub.users().drafts_get("me", &id).format("raw").add_scope(MODIFY).doit().await.unwrap();
    let stored = String::from_utf8(read.message.unwrap().raw.unwrap()).unwrap();
    assert!(stored.ends_with(&mail), "the uploaded bytes are kept");

    // An empty upload is content as well: it empties the draft, and what has no recipient is not sent.
    let empty = hub
        .users()
        .drafts_send(Draft { id: Some(id.clone()), ..Draft::default() }, "me")
        .add_scope(MODIFY)
        .upload(Cursor::new(Vec::new()), "message/rfc822".parse().unwrap())
        .await;
    assert!(empty.is_err());
}

#[tokio::test]
async fn drafts_are_listed_and_deleted() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let (_, draft) = at.post("drafts", raw(&reply("a@customer.test", "Re: Parcel"), &taken.thread_id)).await;
    let (_, list) = at.get("drafts").await;
    assert_eq!(list["drafts"][0]["id"], draft["id"]);
    let message = draft["message"]["id"].as_str().unwrap();
    let modify = at.post(&format!("messages/{message}/modify"), json!({"addLabelIds": ["STARRED"]})).await;
    assert_eq!(modify.0, 400, "a draft has no other label");
    let path = format!("drafts/{}", draft["id"].as_str().unwrap());
    assert_eq!(at.gmail(Method::DELETE, &path, None).await, (204, Value::Null));
    assert_eq!(at.gmail(Method::DELETE, &path, None).await.0, 404);
    assert_eq!(at.get(&format!("messages/{message}")).await.0, 404);
    assert!(at.get("drafts").await.1.get("drafts").is_none());
}

#[tokio::test]
async fn a_mail_to_oneself_is_one_message_in_both_places() {
    let at = start().await;
    let mail = format!("To: {SUPPORT}\r\nSubject: Note\r\n\r\nx\r\n");
    let body = json!({"message": {"raw": crate::support::base64url(mail.as_bytes())}});
    let (_, sent) = at.post("drafts/send", body).await;
    assert_eq!(sent["labelIds"], json!(["INBOX", "SENT", "UNREAD"]));
    let dump = at.sim.dump(SUPPORT).unwrap();
    assert_eq!(dump.messages.len(), 1);
    assert_eq!(dump.messages[0].header("From"), Some("\"Support\" <support@postroom.test>"));
}

#[tokio::test]
async fn a_foreign_sender_is_replaced_and_bcc_does_not_travel() {
    let at = start().await;
    let mail = format!(
        "From: Boss <boss@example.com>\r\nTo: second@customer.test\r\nBcc: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"
    );
    let body = json!({"message": {"raw": crate::support::base64url(mail.as_bytes())}});
    assert_eq!(at.post("drafts/send", body).await.0, 200);
    for address in [CUSTOMER, "second@customer.test"] {
        let got = at.sim.dump(address).unwrap().messages.pop().unwrap();
        assert_eq!(got.header("From"), Some("\"Support\" <support@postroom.test>"));
        assert_eq!(got.header("Bcc"), None);
    }
    assert_eq!(at.sim.dump(SUPPORT).unwrap().messages[0].header("Bcc"), Some(CUSTOMER));
}
