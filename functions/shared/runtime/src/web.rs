//! What an [`Outcome`] is to the outside, for the callers that speak HTTP. The SQS side is in [`crate::sqs`].

use channel::outcome::Outcome;
use http::StatusCode;

/// The answer to a push of Pub/Sub. Anything but a success is redelivered, so only what a redelivery can help is
/// refused; a push that is signed and makes no sense is acknowledged (and counted by its log line).
pub fn push_status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Done | Outcome::Ignore(_) | Outcome::Fail(_) => StatusCode::NO_CONTENT,
        Outcome::Retry { .. } | Outcome::Defer { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The status of the page that a browser gets; `Done` has a page or a redirect of its own.
pub fn page_status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Done | Outcome::Ignore(_) => StatusCode::OK,
        Outcome::Retry { .. } | Outcome::Defer { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Fail(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A page for a browser whose request failed: what to do, and the id by which the log line is found. `message` is ours,
/// never an error's text.
pub fn error_page(message: &str, request_id: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Postroom: an error</title></head>\n\
         <body><main><h1>That did not work</h1><p>{}</p><p>Reference: <code>{}</code></p></main></body></html>\n",
        escape(message),
        escape(request_id)
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_outcome_has_its_status() {
        let after = Duration::from_secs(1);
        for (outcome, push, page) in [
            (Outcome::Done, 204, 200),
            (Outcome::Ignore("unknown"), 204, 200),
            (Outcome::Retry { after, reason: String::new() }, 503, 503),
            (Outcome::Defer { after, reason: "lease" }, 503, 503),
            (Outcome::Fail(String::new()), 204, 500),
        ] {
            assert_eq!(push_status(&outcome).as_u16(), push, "{outcome:?}");
            assert_eq!(page_status(&outcome).as_u16(), page, "{outcome:?}");
        }
    }

    #[test]
    fn a_page_shows_the_id_and_escapes_it() {
        let page = error_page("Try again & wait.", "<script>'\"");
        assert!(page.contains("Try again &amp; wait."));
        assert!(page.contains("<code>&lt;script&gt;&#39;&quot;</code>"));
    }
}
