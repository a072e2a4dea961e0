//! Mail addresses, parsed once at the edge.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An addr-spec of RFC 5322 that is safe to write into a header: one `@`, no space, no control character.
/// The domain is lower-cased; comparison ignores the case of the local part too, as Gmail does.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a mail address")]
pub struct BadAddress;

impl EmailAddress {
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(BadAddress)?;
        let unsafe_in_header = |c: char| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c);
        let bad = local.is_empty()
            || local.len() > 64
            || domain.is_empty()
            || domain.len() > 253
            || local.contains('@')
            || text.chars().any(unsafe_in_header)
            || domain.split('.').any(str::is_empty);
        if bad {
            return Err(BadAddress);
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// Lower case.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form that is compared and hashed.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether the address is in `domain` or in one of its subdomains.
    pub fn in_domain(&self, domain: &str) -> bool {
        let domain = domain.trim().trim_start_matches('@').to_lowercase();
        self.domain() == domain || self.domain().strip_suffix(&domain).is_some_and(|head| head.ends_with('.'))
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadAddress;
    fn try_from(value: String) -> Result<Self, BadAddress> {
        Self::parse(&value)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address with the display name that came with it. The name is the sender's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub email: EmailAddress,
}

impl Mailbox {
    /// What a list shows: the name, or the address where there is none.
    pub fn label(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(self.email.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_breaking_addresses_are_refused() {
        for bad in ["", "a", "@b.c", "a@", "a b@c.d", "a@b\r\nBcc: x@y.z", "<a@b.c>", "a@b..c", "a,b@c.d", "a@b@c"] {
            assert_eq!(EmailAddress::parse(bad), Err(BadAddress), "{bad:?}");
        }
    }

    #[test]
    fn comparison_ignores_case() {
        let a = EmailAddress::parse("Ada.L@Example.COM").unwrap();
        assert_eq!(a, EmailAddress::parse("ada.l@example.com").unwrap());
        assert_eq!(a.as_str(), "Ada.L@example.com");
        assert!(a.in_domain("example.com") && !a.in_domain("ample.com"));
        assert!(EmailAddress::parse("x@mail.example.com").unwrap().in_domain("@example.com"));
    }
}
