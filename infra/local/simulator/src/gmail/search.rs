//! Whether a mail is what a query asks for.

use std::cell::OnceCell;

use super::{
    search_syntax::{Expr, Term, parse, words},
    settings::filters::Criteria,
};
use crate::{
    mailbox::{Mail, Mailbox, Narrow},
    mime,
};

#[derive(Debug)]
pub(crate) struct Query {
    expr: Expr,
}

impl Query {
    pub fn parse(text: &str, now_ms: i64) -> Self {
        Self { expr: parse(text, now_ms) }
    }

    /// The query that a filter's criteria make together.
    pub fn of_filter(criteria: &Criteria, now_ms: i64) -> Self {
        let mut all = Vec::new();
        let mut field = |name: &str, value: &Option<String>| {
            if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
                all.push(parse(&format!("{name}:({value})"), now_ms));
            }
        };
        field("from", &criteria.from);
        field("to", &criteria.to);
        if let Some(subject) = &criteria.subject {
            all.push(Expr::Term(Term::Field(&["Subject"], words(subject))));
        }
        if let Some(query) = &criteria.query {
            all.push(parse(query, now_ms));
        }
        if let Some(query) = &criteria.negated_query {
            all.push(Expr::Not(Box::new(parse(query, now_ms))));
        }
        if criteria.has_attachment == Some(true) {
            all.push(Expr::Term(Term::Attachment));
        }
        let size = criteria.size.and_then(|size| usize::try_from(size).ok());
        match (criteria.size_comparison.as_deref(), size) {
            (Some("larger"), Some(size)) => all.push(Expr::Term(Term::Larger(size))),
            (Some("smaller"), Some(size)) => all.push(Expr::Term(Term::Smaller(size))),
            _ => {}
        }
        Self { expr: Expr::All(all) }
    }

    /// Whether the query asks for the spam or the trash by name, so that they are searched too.
    pub fn names_label(&self, label: &str) -> bool {
        names(&self.expr, &label.to_lowercase())
    }

    pub fn matches(&self, mailbox: &Mailbox, mail: &Mail) -> bool {
        let read = Reading { mailbox, mail, headers: OnceCell::new(), text: OnceCell::new() };
        holds(&self.expr, &read)
    }

    /// What the mailbox's indexes can answer of this query and of label ids beside it.
    pub fn narrow<'a>(&'a self, labels: &[&'a str]) -> Narrow<'a> {
        let mut narrow = Narrow { labels: labels.to_vec(), ..Narrow::default() };
        // Only what must hold of every hit narrows; a choice or a negation does not.
        let mut must = vec![&self.expr];
        while let Some(expr) = must.pop() {
            match expr {
                Expr::All(inner) => must.extend(inner),
                Expr::Term(Term::After(ms)) => narrow.since_ms = narrow.since_ms.max(Some(*ms)),
                Expr::Term(Term::Before(ms)) => {
                    narrow.before_ms = Some(narrow.before_ms.map_or(*ms, |known| known.min(*ms)));
                }
                Expr::Term(Term::MessageId(id)) => narrow.message_id = Some(id),
                Expr::Any(_) | Expr::Not(_) | Expr::Term(_) => {}
            }
        }
        narrow
    }
}

fn names(expr: &Expr, label: &str) -> bool {
    match expr {
        Expr::All(inner) | Expr::Any(inner) => inner.iter().any(|expr| names(expr, label)),
        Expr::Not(_) => false,
        Expr::Term(Term::Label(name)) => name == label || name == "anywhere",
        Expr::Term(_) => false,
    }
}

/// A mail, of which only as much is read as the query needs.
struct Reading<'a> {
    mailbox: &'a Mailbox,
    mail: &'a Mail,
    headers: OnceCell<Vec<(String, String)>>,
    text: OnceCell<Vec<String>>,
}

impl Reading<'_> {
    fn field(&self, names: &[&str], phrase: &[String]) -> bool {
        self.headers
            .get_or_init(|| mime::headers(&self.mail.raw))
            .iter()
            .filter(|(name, _)| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
            .any(|(_, value)| in_a_row(&words(value), phrase))
    }

    fn text(&self, phrase: &[String]) -> bool {
        in_a_row(self.text.get_or_init(|| words(&mime::text(&self.mail.raw))), phrase)
    }

    fn label(&self, name: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace([' ', '/'], "-");
        match name {
            "anywhere" => true,
            "read" => !self.mail.has("UNREAD"),
            "draft" | "drafts" => self.mail.has("DRAFT"),
            "chats" => self.mail.has("CHAT"),
            "bin" => self.mail.has("TRASH"),
            wanted => self
                .mail
                .labels
                .iter()
                .any(|id| id.eq_ignore_ascii_case(wanted) || plain(self.mailbox.label_name(id)) == plain(wanted)),
        }
    }
}

fn in_a_row(text: &[String], phrase: &[String]) -> bool {
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

fn holds(expr: &Expr, read: &Reading<'_>) -> bool {
    match expr {
        Expr::All(inner) => inner.iter().all(|expr| holds(expr, read)),
        Expr::Any(inner) => inner.iter().any(|expr| holds(expr, read)),
        Expr::Not(inner) => !holds(inner, read),
        Expr::Term(term) => term_holds(term, read),
    }
}

fn term_holds(term: &Term, read: &Reading<'_>) -> bool {
    let mail = read.mail;
    match term {
        Term::After(ms) => mail.internal_ms >= *ms,
        Term::Before(ms) => mail.internal_ms < *ms,
        Term::Larger(size) => mail.raw.len() > *size,
        Term::Smaller(size) => mail.raw.len() < *size,
        Term::Field(names, phrase) => read.field(names, phrase),
        Term::MessageId(id) => mail.envelope.message_id.as_ref() == Some(id),
        Term::Label(name) => read.label(name),
        Term::OwnLabels => read.mailbox.labels.iter().any(|label| mail.has(&label.id)),
        Term::Attachment => !mime::attachments(&mail.raw).is_empty(),
        Term::Filename(name) => mime::attachments(&mail.raw).iter().any(|(file, _)| {
            let file = file.to_lowercase();
            file == *name
                || file.rsplit_once('.').is_some_and(|(_, ending)| ending == name.as_str())
                || in_a_row(&words(&file), &words(name))
        }),
        Term::Words(phrase) => read.field(&["Subject", "From", "To", "Cc"], phrase) || read.text(phrase),
    }
}
