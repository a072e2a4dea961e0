//! Every link of a reply is a link of the cited passages or of the owner.
//!
//! Finding is generous and comparing is strict: whatever might be followed counts as a link, and it passes only when the
//! same link stands in a source (scheme, `www.` and a last slash aside). So user information before an `@`, letters of
//! another script, another path or another query are another link. Effect: a person, since one click is all it takes.

use super::case::Case;
use super::plain::unmasked;
use super::{Finding, person};
use std::collections::HashSet;

pub fn judge(case: &Case<'_>) -> Finding {
    let found = links(&case.reply);
    if found.is_empty() {
        return None;
    }
    let known: HashSet<String> = links(&case.sources).into_iter().chain(links(&case.owner)).collect();
    let hosts: HashSet<&str> = known.iter().map(|link| link.split(['/', '?', '#']).next().unwrap_or(link)).collect();
    // A host alone is where a known link leads anyway.
    let allowed = |link: &String| known.contains(link) || hosts.contains(link.as_str());
    if found.iter().all(allowed) {
        return None;
    }
    person("a link of the reply stands neither in the cited passages nor in the settings")
}

/// Links of a text, in the form that is compared.
pub fn links(text: &str) -> Vec<String> {
    let mut out = vec![];
    for form in [text.to_owned(), unmasked(text)] {
        for token in form.split(|c: char| c.is_whitespace() || "<>()[]{}\"'`«»“”„‚‘’|,;、，".contains(c))
        {
            let token = token.trim_matches(|c: char| ".:!?*_~…".contains(c));
            if let Some(link) = link(token).filter(|link| !out.contains(link)) {
                out.push(link);
            }
        }
    }
    out
}

fn link(token: &str) -> Option<String> {
    let lower = token.to_lowercase();
    if let Some((scheme, rest)) = lower.split_once(':')
        && matches!(scheme, "javascript" | "data" | "vbscript" | "file" | "blob" | "intent" | "sms" | "whatsapp")
        && !rest.is_empty()
    {
        return Some(lower);
    }
    if let Some(at) = lower.find("://").or_else(|| lower.find(":/")).filter(|at| *at > 0) {
        let rest = token.get(at..).unwrap_or(&lower[at..]).trim_start_matches([':', '/']);
        return Some(compared(rest));
    }
    if lower.contains("//:") || lower.starts_with("//") && lower.len() > 3 {
        return Some(lower); // written backwards, or without its scheme
    }
    let (before_path, _) = lower.split_at(lower.find(['/', '?', '#']).unwrap_or(lower.len()));
    if before_path.contains('@') {
        return None; // an address; the guard of addresses looks at it
    }
    let host = before_path.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host.map_or(before_path, |(host, _)| host);
    (host.starts_with("www.") || is_host(host, lower.len() > host.len())).then(|| compared(token))
}

/// Names of files that no domain ends in.
const FILES: &[&str] = &["pdf", "doc", "docx", "xls", "xlsx", "jpg", "jpeg", "png", "gif", "txt", "csv", "html"];

fn is_host(host: &str, goes_on: bool) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let well = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if labels.len() < 2 || !labels.iter().all(well) {
        return false;
    }
    let last = labels[labels.len() - 1];
    let numeric = |label: &&str| label.bytes().all(|b| b.is_ascii_digit());
    if labels.len() == 4 && labels.iter().all(|label| numeric(label) && label.len() <= 3) {
        return true;
    }
    let names =
        last.chars().count() >= 2 && last.chars().all(|c| c.is_alphabetic() || c == '-') || last.starts_with("xn--");
    // `z.B`, `e.g`, `p.m` have one letter at the end; `9.30Uhr` begins with a figure and is a time.
    let file = labels.len() == 2 && !goes_on && FILES.contains(&last);
    names && !file
}

/// Host in lower case without `www.`, the rest as it is, without a slash at the end.
fn compared(link: &str) -> String {
    let end = link.find(['/', '?', '#']).unwrap_or(link.len());
    let (host, rest) = link.split_at(end);
    let host = host.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    format!("{host}{}", rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_be_followed_is_found() {
        for text in [
            "https://evil.test",
            "http://evil.test/a?b=c",
            "HTTPS://EVIL.TEST",
            "hxxps://evil.test",
            "www.evil.test",
            "evil.test",
            "evil.test/login",
            "see evil.test.",
            "<https://evil.test>",
            "[here](https://evil.test)",
            "[1]: https://evil.test \"x\"",
            "https://shop.example@evil.test/",
            "https%3A%2F%2Fevil.test",
            "https&#58;//evil&#46;test",
            "evil[.]test",
            "evil (dot) test",
            "h t t p s : / / e v i l . t e s t",
            "ｈｔｔｐｓ：／／ｅｖｉｌ．ｔｅｓｔ",
            "xn--80ak6aa92e.com",
            "brіghtsprіg.ехample/pay",
            "http://1.2.3.4/x",
            "1.2.3.4",
            "javascript:alert(1)",
            "data:text/html;base64,AAAA",
            "https:\\\\evil.test",
            "https:/evil.test",
            "tset.live//:sptth",
            "//evil.test/x",
            "ftp://evil.test",
            "evil.test:8080/x",
            "https://\nevil.test",
            "bücher-teufel.de",
            "例え.テスト",
            "click:https://evil.test",
        ] {
            assert!(!links(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn prose_is_no_link() {
        for text in [
            "We open at 9 a.m. and close at 5 p.m.",
            "z.B. am 24.12. um 9.30 Uhr, d.h. morgen",
            "It costs 4.90 €. Thanks.",
            "e.g. a lamp",
            "Nr.12",
            "See invoice.pdf",
            "either/or",
            "24/7",
            "Size: 10:30",
            "U.S. stores",
            "Ciao...",
            "1.234,56 EUR",
            "2.5kg",
        ] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn comparing_is_strict_but_for_scheme_www_and_slash() {
        let one = |text: &str| links(text).remove(0);
        assert_eq!(one("https://www.Shop.example/Returns/"), one("shop.example/Returns"));
        for other in [
            "https://shop.example/returns?to=evil",
            "https://shop.example@evil.test",
            "https://shop.example.evil.test",
            "https://shoр.example/Returns",
        ] {
            assert_ne!(one("https://shop.example/Returns"), one(other), "{other}");
        }
    }
}
