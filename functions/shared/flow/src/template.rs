//! A template: MiniJinja with strict undefined, of which flows know names, filters and `if`.
//!
//! Invariant: what passes has no loop and no operator that makes text grow, so its output is bounded by its own length and
//! the values that it names; it runs on fuel besides, and what is longer than [`MAX_OUTPUT`] is an error.

use crate::condition::Refusal;
use crate::data::{Data, Type};
use crate::problem::{nearest, short};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use std::collections::{BTreeMap, BTreeSet};

pub const MAX_SOURCE: usize = 16 * 1024;
/// Bytes.
pub const MAX_OUTPUT: usize = 256 * 1024;
/// Places where a value is put in, and `if`s.
const MAX_TAGS: usize = 64;
const FUEL: u64 = 20_000;

const FILTERS: [&str; 4] = ["lower", "upper", "trim", "first_line"];
const WORDS: [&str; 12] = ["if", "elif", "else", "endif", "and", "or", "not", "is", "in", "defined", "true", "false"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub source: String,
    /// Dotted names that it looks at.
    pub(crate) reads: BTreeSet<String>,
}

impl Template {
    pub(crate) fn parse(source: &str, types: &BTreeMap<String, Type>) -> Result<Self, Refusal> {
        if source.len() > MAX_SOURCE {
            return Err(Refusal::new(
                format!("a template of {} bytes", source.len()),
                format!("at most {MAX_SOURCE} bytes"),
            ));
        }
        let tags = tags(source)?;
        if tags.len() > MAX_TAGS {
            return Err(Refusal::new(format!("a template with {} tags", tags.len()), format!("at most {MAX_TAGS}")));
        }
        let mut reads = BTreeSet::new();
        for tag in &tags {
            for name in names(tag)? {
                known(&name, types)?;
                reads.insert(name);
            }
        }
        environment().template_from_str(source).map_err(|error| {
            let detail = error.detail().unwrap_or("it cannot be read").to_owned();
            Refusal::new(
                format!("a template that cannot be read ({})", short(&detail)),
                "text with `{{ name }}` and `{% if name %}…{% endif %}`",
            )
        })?;
        Ok(Self { source: source.to_owned(), reads })
    }

    pub(crate) fn reads_assistant(&self) -> bool {
        self.reads.iter().any(|name| name.starts_with("assistant"))
    }

    /// The error quotes no value.
    pub(crate) fn render(&self, data: &BTreeMap<&'static str, Data>) -> Result<String, String> {
        let environment = environment();
        let template = environment.template_from_str(&self.source).map_err(|error| error.kind().to_string())?;
        let text = template.render(record(data)).map_err(|error| match error.kind() {
            ErrorKind::UndefinedError => "a value that the text needs is not there".to_owned(),
            ErrorKind::OutOfFuel => "the text takes too many steps".to_owned(),
            kind => format!("the text cannot be made: {kind}"),
        })?;
        if text.len() > MAX_OUTPUT {
            return Err(format!("the text would be longer than {MAX_OUTPUT} bytes"));
        }
        Ok(text)
    }
}

fn record<'a>(fields: impl IntoIterator<Item = (impl AsRef<str> + 'a, &'a Data)>) -> Value {
    Value::from_pairs(fields.into_iter().map(|(name, data)| (name.as_ref().to_owned(), value(data))))
}

fn value(data: &Data) -> Value {
    match data {
        Data::Bool(value) => Value::from(*value),
        Data::Int(value) => Value::from(*value),
        Data::Number(value) => Value::from(*value),
        Data::Text(value) => Value::from(value.as_str()),
        Data::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Data::Record(fields) => record(fields),
        Data::Named(fields) => record(fields),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("trim", |text: String| text.trim().to_owned());
    environment.add_filter("first_line", |text: String| text.lines().next().unwrap_or_default().to_owned());
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment
}

/// What stands inside of `{{ }}` and `{% %}`.
fn tags(source: &str) -> Result<Vec<&str>, Refusal> {
    let mut tags = vec![];
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        let (opening, closing) = match rest.as_bytes().get(at + 1) {
            Some(b'{') => ("{{", "}}"),
            Some(b'%') => ("{%", "%}"),
            Some(b'#') => ("{#", "#}"),
            _ => {
                rest = &rest[at + 1..];
                continue;
            }
        };
        let inner = &rest[at + 2..];
        let Some(end) = inner.find(closing) else {
            let line = inner.lines().next().unwrap_or_default();
            let right = format!("{opening}{}{closing}", line.trim_end_matches(['}', '%', '#', ' ']));
            return Err(Refusal::new(format!("`{opening}` without `{closing}`"), format!("{opening} name {closing}"))
                .correct(format!("{opening}{line}"), right));
        };
        if opening != "{#" {
            tags.push(inner[..end].trim_matches(['-', '+']).trim());
        }
        rest = &inner[end + 2..];
    }
    Ok(tags)
}

