//! Errors for the person at the terminal: what went wrong and what to do about it.

use std::fmt::Display;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
#[error("{what}{}", remedy.as_deref().map(|r| format!("\n  remedy: {r}")).unwrap_or_default())]
pub struct Error {
    what: String,
    remedy: Option<String>,
}

impl Error {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None }
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

pub trait Context<T> {
    /// Puts what was being done before the cause.
    fn why(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn why(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Error::new(format!("{}: {cause}", what())))
    }
}
