//! The consent page: who, which permissions, allow or cancel.
//!
//! Invariant: nothing is redirected to an address that is not registered for the client, byte for byte.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use url::Url;

use super::{EMAIL, PROFILE};
use crate::{
    faults::Style,
    gmail::Params,
    pages::{redirect, render},
    server::Sim,
    state::{Code, World, canonical, random},
};

const CODE_LIFE_MS: i64 = 600_000;

/// A request that passed every check which does not depend on the person.
struct Request {
    client_id: String,
    redirect: Url,
    redirect_uri: String,
    scopes: Vec<String>,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    offline: bool,
    prompt: String,
    login_hint: Option<String>,
}

struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

fn refuse<T>(status: u16, code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Err(Refused { status, code, message: message.into() })
}

fn check(world: &World, params: &Params) -> Result<Request, Refused> {
    let Some(client_id) = params.get("client_id") else {
        return refuse(400, "invalid_request", "Missing required parameter: client_id");
    };
    let Some(client) = world.clients.iter().find(|client| client.client_id == client_id) else {
        return refuse(401, "invalid_client", "The OAuth client was not found.");
    };
    let Some(redirect_uri) = params.get("redirect_uri") else {
        return refuse(400, "invalid_request", "Missing required parameter: redirect_uri");
    };
    let redirect = match Url::parse(redirect_uri) {
        Ok(url) if client.redirect_uris.iter().any(|known| known == redirect_uri) => url,
        _ => {
            return refuse(
                400,
                "redirect_uri_mismatch",
                "The redirect URI in the request does not match the ones authorized for the OAuth client.",
            );
        }
    };
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return refuse(400, "unsupported_response_type", "Only response_type=code is supported here."),
        None => return refuse(400, "invalid_request", "Missing required parameter: response_type"),
    }
    let challenge = match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) => None,
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Some(challenge.to_owned()),
        _ => {
            return refuse(
                400,
                "invalid_request",
                "Invalid parameter value for code_challenge_method or code_challenge",
            );
        }
    };
    let Some(scopes) = params.get("scope") else {
        return refuse(400, "invalid_request", "Missing required parameter: scope");
    };
    let scopes = scopes
        .split_whitespace()
        .map(|scope| match expand(scope) {
            Some(scope) => Ok(scope.to_owned()),
            None => refuse(400, "invalid_scope", format!("Some requested scopes were invalid: {scope}")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let own = |key: &str| params.get(key).map(str::to_owned);
    Ok(Request {
        client_id: client_id.to_owned(),
        redirect,
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: own("state"),
        nonce: own("nonce"),
        challenge,
        offline: params.get("access_type") == Some("offline"),
        prompt: own("prompt").unwrap_or_default(),
        login_hint: own("login_hint").map(|hint| canonical(&hint)),
    })
}

/// Short names of the sign-in scopes become what the token answer names.
fn expand(scope: &str) -> Option<&str> {
    match scope {
        "openid" => Some("openid"),
        "email" | EMAIL => Some(EMAIL),
        "profile" | PROFILE => Some(PROFILE),
        "https://mail.google.com/" => Some(scope),
        _ => scope.strip_prefix("https://www.googleapis.com/auth/gmail.").map(|_| scope),
    }
}

fn meaning(scope: &str) -> &'static str {
    match scope.rsplit('/').next().unwrap_or_default() {
        "gmail.modify" => "Read, compose, and send emails from your Gmail account",
        "gmail.readonly" => "View your email messages and settings",
        "gmail.compose" => "Manage drafts and send emails",
        "gmail.labels" => "See and edit your email labels",
        "gmail.send" => "Send email on your behalf",
        "gmail.metadata" => "View your email message metadata such as labels and headers",
        "" => "Read, compose, send, and permanently delete all your email from Gmail",
        _ => "Manage your Gmail account",
    }
}

struct Choice {
    address: String,
    name: String,
    chosen: bool,
}

struct Permission {
    scope: String,
    meaning: &'static str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent {
    client: String,
    accounts: Vec<Choice>,
    sign_in: bool,
    permissions: Vec<Permission>,
    /// Whether each permission has a box of its own, as Google shows when there is more than one thing to grant.
    granular: bool,
    hidden: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    status: u16,
    code: &'static str,
    message: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        render(self.status, &RefusedPage { status: self.status.as_u16(), code: self.code, message: self.message })
    }
}

