//! A reply as plain text: Markdown's marks taken off, and nothing in it that a reader would not see.

use crate::knowledge;

/// What is judged and what is sent are this one text.
pub fn reply(text: &str) -> String {
    let text: String = visible(text);
    knowledge::plain(&text)
}

/// Without control, bidirectional, tag and zero-width characters. Joiners stay where a script or an emoji needs them.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let keep = match c {
            '\n' | '\t' => true,
            '\u{200c}' | '\u{200d}' => {
                let european = |c: char| c < '\u{530}';
                !out.chars().next_back().is_none_or(european) && !chars.peek().copied().is_none_or(european)
            }
            _ => !c.is_control() && !is_invisible(c),
        };
        if keep {
            out.push(c);
        }
    }
    out
}

/// Characters that a reader does not see and that steer or hide others.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// As an address is read by a mail client or a person: full-width forms as ASCII, entities and percent signs decoded,
/// the usual disguises of a dot or an `at` undone. Only for looking, never for sending.
pub fn unmasked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{ff01}'..='\u{ff5e}' => out.extend(char::from_u32(u32::from(c) - 0xfee0)),
            // A full stop of running Chinese or Japanese text is none of a domain.
            '。' | '｡' if out.ends_with(|c: char| c.is_ascii_alphanumeric()) => out.push('.'),
            '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{2009}' => out.push(' '),
            '⁄' | '∕' | '\\' => out.push('/'),
            '‐' | '‑' | '‒' => out.push('-'),
            _ => out.push(c),
        }
    }
    let out = percent(&entities(&out));
    disguises(&out)
}

fn entities(text: &str) -> String {
    const NAMED: &[(&str, char)] =
        &[("amp", '&'), ("period", '.'), ("colon", ':'), ("sol", '/'), ("commat", '@'), ("lt", '<'), ("gt", '>')];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let body = &rest[at + 1..];
        let decoded = body.char_indices().take(9).find(|(_, c)| *c == ';').and_then(|(end, _)| {
            let name = &body[..end];
            let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => digits.parse().ok(),
            });
            let named = NAMED.iter().find(|(of, _)| *of == name).map(|(_, c)| *c);
            number.and_then(char::from_u32).or(named).map(|c| (c, end))
        });
        match decoded {
            Some((c, end)) => {
                out.push(c);
                rest = &body[end + 1..];
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out.push_str(rest);
    out
}

fn percent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|byte| byte.is_ascii_graphic());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// `[.]`, `(dot)`, ` at `, letters set apart: the ways to write an address past a filter.
fn disguises(text: &str) -> String {
    let mut text = spaced(text);
    for (open, close) in [('[', ']'), ('(', ')'), ('{', '}'), ('<', '>')] {
        for (word, meant) in [
            (".", "."),
            ("dot", "."),
            ("DOT", "."),
            ("punkt", "."),
            ("point", "."),
            ("@", "@"),
            ("at", "@"),
            ("AT", "@"),
            (":", ":"),
            ("/", "/"),
        ] {
            let masked = format!("{open}{word}{close}");
            for form in [format!(" {masked} "), masked] {
                text = text.replace(&form, meant);
            }
        }
    }
    let words: Vec<&str> = text.split(' ').collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let joins = |word: &str| match word {
            "." | "dot" | "DOT" | "Dot" => Some("."),
            "@" => Some("@"),
            "at" | "AT" => Some("@"),
            _ => None,
        };
        let next = words.get(at + 1);
        let mark = joins(words[at]);
        // ` at ` and ` dot ` are English; what follows must end like a domain.
        let spelled = mark.filter(|_| {
            let dotted = words.get(at + 2).and_then(|word| joins(word)) == Some(".");
            words[at].len() == 1
                || dotted
                || next.is_some_and(|next| {
                    looks_like_domain_end(next) && (mark == Some(".") || next.trim_end_matches('.').contains('.'))
                })
        });
        match (spelled, out.last_mut(), next) {
            (Some(mark), Some(last), Some(next)) if last.ends_with(char::is_alphanumeric) => {
                last.push_str(mark);
                last.push_str(next);
                at += 2;
            }
            _ => {
                out.push(words[at].to_owned());
                at += 1;
            }
        }
    }
    out.join(" ")
}

fn looks_like_domain_end(word: &str) -> bool {
    const ENDS: &[&str] = &[
        "com", "net", "org", "info", "biz", "io", "co", "eu", "de", "fr", "es", "it", "pt", "nl", "pl", "uk", "us",
        "ru", "cn", "app", "dev", "shop", "online", "site", "xyz", "top", "club", "link", "click", "test", "example",
        "invalid",
    ];
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let first = word.split('/').next().unwrap_or("");
    ENDS.contains(&first.rsplit('.').next().unwrap_or(""))
}

/// `h t t p s : / / e v i l . t e s t`: a run of single characters is one word.
fn spaced(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let single = |word: &&str| word.chars().count() == 1;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < words.len() {
        let run = words[at..].iter().take_while(|word| single(word)).count();
        if !out.is_empty() {
            out.push(' ');
        }
        if run >= 5 {
            words[at..at + run].iter().for_each(|word| out.push_str(word));
            at += run;
        } else {
            out.push_str(words[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        assert_eq!(
            reply("**You have** [30 days](https://shop.example/r).\n\n* free"),
            "You have 30 days (https://shop.example/r).\n\n- free"
        );
        assert_eq!(reply("a\u{200b}b\u{202e}c\u{e0041}d\u{ad}e\u{7}"), "abcde");
        assert_eq!(visible("می\u{200c}خواهم 👩\u{200d}🌾"), "می\u{200c}خواهم 👩\u{200d}🌾");
    }

    #[test]
    fn disguises_are_undone() {
        for masked in [
            "evil[.]test",
            "evil(dot)test",
            "evil [dot] test",
            "evil dot test",
            "evil . test",
            "evil。test",
            "ｅｖｉｌ．ｔｅｓｔ",
            "evil%2Etest",
            "evil&#46;test",
            "evil&#x2e;test",
            "evil&period;test",
            "e v i l . t e s t",
        ] {
            assert_eq!(unmasked(masked), "evil.test", "{masked}");
        }
        for masked in [
            "pay(at)evil.test",
            "pay [at] evil [dot] test",
            "pay at evil dot test",
            "pay @ evil.test",
            "pay at evil.test",
        ] {
            assert_eq!(unmasked(masked), "pay@evil.test", "{masked}");
        }
        assert_eq!(unmasked("We are open at nine. Look at it."), "We are open at nine. Look at it.");
        assert_eq!(unmasked("100 % of it"), "100 % of it");
    }
}
