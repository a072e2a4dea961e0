//! Each effect of a fault, as a client sees it.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Deliver, Effect, Fault, FaultError, Lag, When};

use crate::support::{CUSTOMER, Fixture, SUPPORT, mail, reason, start};

const HISTORY: &str = "gmail.users.history.list";
const MESSAGES: &str = "gmail.users.messages.list";
const PROFILE: &str = "gmail.users.getProfile";

fn fault(method: &str, effect: Effect) -> Fault {
    Fault { method: method.into(), account: None, nth: 1, times: 1, when: When::Before, effect }
}

fn lagging(lag: Lag) -> Fault {
    Fault { times: u64::MAX, account: Some(SUPPORT.into()), ..fault("gmail.users.*", Effect::Lag { lag }) }
}

impl Fixture {
    async fn listed(&self, path: &str, key: &str) -> usize {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{body}");
        body[key].as_array().map_or(0, Vec::len)
    }

    fn newest(&self) -> u64 {
        self.sim.dump(SUPPORT).unwrap().history_id
    }
}

#[tokio::test]
async fn a_refusal_names_when_to_come_back() {
    let at = start().await;
    at.sim.set_clock_offset(86_400_000);
    let limited = Effect::RetryAt { status: 429, reason: "rateLimitExceeded".into(), retry_in_ms: 30_000 };
    at.sim.fault(fault(PROFILE, limited));
    let (status, body) = at.get("profile").await;
    assert_eq!((status, reason(&body)), (429, "rateLimitExceeded"));
    assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
    let message = body["error"]["message"].as_str().unwrap();
    let stamp = message.strip_prefix("User-rate limit exceeded.  Retry after ").unwrap();
    let at_ms = stamp.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let logged = at.sim.calls().last().unwrap().at_ms;
    assert!((0..=30_000).contains(&(at_ms - logged)) && at_ms - logged > 20_000, "{stamp}: by the simulator's clock");
    assert!(stamp.ends_with('Z') && stamp.len() == "2026-05-29T12:00:05.000Z".len());
}

#[tokio::test]
async fn each_kind_of_403_has_its_domain_and_words() {
    let at = start().await;
    for (code, domain) in [
        ("rateLimitExceeded", "usageLimits"),
        ("userRateLimitExceeded", "usageLimits"),
        ("quotaExceeded", "usageLimits"),
        ("dailyLimitExceeded", "usageLimits"),
        ("accessNotConfigured", "usageLimits"),
        ("insufficientPermissions", "global"),
        ("domainPolicy", "global"),
    ] {
        at.sim.fault(fault(PROFILE, Effect::refuse(403, code)));
        let (status, body) = at.get("profile").await;
        assert_eq!((status, reason(&body)), (403, code));
        assert_eq!(body["error"]["errors"][0]["domain"], domain);
        assert_ne!(body["error"]["message"], code, "it is worded");
        assert_eq!(at.sim.calls().last().unwrap().reason.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn a_truncated_body_has_its_length_announced_and_ends_early() {
    let at = start().await;
    let whole = at.get("profile").await.1.to_string().len() as u64;
    let truncated = at.sim.fault(fault(PROFILE, Effect::Truncate { truncate: 50 }));
    let url = at.url("/gmail/v1/users/me/profile");
    let mut response = at.http.get(&url).bearer_auth(&at.token).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(whole)));
    let first = response.chunk().await.unwrap().unwrap();
    assert!(!first.is_empty() && (first.len() as u64) < whole);
    assert!(response.chunk().await.is_err(), "the connection was cut");
    assert_eq!(at.sim.calls().last().unwrap().faults, [truncated]);

    at.sim.fault(fault("gmail.users.stop", Effect::Truncate { truncate: 50 }));
    let empty = at.http.post(at.url("/gmail/v1/users/me/stop")).bearer_auth(&at.token).send().await;
    assert!(empty.is_err(), "what has no body is not answered at all");
}

#[tokio::test]
async fn a_lagging_index_hides_what_is_young() {
    let at = start().await;
    at.deliver(&mail("old@customer.test", "Old", ""));
    let start_id = at.newest();
    at.sim.set_clock_offset(60_000);
    let lag = Lag { younger_than_ms: Some(30_000), ahead: false, gets: true };
    at.sim.fault(lagging(lag));
    let young = at.deliver(&mail("young@customer.test", "Young", ""));
    let history = format!("history?startHistoryId={start_id}");
    let (_, empty) = at.get(&history).await;
    assert!(empty.get("history").is_none(), "{empty}");
    assert_eq!(empty["historyId"], start_id.to_string(), "the index does not know more");
    assert_eq!(at.listed("messages", "messages").await, 1);
    assert_eq!(at.listed("threads", "threads").await, 1);
    assert_eq!(at.get(&format!("messages/{}", young.id)).await.0, 404);
    assert_eq!(at.get("profile").await.1["historyId"], at.newest().to_string());

    at.sim.set_clock_offset(91_000);
    let (_, full) = at.get(&history).await;
    assert_eq!(full["history"][0]["messagesAdded"][0]["message"]["id"], young.id);
    assert_eq!(at.listed("messages", "messages").await, 2);
    assert_eq!(at.get(&format!("messages/{}", young.id)).await.0, 200);
}

#[tokio::test]
async fn a_lag_without_an_end_lasts_until_it_is_cleared() {
    let at = start().await;
    let start_id = at.newest();
    let id = at.sim.fault(lagging(Lag { ahead: true, ..Lag::default() }));
    let mail = at.deliver(&mail("a@customer.test", "A", ""));
    at.sim.relabel(SUPPORT, &mail.id, &["STARRED"], &[]).unwrap();
    at.sim.set_clock_offset(3_000_000);
    let (_, empty) = at.get(&format!("history?startHistoryId={start_id}&maxResults=1")).await;
    assert!(empty.get("history").is_none() && empty.get("nextPageToken").is_none(), "{empty}");
    assert_eq!(empty["historyId"], at.newest().to_string(), "ahead of what it shows");
    assert_eq!(at.get(&format!("messages/{}", mail.id)).await.0, 200, "only lists lag");
    assert_eq!(at.listed("messages", "messages").await, 0);
    assert!(at.sim.clear_fault(id) && !at.sim.clear_fault(id));
    assert_eq!(at.listed(&format!("history?startHistoryId={start_id}"), "history").await, 2);
}

#[tokio::test]
async fn a_message_vanishes_right_after_the_list_that_named_it() {
    for (method, path) in [(MESSAGES, "messages".to_owned()), (HISTORY, String::new())] {
        let at = start().await;
        let path = if path.is_empty() { format!("history?startHistoryId={}", at.newest()) } else { path };
        at.sim.deliver(SUPPORT, mail("a@customer.test", "A", ""), &Deliver::default()).unwrap();
        at.sim.fault(fault(method, Effect::Vanish { vanish: 1 }));
        let (_, body) = at.get(&path).await;
        let named = body["messages"][0]["id"].as_str().or(body["history"][0]["messages"][0]["id"].as_str()).unwrap();
        assert_eq!(at.get(&format!("messages/{named}")).await.0, 404, "{method}");
        let deleted = at.sim.dump(SUPPORT).unwrap();
        assert!(deleted.messages.is_empty());
    }
}

#[tokio::test]
async fn faults_are_listed_counted_and_cleared() {
    let at = start().await;
    let url = at.url("/_sim/faults");
    let set = json!({"method": PROFILE, "nth": 2, "effect": {"delay_ms": 1}});
    let first: Value = at.http.post(&url).json(&set).send().await.unwrap().json().await.unwrap();
    let second = at.sim.fault(fault("gmail.users.labels.*", Effect::refuse(500, "backendError")));
    for _ in 0..3 {
        assert_eq!(at.get("profile").await.0, 200);
    }
    let listed: Vec<Value> = at.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["seen"]), (&first["id"], &json!(3)));
    assert_eq!((&listed[0]["fired"], &listed[0]["spent"]), (&json!(1), &json!(true)));
    assert_eq!((&listed[1]["seen"], &listed[1]["spent"]), (&json!(0), &json!(false)));
    let delayed: Vec<_> = at.sim.calls().into_iter().filter(|call| !call.faults.is_empty()).collect();
    assert_eq!(delayed.len(), 1, "a delay is logged");
    assert!(!delayed[0].fault, "but changed nothing");
    let one = format!("{url}/{second}");
    assert_eq!(at.http.delete(&one).send().await.unwrap().status(), 204);
    assert_eq!(at.http.delete(&one).send().await.unwrap().status(), 404);
    assert_eq!(at.sim.faults().len(), 1);
    at.sim.clear_faults();
    assert!(at.sim.faults().is_empty());
}

