//! The part of Gmail's search language that is spoken here.

use crate::mailbox::{Mail, Mailbox};
use crate::mime;

/// One condition; all must hold.
#[derive(Debug, PartialEq, Eq)]
enum Term {
    After(i64),
    Before(i64),
    From(String),
    To(String),
    Subject(String),
    MessageId(String),
    Label(String),
    Word(String),
}

#[derive(Debug, Default)]
pub(crate) struct Query {
    terms: Vec<(bool, Term)>,
}

impl Query {
    pub fn parse(text: &str) -> Self {
        Self { terms: split(text).into_iter().filter_map(|word| term(&word)).collect() }
    }

    pub fn names_label(&self, label: &str) -> bool {
        self.terms
            .iter()
            .any(|(wanted, term)| *wanted && matches!(term, Term::Label(l) if l.eq_ignore_ascii_case(label)))
    }

    pub fn matches(&self, mailbox: &Mailbox, mail: &Mail) -> bool {
        self.terms.is_empty() || {
            let headers = mime::headers(&mail.raw);
            self.terms.iter().all(|(wanted, term)| holds(term, mailbox, mail, &headers) == *wanted)
        }
    }
}

/// Words; quotes keep spaces together.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            space if space.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn term(word: &str) -> Option<(bool, Term)> {
    let (wanted, word) = match word.strip_prefix('-') {
        Some(rest) => (false, rest),
        None => (true, word),
    };
    if word.is_empty() {
        return None;
    }
    let (key, value) = word.split_once(':').unwrap_or(("", word));
    let lower = value.to_lowercase();
    let term = match key.to_lowercase().as_str() {
        "after" => moment(value).map(Term::After),
        "before" => moment(value).map(Term::Before),
        "from" => Some(Term::From(lower)),
        "to" => Some(Term::To(lower)),
        "subject" => Some(Term::Subject(lower)),
        "rfc822msgid" => Some(Term::MessageId(value.trim_matches(['<', '>']).to_owned())),
        "label" | "in" | "is" => Some(Term::Label(value.to_owned())),
        _ => None,
    };
    Some((wanted, term.unwrap_or_else(|| Term::Word(word.to_lowercase()))))
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

fn holds(term: &Term, mailbox: &Mailbox, mail: &Mail, headers: &[(String, String)]) -> bool {
    let any = |names: &[&str], needle: &str| {
        headers.iter().any(|(name, value)| {
            names.iter().any(|n| n.eq_ignore_ascii_case(name)) && value.to_lowercase().contains(needle)
        })
    };
    match term {
        Term::After(ms) => mail.internal_ms >= *ms,
        Term::Before(ms) => mail.internal_ms < *ms,
        Term::From(text) => any(&["From"], text),
        Term::To(text) => any(&["To", "Cc", "Bcc"], text),
        Term::Subject(text) => any(&["Subject"], text),
        Term::MessageId(id) => mail.envelope.message_id.as_ref() == Some(id),
        Term::Label(name) => match name.to_lowercase().as_str() {
            "anywhere" => true,
            "read" => !mail.has("UNREAD"),
            "sent" => mail.has("SENT"),
            "draft" | "drafts" => mail.has("DRAFT"),
            wanted => mail.labels.iter().any(|id| {
                id.eq_ignore_ascii_case(wanted)
                    || mailbox.label_name(id).to_lowercase().replace([' ', '/'], "-") == wanted.replace([' ', '/'], "-")
            }),
        },
        Term::Word(word) => {
            any(&["Subject", "From", "To"], word) || mime::text(&mail.raw).to_lowercase().contains(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_and_negation() {
        let query = Query::parse(r#"after:1700000000 -subject:"two words" bare is:unread rfc822msgid:<a@b.test>"#);
        let expected = [
            (true, Term::After(1_700_000_000_000)),
            (false, Term::Subject("two words".into())),
            (true, Term::Word("bare".into())),
            (true, Term::Label("unread".into())),
            (true, Term::MessageId("a@b.test".into())),
        ];
        assert_eq!(query.terms, expected);
    }

    #[test]
    fn a_date_is_pacific_midnight() {
        assert_eq!(moment("2026/01/02"), Some(1_767_340_800_000));
        assert_eq!(moment("nonsense"), None);
    }
}
