//! The rows: a kind, the words that set it, and how a client comes to see it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{EndTokens, TokenDeath};
use url::Url;

use crate::world::{CALLBACK, CLIENT, MODIFY, SECRET, SUPPORT, World};

pub struct Row {
    pub kind: String,
    pub words: Vec<String>,
    how: How,
}

/// What the client does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Profile,
    CreateTwice,
    Impatient,
    Refresh,
    Tokens,
    History,
    Lag,
    Vanish,
    Push,
    DeadLetter,
    Silence,
    Consent,
    Clock,
    Keys,
}

fn row(kind: impl Into<String>, words: &str, how: How) -> Row {
    Row { kind: kind.into(), words: words.split(' ').map(str::to_owned).collect(), how }
}

/// In the order of the table.
pub fn rows() -> Vec<Row> {
    let profile = "gmail.users.getProfile";
    let refresh = "oauth2.token.refresh";
    let mut rows = Vec::new();
    for kind in xtask::fault::kinds() {
        let Some(reason) = kind.strip_prefix("refuse ") else { continue };
        let (method, how) = if reason.contains('_') { (refresh, How::Refresh) } else { (profile, How::Profile) };
        rows.push(row(kind.clone(), &format!("refuse {method} --reason {reason}"), how));
    }
    for (kind, more) in [
        ("refuse, 429 with a time stamp", "--status 429 --retry-at +30s"),
        ("refuse, 429 with Retry-After", "--status 429 --retry-after 7"),
        ("refuse, 500", "--status 500"),
        ("refuse, 502", "--status 502"),
        ("refuse, 504", "--status 504"),
    ] {
        rows.push(row(kind, &format!("refuse {profile} {more}"), How::Profile));
    }
    rows.push(row("drop", "drop gmail.users.labels.create", How::CreateTwice));
    rows.push(row("drop, after the effect", "drop gmail.users.labels.create --after", How::CreateTwice));
    rows.push(row("delay", &format!("delay {profile} 5s"), How::Impatient));
    rows.push(row("truncate", &format!("truncate {profile} --percent 40"), How::Profile));
    for form in ["html", "half-json", "wrong-types", "empty"] {
        rows.push(row(format!("garbage {form}"), &format!("garbage {profile} --form {form}"), How::Profile));
    }
    rows.push(row("history-gone", &format!("history-gone {SUPPORT}"), How::History));
    rows.push(row("lag", &format!("lag {SUPPORT} 1h --gets"), How::Lag));
    rows.push(row("vanish", "vanish gmail.users.messages.list", How::Vanish));
    rows.push(row("push lost", "push lost", How::Push));
    rows.push(row("push twice", "push twice", How::Push));
    rows.push(row("push late", "push late 2s", How::Push));
    rows.push(row("push reordered", "push reordered", How::Push));
    rows.push(row("push replayed", "push replayed", How::Push));
    for kind in xtask::fault::kinds().iter().filter(|kind| kind.starts_with("push forged ")) {
        rows.push(row(kind, kind, How::Push));
    }
    for kind in xtask::fault::kinds().iter().filter(|kind| kind.starts_with("token ")) {
        let of_client = kind.contains("client") || kind.contains("secret");
        let words = if of_client { kind.clone() } else { format!("{kind} {SUPPORT}") };
        rows.push(row(kind, &words, How::Tokens));
    }
    rows.push(row("restore", &format!("restore {SUPPORT}"), How::Tokens));
    for kind in xtask::fault::kinds().iter().filter(|kind| kind.starts_with("consent ")) {
        rows.push(row(kind, kind, How::Consent));
    }
    let dead = "subscription set --dead-letter projects/p/topics/dead --min-backoff 1ms --max-backoff 1ms";
    rows.push(row("subscription set", dead, How::DeadLetter));
    for kind in ["subscription idle", "subscription detach", "subscription delete"] {
        rows.push(row(kind, kind, How::Silence));
    }
    rows.push(row("clock", "clock +5m", How::Clock));
    rows.push(row("keys", "keys", How::Keys));
    rows
}

