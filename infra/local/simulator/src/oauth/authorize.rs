//! The consent page: who, which permissions, allow or cancel.
//!
//! Invariant: nothing is redirected to an address that is not registered for the client, byte for byte.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::{EMAIL, PROFILE, TokenDeath, consent};
use crate::{
    error::Reason,
    faults::Style,
    gmail::Params,
    pages::{redirect, render},
    server::Sim,
    state::{Account, Code, World, canonical, random},
};

const CODE_LIFE_MS: i64 = 600_000;

/// A request that passed every check which does not depend on the person.
pub(super) struct Request {
    pub client_id: String,
    redirect: Url,
    redirect_uri: String,
    pub scopes: Vec<String>,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    offline: bool,
    prompt: Vec<String>,
    login_hint: Option<String>,
    /// Only accounts of this organisation are offered; `*`: of any.
    hosted_domain: Option<String>,
    /// What was granted to the client before is granted again along with this.
    include_granted: bool,
}

impl Request {
    fn prompts(&self, wanted: &str) -> bool {
        self.prompt.iter().any(|prompt| prompt == wanted)
    }

    /// Whether the account is the one that the application suggests, by address or by number.
    fn hints_at(&self, account: &Account) -> bool {
        self.login_hint.as_ref().is_some_and(|hint| *hint == account.config.address || *hint == account.sub)
    }

    fn offers(&self, world: &World, account: &Account) -> bool {
        let domain = account.config.hosted_domain.as_deref();
        world.rules.can_sign_in(&account.config.address)
            && match self.hosted_domain.as_deref() {
                None => true,
                Some("*") => domain.is_some(),
                Some(wanted) => domain.is_some_and(|domain| domain.eq_ignore_ascii_case(wanted)),
            }
    }
}

/// A refusal on Google's own page, never handed to the application.
pub(super) struct Refused {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
}

pub(super) fn refuse<T>(status: u16, code: &str, message: impl Into<String>) -> Result<T, Refused> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Err(Refused { status, code: code.to_owned(), message: message.into() })
}

fn check(world: &World, params: &Params) -> Result<Request, Refused> {
    let Some(client_id) = params.get("client_id") else {
        return refuse(400, "invalid_request", "Missing required parameter: client_id");
    };
    let Some(client) = world.clients.iter().find(|client| client.client_id == client_id) else {
        return refuse(401, "invalid_client", "The OAuth client was not found.");
    };
    if world.rules.lies_on_client(client_id, TokenDeath::ClientDeleted) {
        return refuse(401, "deleted_client", "The OAuth client was deleted.");
    }
    if world.rules.lies_on_client(client_id, TokenDeath::ClientUnauthorized) {
        return refuse(401, "unauthorized_client", "The client is not authorized to request a code.");
    }
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
    one_of(params, "access_type", &["online", "offline"])?;
    one_of(params, "include_granted_scopes", &["true", "false"])?;
    let prompt: Vec<String> = params.get("prompt").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let known = |prompt: &String| ["none", "consent", "select_account"].contains(&prompt.as_str());
    if !prompt.iter().all(known) || (prompt.len() > 1 && prompt.iter().any(|prompt| prompt == "none")) {
        return refuse(400, "invalid_request", "Invalid parameter value for prompt");
    }
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
        prompt,
        login_hint: own("login_hint").map(|hint| canonical(&hint)),
        hosted_domain: own("hd"),
        include_granted: params.get("include_granted_scopes") == Some("true"),
    })
}

fn one_of(params: &Params, key: &str, known: &[&str]) -> Result<(), Refused> {
    match params.get(key) {
        Some(value) if !known.contains(&value) => {
            refuse(400, "invalid_request", format!("Invalid parameter value for {key}: Invalid {key}: {value}"))
        }
        _ => Ok(()),
    }
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
    code: String,
    message: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let reason = Reason(self.code.clone());
        let page = RefusedPage { status: self.status.as_u16(), code: self.code, message: self.message };
        let mut response = render(self.status, &page);
        response.extensions_mut().insert(reason);
        response
    }
}

fn signs_in(scope: &str) -> bool {
    scope == "openid" || scope == EMAIL || scope == PROFILE
}

