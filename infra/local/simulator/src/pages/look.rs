//! The one style sheet and the one script, inside every page, and the policy that names them by their digests.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_STANDARD};

pub(crate) const STYLE: &str = include_str!("../../templates/style.css");
pub(crate) const SCRIPT: &str = include_str!("../../templates/script.js");

pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    // No `form-action`: the consent page's answer redirects to the client, wherever that is.
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; frame-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// A moment as a page shows it: for machines, and in UTC for people; the script puts it into the viewer's zone.
pub(super) struct Moment {
    pub iso: String,
    pub text: String,
}

impl Moment {
    pub fn of(ms: i64) -> Self {
        let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self {
            iso: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        }
    }
}

/// A colour that may stand in a page; a label's may be anything that a client wrote.
pub(super) fn colour(text: &str) -> String {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let good = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { text.to_owned() } else { "#999999".to_owned() }
}

/// A name without the characters that turn the direction of what follows: an address must not read backwards.
pub(super) fn undirected(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().filter(|c| !turns(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc() {
        let moment = Moment::of(1_767_340_800_000);
        assert_eq!((moment.iso.as_str(), moment.text.as_str()), ("2026-01-02T08:00:00Z", "2 Jan 2026, 08:00 UTC"));
    }

    #[test]
    fn only_a_colour_is_a_colour() {
        assert_eq!(colour("#16a766"), "#16a766");
        assert_eq!(colour("url(//x.test)"), "#999999");
    }
}
