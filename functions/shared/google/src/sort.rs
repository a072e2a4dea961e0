//! What a failed call to Gmail means: the one place that reads Google's error forms.

use channel::ports::GmailError;
use channel::record::GrantProblemKind;
use channel::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// A moment farther away than this is not taken at its word.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A call that did not succeed, as it came.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Sorted already: there was no token to call with.
    Token(GmailError),
    /// An answer with an error status; `body` is null when it is no JSON.
    Answer { status: u16, retry_after: Option<String>, body: Value },
    /// Certain not to have reached Gmail.
    NotSent(&'static str),
    /// Sent, and no answer that can be read.
    Lost(&'static str),
    /// More bytes than Gmail takes.
    TooLarge,
}

impl Failure {
    pub fn is_unauthorised(&self) -> bool {
        matches!(self, Self::Answer { status: 401, .. })
    }

    /// Whether Gmail's message says `text`.
    pub fn says(&self, text: &str) -> bool {
        matches!(self, Self::Answer { body, .. } if message(body).contains(text))
    }

    pub fn sorted(self, now: Timestamp) -> GmailError {
        match self {
            Self::Token(error) => error,
            Self::NotSent(reason) => GmailError::Unavailable(reason.to_owned()),
            Self::Lost(reason) => GmailError::Unknown(reason.to_owned()),
            Self::TooLarge => GmailError::Refused("too large".to_owned()),
            Self::Answer { status, retry_after, body } => refusal(status, retry_after.as_deref(), &body, now),
        }
    }
}

/// The forms that Gmail is known to use for each meaning.
fn refusal(status: u16, retry_after: Option<&str>, body: &Value, now: Timestamp) -> GmailError {
    let limited = || GmailError::RateLimited { until: until(message(body), retry_after, now) };
    match (status, meaning(body)) {
        (429, _) | (403, Meaning::RateLimit) => limited(),
        (401, _) => GmailError::Grant(GrantProblemKind::Expired),
        (403, Meaning::Scope) => GmailError::Grant(GrantProblemKind::ScopeMissing),
        (403, Meaning::Policy) => GmailError::Grant(GrantProblemKind::BlockedByAdmin),
        (400, Meaning::Precondition) => GmailError::Precondition,
        (404, _) => GmailError::NotFound,
        (409, _) => GmailError::Conflict,
        // The server gave up waiting for the request; what it had done by then is not said.
        (408, _) => GmailError::Unknown("status 408".to_owned()),
        (400..=499, _) => GmailError::Refused(code(status, body)),
        _ => GmailError::Unknown(format!("status {status}")),
    }
}

#[derive(PartialEq, Eq)]
enum Meaning {
    RateLimit,
    Scope,
    Policy,
    Precondition,
    Other,
}

fn meaning(body: &Value) -> Meaning {
    let of = |reason: &str| match reason {
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "quotaExceeded"
        | "dailyLimitExceeded"
        | "RATE_LIMIT_EXCEEDED" => Meaning::RateLimit,
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => Meaning::Scope,
        "domainPolicy" => Meaning::Policy,
        "failedPrecondition" => Meaning::Precondition,
        _ => Meaning::Other,
    };
    let known = reasons(body).map(of).find(|meaning| *meaning != Meaning::Other);
    known.unwrap_or_else(|| {
        if message(body).contains("insufficient authentication scopes") {
            Meaning::Scope
        } else if body["error"]["status"] == "FAILED_PRECONDITION" {
            Meaning::Precondition
        } else {
            Meaning::Other
        }
    })
}

/// Of the older form (`errors`) first, then of the newer (`details`).
fn reasons(body: &Value) -> impl Iterator<Item = &str> {
    let list = |name: &str| body["error"][name].as_array().map_or(&[][..], Vec::as_slice);
    list("errors").iter().chain(list("details")).filter_map(|entry| entry["reason"].as_str())
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}

/// Status and reason; a reason is a word, and what is none is left out.
fn code(status: u16, body: &Value) -> String {
    let word = |text: &&str| text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match reasons(body).find(word) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// "User-rate limit exceeded.  Retry after 2026-05-29T12:00:05.000Z", or the `Retry-After` header in seconds or as a
/// date (RFC 9110, section 10.2.3).
fn until(message: &str, retry_after: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let from_message = message.split_once("Retry after ").and_then(|(_, rest)| {
        let text = rest.split_whitespace().next()?;
        text.trim_end_matches('.').parse::<jiff::Timestamp>().ok()
    });
    let told = from_message.map(|at| Timestamp::from_millis(at.as_millisecond())).or_else(|| {
        let text = retry_after?.trim();
        match text.parse() {
            Ok(seconds) => Some(now.plus(Duration::from_secs(seconds))),
            Err(_) => {
                jiff::fmt::rfc2822::parse(text).ok().map(|at| Timestamp::from_millis(at.timestamp().as_millisecond()))
            }
        }
    });
    told.map(|at| at.min(now.plus(LONGEST_LIMIT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_secs(1_780_056_000); // 2026-05-29T12:00:00Z

    fn sort(status: u16, body: &Value) -> GmailError {
        Failure::Answer { status, retry_after: None, body: body.clone() }.sorted(NOW)
    }

    fn older(code: u16, reason: &str) -> Value {
        json!({"error": {"code": code, "message": "m", "errors": [{"domain": "d", "reason": reason, "message": "m"}]}})
    }

    #[test]
    fn every_known_form_has_its_meaning() {
        let limited = GmailError::RateLimited { until: None };
        let details = json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "m",
            "details": [{"@type": "type.example/ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}});
        let words = json!({"error": {"code": 403, "message": "Request had insufficient authentication scopes."}});
        let precondition =
            json!({"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "Precondition check failed."}});
        for (status, body, expected) in [
            (429, Value::Null, limited.clone()),
            (429, older(429, "rateLimitExceeded"), limited.clone()),
            (403, older(403, "rateLimitExceeded"), limited.clone()),
            (403, older(403, "userRateLimitExceeded"), limited.clone()),
            (403, older(403, "quotaExceeded"), limited),
            (403, older(403, "insufficientPermissions"), GmailError::Grant(GrantProblemKind::ScopeMissing)),
            (403, details, GmailError::Grant(GrantProblemKind::ScopeMissing)),
            (403, words, GmailError::Grant(GrantProblemKind::ScopeMissing)),
            (403, older(403, "domainPolicy"), GmailError::Grant(GrantProblemKind::BlockedByAdmin)),
            (403, older(403, "accessNotConfigured"), GmailError::Refused("403 accessNotConfigured".into())),
            (403, older(403, "not a word, maybe content"), GmailError::Refused("403".into())),
            (400, older(400, "failedPrecondition"), GmailError::Precondition),
            (400, precondition, GmailError::Precondition),
            (400, older(400, "invalidArgument"), GmailError::Refused("400 invalidArgument".into())),
            (404, older(404, "notFound"), GmailError::NotFound),
            (409, older(409, "aborted"), GmailError::Conflict),
            (413, Value::Null, GmailError::Refused("413".into())),
            (500, older(500, "backendError"), GmailError::Unknown("status 500".into())),
            (503, Value::Null, GmailError::Unknown("status 503".into())),
            (302, Value::Null, GmailError::Unknown("status 302".into())),
        ] {
            assert_eq!(sort(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_rate_limit_tells_its_end_in_either_form() {
        let text = |message: &str| json!({"error": {"code": 429, "message": message}});
        let limit = |body: Value, header: Option<&str>| match (Failure::Answer {
            status: 429,
            retry_after: header.map(str::to_owned),
            body,
        })
        .sorted(NOW)
        {
            GmailError::RateLimited { until } => until.map(|at| at.since(NOW).as_secs()),
            other => panic!("{other:?}"),
        };
        let message = "User-rate limit exceeded.  Retry after 2026-05-29T12:00:05.000Z";
        assert_eq!(limit(text(message), None), Some(5));
        assert_eq!(limit(text(message), Some("90")), Some(5));
        assert_eq!(limit(text("m"), Some("90")), Some(90));
        assert_eq!(limit(text("m"), Some("Fri, 29 May 2026 12:02:00 GMT")), Some(120));
        assert_eq!(limit(text("Retry after lunch"), Some("soon")), None);
        assert_eq!(limit(text("Retry after 9999-01-01T00:00:00Z"), None), Some(24 * 60 * 60));
        assert_eq!(limit(text("m"), Some("18446744073709551615")), Some(24 * 60 * 60));
    }

    #[test]
    fn what_was_sent_is_told_from_what_was_not() {
        assert_eq!(Failure::NotSent("no connection").sorted(NOW), GmailError::Unavailable("no connection".into()));
        assert_eq!(Failure::Lost("time-out").sorted(NOW), GmailError::Unknown("time-out".into()));
        assert_eq!(Failure::TooLarge.sorted(NOW), GmailError::Refused("too large".into()));
    }
}
