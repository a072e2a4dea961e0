//! The values that conditions and templates are shown, and their types.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::collections::BTreeMap;

/// A value, the same for conditions and templates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
    List(Vec<Data>),
    Record(BTreeMap<&'static str, Data>),
    Named(BTreeMap<String, Data>),
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Int(value) => to.serialize_i64(*value),
            Self::Number(value) => to.serialize_f64(*value),
            Self::Text(value) => to.serialize_str(value),
            Self::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Record(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::Named(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// The type of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Bool,
    Int,
    Number,
    /// At most a few hundred characters.
    Text,
    /// Up to the whole body.
    LongText,
    /// One of these words.
    Choice(Vec<String>),
    List(Box<Type>),
    Record(BTreeMap<String, Type>),
    /// What an empty list holds.
    Any,
}

impl Type {
    pub fn name(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int | Self::Number => "a number".to_owned(),
            Self::Text | Self::LongText => "a text".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List(of) => format!("a list of {}", of.name()),
            Self::Record(_) => "a group of fields".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }

    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::LongText | Self::Choice(_) | Self::Any)
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Number | Self::Any)
    }

    /// Whether values of both can be compared.
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(left), Self::List(right)) => left.fits(right),
            _ => self == other || self.is_text() && other.is_text() || self.is_number() && other.is_number(),
        }
    }

    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Type)>) -> Self {
        Self::Record(fields.into_iter().map(|(name, of)| (name.to_owned(), of)).collect())
    }

    pub fn choice(words: &[&str]) -> Self {
        Self::Choice(words.iter().map(|word| (*word).to_owned()).collect())
    }
}
