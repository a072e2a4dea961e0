//! The body of a mail divided into what its author wrote now, the history below or between, and the signature.
//!
//! Invariant: no line gets lost; each goes to one of the three. Where it is not plain that a line is history or
//! signature, it is the author's text: a customer's words matter more than a clean cut.

mod attribution;
mod heading;
mod signature;
mod words;

use crate::{clean, limits};

/// A line of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Without the marks of quoting.
    pub text: String,
    /// How often it is quoted.
    pub depth: u8,
    /// Known from the markup: here the history begins.
    pub cut: bool,
    /// Known from the markup: part of the signature.
    pub signature: bool,
    /// Known from the markup: part of an attribution.
    pub attribution: bool,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn marked(&self) -> String {
        if self.depth == 0 {
            return self.text.clone();
        }
        let mark = ">".repeat(usize::from(self.depth));
        format!("{mark} {}", self.text).trim_end().to_owned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Quote,
    Signature,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub text: String,
    pub quoted: Option<String>,
    pub signature: Option<String>,
    /// There were more lines than are read.
    pub cut: bool,
}

/// Plain text to lines.
pub fn plain_lines(text: &str) -> Vec<Line> {
    clean::text(text)
        .lines()
        .map(|line| {
            let (depth, text) = unquote(line);
            Line { text: text.trim_end().to_owned(), depth, ..Line::default() }
        })
        .collect()
}

/// `> > text` is quoted twice.
fn unquote(line: &str) -> (u8, &str) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    if indent > 2 {
        return (0, line);
    }
    let mut rest = &line[indent..];
    let mut depth = 0_u8;
    while let Some(after) = rest.strip_prefix('>') {
        depth = depth.saturating_add(1);
        rest = match after.strip_prefix(' ') {
            Some(spaced) if spaced.starts_with('>') => spaced,
            _ => after,
        };
    }
    if depth == 0 { (0, line) } else { (depth, rest.strip_prefix(' ').unwrap_or(rest)) }
}

/// All lines as text again, with marks.
pub fn join(lines: &[Line]) -> String {
    tidy(lines.iter().map(Line::marked))
}

/// Joins lines; never more than one blank line, none at the ends.
fn tidy(lines: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    let mut blank = false;
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() {
            blank = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank { "\n\n" } else { "\n" });
        }
        blank = false;
        out.push_str(if out.is_empty() { line.trim_start() } else { line });
    }
    out
}

/// `is_reply`: the mail answers another, so that it may hold history which nothing announces.
pub fn split(mut lines: Vec<Line>, is_reply: bool) -> Body {
    let cut = lines.len() > limits::BODY_LINES;
    lines.truncate(limits::BODY_LINES);
    let mut kinds: Vec<Kind> = lines
        .iter()
        .map(|line| match line {
            line if line.depth > 0 => Kind::Quote,
            line if line.signature => Kind::Signature,
            _ => Kind::Text,
        })
        .collect();

    let found = mark_history(&lines, &mut kinds);
    if !found.announced && kinds.iter().filter(|k| **k == Kind::Quote).count() == 1 {
        // One line that begins with `>` is as likely a command or an arrow.
        for kind in kinds.iter_mut().filter(|k| **k == Kind::Quote) {
            *kind = Kind::Text;
        }
    }
    mark_wrapped(&lines, &mut kinds);
    signature::mark(&lines, &mut kinds, is_reply);

    let take = |wanted: Kind| {
        tidy(lines.iter().zip(&kinds).map(|(line, kind)| {
            let shown = if *kind == wanted { Some(line) } else { None };
            shown.map_or_else(String::new, Line::marked)
        }))
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    let mut body =
        Body { text: take(Kind::Text), quoted: some(take(Kind::Quote)), signature: some(take(Kind::Signature)), cut };
    if body.text.is_empty() && body.quoted.is_some() && !found.only_answered {
        // A forward without a word, or history that nothing stands above: this is all the author sent.
        body.text = tidy(lines.iter().zip(&kinds).filter(|(_, k)| **k != Kind::Signature).map(|(l, _)| l.marked()));
        body.quoted = None;
    } else if body.text.is_empty() && body.quoted.is_none() {
        body.text = body.signature.take().unwrap_or_default();
    }
    body
}

struct History {
    /// Something other than `>` says that there is history.
    announced: bool,
    /// All of it is marked quotes below an attribution: an answer without a word is possible.
    only_answered: bool,
}

fn mark_history(lines: &[Line], kinds: &mut [Kind]) -> History {
    let mut history = History { announced: false, only_answered: false };
    let mut at = 0;
    while at < lines.len() {
        if kinds[at] != Kind::Text || lines[at].is_blank() {
            at += 1;
            continue;
        }
        let next_is_quote =
            |from: usize| lines[from..].iter().find(|line| !line.is_blank()).is_some_and(|line| line.depth > 0);
        if let Some((end, strong)) = attribution::at(lines, kinds, at) {
            if next_is_quote(end + 1) {
                kinds[at..=end].fill(Kind::Quote);
                history.announced = true;
                history.only_answered = true;
                at = end + 1;
                continue;
            }
            if strong {
                history.announced = true;
                history.only_answered = false;
                kinds[at..].fill(Kind::Quote);
                return history;
            }
        }
        if heading::is_heading(&lines[at].text) && next_is_quote(at + 1) {
            kinds[at] = Kind::Quote;
            history.announced = true;
            history.only_answered = false;
            at += 1;
            continue;
        }
        if let Some(start) = heading::history_from(lines, kinds, at) {
            history.announced = true;
            history.only_answered = false;
            kinds[start..].fill(Kind::Quote);
            return history;
        }
        at += 1;
    }
    history
}

/// A quoted line that some gateway wrapped leaves its tail without a mark, between two marked lines.
fn mark_wrapped(lines: &[Line], kinds: &mut [Kind]) {
    for at in 1..lines.len().saturating_sub(1) {
        let (before, here, after) = (&lines[at - 1], &lines[at], &lines[at + 1]);
        let tail = kinds[at] == Kind::Text
            && before.depth > 0
            && after.depth > 0
            && !here.is_blank()
            && before.text.chars().count() >= 65
            && !before.text.ends_with(['.', '!', '?', ':', ';', '。'])
            && here.text.starts_with(char::is_lowercase);
        if tail {
            kinds[at] = Kind::Quote;
        }
    }
}
