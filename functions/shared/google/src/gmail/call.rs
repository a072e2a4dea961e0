//! One call to Gmail: a token, a time-out over all of it, and whether the request was sent when it failed.

use crate::sort::Failure;
use crate::tokens::Tokens;
use channel::ports::{Access, GmailError};
use channel::record::GrantProblemKind;
use google_gmail1::common::{Delegate, GetToken, Response, Retry};
use google_gmail1::hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use google_gmail1::hyper_util::client::legacy::connect::HttpConnector;
use google_gmail1::hyper_util::rt::{TokioExecutor, TokioTimer};
use google_gmail1::{Error, Gmail, common};
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) type Client = common::Client<HttpsConnector<HttpConnector>>;
pub(super) type Hub = Gmail<HttpsConnector<HttpConnector>>;

const CONNECT_TIME_OUT: Duration = Duration::from_secs(3);
/// A frozen function wakes up with connections that Google has long closed.
const IDLE: Duration = Duration::from_secs(20);

/// rustls with the process's provider; plain `http` is for addresses on this machine, which the configuration checks.
pub(super) fn client() -> std::io::Result<Client> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIME_OUT));
    http.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()?
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(http);
    let client = google_gmail1::hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector);
    Ok(client)
}

/// The token of one attempt, whatever scopes the generated code asks for: the grant has the one that we ask for.
#[derive(Clone)]
pub(super) struct Bearer(pub String);

type Token<'a> =
    Pin<Box<dyn Future<Output = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

impl GetToken for Bearer {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> Token<'a> {
        Box::pin(async move { Ok(Some(self.0.clone())) })
    }
}

/// One attempt at a call: what to send it with, and what was seen of it.
pub(super) struct Attempt {
    pub token: String,
    sent: Arc<AtomicBool>,
    status: u16,
    retry_after: Option<String>,
}

impl Attempt {
    /// To be called right before the request leaves, where the generated code does not.
    pub fn leaves(&mut self) {
        self.sent.store(true, Ordering::SeqCst);
    }

    pub fn failure(self, error: Error) -> Failure {
        let Self { status, retry_after, .. } = self;
        match error {
            Error::HttpError(error) if error.is_connect() => Failure::NotSent("no connection"),
            Error::HttpError(_) => Failure::Lost("lost connection"),
            Error::BadRequest(body) => Failure::Answer { status, retry_after, body },
            Error::Failure(response) => {
                Failure::Answer { status: response.status().as_u16(), retry_after, body: Value::Null }
            }
            // The error quotes the answer, so it goes no further.
            Error::JsonDecodeError(..) => Failure::Lost("an answer that cannot be read"),
            Error::UploadSizeLimitExceeded(..) => Failure::TooLarge,
            Error::MissingToken(_) | Error::MissingAPIKey => Failure::NotSent("no token"),
            Error::Cancelled | Error::FieldClash(_) | Error::Io(_) => Failure::NotSent("the request was not built"),
        }
    }
}

/// The default answers of a delegate are the right ones: nothing is ever retried.
impl Delegate for Attempt {
    fn pre_request(&mut self) {
        self.leaves();
    }

    fn http_failure(&mut self, response: &Response, _: Option<&Value>) -> Retry {
        self.status = response.status().as_u16();
        self.retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
        Retry::Abort
    }
}

/// Makes a call, within `time_out` in all. A token that Gmail does not take is replaced once: 401 is given before
/// anything is done, so that the second attempt is the first that counts. When the new one is not taken either, the
/// grant does not work.
pub(super) async fn call<T, F, Fut>(tokens: &Tokens, at: &Access, time_out: Duration, make: F) -> Result<T, Failure>
where
    F: Fn(Attempt) -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let sent = Arc::new(AtomicBool::new(false));
    let attempt = |token: String| {
        sent.store(false, Ordering::SeqCst);
        make(Attempt { token, sent: Arc::clone(&sent), status: 0, retry_after: None })
    };
    let twice = async {
        let token = tokens.token(at).await.map_err(Failure::Token)?;
        let first = attempt(token.clone()).await;
        if !first.as_ref().is_err_and(Failure::is_unauthorised) {
            return first;
        }
        sent.store(false, Ordering::SeqCst);
        let token = tokens.another(at, &token).await.map_err(Failure::Token)?;
        attempt(token).await.map_err(|failure| {
            if failure.is_unauthorised() {
                Failure::Token(GmailError::Grant(GrantProblemKind::Expired))
            } else {
                failure
            }
        })
    };
    match tokio::time::timeout(time_out, twice).await {
        Ok(result) => result,
        Err(_) if sent.load(Ordering::SeqCst) => Err(Failure::Lost("time-out")),
        Err(_) => Err(Failure::NotSent("time-out before the request")),
    }
}
