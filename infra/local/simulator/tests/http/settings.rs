//! `users.settings`: send-as addresses, simple pairs, filters, forwarding, delegates.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CUSTOMER, Fixture, MODIFY, SUPPORT, mail, message, reason, start};

const BASIC: &str = "https://www.googleapis.com/auth/gmail.settings.basic";
const SHARING: &str = "https://www.googleapis.com/auth/gmail.settings.sharing";
const SECOND: &str = "second@customer.test";

async fn start_with_settings() -> Fixture {
    start().await.with_token_of(SUPPORT, &[MODIFY, BASIC, SHARING])
}

fn letter(from: &str) -> Value {
    message(&format!("From: Shop <{from}>\r\nTo: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"))
}

#[tokio::test]
async fn the_primary_address_is_always_there() {
    let at = start_with_settings().await;
    let (status, list) = at.get("settings/sendAs").await;
    assert_eq!(status, 200);
    let own = json!({
        "sendAsEmail": SUPPORT, "displayName": "Support", "replyToAddress": "", "signature": "",
        "isPrimary": true, "isDefault": true,
    });
    assert_eq!(list, json!({"sendAs": [own]}));
    assert_eq!(at.get(&format!("settings/sendAs/{SUPPORT}")).await.1, own);
    assert_eq!(at.delete(&format!("settings/sendAs/{SUPPORT}")).await, 400);
    assert_eq!(at.get("settings/sendAs/other@postroom.test").await.0, 404);
    let at = at.with_token_of(SUPPORT, &[MODIFY]);
    assert_eq!(at.get("settings/sendAs").await.0, 200, "gmail.modify reads");
    let (status, body) = at.post("settings/sendAs", json!({"sendAsEmail": "other@postroom.test"})).await;
    assert_eq!((status, reason(&body)), (403, "insufficientPermissions"), "and does not write");
}

#[tokio::test]
async fn an_alias_is_used_once_its_owner_agreed() {
    let at = start_with_settings().await;
    let wish = json!({
        "sendAsEmail": SECOND, "displayName": "Shop", "signature": "<b>The shop</b>",
        "smtpMsa": {"host": "smtp.example.com", "port": 587, "securityMode": "starttls", "username": "u", "password": "p"},
    });
    let (status, alias) = at.post("settings/sendAs", wish.clone()).await;
    assert_eq!((status, &alias["verificationStatus"]), (200, &json!("pending")), "{alias}");
    assert_eq!(alias["smtpMsa"], json!({"host": "smtp.example.com", "port": 587, "securityMode": "starttls"}));
    let (status, body) = at.post("settings/sendAs", wish).await;
    assert_eq!((status, reason(&body)), (409, "alreadyExists"));
    assert_eq!(body["error"]["status"], "ALREADY_EXISTS");
    let asked = at.sim.dump(SECOND).unwrap().messages.pop().unwrap();
    assert!(asked.header("Subject").unwrap().contains("Confirmation"));

    at.post("messages/send", letter(SECOND)).await;
    let sender =
        |at: &Fixture| at.sim.dump(CUSTOMER).unwrap().messages.last().unwrap().header("From").unwrap().to_owned();
    assert_eq!(sender(&at), "\"Support\" <support@postroom.test>", "pending: replaced by the primary");
    let path = format!("settings/sendAs/{SECOND}");
    assert_eq!(at.gmail(Method::PATCH, &path, Some(json!({"isDefault": true}))).await.0, 400);
    assert_eq!(at.post(&format!("{path}/verify"), json!({})).await.0, 204);
    assert_eq!(at.sim.dump(SECOND).unwrap().messages.len(), 2, "asked again");
    assert_eq!(at.control(&format!("accounts/{SUPPORT}/verify"), json!({"address": SECOND})).await, 204);
    assert_eq!(at.get(&path).await.1["verificationStatus"], "accepted");
    assert_eq!(at.post(&format!("{path}/verify"), json!({})).await.0, 400);

    at.post("messages/send", letter(SECOND)).await;
    assert_eq!(sender(&at), format!("Shop <{SECOND}>"), "accepted: kept");
    let text = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap().text;
    assert!(!text.contains("The shop"), "a signature is for Gmail's own page");
    at.post("messages/send", letter("boss@example.com")).await;
    assert_eq!(sender(&at), "\"Support\" <support@postroom.test>");

    let (_, patched) = at.gmail(Method::PATCH, &path, Some(json!({"isDefault": true}))).await;
    assert_eq!((&patched["isDefault"], &patched["displayName"]), (&json!(true), &json!("Shop")));
    assert_eq!(at.get(&format!("settings/sendAs/{SUPPORT}")).await.1.get("isDefault"), None);
    at.post("messages/send", message(&format!("To: {CUSTOMER}\r\nSubject: Hi\r\n\r\nx\r\n"))).await;
    assert_eq!(sender(&at), format!("\"Shop\" <{SECOND}>"), "a mail without a sender takes the default");

    let (_, replaced) = at.put(&path, json!({"displayName": "Store"})).await;
    assert_eq!((&replaced["displayName"], &replaced["signature"]), (&json!("Store"), &json!("")));
    assert_eq!(at.delete(&path).await, 204);
    assert_eq!(at.delete(&path).await, 404);
    assert_eq!(at.get(&format!("settings/sendAs/{SUPPORT}")).await.1["isDefault"], true);
}