/// An answer in one line, the same in every run: moments are left out.
async fn told(answer: reqwest::Result<reqwest::Response>) -> String {
    let Ok(answer) = answer else { return "no answer: the connection was closed".into() };
    let status = answer.status().as_u16();
    let after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let announced = answer.content_length();
    let Ok(text) = answer.text().await else {
        assert!(announced.is_some_and(|length| length > 0));
        return format!("{status}, its length announced, and a body that broke off");
    };
    let Ok(body) = serde_json::from_str::<Value>(&text) else {
        return format!("{status} with {} bytes that are no JSON", text.len());
    };
    let gmail = &body["error"];
    let (code, message) = match gmail.as_object() {
        Some(_) => (gmail["errors"][0]["reason"].as_str(), gmail["message"].as_str()),
        None => (gmail.as_str(), body["error_description"].as_str()),
    };
    let mut line = match (code, message) {
        (Some(code), Some(message)) => format!("{status} `{code}` \"{}\"", without_moment(message)),
        _ if body["emailAddress"].is_string() || body["access_token"].is_string() => status.to_string(),
        _ => format!("{status} with JSON of another shape"),
    };
    if let Some(subtype) = body["error_subtype"].as_str() {
        line.push_str(&format!(", `error_subtype` {subtype}"));
    }
    if let Some(seconds) = after {
        line.push_str(&format!(", `Retry-After: {seconds}`"));
    }
    line
}

fn without_moment(message: &str) -> String {
    match message.split_once("Retry after ") {
        Some((before, moment)) => {
            assert!(moment.ends_with('Z') && moment.len() == 24, "{moment}");
            format!("{before}Retry after 2026-05-29T12:00:05.000Z")
        }
        None => message.to_owned(),
    }
}

impl World {
    /// Sets the fault by the real program and looks.
    pub async fn see(&mut self, row: &Row) -> String {
        let before = self.history_id();
        let keys = self.key_count().await;
        if row.kind == "restore" {
            let account = Some(SUPPORT.to_owned());
            let end = EndTokens { kind: TokenDeath::Admin, account, client_id: None, for_ms: None };
            self.sim.end_tokens(&end).unwrap();
            assert!(self.refresh().await.contains("admin_policy_enforced"));
        }
        let words: Vec<&str> = row.words.iter().map(String::as_str).collect();
        self.fault(&words).unwrap();
        match row.how {
            How::Profile => told(self.request(Method::GET, "profile").send().await).await,
            How::CreateTwice => self.create_twice(&row.kind).await,
            How::Impatient => self.impatient().await,
            How::Refresh => self.refresh().await,
            How::Tokens => {
                let refresh = self.refresh().await;
                format!("refresh: {refresh}; the access token still out: {}", self.get("profile").await.0)
            }
            How::History => {
                told(self.request(Method::GET, &format!("history?startHistoryId={}", before - 1)).send().await).await
            }
            How::Lag => self.lag(before).await,
            How::Vanish => {
                let id = self.deliver().id;
                let (_, list) = self.get("messages").await;
                assert_eq!(list["messages"][0]["id"], id);
                format!(
                    "the list names it, `messages.get` right after: {}",
                    self.get(&format!("messages/{id}")).await.0
                )
            }
            How::Push => self.push(&row.kind).await,
            How::DeadLetter => self.dead_letter().await,
            How::Silence => {
                self.deliver();
                assert!(self.sim.pending_pushes() == 0 && self.pushes.try_recv().is_err());
                "a mail came and no push, none is under way".into()
            }
            How::Consent => self.consent().await,
            How::Clock => self.clock().await,
            How::Keys => {
                assert_eq!(self.key_count().await, keys + 1);
                self.deliver();
                let got = self.pushes.recv().await.unwrap();
                assert_eq!(got.verdict, "good");
                assert_eq!(got.kid, self.newest_key().await);
                "one key more is published, and the next push is signed with it".into()
            }
        }
    }

    async fn create_twice(&self, kind: &str) -> String {
        let label = json!({"name": kind}).to_string();
        let create = || self.request(Method::POST, "labels").body(label.clone()).send();
        let first = told(create().await).await;
        format!("{first}; the same call again: {}", create().await.unwrap().status().as_u16())
    }

    /// A client that does not wait as long as the answer takes.
    async fn impatient(&self) -> String {
        let answer = self.request(Method::GET, "profile").timeout(Duration::from_millis(500)).send().await;
        assert!(answer.unwrap_err().is_timeout());
        "nothing before its own time-out".into()
    }

