//! Who is at the browser: our own origin, its cookies, the allow-list of operators, sessions, and the proof that a form
//! was ours. Both functions with a face share it, so that neither can be laxer than the other.
//!
//! Invariant: the store holds hashes of what the browser holds; a copy of the table signs nobody in.

use crate::address::EmailAddress;
use crate::ports::{Clock, CommitError, Commits, Entropy, IdToken, StoreError, WebStates};
use crate::record::{Commit, Item, ItemKey, Session};
use crate::usecase::common::Stop;
use aws_lc_rs::{constant_time, digest, hmac};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256, in hex.
pub fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Without telling by its duration how much was right.
pub(crate) fn same_secret(a: &str, b: &str) -> bool {
    constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

/// 256 random bits as 64 hex digits.
pub(crate) fn secret(entropy: &dyn Entropy) -> String {
    hex(&entropy.bytes())
}

pub(crate) fn is_secret(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

// ---- the origin and its cookies -----------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the public address must be an https origin, or an http origin on a loopback name, without a path")]
pub struct BadOrigin;

/// Scheme, host and port that the browser knows us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteOrigin {
    text: String,
    secure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieKind {
    Session,
    /// Ties a sign-in that was begun to the browser that began it.
    SignIn,
    /// The same for connecting a mailbox.
    Connect,
}

impl CookieKind {
    fn base(self) -> &'static str {
        match self {
            Self::Session => "postroom",
            Self::SignIn => "postroom-signin",
            Self::Connect => "postroom-connect",
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    if authority.starts_with('[') {
        return authority == "[::1]" || authority.starts_with("[::1]:");
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host == "localhost" || host.ends_with(".localhost") || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

impl SiteOrigin {
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(BadOrigin)?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || "/?#@\\\"';,".contains(c);
        if authority.is_empty() || authority.contains(odd) {
            return Err(BadOrigin);
        }
        let (secure, default_port) = match scheme {
            "https" => (true, ":443"),
            "http" if is_loopback(authority) => (false, ":80"),
            _ => return Err(BadOrigin),
        };
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        Ok(Self { text: format!("{scheme}://{authority}"), secure })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// An address of ours; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Whether a request that changes something comes from our own pages. Browsers send `Origin` with each POST; one
    /// that does not must at least say `Sec-Fetch-Site: same-origin`.
    pub fn sent_it(&self, origin: Option<&str>, fetch_site: Option<&str>) -> bool {
        match origin {
            Some(origin) => origin == self.text,
            None => fetch_site == Some("same-origin"),
        }
    }

    /// `__Host-` wants Secure, which plain http cannot have; on a loopback origin, and only there, both are left out.
    pub fn cookie_name(&self, kind: CookieKind) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}", kind.base())
    }

    /// The value of a `Set-Cookie` header.
    pub fn set_cookie(&self, kind: CookieKind, value: &str, life: Duration) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.cookie_name(kind);
        // Lax, since Strict would not come along when Google sends the browser back.
        format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", life.as_secs())
    }

    pub fn clear_cookie(&self, kind: CookieKind) -> String {
        self.set_cookie(kind, "", Duration::ZERO)
    }

    /// The cookie out of the request's `Cookie` headers; none when two of that name disagree.
    pub fn cookie<'a>(&self, headers: &[&'a str], kind: CookieKind) -> Option<&'a str> {
        let name = self.cookie_name(kind);
        let mut values = headers
            .iter()
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        let first = values.next().filter(|value| !value.is_empty())?;
        values.all(|value| value == first).then_some(first)
    }
}

/// A path of ours to go back to after signing in; anything else becomes the front page, so that a link to the sign-in
/// page cannot lead elsewhere.
pub fn safe_return(path: &str) -> String {
    let ours = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1024
        && path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if ours { path.to_owned() } else { "/".to_owned() }
}

// ---- who may sign in ----------------------------------------------------------------------------------------------

/// Who may sign in: addresses, and whole Workspace domains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators {
    addresses: Vec<EmailAddress>,
    domains: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operators are addresses or @domains, separated by commas; this is neither: {0:?}")]
pub struct BadOperator(pub String);

impl Operators {
    pub fn parse(list: &str) -> Result<Self, BadOperator> {
        let mut operators = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let bad = || BadOperator(entry.to_owned());
            match entry.strip_prefix('@') {
                Some(domain) => {
                    let probe = EmailAddress::parse(&format!("x@{domain}")).map_err(|_| bad())?;
                    operators.domains.push(probe.domain().to_owned());
                }
                None => operators.addresses.push(EmailAddress::parse(entry).map_err(|_| bad())?),
            }
        }
        Ok(operators)
    }

    /// Someone who just signed in. For a whole domain Google must vouch for it by `hd`: an address alone may belong to
    /// a consumer account that was made with it.
    pub fn admit(&self, who: &IdToken) -> bool {
        let domain = who.email.domain();
        let hosted = who.hosted_domain.as_deref().is_some_and(|hd| hd.eq_ignore_ascii_case(domain));
        self.addresses.contains(&who.email) || (hosted && self.domains.iter().any(|listed| listed == domain))
    }

    /// Whether a session that was admitted earlier still is, so that taking someone off the list ends their session.
    pub fn still_admit(&self, email: &EmailAddress) -> bool {
        self.addresses.contains(email) || self.domains.iter().any(|listed| listed == email.domain())
    }
}

// ---- sessions -----------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub session: Session,
    /// Bound to this session; every form carries it.
    pub form_token: String,
}

impl SignedIn {
    /// Whether a form that came in was made for this session.
    pub fn proves(&self, form_token: Option<&str>) -> bool {
        form_token.is_some_and(|token| same_secret(token, &self.form_token))
    }

