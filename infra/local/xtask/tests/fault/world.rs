//! A simulator, a push endpoint that checks what comes, and the command line against them.

use std::{
    collections::VecDeque,
    convert::Infallible,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet};
use serde_json::{Value, json};
use simulator::{Client, Config, Deliver, Delivered, Policy, Restore, Running, Simulator, Subscription, Tokens};
use tokio::{net::TcpListener, sync::mpsc};
use xtask::google::{SERVICE_ACCOUNT, SUBSCRIPTION, TOPIC};

pub const SUPPORT: &str = "support@postroom.test";
pub const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
pub const CLIENT: &str = "app.example.com";
pub const SECRET: &str = "not-a-secret";
pub const CALLBACK: &str = "http://localhost:9/oauth/callback";

/// One request that reached the push endpoint, and what it thinks of the token.
#[derive(Debug)]
pub struct Got {
    pub verdict: String,
    pub kid: Option<String>,
    pub token: Option<String>,
    pub bytes: Bytes,
}

impl Got {
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn history_id(&self) -> u64 {
        let data = BASE64_STANDARD.decode(self.body()["message"]["data"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&data).unwrap()["historyId"].as_u64().unwrap()
    }

    pub fn message_id(&self) -> String {
        self.body()["message"]["messageId"].as_str().unwrap().to_owned()
    }
}

pub struct World {
    pub sim: Running,
    pub http: reqwest::Client,
    pub tokens: Tokens,
    pub pushes: mpsc::UnboundedReceiver<Got>,
    /// What the endpoint answers to good pushes, before it answers 204 again.
    pub script: Script,
    subscription: Subscription,
    mails: usize,
}

fn verdict(token: Option<&str>, keys: &JwkSet, audience: &str, issuer: &str) -> String {
    let Some(token) = token else { return "no token".into() };
    let Ok(header) = decode_header(token) else { return "algorithm".into() };
    if header.alg != Algorithm::RS256 {
        return "algorithm".into();
    }
    let Some(key) = keys.find(header.kid.as_deref().unwrap_or_default()) else { return "unknown key".into() };
    let mut wanted = Validation::new(Algorithm::RS256);
    wanted.set_audience(&[audience]);
    wanted.set_issuer(&[issuer]);
    match decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &wanted) {
        Ok(token) if token.claims["email"] != SERVICE_ACCOUNT => "e-mail".into(),
        Ok(token) if token.claims["email_verified"] != true => "unverified e-mail".into(),
        Ok(_) => "good".into(),
        Err(error) => match error.kind() {
            ErrorKind::InvalidSignature => "signature".into(),
            ErrorKind::InvalidAudience => "audience".into(),
            ErrorKind::InvalidIssuer => "issuer".into(),
            ErrorKind::ExpiredSignature => "expired".into(),
            other => format!("{other:?}"),
        },
    }
}

type Issuer = Arc<Mutex<Option<String>>>;
type Script = Arc<Mutex<VecDeque<u16>>>;

/// Refuses a bad token with 401 and answers the rest as its script says.
struct Endpoint {
    issuer: Issuer,
    script: Script,
    http: reqwest::Client,
    audience: String,
    send: mpsc::UnboundedSender<Got>,
}