#[tokio::test]
async fn an_alias_of_the_own_domain_is_accepted_and_receives() {
    let at = start_with_settings().await;
    let (_, alias) = at.post("settings/sendAs", json!({"sendAsEmail": "sales@postroom.test"})).await;
    assert_eq!(alias["verificationStatus"], "accepted");
    at.sim.alias(CUSTOMER, "third@customer.test", "Third").unwrap();
    let at = at.with_token_of(CUSTOMER, &[MODIFY]);
    let mail = message("From: third@customer.test\r\nTo: sales@postroom.test\r\nSubject: Hi\r\n\r\nx\r\n");
    assert_eq!(at.post("messages/send", mail).await.0, 200);
    let got = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    assert_eq!(got.header("From"), Some("third@customer.test"));
    assert_eq!(got.header("Delivered-To"), Some(SUPPORT));
    for bad in [json!({}), json!({"sendAsEmail": "no address"})] {
        let at = at.http.post(at.url(&format!("/_sim/accounts/{SUPPORT}/aliases"))).json(&bad).send().await.unwrap();
        assert!(at.status().is_client_error());
    }
}

#[tokio::test]
async fn the_primary_address_is_set_up() {
    let at = start_with_settings().await;
    let path = format!("settings/sendAs/{SUPPORT}");
    let wish = json!({"displayName": "Help desk", "replyToAddress": "desk@postroom.test"});
    assert_eq!(at.gmail(Method::PATCH, &path, Some(wish)).await.1["displayName"], "Help desk");
    at.post("messages/send", letter("boss@example.com")).await;
    let got = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    assert_eq!(got.header("From"), Some("\"Help desk\" <support@postroom.test>"));
    assert_eq!(at.gmail(Method::PATCH, &path, Some(json!({"replyToAddress": "nowhere"}))).await.0, 400);
}

#[tokio::test]
async fn pairs_are_read_and_replaced() {
    let at = start_with_settings().await;
    for (path, before, wish) in [
        (
            "imap",
            json!({"enabled": true, "autoExpunge": true, "expungeBehavior": "archive", "maxFolderSize": 0}),
            json!({"enabled": false, "autoExpunge": false, "expungeBehavior": "trash", "maxFolderSize": 1000}),
        ),
        (
            "pop",
            json!({"accessWindow": "disabled", "disposition": "leaveInInbox"}),
            json!({"accessWindow": "allMail", "disposition": "archive"}),
        ),
        ("language", json!({"displayLanguage": "en"}), json!({"displayLanguage": "pt-BR"})),
    ] {
        let path = format!("settings/{path}");
        assert_eq!(at.get(&path).await, (200, before));
        assert_eq!(at.put(&path, wish.clone()).await, (200, wish.clone()));
        assert_eq!(at.get(&path).await, (200, wish));
    }
    for (path, bad) in [
        ("imap", json!({"maxFolderSize": 7})),
        ("imap", json!({"expungeBehavior": "burn"})),
        ("pop", json!({"accessWindow": "never"})),
        ("language", json!({"displayLanguage": "?"})),
        ("autoForwarding", json!({"enabled": true, "emailAddress": CUSTOMER, "disposition": "archive"})),
    ] {
        assert_eq!(at.put(&format!("settings/{path}"), bad).await.0, 400, "{path}");
    }
    let at = at.with_token_of(SUPPORT, &[MODIFY]);
    assert_eq!(at.put("settings/imap", json!({"enabled": true})).await.0, 403);
}

