use serde_json::{Value, json};
use simulator::{Effect, Fault, When};

use crate::support::{SUPPORT, mail, reason, start};

fn fault(method: &str, when: When, effect: Effect) -> Fault {
    Fault { method: method.into(), account: None, nth: 1, times: 1, when, effect }
}

#[tokio::test]
async fn the_call_log_counts_units() {
    let at = start().await;
    let id = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    at.get("profile").await;
    at.get(&format!("messages/{id}")).await;
    at.get(&format!("threads/{id}")).await;
    at.get("messages/ffff").await;
    let calls: Vec<Value> =
        at.http.get(at.url(&format!("/_sim/calls?account={SUPPORT}"))).send().await.unwrap().json().await.unwrap();
    let short: Vec<Value> = calls.iter().map(|call| json!([call["method"], call["units"], call["status"]])).collect();
    assert_eq!(
        json!(short),
        json!([
            ["gmail.users.getProfile", 1, 200],
            ["gmail.users.messages.get", 20, 200],
            ["gmail.users.threads.get", 40, 200],
            ["gmail.users.messages.get", 20, 404],
        ])
    );
    assert!(!json!(calls).to_string().contains(&at.token));
    let last = calls[3]["seq"].as_u64().unwrap();
    let rest: Vec<Value> =
        at.http.get(at.url(&format!("/_sim/calls?since={}", last - 1))).send().await.unwrap().json().await.unwrap();
    assert_eq!(rest.len(), 1);
}

#[tokio::test]
async fn faults_fire_before_or_after_the_effect_and_as_often_as_said() {
    let at = start().await;
    let refusal = Effect::Refuse {
        status: 429,
        reason: "rateLimitExceeded".into(),
        message: Some("User-rate limit exceeded.".into()),
        retry_after: Some(7),
    };
    at.sim.fault(Fault { nth: 2, times: 2, ..fault("gmail.users.getProfile", When::Before, refusal) });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(at.get("profile").await.0);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);

    at.sim.fault(fault("gmail.users.labels.create", When::Before, Effect::refuse(503, "backendError")));
    let (status, body) = at.post("labels", json!({"name": "Once"})).await;
    assert_eq!((status, reason(&body)), (503, "backendError"));
    at.sim.fault(fault("gmail.users.labels.*", When::After, Effect::refuse(500, "backendError")));
    assert_eq!(at.post("labels", json!({"name": "Once"})).await.0, 500);
    assert_eq!(at.post("labels", json!({"name": "Once"})).await.0, 409, "it had its effect");
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer() {
    let at = start().await;
    let set = json!({"method": "gmail.users.drafts.send", "when": "after", "effect": "drop_connection"});
    assert_eq!(at.http.post(at.url("/_sim/faults")).json(&set).send().await.unwrap().status(), 200);
    let mail = "To: customer@customer.test\r\nSubject: Hi\r\n\r\nx\r\n";
    let body = json!({"message": {"raw": crate::support::base64url(mail.as_bytes())}});
    let lost = at.http.post(at.url("/gmail/v1/users/me/drafts/send")).bearer_auth(&at.token).json(&body).send().await;
    assert!(lost.is_err());
    assert_eq!(at.sim.dump("customer@customer.test").unwrap().messages.len(), 1, "yet the mail went out");
    assert_eq!(at.sim.calls().last().map(|call| (call.status, call.fault)), Some((0, true)));

    let set = json!({"method": "*", "account": "customer@customer.test", "times": 9, "effect": "drop_connection"});
    at.http.post(at.url("/_sim/faults")).json(&set).send().await.unwrap();
    assert_eq!(at.get("profile").await.0, 200, "another account's fault");
    assert_eq!(at.http.delete(at.url("/_sim/faults")).send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_fault_of_the_token_endpoint_has_its_shape() {
    let at = start().await;
    let set = json!({"method": "oauth2.token.refresh", "effect": {"status": 400, "reason": "invalid_grant", "message": "Bad Request"}});
    at.http.post(at.url("/_sim/faults")).json(&set).send().await.unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let response = at.http.post(at.url("/token")).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"error": "invalid_grant", "error_description": "Bad Request"}));
}

#[tokio::test]
async fn accounts_and_mail_come_in_over_http() {
    let at = start().await;
    let new = json!({"address": "New@Example.org", "name": "New", "hosted_domain": "example.org"});
    assert_eq!(at.http.post(at.url("/_sim/accounts")).json(&new).send().await.unwrap().status(), 204);
    let url =
        at.url("/_sim/accounts/new@example.org/messages?authentication=fail&internal_date=1800000000000&labels=SPAM");
    let taken: Value =
        at.http.post(url).body(mail("a@customer.test", "Parcel", "")).send().await.unwrap().json().await.unwrap();
    let dump: Value = at.http.get(at.url("/_sim/accounts/new@example.org")).send().await.unwrap().json().await.unwrap();
    let message = &dump["messages"][0];
    assert_eq!(message["id"], taken["id"]);
    assert_eq!(message["label_ids"], json!(["SPAM"]));
    assert_eq!(message["internal_date"], 1_800_000_000_000_i64);
    assert_eq!(message["headers"][0][0], "Authentication-Results");
    assert!(message["headers"][0][1].as_str().unwrap().contains("dmarc=fail"));
    let nobody = at.url("/_sim/accounts/nobody@example.org/messages");
    assert_eq!(at.http.post(nobody).body("x").send().await.unwrap().status(), 404);
    assert_eq!(at.http.get(at.url("/_sim/accounts/nobody@example.org")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn grants_are_made_and_revoked_without_the_page() {
    let at = start().await;
    let wish = json!({"client_id": crate::support::CLIENT, "account": SUPPORT, "scopes": [crate::support::MODIFY]});
    let tokens: Value = at.http.post(at.url("/_sim/grants")).json(&wish).send().await.unwrap().json().await.unwrap();
    assert!(tokens["refresh_token"].is_string());
    assert_eq!(at.get("profile").await.0, 200);
    let revoke = at.url(&format!("/_sim/grants/{SUPPORT}/revoke"));
    let answer: Value = at.http.post(revoke).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["revoked"], 2);
    assert_eq!(at.get("profile").await.0, 401);
}

#[tokio::test]
async fn any_answer_can_be_put_in_the_servers_mouth() {
    let at = start().await;
    let set = json!({"method": "gmail.users.history.list", "effect": {"status": 200, "body": {"historyId": "9"}}});
    at.http.post(at.url("/_sim/faults")).json(&set).send().await.unwrap();
    assert_eq!(at.get("history?startHistoryId=1").await, (200, json!({"historyId": "9"})));
    let set = json!({"method": "gmail.users.getProfile", "effect": {"status": 200, "body": "<html>"}});
    at.http.post(at.url("/_sim/faults")).json(&set).send().await.unwrap();
    let url = at.url("/gmail/v1/users/me/profile");
    let text = at.http.get(url).bearer_auth(&at.token).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "<html>");
}

#[tokio::test]
async fn what_is_not_simulated_is_refused_and_logged() {
    let at = start().await;
    for path in ["settings/cse/identities", "settings/sendAs/support@postroom.test/smimeInfo"] {
        let (status, body) = at.get(path).await;
        assert_eq!((status, reason(&body)), (404, "notFound"));
        assert_eq!(body["error"]["message"], "Not simulated");
    }
    assert_eq!(at.sim.calls().last().map(|call| call.method.clone()), Some("unknown".into()));
}