pub(super) async fn page(State(sim): State<Arc<Sim>>, params: Params, headers: HeaderMap) -> Response {
    sim.call("oauth2.auth", None, 0, Style::OAuth, || {
        if embedded(&headers) {
            return consent::disallowed().into_response();
        }
        let request = match sim.read(|world| check(world, &params)) {
            Ok(request) => request,
            Err(refused) => return refused.into_response(),
        };
        if request.prompts("none") {
            return silent(&sim, &request);
        }
        let permissions: Vec<Permission> = request
            .scopes
            .iter()
            .filter(|scope| !signs_in(scope))
            .map(|scope| Permission { scope: scope.clone(), meaning: meaning(scope) })
            .collect();
        let sign_in = request.scopes.iter().any(|scope| signs_in(scope));
        let accounts = sim.read(|world| {
            let offered: Vec<&Account> = world.accounts.values().filter(|one| request.offers(world, one)).collect();
            let hinted = offered.iter().any(|account| request.hints_at(account));
            let choose = |(number, account): (usize, &&Account)| Choice {
                address: account.config.address.clone(),
                name: account.config.name.clone(),
                chosen: if hinted { request.hints_at(account) } else { number == 0 },
            };
            offered.iter().enumerate().map(choose).collect()
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
        let known = |address: &String| {
            sim.read(|world| world.accounts.contains_key(address) && world.rules.can_sign_in(address))
        };
        let Some(address) = account.filter(known) else {
            let message = "Choose an account.".to_owned();
            return Refused { status: StatusCode::BAD_REQUEST, code: "invalid_request".to_owned(), message }
                .into_response();
        };
        if let Err(refused) = sim.read(|world| consent::admits(world, &request, &address)) {
            return refused.into_response();
        }
        match consent::fault(&sim, &address) {
            Some(consent::Fault::Page(refused)) => return refused.into_response(),
            Some(consent::Fault::Error(code)) => return answer(&request, &[("error", &code)]),
            None => {}
        }
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
        grant(&sim, &request, address, granted, "consent")
    })
    .await
}

/// The redirect that hands the application its code.
fn grant(sim: &Sim, request: &Request, address: String, mut granted: Vec<String>, prompt: &str) -> Response {
    if request.include_granted {
        for scope in sim.read(|world| granted_before(world, request, &address)) {
            if !granted.contains(&scope) {
                granted.push(scope);
            }
        }
    }
    let scope = granted.join(" ");
    let domain = sim.read(|world| world.accounts.get(&address)?.config.hosted_domain.clone());
    let code = issue(sim, request, address, granted);
    let mut pairs = vec![("code", code.as_str()), ("scope", scope.as_str()), ("authuser", "0")];
    if let Some(domain) = &domain {
        pairs.push(("hd", domain));
    }
    pairs.push(("prompt", prompt));
    answer(request, &pairs)
}

/// What the account has granted to the client so far.
fn granted_before(world: &World, request: &Request, address: &str) -> Vec<String> {
    let own = |grant: &&crate::state::Grant| grant.client_id == request.client_id && grant.address == address;
    let live = world.grants.iter().filter(own).filter(|grant| world.live(grant));
    live.flat_map(|grant| grant.scopes.clone()).collect()
}

/// `prompt=none`: the suggested account answers without a page if it granted all of this before.
fn silent(sim: &Sim, request: &Request) -> Response {
    let granted = sim.read(|world| {
        let account = world.accounts.values().find(|one| request.offers(world, one) && request.hints_at(one))?;
        let address = account.config.address.clone();
        let before = granted_before(world, request, &address);
        request.scopes.iter().all(|scope| before.contains(scope)).then_some(address)
    });
    match granted {
        Some(address) => grant(sim, request, address, request.scopes.clone(), "none"),
        None => answer(request, &[("error", "interaction_required")]),
    }
}

/// Whether a browser inside another application asks; Google does not let people sign in there.
fn embedded(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    agent.contains("; wv)") || (agent.contains("iPhone") && !agent.contains("Safari/"))
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
                consent: first || request.prompts("consent"),
                expires_ms: now + CODE_LIFE_MS,
                used_by: None,
            },
        );
    });
    code
}

fn answer(request: &Request, pairs: &[(&str, &str)]) -> Response {
    let reason = pairs.iter().find(|(key, _)| *key == "error").map(|(_, code)| Reason((*code).to_owned()));
    let mut url = request.redirect.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
        query.extend_pairs(pairs);
    }
    let mut response = redirect(url.as_str());
    if let Some(reason) = reason {
        response.extensions_mut().insert(reason);
    }
    response
}