#[tokio::test]
async fn mail_is_forwarded_to_a_verified_address_once() {
    let at = start_with_settings().await;
    let (_, address) = at.post("settings/forwardingAddresses", json!({"forwardingEmail": CUSTOMER})).await;
    assert_eq!(address, json!({"forwardingEmail": CUSTOMER, "verificationStatus": "pending"}));
    assert_eq!(at.post("settings/forwardingAddresses", json!({"forwardingEmail": CUSTOMER})).await.0, 409);
    let on = json!({"enabled": true, "emailAddress": CUSTOMER, "disposition": "archive"});
    assert_eq!(at.put("settings/autoForwarding", on.clone()).await.0, 400, "not verified");
    at.sim.verify_address(SUPPORT, CUSTOMER).unwrap();
    assert_eq!(
        at.get("settings/forwardingAddresses").await.1["forwardingAddresses"][0]["verificationStatus"],
        "accepted"
    );
    assert_eq!(at.put("settings/autoForwarding", on.clone()).await, (200, on));
    let first = at.deliver(&mail("a@outside.example", "Parcel", ""));
    assert_eq!(at.get(&format!("messages/{}", first.id)).await.1["labelIds"], json!(["UNREAD"]), "archived");
    let got = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    assert_eq!(got.header("X-Forwarded-To"), Some(CUSTOMER));
    assert_eq!(got.header("X-Forwarded-For"), Some(format!("{SUPPORT} {CUSTOMER}").as_str()));
    assert_eq!(got.header("Message-ID"), Some("<a@outside.example>"), "the mail itself is the same");

    // The other side sends everything back: it goes round once and stops.
    let at = at.with_token_of(CUSTOMER, &[MODIFY, BASIC, SHARING]);
    at.post("settings/forwardingAddresses", json!({"forwardingEmail": SUPPORT})).await;
    at.sim.verify_address(CUSTOMER, SUPPORT).unwrap();
    let on = json!({"enabled": true, "emailAddress": SUPPORT, "disposition": "markRead"});
    assert_eq!(at.put("settings/autoForwarding", on).await.0, 200);
    at.deliver(&mail("b@outside.example", "Round", ""));
    let count = |address: &str| {
        let mails = at.sim.dump(address).unwrap().messages;
        mails.iter().filter(|mail| mail.header("Subject") == Some("Round")).count()
    };
    assert_eq!((count(CUSTOMER), count(SUPPORT)), (1, 2));
    assert_eq!(at.delete(&format!("settings/forwardingAddresses/{SUPPORT}")).await, 204);
    assert_eq!(at.get("settings/autoForwarding").await.1["enabled"], false, "forwarding ends with its address");
}

#[tokio::test]
async fn filters_label_and_forward_what_arrives() {
    let at = start_with_settings().await;
    let label = at.post("labels", json!({"name": "Bills"})).await.1["id"].clone();
    at.sim.verify_address(SUPPORT, CUSTOMER).unwrap_err();
    at.post("settings/forwardingAddresses", json!({"forwardingEmail": CUSTOMER})).await;
    let wish = json!({
        "criteria": {"from": "ann@example.com", "subject": " invoice ", "negatedQuery": "draft"},
        "action": {"addLabelIds": [label], "removeLabelIds": ["INBOX", "UNREAD"], "forward": CUSTOMER},
    });
    let (status, body) = at.post("settings/filters", wish.clone()).await;
    assert_eq!((status, reason(&body)), (400, "failedPrecondition"), "the address has not agreed");
    at.sim.verify_address(SUPPORT, CUSTOMER).unwrap();
    let (status, filter) = at.post("settings/filters", wish.clone()).await;
    assert_eq!(status, 200, "{filter}");
    assert_eq!(filter["criteria"], wish["criteria"]);
    assert_eq!(at.post("settings/filters", wish).await.0, 400, "there is one like it");
    assert_eq!(at.get("settings/filters").await.1, json!({"filter": [filter]}));
    let put = |subject: &str| at.deliver(&format!("From: ann@example.com\r\nSubject: {subject}\r\n\r\nx\r\n")).id;
    let (hit, other) = (put("Your invoice"), put("Draft of the invoice"));
    let labels = async |id: &str| at.get(&format!("messages/{id}?format=minimal")).await.1["labelIds"].clone();
    assert_eq!(labels(&hit).await, json!([label]));
    assert_eq!(labels(&other).await, json!(["INBOX", "UNREAD"]));
    assert_eq!(at.sim.dump(CUSTOMER).unwrap().messages.len(), 1);

    let path = format!("settings/filters/{}", filter["id"].as_str().unwrap());
    assert_eq!(at.get(&path).await.1, filter);
    assert_eq!(at.delete(&path).await, 204);
    assert_eq!(at.get(&path).await.0, 404);
    assert_eq!(at.get("settings/filters").await.1, json!({}));
    for bad in [
        json!({"action": {"addLabelIds": ["STARRED"]}}),
        json!({"criteria": {"from": "x"}}),
        json!({"criteria": {"from": "x"}, "action": {"addLabelIds": ["Label_77"]}}),
        json!({"criteria": {"size": 5, "sizeComparison": "equal"}, "action": {"addLabelIds": ["STARRED"]}}),
    ] {
        assert_eq!(at.post("settings/filters", bad).await.0, 400);
    }
}

#[tokio::test]
async fn delegates_are_kept() {
    let at = start_with_settings().await;
    assert_eq!(at.get("settings/delegates").await.1, json!({}));
    let colleague = "operator@postroom.test";
    let (_, made) = at.post("settings/delegates", json!({"delegateEmail": colleague})).await;
    assert_eq!(made, json!({"delegateEmail": colleague, "verificationStatus": "accepted"}));
    let path = format!("settings/delegates/{colleague}");
    assert_eq!(at.get(&path).await.1, made);
    assert_eq!(at.get("settings/delegates").await.1["delegates"], json!([made]));
    assert_eq!(at.delete(&path).await, 204);
    assert_eq!(at.get(&path).await.0, 404);
    assert_eq!(at.post("settings/delegates", json!({"delegateEmail": SUPPORT})).await.0, 400);
}
