//! OAuth 2.0 at Google: consent, code exchange, refresh, revocation, and sign-in by OpenID Connect.
//!
//! The calls are ours, since `yup-oauth2` hides a refused grant; its [`ApplicationSecret`] carries the client.
//! Invariant: no token, code or secret is logged or put into an error.

use crate::jwks::{Jwks, NotVerified};
use crate::push::{in_time, is_issuer};
use async_trait::async_trait;
use channel::address::EmailAddress;
use channel::ports::{IdToken, OAuth, OAuthError, TokenAnswer};
use channel::record::GrantProblemKind;
use channel::time::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use url::Url;
use yup_oauth2::ApplicationSecret;

/// The one scope of a mailbox: reads, labels, drafts, sends and watches. With a single scope Google shows no boxes to
/// untick.
pub const GMAIL_SCOPE: &str = "https://www.googleapis.com/auth/gmail.modify";
const SIGN_IN_SCOPE: &str = "openid email";
const TIME_OUT: Duration = Duration::from_secs(8);

/// Where the OAuth client is read again when Google refuses it: its secret may have been changed meanwhile.
#[async_trait]
pub trait ClientSource: Send + Sync {
    /// Id and secret, newly read.
    async fn reload(&self) -> Result<(String, String), String>;
}

/// Google's addresses.
#[derive(Debug, Clone)]
pub struct OAuthEndpoints {
    pub auth: String,
    pub token: String,
    pub revoke: String,
    pub issuer: String,
}

pub struct GoogleOAuth {
    http: reqwest::Client,
    jwks: Arc<Jwks>,
    revoke: String,
    issuer: String,
    client: RwLock<Arc<ApplicationSecret>>,
    source: Arc<dyn ClientSource>,
}

impl GoogleOAuth {
    pub fn new(
        http: reqwest::Client,
        endpoints: OAuthEndpoints,
        (client_id, client_secret): (String, String),
        source: Arc<dyn ClientSource>,
        jwks: Arc<Jwks>,
    ) -> Self {
        let client = ApplicationSecret {
            client_id,
            client_secret,
            auth_uri: endpoints.auth,
            token_uri: endpoints.token,
            ..ApplicationSecret::default()
        };
        let client = RwLock::new(Arc::new(client));
        Self { http, jwks, revoke: endpoints.revoke, issuer: endpoints.issuer, client, source }
    }

