//! Who vouches for the author: Gmail's `Authentication-Results` (RFC 8601), and nobody else's.

use crate::headers::{Field, values};
use channel::address::Mailbox;
use channel::mail::Authentication;

/// The id under which Gmail gives its verdict.
const AUTHSERV_ID: &str = "mx.google.com";

/// `one_author`: there is one `From` field with one address in it.
pub fn verdict(fields: &[Field], from: &[Mailbox], one_author: bool) -> Authentication {
    // Only the topmost counts: whatever lies below may have come with the mail.
    let Some(results) =
        values(fields, "authentication-results").map(without_comments).find(|value| authserv_id(value) == AUTHSERV_ID)
    else {
        return Authentication::Unknown;
    };
    let [author] = from else {
        return Authentication::Fail;
    };
    let mut dmarc = results.split(';').skip(1).filter_map(dmarc_result).peekable();
    let pass = one_author
        && dmarc.peek().is_some()
        && dmarc.all(|(result, domain)| result == "pass" && domain == author.email.domain());
    if pass { Authentication::Pass } else { Authentication::Fail }
}

/// The first token of the value; a version number may follow it.
fn authserv_id(value: &str) -> String {
    let head = value.split(';').next().unwrap_or_default();
    head.split_whitespace().next().unwrap_or_default().to_ascii_lowercase()
}

/// `dmarc=pass … header.from=example.com` as (pass, example.com).
fn dmarc_result(segment: &str) -> Option<(String, String)> {
    let mut tokens = segment.split_whitespace();
    let (method, result) = tokens.next()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or(method);
    if !method.eq_ignore_ascii_case("dmarc") {
        return None;
    }
    let domain = tokens
        .filter_map(|token| token.split_once('='))
        .find(|(property, _)| property.eq_ignore_ascii_case("header.from"))
        .map(|(_, domain)| domain.trim_matches('"').to_lowercase())
        .unwrap_or_default();
    Some((result.to_ascii_lowercase(), domain))
}

/// Comments (RFC 5322, 3.2.2) may hold anything, even what looks like a result. Blanks around `=` are dropped too.
pub fn without_comments(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for c in value.chars() {
        if escaped {
            escaped = false;
            if depth == 0 && !";()\"=".contains(c) {
                out.push(c);
            }
            continue;
        }
        match c {
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                out.push(' ');
            }
            // A quoted separator separates nothing.
            ';' | '=' if quoted => out.push('_'),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.split('=').map(str::trim).collect::<Vec<_>>().join("=")
}

#[cfg(test)]
mod tests {
    use crate::read_headers;
    use channel::mail::Authentication::{self, Fail, Pass, Unknown};

    fn verdict(pairs: &[(&str, &str)]) -> Authentication {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        read_headers(&pairs).authentication
    }

    const AR: &str = "Authentication-Results";
    const PASS: &str = "mx.google.com; dkim=pass header.i=@example.com; spf=pass smtp.mailfrom=a@example.com; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com";

    #[test]
    fn pass_needs_the_authors_own_domain() {
        assert_eq!(verdict(&[(AR, PASS), ("From", "A <a@Example.com>")]), Pass);
        assert_eq!(verdict(&[(AR, PASS), ("From", "a@evil.example")]), Fail);
        assert_eq!(verdict(&[(AR, PASS), ("From", "a@sub.example.com")]), Fail);
        assert_eq!(verdict(&[("From", "a@example.com")]), Unknown);
    }

    #[test]
    fn only_the_topmost_of_gmail_counts() {
        let fail = "mx.google.com; spf=pass; dmarc=fail header.from=example.com";
        let from = ("From", "a@example.com");
        assert_eq!(verdict(&[(AR, fail), (AR, PASS), from]), Fail);
        assert_eq!(verdict(&[(AR, "mx.google.com.evil.example; dmarc=pass header.from=example.com"), from]), Unknown);
        assert_eq!(verdict(&[(AR, "other.example; dmarc=pass header.from=example.com"), (AR, PASS), from]), Pass);
        assert_eq!(verdict(&[(AR, "mx.google.com; spf=pass smtp.mailfrom=example.com"), from]), Fail);
    }

    #[test]
    fn results_in_comments_and_strings_are_no_results() {
        let from = ("From", "a@example.com");
        for forged in [
            "mx.google.com; spf=fail (dmarc=pass header.from=example.com)",
            "mx.google.com; spf=fail reason=\"x; dmarc=pass header.from=example.com\"",
            "mx.google.com; spf=fail reason=\"\\\"; dmarc=pass header.from=example.com\"",
            "mx.google.com; dmarc=pass header.from=example.com; dmarc=fail header.from=example.com",
        ] {
            assert_eq!(verdict(&[(AR, forged), from]), Fail, "{forged}");
        }
        assert_eq!(verdict(&[(AR, "(c) MX.google.com 1; dmarc/1 = pass (x) header.from = example.com"), from]), Pass);
    }

    #[test]
    fn two_authors_are_nobody() {
        assert_eq!(verdict(&[(AR, PASS), ("From", "a@example.com, b@example.com")]), Fail);
        assert_eq!(verdict(&[(AR, PASS), ("From", "a@example.com"), ("From", "a@example.com")]), Fail);
        assert_eq!(verdict(&[(AR, PASS), ("From", "evil:;, a@example.com, broken")]), Fail);
        assert_eq!(verdict(&[(AR, PASS)]), Fail);
    }
}
