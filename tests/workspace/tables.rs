//! The two lists of promises: each id once, and no test named that does not exist.

use crate::repository::{assert_none, bytes, present, read};
use std::collections::{BTreeMap, BTreeSet};

/// Sections and how many numbered parts each has; none means that the section is one promise.
const REQUIREMENTS: &[(&str, u32)] = &[
    ("A1.", 4),
    ("A2.", 4),
    ("A3.", 2),
    ("A4.", 6),
    ("A5.", 3),
    ("A6", 0),
    ("A7", 0),
    ("A8", 0),
    ("A9.", 5),
    ("A10", 0),
    ("A11", 0),
    ("A12", 0),
    ("B", 12),
    ("C", 17),
];

const FAULTS: u32 = 50;

fn requirement_ids() -> BTreeSet<String> {
    REQUIREMENTS
        .iter()
        .flat_map(|(section, parts)| match parts {
            0 => vec![(*section).to_owned()],
            parts => (1..=*parts).map(|part| format!("{section}{part}")).collect(),
        })
        .collect()
}

/// The rows of all tables of a Markdown text, without their headers.
pub fn rows(markdown: &str) -> Vec<Vec<String>> {
    let lines: Vec<_> = markdown.lines().collect();
    let is_row = |line: &str| line.starts_with('|');
    let is_rule = |line: &str| is_row(line) && line.chars().all(|c| "|-: ".contains(c));
    lines
        .iter()
        .enumerate()
        .filter(|(at, line)| {
            let is_header = lines.get(at + 1).is_some_and(|next| is_rule(next));
            is_row(line) && !is_rule(line) && !is_header
        })
        .map(|(_, line)| {
            let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
            inner.split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The tests that a cell names in backticks. What else it says may only be `open`, and it has to say something.
fn named_tests(cell: &str) -> Result<Vec<&str>, String> {
    let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
    let besides: Vec<_> =
        cell.split('`').step_by(2).flat_map(|text| text.split([',', ' '])).filter(|word| !word.is_empty()).collect();
    match besides[..] {
        [] if !names.is_empty() => Ok(names),
        ["open"] => Ok(names),
        _ => Err(format!("names neither tests nor `open`: {cell}")),
    }
}

/// `fits` says whether a test's name may stand in the row of an id.
fn check(
    markdown: &str,
    columns: usize,
    ids: &BTreeSet<String>,
    tests: &BTreeSet<String>,
    fits: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let mut violations = Vec::new();
    let mut count: BTreeMap<String, u32> = ids.iter().map(|id| (id.clone(), 0)).collect();
    for row in rows(markdown) {
        let id = &row[0];
        match count.get_mut(id) {
            Some(count) => *count += 1,
            None => violations.push(format!("{id} is no id of this list")),
        }
        if row.len() != columns || row.iter().any(String::is_empty) {
            violations.push(format!("{id}: a row has {columns} cells, none of them empty"));
            continue;
        }
        match named_tests(&row[columns - 1]) {
            Err(problem) => violations.push(format!("{id} {problem}")),
            Ok(names) => {
                for name in names {
                    if !tests.contains(name) {
                        violations.push(format!("{id}: there is no test {name}"));
                    }
                    if !fits(id, name) {
                        violations.push(format!("{id}: {name} is not named after it"));
                    }
                }
            }
        }
    }
    let once = |(id, count): (&String, &u32)| (*count != 1).then(|| format!("{id} stands here {count} times"));
    violations.extend(count.iter().filter_map(once));
    violations
}

fn is_fault_test(number: &str, name: &str) -> bool {
    name.starts_with(&format!("fault_{number:0>2}_"))
}

/// The tests of a source file: functions below a `#[test]` of whatever runner, or titles in a browser suite.
fn tests_in(path: &str, source: &str) -> Vec<String> {
    match path.rsplit('.').next() {
        Some("rs") => rust_tests(source),
        Some("js" | "mjs" | "ts") => source.lines().filter_map(browser_title).collect(),
        _ => Vec::new(),
    }
}

/// Also the cases of `on_both!`, the macro that runs one case on the fake store and on the table.
fn rust_tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut below_attribute, mut in_cases) = (false, false);
    for line in source.lines().map(str::trim) {
        if in_cases && line != "}" {
            names.extend(line.split_whitespace().map(str::to_owned));
            continue;
        }
        in_cases = line == "on_both! {";
        let attribute = line.strip_prefix("#[").map(|rest| {
            let end = rest.find(['(', ']']).unwrap_or(rest.len());
            rest[..end].rsplit("::").next().unwrap_or(rest)
        });
        if attribute == Some("test") {
            below_attribute = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| below_attribute) {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            names.push(rest[..end].to_owned());
            below_attribute = false;
        }
    }
    names
}

fn browser_title(line: &str) -> Option<String> {
    let call = line.trim().trim_start_matches("await ");
    let rest = call.strip_prefix("test(").or_else(|| call.strip_prefix("it("))?;
    let quote = rest.chars().next().filter(|c| "'\"`".contains(*c))?;
    let title = &rest[1..];
    Some(title[..title.find(quote)?].to_owned())
}

fn existing_tests() -> BTreeSet<String> {
    let tests: BTreeSet<_> = present()
        .iter()
        .filter_map(|path| Some((path, bytes(path)?)))
        .flat_map(|(path, bytes)| tests_in(path, &String::from_utf8_lossy(&bytes)))
        .collect();
    assert!(tests.contains("each_fault_stands_once_with_tests_that_exist"));
    tests
}

#[test]
fn each_requirement_stands_once_with_tests_that_exist() {
    let text = read("tests/REQUIREMENTS.md");
    assert_none(&check(&text, 3, &requirement_ids(), &existing_tests(), |_, _| true));
}

#[test]
fn each_fault_stands_once_with_tests_that_exist() {
    let text = read("tests/FAULTS.md");
    let ids = (1..=FAULTS).map(|number| number.to_string()).collect();
    assert_none(&check(&text, 5, &ids, &existing_tests(), is_fault_test));
}

#[cfg(test)]
mod rules {
    use super::*;

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn problems(table: &str) -> Vec<String> {
        let text = format!("# Title\n\n| id | what | held by |\n|---|---|---|\n{table}\n");
        check(&text, 3, &set(&["1", "2"]), &set(&["fault_01_a", "b"]), |_, _| true)
    }

    #[test]
    fn a_good_table_passes() {
        for table in ["| 1 | x | open |\n| 2 | y | `b` |", "| 1 | x | `b`, `fault_01_a` |\n| 2 | y | `b`, open |"] {
            assert_eq!(problems(table), Vec::<String>::new(), "{table}");
        }
    }

    #[test]
    fn a_bad_table_is_named() {
        for (table, message) in [
            ("| 1 | x | open |", "2 stands here 0 times"),
            ("| 1 | x | open |\n| 1 | x | open |\n| 2 | y | open |", "1 stands here 2 times"),
            ("| 1 | x | open |\n| 2 | y | open |\n| 3 | z | open |", "3 is no id"),
            ("| 1 | x | open |\n| 2 | y | `missing` |", "no test missing"),
            ("| 1 | x | open |\n| 2 | y | b |", "neither tests nor `open`"),
            ("| 1 | x | open |\n| 2 | y | later |", "neither tests nor `open`"),
            ("| 1 | x | open |\n| 2 | open |", "3 cells"),
            ("| 1 |  | open |\n| 2 | y | open |", "none of them empty"),
        ] {
            let problems = problems(table);
            assert_eq!(problems.len(), 1, "{table}: {problems:?}");
            assert!(problems[0].contains(message), "{problems:?}");
        }
    }

    #[test]
    fn a_fault_test_bears_its_number() {
        assert!(is_fault_test("1", "fault_01_crash_after_send"));
        assert!(is_fault_test("40", "fault_40_console"));
        assert!(!is_fault_test("1", "fault_10_lag"));
        assert!(!is_fault_test("1", "fault_1_crash"));
        assert!(!is_fault_test("1", "crash_after_send"));
    }

    #[test]
    fn ids_are_counted_as_written() {
        let ids = requirement_ids();
        assert_eq!(ids.len(), 24 + 6 + 12 + 17);
        for id in ["A1.1", "A6", "A9.5", "A12", "B12", "C17"] {
            assert!(ids.contains(id), "{id}");
        }
    }

    #[test]
    fn tests_are_found_in_sources() {
        let rust = "#[cfg(test)]\nmod tests {\n  fn helper() {}\n  #[test]\n  #[should_panic]\n  fn one() {}\n  \
                    #[tokio::test(flavor = \"current_thread\")]\n  async fn two() {}\n  fn other() {}\n}\n";
        assert_eq!(tests_in("a.rs", rust), ["one", "two"]);
        let cases = "use x;\n\non_both! {\n    first\n    second\n}\n\nasync fn first(under: Under) {}\n";
        assert_eq!(tests_in("a.rs", cases), ["first", "second"]);
        let browser = "import test from 'node:test';\ntest('signs in', async () => {\n  await test(\"connects\", x);\n";
        assert_eq!(tests_in("a.mjs", browser), ["signs in", "connects"]);
        assert!(tests_in("a.md", rust).is_empty());
    }
}
