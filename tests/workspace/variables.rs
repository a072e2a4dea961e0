//! Every environment variable of the functions is one documented constant of `runtime`, one row of the README's
//! configuration table and set in the template.

use crate::repository::{assert_none, bytes, present, read};
use crate::tables::rows;
use std::collections::BTreeSet;

const PREFIX: &str = "POSTROOM_";
/// What opens the guard to this machine: never set, nor offered as a parameter, where the system runs on AWS.
const LOCAL_ONLY: &str = "POSTROOM_LOCAL_";
const HOME: &str = "functions/shared/runtime/src/";

/// The variable that `text` begins with.
fn variable(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
    (text.starts_with(PREFIX) && end > PREFIX.len()).then(|| &text[..end])
}

/// A string literal that is a variable's whole name, and whether a doc comment stands above its item.
#[derive(Debug, PartialEq, Eq)]
struct Literal {
    name: String,
    documented: bool,
}

/// The literals of a source file, down to its tests.
fn literals(source: &str) -> Vec<Literal> {
    let lines: Vec<_> = source.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]").collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with("//")) {
        for (quote, _) in line.match_indices('"') {
            let rest = &line[quote + 1..];
            let Some(name) = variable(rest) else { continue };
            if rest[name.len()..].starts_with('"') {
                found.push(Literal { name: name.to_owned(), documented: is_documented(&lines[..at]) });
            }
        }
    }
    found
}

/// Looks upwards over the beginning of the item.
fn is_documented(above: &[&str]) -> bool {
    above
        .iter()
        .rev()
        .take_while(|line| !(line.is_empty() || line.ends_with([';', '{', '}'])))
        .any(|line| line.starts_with("///"))
}

/// The variables that have a row of their own.
fn described(readme: &str) -> BTreeSet<String> {
    let name = |row: &Vec<String>| variable(row[0].trim_matches('`')).map(str::to_owned);
    rows(readme).iter().filter_map(name).collect()
}

fn set_by_template(template: &str) -> BTreeSet<String> {
    template
        .lines()
        .filter_map(|line| {
            let name = variable(line.trim())?;
            line.trim()[name.len()..].starts_with(':').then(|| name.to_owned())
        })
        .collect()
}

/// `sources` are path and text of what ships.
fn disagreements(sources: &[(String, String)], readme: &str, template: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let mut constants = BTreeSet::new();
    for (path, text) in sources {
        for Literal { name, documented } in literals(text) {
            if !path.starts_with(HOME) {
                violations.push(format!("{path}: {name} is to be a constant of runtime"));
            } else if !documented {
                violations.push(format!("{path}: {name} has no documentation"));
            } else if !constants.insert(name.clone()) {
                violations.push(format!("{path}: {name} stands there twice"));
            }
        }
    }
    let places = [
        ("runtime's constants", &constants),
        ("README.md's table", &described(readme)),
        ("template.yaml", &set_by_template(template)),
    ];
    let all: BTreeSet<_> = places.iter().flat_map(|(_, names)| names.iter()).collect();
    for (place, names) in places {
        let exempt = |name: &str| place == "template.yaml" && name.starts_with(LOCAL_ONLY);
        let missing = all.iter().filter(|name| !names.contains(**name) && !exempt(name));
        violations.extend(missing.map(|name| format!("{place} lack {name}")));
    }
    if template.contains(LOCAL_ONLY) {
        violations.push(format!("template.yaml must not name {LOCAL_ONLY}*: it is for the local cloud alone"));
    }
    violations
}

fn shipped_sources() -> Vec<(String, String)> {
    let ships = |path: &String| {
        path.starts_with("functions/")
            && path.contains("/src/")
            && path.ends_with(".rs")
            && !path.starts_with("functions/shared/testkit/")
    };
    present()
        .into_iter()
        .filter(ships)
        .filter_map(|path| {
            let text = String::from_utf8(bytes(&path)?).expect("Rust sources are UTF-8");
            Some((path, text))
        })
        .collect()
}

#[test]
fn each_variable_is_a_constant_a_row_and_set() {
    let sources = shipped_sources();
    let in_runtime = |(path, text): &(String, String)| path.starts_with(HOME) && !literals(text).is_empty();
    assert!(sources.iter().any(in_runtime), "{HOME} names no variable");
    assert_none(&disagreements(&sources, &read("README.md"), &read("template.yaml")));
}

