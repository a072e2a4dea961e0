//! `watch` and `stop`: topics, filters, expiry, renewal.

use serde_json::json;
use simulator::{Deliver, Subscription};

use crate::support::{CLIENT, Fixture, SUPPORT, mail, reason, start};

const TOPIC: &str = "projects/shop/topics/gmail";
const DAY: i64 = 86_400_000;

fn subscription(topic: &str, name: &str) -> Subscription {
    Subscription {
        topic: topic.into(),
        subscription: format!("projects/shop/subscriptions/{name}"),
        push_endpoint: "http://127.0.0.1:9/".into(),
        audience: String::new(),
        service_account: "pusher@shop.iam.example.com".into(),
    }
}

async fn start_with_topic() -> Fixture {
    let at = start().await;
    at.sim.subscription(subscription(TOPIC, "one"));
    at
}

#[tokio::test]
async fn a_topic_must_be_of_the_clients_project_and_open_to_gmail() {
    let at = start_with_topic().await;
    assert_eq!(at.control("projects", json!({"client_id": CLIENT, "project": "office"})).await, 204);
    let (status, body) = at.post("watch", json!({"topicName": TOPIC})).await;
    assert_eq!((status, reason(&body)), (400, "invalidArgument"));
    assert_eq!(body["error"]["message"], "Invalid topicName does not match projects/office/topics/*");
    at.sim.set_project(CLIENT, "shop");
    assert_eq!(at.control("topics", json!({"topic": TOPIC, "publisher_granted": false})).await, 204);
    let (status, body) = at.post("watch", json!({"topicName": TOPIC})).await;
    assert_eq!((status, reason(&body)), (403, "forbidden"));
    assert_eq!(
        body["error"]["message"],
        format!("Error sending test message to Cloud PubSub {TOPIC} : User not authorized to perform this action.")
    );
    let (status, body) = at.post("watch", json!({"topicName": "projects/shop/topics/none"})).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    at.sim.set_publisher(TOPIC, true);
    assert_eq!(at.post("watch", json!({"topicName": TOPIC})).await.0, 200);
    assert_eq!(at.post("watch", json!({"topicName": TOPIC, "labelIds": ["Label_9"]})).await.0, 400);
    assert_eq!(at.post("watch", json!({"topicName": TOPIC, "labelFilterBehavior": "perhaps"})).await.0, 400);
}

#[tokio::test]
async fn one_push_client_at_a_time_renewed_expired_and_stopped() {
    let at = start_with_topic().await;
    let other = "projects/shop/topics/other";
    at.sim.subscription(subscription(other, "two"));
    let (_, first) = at.post("watch", json!({"topicName": TOPIC})).await;
    let end = |answer: &serde_json::Value| answer["expiration"].as_str().unwrap().parse::<i64>().unwrap();
    at.sim.set_clock_offset(60_000);
    let (status, renewed) = at.post("watch", json!({"topicName": TOPIC})).await;
    assert_eq!(status, 200, "the same topic renews");
    assert!(end(&renewed) >= end(&first) + 60_000);
    assert_eq!(renewed["historyId"], first["historyId"]);
    let (status, body) = at.post("watch", json!({"topicName": other})).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["message"],
        "Only one user push notification client allowed per developer (call /stop then try again)"
    );
    assert_eq!(at.post("stop", json!({})).await.0, 204);
    assert_eq!(at.post("stop", json!({})).await.0, 204, "stopping twice is no mistake");
    assert_eq!(at.post("watch", json!({"topicName": other})).await.0, 200);
    at.sim.set_clock_offset(8 * DAY);
    let at = at.with_token_of(SUPPORT, &[crate::support::MODIFY]);
    assert_eq!(at.post("watch", json!({"topicName": TOPIC})).await.0, 200, "an expired watch is in nobody's way");
}

/// How many notifications a mail with these labels makes.
fn announced(at: &Fixture, labels: &[&str]) -> usize {
    let before = at.sim.pending_pushes();
    let options = Deliver { labels: labels.iter().map(|label| (*label).to_owned()).collect(), ..Deliver::default() };
    at.sim.deliver(SUPPORT, mail("a@customer.test", "Parcel", ""), &options).unwrap();
    at.sim.pending_pushes() - before
}

#[tokio::test]
async fn labels_are_included_or_excluded() {
    let at = start_with_topic().await;
    for (filter, inbox, promotions, spam) in [
        (json!({}), 1, 1, 1),
        (json!({"labelIds": ["INBOX"]}), 1, 1, 0),
        (json!({"labelIds": ["INBOX", "SPAM"], "labelFilterBehavior": "include"}), 1, 1, 1),
        (json!({"labelIds": ["CATEGORY_PROMOTIONS"], "labelFilterBehavior": "exclude"}), 1, 0, 1),
        (json!({"labelIds": ["SPAM"], "labelFilterAction": "exclude"}), 1, 1, 0),
        (json!({"labelIds": ["SPAM"], "labelFilterAction": "exclude", "labelFilterBehavior": "include"}), 0, 0, 1),
    ] {
        let mut wish = filter.clone();
        wish["topicName"] = json!(TOPIC);
        assert_eq!(at.post("watch", wish).await.0, 200);
        let got =
            (announced(&at, &["INBOX"]), announced(&at, &["INBOX", "CATEGORY_PROMOTIONS"]), announced(&at, &["SPAM"]));
        assert_eq!(got, (inbox, promotions, spam), "{filter}");
    }
}
