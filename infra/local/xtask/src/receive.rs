//! A receiver of notifications for trying things out: prints each request as a line of JSON and accepts it, as Slack and
//! as any webhook.

use crate::{Context, Result, terminal};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

/// The port that the local cloud's functions may reach, unless it is started with others.
pub const PORT: u16 = 8403;

/// More than any notification has.
const BODY_LIMIT: usize = 1024 * 1024;

/// Until it is ended.
pub async fn receive(port: u16) -> Result<()> {
    let why = || format!("the receiver's port {port}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.why(why)?;
    let at = listener.local_addr().why(why)?;
    eprintln!("receives notifications at http://{at}/; Ctrl-C ends it");
    loop {
        let (stream, _) = listener.accept().await.why(why)?;
        tokio::spawn(async move {
            let service = service_fn(show);
            // A sender that goes away in the middle is no fault of the receiver.
            let _gone =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn show(request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
    };
    let body = body.to_bytes();
    let text = || Value::from(String::from_utf8_lossy(&body).into_owned());
    let headers: Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())))
        .collect();
    let line = json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "headers": headers,
        "body": serde_json::from_slice(&body).unwrap_or_else(|_| text()),
    });
    if let Err(error) = terminal::json(&line) {
        eprintln!("receiver: {error}");
        return Ok(answer(StatusCode::INTERNAL_SERVER_ERROR, "not shown"));
    }
    // What Slack's Web API says; a webhook looks at the status alone.
    Ok(answer(StatusCode::OK, r#"{"ok":true}"#))
}

fn answer(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    answer
}
