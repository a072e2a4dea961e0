//! The one address of the local cloud that a browser uses: `http://localhost:PORT`, since Google accepts only such a
//! plain address as an OAuth redirect, and API Gateway's own address names the API.
//!
//! Invariant: it changes nothing but the address. Its log has method, status and time of each request, and of the path
//! only the words that the product's routes are made of: the rest of it, and a query string, may carry anything.

use crate::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::{JoinHandle, JoinSet};

/// API Gateway's limit of a request (HTTP API quotas: 10 MB).
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Headers of one connection, which a proxy does not hand on (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] =
    [CONNECTION, HeaderName::from_static("keep-alive"), TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// The words of the product's routes.
const WORDS: [&str; 22] = [
    "approve",
    "assets",
    "callback",
    "cancel",
    "channels",
    "chat",
    "connect",
    "disconnect",
    "discard",
    "gmail",
    "hand-back",
    "notifications",
    "oauth",
    "push",
    "remove",
    "reply",
    "send",
    "settings",
    "signin",
    "signout",
    "take-over",
    "test",
];

#[derive(Debug)]
pub struct FrontDoor {
    serving: JoinHandle<()>,
}

impl FrontDoor {
    /// Serves `listener`, handing everything on to `target`, an address without a final slash; a line for each request
    /// goes to the file `log`.
    pub fn open(listener: TcpListener, target: String, client: reqwest::Client, log: &Path) -> Result<Self> {
        let log = Arc::new(File::create(log).why(|| format!("cannot write {}", log.display()))?);
        listener.set_nonblocking(true).why(|| "the front door".into())?;
        let listener = tokio::net::TcpListener::from_std(listener).why(|| "the front door".into())?;
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            let (target, client, log) = (target.clone(), client.clone(), Arc::clone(&log));
                            connections.spawn(async move {
                                let service = service_fn(|request| logged(&log, &target, &client, request));
                                // A browser that goes away in the middle is no fault of this cloud.
                                let _gone = hyper::server::conn::http1::Builder::new()
                                    .serve_connection(TokioIo::new(stream), service)
                                    .await;
                            });
                        }
                        Err(cause) => {
                            eprintln!("front door: cannot accept a connection: {cause}");
                            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        }
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { serving })
    }

    /// Ends all connections and frees the port.
    pub async fn close(self) {
        self.serving.abort();
        // The only error is the cancellation that was asked for.
        let _cancelled = self.serving.await;
    }
}

async fn logged(
    log: &File,
    target: &str,
    client: &reqwest::Client,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let begun = Instant::now();
    let what = format!("{} {}", request.method(), route(request.uri().path()));
    let Ok(answer) = forward(target, client, request).await;
    let (time, status) = (Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ"), answer.status().as_u16());
    let line = format!("{time} {what} {status} {} ms\n", begun.elapsed().as_millis());
    // One write is one line, also between connections.
    let mut file = log;
    if let Err(cause) = file.write_all(line.as_bytes()) {
        eprintln!("front door: cannot write its log: {cause}");
    }
    Ok(answer)
}

fn route(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.is_empty() || WORDS.contains(&part) { part } else { "*" });
    parts.collect::<Vec<_>>().join("/")
}

async fn forward(
    target: &str,
    client: &reqwest::Client,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 10 MB, or ended early\n"));
    };
    let address = format!("{target}{}", head.uri.path_and_query().map_or("/", |path| path.as_str()));
    let answer =
        client.request(head.method, address).headers(end_to_end(head.headers)).body(body.to_bytes()).send().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(cause) => {
            return Ok(plain(
                StatusCode::BAD_GATEWAY,
                &format!("the local cloud does not answer: {}\n", cause.without_url()),
            ));
        }
    };
    let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
    match answer.bytes().await {
        Ok(bytes) => {
            let mut response = Response::new(Full::new(bytes));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        }
        Err(cause) => Ok(plain(
            StatusCode::BAD_GATEWAY,
            &format!("the local cloud broke off its answer: {}\n", cause.without_url()),
        )),
    }
}

/// The length is computed anew from the body that was read.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named).chain([&CONTENT_LENGTH]) {
        headers.remove(name);
    }
    headers
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{COOKIE, HOST};

    #[test]
    fn headers_of_the_connection_stay_behind_and_others_pass() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:8400".parse().unwrap());
        headers.append(COOKIE, "a=1".parse().unwrap());
        headers.append(COOKIE, "b=2".parse().unwrap());
        headers.insert(CONNECTION, "keep-alive, x-mine".parse().unwrap());
        headers.insert("x-mine", "1".parse().unwrap());
        headers.insert(TRANSFER_ENCODING, "chunked".parse().unwrap());
        let passed = end_to_end(headers);
        assert_eq!(passed.get_all(COOKIE).iter().count(), 2);
        assert_eq!(passed.len(), 3, "{passed:?}");
        assert!(passed.contains_key(HOST));
    }

    #[test]
    fn a_path_is_logged_by_the_words_of_the_routes_alone() {
        assert_eq!(route("/"), "/");
        assert_eq!(route("/chat/planted/0000000000000001/approve"), "/chat/*/*/approve");
        assert_eq!(route("/oauth/callback"), "/oauth/callback");
        assert_eq!(route("/planted%20value"), "/*");
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("{name}-{}.log", std::process::id()))
    }

    async fn answer_once(answer: &'static str) -> (String, JoinHandle<String>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"x=1") {
                let mut part = [0; 1024];
                let read = stream.read(&mut part).await.unwrap();
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        (address, seen)
    }

    #[tokio::test]
    async fn requests_and_answers_pass_unchanged() {
        let (api, seen) = answer_once(
            "HTTP/1.1 303 See Other\r\nlocation: /next\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok",
        )
        .await;
        let client = crate::cloud::client().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = format!("http://{}", listener.local_addr().unwrap());
        let door =
            FrontDoor::open(listener, format!("{api}/stage"), client.clone(), &log("front-door-passes")).unwrap();
        let answer =
            client.post(format!("{front}/a%20b?q=%2F")).header("cookie", "c=1; d=2").body("x=1").send().await.unwrap();
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], "/next");
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(answer.text().await.unwrap(), "ok");
        let request = seen.await.unwrap();
        assert!(request.starts_with("POST /stage/a%20b?q=%2F HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("cookie: c=1; d=2\r\n"), "{request}");
        assert!(request.contains(&format!("host: {}\r\n", front.trim_start_matches("http://"))), "{request}");
        door.close().await;
        std::fs::remove_file(log("front-door-passes")).unwrap();
        assert!(client.get(&front).send().await.is_err());
    }

    #[tokio::test]
    async fn a_cloud_that_does_not_answer_is_a_bad_gateway_and_no_address_is_told() {
        let client = crate::cloud::client().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = format!("http://{}", listener.local_addr().unwrap());
        // Port 9 (discard) of the loopback address: nothing listens there.
        let door =
            FrontDoor::open(listener, "http://127.0.0.1:9".into(), client.clone(), &log("front-door-refuses")).unwrap();
        let answer = client.get(format!("{front}/oauth/callback?code=planted")).send().await.unwrap();
        assert_eq!(answer.status(), 502);
        assert!(!answer.text().await.unwrap().contains("planted"));
        door.close().await;
        let logged = std::fs::read_to_string(log("front-door-refuses")).unwrap();
        assert!(logged.contains(" GET /oauth/callback 502 ") && !logged.contains("planted"), "{logged}");
        std::fs::remove_file(log("front-door-refuses")).unwrap();
    }
}
