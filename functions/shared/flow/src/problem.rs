//! What is wrong with a document: where, what was found, what is allowed, and a line that would be right.

use std::fmt;

/// One line of the document as it should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// From 1.
    pub line: usize,
    /// What stands there instead: nothing, one line, or several.
    pub text: String,
}

impl Correction {
    /// The document with this line replaced.
    pub fn apply(&self, source: &str) -> String {
        let mut lines: Vec<&str> = source.lines().collect();
        while lines.len() < self.line {
            lines.push("");
        }
        if self.text.is_empty() {
            lines.remove(self.line.saturating_sub(1));
        } else if let Some(line) = lines.get_mut(self.line.saturating_sub(1)) {
            *line = &self.text;
        }
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }
}

/// An error of a document, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Which step, such as `steps[2]` or its name; none outside of the steps.
    pub step: Option<String>,
    pub found: String,
    pub allowed: String,
    pub correction: Option<Correction>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        if let Some(step) = &self.step {
            write!(f, ", {step}")?;
        }
        write!(f, ": found {}; allowed: {}", self.found, self.allowed)?;
        if let Some(correction) = &self.correction {
            match correction.text.as_str() {
                "" => write!(f, "\n  remove line {}", correction.line)?,
                text => write!(f, "\n  line {} corrected:\n{text}", correction.line)?,
            }
        }
        Ok(())
    }
}

/// The name that was probably meant: nearest by edits, at most a third of the letters away or one a prefix of the other.
pub(crate) fn nearest<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    let bound = (found.chars().count() / 3).max(2);
    let begins_alike = |name: &str| found.len() > 2 && (name.starts_with(&found) || found.starts_with(name));
    names
        .into_iter()
        .map(|name| (if begins_alike(name) { edits(&found, name).min(bound) } else { edits(&found, name) }, name))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, substitutions and swaps of neighbours, over the first 64 characters.
fn edits(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().take(64).collect(), right.chars().take(64).collect());
    let width = right.len() + 1;
    let mut table = vec![0usize; (left.len() + 1) * width];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(left[i - 1] != right[j - 1]);
                let mut least = (table[(i - 1) * width + j] + 1)
                    .min(table[i * width + j - 1] + 1)
                    .min(table[(i - 1) * width + j - 1] + change);
                if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                    least = least.min(table[(i - 2) * width + j - 2] + 1);
                }
                least
            };
        }
    }
    table[left.len() * width + right.len()]
}

/// Text of a document inside a message: short, on one line.
pub(crate) fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if text.chars().count() > 60 { format!("{line}…") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let names = ["subject", "sender", "body"];
        assert_eq!(nearest("subjetc", names), Some("subject"));
        assert_eq!(nearest("Sendr", names), Some("sender"));
        assert_eq!(nearest("priority_of_mail", names), None);
    }

    #[test]
    fn a_correction_replaces_or_removes_one_line() {
        let replace = Correction { line: 2, text: "x".into() };
        assert_eq!(replace.apply("a\nb\nc"), "a\nx\nc\n");
        let remove = Correction { line: 2, text: String::new() };
        assert_eq!(remove.apply("a\nb\nc\n"), "a\nc\n");
    }
}