    pub fn operator(&self) -> &EmailAddress {
        &self.session.operator
    }
}

/// Why a request that wants to change something is turned away.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the form was not sent from our own pages")]
    OtherOrigin,
    #[error("not signed in")]
    NotSignedIn,
    #[error("the form is not of this session")]
    StaleForm,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a browser brings along with a POST.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    pub origin: Option<&'a str>,
    pub fetch_site: Option<&'a str>,
    pub cookies: &'a [&'a str],
}

/// The door of the browser-facing functions.
#[derive(Clone)]
pub struct Door {
    pub origin: SiteOrigin,
    pub operators: Operators,
    pub states: Arc<dyn WebStates>,
    pub commits: Arc<dyn Commits>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

fn form_token(cookie: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes());
    hex(hmac::sign(&key, b"postroom form token").as_ref())
}

impl Door {
    pub async fn signed_in(&self, cookies: &[&str]) -> Result<Option<SignedIn>, StoreError> {
        let Some(cookie) = self.origin.cookie(cookies, CookieKind::Session).filter(|value| is_secret(value)) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let session = self.states.session(&sha256_hex(cookie), now).await?;
        let session =
            session.filter(|session| session.expires_at > now && self.operators.still_admit(&session.operator));
        Ok(session.map(|session| SignedIn { session, form_token: form_token(cookie) }))
    }

    /// The two checks that need no body. The form's token is checked by [`Self::check_form`], once it is read.
    pub async fn admit_post(&self, request: Credentials<'_>) -> Result<SignedIn, Refusal> {
        if !self.origin.sent_it(request.origin, request.fetch_site) {
            return Err(Refusal::OtherOrigin);
        }
        self.signed_in(request.cookies).await?.ok_or(Refusal::NotSignedIn)
    }

    pub fn check_form(&self, signed_in: &SignedIn, form_token: Option<&str>) -> Result<(), Refusal> {
        if signed_in.proves(form_token) { Ok(()) } else { Err(Refusal::StaleForm) }
    }

    /// Opens a session; returns the value of its cookie.
    pub async fn open(&self, operator: EmailAddress) -> Result<String, Stop> {
        let cookie = secret(&*self.entropy);
        let session = Session {
            ver: 0,
            session_hash: sha256_hex(&cookie),
            operator,
            time_zone: None,
            expires_at: self.clock.now().plus(SESSION_LIFE),
        };
        self.commits.commit(Commit::new().put(Item::from(session))).await?;
        Ok(cookie)
    }

    /// Ends the session; one that is gone already is as good.
    pub async fn close(&self, session: &Session) -> Result<(), Stop> {
        let gone = Commit::new().delete(ItemKey::Session(session.session_hash.clone()), session.ver);
        match self.commits.commit(gone).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_origins() {
        for good in [
            "https://post.example.com",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:9",
            "http://a.localhost",
        ] {
            assert_eq!(SiteOrigin::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(SiteOrigin::parse("HTTPS://Post.Example.com:443/").unwrap().as_str(), "https://post.example.com");
        for bad in [
            "http://post.example.com",
            "ftp://localhost",
            "localhost",
            "https://",
            "https://a/b",
            "https://u@h",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert_eq!(SiteOrigin::parse(bad), Err(BadOrigin), "{bad}");
        }
    }

    #[test]
    fn cookies_carry_prefix_and_secure_except_on_loopback() {
        let live = SiteOrigin::parse("https://post.example.com").unwrap();
        let cookie = live.set_cookie(CookieKind::Session, "v", SESSION_LIFE);
        assert_eq!(cookie, "__Host-postroom=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(live.cookie(&["a=1; __Host-postroom=v"], CookieKind::Session), Some("v"));
        assert_eq!(live.cookie(&["postroom=v"], CookieKind::Session), None);
        let local = SiteOrigin::parse("http://localhost:8080").unwrap();
        assert_eq!(
            local.set_cookie(CookieKind::Session, "v", Duration::from_secs(1)),
            "postroom=v; Path=/; Max-Age=1; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            local.cookie(&["postroom=v", "postroom=w"], CookieKind::Session),
            None,
            "two that disagree are none"
        );
    }

    #[test]
    fn a_post_comes_from_our_own_pages() {
        let origin = SiteOrigin::parse("https://post.example.com").unwrap();
        assert!(origin.sent_it(Some("https://post.example.com"), None));
        assert!(origin.sent_it(None, Some("same-origin")));
        for (from, site) in [
            (Some("https://evil.example"), Some("same-origin")),
            (Some("null"), None),
            (None, Some("cross-site")),
            (None, None),
        ] {
            assert!(!origin.sent_it(from, site), "{from:?} {site:?}");
        }
    }

    #[test]
    fn the_way_back_stays_ours() {
        assert_eq!(safe_return("/chat?mailbox=a"), "/chat?mailbox=a");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "", "chat", "/a\r\nb"] {
            assert_eq!(safe_return(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_domain_needs_googles_word() {
        let operators = Operators::parse("Ada@example.com, @example.org").unwrap();
        let who = |email: &str, hd: Option<&str>| IdToken {
            email: EmailAddress::parse(email).unwrap(),
            hosted_domain: hd.map(str::to_owned),
        };
        assert!(operators.admit(&who("ada@example.com", None)));
        assert!(operators.admit(&who("bob@example.org", Some("example.org"))));
        for (email, hd) in [
            ("bob@example.org", None),
            ("bob@example.org", Some("example.com")),
            ("eve@example.com", Some("example.org")),
            ("x@sub.example.org", Some("sub.example.org")),
        ] {
            assert!(!operators.admit(&who(email, hd)), "{email} {hd:?}");
        }
        assert!(Operators::parse("nobody").is_err());
    }
}
