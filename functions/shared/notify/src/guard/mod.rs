//! The guard: a request to an address that a person gave reaches public addresses only.
//!
//! Invariants: the name is resolved once, every address of the answer is checked, and the connection is made to one of
//! the checked addresses, so that nothing can change between check and connection; no redirect is followed and no proxy
//! is asked. What is allowed beyond that is one list of `host:port` pairs on this machine, empty unless configured; there
//! is no other way around a check, for tests neither.

mod address;
mod send;
mod url;

pub use address::special_purpose;
pub use send::{Failed, Reply};
pub use url::Forbidden;

use ::url::{Host, Url};
use async_trait::async_trait;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// For name, connection, request and answer together.
pub const TIME_OUT: Duration = Duration::from_secs(8);
/// No more of an answer is read.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Names to addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>>;
}

/// As the operating system resolves.
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.map(|at| at.ip()).collect())
    }
}

pub struct Guard {
    resolver: Arc<dyn Resolve>,
    local: Vec<(String, u16)>,
}

/// An address that was found good; the only thing that is ever connected to.
pub struct Checked {
    url: Url,
    addresses: Vec<SocketAddr>,
}

impl Checked {
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Guard {
    /// `local`: receivers on this machine, as `host` and `port`; they may be asked in plain HTTP.
    pub fn new(resolver: Arc<dyn Resolve>, local: Vec<(String, u16)>) -> Self {
        Self { resolver, local }
    }

    /// What can be told from the address alone.
    pub fn parse(&self, text: &str) -> Result<Url, Forbidden> {
        url::parse(text, &self.local)
    }

    /// Whether the address is one of the receivers on this machine.
    pub fn is_local(&self, url: &Url) -> bool {
        url::is_local(url, &self.local)
    }

    /// Resolves the name and looks at every address of the answer; one bad one condemns all.
    pub async fn check(&self, text: &str) -> Result<Checked, Failed> {
        let url = self.parse(text)?;
        let local = self.is_local(&url);
        let port = url.port_or_known_default().ok_or(Forbidden::Port)?;
        let found = match url.host().ok_or(Forbidden::Host)? {
            Host::Ipv4(ip) => vec![IpAddr::V4(ip)],
            Host::Ipv6(ip) => vec![IpAddr::V6(ip)],
            Host::Domain(name) => self.resolver.resolve(name, port).await.map_err(|_| Failed::NoAddress)?,
        };
        if found.is_empty() {
            return Err(Failed::NoAddress);
        }
        for ip in &found {
            match special_purpose(*ip) {
                // A local receiver is on this machine and nowhere else, whatever its name resolves to.
                _ if local && ip.is_loopback() => {}
                _ if local => return Err(Forbidden::NotLocal.into()),
                Some(kind) => return Err(Forbidden::Address(kind).into()),
                None => {}
            }
        }
        let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Ok(Checked { url, addresses })
    }

    /// Posts `body` to `text`, if that may be.
    pub async fn post(&self, text: &str, headers: &[(&str, String)], body: Vec<u8>) -> Result<Reply, Failed> {
        let exchange = async {
            let checked = self.check(text).await?;
            send::post(&checked, headers, body).await
        };
        tokio::time::timeout(TIME_OUT, exchange).await.unwrap_or(Err(Failed::Lost))
    }
}
