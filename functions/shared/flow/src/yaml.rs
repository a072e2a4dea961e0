//! A document as a tree that knows where each part stands. JSON is read as the YAML that it is.
//!
//! Invariant: the work is bounded by [`MAX_BYTES`], [`MAX_NODES`] and [`MAX_DEPTH`]; there are no anchors, aliases or
//! tags, so that no document is larger than its text.

use crate::problem::{Correction, Problem, short};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

pub const MAX_BYTES: usize = 64 * 1024;
pub const MAX_NODES: usize = 4_000;
pub const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: Kind,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// `plain`: written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Nothing stands where a value is expected.
    pub fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_empty() => Some(text),
            _ => None,
        }
    }

    /// For messages.
    pub fn in_words(&self) -> String {
        match &self.kind {
            _ if self.is_empty() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("`{}`", short(text)),
            Kind::List(items) => format!("a list of {}", items.len()),
            Kind::Map(_) => "a group of fields".to_owned(),
        }
    }
}

fn problem(line: usize, column: usize, found: impl Into<String>, allowed: impl Into<String>) -> Problem {
    Problem { line, column, step: None, found: found.into(), allowed: allowed.into(), correction: None }
}

pub(crate) fn read(source: &str) -> Result<Node, Problem> {
    if source.len() > MAX_BYTES {
        return Err(problem(1, 1, format!("{} bytes", source.len()), format!("a flow of at most {MAX_BYTES} bytes")));
    }
    let mut reader = Reader { events: Parser::new_from_str(source), nodes: 0, source };
    match reader.next()? {
        Some((Event::StreamStart, _)) => {}
        _ => return Err(problem(1, 1, "no text", "a YAML or JSON document")),
    }
    match reader.next()? {
        Some((Event::DocumentStart(_), _)) => {}
        _ => return Err(problem(1, 1, "an empty document", "a flow with `version`, `trigger` and `steps`")),
    }
    let first = reader.next()?;
    let root = reader.node(first, 0)?;
    loop {
        match reader.next()? {
            Some((Event::DocumentEnd | Event::StreamEnd, _)) => {}
            None => return Ok(root),
            Some((_, span)) => {
                return Err(problem(span.start.line(), span.start.col() + 1, "a second document", "one flow a file"));
            }
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    nodes: usize,
    source: &'a str,
}

type Step<'a> = Option<(Event<'a>, Span)>;

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Step<'a>, Problem> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(self.unreadable(error.marker().line(), error.marker().col(), error.info())),
        }
    }

    /// YAML's own refusals, with a correction for those that people run into.
    fn unreadable(&self, line: usize, column: usize, info: &str) -> Problem {
        let mut found = problem(line, column + 1, format!("text that is not YAML ({info})"), "a YAML or JSON document");
        let tab = |line: &&(usize, &str)| line.1.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
        let lines: Vec<(usize, &str)> = self.source.lines().enumerate().collect();
        let near = lines.iter().filter(|(at, _)| at + 1 >= line.saturating_sub(1) && *at < line + 1).find(tab);
        if let Some((at, text)) = near {
            found.found = "a tab before the first word".to_owned();
            found.allowed = "spaces; YAML knows no tabs there".to_owned();
            found.line = at + 1;
            found.column = 1;
            let indent: String = text
                .chars()
                .take_while(|c| c.is_whitespace())
                .map(|c| if c == '\t' { "  ".to_owned() } else { c.to_string() })
                .collect();
            found.correction = Some(Correction { line: at + 1, text: format!("{indent}{}", text.trim_start()) });
        } else if let Some((at, text)) = lines.get(line.saturating_sub(1))
            && let Some((key, value)) = text.split_once(": ")
            && !value.trim().is_empty()
            && !matches!(value.trim().chars().next(), Some('{' | '[' | '|' | '>'))
        {
            found.correction = Some(Correction { line: at + 1, text: format!("{key}: {}", quoted(value.trim())) });
        }
        found
    }

    fn node(&mut self, event: Step<'a>, depth: usize) -> Result<Node, Problem> {
        let Some((event, span)) = event else {
            return Err(problem(1, 1, "the end of the text", "a value"));
        };
        let (line, column) = (span.start.line(), span.start.col() + 1);
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            let allowed = format!("at most {MAX_NODES} parts, nested at most {MAX_DEPTH} deep");
            return Err(problem(line, column, "a document of too many parts", allowed));
        }
        let no_anchor = || Err(problem(line, column, "an anchor, alias or tag", "plain values; write the value out"));
        let kind = match event {
            Event::Scalar(text, style, 0, None) => {
                Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(0, None) => {
                let mut items = vec![];
                loop {
                    match self.next()? {
                        Some((Event::SequenceEnd, _)) => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                Kind::List(items)
            }
            Event::MappingStart(0, None) => {
                let mut entries = vec![];
                loop {
                    match self.next()? {
                        Some((Event::MappingEnd, _)) => break,
                        event => {
                            let key = self.node(event, depth + 1)?;
                            let value = self.next()?;
                            entries.push((key, self.node(value, depth + 1)?));
                        }
                    }
                }
                Kind::Map(entries)
            }
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => {
                return no_anchor();
            }
            _ => return Err(problem(line, column, "the end of the document", "a value")),
        };
        Ok(Node { kind, line, column })
    }
}

/// A text as a double-quoted scalar; quotes that stand around it already are taken off.
pub(crate) fn quoted(text: &str) -> String {
    let inner = text.trim_matches('"');
    format!("\"{}\"", inner.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept_and_json_is_yaml() {
        let root = read("a: 1\nsteps:\n  - b: \"x\"\n").unwrap();
        let Kind::Map(entries) = root.kind else { panic!() };
        assert_eq!((entries[1].0.line, entries[1].0.column), (2, 1));
        let Kind::List(items) = &entries[1].1.kind else { panic!() };
        assert_eq!((items[0].line, items[0].column), (3, 5));
        assert!(read("{\"a\": [1, true, null]}").is_ok());
    }

    #[test]
    fn what_grows_is_refused() {
        assert!(read(&"[".repeat(5000)).is_err());
        assert!(read("a: &x [1]\nb: [*x, *x]\n").unwrap_err().found.contains("anchor"));
        assert!(read(&format!("[{}]", "1,".repeat(5000))).unwrap_err().found.contains("too many parts"));
        assert!(read(&"x".repeat(MAX_BYTES + 1)).unwrap_err().found.contains("bytes"));
        assert!(read("").is_err());
        assert!(read("--- a\n--- b\n").is_err());
    }
}
