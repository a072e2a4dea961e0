//! Google's JSON error shape.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// The reason code of a refusal, carried with the response for the call log.
#[derive(Debug, Clone)]
pub(crate) struct Reason(pub String);

/// A moment as Google writes it in messages.
pub(crate) fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "1970-01-01T00:00:00.000Z".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// A refusal as the Gmail API words it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub struct ApiError {
    pub code: u16,
    pub domain: &'static str,
    pub reason: String,
    pub message: String,
    pub retry_after: Option<u64>,
}

impl ApiError {
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let domain = match reason {
            "rateLimitExceeded"
            | "userRateLimitExceeded"
            | "quotaExceeded"
            | "dailyLimitExceeded"
            | "accessNotConfigured" => "usageLimits",
            _ => "global",
        };
        Self { code, domain, reason: reason.to_owned(), message: message.into(), retry_after: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalidArgument", message)
    }

    pub fn not_found() -> Self {
        Self::new(404, "notFound", "Requested entity was not found.")
    }

    pub fn unauthenticated() -> Self {
        Self::new(
            401,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
             valid authentication credential.",
        )
    }

    pub fn insufficient_scope() -> Self {
        Self::new(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    }

    /// A body above the limit of its method.
    pub fn too_large() -> Self {
        Self::new(413, "uploadTooLarge", "Request Entity Too Large")
    }

    /// The name of the `google.rpc.Code`; an HTTP status that none of them stands for has none.
    fn status(&self) -> Option<&'static str> {
        Some(match (self.code, self.reason.as_str()) {
            (400, "failedPrecondition") => "FAILED_PRECONDITION",
            (400, _) => "INVALID_ARGUMENT",
            (401, _) => "UNAUTHENTICATED",
            (403, _) => "PERMISSION_DENIED",
            (404, _) => "NOT_FOUND",
            (409, "alreadyExists") => "ALREADY_EXISTS",
            (409, _) => "ABORTED",
            (429, _) => "RESOURCE_EXHAUSTED",
            (500, _) => "INTERNAL",
            (501, _) => "UNIMPLEMENTED",
            (503, _) => "UNAVAILABLE",
            (504, _) => "DEADLINE_EXCEEDED",
            _ => return None,
        })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut detail = json!({"domain": self.domain, "reason": self.reason, "message": self.message});
        if self.code == 401 {
            detail["location"] = json!("Authorization");
            detail["locationType"] = json!("header");
        }
        let mut error = json!({"code": self.code, "message": self.message, "errors": [detail]});
        if let Some(status) = self.status() {
            error["status"] = json!(status);
        }
        let body = json!({"error": error});
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(body)).into_response();
        response.extensions_mut().insert(Reason(self.reason));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == 401 {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""),
            );
        }
        response
    }
}
