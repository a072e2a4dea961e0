//! The one HTTP client: rustls with AWS-LC, bounded times, no redirects.

use std::time::Duration;

/// What a peer sees of us.
pub const USER_AGENT: &str = concat!("postroom/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIME_OUT: Duration = Duration::from_secs(3);
/// For the whole exchange; a caller with less time sets less on its request.
const TIME_OUT: Duration = Duration::from_secs(10);
/// A frozen function wakes up with connections that the peer has long closed, so none is kept for long.
const IDLE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct NoClient(#[from] reqwest::Error);

/// Makes AWS-LC the one TLS provider of the process. To be called before any client is built; once is enough, and a
/// second call changes nothing.
pub fn install_crypto() {
    // The error says that a provider is installed already, which is all that is wanted.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Redirects are never followed: no peer of ours has a reason to send one, and a secret must not travel along. A proxy
/// of the environment is not used: it is no variable of ours, and what is on this machine is to be reached directly.
pub fn client() -> Result<reqwest::Client, NoClient> {
    install_crypto();
    #[expect(clippy::disallowed_methods, reason = "this is the one client that the others are told to take")]
    let builder = reqwest::Client::builder();
    let client = builder
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIME_OUT)
        .timeout(TIME_OUT)
        .pool_idle_timeout(IDLE)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_redirect_is_handed_back_and_the_agent_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let peer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let n = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{at}/b\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request[..n].to_vec()).unwrap()
        });
        let answer = client().unwrap().get(format!("http://{at}/a")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 302);
        assert!(peer.await.unwrap().contains(&format!("user-agent: {USER_AGENT}")));
    }
}
