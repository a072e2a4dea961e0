//! One request to a provider: within the time that is left, its answer bounded, tried a second time where nothing was
//! done yet.
//!
//! Safe to try again: no connection, 408, 429, 5xx, and once after a refused key. A time-out or an answer that broke off
//! is not tried again here: the model has worked already. Bodies of errors are read for nothing and told to nobody.

use super::{Credentials, Failed, Model, unusable};
use channel::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// A longer wait is left to the queue: a function that waits is paid for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Less than this is not enough for any model.
const LEAST: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 2;

/// What a request is about: it bounds the answer and names the remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Answer,
    Embedding,
}

impl About {
    /// Of the answer's body, in bytes. An answer is at most 64 KiB of text; escapes and the envelope may make more of it.
    /// Thirty-two vectors of three thousand numbers take less than three megabytes.
    fn longest(self) -> usize {
        match self {
            Self::Answer => 512 * 1024,
            Self::Embedding => 4 * 1024 * 1024,
        }
    }
}

pub(super) struct Request {
    pub about: About,
    pub url: String,
    pub body: String,
}

pub(super) struct Caller<'m> {
    pub model: &'m Model,
    pub deadline: Timestamp,
}

/// What one attempt came to.
enum Tried {
    Answer(Value),
    /// Nothing was done; after this long it may be asked again.
    Again {
        why: String,
        after: Option<Duration>,
    },
    KeyRefused,
    Failed(Failed),
}

fn unavailable(why: impl Into<String>) -> Tried {
    Tried::Failed(Failed::Unavailable(why.into()))
}

impl Caller<'_> {
    fn left(&self) -> Duration {
        self.deadline.since(self.model.clock.now())
    }

    /// Each attempt is counted in `calls`.
    pub async fn post(&self, request: &Request, calls: &mut u32) -> Result<Value, Failed> {
        let settings = &self.model.settings;
        let mut afresh = false;
        for attempt in 1..=ATTEMPTS {
            let last = attempt == ATTEMPTS;
            let headers = match self.headers(&request.url, request.body.as_bytes(), afresh).await {
                Ok(headers) => headers,
                Err(why) => return Err(Failed::Unavailable(why)),
            };
            if self.left() < LEAST {
                return Err(Failed::Unavailable("there was no time left to ask the model".to_owned()));
            }
            *calls += 1;
            match self.once(request, headers).await {
                Tried::Answer(answer) => return Ok(answer),
                Tried::Failed(failed) => return Err(failed),
                Tried::KeyRefused if last => {
                    return unusable("the provider refuses the key (401): put a valid one into the app secret");
                }
                Tried::KeyRefused => afresh = true,
                Tried::Again { why, after } => {
                    let wait = after.unwrap_or(settings.pause);
                    if last || wait > LONGEST_WAIT || wait + LEAST >= self.left() {
                        return Err(Failed::Unavailable(why));
                    }
                    tokio::time::sleep(wait).await;
                }
            }
        }
        Err(Failed::Unavailable("the provider did not answer".to_owned()))
    }

    async fn headers(&self, url: &str, body: &[u8], afresh: bool) -> Result<HeaderMap, String> {
        let provider = self.model.settings.provider;
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in provider.other_headers() {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        match &self.model.credentials {
            Credentials::Key(source) => {
                if let Some(key) = source.key(afresh).await? {
                    let (name, value) = provider.key_header(&key);
                    let mut value = HeaderValue::from_str(&value)
                        .map_err(|_| "the key in the app secret holds characters that no key has".to_owned())?;
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
            }
            Credentials::Signature(sign) => {
                let host = host_of(url).ok_or("the address of the provider has no host")?;
                for (name, value) in sign.sign(url, &host, body).await? {
                    let name = HeaderName::try_from(name).map_err(|_| "a signed header has no name".to_owned())?;
                    let mut value =
                        HeaderValue::try_from(value).map_err(|_| "a signed header has no value".to_owned())?;
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
            }
        }
        Ok(headers)
    }

    async fn once(&self, request: &Request, headers: HeaderMap) -> Tried {
        let left = self.left();
        let posted = self.model.http.post(&request.url).headers(headers).body(request.body.clone());
        let sent = posted.timeout(left).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return Tried::Again { why: "the provider cannot be reached".to_owned(), after: None };
            }
            Err(error) if error.is_timeout() => return unavailable("the provider did not answer in time"),
            Err(_) => return unavailable("the connection to the provider was lost"),
        };
        if !response.status().is_success() {
            return refused(request.about, response.status(), wait_of(response.headers(), self.model.clock.now()));
        }
        match bounded(response, request.about.longest()).await {
            Err(failed) => Tried::Failed(failed),
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) => Tried::Answer(answer),
                Err(_) => unavailable("the provider's answer was not JSON"),
            },
        }
    }
}

