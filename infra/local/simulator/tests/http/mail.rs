use google_gmail1::api::{Label, ModifyMessageRequest, WatchRequest};
use serde_json::json;
use simulator::Deliver;

use crate::support::{MODIFY, SUPPORT, mail, reason, start};

const RICH: &str = "From: =?utf-8?q?J=C3=BCrgen?= <j@customer.test>\r\nTo: support@postroom.test\r\n\
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= &\r\n <more>\r\nMessage-ID: <rich@customer.test>\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe & <b>\r\n--b\r\n\
Content-Type: application/pdf; name=\"bill.pdf\"\r\nContent-Disposition: attachment; filename=\"bill.pdf\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n";

#[tokio::test]
async fn the_products_client_reads_every_format() {
    let at = start().await;
    let taken = at.deliver(RICH);
    let hub = at.hub();
    let get = async |format: &str| {
        let call = hub.users().messages_get("me", &taken.id).format(format).add_metadata_headers("subject");
        call.add_scope(MODIFY).doit().await.unwrap().1
    };

    let raw = get("raw").await;
    assert_eq!(raw.raw.as_deref(), Some(RICH.as_bytes()));
    assert!(raw.payload.is_none());

    let minimal = get("minimal").await;
    assert_eq!(minimal.snippet.as_deref(), Some("Grüße &amp; &lt;b&gt;"));
    assert_eq!(minimal.thread_id.as_ref(), Some(&taken.thread_id));
    assert!(minimal.internal_date.unwrap() > 0 && minimal.history_id.unwrap() > 0);
    assert!(minimal.payload.is_none() && minimal.raw.is_none());

    let headers = get("metadata").await.payload.unwrap().headers.unwrap();
    assert_eq!(headers.len(), 1);
    assert_eq!(headers[0].value.as_deref(), Some("Grüße & <more>"));

    let full = get("full").await.payload.unwrap();
    assert_eq!(full.mime_type.as_deref(), Some("multipart/mixed"));
    let parts = full.parts.unwrap();
    assert_eq!(parts[0].body.as_ref().unwrap().data.as_deref(), Some("Grüße & <b>".as_bytes()));
    assert_eq!(parts[1].filename.as_deref(), Some("bill.pdf"));
    let attachment = parts[1].body.as_ref().unwrap().attachment_id.clone().unwrap();
    let call = hub.users().messages_attachments_get("me", &taken.id, &attachment);
    assert_eq!(call.add_scope(MODIFY).doit().await.unwrap().1.data.as_deref(), Some(&b"%PDF"[..]));
}

#[tokio::test]
async fn lists_by_all_labels_query_and_page() {
    let at = start().await;
    let put = |n: i64, labels: &[&str]| {
        let options = Deliver {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            internal_date: Some(1_800_000_000_000 + n * 1_000),
            authentication: None,
        };
        at.sim.deliver(SUPPORT, mail(&format!("{n}@customer.test"), &format!("Order {n}"), ""), &options).unwrap().id
    };
    let ids = [
        put(0, &["INBOX"]),
        put(1, &["INBOX", "UNREAD"]),
        put(2, &["INBOX", "STARRED"]),
        put(3, &["INBOX", "UNREAD", "STARRED"]),
        put(4, &["SPAM", "UNREAD"]),
    ];
    let list = async |query: &str| {
        let (status, page) = at.get(&format!("messages?{query}")).await;
        assert_eq!(status, 200, "{page}");
        let found: Vec<String> = page["messages"]
            .as_array()
            .map(|all| all.iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect())
            .unwrap_or_else(Vec::new);
        (found, page["nextPageToken"].as_str().map(str::to_owned))
    };
    let pick = |numbers: &[usize]| numbers.iter().map(|n| ids[*n].clone()).collect::<Vec<_>>();
    assert_eq!(list("").await.0, pick(&[3, 2, 1, 0]));
    assert_eq!(list("labelIds=INBOX&labelIds=UNREAD").await.0, pick(&[3, 1]));
    assert_eq!(list("labelIds=SPAM").await.0, pick(&[4]));
    assert_eq!(list("q=after:1800000002").await.0, pick(&[3, 2]));
    assert_eq!(list("q=before:1800000002").await.0, pick(&[1, 0]));
    assert_eq!(list("q=subject:%22order%201%22").await.0, pick(&[1]));
    assert_eq!(list("q=rfc822msgid:2@customer.test").await.0, pick(&[2]));
    assert_eq!(list("q=parcel%20from:customer%20-is:unread").await.0, pick(&[2, 0]));
    assert!(list("q=nowhere").await.0.is_empty());

    let (first, token) = list("maxResults=3").await;
    assert_eq!(first, pick(&[3, 2, 1]));
    put(9, &["INBOX"]);
    let (rest, end) = list(&format!("maxResults=3&pageToken={}", token.unwrap())).await;
    assert_eq!((rest, end), (pick(&[0]), None), "new mail does not shift the pages");
    assert_eq!(at.get("messages?pageToken=nonsense").await.0, 400);
    assert_eq!(at.get("messages?labelIds=Label_77").await.0, 400);
}

