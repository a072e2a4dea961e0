//! Every number, date, amount, percentage and code of a reply stands in the cited passages or the settings, or repeats
//! one of the customer's own visible text. What is compared is the value: `1.234,56`, `1,234.56` and `1 234,56` are
//! one, and so are `ten days` and `10 days`. A percentage is not borne by the same number of days.
//!
//! Effect: a draft. Whether a figure of the customer's may be repeated is for [`super::promises`] to say.

use super::case::Case;
use super::numerals::{Unit, digit, is_currency, is_currency_sign, is_ordinal_end, is_percent, month, numeral, unit};
use super::{Finding, draft};
use crate::language;
use crate::text::{fold, is_hangul, is_unspaced};
use std::collections::HashSet;

/// More figures than this in one text are not told apart any more; see [`judge`].
const MAX_FIGURES: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Amount,
    Percent,
    Period(Unit),
    /// Day, month and year, or a month beside a number.
    Date,
    /// Letters and digits: an order, a voucher, a model.
    Code,
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub kind: Kind,
    /// Every value that it may mean: `1.234` is a thousand and more, or one and a bit.
    pub values: Vec<String>,
}

/// The figures of a text that others may rest on.
pub struct Known {
    values: HashSet<(Kind, String)>,
    any: HashSet<String>,
    money: bool,
}

impl Known {
    pub fn of(text: &str) -> Self {
        let figures = figures(text);
        let money = figures.iter().any(|figure| figure.kind == Kind::Amount) || text.contains(is_currency_sign);
        let any = figures.iter().flat_map(|figure| figure.values.iter().cloned()).collect();
        let values = figures
            .into_iter()
            .flat_map(|figure| figure.values.into_iter().map(move |value| (figure.kind, value)))
            .collect();
        Self { values, any, money }
    }

    /// Whether the figure stands here in the same sense.
    pub fn bears(&self, figure: &Figure) -> bool {
        let of = |kind: Kind, value: &String| self.values.contains(&(kind, value.clone()));
        figure.values.iter().any(|value| match figure.kind {
            Kind::Plain => self.any.contains(value),
            // A table names the currency or the unit in its head.
            Kind::Amount => of(Kind::Amount, value) || self.money && of(Kind::Plain, value),
            Kind::Period(_) => of(figure.kind, value) || of(Kind::Plain, value),
            Kind::Percent | Kind::Date | Kind::Code => of(figure.kind, value),
        })
    }

    /// Whether the value stands here at all.
    pub fn mentions(&self, figure: &Figure) -> bool {
        figure.values.iter().any(|value| self.any.contains(value))
    }
}

pub fn judge(case: &Case<'_>) -> Finding {
    let found = figures(&case.reply);
    if found.is_empty() {
        return None;
    }
    let (sources, owner, customer) = (Known::of(&case.sources), Known::of(&case.owner), Known::of(&case.customer));
    let known = |figure: &Figure| sources.bears(figure) || owner.bears(figure) || customer.mentions(figure);
    if found.len() < MAX_FIGURES && found.iter().all(known) {
        return None;
    }
    draft("a number of the reply stands neither in the cited passages nor in the customer's mail")
}

/// One piece of a text: a word with what is written into it, or a mark.
#[derive(Debug)]
enum Piece {
    /// As written, with digits.
    Number(String),
    /// Folded, without digits.
    Word(String),
    Sign(char),
    /// A full stop, a line end: nothing looks over it.
    Stop,
}

