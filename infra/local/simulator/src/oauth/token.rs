//! The token endpoint and revocation.
//!
//! Invariant: a code yields tokens at most once; a second use also ends what the first one gave.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Refusal, error, id_token, no_store, refuse};
use crate::{
    config::Client,
    faults::Style,
    gmail::Params,
    server::Sim,
    state::{Grant, World},
};

pub(super) async fn exchange(State(sim): State<Arc<Sim>>, body: String) -> Response {
    let form = Params::parse(&body);
    let (method, account) = match form.get("grant_type") {
        Some("authorization_code") => {
            let code = form.get("code").unwrap_or_default();
            ("oauth2.token.code", sim.read(|world| world.codes.get(code).map(|code| code.address.clone())))
        }
        Some("refresh_token") => {
            let token = form.get("refresh_token").unwrap_or_default();
            let account = sim.read(|world| world.grant_by_refresh_token(token).map(|grant| grant.address.clone()));
            ("oauth2.token.refresh", account)
        }
        _ => ("oauth2.token", None),
    };
    sim.call(method, account, 0, Style::OAuth, || {
        let result = match form.get("grant_type") {
            Some("authorization_code") => sim.write(|world| redeem(world, &form)),
            Some("refresh_token") => sim.write(|world| refresh(world, &form)).map(|grant| (grant, None, false)),
            Some(_) => Err((400, "unsupported_grant_type", "Invalid grant_type").into()),
            None => Err((400, "invalid_request", "Required parameter is missing: grant_type").into()),
        };
        match result {
            Ok((grant, nonce, first)) => tokens(&sim, &grant, nonce.as_deref(), first),
            Err(refusal) => refuse(refusal),
        }
    })
    .await
}

fn client(world: &World, form: &Params) -> Result<Client, Refusal<'static>> {
    let id = form.get("client_id").ok_or((400, "invalid_request", "Could not determine client ID from request."))?;
    let client = world.clients.iter().find(|client| client.client_id == id).ok_or((
        401,
        "invalid_client",
        "The OAuth client was not found.",
    ))?;
    if let Some(refusal) = world.rules.client_refusal(id) {
        return Err(refusal);
    }
    match form.get("client_secret") {
        Some(secret) if secret == client.client_secret => Ok(client.clone()),
        Some(_) => Err((401, "invalid_client", "The provided client secret is invalid.").into()),
        None => Err((400, "invalid_request", "client_secret is missing.").into()),
    }
}

fn redeem(world: &mut World, form: &Params) -> Result<(Grant, Option<String>, bool), Refusal<'static>> {
    let client = client(world, form)?;
    let text = form.get("code").ok_or((400, "invalid_request", "Missing required parameter: code"))?;
    let code = world.codes.get(text).cloned().ok_or((400, "invalid_grant", "Malformed auth code."))?;
    if let Some(grant) = code.used_by {
        for known in world.grants.iter_mut().filter(|known| known.id == grant) {
            known.revoked = true;
        }
        return Err((400, "invalid_grant", "Bad Request").into());
    }
    if code.client_id != client.client_id || code.expires_ms <= world.now_ms() {
        return Err((400, "invalid_grant", "Bad Request").into());
    }
    if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err((400, "redirect_uri_mismatch", "Bad Request").into());
    }
    match (&code.challenge, form.get("code_verifier")) {
        (None, None) => {}
        (Some(_), None) => return Err((400, "invalid_grant", "Missing code verifier.").into()),
        (None, Some(_)) => return Err((400, "invalid_grant", "code_verifier or verifier is not needed.").into()),
        (Some(challenge), Some(verifier)) => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            if BASE64_URL_SAFE_NO_PAD.encode(hash.as_ref()) != *challenge {
                return Err((400, "invalid_grant", "Invalid code verifier.").into());
            }
        }
    }
    let grant = world.add_grant(&client, &code.address, &code.scopes, code.offline && code.consent);
    if let Some(code) = world.codes.get_mut(text) {
        code.used_by = Some(grant.id);
    }
    Ok((grant, code.nonce, true))
}

fn refresh(world: &mut World, form: &Params) -> Result<Grant, Refusal<'static>> {
    let client = client(world, form)?;
    let token =
        form.get("refresh_token").ok_or((400, "invalid_request", "Missing required parameter: refresh_token"))?;
    let grant = world.grant_by_refresh_token(token).filter(|grant| grant.client_id == client.client_id).ok_or((
        400,
        "invalid_grant",
        "Bad Request",
    ))?;
    if let Some(death) = world.death(grant) {
        return Err(death.refusal());
    }
    let (now, used) = (world.now_ms(), grant.id);
    let grant = world.grants.iter_mut().find(|grant| grant.id == used).ok_or((400, "invalid_grant", "Bad Request"))?;
    grant.used_ms = Some(now);
    Ok(grant.clone())
}

/// The success answer; only the first one of a grant carries its refresh token.
fn tokens(sim: &Sim, grant: &Grant, nonce: Option<&str>, first: bool) -> Response {
    let id_token = match id_token(sim, grant, nonce) {
        Ok(token) => token,
        Err(failure) => {
            tracing::error!(error = %failure, "an id token could not be signed");
            return error(500, "server_error", "Internal error");
        }
    };
    let seconds = sim.config.access_token_seconds;
    let access = sim.write(|world| world.add_access(grant, seconds));
    let mut body = json!({
        "access_token": access.token,
        "expires_in": seconds,
        "scope": grant.scopes.join(" "),
        "token_type": "Bearer",
    });
    if let Some(token) = id_token {
        body["id_token"] = json!(token);
    }
    if let (true, Some(token)) = (first, &grant.refresh_token) {
        body["refresh_token"] = json!(token);
    }
    if let Some(end) = grant.expires_ms.filter(|_| grant.refresh_token.is_some()) {
        let left = (end - sim.read(World::now_ms)) / 1_000;
        body["refresh_token_expires_in"] = json!(left.max(0));
    }
    (no_store(), Json(body)).into_response()
}

pub(super) async fn revoke(State(sim): State<Arc<Sim>>, params: Params, body: String) -> Response {
    let form = Params::parse(&body);
    let token = form.get("token").or_else(|| params.get("token")).unwrap_or_default();
    let owner = sim.read(|world| {
        let id = world.access(token).map(|access| access.grant);
        let grant = world.grants.iter().find(|grant| {
            Some(grant.id) == id || (!token.is_empty() && grant.refresh_token.as_deref() == Some(token))
        })?;
        world.live(grant).then(|| (grant.address.clone(), grant.client_id.clone()))
    });
    sim.call("oauth2.revoke", owner.as_ref().map(|(address, _)| address.clone()), 0, Style::OAuth, || {
        let Some((address, client_id)) = owner else {
            return error(400, "invalid_token", "Token expired or revoked");
        };
        // Either token ends everything that the person granted to this client.
        sim.write(|world| world.revoke(&address, Some(&client_id)));
        Json(json!({})).into_response()
    })
    .await
}
