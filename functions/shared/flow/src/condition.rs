//! A condition: CEL (<https://cel.dev>) over the facts, checked when a flow is saved and bounded in what it can cost.
//!
//! The library has no limit of cost, so none is needed of it: names and types are checked against a closed environment,
//! operators that make values grow are refused, and the worst case over the largest mail is added up beforehand.

use crate::check::{self, Checked};
use crate::data::{Data, Type};
use crate::facts::Facts;
use crate::plain;
use crate::text;
use cel::{Context, Program, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes of an expression.
pub const MAX_SOURCE: usize = 4 * 1024;
/// Words and signs of an expression, before it is read.
const MAX_TOKENS: usize = 600;
/// Brackets within brackets.
const MAX_NESTING: usize = 16;

/// A condition that is known to be right.
#[derive(Debug)]
pub struct Condition {
    /// As it was written.
    pub source: String,
    /// The CEL that it stands for; the source itself unless that is in the plain form.
    pub cel: String,
    program: Program,
    /// Dotted names that it looks at.
    pub(crate) reads: BTreeSet<String>,
    /// The worst that evaluating it costs, in steps of about a comparison.
    pub cost: u64,
}

/// Why a condition is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub found: String,
    pub allowed: String,
    /// What in the source should read how.
    pub correction: Option<(String, String)>,
}

impl Refusal {
    pub fn new(found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { found: found.into(), allowed: allowed.into(), correction: None }
    }

    pub fn correct(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.correction = Some((from.into(), to.into()));
        self
    }
}

/// Why a condition gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// It looks at what the assistant has not been asked yet.
    #[error("the assistant has not been asked")]
    NotAssessed,
    #[error("the condition cannot be decided: {0}")]
    Undecided(String),
}

impl Condition {
    pub(crate) fn parse(source: &str, types: &BTreeMap<String, Type>) -> Result<Self, Refusal> {
        bounded(source)?;
        let cel = match plain::translate(source) {
            None => source.trim().to_owned(),
            Some(Ok(cel)) => cel,
            Some(Err(found)) => {
                let field = source.split_whitespace().next().unwrap_or("Subject");
                return Err(Refusal::new(
                    found,
                    "FIELD contains | does not contain | is | is not | starts with | ends with \"WORD\" OR \"WORD\"",
                )
                .correct(source, format!("{field} contains \"urgent\" OR \"help\"")));
            }
        };
        bounded(&cel)?;
        if let Some(refusal) = single_equals(&cel) {
            return Err(refusal);
        }
        let program = Program::compile(&cel).map_err(|errors| {
            let first = errors.errors.first().map_or_else(String::new, |error| error.msg.clone());
            Refusal::new(
                format!("an expression that cannot be read ({})", crate::problem::short(&first)),
                "a CEL expression, such as `sender.vip && !business_hours`",
            )
            .correct(source, "Subject contains \"urgent\" OR \"help\"")
        })?;
        let Checked { cost, reads } = check::check(program.expression(), types)?;
        Ok(Self { source: source.trim().to_owned(), cel, program, reads, cost })
    }

    pub(crate) fn reads_assistant(&self) -> bool {
        self.reads.iter().any(|name| name.starts_with("assistant"))
    }

    /// Decided without the assistant where its answer cannot matter.
    pub(crate) fn decide(&self, facts: &Facts, data: &BTreeMap<&'static str, Data>) -> Result<bool, NoVerdict> {
        let undecided = |why: String| NoVerdict::Undecided(crate::problem::short(&why));
        let mut context = Context::default();
        for (name, value) in data {
            let value = cel::to_value(value).map_err(|error| undecided(error.to_string()))?;
            context.add_variable_from_value(*name, value);
        }
        helpers(&mut context, facts).map_err(|error| undecided(error.to_string()))?;
        match self.program.execute(&context) {
            Ok(Value::Bool(verdict)) => Ok(verdict),
            Ok(_) => Err(undecided("it is neither true nor false".to_owned())),
            Err(_) if self.reads_assistant() && !data.contains_key("assistant") => Err(NoVerdict::NotAssessed),
            // What the library says quotes values, and a value may be the mail's.
            Err(cel::ExecutionError::NoSuchKey(_) | cel::ExecutionError::UndeclaredReference(_)) => {
                Err(undecided("a result that it needs is not there".to_owned()))
            }
            Err(_) => Err(undecided("a value is not what it needs".to_owned())),
        }
    }
}

