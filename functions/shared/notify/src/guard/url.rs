//! What an address may look like.

use url::{Host, Url};

const MAX_LENGTH: usize = 2048;
/// Names that never belong to the public Internet (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476).
const PRIVATE_NAMES: [&str; 9] =
    ["localhost", "local", "internal", "intranet", "lan", "onion", "alt", "home.arpa", "localdomain"];

/// Why an address is refused, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("This is not a web address. Give one that begins with https://.")]
    NotAnAddress,
    #[error("Only https:// addresses may be used.")]
    Scheme,
    #[error("The address holds a user name or a password. Leave them out.")]
    UserInfo,
    #[error("Only port 443 may be used. Leave the port out.")]
    Port,
    #[error("The address must name a host by its public name, such as hooks.example.com; numbers may not be used.")]
    Host,
    #[error("The host leads to an address that is not public ({0}). Use a receiver on the public Internet.")]
    Address(&'static str),
    #[error("The host is configured as a receiver on this machine, and leads elsewhere.")]
    NotLocal,
}

pub(super) fn parse(text: &str, local: &[(String, u16)]) -> Result<Url, Forbidden> {
    // The parser would drop or turn these; another reader of the same text might not.
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(odd) {
        return Err(Forbidden::NotAnAddress);
    }
    let url = Url::parse(text).map_err(|_| Forbidden::NotAnAddress)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Forbidden::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(Forbidden::NotAnAddress);
    }
    if is_local(&url, local) {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err(Forbidden::Scheme);
    }
    match url.host() {
        Some(Host::Domain(name)) if is_public_name(name) => {}
        _ => return Err(Forbidden::Host),
    }
    // The parser drops a scheme's own port.
    if url.port().is_some() { Err(Forbidden::Port) } else { Ok(url) }
}

pub(super) fn is_local(url: &Url, local: &[(String, u16)]) -> bool {
    let at = url.host_str().zip(url.port_or_known_default());
    at.is_some_and(|(host, port)| local.iter().any(|(name, number)| name == host && *number == port))
}

/// A name with a dot that may be a public one. A trailing dot is refused: some readers drop it and some do not.
fn is_public_name(name: &str) -> bool {
    let ends = |end: &str| name.strip_suffix(end).is_some_and(|head| head.ends_with('.'));
    name.contains('.') && name.split('.').all(|label| !label.is_empty()) && !PRIVATE_NAMES.into_iter().any(ends)
}
