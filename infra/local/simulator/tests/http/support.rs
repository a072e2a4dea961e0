//! A started simulator, a client of it, and small mails.

use google_gmail1::{
    Gmail,
    common::Client as HubClient,
    hyper_util::{client::legacy::connect::HttpConnector, rt::TokioExecutor},
};
use reqwest::{Method, redirect::Policy};
use serde_json::{Value, json};
use simulator::{Client, Config, Deliver, Delivered, Running, Simulator};

pub const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
pub const FULL: &str = "https://mail.google.com/";
pub const SUPPORT: &str = "support@postroom.test";
pub const CUSTOMER: &str = "customer@customer.test";
pub const CLIENT: &str = "app.example.com";
pub const SECRET: &str = "not-a-secret";
pub const CALLBACK: &str = "http://localhost:9/oauth/callback";

pub struct Fixture {
    pub sim: Running,
    pub http: reqwest::Client,
    pub token: String,
}

pub fn config() -> Config {
    Config {
        clients: vec![Client {
            client_id: CLIENT.into(),
            client_secret: SECRET.into(),
            redirect_uris: vec![CALLBACK.into()],
            testing: false,
        }],
        ..Config::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulator depends on nothing of ours")]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

pub async fn start() -> Fixture {
    start_with(config()).await
}

pub async fn start_with(config: Config) -> Fixture {
    let sim = Simulator::start(config).await.unwrap();
    let token = sim.grant(CLIENT, SUPPORT, &[MODIFY]).unwrap().access_token;
    Fixture { sim, http: http(), token }
}

impl Fixture {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.url())
    }

    /// A Gmail call below `users/me`; returns status and body.
    pub async fn gmail(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request =
            self.http.request(method, self.url(&format!("/gmail/v1/users/me/{path}"))).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The same call with a token for other scopes, or of another account.
    pub fn with_token_of(self, address: &str, scopes: &[&str]) -> Self {
        let token = self.sim.grant(CLIENT, address, scopes).unwrap().access_token;
        Self { token, ..self }
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.gmail(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> u16 {
        self.gmail(Method::DELETE, path, None).await.0
    }

    /// Posts to the control plane.
    pub async fn control(&self, path: &str, body: Value) -> u16 {
        self.http.post(self.url(&format!("/_sim/{path}"))).json(&body).send().await.unwrap().status().as_u16()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.gmail(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.gmail(Method::POST, path, Some(body)).await
    }

    /// The client that the product uses, pointed here.
    pub fn hub(&self) -> Gmail<HttpConnector> {
        let client: HubClient<HttpConnector> =
            google_gmail1::hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        let mut hub = Gmail::new(client, self.token.clone());
        hub.base_url(format!("{}/", self.sim.url()));
        hub.root_url(format!("{}/", self.sim.url()));
        hub
    }

    pub fn deliver(&self, raw: &str) -> Delivered {
        self.sim.deliver(SUPPORT, raw, &Deliver::default()).unwrap()
    }
}

/// A small incoming mail; `more` holds further header lines, each with its line end.
pub fn mail(id: &str, subject: &str, more: &str) -> String {
    format!(
        "From: Customer <{CUSTOMER}>\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n{more}\r\n\
         Where is my parcel?\r\n"
    )
}

/// A reply of ours to the mail with `parent`.
pub fn reply(parent: &str, subject: &str) -> String {
    format!(
        "From: Support <{SUPPORT}>\r\nTo: {CUSTOMER}\r\nSubject: {subject}\r\nMessage-ID: <ours@postroom.test>\r\n\
         In-Reply-To: <{parent}>\r\nReferences: <{parent}>\r\nX-Marker: 42\r\n\r\nOn its way.\r\n"
    )
}

pub fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub fn raw(mail: &str, thread: &str) -> Value {
    json!({"message": {"raw": base64url(mail.as_bytes()), "threadId": thread}})
}

pub fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap()
}

/// A mail in the JSON of `messages.send`, `insert` and `import`.
pub fn message(mail: &str) -> Value {
    json!({"raw": base64url(mail.as_bytes())})
}