#[cfg(test)]
mod rules {
    use super::*;

    const SOURCE: &str = "/// The table.\npub const TABLE: &str = \"POSTROOM_TABLE\";\n\n\
                          /// The queue of\n/// the syncs.\npub const SYNC: &str =\n    \"POSTROOM_SYNC\";\n\
                          // \"POSTROOM_COMMENT\"\nconst PREFIX: &str = \"POSTROOM_\";\n\
                          #[cfg(test)]\nmod tests { const X: &str = \"POSTROOM_TEST\"; }\n";
    const README: &str = "| variable | meaning |\n|---|---|\n| `POSTROOM_TABLE` | a |\n| `POSTROOM_SYNC` | `POSTROOM_X` |\n\
                          `POSTROOM_PROSE` is not a row\n";
    const TEMPLATE: &str = "Environment:\n  POSTROOM_TABLE: !Ref Table\n  POSTROOM_SYNC: a\n  # POSTROOM_NO: b\n";

    fn sources(path: &str, text: &str) -> Vec<(String, String)> {
        vec![(path.to_owned(), text.to_owned())]
    }

    fn home() -> String {
        format!("{HOME}config.rs")
    }

    #[test]
    fn agreement_passes() {
        assert_eq!(disagreements(&sources(&home(), SOURCE), README, TEMPLATE), Vec::<String>::new());
    }

    #[test]
    fn disagreement_is_named() {
        let cut = |text: &str, line: &str| {
            text.lines().filter(|l| !l.contains(line)).fold(String::new(), |a, l| a + l + "\n")
        };
        for (source, readme, template, message) in [
            (cut(SOURCE, "TABLE"), README.to_owned(), TEMPLATE.to_owned(), "runtime's constants lack POSTROOM_TABLE"),
            (SOURCE.to_owned(), cut(README, "SYNC"), TEMPLATE.to_owned(), "README.md's table lack POSTROOM_SYNC"),
            (SOURCE.to_owned(), README.to_owned(), cut(TEMPLATE, "SYNC"), "template.yaml lack POSTROOM_SYNC"),
        ] {
            let found = disagreements(&sources(&home(), &source), &readme, &template);
            assert_eq!(found, [message]);
        }
    }

    #[test]
    fn what_is_for_this_machine_is_refused_on_aws() {
        let source = format!("/// Local.\npub const L: &str = \"POSTROOM_LOCAL_X\";\n\n{SOURCE}");
        let readme = format!("| variable | meaning |\n|---|---|\n| `POSTROOM_LOCAL_X` | a |\n\n{README}");
        assert_eq!(disagreements(&sources(&home(), &source), &readme, TEMPLATE), Vec::<String>::new());
        for line in ["  POSTROOM_LOCAL_X: ''\n", "  # POSTROOM_LOCAL_X\n", "  A: !Sub '${POSTROOM_LOCAL_X}'\n"] {
            let found = disagreements(&sources(&home(), &source), &readme, &format!("{TEMPLATE}{line}"));
            assert_eq!(found, ["template.yaml must not name POSTROOM_LOCAL_*: it is for the local cloud alone"]);
        }
    }

    #[test]
    fn a_variable_has_one_home_and_a_documentation() {
        let bare = SOURCE.replace("/// The table.\n", "");
        let found = disagreements(&sources(&home(), &bare), README, TEMPLATE);
        assert!(found[0].contains("POSTROOM_TABLE has no documentation"), "{found:?}");

        let twice = format!("{}\n{SOURCE}", SOURCE.split("#[cfg(test)]").next().unwrap());
        let found = disagreements(&sources(&home(), &twice), README, TEMPLATE);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("stands there twice"), "{found:?}");

        let mut elsewhere = sources(&home(), SOURCE);
        elsewhere.extend(sources("functions/console/src/lib.rs", "fn f() { g(\"POSTROOM_TABLE\") }"));
        let found = disagreements(&elsewhere, README, TEMPLATE);
        assert_eq!(found, ["functions/console/src/lib.rs: POSTROOM_TABLE is to be a constant of runtime"]);
    }
}
