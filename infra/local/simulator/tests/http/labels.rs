//! `users.labels`: change, deletion, conflicts, colours.

use reqwest::Method;
use serde_json::json;

use crate::support::{Fixture, SUPPORT, mail, reason, start};

async fn label(at: &Fixture, name: &str) -> String {
    let (status, label) = at.post("labels", json!({"name": name})).await;
    assert_eq!(status, 200, "{label}");
    label["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn labels_are_renamed_patched_and_replaced() {
    let at = start().await;
    let id = label(&at, "Waiting").await;
    label(&at, "Done").await;
    let path = format!("labels/{id}");
    let colour = json!({"textColor": "#FFFFFF", "backgroundColor": "#16a766"});
    let patch = json!({"color": colour, "labelListVisibility": "labelHide"});
    let (status, patched) = at.gmail(Method::PATCH, &path, Some(patch)).await;
    assert_eq!(status, 200, "{patched}");
    assert_eq!(patched["name"], "Waiting", "what a patch does not name stays");
    assert_eq!(patched["color"], json!({"textColor": "#ffffff", "backgroundColor": "#16a766"}));
    assert_eq!(patched["labelListVisibility"], "labelHide");
    let (_, replaced) = at.put(&path, json!({"name": "WAITING"})).await;
    assert_eq!(replaced, json!({"id": id, "name": "WAITING", "type": "user"}), "what an update does not name goes");

    let (status, body) = at.put(&path, json!({"name": "done"})).await;
    assert_eq!((status, reason(&body)), (409, "aborted"));
    assert_eq!(body["error"]["status"], "ABORTED");
    for name in ["Inbox", "muted", "", "a//b"] {
        let (status, body) = at.gmail(Method::PATCH, &path, Some(json!({"name": name}))).await;
        assert_eq!((status, body["error"]["message"].as_str()), (400, Some("Invalid label name")), "{name}");
    }
    assert_eq!(at.put("labels/Label_99", json!({"name": "x"})).await.0, 404);
    assert_eq!(at.put("labels/INBOX", json!({"name": "x"})).await.0, 400);
}

#[tokio::test]
async fn only_colours_of_the_palette_are_taken() {
    let at = start().await;
    let wish = |text: &str, back: &str| json!({"name": "x", "color": {"textColor": text, "backgroundColor": back}});
    let (status, body) = at.post("labels", wish("#000000", "#123456")).await;
    assert_eq!((status, reason(&body)), (400, "invalidArgument"));
    assert_eq!(body["error"]["message"], "Label color #123456 is not on the allowed color palette");
    assert_eq!(at.post("labels", json!({"name": "x", "color": {"textColor": "#000000"}})).await.0, 400);
    assert_eq!(at.post("labels", json!({"name": "x", "labelListVisibility": "loud"})).await.0, 400);
    assert_eq!(at.post("labels", wish("#083018", "#000000")).await.0, 200);
}

#[tokio::test]
async fn a_deleted_label_leaves_its_mails() {
    let at = start().await;
    let id = label(&at, "Waiting").await;
    let mail = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    at.post(&format!("messages/{mail}/modify"), json!({"addLabelIds": [id]})).await;
    let (_, counted) = at.get(&format!("labels/{id}")).await;
    let counts = ["messagesTotal", "messagesUnread", "threadsTotal", "threadsUnread"].map(|key| counted[key].clone());
    assert_eq!(counts, [1, 1, 1, 1].map(|count| json!(count)));
    assert_eq!(at.delete(&format!("labels/{id}")).await, 204);
    assert_eq!(at.delete(&format!("labels/{id}")).await, 404);
    assert_eq!(at.delete("labels/INBOX").await, 400);
    assert!(!at.sim.dump(SUPPORT).unwrap().messages[0].has_label(&id));
    assert_ne!(label(&at, "Waiting").await, id, "ids are not used twice");
    let (_, system) = at.get("labels/INBOX").await;
    assert_eq!((&system["type"], &system["messagesUnread"]), (&json!("system"), &json!(1)));
}