fn helpers(context: &mut Context, facts: &Facts) -> Result<(), cel::DeclarationError> {
    type Words = Arc<Vec<Value>>;
    type Text = Arc<String>;
    fn any(words: &Words, test: impl Fn(&str) -> bool) -> bool {
        words.iter().any(|word| matches!(word, Value::String(word) if test(&text::folded(word))))
    }
    fn all(words: &Words, test: impl Fn(&str) -> bool) -> bool {
        words.iter().all(|word| matches!(word, Value::String(word) if test(&text::folded(word))))
    }
    context.add_function("contains_any", |of: Text, words: Words| {
        let of = text::folded(&of);
        any(&words, |word| of.contains(word))
    })?;
    context.add_function("contains_all", |of: Text, words: Words| {
        let of = text::folded(&of);
        all(&words, |word| of.contains(word))
    })?;
    context.add_function("starts_with_any", |of: Text, words: Words| {
        let of = text::folded(&of);
        any(&words, |word| of.starts_with(word))
    })?;
    context.add_function("starts_with_all", |of: Text, words: Words| {
        let of = text::folded(&of);
        all(&words, |word| of.starts_with(word))
    })?;
    context.add_function("ends_with_any", |of: Text, words: Words| {
        let of = text::folded(&of);
        any(&words, |word| of.ends_with(word))
    })?;
    context.add_function("ends_with_all", |of: Text, words: Words| {
        let of = text::folded(&of);
        all(&words, |word| of.ends_with(word))
    })?;
    context.add_function("equals_any", |of: Text, words: Words| {
        let of = text::folded(of.trim());
        any(&words, |word| of == word)
    })?;
    context.add_function("equals_all", |of: Text, words: Words| {
        let of = text::folded(of.trim());
        all(&words, |word| of == word)
    })?;
    context.add_function("in_domain", |address: Text, domain: Text| {
        channel::address::EmailAddress::parse(&address).is_ok_and(|address| address.in_domain(&domain))
    })?;
    let minute = facts.received.minute_of_day();
    context.add_function("between_hours", move |from: Text, until: Text| {
        match (text::minute_of_day(&from), text::minute_of_day(&until)) {
            (Some(from), Some(until)) if from <= until => from <= minute && minute < until,
            (Some(from), Some(until)) => minute >= from || minute < until,
            _ => false,
        }
    })?;
    let date = facts.received.date();
    context.add_function("between_dates", move |from: Text, until: Text| *from <= date && date <= *until)
}

/// What makes a parser deep or slow is refused before it runs.
fn bounded(source: &str) -> Result<(), Refusal> {
    if source.trim().is_empty() {
        return Err(Refusal::new("an empty condition", "a condition, or no field at all"));
    }
    if source.len() > MAX_SOURCE {
        return Err(Refusal::new(
            format!("a condition of {} bytes", source.len()),
            format!("at most {MAX_SOURCE} bytes"),
        ));
    }
    let (mut tokens, mut depth, mut in_word, mut quote) = (0, 0usize, false, None);
    let mut before = ' ';
    let mut signs = 0;
    for c in source.chars() {
        let word = c.is_alphanumeric() || c == '_';
        match quote {
            Some(open) => {
                if c == open && before != '\\' {
                    quote = None;
                }
            }
            None => {
                tokens += usize::from(!(c.is_whitespace() || word && in_word));
                signs = if matches!(c, '!' | '-') { signs + 1 } else { 0 };
                match c {
                    '"' | '\'' => quote = Some(c),
                    '(' | '[' | '{' | '?' => depth += 1,
                    ')' | ']' | '}' | ':' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
        (in_word, before) = (word, if c == '\\' && before == '\\' { ' ' } else { c });
        if depth > MAX_NESTING || tokens > MAX_TOKENS || signs > 4 {
            return Err(Refusal::new(
                "a condition that is too large or too deeply nested",
                format!("at most {} nodes and brackets {MAX_NESTING} deep", check::MAX_NODES),
            ));
        }
    }
    Ok(())
}

/// `=` where `==` is meant: the most frequent slip of all.
fn single_equals(cel: &str) -> Option<Refusal> {
    let bytes = cel.as_bytes();
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match quote {
            Some(open) if *byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(*byte),
            None if *byte == b'=' => {
                let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
                let after = bytes.get(at + 1).copied().unwrap_or(b' ');
                if !b"=!<>".contains(&before) && after != b'=' {
                    let right = format!("{}=={}", &cel[..at], &cel[at + 1..]);
                    return Some(Refusal::new("`=`", "`==` to compare").correct(cel, right));
                }
            }
            None => {}
        }
    }
    None
}
