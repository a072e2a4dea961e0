//! A full mailbox costs no more than an almost empty one: counted in mails looked at, not in time.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{AccountConfig, Config, Deliver, MethodSummary, Stats};

use crate::support::{CLIENT, Fixture, MODIFY, SUPPORT, base64url, config, mail, start, start_with};

const FEW: &str = "few@load.test";
const MANY: &str = "many@load.test";

/// Puts `count` mails of their own threads and a thread of three into a mailbox.
fn fill(at: &Fixture, address: &str, count: usize) -> (u64, String) {
    let start = at.sim.dump(address).unwrap().history_id;
    let put = |raw: String| at.sim.deliver(address, raw, &Deliver::default()).unwrap();
    for number in 0..count {
        put(mail(&format!("{number}@customer.test"), &format!("Mail {number}"), ""));
    }
    let first = put(mail("parent@customer.test", "Parcel", ""));
    for reply in ["one", "two"] {
        put(mail(&format!("{reply}@customer.test"), "Re: Parcel", "References: <parent@customer.test>\r\n"));
    }
    (start, first.thread_id)
}

/// How many mails each step of the product's path looks at.
async fn looked_at(at: &mut Fixture, address: &str, count: usize) -> BTreeMap<&'static str, u64> {
    let (start, thread) = fill(at, address, count);
    at.token = at.sim.grant(CLIENT, address, &[MODIFY]).unwrap().access_token;
    let raw = base64url(crate::support::reply("parent@customer.test", "Re: Parcel").as_bytes());
    let draft = json!({"message": {"raw": raw, "threadId": thread}});
    let mut seen = BTreeMap::new();
    let mut before = at.sim.stats().mails_looked_at;
    let mut note = |step: &'static str, at: &Fixture| {
        let now = at.sim.stats().mails_looked_at;
        seen.insert(step, now - before);
        before = now;
    };
    let incoming = mail("three@customer.test", "Re: Parcel", "References: <parent@customer.test>\r\n");
    at.sim.deliver(address, incoming, &Deliver::default()).unwrap();
    note("a mail comes in", at);
    for (step, path) in [
        ("getProfile", "profile".to_owned()),
        ("history.list", format!("history?startHistoryId={start}&maxResults=5")),
        ("messages.get", format!("messages/{thread}?format=raw")),
        ("messages.get full", format!("messages/{thread}")),
        ("threads.get", format!("threads/{thread}")),
        ("messages.list by Message-ID", "messages?q=rfc822msgid:parent@customer.test".to_owned()),
        ("messages.list of a label", "messages?labelIds=STARRED".to_owned()),
        ("drafts.list", "drafts".to_owned()),
    ] {
        let (status, body) = at.get(&path).await;
        assert_eq!(status, 200, "{step}: {body}");
        note(step, at);
    }
    let (_, created) = at.post("drafts", draft).await;
    note("drafts.create", at);
    let (status, sent) = at.post("drafts/send", json!({"id": created["id"]})).await;
    assert_eq!((status, &sent["threadId"]), (200, &json!(thread)));
    note("drafts.send", at);
    let id = sent["id"].as_str().unwrap();
    at.post(&format!("messages/{id}/modify"), json!({"addLabelIds": ["STARRED"]})).await;
    note("messages.modify", at);
    seen
}

#[tokio::test]
async fn a_call_looks_at_no_more_mails_in_a_full_mailbox() {
    let accounts = vec![AccountConfig::workspace(FEW, "Few"), AccountConfig::workspace(MANY, "Many")];
    let mut at = {
        let sim = simulator::Simulator::start(Config { accounts, ..config() }).await.unwrap();
        Fixture { sim, http: crate::support::http(), token: String::new() }
    };
    let few = looked_at(&mut at, FEW, 7).await;
    let many = looked_at(&mut at, MANY, 300).await;
    assert_eq!(few, many);
    assert!(few.values().sum::<u64>() > 10, "looking at mails is counted: {few:?}");
}

#[tokio::test]
async fn the_summary_and_the_stats_tell_what_a_load_test_needs() {
    let at = start().await;
    let id = at.deliver(&mail("a@customer.test", "Parcel", "")).id;
    for _ in 0..3 {
        at.get(&format!("messages/{id}")).await;
    }
    at.get("messages/ffff").await;
    let read = async |path: &str| -> Value { at.http.get(at.url(path)).send().await.unwrap().json().await.unwrap() };
    let summary: Vec<MethodSummary> = serde_json::from_value(read("/_sim/calls/summary").await).unwrap();
    let [get] = summary.as_slice() else { panic!("{summary:?}") };
    assert_eq!((get.method.as_str(), get.count, get.refused, get.units), ("gmail.users.messages.get", 4, 1, 80));
    assert!(0 < get.p50_us && get.p50_us <= get.p95_us && get.p95_us <= get.max_us, "{get:?}");
    assert_eq!(summary, at.sim.call_summary());
    let longest = at.sim.calls().iter().map(|call| call.service_us).max();
    assert_eq!(longest, Some(get.max_us));

    let stats: Stats = serde_json::from_value(read("/_sim/stats").await).unwrap();
    assert_eq!((stats.mailboxes, stats.messages, stats.pending_pushes), (4, 1, 0));
    assert_eq!(stats.mail_bytes, mail("a@customer.test", "Parcel", "").len());
    assert!(stats.resident_bytes.is_none_or(|bytes| bytes > 1 << 20));

    assert_eq!(at.http.delete(at.url("/_sim/calls")).send().await.unwrap().status(), 204);
    assert_eq!((at.sim.call_summary(), at.sim.calls()), (vec![], vec![]));
}

#[tokio::test]
async fn what_is_unsaved_is_told_until_it_is_on_disk() {
    let dir = std::env::temp_dir().join(format!("simulator-load-{}", std::process::id()));
    let at = start_with(Config { state_dir: Some(dir.clone()), ..config() }).await;
    at.deliver(&mail("a@customer.test", "Parcel", ""));
    while at.sim.stats().unsaved_changes > 0 {
        tokio::task::yield_now().await;
    }
    let account = std::fs::read_dir(dir.join("mail").join(SUPPORT)).unwrap();
    assert_eq!(account.count(), 1);
    at.sim.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
