//! The one request, to a checked address.

use super::{Checked, Forbidden, MAX_ANSWER, TIME_OUT};
use std::time::Duration;
use url::Host;

const CONNECT_TIME_OUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("postroom/", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// At most [`MAX_ANSWER`] of it.
    pub body: Vec<u8>,
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("The host has no address at the moment.")]
    NoAddress,
    /// Nothing was sent.
    #[error("The host cannot be reached.")]
    Unreachable,
    /// The request may have arrived.
    #[error("The host did not answer in time.")]
    Lost,
}

pub(super) async fn post(checked: &Checked, headers: &[(&str, String)], body: Vec<u8>) -> Result<Reply, Failed> {
    let client = client(checked).map_err(|_| Failed::Unreachable)?;
    let mut request = client.post(checked.url.clone()).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.build().map_err(|_| Failed::Unreachable)?;
    let mut answer = client.execute(request).await.map_err(|error| {
        let sent_nothing = error.is_connect() || error.is_builder();
        if sent_nothing { Failed::Unreachable } else { Failed::Lost }
    })?;
    // By construction it is; should the client ever change its ways, its answer is not believed.
    if answer.remote_addr().is_none_or(|peer| !checked.addresses.contains(&peer)) {
        return Err(Failed::Lost);
    }
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let (status, mut read) = (answer.status().as_u16(), vec![]);
    // The status is the answer; a body that breaks off takes nothing back.
    while let Ok(Some(chunk)) = answer.chunk().await {
        read.extend_from_slice(&chunk);
        if read.len() >= MAX_ANSWER {
            read.truncate(MAX_ANSWER);
            break;
        }
    }
    Ok(Reply { status, retry_after: retry_after.map(Duration::from_secs), body: read })
}

/// A client for this one request: its resolver knows the checked addresses and nothing else of that name.
fn client(checked: &Checked) -> Result<reqwest::Client, reqwest::Error> {
    #[expect(clippy::disallowed_methods, reason = "the shared client resolves names by itself; this one must not")]
    let builder = reqwest::Client::builder();
    let mut builder = builder
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIME_OUT)
        .timeout(TIME_OUT)
        .pool_max_idle_per_host(0)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .https_only(checked.url.scheme() == "https");
    if let Some(Host::Domain(name)) = checked.url.host() {
        builder = builder.resolve_to_addrs(name, &checked.addresses);
    }
    builder.build()
}
