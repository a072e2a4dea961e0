//! OAuth 2 and OpenID Connect as Google speaks them.

mod authorize;
mod consent;
mod death;
mod token;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    error::{ApiError, Reason},
    faults::Style,
    keys::KeyError,
    server::Sim,
    state::Grant,
};

pub(crate) use death::Rules;
pub use death::{EndTokens, Restore, TokenDeath};

pub(crate) const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
pub(crate) const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/oauth2/v3/certs", get(certs))
        .route("/oauth2/v3/userinfo", get(userinfo))
        .route("/o/oauth2/v2/auth", get(authorize::page).post(authorize::decide))
        .route("/token", post(token::exchange))
        .route("/revoke", post(token::revoke))
}

async fn discovery(State(sim): State<Arc<Sim>>) -> Response {
    sim.call("oauth2.discovery", None, 0, Style::OAuth, || {
        let base = &sim.base;
        Json(json!({
            "issuer": sim.issuer,
            "authorization_endpoint": format!("{base}/o/oauth2/v2/auth"),
            "token_endpoint": format!("{base}/token"),
            "userinfo_endpoint": format!("{base}/oauth2/v3/userinfo"),
            "revocation_endpoint": format!("{base}/revoke"),
            "jwks_uri": format!("{base}/oauth2/v3/certs"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "hd", "iat", "iss", "name", "sub"],
            "code_challenge_methods_supported": ["S256"],
        }))
        .into_response()
    })
    .await
}

async fn certs(State(sim): State<Arc<Sim>>) -> Response {
    sim.call("oauth2.certs", None, 0, Style::OAuth, || {
        let mut response = Json(sim.jwks()).into_response();
        response.headers_mut().insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=19200, must-revalidate, no-transform"),
        );
        response
    })
    .await
}

async fn userinfo(State(sim): State<Arc<Sim>>, headers: HeaderMap) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let access = token.and_then(|token| sim.read(|world| world.access(token).cloned()));
    let account = access.as_ref().map(|access| access.address.clone());
    sim.call("oauth2.userinfo", account, 0, Style::OAuth, || {
        let Some(access) = access.filter(|access| access.scopes.iter().any(|scope| scope == "openid")) else {
            return error(401, "invalid_request", "Invalid Credentials");
        };
        match sim.read(|world| person(world, &access.address, &access.scopes)) {
            Some(claims) => Json(claims).into_response(),
            None => error(401, "invalid_request", "Invalid Credentials"),
        }
    })
    .await
}

/// What is said of a person to whom the scopes were granted.
fn person(world: &crate::state::World, address: &str, scopes: &[String]) -> Option<Value> {
    let account = world.accounts.get(address)?;
    let has = |wanted: &str| scopes.iter().any(|scope| scope == wanted);
    let mut claims = json!({"sub": account.sub});
    if has(EMAIL) {
        claims["email"] = json!(account.config.address);
        claims["email_verified"] = json!(true);
    }
    if let Some(domain) = &account.config.hosted_domain {
        claims["hd"] = json!(domain);
    }
    if has(PROFILE) {
        claims["name"] = json!(account.config.name);
    }
    Some(claims)
}

fn id_token(sim: &Sim, grant: &Grant, nonce: Option<&str>) -> Result<Option<String>, KeyError> {
    if !grant.scopes.iter().any(|scope| scope == "openid") {
        return Ok(None);
    }
    let Some((mut claims, now)) =
        sim.read(|world| Some((person(world, &grant.address, &grant.scopes)?, world.now_ms() / 1_000)))
    else {
        return Ok(None);
    };
    claims["iss"] = json!(sim.issuer);
    claims["aud"] = json!(grant.client_id);
    claims["azp"] = json!(grant.client_id);
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 3_600);
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    sim.sign(&claims).map(Some)
}

/// An error of the token endpoint.
fn error(status: u16, code: &str, description: &str) -> Response {
    refuse(Refusal { status, code, description, more: &[] })
}

/// A refusal of the token endpoint; `more` holds the members that only some have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal<'a> {
    status: u16,
    code: &'a str,
    description: &'a str,
    more: &'static [(&'static str, &'static str)],
}

impl From<(u16, &'static str, &'static str)> for Refusal<'static> {
    fn from((status, code, description): (u16, &'static str, &'static str)) -> Self {
        Self { status, code, description, more: &[] }
    }
}

fn refuse(refusal: Refusal<'_>) -> Response {
    let mut body = json!({"error": refusal.code, "error_description": refusal.description});
    for (key, value) in refusal.more {
        body[*key] = json!(value);
    }
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = (status, no_store(), Json(body)).into_response();
    response.extensions_mut().insert(Reason(refusal.code.to_owned()));
    response
}

fn no_store() -> [(header::HeaderName, &'static str); 2] {
    [(header::CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate"), (header::PRAGMA, "no-cache")]
}

/// A fault in the wire form of this endpoint.
pub(crate) fn refusal(fault: &ApiError) -> Response {
    let mut response = error(fault.code, &fault.reason, &fault.message);
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
