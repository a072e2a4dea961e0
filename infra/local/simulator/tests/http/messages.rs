//! `users.messages` beyond reading: sending, storing, trash, deletion, batches.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CUSTOMER, FULL, MODIFY, SUPPORT, mail, message, reason, reply, start};

const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
const SEND_ONLY: &str = "https://www.googleapis.com/auth/gmail.send";

#[tokio::test]
async fn a_message_is_sent_as_json_and_as_upload() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let mut body = message(&reply("a@customer.test", "Re: Parcel"));
    body["threadId"] = json!(taken.thread_id);
    let (status, sent) = at.post("messages/send", body).await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!((&sent["threadId"], &sent["labelIds"]), (&json!(taken.thread_id), &json!(["SENT"])));
    assert_eq!(at.get("drafts").await.1.get("drafts"), None, "no draft is left");

    let url = at.url("/upload/gmail/v1/users/me/messages/send?uploadType=media");
    let upload = at.http.post(url).bearer_auth(&at.token).header("content-type", "message/rfc822");
    let answer = upload.body(reply("b@customer.test", "Uploaded")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let arrived = at.sim.dump(CUSTOMER).unwrap().messages;
    assert_eq!(
        arrived.iter().filter_map(|mail| mail.header("Subject")).collect::<Vec<_>>(),
        ["Re: Parcel", "Uploaded"]
    );
    assert!(arrived[0].header("Message-ID").unwrap().ends_with("@mail.gmail.com>"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let at = start().await;
    let (status, body) = at.post("messages/send", json!({})).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().starts_with("'raw' RFC822 payload message string"));
    let (_, body) = at.post("messages/send", message("Subject: x\r\n\r\nx\r\n")).await;
    assert_eq!(body["error"]["message"], "Recipient address required");
    let (_, body) = at.post("messages/send", message("To: nobody\r\nSubject: x\r\n\r\nx\r\n")).await;
    assert_eq!(body["error"]["message"], "Invalid To header");
    assert!(at.sim.dump(SUPPORT).unwrap().messages.is_empty());

    let at = at.with_token_of(SUPPORT, &[SEND_ONLY]);
    assert_eq!(at.post("messages/send", message(&reply("a@customer.test", "Hi"))).await.0, 200);
    let (status, body) = at.get("messages").await;
    assert_eq!((status, reason(&body)), (403, "insufficientPermissions"));
}

#[tokio::test]
async fn attachments_above_25_mb_are_not_sent() {
    let at = start().await;
    let attached = |bytes: usize| {
        let file = "A".repeat(bytes);
        format!(
            "To: {CUSTOMER}\r\nSubject: Big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/x-big; name=big\r\n\
             Content-Disposition: attachment; filename=big\r\n\r\n{file}\r\n--b--\r\n"
        )
    };
    let send = async |mail: String| {
        let url = at.url("/upload/gmail/v1/users/me/messages/send?uploadType=media");
        at.http.post(url).bearer_auth(&at.token).body(mail).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send(attached(25 * 1_048_576 + 1)).await, 400);
    assert_eq!(send(attached(36_700_161)).await, 413, "above the limit of the method");
    assert_eq!(send(attached(1_000)).await, 200);
    let (status, body) = at.post("messages/send", json!({"raw": "A".repeat(5 * 1_048_576)})).await;
    assert_eq!((status, reason(&body)), (400, "invalidArgument"), "JSON has a smaller limit");
}

#[tokio::test]
async fn inserting_stores_and_importing_delivers() {
    let at = start().await;
    let old = mail("old@customer.test", "Old", "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n");
    let when = async |id: &Value| {
        let path = format!("messages/{}?format=minimal", id.as_str().unwrap());
        at.get(&path).await.1["internalDate"].as_str().unwrap().parse::<i64>().unwrap()
    };
    let (status, inserted) = at.post("messages", message(&old)).await;
    assert_eq!(status, 200, "{inserted}");
    assert_eq!(inserted.get("labelIds"), None, "stored without a label");
    let written = 1_767_323_045_000;
    assert!(when(&inserted["id"]).await > written, "insert goes by the time of receipt");
    let (_, dated) = at.post("messages?internalDateSource=dateHeader", message(&old)).await;
    assert_eq!(when(&dated["id"]).await, written);
    let (_, imported) = at.post("messages/import", message(&old)).await;
    assert_eq!(imported["labelIds"], json!(["INBOX", "UNREAD"]));
    assert_eq!(when(&imported["id"]).await, written, "import goes by the Date field");
    let (_, received) = at.post("messages/import?internalDateSource=receivedTime", message(&old)).await;
    assert!(when(&received["id"]).await > written);

    let mut labelled = message(&old);
    labelled["labelIds"] = json!(["SENT", "STARRED"]);
    assert_eq!(at.post("messages", labelled.clone()).await.1["labelIds"], json!(["SENT", "STARRED"]));
    labelled["labelIds"] = json!(["DRAFT"]);
    assert_eq!(at.post("messages", labelled).await.0, 400);
    assert_eq!(at.post("messages?internalDateSource=moon", message(&old)).await.0, 400);

    let (status, vaulted) = at.post("messages?deleted=true", message(&old)).await;
    assert_eq!(status, 200);
    assert_eq!(at.get(&format!("messages/{}", vaulted["id"].as_str().unwrap())).await.0, 404);
}

#[tokio::test]
async fn spam_is_known_by_the_test_line_unless_it_is_never_to_be() {
    let at = start().await;
    let spam = mail("spam@customer.test", "Offer", "")
        .replace("Where is my parcel?", "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X");
    assert_eq!(at.post("messages/import", message(&spam)).await.1["labelIds"], json!(["SPAM", "UNREAD"]));
    let (_, kept) = at.post("messages/import?neverMarkSpam=true", message(&spam)).await;
    assert_eq!(kept["labelIds"], json!(["INBOX", "UNREAD"]));
    let delivered = at.deliver(&spam).id;
    assert_eq!(at.get(&format!("messages/{delivered}")).await.1["labelIds"], json!(["SPAM", "UNREAD"]));
}

#[tokio::test]
async fn trash_and_back_and_gone_for_good() {
    let at = start().await;
    let id = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    let (status, trashed) = at.post(&format!("messages/{id}/trash"), json!({})).await;
    assert_eq!((status, &trashed["labelIds"]), (200, &json!(["TRASH", "UNREAD"])));
    assert!(at.get("messages").await.1.get("messages").is_none());
    assert_eq!(at.get("messages?includeSpamTrash=true").await.1["messages"][0]["id"], json!(id));
    let (_, back) = at.post(&format!("messages/{id}/untrash"), json!({})).await;
    assert_eq!(back["labelIds"], json!(["UNREAD"]));
    assert_eq!(at.post("messages/ffff/trash", json!({})).await.0, 404);

    let (status, body) = at.gmail(Method::DELETE, &format!("messages/{id}"), None).await;
    assert_eq!((status, reason(&body)), (403, "insufficientPermissions"), "gmail.modify does not delete");
    let at = at.with_token_of(SUPPORT, &[FULL]);
    let start_id = at.get("profile").await.1["historyId"].as_str().unwrap().to_owned();
    assert_eq!(at.delete(&format!("messages/{id}")).await, 204);
    assert_eq!(at.delete(&format!("messages/{id}")).await, 404);
    let (_, history) = at.get(&format!("history?startHistoryId={start_id}")).await;
    assert_eq!(history["history"][0]["messagesDeleted"][0]["message"]["id"], json!(id));
}

#[tokio::test]
async fn a_draft_in_the_trash_is_no_draft_any_more() {
    let at = start().await;
    let (_, draft) = at.post("drafts", json!({"message": message(&reply("a@customer.test", "Hi"))})).await;
    let id = draft["message"]["id"].as_str().unwrap();
    assert_eq!(at.post(&format!("messages/{id}/trash"), json!({})).await.1["labelIds"], json!(["TRASH"]));
    assert_eq!(at.get(&format!("drafts/{}", draft["id"].as_str().unwrap())).await.0, 404);
}

#[tokio::test]
async fn batches_change_and_delete_many() {
    let at = start().await.with_token_of(SUPPORT, &[FULL]);
    let ids: Vec<String> = (0..3).map(|n| at.deliver(&mail(&format!("{n}@customer.test"), "Mail", "")).id).collect();
    let change = json!({"ids": [ids[0], ids[1], "ffff"], "addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]});
    assert_eq!(at.post("messages/batchModify", change).await, (204, Value::Null));
    let labels = async |id: &str| at.get(&format!("messages/{id}?format=minimal")).await.1["labelIds"].clone();
    assert_eq!(labels(&ids[1]).await, json!(["INBOX", "STARRED"]));
    assert_eq!(labels(&ids[2]).await, json!(["INBOX", "UNREAD"]));
    assert_eq!(at.post("messages/batchDelete", json!({"ids": [ids[0], ids[2]]})).await.0, 204);
    let left: Vec<String> = at.sim.dump(SUPPORT).unwrap().messages.into_iter().map(|mail| mail.id).collect();
    assert_eq!(left, [ids[1].clone()]);

    let many: Vec<String> = (0..1_001).map(|n| format!("{n:x}")).collect();
    assert_eq!(at.post("messages/batchDelete", json!({"ids": many})).await.0, 400);
    assert_eq!(at.post("messages/batchModify", json!({"ids": many, "addLabelIds": ["STARRED"]})).await.0, 400);
    assert_eq!(at.post("messages/batchModify", json!({"ids": ["no id"], "addLabelIds": ["STARRED"]})).await.0, 400);
    assert_eq!(at.post("messages/batchDelete", json!({})).await.0, 400);
    let at = at.with_token_of(SUPPORT, &[MODIFY]);
    assert_eq!(at.post("messages/batchDelete", json!({"ids": ["ffff"]})).await.0, 403);
}

#[tokio::test]
async fn a_change_of_labels_is_checked() {
    let at = start().await;
    let id = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    let path = format!("messages/{id}/modify");
    for (body, message) in [
        (json!({}), "No label add or removes specified"),
        (
            json!({"addLabelIds": ["STARRED"], "removeLabelIds": ["STARRED"]}),
            "Cannot both add and remove the same label",
        ),
        (json!({"addLabelIds": vec!["STARRED"; 101]}), "Too many labels in one request"),
        (json!({"addLabelIds": ["DRAFT"]}), "Invalid label: DRAFT"),
    ] {
        let (status, answer) = at.post(&path, body).await;
        assert_eq!((status, answer["error"]["message"].as_str()), (400, Some(message)));
    }
}

#[tokio::test]
async fn an_attachment_id_is_new_on_every_read() {
    let at = start().await;
    let id = at
        .deliver(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\
             Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n\
             --b--\r\n",
        )
        .id;
    let read = async || {
        let (_, mail) = at.get(&format!("messages/{id}")).await;
        mail["payload"]["parts"][1]["body"]["attachmentId"].as_str().unwrap().to_owned()
    };
    let (first, second) = (read().await, read().await);
    assert_ne!(first, second);
    for attachment in [first, second] {
        let (_, part) = at.get(&format!("messages/{id}/attachments/{attachment}")).await;
        assert_eq!(part, json!({"size": 4, "data": "JVBERg=="}));
    }
    assert_eq!(at.get(&format!("messages/{id}/attachments/AAAA")).await.0, 400);
}

#[tokio::test]
async fn the_metadata_scope_gives_neither_bodies_nor_search() {
    let at = start().await.with_token_of(SUPPORT, &[METADATA]);
    let id = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    let refused = async |path: String| {
        let (status, body) = at.get(&path).await;
        (status, body["error"]["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        refused("messages?q=parcel".to_owned()).await,
        (403, "Metadata scope does not support 'q' parameter".to_owned())
    );
    assert_eq!(refused(format!("messages/{id}")).await, (403, "Metadata scope doesn't allow format FULL".to_owned()));
    assert_eq!(refused(format!("messages/{id}?format=raw")).await.0, 403);
    assert_eq!(at.get(&format!("messages/{id}?format=metadata")).await.0, 200);
    assert_eq!(at.get(&format!("threads/{id}?format=minimal")).await.0, 200);
}

#[tokio::test]
async fn threads_change_as_a_whole() {
    let at = start().await.with_token_of(SUPPORT, &[FULL]);
    let first = at.deliver(&mail("a@customer.test", "Parcel", ""));
    at.deliver(&mail("b@customer.test", "Re: Parcel", "In-Reply-To: <a@customer.test>\r\n"));
    let thread = first.thread_id;
    let draft =
        json!({"message": {"raw": message(&reply("a@customer.test", "Re: Parcel"))["raw"], "threadId": thread}});
    assert_eq!(at.post("drafts", draft).await.1["message"]["threadId"], json!(thread));
    let labels = |answer: &Value| {
        answer["messages"].as_array().unwrap().iter().map(|mail| mail["labelIds"].clone()).collect::<Vec<_>>()
    };
    let path = format!("threads/{thread}");
    let (status, answer) = at.post(&format!("{path}/modify"), json!({"removeLabelIds": ["UNREAD"]})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(labels(&answer), [json!(["INBOX"]), json!(["INBOX"]), json!(["DRAFT"])]);
    let (_, answer) = at.post(&format!("{path}/trash"), json!({})).await;
    assert_eq!(labels(&answer), vec![json!(["TRASH"]); 3]);
    let (_, answer) = at.post(&format!("{path}/untrash"), json!({})).await;
    assert!(answer["messages"].as_array().unwrap().iter().all(|mail| mail.get("labelIds").is_none()));
    assert_eq!(at.get(&format!("{path}?format=raw")).await.0, 400);
    assert_eq!(at.delete(&path).await, 204);
    assert_eq!(at.delete(&path).await, 404);
    assert!(at.sim.dump(SUPPORT).unwrap().messages.is_empty());
    assert_eq!(at.post("threads/zz/trash", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_batch_of_calls_is_refused() {
    let at = start().await;
    for path in ["/batch", "/batch/gmail/v1"] {
        let answer = at.http.post(at.url(path)).bearer_auth(&at.token).body("--b--").send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(reason(&body), "badRequest");
    }
    assert_eq!(at.sim.calls().last().map(|call| call.method.clone()), Some("gmail.batch".into()));
}