#[tokio::test]
async fn what_can_never_fire_is_refused() {
    let at = start().await;
    let error = |fault: Fault| at.sim.try_fault(fault).unwrap_err().to_string();
    let misspelt = error(fault("gmail.users.message.get", Effect::refuse(500, "backendError")));
    assert!(misspelt.contains("near names: gmail.users.messages.get"), "{misspelt}");
    assert!(error(fault("gmail.users.labls.*", Effect::drop_connection())).contains("gmail.users.labels."));
    let vanish = error(fault("gmail.users.messages.get", Effect::Vanish { vanish: 1 }));
    assert!(vanish.contains("history.list or messages.list"), "{vanish}");
    assert!(at.sim.try_fault(fault("gmail.users.*", Effect::Vanish { vanish: 1 })).is_ok(), "some of these can");
    let push = Effect::Push { push: simulator::PushFault::Twice };
    assert!(error(fault(PROFILE, push)).contains("pubsub.push"));
    let stranger = Fault { account: Some("nobody@example.com".into()), ..fault(PROFILE, Effect::drop_connection()) };
    assert!(matches!(at.sim.try_fault(stranger.clone()), Err(FaultError::Account { .. })));
    assert!(error(stranger).contains(CUSTOMER));
    for (wrong, word) in [
        (Fault { nth: 0, ..fault(PROFILE, Effect::drop_connection()) }, "nth"),
        (Fault { times: 0, ..fault(PROFILE, Effect::drop_connection()) }, "times"),
        (fault(PROFILE, Effect::refuse(99, "x")), "99"),
        (fault(PROFILE, Effect::Truncate { truncate: 100 }), "100"),
    ] {
        assert!(error(wrong).contains(word), "{word}");
    }
    for wrong in [
        json!({"method": PROFILE, "effect": {"explode": true}}),
        json!({"method": PROFILE, "effect": {"delay_ms": 1, "extra": 1}}),
        json!({"method": PROFILE, "effect": {"delay_ms": 1}, "once": true}),
        json!({"method": "nothing", "effect": {"delay_ms": 1}}),
    ] {
        let (status, text) = {
            let response = at.http.request(Method::POST, at.url("/_sim/faults")).json(&wrong).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        assert_eq!(status, 400, "{wrong}: {text}");
    }
    assert_eq!(at.sim.faults().len(), 1);
}