fn signs_in(scope: &str) -> bool {
    scope == "openid" || scope == EMAIL || scope == PROFILE
}

pub(super) async fn page(State(sim): State<Arc<Sim>>, params: Params) -> Response {
    sim.call("oauth2.auth", None, 0, Style::OAuth, || {
        let request = match sim.read(|world| check(world, &params)) {
            Ok(request) => request,
            Err(refused) => return refused.into_response(),
        };
        if request.prompt == "none" {
            return answer(&request, &[("error", "interaction_required")]);
        }
        let permissions: Vec<Permission> = request
            .scopes
            .iter()
            .filter(|scope| !signs_in(scope))
            .map(|scope| Permission { scope: scope.clone(), meaning: meaning(scope) })
            .collect();
        let sign_in = request.scopes.iter().any(|scope| signs_in(scope));
        let accounts = sim.read(|world| {
            let hinted = request.login_hint.as_ref().filter(|hint| world.accounts.contains_key(*hint));
            world
                .accounts
                .values()
                .enumerate()
                .map(|(number, account)| Choice {
                    address: account.config.address.clone(),
                    name: account.config.name.clone(),
                    chosen: hinted.map_or(number == 0, |hint| *hint == account.config.address),
                })
                .collect()
        });
        render(
            StatusCode::OK,
            &Consent {
                client: request.client_id,
                accounts,
                sign_in,
                granular: permissions.len() + usize::from(sign_in) > 1,
                permissions,
                hidden: params.pairs().to_vec(),
            },
        )
    })
    .await
}

pub(super) async fn decide(State(sim): State<Arc<Sim>>, body: String) -> Response {
    let form = Params::parse(&body);
    let account = form.get("account").map(canonical);
    sim.call("oauth2.decide", account.clone(), 0, Style::OAuth, || {
        let request = match sim.read(|world| check(world, &form)) {
            Ok(request) => request,
            Err(refused) => return refused.into_response(),
        };
        if form.get("decision") != Some("allow") {
            return answer(&request, &[("error", "access_denied")]);
        }
        let Some(address) = account.filter(|address| sim.read(|world| world.accounts.contains_key(address))) else {
            return Refused {
                status: StatusCode::BAD_REQUEST,
                code: "invalid_request",
                message: "Choose an account.".to_owned(),
            }
            .into_response();
        };
        let granted: Vec<String> = match form.get("granular") {
            None => request.scopes.clone(),
            Some(_) => {
                let ticked = form.all("grant");
                request.scopes.iter().filter(|s| signs_in(s) || ticked.contains(&s.as_str())).cloned().collect()
            }
        };
        if granted.is_empty() {
            return answer(&request, &[("error", "access_denied")]);
        }
        let scope = granted.join(" ");
        let code = issue(&sim, &request, address, granted);
        answer(&request, &[("code", &code), ("scope", &scope), ("authuser", "0"), ("prompt", "consent")])
    })
    .await
}

fn issue(sim: &Sim, request: &Request, address: String, scopes: Vec<String>) -> String {
    let code = format!("4/0A{}", random(48));
    sim.write(|world| {
        let now = world.now_ms();
        let first = !world
            .grants
            .iter()
            .any(|grant| grant.client_id == request.client_id && grant.address == address && world.live(grant));
        world.codes.retain(|_, code| code.expires_ms > now);
        world.codes.insert(
            code.clone(),
            Code {
                client_id: request.client_id.clone(),
                redirect_uri: request.redirect_uri.clone(),
                address,
                scopes,
                nonce: request.nonce.clone(),
                challenge: request.challenge.clone(),
                offline: request.offline,
                consent: first || request.prompt.split_whitespace().any(|prompt| prompt == "consent"),
                expires_ms: now + CODE_LIFE_MS,
                used_by: None,
            },
        );
    });
    code
}

fn answer(request: &Request, pairs: &[(&str, &str)]) -> Response {
    let mut url = request.redirect.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
        query.extend_pairs(pairs);
    }
    redirect(url.as_str())
}
