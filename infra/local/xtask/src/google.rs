//! The Google simulator as seen from outside: its process and its control routes.

use crate::{Context, Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Names of the simulated Google project.
pub const TOPIC: &str = "projects/postroom-local/topics/gmail";
pub const SUBSCRIPTION: &str = "projects/postroom-local/subscriptions/gmail-push";
pub const SERVICE_ACCOUNT: &str = "gmail-push@postroom-local.iam.gserviceaccount.test";

/// A mail's Gmail id and thread.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub message: String,
    pub thread: String,
}

#[derive(Debug, Clone)]
pub struct Google {
    pub url: String,
    client: reqwest::Client,
}

impl Google {
    pub fn new(url: &str, client: reqwest::Client) -> Self {
        Self { url: url.to_owned(), client }
    }

    pub async fn is_up(&self) -> bool {
        let address = format!("{}/_sim/health", self.url);
        self.client.get(address).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Makes a mailbox; one that is there stays as it is. Its domain is a Workspace of its own.
    pub async fn add_account(&self, address: &str, name: &str) -> Result<()> {
        let domain = address.split_once('@').map(|(_, domain)| domain);
        self.control("/_sim/accounts", &json!({ "address": address, "name": name, "hosted_domain": domain }))
            .await
            .map(drop)
    }

    pub async fn register_client(&self, id: &str, secret: &str, redirect_uris: &[String]) -> Result<()> {
        let body = json!({ "client_id": id, "client_secret": secret, "redirect_uris": redirect_uris });
        self.control("/_sim/clients", &body).await.map(drop)
    }

    pub async fn register_push(&self, endpoint: &str) -> Result<()> {
        let body = json!({
            "push_endpoint": endpoint,
            "audience": endpoint,
            "service_account": SERVICE_ACCOUNT,
            "subscription": SUBSCRIPTION,
            "topic": TOPIC,
            // As infra/google/subscribe.sh sets the real one, but for the pauses: nobody waits here for minutes.
            "policy": { "ack_deadline_ms": 20_000, "expiration_ms": null },
        });
        self.control("/_sim/pubsub", &body).await.map(drop)
    }

    /// Puts a mail into a mailbox as if it had come from outside, and names its Gmail id and thread. The simulator writes
    /// the sender's authentication verdict in front, as Gmail does.
    pub async fn deliver(&self, to: &str, mail: Vec<u8>) -> Result<(String, String)> {
        let mut address = reqwest::Url::parse(&self.url).why(|| self.url.clone())?;
        address
            .path_segments_mut()
            .map_err(|()| Error::new(format!("{} has no path", self.url)))?
            .extend(["_sim", "accounts", to, "messages"]);
        address.query_pairs_mut().append_pair("authentication", "pass");
        let request = self.client.post(address).header("content-type", "message/rfc822").body(mail);
        let what = format!("a mail to {to}");
        let answer: Value = serde_json::from_str(&self.send(&what, request).await?).why(|| what.clone())?;
        match (answer["id"].as_str(), answer["threadId"].as_str()) {
            (Some(id), Some(thread)) => Ok((id.to_owned(), thread.to_owned())),
            _ => Err(Error::new(format!("the Google simulator, {what}: the answer names no id"))),
        }
    }

    /// Puts the mails of `files` in, one after the other and without waiting for what becomes of them.
    pub async fn deliver_files(&self, to: &str, files: &[PathBuf]) -> Result<Vec<Delivered>> {
        let mut delivered = vec![];
        for file in files {
            let mail = std::fs::read(file).why(|| format!("cannot read {}", file.display()))?;
            let (message, thread) = self.deliver(to, mail).await?;
            delivered.push(Delivered { message, thread });
        }
        Ok(delivered)
    }

    async fn control(&self, path: &str, body: &Value) -> Result<String> {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        self.send(path, request).await
    }

    async fn send(&self, what: &str, request: reqwest::RequestBuilder) -> Result<String> {
        let answer = request.send().await.why(|| format!("the Google simulator, {what}"))?;
        let status = answer.status();
        let text = answer.text().await.why(|| format!("the Google simulator, {what}"))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(Error::new(format!("the Google simulator, {what}: {status}: {}", text.trim())))
        }
    }
}
