//! The people of the tests: an operator with a browser, a customer with a mailbox, and the local cloud between them.

use crate::browser::{Browser, Page};
use serde_json::Value;
use std::time::{Duration, Instant};
use xtask::cloud::TestCloud;

pub const OPERATOR: &str = "operator@postroom.test";
/// It only ends a hang; a mail takes seconds.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Office {
    pub cloud: TestCloud,
    pub http: reqwest::Client,
    pub operator: Browser,
}

impl Office {
    pub async fn open(name: &str) -> Self {
        let cloud = TestCloud::find(name).await.unwrap_or_else(|error| panic!("no local cloud: {error}"));
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { cloud, http, operator: Browser::new() }
    }

    pub async fn account(&self, address: &str, name: &str) {
        let body = serde_json::json!({ "address": address, "name": name });
        let url = format!("{}/_sim/accounts", self.cloud.google);
        let answer = self.http.post(url).header("content-type", "application/json").body(body.to_string()).send().await;
        let answer = answer.expect("the simulator");
        assert!(answer.status().is_success(), "making an account: {}", answer.status());
    }

    pub async fn sign_in(&mut self) -> Page {
        let front = self.cloud.front_door.clone();
        let page = self.operator.open(&format!("{front}/channels/gmail")).await;
        let consent = self.operator.submit(&page, page.form("/signin")).await;
        let form = consent.form("/o/oauth2/v2/auth").set("account", OPERATOR).set("decision", "allow");
        let page = self.operator.submit(&consent, form).await;
        assert_eq!(page.status, 200, "after signing in: {}", page.text());
        assert!(page.url.as_str().starts_with(&front), "after signing in: {}", page.url);
        page
    }

    /// Connects `mailbox`, which Google's page offers, without history.
    pub async fn connect(&mut self, mailbox: &str) -> Page {
        let front = self.cloud.front_door.clone();
        let page = self.operator.open(&format!("{front}/channels/gmail")).await;
        let consent =
            self.operator.submit(&page, page.form("/oauth/connect").set("history_days", "0").without("mailbox")).await;
        let form = consent.form("/o/oauth2/v2/auth").set("account", mailbox).set("decision", "allow");
        let page = self.operator.submit(&consent, form).await;
        assert!(page.has("Connected") && page.has(mailbox), "after connecting: {}", page.text());
        page
    }

    pub async fn deliver(&self, to: &str, mail: &str) -> (String, String) {
        let google = self.cloud.google().expect("the simulator");
        google.deliver(to, mail.replace('\n', "\r\n").into_bytes()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn dump(&self, address: &str) -> Value {
        let url = format!("{}/_sim/accounts/{address}", self.cloud.google);
        let text = self.http.get(url).send().await.expect("the simulator").text().await.expect("a dump");
        serde_json::from_str(&text).expect("a dump is JSON")
    }

    /// Messages of a mailbox that `wanted` takes, once there are some.
    pub async fn wait_for_mail(&self, address: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let dump = self.dump(address).await;
            let messages = dump["messages"].as_array().cloned().unwrap_or_default();
            let found: Vec<Value> = messages.into_iter().filter(|message| wanted(message)).collect();
            if !found.is_empty() {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}: not there after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The conversation of a thread, once its page says `text`.
    pub async fn wait_for_page(&mut self, thread: &str, text: &str) -> Page {
        let front = self.cloud.front_door.clone();
        let deadline = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < deadline {
            let list = self.operator.open(&format!("{front}/chat")).await;
            if let Some(link) = list.links().into_iter().find(|link| link.path().ends_with(&format!("/{thread}"))) {
                let page = self.operator.open(link.as_str()).await;
                if page.has(text) {
                    return page;
                }
                last = page.text();
            } else {
                last = list.text();
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("the conversation never said {text:?}; last: {last}");
    }
}

pub fn labels(message: &Value) -> Vec<&str> {
    message["label_ids"].as_array().map(|labels| labels.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

pub fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["headers"].as_array()?;
    let pair = headers.iter().find(|pair| pair[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))?;
    pair[1].as_str()
}
