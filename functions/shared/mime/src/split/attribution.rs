//! Attribution lines: "On Monday, Ada <ada@example.com> wrote:", in many languages and over several lines.

use super::words::{JOINED_VERBS, STARTS, VERBS};
use super::{Kind, Line};

/// An attribution is wrapped over at most so many lines, of together at most so many bytes.
const MAX_LINES: usize = 5;
const MAX_BYTES: usize = 500;

/// Where the attribution that begins at this line ends, and whether it is one even without quoted lines below.
pub fn at(lines: &[Line], kinds: &[Kind], start: usize) -> Option<(usize, bool)> {
    if lines[start].attribution {
        let mut end = start;
        while end + 1 < lines.len() && lines[end + 1].attribution && lines[end + 1].depth == 0 {
            end += 1;
        }
        let whole: String = lines[start..=end].iter().map(|l| l.text.as_str()).collect();
        // The same markup holds the heading of a forward.
        return (!super::heading::is_heading(&lines[start].text) && whole.len() < MAX_BYTES).then_some((end, true));
    }
    if lines[start].text.len() > MAX_BYTES {
        return None;
    }
    for end in start..(start + MAX_LINES).min(lines.len()) {
        if (kinds[end] != Kind::Text && !is_torn_off(&lines[end])) || lines[end].is_blank() {
            return None;
        }
        if let Some(strong) = over(lines, start, end) {
            // The shortest one counts: the lines above it are the author's.
            let shorter =
                !is_torn_start(&lines[start].text) && (start + 1..=end).any(|later| over(lines, later, end).is_some());
            return (!shorter).then_some((end, strong));
        }
    }
    None
}

fn over(lines: &[Line], start: usize, end: usize) -> Option<bool> {
    let length: usize = lines[start..=end].iter().map(|l| l.text.len() + 1).sum();
    if length > MAX_BYTES || !may_end(&lines[end].text) {
        return None;
    }
    let joined = lines[start..=end].iter().map(|l| l.text.trim()).collect::<Vec<_>>().join(" ");
    classify(&joined, start == end)
}

/// The bracket that closes an address, wrapped into a line of its own: it looks like a quote.
fn is_torn_off(line: &Line) -> bool {
    line.depth == 1 && line.text.trim() == ":"
}

/// "On Nov 21, 2014," alone in its line: the rest of the attribution follows.
fn is_torn_start(text: &str) -> bool {
    let mut tokens = text.split_whitespace();
    let starts = tokens.next().is_some_and(|first| STARTS.contains(&first.to_lowercase().as_str()));
    starts && text.trim_end().ends_with(',') && text.len() <= 40 && tokens.take(3).any(is_date_like)
}

/// Cheap, before anything is joined.
fn may_end(line: &str) -> bool {
    let line = line.trim_end();
    line.ends_with([':', '：', '-', '*', '>'])
        || line.len() < 200 && VERBS.iter().any(|v| line.to_lowercase().ends_with(v))
}

struct Evidence {
    address: bool,
    time: bool,
    year: bool,
    digits: bool,
}

fn evidence(text: &str) -> Evidence {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let time = (0..bytes.len()).any(|at| {
        digit(at)
            && matches!(bytes.get(at + 1), Some(b':' | b'.' | b'h'))
            && digit(at + 2)
            && digit(at + 3)
            && !digit(at + 4)
    });
    let year = (0..bytes.len()).any(|at| {
        (at == 0 || !digit(at - 1))
            && matches!(bytes.get(at..at + 2), Some(b"19" | b"20"))
            && digit(at + 2)
            && digit(at + 3)
            && !digit(at + 4)
    });
    Evidence { address: text.contains('@'), time, year, digits: bytes.iter().any(u8::is_ascii_digit) }
}

fn is_date_like(token: &str) -> bool {
    !token.contains('@')
        && !token.contains('<')
        && token.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        && token.bytes().any(|b| b.is_ascii_digit())
}

/// A verb as a word of its own, and whether it is the last.
fn verb(text: &str) -> (bool, bool) {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let mut found = (false, false);
    for verb in VERBS {
        for (at, _) in text.match_indices(verb) {
            let (before, after) = (text[..at].chars().next_back(), text[at + verb.len()..].chars().next());
            // "<a@example.com>wrote:" and "…10:15Anna": what stands before may touch it, except letters.
            if is_edge(before) && is_edge(after) {
                found = (true, found.1 || at + verb.len() == text.len());
            }
        }
    }
    found
}

