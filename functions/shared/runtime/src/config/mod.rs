//! Configuration: one documented constant per variable, read through a [`Source`], every problem reported at once.
//!
//! Invariant: nothing else reads the environment. A secret is never a variable, so a value may be shown; addresses are
//! not shown.

mod kinds;
mod variables;

pub use kinds::{AssistantKind, Bounded, Endpoint};
pub use variables::*;

use std::collections::BTreeMap;
use std::fmt;

/// Where variables come from.
pub trait Source {
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Source for Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// For tests.
impl Source for BTreeMap<&str, &str> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).map(|value| (*value).to_owned())
    }
}

/// A variable: its name, how it is read, and what it may hold.
pub struct Variable<T> {
    name: &'static str,
    /// Read when the variable is absent or empty.
    default: Option<&'static str>,
    /// Completes the sentence "allowed is …".
    allowed: &'static str,
    /// The value holds addresses, so a message must not quote it.
    private: bool,
    parse: fn(&str) -> Option<T>,
}

impl<T> Variable<T> {
    const fn required(name: &'static str, allowed: &'static str, parse: fn(&str) -> Option<T>) -> Self {
        Self { name, default: None, allowed, private: false, parse }
    }

    const fn with_default(
        name: &'static str,
        default: &'static str,
        allowed: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Self {
        Self { name, default: Some(default), allowed, private: false, parse }
    }

    const fn private(mut self) -> Self {
        self.private = true;
        self
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, source: &dyn Source) -> Result<T, Problem> {
        let found = source.get(self.name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let value = found.as_deref().or(self.default);
        value.and_then(self.parse).ok_or_else(|| Problem {
            name: self.name,
            found: match found {
                None => "nothing".to_owned(),
                Some(value) if self.private => format!("a value of {} characters", value.chars().count()),
                Some(value) => format!("{value:?}"),
            },
            allowed: self.allowed,
        })
    }
}

/// One variable that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub name: &'static str,
    pub found: String,
    pub allowed: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, allowed is {}", self.name, self.found, self.allowed)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong")?;
        self.0.iter().try_for_each(|problem| write!(f, "; {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// Reads variables and collects what is wrong with them:
///
/// ```
/// # use runtime::config::{Reader, TABLE, SYNC_QUEUE_URL, ConfigError};
/// # fn read(source: &dyn runtime::config::Source) -> Result<(String, runtime::config::Endpoint), ConfigError> {
/// let mut reader = Reader::new(source);
/// let (table, queue) = (reader.read(&TABLE), reader.read(&SYNC_QUEUE_URL));
/// let (Some(table), Some(queue)) = (table, queue) else { return Err(reader.error()) };
/// # Ok((table, queue))
/// # }
/// ```
pub struct Reader<'a> {
    source: &'a dyn Source,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a dyn Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// Nothing when the variable is missing or wrong; [`Reader::error`] then says so.
    pub fn read<T>(&mut self, variable: &Variable<T>) -> Option<T> {
        match variable.read(self.source) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    pub fn error(self) -> ConfigError {
        ConfigError(self.problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_problem_is_reported_at_once() {
        let source =
            BTreeMap::from([("POSTROOM_SYNC_QUEUE_URL", "ftp://queue.example"), ("POSTROOM_RETENTION_DAYS", "91")]);
        let mut reader = Reader::new(&source);
        assert!(reader.read(&TABLE).is_none());
        assert!(reader.read(&SYNC_QUEUE_URL).is_none());
        assert!(reader.read(&RETENTION_DAYS).is_none());
        assert_eq!(reader.read(&SETTLE_SECONDS), Some(Duration::from_secs(30)));
        let message = reader.error().to_string();
        for part in [
            "POSTROOM_TABLE: found nothing, allowed is the name of a DynamoDB table",
            "POSTROOM_SYNC_QUEUE_URL: found \"ftp://queue.example\"",
            "POSTROOM_RETENTION_DAYS: found \"91\", allowed is whole days from 1 to 90",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("SETTLE"));
    }

    #[test]
    fn empty_means_absent() {
        let source = BTreeMap::from([("POSTROOM_GMAIL_URL", " "), ("POSTROOM_TABLE", "")]);
        let mut reader = Reader::new(&source);
        assert_eq!(reader.read(&GMAIL_URL).unwrap().as_str(), "https://gmail.googleapis.com");
        assert!(reader.read(&TABLE).is_none());
    }

    #[test]
    fn addresses_are_not_quoted() {
        let source = BTreeMap::from([
            ("POSTROOM_OPERATORS", "ada@example.org ben"),
            ("POSTROOM_PUSH_SERVICE_ACCOUNT", "x y@example.org"),
        ]);
        let mut reader = Reader::new(&source);
        assert!(reader.read(&OPERATORS).is_none());
        assert!(reader.read(&PUSH_SERVICE_ACCOUNT).is_none());
        let message = reader.error().to_string();
        assert!(message.contains("POSTROOM_OPERATORS: found a value of 19 characters"), "{message}");
        assert!(!message.contains("example.org"), "{message}");
    }

    #[test]
    fn the_environment_is_a_source() {
        assert!(Environment.get("PATH").is_some());
        assert_eq!(Environment.get("POSTROOM_NO_SUCH_VARIABLE_EVER"), None);
    }
}
