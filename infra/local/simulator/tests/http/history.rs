use serde_json::{Value, json};

use crate::support::{Fixture, SUPPORT, mail, reason, start, start_with};

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

async fn profile_id(at: &Fixture) -> u64 {
    number(&at.get("profile").await.1["historyId"])
}

#[tokio::test]
async fn the_start_is_exclusive_and_every_page_names_the_newest() {
    let at = start().await;
    let start_id = profile_id(&at).await;
    let ids: Vec<String> =
        (0..5).map(|n| at.deliver(&mail(&format!("{n}@customer.test"), &format!("Mail {n}"), "")).id).collect();
    let newest = profile_id(&at).await;
    let (mut seen, mut token, mut pages, mut last) = (Vec::new(), String::new(), 0, 0);
    loop {
        let (status, page) = at.get(&format!("history?startHistoryId={start_id}&maxResults=2&pageToken={token}")).await;
        assert_eq!(status, 200);
        assert_eq!(number(&page["historyId"]), newest);
        pages += 1;
        for record in page["history"].as_array().unwrap() {
            assert!(number(&record["id"]) > last.max(start_id));
            last = number(&record["id"]);
            let added = &record["messagesAdded"][0]["message"];
            assert_eq!(added["labelIds"], json!(["INBOX", "UNREAD"]));
            assert_eq!(record["messages"][0]["id"], added["id"]);
            seen.push(added["id"].as_str().unwrap().to_owned());
        }
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((seen, pages, last), (ids, 3, newest));
    assert!(newest - start_id > 5, "ids have gaps");
    let (status, nothing) = at.get(&format!("history?startHistoryId={newest}")).await;
    assert_eq!(status, 200);
    assert!(nothing.get("history").is_none());
}

#[tokio::test]
async fn filters_by_type_and_label() {
    let at = start().await;
    let start_id = profile_id(&at).await;
    let one = at.deliver(&mail("one@customer.test", "One", "")).id;
    let two = at.deliver(&mail("two@customer.test", "Two", "")).id;
    at.post(&format!("messages/{one}/modify"), json!({"addLabelIds": ["STARRED"]})).await;
    at.post(&format!("messages/{one}/modify"), json!({"removeLabelIds": ["UNREAD"]})).await;
    at.sim.delete_message(SUPPORT, &two).unwrap();
    let list = async |query: &str| {
        let (_, page) = at.get(&format!("history?startHistoryId={start_id}{query}")).await;
        page["history"].as_array().cloned().unwrap_or_else(Vec::new)
    };
    assert_eq!(list("").await.len(), 5);
    let added = list("&historyTypes=labelAdded").await;
    assert_eq!(added.len(), 1);
    assert_eq!(added[0]["labelsAdded"][0]["labelIds"], json!(["STARRED"]));
    let removed = list("&historyTypes=labelRemoved&historyTypes=messageDeleted").await;
    assert_eq!(removed.len(), 2);
    assert_eq!(removed[1]["messagesDeleted"][0]["message"]["id"], json!(two));
    assert_eq!(list("&labelId=STARRED").await.len(), 2);
    assert_eq!(at.get(&format!("messages/{two}")).await.0, 404);
}

#[tokio::test]
async fn too_old_is_404() {
    let at = start_with(simulator::Config { history_limit: 3, ..crate::support::config() }).await;
    let start_id = profile_id(&at).await;
    for n in 0..3 {
        at.deliver(&mail(&format!("{n}@customer.test"), "Mail", ""));
    }
    assert_eq!(at.get(&format!("history?startHistoryId={start_id}")).await.0, 200);
    at.deliver(&mail("3@customer.test", "Mail", ""));
    let (status, body) = at.get(&format!("history?startHistoryId={start_id}")).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    assert_eq!(body["error"]["status"], "NOT_FOUND");

    let now = profile_id(&at).await;
    at.sim.forget_history(SUPPORT).unwrap();
    assert_eq!(at.get(&format!("history?startHistoryId={}", now - 1)).await.0, 404);
    assert_eq!(at.get(&format!("history?startHistoryId={now}")).await.0, 200);
    assert_eq!(at.get("history?startHistoryId=soon").await.0, 400);
}

#[tokio::test]
async fn history_ends_with_age_by_the_simulators_own_clock() {
    let lasting = simulator::Config { history_hours: 2, access_token_seconds: 86_400, ..crate::support::config() };
    let at = start_with(lasting).await;
    let start_id = profile_id(&at).await;
    at.deliver(&mail("old@customer.test", "Old", ""));
    let middle = profile_id(&at).await;
    let list = async |id: u64| {
        let (status, page) = at.get(&format!("history?startHistoryId={id}")).await;
        (status, page["history"].as_array().map_or(0, Vec::len))
    };
    at.sim.set_clock_offset(90 * 60_000);
    at.deliver(&mail("new@customer.test", "New", ""));
    assert_eq!(list(start_id).await, (200, 2));
    at.sim.set_clock_offset(150 * 60_000);
    assert_eq!(list(start_id).await.0, 404);
    assert_eq!(list(middle).await, (200, 1));
}

#[tokio::test]
async fn the_products_client_reads_history() {
    let at = start().await;
    let start_id = profile_id(&at).await;
    let id = at.deliver(&mail("one@customer.test", "One", "")).id;
    let (_, page) = at
        .hub()
        .users()
        .history_list("me")
        .start_history_id(start_id)
        .add_history_types("messageAdded")
        .add_scope(crate::support::MODIFY)
        .doit()
        .await
        .unwrap();
    let record = &page.history.as_ref().unwrap()[0];
    assert_eq!(record.messages_added.as_ref().unwrap()[0].message.as_ref().unwrap().id, Some(id));
    assert_eq!(page.history_id, Some(profile_id(&at).await));
}
