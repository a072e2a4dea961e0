//! The few calls to the local AWS that the tools themselves make: as its root user, whose signature it does not check.

use crate::{Context, Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

pub const REGION: &str = "us-east-1";
/// The local cloud's root key and secret; they mean nothing anywhere else.
const ROOT: &str = "test";
/// Lambda lets no function run longer than 15 minutes.
const LONGEST_INVOCATION: Duration = Duration::from_secs(16 * 60);

/// Makes a command of the AWS tool family talk to the local cloud and to nothing else.
pub fn point(command: &mut Command, endpoint: &str) {
    for profile in
        ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]
    {
        command.env_remove(profile);
    }
    command
        .envs(credentials(endpoint))
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
}

/// What an AWS SDK needs to find the local cloud.
pub fn credentials(endpoint: &str) -> [(&str, &str); 4] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", ROOT),
        ("AWS_SECRET_ACCESS_KEY", ROOT),
        ("AWS_REGION", REGION),
    ]
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Called {
    /// The function ended with an error, which `answer` tells.
    pub failed: bool,
    pub answer: String,
    /// The last words of its log.
    pub log: String,
}

#[derive(Debug, Clone)]
pub struct AwsHttp {
    endpoint: String,
    client: reqwest::Client,
}

impl AwsHttp {
    pub fn new(endpoint: &str, client: reqwest::Client) -> Self {
        Self { endpoint: endpoint.to_owned(), client }
    }

    /// A call of the JSON protocol, such as `secretsmanager.GetSecretValue`.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let request = self
            .client
            .post(&self.endpoint)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", authorization(service))
            .body(body.to_string());
        let text = self.send(target, request).await?;
        if text.is_empty() { Ok(json!({})) } else { serde_json::from_str(&text).why(|| target.to_owned()) }
    }

    /// A GET of a REST service.
    pub async fn get(&self, service: &str, path: &str) -> Result<Value> {
        let request =
            self.client.get(format!("{}{path}", self.endpoint)).header("authorization", authorization(service));
        serde_json::from_str(&self.send(path, request).await?).why(|| path.to_owned())
    }

    /// A call of the query protocol; the answer is XML.
    pub async fn query(&self, service: &str, form: &[(&str, &str)]) -> Result<String> {
        let what = form.first().map_or(service, |(_, action)| *action).to_owned();
        let request = self.client.post(&self.endpoint).header("authorization", authorization(service)).form(form);
        self.send(&what, request).await
    }

    /// Calls a function with `event` as it stands.
    pub async fn invoke(&self, function: &str, event: &str) -> Result<Called> {
        let what = format!("Invoke {function}");
        let request = self
            .client
            .post(format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint))
            .header("content-type", "application/json")
            .header("authorization", authorization("lambda"))
            .header("x-amz-log-type", "Tail")
            .timeout(LONGEST_INVOCATION)
            .body(event.to_owned());
        let answer = request.send().await.why(|| format!("local AWS, {what}"))?;
        let (status, failed) = (answer.status(), answer.headers().contains_key("x-amz-function-error"));
        let log = match answer.headers().get("x-amz-log-result") {
            Some(log) => STANDARD.decode(log).why(|| format!("local AWS, {what}: the log"))?,
            None => vec![],
        };
        let text = answer.text().await.why(|| format!("local AWS, {what}"))?;
        if status.is_success() {
            Ok(Called { failed, answer: text, log: String::from_utf8_lossy(&log).into_owned() })
        } else {
            Err(Error::new(format!("local AWS, {what}: {status}: {}", text.trim())))
        }
    }

    pub async fn is_up(&self) -> bool {
        let health = self.client.get(format!("{}/_ministack/health", self.endpoint)).send().await;
        health.is_ok_and(|answer| answer.status().is_success())
    }

    async fn send(&self, what: &str, request: reqwest::RequestBuilder) -> Result<String> {
        let answer = request.send().await.why(|| format!("local AWS, {what}"))?;
        let status = answer.status();
        let text = answer.text().await.why(|| format!("local AWS, {what}"))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(Error::new(format!("local AWS, {what}: {status}: {}", text.trim())))
        }
    }
}

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ROOT}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