#[tokio::test]
async fn labels_are_made_once_and_put_on_mail() {
    let at = start().await;
    let (status, label) = at.post("labels", json!({"name": "Support/Answered"})).await;
    assert_eq!(status, 200);
    let id = label["id"].as_str().unwrap();
    let (status, body) = at.post("labels", json!({"name": "support/answered"})).await;
    assert_eq!((status, reason(&body)), (409, "aborted"));
    assert_eq!(body["error"]["message"], "Label name exists or conflicts");
    for reserved in ["inbox", "Muted", ""] {
        let (status, body) = at.post("labels", json!({"name": reserved})).await;
        assert_eq!(status, 400, "{reserved}");
        assert_eq!(body["error"]["message"], "Invalid label name");
    }
    let (_, labels) = at.get("labels").await;
    assert!(labels["labels"].as_array().unwrap().iter().any(|known| known["id"] == id && known["type"] == "user"));

    let message = at.deliver(&mail("one@customer.test", "One", "")).id;
    let modify = format!("messages/{message}/modify");
    let (status, changed) = at.post(&modify, json!({"addLabelIds": [id], "removeLabelIds": ["UNREAD"]})).await;
    assert_eq!(status, 200);
    assert_eq!(changed["labelIds"], json!(["INBOX", id]));
    assert_eq!(at.get(&format!("labels/{id}")).await.1["messagesTotal"], 1);
    let before = at.get("profile").await.1["historyId"].clone();
    at.post(&modify, json!({"addLabelIds": [id]})).await;
    assert_eq!(at.get("profile").await.1["historyId"], before, "nothing changed, so no record");
    assert_eq!(at.post(&modify, json!({"addLabelIds": ["Label_99"]})).await.0, 400);
    assert_eq!(at.post(&modify, json!({"addLabelIds": ["SENT"]})).await.0, 400);
}

#[tokio::test]
async fn incoming_mail_is_threaded_by_reference_and_subject() {
    let at = start().await;
    let first = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let second = at.deliver(&mail("b@customer.test", "RE: parcel", "In-Reply-To: <a@customer.test>\r\n"));
    let third = at.deliver(&mail(
        "c@customer.test",
        "Re: Parcel",
        "References: <gone@customer.test>\r\n <b@customer.test>\r\n",
    ));
    let renamed = at.deliver(&mail("d@customer.test", "Another", "In-Reply-To: <a@customer.test>\r\n"));
    let stranger = at.deliver(&mail("e@customer.test", "Re: Parcel", ""));
    assert_eq!([&second.thread_id, &third.thread_id], [&first.thread_id; 2]);
    assert_eq!(renamed.thread_id, renamed.id);
    assert_eq!(stranger.thread_id, stranger.id);
    let (_, thread) = at.get(&format!("threads/{}?format=metadata&metadataHeaders=Message-ID", first.thread_id)).await;
    let ids: Vec<_> =
        thread["messages"].as_array().unwrap().iter().map(|m| m["payload"]["headers"][0]["value"].clone()).collect();
    assert_eq!(json!(ids), json!(["<a@customer.test>", "<b@customer.test>", "<c@customer.test>"]));
    let (_, threads) = at.get("threads?maxResults=2").await;
    assert_eq!(threads["threads"].as_array().unwrap().len(), 2);
    assert!(threads["nextPageToken"].is_string());
    assert_eq!(at.get("threads/1234").await.0, 404);
}