    async fn refresh(&self) -> String {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "refresh_token"),
                ("refresh_token", &self.tokens.refresh_token),
                ("client_id", CLIENT),
                ("client_secret", SECRET),
            ])
            .finish();
        let url = format!("{}/token", self.sim.url());
        told(self.http.post(url).body(form).send().await).await
    }

    async fn lag(&mut self, before: u64) -> String {
        let id = self.deliver().id;
        let push = self.pushes.recv().await.unwrap();
        assert_eq!(push.history_id(), self.history_id());
        let (status, history) = self.get(&format!("history?startHistoryId={before}")).await;
        assert!(status == 200 && history.get("history").is_none(), "{history}");
        let (_, list) = self.get("messages").await;
        let listed = list["messages"].as_array().into_iter().flatten().any(|mail| mail["id"] == id.as_str());
        assert!(!listed);
        let get = self.get(&format!("messages/{id}")).await.0;
        format!("a push came; `history.list` is empty, `messages.list` does not name the mail, `messages.get`: {get}")
    }

    async fn push(&mut self, kind: &str) -> String {
        self.deliver();
        let first = self.history_id();
        if let Some(forgery) = kind.strip_prefix("push forged ") {
            let (forged, again) = (self.pushes.recv().await.unwrap(), self.pushes.recv().await.unwrap());
            assert_eq!((again.verdict.as_str(), again.message_id()), ("good", forged.message_id()), "{forgery}");
            return format!("refused with 401 for its token ({}), then delivered with a good one", forged.verdict);
        }
        if kind == "push lost" {
            self.settled().await;
        }
        if ["push twice", "push replayed"].contains(&kind) {
            let (one, two) = (self.pushes.recv().await.unwrap(), self.pushes.recv().await.unwrap());
            assert_eq!((one.message_id(), &one.bytes), (two.message_id(), &two.bytes));
            self.settled().await;
            if kind == "push replayed" {
                assert_eq!(one.token, two.token);
                return "the same request twice, body and token".into();
            }
            return "the same message twice".into();
        }
        self.deliver();
        let second = self.history_id();
        let came = self.pushes.recv().await.unwrap().history_id();
        assert_eq!(came, second, "{kind}");
        if kind == "push lost" {
            self.settled().await;
            assert!(self.pushes.try_recv().is_err());
            return "the first of two never came".into();
        }
        assert_eq!(self.pushes.recv().await.unwrap().history_id(), first);
        "the first of two came second".into()
    }

    async fn dead_letter(&mut self) -> String {
        self.script.lock().unwrap().extend([500; 5]);
        self.deliver();
        let mut attempts = Vec::new();
        for _ in 0..5 {
            attempts.push(self.pushes.recv().await.unwrap().body()["deliveryAttempt"].to_string());
        }
        self.settled().await;
        let dead = self.sim.dead_letters();
        assert_eq!((dead.len(), dead[0].topic.as_str()), (1, "projects/p/topics/dead"));
        format!("`deliveryAttempt` {}, each answered 500; then a dead letter", attempts.join(", "))
    }

    async fn consent(&self) -> String {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", CLIENT),
                ("redirect_uri", CALLBACK),
                ("response_type", "code"),
                ("scope", MODIFY),
                ("account", SUPPORT),
                ("decision", "allow"),
            ])
            .finish();
        let page = format!("{}/o/oauth2/v2/auth", self.sim.url());
        let answer = self.http.post(page).body(form).send().await.unwrap();
        let status = answer.status().as_u16();
        if let Some(location) = answer.headers().get("location") {
            let back = Url::parse(location.to_str().unwrap()).unwrap();
            assert!(back.as_str().starts_with(CALLBACK));
            return format!("back at the application with `{}`", back.query().unwrap());
        }
        let html = answer.text().await.unwrap();
        let title = html.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap();
        format!("a page of Google with status {status}: {title}")
    }

    /// By how much the end of a new watch differs from what the machine's clock says.
    async fn clock(&self) -> String {
        let (_, watch) = self.post("watch", &json!({"topicName": xtask::google::TOPIC})).await;
        let end: i64 = watch["expiration"].as_str().unwrap().parse().unwrap();
        self.sim.set_clock_offset(0);
        let (_, watch) = self.post("watch", &json!({"topicName": xtask::google::TOPIC})).await;
        let usual: i64 = watch["expiration"].as_str().unwrap().parse().unwrap();
        format!("a watch that ends {} minutes later than usual", (end - usual + 59_000) / 60_000)
    }

    async fn certs(&self) -> Vec<Value> {
        let url = format!("{}/oauth2/v3/certs", self.sim.url());
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["keys"].as_array().unwrap().clone()
    }

    async fn key_count(&self) -> usize {
        self.certs().await.len()
    }

    async fn newest_key(&self) -> Option<String> {
        self.certs().await.last()?["kid"].as_str().map(str::to_owned)
    }
}