/// The figures of a text, in order.
pub fn figures(text: &str) -> Vec<Figure> {
    let language = language::detect(text);
    let pieces = pieces(text);
    let mut out: Vec<Figure> = vec![];
    let mut line_begins = true;
    for (at, piece) in pieces.iter().enumerate().take(200_000) {
        let rest = &pieces[at + 1..];
        match piece {
            Piece::Stop => {
                line_begins = true;
                continue;
            }
            // `1.`, `2)`: the number of a line is none of the text.
            Piece::Number(written)
                if line_begins && written.len() <= 2 && matches!(rest.first(), Some(Piece::Sign('.' | ')'))) => {}
            Piece::Number(written) => number(written, at.checked_sub(1).map(|before| &pieces[before]), rest, &mut out),
            Piece::Word(word) => {
                if let Some(value) = numeral(language, word) {
                    let kind = kind_of(None, &rest[..rest.len().min(2)]);
                    if kind != Kind::Plain {
                        out.push(Figure { kind, values: vec![value.to_string()] });
                    }
                }
                let number = |piece: Option<&Piece>| matches!(piece, Some(Piece::Number(_)));
                let beside = number(rest.first())
                    || number(at.checked_sub(1).map(|before| &pieces[before]))
                    || matches!(rest.first(), Some(Piece::Sign('.')))
                    || at >= 2 && matches!(pieces[at - 1], Piece::Sign('.')) && number(Some(&pieces[at - 2]));
                if let Some(month) = month(word).filter(|_| beside) {
                    out.push(Figure { kind: Kind::Date, values: vec![format!("month {month}")] });
                }
            }
            Piece::Sign(_) => {}
        }
        line_begins = false;
    }
    out
}

fn pieces(text: &str) -> Vec<Piece> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = vec![];
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c.is_alphanumeric() {
            let (piece, end) = word(&chars, at);
            out.push(piece);
            at = end;
            continue;
        }
        match c {
            '\n' => out.push(Piece::Stop),
            '.' | '!' | '?' | ';' => {
                // `12. Mai` goes on, `in 12. Then` does not; the next word tells.
                let after_number = matches!(out.last(), Some(Piece::Number(_)));
                out.push(if after_number && c == '.' { Piece::Sign('.') } else { Piece::Stop });
            }
            c if c.is_whitespace() => {}
            c => out.push(Piece::Sign(c)),
        }
        at += 1;
    }
    out
}

/// From an alphanumeric character to the end of what is written together.
fn word(chars: &[char], from: usize) -> (Piece, usize) {
    let mut end = from;
    let digit_at = |at: usize| chars.get(at).is_some_and(|c| c.is_numeric());
    let mut digits = false;
    while let Some(c) = chars.get(end) {
        if is_unspaced(*c) || is_hangul(*c) {
            // No spaces there: the number ends where the script begins.
            if end == from {
                end += 1;
            }
            break;
        }
        if c.is_alphanumeric() {
            digits |= c.is_numeric();
            end += 1;
            continue;
        }
        let next = chars.get(end + 1).is_some_and(|c| c.is_alphanumeric());
        let inner = match c {
            '.' | ',' | ':' | '/' => digit_at(end.wrapping_sub(1)) && digit_at(end + 1),
            '-' | '‐' | '‑' | '–' | '_' => next && end > from,
            '\'' | '’' => digit_at(end.wrapping_sub(1)) && digit_at(end + 1),
            // `1 234,56`: groups of three behind at most three.
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {
                let three = (1..=3).all(|n| digit_at(end + n)) && !digit_at(end + 4);
                let head = chars[from..end].iter().rev().take_while(|c| c.is_numeric()).count();
                let begins = chars[from..end].iter().all(|c| c.is_numeric() || " \u{a0}\u{202f}\u{2009}".contains(*c));
                three && begins && (1..=3).contains(&head)
            }
            _ => false,
        };
        if !inner {
            break;
        }
        end += 1;
    }
    let written: String = chars[from..end].iter().collect();
    (if digits { Piece::Number(written) } else { Piece::Word(fold(&written)) }, end)
}