/// `None`: no attribution. `Some(true)`: one by itself. `Some(false)`: one if quoted lines follow.
fn classify(joined: &str, single: bool) -> Option<bool> {
    let ornament = |c: char| matches!(c, '-' | '*' | '_' | ' ' | '\u{2014}' | '\u{2013}' | '|');
    let text = joined.trim_matches(ornament).to_lowercase();
    let colon = text.ends_with([':', '：']);
    let core = text.trim_end_matches([':', '：', ' ']);
    let e = evidence(core);
    // Cheap first: a long list must not cost a search for every verb in every line.
    if !e.digits && !e.address {
        return None;
    }
    let strong = e.address || e.time || e.year;

    if colon && JOINED_VERBS.iter().any(|verb| core.ends_with(verb)) && (e.digits || e.address) {
        return Some(strong);
    }
    let tokens: Vec<&str> = core.split_whitespace().take(4).collect();
    let first = tokens.first()?.trim_matches(',');
    let dated = tokens.iter().any(|token| is_date_like(token));
    let starts = STARTS.contains(&first) || dated;
    if !single && !starts {
        return None;
    }
    let (has_verb, ends_in_verb) = verb(core);
    let words = core.split_whitespace().count();

    if colon && has_verb && starts && (e.digits || e.address) && words <= 40 {
        // A start like "a" or "in" opens any sentence; a date has to follow it.
        return (dated || e.address || e.time || e.year).then_some(strong);
    }
    if !colon && ends_in_verb && starts && e.time && (e.address || e.year) {
        return Some(true);
    }
    let last = core.split_whitespace().next_back().unwrap_or_default();
    let ends_in_address = last.contains('@') && last.len() > 3;
    if colon && ends_in_address && dated && (e.time || e.year) {
        return Some(true);
    }
    // The author's name comes first; a wrapped line's end begins with the address.
    let named = !first.contains(['@', '<', '>']);
    if colon && single && named && ends_in_verb && e.address && words <= 15 {
        return Some(true);
    }
    if colon && single && has_verb && (e.time || e.year) && words <= 14 {
        return Some(false);
    }
    (single && !colon && ends_in_address && tokens.first().is_some_and(|t| is_date_like(t))).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::classify;

    #[test]
    fn attributions_of_many_languages() {
        for line in [
            "On Mon, 3 Feb 2025 at 10:02, Ada Lovelace <ada@example.com> wrote:",
            "On Nov 26, 2013 you wrote:",
            "Le lun. 3 févr. 2025 à 10:02, Ada <ada@example.com> a écrit :",
            "Am Mo., 3. Feb. 2025 um 10:02 Uhr schrieb Ada <ada@example.com>:",
            "El lun, 3 feb 2025 a las 10:02, Ada (<ada@example.com>) escribió:",
            "Il giorno lun 3 feb 2025 alle ore 10:02 Ada <ada@example.com> ha scritto:",
            "Em seg., 3 de fev. de 2025 às 10:02, Ada <ada@example.com> escreveu:",
            "Op ma 3 feb 2025 om 10:02 schreef Ada <ada@example.com>:",
            "Den mån 3 feb. 2025 kl 10:02 skrev Ada <ada@example.com>:",
            "man. 3. feb. 2025 kl. 10.02 skrev Ada <ada@example.com>:",
            "ma 3. helmik. 2025 klo 10.02 Ada (ada@example.com) kirjoitti:",
            "pon., 3 lut 2025 o 10:02 Ada <ada@example.com> napisał(a):",
            "пн, 3 февр. 2025 г. в 10:02, Ada <ada@example.com>:",
            "3 февраля 2025, 10:02, Ada пишет:",
            "Ada <ada@example.com> 于2025年2月3日周一 10:02写道：",
            "2025年2月3日(月) 10:02 Ada <ada@example.com>:",
            "2025년 2월 3일 (월) 오전 10:02, Ada <ada@example.com>님이 작성:",
            "---- On Mon, 03 Feb 2025 10:02:50 +0530 ada@example.com wrote ----",
            "Ada <ada@example.com> writes:",
        ] {
            assert_eq!(classify(line, true), Some(true), "{line}");
        }
    }

    #[test]
    fn the_end_of_a_wrapped_line_is_no_attribution() {
        for line in ["<ada@example.com> wrote:", "ada@example.com) escreveu:", "wrote:", "ada@example.com>:"] {
            assert_eq!(classify(line, true), None, "{line}");
        }
    }

    #[test]
    fn sentences_are_no_attributions() {
        for line in [
            "On the other hand, he wrote:",
            "On Thursday:",
            "In my letter I wrote the following:",
            "Please call me at 10:30, this is what I need:",
            "My address is ada@example.com:",
            "On 3 May the parcel arrived, and it was broken.",
            "Steps to reproduce (version 2.10):",
        ] {
            assert_ne!(classify(line, true), Some(true), "{line}");
        }
    }
}
