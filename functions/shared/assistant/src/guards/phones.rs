//! Every telephone number of a reply stands in the cited passages or in the settings. One that the mail named and the
//! reply repeats is withheld, since strangers plant numbers to be called; one from nowhere makes a draft.

use super::case::Case;
use super::numerals::digit;
use super::{Finding, draft, person};
use crate::text::fold;

/// Fewer digits are an extension or a quantity.
const SHORTEST: usize = 7;
const LONGEST: usize = 15;

pub fn judge(case: &Case<'_>) -> Finding {
    let found = phones(&case.reply);
    if found.is_empty() {
        return None;
    }
    let known: Vec<String> = numbers(&case.sources).into_iter().chain(numbers(&case.owner)).collect();
    let unknown: Vec<&String> = found.iter().filter(|phone| !known.iter().any(|other| same(phone, other))).collect();
    if unknown.is_empty() {
        return None;
    }
    let theirs = numbers(&case.customer);
    if unknown.iter().any(|phone| theirs.iter().any(|other| same(phone, other))) {
        return person("a telephone number that only the mail names is repeated");
    }
    draft("a telephone number of the reply stands neither in the cited passages nor in the settings")
}

/// The same line with or without the codes of country and area before it.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.len() >= SHORTEST - 1 && long.ends_with(short)
}

/// Digits of everything that looks like a telephone number; of a reply, whose numbers have to be explained.
fn phones(text: &str) -> Vec<String> {
    candidates(text).into_iter().filter(|found| found.plain).map(|found| found.digits).collect()
}

/// Digits of everything that might be one; of a text that a number may be taken from.
fn numbers(text: &str) -> Vec<String> {
    candidates(text).into_iter().map(|found| found.digits).collect()
}

struct Candidate {
    digits: String,
    /// Written like a telephone number, or announced as one.
    plain: bool,
}

const ANNOUNCED: &[&str] = &[
    "tel",
    "phone",
    "call",
    "ring",
    "dial",
    "hotline",
    "helpline",
    "whatsapp",
    "sms",
    "mobile",
    "fax",
    "anruf",
    "telefon",
    "ruf",
    "nummer",
    "rufen",
    "appel",
    "joign",
    "llam",
    "telefono",
    "chiam",
    "ligue",
    "lig",
    "telefone",
    "bel",
    "zadzwon",
    "dzwon",
    "numer",
    "telephone",
    "numero",
    "soittaa",
    "puhelin",
    "ring oss",
    "телефон",
    "звон",
    "позвон",
    "電話",
    "电话",
    "전화",
];

fn candidates(text: &str) -> Vec<Candidate> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = vec![];
    let mut at = 0;
    while at < chars.len() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before)).copied();
        let starts = chars[at] == '+' || chars[at] == '(' || chars[at].is_numeric();
        // Within a word it is a code: `BS-12345`, `v2`.
        if !starts
            || before.is_some_and(|c| c.is_alphanumeric() || (c == '-' && at > 1 && chars[at - 2].is_alphanumeric()))
        {
            at += 1;
            continue;
        }
        let end = run(&chars, at);
        let written: String = chars[at..end].iter().collect();
        if let Some(candidate) = candidate(&written, &chars[at.saturating_sub(30)..at]) {
            out.push(candidate);
        }
        at = end.max(at + 1);
    }
    out
}

/// The end of the digits that begin here, with the marks that people set between them.
fn run(chars: &[char], from: usize) -> usize {
    let (mut at, mut end, mut marks) = (from, from, 0);
    while let Some(c) = chars.get(at) {
        if digit(*c).is_some() {
            end = at + 1;
            marks = 0;
        } else if " -./()+\u{a0}\u{202f}‐‑–".contains(*c) && marks < 3 {
            marks += 1;
        } else {
            break;
        }
        at += 1;
    }
    end
}

fn candidate(written: &str, before: &[char]) -> Option<Candidate> {
    let digits: String = written.chars().filter_map(digit).collect();
    if digits.len() < SHORTEST || digits.len() > LONGEST + 2 {
        return None;
    }
    let groups: Vec<usize> = written
        .split(|c: char| digit(c).is_none())
        .filter(|group| !group.is_empty())
        .map(|group| group.chars().count())
        .collect();
    if is_date(written, &groups) || is_amount(written, &groups) {
        return None;
    }
    let before = fold(&before.iter().collect::<String>());
    let announced = ANNOUNCED.iter().any(|word| before.contains(word));
    let dialled = written.starts_with('+') || digits.starts_with('0') || written.starts_with('(');
    Some(Candidate { plain: announced || dialled || groups.len() >= 3, digits })
}

/// `2026-05-12`, `12.05.2026`, also two in a row; `12.05.26` alone.
fn is_date(written: &str, groups: &[usize]) -> bool {
    let marks = written.chars().all(|c| digit(c).is_some() || " ./-–".contains(c));
    let whole = groups.chunks(3).all(|date| matches!(date, [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4]));
    marks && !groups.is_empty() && (whole || matches!(groups, [1..=2, 1..=2, 2]))
}

/// `1 234 567.00`: thousands.
fn is_amount(written: &str, groups: &[usize]) -> bool {
    let Some((first, rest)) = groups.split_first() else { return false };
    let one_mark = |mark: char| written.chars().filter(|c| digit(*c).is_none()).all(|c| c == mark);
    let thousands = |rest: &[usize]| rest.iter().all(|group| *group == 3);
    *first <= 3
        && !written.starts_with(['+', '0', '('])
        && !rest.is_empty()
        && (thousands(rest) && [' ', '.', '\u{a0}', '\u{202f}'].into_iter().any(one_mark)
            || rest.len() > 1 && thousands(&rest[..rest.len() - 1]) && rest.last() == Some(&2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_countries_are_found() {
        for text in [
            "+33 1 99 00 12 34",
            "Call 030 / 1234567",
            "0049-30-1234567",
            "(020) 7946 0958",
            "+1 (555) 010-9999",
            "555-010-9999",
            "01 99 00 12 34",
            "Tel.: 1234567",
            "+44\u{a0}20\u{a0}7946\u{a0}0958",
            "Zadzwoń: 22 123 45 67",
            "＋３３１９９００１２３４ Tel ３３１９９００１２３４",
        ] {
            assert_eq!(phones(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn dates_amounts_and_codes_are_none() {
        for text in [
            "on 2026-05-12",
            "am 12.05.2026",
            "12.05.2026 - 14.05.2026",
            "1 234 567 EUR",
            "1.234.567,00 EUR",
            "order BS-1234567",
            "30 to 60 days",
            "9:00-17:30",
            "order 123456789",
        ] {
            assert_eq!(phones(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn codes_before_a_number_do_not_make_it_another() {
        assert!(same("33199001234", "0199001234"));
        assert!(same("0301234567", "1234567"));
        assert!(!same("0301234567", "0301234568"));
    }
}