#[tokio::test]
async fn strangers_are_kept_out() {
    let at = start().await;
    let me = at.url("/gmail/v1/users/me/profile");
    let response = at.http.get(&me).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!((reason(&body), body["error"]["status"].as_str()), ("authError", Some("UNAUTHENTICATED")));
    let other = at.url("/gmail/v1/users/customer@customer.test/profile");
    assert_eq!(at.http.get(other).bearer_auth(&at.token).send().await.unwrap().status(), 403);
    let own = at.url(&format!("/gmail/v1/users/{SUPPORT}/profile"));
    assert_eq!(at.http.get(own).bearer_auth(&at.token).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_products_client_reads_the_other_answers() {
    let at = start().await;
    let topic = "projects/p/topics/gmail";
    at.sim.subscription(simulator::Subscription {
        topic: topic.into(),
        subscription: "projects/p/subscriptions/gmail".into(),
        push_endpoint: "http://127.0.0.1:9/".into(),
        audience: String::new(),
        service_account: "pusher@p.iam.example.com".into(),
    });
    let taken = at.deliver(&mail("one@customer.test", "One", ""));
    let hub = at.hub();
    let users = hub.users();
    let profile = users.get_profile("me").add_scope(MODIFY).doit().await.unwrap().1;
    assert_eq!(profile.email_address.as_deref(), Some(SUPPORT));
    assert_eq!((profile.messages_total, profile.threads_total), (Some(1), Some(1)));
    let wish = WatchRequest { topic_name: Some(topic.into()), ..WatchRequest::default() };
    let watch = users.watch(wish, "me").add_scope(MODIFY).doit().await.unwrap().1;
    assert_eq!(watch.history_id, profile.history_id);
    assert!(watch.expiration.unwrap() > 0);
    let label = Label { name: Some("Done".into()), ..Label::default() };
    let label = users.labels_create(label, "me").add_scope(MODIFY).doit().await.unwrap().1;
    let change = ModifyMessageRequest { add_label_ids: Some(vec![label.id.clone().unwrap()]), remove_label_ids: None };
    let changed = users.messages_modify(change, "me", &taken.id).add_scope(MODIFY).doit().await.unwrap().1;
    assert!(changed.label_ids.unwrap().contains(label.id.as_ref().unwrap()));
    let thread = users.threads_get("me", &taken.thread_id).format("metadata").add_scope(MODIFY).doit().await.unwrap().1;
    assert_eq!(thread.messages.unwrap()[0].id.as_ref(), Some(&taken.id));
    let list = users.messages_list("me").add_label_ids("INBOX").add_scope(MODIFY).doit().await.unwrap().1;
    assert_eq!(list.messages.unwrap().len(), 1);
    assert_eq!(users.labels_list("me").add_scope(MODIFY).doit().await.unwrap().1.labels.unwrap().len(), 15);
    let missing = users.messages_get("me", "ffff").add_scope(MODIFY).doit().await.unwrap_err();
    assert!(missing.to_string().contains("notFound"), "{missing}");
    users.stop("me").add_scope(MODIFY).doit().await.unwrap();
    assert_eq!(at.sim.dump(SUPPORT).unwrap().watch, None);
}
