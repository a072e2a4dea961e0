//! Quota, sending limits, simultaneous calls.

use serde_json::{Value, json};
use simulator::{Client, Config, Effect, Fault, Limits, Refusal, When};

use crate::support::{CALLBACK, CLIENT, CUSTOMER, Fixture, MODIFY, SECRET, SUPPORT, config, message, reason, start};

fn letter() -> Value {
    message("To: nobody@outside.example\r\nSubject: Hi\r\n\r\nx\r\n")
}

#[tokio::test]
async fn the_quota_of_a_minute_is_enforced_per_account_and_project() {
    let at = start().await;
    for _ in 0..150 {
        assert_eq!(at.get("threads/ffff").await.0, 404);
    }
    let (status, body) = at.get("threads/ffff").await;
    assert_eq!((status, reason(&body)), (429, "rateLimitExceeded"));
    assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(body["error"]["message"], "Resource has been exhausted (e.g. check quota).");
    assert_eq!(at.get("profile").await.0, 429, "not one unit is left");

    at.sim.client(Client {
        client_id: "other.example.com".into(),
        client_secret: SECRET.into(),
        redirect_uris: vec![CALLBACK.into()],
        testing: false,
    });
    let other = at.sim.grant("other.example.com", SUPPORT, &[MODIFY]).unwrap().access_token;
    let profile = |token: String| at.http.get(at.url("/gmail/v1/users/me/profile")).bearer_auth(token).send();
    assert_eq!(profile(other.clone()).await.unwrap().status(), 200, "another project has its own");
    let customer = at.sim.grant(CLIENT, CUSTOMER, &[MODIFY]).unwrap().access_token;
    assert_eq!(profile(customer).await.unwrap().status(), 200, "another account has its own");
    at.sim.set_project(CLIENT, "shop");
    at.sim.set_project("other.example.com", "shop");
    for _ in 0..150 {
        at.get("threads/ffff").await;
    }
    assert_eq!(profile(other).await.unwrap().status(), 429, "clients of one project share it");

    at.sim.set_clock_offset(61_000);
    assert_eq!(at.get("threads/ffff").await.0, 404);
}

#[tokio::test]
async fn the_quota_is_raised_and_lifted() {
    let at =
        crate::support::start_with(Config { limits: Limits { units_per_minute: 40, ..Limits::default() }, ..config() })
            .await;
    assert_eq!(at.get("threads/ffff").await.0, 404);
    assert_eq!(at.get("profile").await.0, 429);
    assert_eq!(at.control("limits", json!({"units_per_minute": 41})).await, 204);
    assert_eq!(at.get("profile").await.0, 200);
    assert_eq!(at.get("profile").await.0, 429);
    assert_eq!(at.control("limits", json!({"units_per_minute": 0})).await, 204);
    assert_eq!(at.get("profile").await.0, 200);
    let shown: Limits = at.http.get(at.url("/_sim/limits")).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown, Limits { units_per_minute: 0, ..Limits::default() });
}

#[tokio::test]
async fn the_refusal_comes_in_every_form() {
    let at = start().await;
    let mut limits = Limits { units_per_minute: 1, ..Limits::default() };
    for (refusal, status, wanted) in [
        (Refusal::Exhausted, 429, "rateLimitExceeded"),
        (Refusal::RateLimit, 403, "rateLimitExceeded"),
        (Refusal::UserRateLimit, 403, "userRateLimitExceeded"),
        (Refusal::Quota, 403, "quotaExceeded"),
    ] {
        limits.refusal = refusal;
        at.sim.set_limits(limits.clone());
        let (got, body) = at.get("messages").await;
        assert_eq!((got, reason(&body)), (status, wanted));
        assert_eq!(body["error"]["errors"][0]["domain"], "usageLimits");
    }
    at.get("profile").await;
    limits.refusal = Refusal::RetryAfter;
    at.sim.set_limits(limits);
    let answer = at.http.get(at.url("/gmail/v1/users/me/profile")).bearer_auth(&at.token).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let body: Value = answer.json().await.unwrap();
    let text = body["error"]["message"].as_str().unwrap();
    let when = text.strip_prefix("User-rate limit exceeded.  Retry after ").unwrap();
    assert!(when.ends_with('Z') && when.contains('T'), "{when}");
}

async fn sends_until_refused(at: &Fixture) -> (usize, Value) {
    for sent in 0.. {
        let (status, body) = at.post("messages/send", letter()).await;
        if status != 200 {
            return (sent, body);
        }
    }
    unreachable!("sending is limited")
}

#[tokio::test]
async fn a_day_has_its_mails() {
    let at = start().await;
    at.sim.set_limits(Limits {
        units_per_minute: 0,
        daily_sends_consumer: 3,
        daily_sends_workspace: 5,
        ..Limits::default()
    });
    let (sent, body) = sends_until_refused(&at).await;
    assert_eq!((sent, body["error"]["code"].as_u64(), reason(&body)), (5, Some(429), "rateLimitExceeded"));
    assert!(body["error"]["message"].as_str().unwrap().ends_with("(Mail sending)"));
    let draft = at.post("drafts", json!({"message": letter()})).await.1["id"].clone();
    assert_eq!(at.post("drafts/send", json!({"id": draft})).await.0, 429);
    assert_eq!(at.get(&format!("drafts/{}", draft.as_str().unwrap())).await.0, 200, "a refused draft stays");

    let at = at.with_token_of(CUSTOMER, &[MODIFY]);
    assert_eq!(sends_until_refused(&at).await.0, 3, "a private account has fewer");
    at.sim.set_limits(Limits { daily_sends_consumer: 3, refusal: Refusal::UserRateLimit, ..Limits::default() });
    let (status, body) = at.post("messages/send", letter()).await;
    assert_eq!((status, reason(&body)), (403, "userRateLimitExceeded"));
    at.sim.set_clock_offset(86_401_000);
    let at = at.with_token_of(CUSTOMER, &[MODIFY]);
    assert_eq!(at.post("messages/send", letter()).await.0, 200, "a day later");
}

#[tokio::test]
async fn simultaneous_calls_of_one_mailbox_are_limited_when_asked_for() {
    let at = start().await;
    at.sim.set_limits(Limits { concurrent_calls: 1, ..Limits::default() });
    let held = Fault {
        method: "gmail.users.getProfile".into(),
        account: None,
        nth: 1,
        times: 1,
        when: When::Before,
        effect: Effect::Delay { delay_ms: 3_600_000 },
    };
    at.sim.fault(held);
    let (http, url, token) = (at.http.clone(), at.url("/gmail/v1/users/me/profile"), at.token.clone());
    let first = tokio::spawn(async move { http.get(url).bearer_auth(token).send().await.is_ok() });
    // The held call is under way once another is refused.
    let (status, body) = loop {
        let (status, body) = at.get("labels").await;
        if status != 200 {
            break (status, body);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((status, reason(&body)), (429, "rateLimitExceeded"));
    assert_eq!(body["error"]["message"], "Too many concurrent requests for user.");
    first.abort();
    while at.get("labels").await.0 != 200 {
        tokio::task::yield_now().await;
    }
}
