//! The people of the tests: an operator with a browser, a customer with a mailbox, and the local cloud between them.

use crate::browser::{Browser, Form, Page};
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};
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

    /// A mailbox of its own for a test, so that tests share a cloud and can be run again on it.
    pub async fn fresh_mailbox(&self, name: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        let address = format!("{name}-{}@postroom.test", now.as_millis());
        self.account(&address, "Desk").await;
        address
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

    /// The id of a connected mailbox, as the channel page shows it.
    pub async fn mailbox_id(&mut self, address: &str) -> String {
        let front = self.cloud.front_door.clone();
        let page = self.operator.open(&format!("{front}/channels/gmail")).await;
        let headings = page.texts_with_id("section.mailbox h2");
        let found = headings.into_iter().find(|(_, text)| text == address);
        let (id, _) = found.unwrap_or_else(|| panic!("{address} is not on the channel page: {}", page.text()));
        id.strip_prefix("mailbox-").expect("the heading's id").to_owned()
    }

    /// Opens the settings of a mailbox, changes the form and saves it.
    pub async fn set(&mut self, mailbox: &str, change: impl Fn(Form) -> Form) -> Page {
        let front = self.cloud.front_door.clone();
        let page = self.operator.open(&format!("{front}/channels/gmail/{mailbox}/settings")).await;
        let form = change(page.form("/settings"));
        let saved = self.operator.submit(&page, form).await;
        assert_eq!(saved.status, 200, "{}", saved.text());
        saved
    }

    /// Every conversation of a mailbox that Chat lists, page by page: its thread, newest first.
    pub async fn listed(&mut self, mailbox: &str) -> (Vec<String>, usize) {
        let mut next = Some(format!("{}/chat?mailbox={mailbox}", self.cloud.front_door));
        let (mut threads, mut pages) = (vec![], 0);
        let prefix = format!("/chat/{mailbox}/");
        while let Some(url) = next {
            assert!(pages < 100, "the list goes on without end");
            let page = self.operator.open(&url).await;
            assert_eq!(page.status, 200, "{}", page.text());
            pages += 1;
            let links = page.links();
            threads.extend(links.iter().filter_map(|link| link.path().strip_prefix(&prefix)).map(str::to_owned));
            next = links
                .iter()
                .find(|link| link.fragment().is_none() && link.query_pairs().any(|(name, _)| name == "page"))
                .map(ToString::to_string);
        }
        (threads, pages)
    }

    /// The conversation of a thread, once Chat lists it and its page says `text`.
    pub async fn wait_for_page(&mut self, mailbox: &str, thread: &str, text: &str) -> Page {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (listed, _) = self.listed(mailbox).await;
            let last = if listed.iter().any(|known| known == thread) {
                let url = format!("{}/chat/{mailbox}/{thread}", self.cloud.front_door);
                let page = self.operator.open(&url).await;
                if page.has(text) {
                    return page;
                }
                page.text()
            } else {
                format!("not among the {} conversations of its mailbox", listed.len())
            };
            assert!(Instant::now() < deadline, "the conversation never said {text:?}; last: {last}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Asks again until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
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