    fn client(&self) -> Arc<ApplicationSecret> {
        Arc::clone(&self.client.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the client again; nothing when it is the one that was refused.
    async fn reload(&self, refused: &ApplicationSecret) -> Result<Option<Arc<ApplicationSecret>>, OAuthError> {
        let (client_id, client_secret) = self.source.reload().await.map_err(OAuthError::Unavailable)?;
        if client_id == refused.client_id && client_secret == refused.client_secret {
            return Ok(None);
        }
        let client = Arc::new(ApplicationSecret { client_id, client_secret, ..refused.clone() });
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&client);
        Ok(Some(client))
    }

    async fn token_call(&self, form: &[(&str, &str)]) -> Result<TokenAnswer, OAuthError> {
        let client = self.client();
        let first = self.token_call_as(&client, form).await;
        if !matches!(first, Err(OAuthError::Client(_))) {
            return first;
        }
        match self.reload(&client).await? {
            Some(newer) => self.token_call_as(&newer, form).await,
            None => first,
        }
    }

    async fn token_call_as(
        &self,
        client: &ApplicationSecret,
        form: &[(&str, &str)],
    ) -> Result<TokenAnswer, OAuthError> {
        let mut form = form.to_vec();
        form.push(("client_id", &client.client_id));
        form.push(("client_secret", &client.client_secret));
        let (status, body) = self.post(&client.token_uri, &form).await?;
        if status.is_success() {
            return answer(&body);
        }
        Err(refusal(status, &body))
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<(StatusCode, Vec<u8>), OAuthError> {
        // A `reqwest` error names the address, which carries no secret here; still, only its kind is told.
        let lost = |error: reqwest::Error| OAuthError::Unavailable(kind(&error).to_owned());
        let answer = self.http.post(url).timeout(TIME_OUT).form(form).send().await.map_err(lost)?;
        let status = answer.status();
        Ok((status, answer.bytes().await.map_err(lost)?.to_vec()))
    }

    fn authorise(&self, parameters: &[(&str, &str)]) -> String {
        let client = self.client();
        let common =
            [("client_id", client.client_id.as_str()), ("response_type", "code"), ("code_challenge_method", "S256")];
        match Url::parse_with_params(&client.auth_uri, common.iter().chain(parameters)) {
            Ok(url) => url.into(),
            // The address was checked when the configuration was read.
            Err(_) => client.auth_uri.clone(),
        }
    }
}

#[async_trait]
impl OAuth for GoogleOAuth {
    fn connect_url(&self, redirect: &str, state: &str, pkce_challenge: &str, login_hint: Option<&str>) -> String {
        let mut parameters = vec![
            ("redirect_uri", redirect),
            ("scope", GMAIL_SCOPE),
            // A refresh token comes only with offline access and a consent that is asked for.
            ("access_type", "offline"),
            ("prompt", "consent select_account"),
            ("state", state),
            ("code_challenge", pkce_challenge),
        ];
        parameters.extend(login_hint.map(|hint| ("login_hint", hint)));
        self.authorise(&parameters)
    }

    fn sign_in_url(&self, redirect: &str, state: &str, pkce_challenge: &str, nonce: &str) -> String {
        self.authorise(&[
            ("redirect_uri", redirect),
            ("scope", SIGN_IN_SCOPE),
            ("state", state),
            ("code_challenge", pkce_challenge),
            ("nonce", nonce),
        ])
    }

    async fn exchange(&self, code: &str, redirect: &str, pkce_verifier: &str) -> Result<TokenAnswer, OAuthError> {
        self.token_call(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", pkce_verifier),
        ])
        .await
    }

    async fn refresh(&self, refresh_token: &str) -> Result<TokenAnswer, OAuthError> {
        self.token_call(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn revoke(&self, token: &str) -> Result<(), OAuthError> {
        let (status, body) = self.post(&self.revoke, &[("token", token)]).await?;
        if status.is_success() {
            return Ok(());
        }
        // RFC 7009, section 2.2: what is not valid any more needs no revoking; Google says so with a 400.
        match code_of(&body).as_deref() {
            Some("invalid_token" | "invalid_grant") => Ok(()),
            _ => Err(refusal(status, &body)),
        }
    }

    async fn verify_id_token(&self, id_token: &str, nonce: &str, now: Timestamp) -> Result<IdToken, OAuthError> {
        let payload = self.jwks.verify(id_token).await.map_err(|error| match error {
            NotVerified::Refused(code) => OAuthError::Refused(format!("ID token: {code}")),
            NotVerified::KeysUnavailable => OAuthError::Unavailable("the issuer's keys".to_owned()),
        })?;
        let refused = |code: &str| OAuthError::Refused(format!("ID token: {code}"));
        let claims: IdClaims = serde_json::from_slice(&payload).map_err(|_| refused("claims"))?;
        if !is_issuer(&self.issuer, &claims.iss) {
            return Err(refused("issuer"));
        }
        let client = self.client();
        let party = claims.azp.as_deref().unwrap_or(&client.client_id);
        if claims.aud != client.client_id || party != client.client_id {
            return Err(refused("audience"));
        }
        // An empty nonce would match a token that was made for no browser at all.
        if nonce.is_empty() || claims.nonce.as_deref() != Some(nonce) {
            return Err(refused("nonce"));
        }
        if !claims.email_verified {
            return Err(refused("address not verified"));
        }
        if !in_time(claims.iat, claims.exp, now.as_secs()) {
            return Err(refused("time"));
        }
        let email = EmailAddress::parse(&claims.email).map_err(|_| refused("address"))?;
        Ok(IdToken { email, hosted_domain: claims.hd.map(|domain| domain.to_lowercase()) })
    }
}

#[derive(Deserialize)]
struct IdClaims {
    iss: String,
    aud: String,
    azp: Option<String>,
    nonce: Option<String>,
    email: String,
    email_verified: bool,
    hd: Option<String>,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct WireAnswer {
    access_token: String,
    expires_in: u64,
    refresh_token: Option<String>,
    refresh_token_expires_in: Option<u64>,
    scope: Option<String>,
    id_token: Option<String>,
}

fn answer(body: &[u8]) -> Result<TokenAnswer, OAuthError> {
    // Serde's message would quote the answer.
    let wire: WireAnswer =
        serde_json::from_slice(body).map_err(|_| OAuthError::Unavailable("an answer that is no token".to_owned()))?;
    if wire.access_token.is_empty() {
        return Err(OAuthError::Unavailable("an answer without a token".to_owned()));
    }
    Ok(TokenAnswer {
        access_token: wire.access_token,
        expires_in: Duration::from_secs(wire.expires_in),
        refresh_token: wire.refresh_token,
        refresh_expires_in: wire.refresh_token_expires_in.map(Duration::from_secs),
        scope: wire.scope,
        id_token: wire.id_token,
    })
}

#[derive(Deserialize)]
struct WireError {
    error: String,
    #[serde(default)]
    error_description: String,
}

fn code_of(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<WireError>(body).ok().map(|wire| wire.error)
}

/// Sorts a refusal (RFC 6749, section 5.2, and what Google adds).
fn refusal(status: StatusCode, body: &[u8]) -> OAuthError {
    let code = status.as_u16();
    if status.is_server_error() || code == 429 || code == 408 {
        return OAuthError::Unavailable(format!("status {code}"));
    }
    let Ok(wire) = serde_json::from_slice::<WireError>(body) else {
        return OAuthError::Unavailable(format!("status {code} without an error code"));
    };
    match wire.error.as_str() {
        "invalid_grant" => OAuthError::Grant(grant_problem(&wire.error_description)),
        "admin_policy_enforced" | "org_internal" => OAuthError::Grant(GrantProblemKind::BlockedByAdmin),
        "invalid_client" | "unauthorized_client" | "deleted_client" | "disabled_client" => {
            OAuthError::Client(wire.error)
        }
        "temporarily_unavailable" | "server_error" | "internal_failure" => OAuthError::Unavailable(wire.error),
        _ => OAuthError::Refused(safe_code(&wire.error)),
    }
}

/// Google has one text for a token that ran out and one that was taken back, "Token has been expired or revoked.";
/// only an account that is gone is told apart.
fn grant_problem(description: &str) -> GrantProblemKind {
    let text = description.to_lowercase();
    let gone = text.contains("deleted") || text.contains("account not found") || text.contains("disabled");
    let revoked = text.contains("revoked");
    if text.contains("admin_policy") {
        GrantProblemKind::BlockedByAdmin
    } else if gone || revoked {
        GrantProblemKind::Revoked
    } else {
        GrantProblemKind::Expired
    }
}

/// An error code is a word; what is no word might be anything.
fn safe_code(code: &str) -> String {
    let word = code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { code.to_owned() } else { "an unknown error".to_owned() }
}

pub(crate) fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "time-out"
    } else {
        "lost connection"
    }
}
