//! The push of Pub/Sub: who sent it, and what it says.
//!
//! Invariants: verification fails closed. The body is a hint and nothing more; it is read only after the token was
//! found good.

use crate::jwks::{Jwks, NotVerified};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use channel::address::EmailAddress;
use channel::ids::HistoryId;
use channel::ports::Clock;
use serde::Deserialize;
use std::sync::Arc;

/// How far our clock and Google's may be apart, in seconds.
const SKEW: i64 = 60;

/// Google's own issuer, in the two forms that it has used.
const GOOGLE: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Whether `issuer` is the configured one; Google's two forms are one issuer.
pub(crate) fn is_issuer(configured: &str, issuer: &str) -> bool {
    issuer == configured || (GOOGLE.contains(&configured) && GOOGLE.contains(&issuer))
}

/// Whether `now` (seconds) lies between `iat` and `exp`, give or take [`SKEW`].
pub(crate) fn in_time(iat: i64, exp: i64, now: i64) -> bool {
    exp > iat && now.saturating_sub(SKEW) < exp && iat <= now.saturating_add(SKEW)
}

/// Whose pushes are believed.
#[derive(Debug, Clone)]
pub struct PushRules {
    pub issuer: String,
    pub audience: String,
    pub service_account: EmailAddress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushRefused {
    /// Not a token of our subscription; a code for the log. Answered 401.
    #[error("the push is not authenticated: {0}")]
    Unauthenticated(&'static str),
    /// It cannot be told, since the issuer's keys are not to be had. Answered 503, so that it comes again.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
}

/// A single text: a list of audiences is not what Google sends, and is refused.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    email: String,
    email_verified: bool,
    iat: i64,
    exp: i64,
}

pub struct PushVerifier {
    jwks: Arc<Jwks>,
    clock: Arc<dyn Clock>,
    rules: PushRules,
}

impl PushVerifier {
    pub fn new(jwks: Arc<Jwks>, clock: Arc<dyn Clock>, rules: PushRules) -> Self {
        Self { jwks, clock, rules }
    }

    /// `authorization` is the header as it came. RS256 by a key of the issuer, then issuer, audience, the service
    /// account's verified address, and the times.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<(), PushRefused> {
        let header = authorization.ok_or(PushRefused::Unauthenticated("no_token"))?;
        let token = bearer(header).ok_or(PushRefused::Unauthenticated("no_bearer"))?;
        let payload = self.jwks.verify(token).await.map_err(|error| match error {
            NotVerified::Refused(code) => PushRefused::Unauthenticated(code),
            NotVerified::KeysUnavailable => PushRefused::KeysUnavailable,
        })?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| PushRefused::Unauthenticated("claims"))?;
        self.check(&claims).map_err(PushRefused::Unauthenticated)
    }

    fn check(&self, claims: &Claims) -> Result<(), &'static str> {
        if !is_issuer(&self.rules.issuer, &claims.iss) {
            return Err("issuer");
        }
        if claims.aud != self.rules.audience {
            return Err("audience");
        }
        // Anyone can have Google sign a token for our audience: only the account tells our subscription.
        if claims.email != self.rules.service_account.as_str() || !claims.email_verified {
            return Err("account");
        }
        let now = self.clock.now().as_secs();
        if in_time(claims.iat, claims.exp, now) { Ok(()) } else { Err("time") }
    }
}

/// RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Larger bodies are not read. Gmail's are below 1 kB.
pub const MAX_BODY: usize = 64 * 1024;

/// What a push says: there may be something new in this mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushHint {
    pub address: EmailAddress,
    pub history_id: HistoryId,
    /// Of Pub/Sub; differs between two pushes that say the same.
    pub message_id: Option<String>,
    pub subscription: String,
}

/// Why a push that is signed is of no use; a code for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushUnreadable {
    #[error("too_large")]
    TooLarge,
    /// Not Pub/Sub's wrapped form.
    #[error("not_wrapped")]
    NotWrapped,
    #[error("bad_base64")]
    Base64,
    #[error("bad_data")]
    Data,
    #[error("bad_address")]
    Address,
}

impl PushUnreadable {
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotWrapped => "not_wrapped",
            Self::Base64 => "bad_base64",
            Self::Data => "bad_data",
            Self::Address => "bad_address",
        }
    }
}

#[derive(Deserialize)]
struct Wrapper {
    message: PubsubMessage,
    subscription: String,
}

/// Pub/Sub writes its ids in both styles into the same object, hence two fields and not an alias.
#[derive(Deserialize)]
struct PubsubMessage {
    data: String,
    #[serde(rename = "messageId")]
    message_id: Option<String>,
    #[serde(rename = "message_id")]
    message_id_snake: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    email_address: String,
    history_id: NumberOrText,
}

/// A number in pushes, a text in the REST API.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl NumberOrText {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            // `u64::from_str` takes a plus sign, which is no form of Gmail's.
            Self::Text(text) => text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten(),
        }
    }
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, ANY_PADDING);

/// Reads the wrapped form only. Whoever configured the unwrapped one is told by the counter of what was left out.
pub fn decode(body: &[u8]) -> Result<PushHint, PushUnreadable> {
    if body.len() > MAX_BODY {
        return Err(PushUnreadable::TooLarge);
    }
    let wrapper: Wrapper = serde_json::from_slice(body).map_err(|_| PushUnreadable::NotWrapped)?;
    let data = &wrapper.message.data;
    // Gmail documents base64url, Pub/Sub sends the standard alphabet.
    let data = STANDARD.decode(data).or_else(|_| URL_SAFE.decode(data)).map_err(|_| PushUnreadable::Base64)?;
    let told: Notification = serde_json::from_slice(&data).map_err(|_| PushUnreadable::Data)?;
    let history_id = told.history_id.value().map(HistoryId).ok_or(PushUnreadable::Data)?;
    let address = EmailAddress::parse(&told.email_address).map_err(|_| PushUnreadable::Address)?;
    let message_id = wrapper.message.message_id.or(wrapper.message.message_id_snake);
    Ok(PushHint { address, history_id, message_id, subscription: wrapper.subscription })
}