/// The dotted names of a tag; anything but names, filters, comparisons and `if` is refused.
fn names(tag: &str) -> Result<Vec<String>, Refusal> {
    let mut names = vec![];
    let mut rest = tag.trim_start();
    let mut filter = false;
    let allowed =
        "names, `| filter`, quoted words, ( ) == != < > and if, elif, else, endif, and, or, not, in, is defined";
    while let Some(first) = rest.chars().next() {
        if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
            let word = &rest[..end];
            if std::mem::take(&mut filter) {
                if !FILTERS.contains(&word) {
                    let refusal = Refusal::new(format!("the unknown filter `{}`", short(word)), FILTERS.join(", "));
                    let meant = nearest(word, FILTERS).unwrap_or("trim");
                    return Err(refusal.correct(word, meant));
                }
            } else if !WORDS.contains(&word) {
                names.push(word.trim_end_matches('.').to_owned());
            }
            rest = &rest[end..];
        } else if first == '"' || first == '\'' {
            let inner = &rest[1..];
            let end = inner.find(first).ok_or_else(|| Refusal::new("a quotation that does not end", allowed))?;
            rest = &inner[end + 1..];
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        } else if "()|=!<>".contains(first) {
            filter = first == '|';
            rest = &rest[1..];
        } else {
            return Err(Refusal::new(format!("`{first}` in a template"), allowed));
        }
        rest = rest.trim_start();
    }
    Ok(names)
}

fn known(name: &str, types: &BTreeMap<String, Type>) -> Result<(), Refusal> {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    let all = || types.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut of = types.get(first).ok_or_else(|| {
        let refusal = Refusal::new(format!("the unknown name `{}`", short(name)), all());
        let meant = nearest(first, types.keys().map(String::as_str)).unwrap_or("email_subject");
        refusal.correct(name, meant)
    })?;
    for part in parts {
        let Type::Record(fields) = of else {
            return Err(Refusal::new(format!("`{}`", short(name)), first.to_owned()).correct(name, first));
        };
        of = fields.get(part).ok_or_else(|| {
            let names = fields.keys().map(String::as_str);
            let refusal = Refusal::new(
                format!("the unknown name `{}`", short(name)),
                names.clone().collect::<Vec<_>>().join(", "),
            );
            match nearest(part, names.clone()).or(names.clone().next()) {
                Some(meant) => refusal.correct(part, meant),
                None => refusal,
            }
        })?;
    }
    match of {
        Type::Record(fields) => {
            let first = fields.keys().next().cloned().unwrap_or_default();
            Err(Refusal::new(format!("`{name}`, a group of fields"), of.name())
                .correct(name, format!("{name}.{first}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::template_types;

    fn refused(source: &str) -> Refusal {
        Template::parse(source, &template_types()).unwrap_err()
    }

    #[test]
    fn names_are_checked_when_a_flow_is_saved() {
        let refusal = refused("Hello {{ sender_emial }}");
        assert_eq!(refusal.correction, Some(("sender_emial".into(), "sender_email".into())));
        assert!(refused("{{ message.contents }}").found.contains("message.contents"));
        assert!(refused("{{ user }}").found.contains("group"));
        assert!(refused("{{ sender_email").found.contains("without"));
    }

    #[test]
    fn what_makes_text_grow_is_refused() {
        for source in [
            "{{ email_content * 1000000 }}",
            "{{ email_content ~ email_content }}",
            "{% for x in range(1000000) %}a{% endfor %}",
            "{% set x = 1 %}",
            "{% macro m() %}{% endmacro %}",
            "{{ [1, 2] }}",
            "{{ email_content[0] }}",
            "{% include 'x' %}",
        ] {
            assert!(Template::parse(source, &template_types()).is_err(), "{source}");
        }
        assert!(refused(&"{{ channel }}".repeat(100)).found.contains("tags"));
    }

    #[test]
    fn a_missing_value_is_an_error_and_no_blank() {
        let template = Template::parse("Hello {{ user.name | upper }}", &template_types()).unwrap();
        assert!(template.render(&BTreeMap::new()).unwrap_err().contains("not there"));
        let user = Data::Record(BTreeMap::from([("name", Data::from("Ada {{ channel }}"))]));
        assert_eq!(template.render(&BTreeMap::from([("user", user)])).unwrap(), "Hello ADA {{ CHANNEL }}");
    }
}