/// A status and its remedy. The body is left unread: it may quote what was asked.
fn refused(about: About, status: StatusCode, after: Option<Duration>) -> Tried {
    let code = status.as_u16();
    let person = |why: &str| Tried::Failed(Failed::Unusable(format!("{why} ({code})")));
    match code {
        401 => Tried::KeyRefused,
        408 | 409 | 424 | 425 => Tried::Again { why: format!("the provider could not answer ({code})"), after },
        429 => Tried::Again { why: "the provider limits the rate of requests (429)".to_owned(), after },
        500.. => Tried::Again { why: format!("the provider is out of order ({code})"), after },
        402 => person("the provider wants to be paid first"),
        404 if about == About::Embedding => person(
            "the provider does not know this model or address: check POSTROOM_EMBEDDING_MODEL and POSTROOM_MODEL_URL",
        ),
        400 | 413 | 422 if about == About::Embedding => person(
            "the provider refuses the texts: check that POSTROOM_EMBEDDING_MODEL names a model of text embeddings",
        ),
        403 => person("the provider allows no access to this model: check the key's or the role's permissions"),
        404 => person("the provider does not know this model or address: check POSTROOM_MODEL and POSTROOM_MODEL_URL"),
        413 => person("the provider finds the request too long: lower POSTROOM_MODEL_CONTEXT_TOKENS"),
        400 | 422 => person(
            "the provider refuses the request: its content filter, the model, or the JSON schema (POSTROOM_MODEL_FORMAT=text)",
        ),
        _ => person("the provider gave an answer that was not expected"),
    }
}

async fn bounded(mut response: Response, longest: usize) -> Result<Vec<u8>, Failed> {
    let mut bytes = vec![];
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > longest => {
                return unusable(format!("its answer was longer than {longest} bytes"));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) if error.is_timeout() => {
                return Err(Failed::Unavailable("the provider's answer did not end in time".to_owned()));
            }
            Err(_) => return Err(Failed::Unavailable("the provider's answer broke off".to_owned())),
        }
    }
}

/// `retry-after-ms` of OpenAI and Azure, else `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn wait_of(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|value| value.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(Timestamp::from_secs(date.timestamp().as_second()).since(now))
}

/// As it stands in the request's `Host`.
fn host_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_is_read_in_each_form() {
        let now = Timestamp::from_secs(784_111_770);
        let of = |name: &'static str, value: &'static str| {
            wait_of(&HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]), now)
        };
        assert_eq!(of("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(of("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(of("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(of("retry-after", "soon"), None);
        assert_eq!(of("retry-after", "-1"), None);
    }

    #[test]
    fn the_host_is_named_as_the_client_names_it() {
        assert_eq!(host_of("http://127.0.0.1:8080/v1").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(
            host_of("https://bedrock-runtime.eu-west-1.amazonaws.com/model").as_deref(),
            Some("bedrock-runtime.eu-west-1.amazonaws.com")
        );
        assert_eq!(host_of("nowhere"), None);
    }
}