/// What a number counts, from the mark before it and the words behind it.
fn kind_of(before: Option<&Piece>, rest: &[Piece]) -> Kind {
    if matches!(before, Some(Piece::Sign(c)) if is_currency_sign(*c))
        || matches!(before, Some(Piece::Word(word)) if is_currency(word))
    {
        return Kind::Amount;
    }
    let mut ahead = rest.iter().take(4).peekable();
    let mut nearest = true;
    while let Some(piece) = ahead.next() {
        match piece {
            Piece::Sign('%' | '٪' | '％' | '‰') if nearest => return Kind::Percent,
            Piece::Sign(c) if is_currency_sign(*c) && nearest => return Kind::Amount,
            Piece::Word(word) => {
                let next = match ahead.peek() {
                    Some(Piece::Word(next)) => next.as_str(),
                    _ => "",
                };
                if nearest && is_currency(word) {
                    return Kind::Amount;
                }
                if nearest && is_percent(word, next) {
                    return Kind::Percent;
                }
                if let Some(unit) = unit(word) {
                    return Kind::Period(unit);
                }
            }
            Piece::Sign('-' | '–' | '—' | '/' | '&') => continue,
            // `3 to 5 days`, `3 à 5 jours`: the second number tells what both count.
            Piece::Number(_) => {
                nearest = true;
                continue;
            }
            _ => return Kind::Plain,
        }
        let joins = matches!(piece, Piece::Word(word) if matches!(word.as_str(), "to" | "bis" | "a" | "al" | "ate" | "tot" | "do" | "till" | "til" | "or" | "oder" | "ou" | "o" | "of" | "lub"));
        nearest = nearest && joins;
    }
    Kind::Plain
}

fn number(written: &str, before: Option<&Piece>, rest: &[Piece], out: &mut Vec<Figure>) {
    let ascii: String = written.chars().map(|c| digit(c).unwrap_or(c)).map(full_width).collect();
    let groups: Vec<&str> = ascii.split(['-', '‐', '‑', '–', '/', '.']).collect();
    if let Some(dates) = dates(&groups) {
        out.push(Figure { kind: Kind::Date, values: dates });
        return;
    }
    let parts: Vec<&str> = ascii.split(['-', '‐', '‑', '–', '/', '_']).collect();
    let numeric = |part: &&str| part.chars().all(|c| c.is_ascii_digit() || ".,:'’ \u{a0}\u{202f}\u{2009}".contains(c));
    let kind = kind_of(before, rest);
    if parts.iter().all(numeric) {
        // `3-5`: two numbers of one kind.
        for part in parts {
            out.push(Figure { kind, values: values(part) });
        }
        return;
    }
    if let [count, word] = parts.as_slice()
        && numeric(count)
        && let Some(unit) = unit(&fold(word))
    {
        out.push(Figure { kind: Kind::Period(unit), values: values(count) });
        return;
    }
    // `24h`, `30kg`, `3rd`, `9h30`.
    let end = ascii.find(|c: char| c.is_alphabetic()).unwrap_or(ascii.len());
    let (head, tail) = ascii.split_at(end);
    let letters: String = tail.chars().take_while(|c| c.is_alphabetic()).collect();
    let only_letters = letters.len() == tail.len();
    if end > 0 && numeric(&head) && only_letters && letters.chars().count() <= 6 {
        let folded = fold(&letters);
        let kind = if is_ordinal_end(&letters) {
            Kind::Plain
        } else if is_currency(&folded) {
            Kind::Amount
        } else {
            unit(&folded).map_or(Kind::Plain, Kind::Period)
        };
        out.push(Figure { kind, values: values(head) });
        return;
    }
    let code: String = fold(&ascii).chars().filter(char::is_ascii_alphanumeric).collect();
    out.push(Figure { kind: Kind::Code, values: vec![code] });
}

fn full_width(c: char) -> char {
    match c {
        '．' => '.',
        '，' => ',',
        '：' => ':',
        _ => c,
    }
}

/// `2026-05-12`, `12.5.2026`, `5/12/26`: year, month, day; both ways where it can be read both ways.
fn dates(groups: &[&str]) -> Option<Vec<String>> {
    let [a, b, c] = groups else { return None };
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 4);
    let (a_long, c_long) = (a.len() == 4, c.len() == 4);
    let (a, b, c) = (number(a)?, number(b)?, number(c)?);
    let date = |year: u32, month: u32, day: u32| {
        let year = if year < 100 { 2000 + year } else { year };
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| format!("{year}-{month}-{day}"))
    };
    let all: Vec<String> = if a_long {
        date(a, b, c).into_iter().collect()
    } else if c_long || c < 100 && groups.iter().all(|group| group.len() <= 2) {
        date(c, b, a).into_iter().chain(date(c, a, b)).collect()
    } else {
        vec![]
    };
    (!all.is_empty()).then_some(all)
}

