//! The part of Gmail's search language that is spoken here, as a tree of conditions.
//!
//! Words stand for whole words. An operator that is not known, or whose value cannot be read, counts as words.

const DAY_MS: i64 = 86_400_000;
/// Nesting of groups; what is deeper is left out.
const DEPTH: usize = 32;

/// A condition on a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// Milliseconds: not before, and before.
    After(i64),
    Before(i64),
    /// Bytes: more than, and less than.
    Larger(usize),
    Smaller(usize),
    /// Words in a row in one of these header fields.
    Field(&'static [&'static str], Vec<String>),
    MessageId(String),
    /// A label, a place or a state, in lower case.
    Label(String),
    Attachment,
    Filename(String),
    OwnLabels,
    /// Words in a row anywhere.
    Words(Vec<String>),
}

/// Reads a query; `now_ms` is what `older_than` and `newer_than` count from.
pub(super) fn parse(text: &str, now_ms: i64) -> Expr {
    let mut reader = Reader { rest: text, now_ms };
    let mut all = Vec::new();
    while !reader.rest.is_empty() {
        all.push(reader.sequence(None, false, 0));
        // A bracket that closes nothing separates.
        reader.rest = reader.rest.get(1..).unwrap_or_default();
    }
    match (all.pop(), all.is_empty()) {
        (None, _) => Expr::All(Vec::new()),
        (Some(one), true) => one,
        (Some(last), false) => {
            all.push(last);
            Expr::All(all)
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    now_ms: i64,
}

impl Reader<'_> {
    /// Conditions up to a closing bracket, all of which hold or, with `any`, one of which. `key`: the operator in front
    /// of the group, which is that of each word in it.
    fn sequence(&mut self, key: Option<&str>, any: bool, depth: usize) -> Expr {
        let mut found: Vec<Expr> = Vec::new();
        let mut joined = false;
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with([')', '}']) {
                break;
            }
            if let Some(rest) = self.rest.strip_prefix("OR").filter(|rest| rest.starts_with(char::is_whitespace)) {
                self.rest = rest;
                joined = !found.is_empty();
                continue;
            }
            let Some(item) = self.item(key, depth) else {
                continue;
            };
            match found.pop_if(|_| joined) {
                None => found.push(item),
                Some(Expr::Any(mut others)) => {
                    others.push(item);
                    found.push(Expr::Any(others));
                }
                Some(other) => found.push(Expr::Any(vec![other, item])),
            }
            joined = false;
        }
        match found.len() {
            1 => found.remove(0),
            _ if any => Expr::Any(found),
            _ => Expr::All(found),
        }
    }

    /// One condition; `None`: there was nothing in it.
    fn item(&mut self, key: Option<&str>, depth: usize) -> Option<Expr> {
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            if rest.is_empty() || rest.starts_with(char::is_whitespace) || depth >= DEPTH {
                return None;
            }
            return self.item(key, depth + 1).map(|item| Expr::Not(Box::new(item)));
        }
        let operator = match key {
            Some(_) => None,
            None => self.operator(),
        };
        let key = operator.as_deref().or(key);
        if self.rest.starts_with(['(', '{']) {
            return self.group(key, depth);
        }
        let value = self.value();
        term(key, &value, self.now_ms).map(Expr::Term)
    }

    /// Takes the operator in front, with its colon.
    fn operator(&mut self) -> Option<String> {
        let (name, rest) = self.rest.split_once(':')?;
        if !known(&name.to_lowercase()) || rest.starts_with(char::is_whitespace) || rest.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(name.to_lowercase())
    }

    fn group(&mut self, key: Option<&str>, depth: usize) -> Option<Expr> {
        let any = self.rest.starts_with('{');
        self.rest = &self.rest[1..];
        if depth >= DEPTH {
            self.rest = "";
            return None;
        }
        let inner = self.sequence(key, any, depth + 1);
        self.rest = self.rest.get(1..).unwrap_or_default();
        (inner != Expr::All(Vec::new()) && inner != Expr::Any(Vec::new())).then_some(inner)
    }

    /// A quoted phrase, or everything up to a space or a closing bracket.
    fn value(&mut self) -> String {
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (phrase, rest) = rest.split_once('"').unwrap_or((rest, ""));
            self.rest = rest;
            return phrase.to_owned();
        }
        let end = self.rest.find(|letter: char| letter.is_whitespace() || [')', '}', '"'].contains(&letter));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word.to_owned()
    }
}

fn known(operator: &str) -> bool {
    const OTHERS: [&str; 16] = [
        "after",
        "before",
        "newer",
        "older",
        "newer_than",
        "older_than",
        "larger",
        "smaller",
        "size",
        "rfc822msgid",
        "label",
        "in",
        "is",
        "category",
        "has",
        "filename",
    ];
    fields(operator).is_some() || OTHERS.contains(&operator)
}

fn fields(operator: &str) -> Option<&'static [&'static str]> {
    match operator {
        "from" => Some(&["From"]),
        "to" => Some(&["To", "Cc", "Bcc"]),
        "cc" => Some(&["Cc"]),
        "bcc" => Some(&["Bcc"]),
        "subject" => Some(&["Subject"]),
        "list" => Some(&["List-Id"]),
        "deliveredto" => Some(&["Delivered-To"]),
        _ => None,
    }
}

