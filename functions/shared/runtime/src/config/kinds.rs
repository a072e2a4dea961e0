//! What a variable can hold, parsed once.

use channel::address::EmailAddress;
use channel::usecase::session::{Operators, SiteOrigin};
use std::fmt;
use std::time::Duration;
use url::{Host, Url};

/// The console's own rules: what it takes as its origin and as its operators.
pub(super) fn origin(value: &str) -> Option<SiteOrigin> {
    SiteOrigin::parse(value).ok()
}

pub(super) fn operators(value: &str) -> Option<Operators> {
    Operators::parse(value).ok()
}

pub(super) fn text(value: &str) -> Option<String> {
    (!value.is_empty() && !value.chars().any(char::is_control)).then(|| value.to_owned())
}

pub(super) fn address(value: &str) -> Option<EmailAddress> {
    EmailAddress::parse(value).ok()
}

/// `projects/<project>/<collection>/<name>`
fn resource(value: &str, collection: &str) -> Option<String> {
    let parts: Vec<_> = value.split('/').collect();
    let fits = matches!(parts[..], ["projects", project, kind, name]
        if kind == collection && !project.is_empty() && !name.is_empty());
    fits.then(|| value.to_owned())
}

pub(super) fn topic(value: &str) -> Option<String> {
    resource(value, "topics")
}

pub(super) fn subscription(value: &str) -> Option<String> {
    resource(value, "subscriptions")
}

/// Something on this machine: there, and only there, plain `http` is safe.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn web_address(value: &str) -> Option<Url> {
    let url = Url::parse(value).ok()?;
    let safe = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(&url),
        _ => false,
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && bare).then_some(url)
}

/// The address of a service, without a final slash: `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    pub(super) fn parse(value: &str) -> Option<Self> {
        web_address(value).map(|_| Self(value.trim_end_matches('/').to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        Url::parse(&self.0).map_or_else(|_| self.0.clone(), |url| url.origin().ascii_serialization())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Nothing is a value too.
pub(super) fn optional_text(value: &str) -> Option<Option<String>> {
    if value.is_empty() { Some(None) } else { text(value).map(Some) }
}

pub(super) fn optional_endpoint(value: &str) -> Option<Option<Endpoint>> {
    if value.is_empty() { Some(None) } else { Endpoint::parse(value).map(Some) }
}

/// `host:port` pairs; the host as a parsed address writes it.
pub(super) fn receivers(value: &str) -> Option<Vec<(String, u16)>> {
    let pairs = value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            // The port must be written: one that a scheme implies is not a decision.
            let (_, port) = pair.rsplit_once(':')?;
            let url = Url::parse(&format!("http://{pair}/")).ok().filter(is_loopback)?;
            let host = url.host_str()?.to_owned();
            Some((host, port.parse().ok().filter(|port| *port > 0)?))
        })
        .collect()
}

/// Which assistant answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssistantKind {
    Extractive,
    Bedrock,
    OpenAi,
    Anthropic,
}

impl AssistantKind {
    pub(super) fn parse(value: &str) -> Option<Self> {
        match value {
            "extractive" => Some(Self::Extractive),
            "bedrock" => Some(Self::Bedrock),
            "openai" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            _ => None,
        }
    }
}

/// `schema` or `text`: whether the provider is asked to keep to the answer's JSON schema itself.
pub(super) fn keeps_schema(value: &str) -> Option<bool> {
    match value {
        "schema" => Some(true),
        "text" => Some(false),
        _ => None,
    }
}

/// US dollars with up to six decimals, as millionths.
pub(super) fn micro_dollars(value: &str) -> Option<u64> {
    let (whole, part) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 || whole.len() > 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    Some(whole * 1_000_000 + part)
}

/// A whole number between two bounds, both included.
pub struct Bounded<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    pub(super) fn number(value: &str) -> Option<u64> {
        let number = value.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(number)
    }

    pub(super) fn seconds(value: &str) -> Option<Duration> {
        Self::number(value).map(Duration::from_secs)
    }

    pub(super) fn count(value: &str) -> Option<u32> {
        Self::number(value).and_then(|count| u32::try_from(count).ok())
    }

    pub(super) fn days(value: &str) -> Option<u16> {
        Self::number(value).and_then(|days| u16::try_from(days).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "https://gmail.googleapis.com",
            "http://127.0.0.1:4566/000000000000/queue",
            "http://localhost:8080",
            "http://api.execute-api.localhost:4566",
            "http://[::1]:80",
        ] {
            assert!(Endpoint::parse(good).is_some(), "{good}");
        }
        for bad in [
            "http://gmail.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "ftp://a.example",
            "//a.example",
            "a.example",
            "https://user@a.example",
            "https://a.example/#part",
            "",
        ] {
            assert!(Endpoint::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Endpoint::parse("https://a.example/b/").unwrap().as_str(), "https://a.example/b");
    }

    #[test]
    fn resources_are_named_in_full() {
        assert!(topic("projects/p/topics/t").is_some() && subscription("projects/p/subscriptions/s").is_some());
        for bad in [
            "projects/p/subscriptions/t",
            "projects//topics/t",
            "topics/t",
            "projects/p/topics/",
            "projects/p/topics/t/u",
        ] {
            assert!(topic(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn receivers_are_pairs_on_this_machine() {
        assert_eq!(receivers(""), Some(vec![]));
        let pairs = receivers("127.0.0.1:8080, localhost:80,[::1]:9").unwrap();
        let hosts: Vec<_> = pairs.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        assert_eq!(hosts, ["127.0.0.1:8080", "localhost:80", "[::1]:9"]);
        for bad in
            ["127.0.0.1", "10.0.0.1:80", "example.com:443", "169.254.169.254:80", "localhost:0", "localhost:x", "*:80"]
        {
            assert_eq!(receivers(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_price_is_read_to_the_millionth() {
        for (text, micro) in [("0", 0), ("3", 3_000_000), ("0.06", 60_000), ("15.000001", 15_000_001)] {
            assert_eq!(micro_dollars(text), Some(micro), "{text}");
        }
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "0.0000001", "9999999"] {
            assert_eq!(micro_dollars(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        type B = Bounded<60, 86_400>;
        assert_eq!(B::seconds("60"), Some(Duration::from_secs(60)));
        for bad in ["59", "86401", "-60", "60.0", "1e3", "", "99999999999999999999"] {
            assert_eq!(B::seconds(bad), None, "{bad}");
        }
    }
}