/// The values that digits with separators may mean.
fn values(written: &str) -> Vec<String> {
    if let Some((hours, minutes)) = written.split_once(':') {
        let hours = trimmed(hours);
        let mut values = vec![format!("{hours}:{minutes}")];
        if minutes == "00" {
            values.push(hours);
        }
        return values;
    }
    let bare: String = written.chars().filter(|c| c.is_ascii_digit() || ".,".contains(*c)).collect();
    let marks: Vec<(usize, char)> = bare.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let mut values = vec![];
    if let Some((at, mark)) = marks.last() {
        let (whole, fraction) = (&bare[..*at], &bare[at + 1..]);
        let thousands =
            fraction.len() == 3 && whole.len() <= 3 + marks.len().saturating_sub(1) * 4 && !whole.is_empty();
        if thousands && marks.iter().all(|(_, other)| other == mark) {
            values.push(trimmed(&digits));
        }
        if marks.iter().filter(|(_, other)| other == mark).count() == 1 {
            let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
            let fraction = fraction.trim_end_matches('0');
            values.push(if fraction.is_empty() { trimmed(&whole) } else { format!("{}.{fraction}", trimmed(&whole)) });
        }
    }
    if values.is_empty() {
        values.push(trimmed(&digits));
    }
    values
}

fn trimmed(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Kind, String)> {
        figures(text).into_iter().map(|figure| (figure.kind, figure.values[0].clone())).collect()
    }

    #[test]
    fn one_value_in_many_forms() {
        for text in ["1.234,56 EUR", "1,234.56 EUR", "1 234,56 EUR", "1\u{a0}234,56 €", "€1,234.56", "EUR 1'234.56"]
        {
            assert_eq!(read(text), [(Kind::Amount, "1234.56".to_owned())], "{text}");
        }
        assert!(Known::of("It costs 1.234 EUR.").bears(&figures("1,234 EUR")[0]));
        assert!(Known::of("It costs 6,50 €.").bears(&figures("6.5 EUR")[0]));
        assert!(Known::of("39.00 €").bears(&figures("39 €")[0]));
    }

    #[test]
    fn kinds_are_told_from_what_stands_beside() {
        let period = Kind::Period(Unit::Day);
        for (text, expected) in [
            ("You get 35 % off", vec![(Kind::Percent, "35")]),
            ("il 35 per cento in meno", vec![(Kind::Percent, "35")]),
            ("within 30 days", vec![(period, "30")]),
            ("a 30-day trial", vec![(period, "30")]),
            ("3 to 5 working days", vec![(period, "3"), (period, "5")]),
            ("3-5 Werktage", vec![(period, "3"), (period, "5")]),
            ("binnen zehn Tagen können Sie das zurückgeben", vec![(period, "10")]),
            ("you have two weeks for that", vec![(Kind::Period(Unit::Week), "2")]),
            ("There are two options for you.", vec![]),
            ("code AMICI35 and order BS-10422", vec![(Kind::Code, "amici35"), (Kind::Code, "bs10422")]),
            ("on 2026-05-12", vec![(Kind::Date, "2026-5-12")]),
            ("am 12.05.2026", vec![(Kind::Date, "2026-5-12")]),
            ("on 12 May", vec![(Kind::Plain, "12"), (Kind::Date, "month 5")]),
            ("1. First\n2. Second", vec![]),
            ("open 9:00 to 17:30", vec![(Kind::Plain, "9:00"), (Kind::Plain, "17:30")]),
            ("40 cm", vec![(Kind::Plain, "40")]),
            ("送料は500円です", vec![(Kind::Amount, "500")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(kind, value)| (kind, value.to_owned())).collect();
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_figure_is_borne_in_its_own_sense_only() {
        let source = Known::of("You have 30 days. Shipping is 4.90 EUR and free from 50 EUR. The lamp is 40 cm tall.");
        for text in ["30 days", "thirty days is what you have", "4,90 €", "50 EUR", "40 cm"] {
            assert!(figures(text).iter().all(|figure| source.bears(figure)), "{text}");
        }
        for text in ["30 %", "30 EUR", "60 days", "30 months", "5 EUR"] {
            assert!(!figures(text).iter().all(|figure| source.bears(figure)), "{text}");
        }
    }
}