fn term(key: Option<&str>, value: &str, now_ms: i64) -> Option<Term> {
    let lower = value.to_lowercase();
    let ago = || age(&lower).map(|age| now_ms.saturating_sub(age));
    let special = match key {
        Some("after" | "newer") => moment(value).map(Term::After),
        Some("before" | "older") => moment(value).map(Term::Before),
        Some("newer_than") => ago().map(Term::After),
        Some("older_than") => ago().map(Term::Before),
        Some("larger" | "size") => bytes(&lower).map(Term::Larger),
        Some("smaller") => bytes(&lower).map(Term::Smaller),
        Some("rfc822msgid") => Some(Term::MessageId(value.trim_matches(['<', '>']).to_owned())),
        Some("label" | "in" | "is") => Some(Term::Label(lower.clone())),
        Some("category") => {
            Some(Term::Label(format!("category_{}", if lower == "primary" { "personal" } else { lower.as_str() })))
        }
        Some("has") if lower == "attachment" => Some(Term::Attachment),
        Some("has") if lower == "userlabels" => Some(Term::OwnLabels),
        Some("filename") => Some(Term::Filename(lower.clone())),
        Some(operator) => fields(operator).map(|names| Term::Field(names, words(value))),
        None => None,
    };
    let term = special.unwrap_or_else(|| match key {
        Some(key) => Term::Words(words(&format!("{key} {value}"))),
        None => Term::Words(words(value)),
    });
    match &term {
        Term::Words(words) | Term::Field(_, words) if words.is_empty() => None,
        _ => Some(term),
    }
}

/// The words of a text in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Epoch seconds, or a date, which means its midnight in the Pacific standard time zone.
fn moment(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    if let [year, month, day] = parts.as_slice() {
        let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(-8));
        return Some(date.to_zoned(zone).ok()?.timestamp().as_millisecond());
    }
    text.parse::<i64>().ok().map(|seconds| seconds.saturating_mul(1_000))
}

/// `3d`, `2m`, `1y` in milliseconds; a month has 30 days and a year 365.
fn age(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let days = match unit {
        "d" => 1,
        "m" => 30,
        "y" => 365,
        _ => return None,
    };
    Some(number.parse::<i64>().ok()?.saturating_mul(days * DAY_MS))
}

/// `1000`, `10k`, `5m` in bytes.
fn bytes(text: &str) -> Option<usize> {
    let (number, factor) = match (text.strip_suffix('k'), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1_024),
        (_, Some(number)) => (number, 1_048_576),
        _ => (text, 1),
    };
    Some(number.parse::<usize>().ok()?.saturating_mul(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Expr {
        Expr::Term(Term::Words(words(text)))
    }

    #[test]
    fn words_quotes_negation_and_operators() {
        let query = parse(r#"after:1700000000 -subject:"two words" bare is:unread rfc822msgid:<a@b.test>"#, 0);
        let expected = Expr::All(vec![
            Expr::Term(Term::After(1_700_000_000_000)),
            Expr::Not(Box::new(Expr::Term(Term::Field(&["Subject"], words("two words"))))),
            word("bare"),
            Expr::Term(Term::Label("unread".into())),
            Expr::Term(Term::MessageId("a@b.test".into())),
        ]);
        assert_eq!(query, expected);
    }

    #[test]
    fn groups_and_alternatives() {
        assert_eq!(parse("a OR b c", 0), Expr::All(vec![Expr::Any(vec![word("a"), word("b")]), word("c")]));
        assert_eq!(parse("{a b}", 0), Expr::Any(vec![word("a"), word("b")]));
        assert_eq!(parse("-(a b)", 0), Expr::Not(Box::new(Expr::All(vec![word("a"), word("b")]))));
        let from = |name: &str| Expr::Term(Term::Field(&["From"], words(name)));
        assert_eq!(parse("from:{a b}", 0), Expr::Any(vec![from("a"), from("b")]));
        assert_eq!(parse("OR a", 0), word("a"));
    }

    #[test]
    fn what_is_not_known_counts_as_words() {
        assert_eq!(parse("colour:red", 0), word("colour red"));
        assert_eq!(parse("after:soon", 0), word("after soon"));
        assert_eq!(parse("***", 0), Expr::All(vec![]));
    }

    #[test]
    fn malformed_queries_end() {
        for text in ["(", ")", "a)", "a) b", "\"a", "-", "--", "from:", "(((", "{)}", "OR", "a OR"] {
            parse(text, 0);
        }
        parse(&"(".repeat(100_000), 0);
        parse(&"-".repeat(100_000), 0);
    }

    #[test]
    fn a_date_is_pacific_midnight() {
        assert_eq!(moment("2026/01/02"), Some(1_767_340_800_000));
        assert_eq!(moment("nonsense"), None);
        assert_eq!(age("2d"), Some(2 * DAY_MS));
        assert_eq!(bytes("2m"), Some(2_097_152));
    }
}
