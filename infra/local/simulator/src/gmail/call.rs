//! One API call: what the request brought, who makes it, and the way it takes through limits, faults and the log.
//!
//! Invariant: every method runs through [`run`], so that none escapes authorisation, quota, faults or the log.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request as HttpRequest},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{METADATA, Params, fields, resumable, strict, upload::Request};
use crate::{
    error::ApiError,
    faults::Style,
    server::Sim,
    state::{World, canonical},
    stopwatch::Stopwatch,
};

pub(super) type Answer = Result<Value, ApiError>;
type Work = fn(&mut World, &Caller, &Call) -> Answer;

/// One method of the API: its name in the log, its price, and the scopes any of which admits to it.
pub(super) struct Method {
    pub name: &'static str,
    units: u32,
    /// Whether the state is worth saving afterwards.
    changes: bool,
    scopes: &'static [&'static str],
    /// How large an uploaded mail may be; `None`: nothing is uploaded.
    pub media: Option<usize>,
    work: Work,
}

impl Method {
    pub const fn look(name: &'static str, units: u32, scopes: &'static [&'static str], work: Work) -> Self {
        Self { name, units, changes: false, scopes, media: None, work }
    }

    pub const fn change(name: &'static str, units: u32, scopes: &'static [&'static str], work: Work) -> Self {
        Self { name, units, changes: true, scopes, media: None, work }
    }

    pub const fn upload(
        name: &'static str,
        units: u32,
        scopes: &'static [&'static str],
        limit: usize,
        work: Work,
    ) -> Self {
        Self { name, units, changes: true, scopes, media: Some(limit), work }
    }

    /// The same, for requests that only prepare the call.
    pub const fn without_price(&self) -> Self {
        Self { units: 0, ..*self }
    }
}

/// An admitted caller.
pub(super) struct Caller {
    /// The mailbox, as the world keys it.
    pub address: String,
    pub client_id: String,
    /// Admitted by `gmail.metadata` alone: no bodies, no search.
    pub metadata_only: bool,
}

/// What a request brought.
pub(super) struct Call {
    pub sim: Arc<Sim>,
    names: Vec<(String, String)>,
    pub path: String,
    pub params: Params,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The mail of a resumable upload, once it is whole.
    pub assembled: Option<Request>,
    /// The token that began a resumable upload; its later requests need none.
    pub token: Option<String>,
    /// How large an uploaded mail may be.
    pub media_limit: usize,
    /// Name of the method that runs, by which its request is checked.
    method: &'static str,
}

impl FromRequest<Arc<Sim>> for Call {
    type Rejection = Response;

    async fn from_request(request: HttpRequest, sim: &Arc<Sim>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let names = RawPathParams::from_request_parts(&mut parts, sim)
            .await
            .map_err(|_| ApiError::invalid("The path is not valid UTF-8").into_response())?;
        let names = names.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let headers = parts.headers.clone();
        let (path, params) = (parts.uri.path().to_owned(), Params::parse(parts.uri.query().unwrap_or_default()));
        let body = Bytes::from_request(HttpRequest::from_parts(parts, body), sim).await.map_err(|refused| {
            tracing::debug!(status = refused.status().as_u16(), "a body was not taken");
            ApiError::too_large().into_response()
        })?;
        let token = bearer(&headers).map(str::to_owned);
        let sim = sim.clone();
        Ok(Self { sim, names, path, params, headers, body, assembled: None, token, media_limit: 0, method: "" })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

impl Call {
    /// A variable of the route.
    pub fn name(&self, key: &str) -> &str {
        self.names.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.as_str())
    }

    pub fn id(&self) -> &str {
        self.name("id")
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApiError> {
        let value = super::json_body(&self.body)?;
        strict::body(self.method, &value)?;
        serde_json::from_value(value)
            .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))
    }

    /// The request as one that carries a mail.
    pub fn mail_request(&self) -> Result<Request, ApiError> {
        if let Some(request) = &self.assembled {
            return Ok(request.clone());
        }
        let request = Request::read(&self.path, &self.params, &self.headers, &self.body, self.media_limit)?;
        strict::body(self.method, &request.meta)?;
        Ok(request)
    }
}

/// Admits the caller, runs the method on the world and logs the call.
pub(super) async fn run(mut call: Call, method: &'static Method) -> Response {
    call.method = method.name;
    if let Some(limit) = method.media {
        call.media_limit = limit;
        if resumable::is_one(&call) {
            match resumable::step(&mut call, method).await {
                Ok(Some(answer)) => return answer,
                Ok(None) => {}
                Err(error) => return error.into_response(),
            }
        }
    }
    let watch = Stopwatch::start();
    let sim = call.sim.clone();
    let account = account(&call);
    let slot = account.as_deref().map(|address| sim.limiter.enter(&sim, address));
    sim.call_since(watch, method.name, account.clone(), method.units, Style::Api, || {
        let refused = match &slot {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        };
        let result = refused
            .and_then(|()| admit(&call, method, account.as_deref()))
            .and_then(|caller| strict::query(method.name, &call.params).map(|()| caller))
            .and_then(|caller| sim.with(method.changes, |world| (method.work)(world, &caller, &call)))
            .and_then(|value| match call.params.get("fields") {
                Some(wanted) if !value.is_null() => fields::choose(value, wanted),
                _ => Ok(value),
            });
        match result {
            Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
            Ok(value) => Json(value).into_response(),
            Err(error) => error.into_response(),
        }
    })
    .await
}

/// The account that the call's token stands for.
pub(super) fn account(call: &Call) -> Option<String> {
    let token = call.token.as_deref()?;
    call.sim.read(|world| world.access(token).map(|access| access.address.clone()))
}

/// Checks token, user, scope and quota, in this order.
pub(super) fn admit(call: &Call, method: &Method, account: Option<&str>) -> Result<Caller, ApiError> {
    let (Some(token), Some(address)) = (call.token.as_deref(), account) else {
        return Err(ApiError::unauthenticated());
    };
    let user = call.name("user");
    if user != "me" && canonical(user) != address {
        return Err(ApiError::new(403, "forbidden", format!("Delegation denied for {address}")));
    }
    let known = call.sim.read(|world| {
        let access = world.access(token)?;
        Some((access.scopes.clone(), world.client_of(access.grant)))
    });
    let (scopes, client_id) = known.ok_or_else(ApiError::unauthenticated)?;
    let mut admitting = scopes.iter().filter(|scope| method.scopes.contains(&scope.as_str())).peekable();
    if admitting.peek().is_none() {
        return Err(ApiError::insufficient_scope());
    }
    let metadata_only = admitting.all(|scope| scope == METADATA);
    call.sim.limiter.spend(&call.sim, address, &client_id, method.units)?;
    Ok(Caller { address: address.to_owned(), client_id, metadata_only })
}
