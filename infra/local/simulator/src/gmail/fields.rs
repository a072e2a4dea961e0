//! `fields`, a parameter of every method: which parts of the answer the caller wants, such as
//! `messages/id,nextPageToken` or `payload(mimeType,headers/name)`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::ApiError;

/// Wanted names; an empty selection below a name is all of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Selection(BTreeMap<String, Selection>);

/// Selections within one another that are still read.
const DEPTH: usize = 32;

/// The part of an answer that is wanted.
pub(super) fn choose(value: Value, fields: &str) -> Result<Value, ApiError> {
    let mut rest = fields;
    match Selection::read(&mut rest, DEPTH) {
        Some(selection) if rest.is_empty() => Ok(selection.of(value)),
        _ => Err(ApiError::invalid(format!("Invalid field selection {fields}"))),
    }
}

impl Selection {
    /// Reads a list of selectors, up to its end or to a closing parenthesis.
    fn read(rest: &mut &str, depth: usize) -> Option<Self> {
        let mut selection = Self::default();
        loop {
            let (name, below) = Self::one(rest, depth)?;
            selection.0.insert(name, below);
            match rest.strip_prefix(',') {
                Some(after) => *rest = after,
                None => return Some(selection),
            }
        }
    }

    fn one(rest: &mut &str, depth: usize) -> Option<(String, Self)> {
        let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        if name.is_empty() || depth == 0 {
            return None;
        }
        let below = if let Some(after) = rest.strip_prefix('/') {
            *rest = after;
            Self(BTreeMap::from([Self::one(rest, depth - 1)?]))
        } else if let Some(after) = rest.strip_prefix('(') {
            *rest = after;
            let below = Self::read(rest, depth - 1)?;
            *rest = rest.strip_prefix(')')?;
            below
        } else {
            Self::default()
        };
        Some((name.to_owned(), below))
    }

    fn of(&self, value: Value) -> Value {
        if self.0.is_empty() || self.0.contains_key("*") {
            return value;
        }
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.of(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .filter_map(|(name, value)| self.0.get(&name).map(|below| (name, below.of(value))))
                .collect(),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::choose;

    fn answer() -> Value {
        json!({"messages": [{"id": "1", "threadId": "2"}], "next": "x", "payload": {"headers": [{"name": "a", "value": "b"}], "size": 1}})
    }

    #[test]
    fn selects_what_is_named() {
        for (fields, wanted) in [
            ("next", json!({"next": "x"})),
            ("*", answer()),
            ("messages/id,next", json!({"messages": [{"id": "1"}], "next": "x"})),
            ("messages(id,threadId)", json!({"messages": [{"id": "1", "threadId": "2"}]})),
            ("payload(headers/name,size)", json!({"payload": {"headers": [{"name": "a"}], "size": 1}})),
            ("absent", json!({})),
        ] {
            assert_eq!(choose(answer(), fields).unwrap(), wanted, "{fields}");
        }
    }

    #[test]
    fn refuses_what_is_no_selection() {
        for fields in ["", ",", "a,", "a/", "a(b", "a)", "a(b))", "/a", &"a(".repeat(100_000)] {
            assert_eq!(choose(answer(), fields).expect_err(fields).code, 400);
        }
    }
}