impl Endpoint {
    async fn open(issuer: Issuer, script: Script, http: reqwest::Client) -> (String, mpsc::UnboundedReceiver<Got>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/push", listener.local_addr().unwrap());
        let (send, receive) = mpsc::unbounded_channel();
        let endpoint = Arc::new(Self { issuer, script, http, audience: url.clone(), send });
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let endpoint = endpoint.clone();
                let service = service_fn(move |request| answer(endpoint.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (url, receive)
    }
}

async fn answer(endpoint: Arc<Endpoint>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap());
    let token = bearer.map(|bearer| bearer["Bearer ".len()..].to_owned());
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    let issuer = endpoint.issuer.lock().unwrap().clone().unwrap();
    let certs = endpoint.http.get(format!("{issuer}/oauth2/v3/certs")).send().await.unwrap().text().await.unwrap();
    let keys: JwkSet = serde_json::from_str(&certs).unwrap();
    let verdict = verdict(token.as_deref(), &keys, &endpoint.audience, &issuer);
    let kid = token.as_deref().and_then(|token| decode_header(token).ok()?.kid);
    let scripted = || endpoint.script.lock().unwrap().pop_front().unwrap_or(204);
    let status = if verdict == "good" { scripted() } else { 401 };
    endpoint.send.send(Got { verdict, kid, token, bytes }).unwrap();
    Ok(Response::builder().status(status).body(Empty::new()).unwrap())
}

impl World {
    pub async fn start() -> Self {
        let http = xtask::cloud::client().unwrap();
        let (issuer, script) = (Issuer::default(), Script::default());
        let (push_endpoint, pushes) = Endpoint::open(issuer.clone(), Arc::clone(&script), http.clone()).await;
        let client = Client {
            client_id: CLIENT.into(),
            client_secret: SECRET.into(),
            redirect_uris: vec![CALLBACK.into()],
            testing: false,
        };
        let sim = Simulator::start(Config { clients: vec![client], ..Config::default() }).await.unwrap();
        *issuer.lock().unwrap() = Some(sim.url().to_owned());
        let subscription = Subscription {
            topic: TOPIC.into(),
            subscription: SUBSCRIPTION.into(),
            push_endpoint,
            audience: String::new(),
            service_account: SERVICE_ACCOUNT.into(),
        };
        let tokens = sim.grant(CLIENT, SUPPORT, &[MODIFY]).unwrap();
        Self { sim, http, tokens, pushes, script, subscription, mails: 0 }
    }

    pub async fn stop(self) {
        self.sim.stop().await.unwrap();
    }

    /// Everything as it should be, before the next kind.
    pub async fn begin(&mut self) {
        self.sim.clear_faults();
        self.sim.restore(&Restore::default());
        self.sim.set_clock_offset(0);
        self.sim.revoke_grants(SUPPORT);
        self.tokens = self.sim.grant(CLIENT, SUPPORT, &[MODIFY]).unwrap();
        self.script.lock().unwrap().clear();
        self.sim.subscription(self.subscription.clone());
        let quick = Policy { minimum_backoff_ms: Some(1), maximum_backoff_ms: Some(1), ..Policy::default() };
        self.sim.policy(SUBSCRIPTION, quick).unwrap();
        self.settled().await;
        while self.pushes.try_recv().is_ok() {}
        let (status, watch) = self.post("watch", &json!({"topicName": TOPIC, "labelIds": ["INBOX"]})).await;
        assert_eq!(status, 200, "{watch}");
    }

    /// The real program, as a person would call it; what it prints, or what it says is wrong.
    pub fn fault(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("fault").args(words).args(["--google", self.sim.url()]);
        let done = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
    }

    pub fn deliver(&mut self) -> Delivered {
        self.mails += 1;
        let mail = format!(
            "From: Customer <customer@customer.test>\r\nTo: {SUPPORT}\r\nSubject: Parcel {0}\r\n\
             Message-ID: <{0}@customer.test>\r\n\r\nWhere is it?\r\n",
            self.mails
        );
        self.sim.deliver(SUPPORT, mail, &Deliver::default()).unwrap()
    }

    pub fn history_id(&self) -> u64 {
        self.sim.dump(SUPPORT).unwrap().history_id
    }

    pub async fn settled(&self) {
        while self.sim.pending_pushes() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/gmail/v1/users/me/{path}", self.sim.url());
        self.http.request(method, url).bearer_auth(&self.tokens.access_token)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        json_of(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        json_of(self.request(reqwest::Method::POST, path).body(body.to_string())).await
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}
