//! What the workspace builds: the members by their room, what ships, and the shape of a function.

use crate::repository::{assert_none, metadata, read};
use serde_json::Value;

/// The six that ship.
const FUNCTIONS: [&str; 6] =
    ["ai-worker", "console", "gmail-webhook", "mail-sync", "oauth-callback", "token-refresher"];

/// A `main` that only wires stays below this.
const MAIN_LINES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Function,
    Shared,
    Testkit,
    Simulator,
    /// `cargo xtask`.
    Local,
    Tests,
}

/// The room of a package, told from its folder relative to the root.
pub fn room(folder: &str) -> Option<Room> {
    match folder.split('/').collect::<Vec<_>>()[..] {
        ["functions", "shared", "testkit"] => Some(Room::Testkit),
        ["functions", "shared", _] => Some(Room::Shared),
        ["functions", _] => Some(Room::Function),
        ["infra", "local", "simulator"] => Some(Room::Simulator),
        ["infra", "local", _] => Some(Room::Local),
        ["tests"] => Some(Room::Tests),
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub folder: String,
    pub dependencies: Vec<Dependency>,
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub name: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Build,
    Dev,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub kind: String,
    /// `cargo test` builds a test harness for it.
    pub test: bool,
    /// Relative to the root.
    pub source: String,
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string in cargo's metadata")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list in cargo's metadata")
}

pub fn members() -> Vec<Member> {
    let metadata = metadata();
    let root = text(&metadata["workspace_root"]);
    let relative =
        |path: &str| path.strip_prefix(root).expect("members lie below the root").trim_start_matches('/').to_owned();
    list(&metadata["packages"])
        .iter()
        .map(|package| Member {
            name: text(&package["name"]).to_owned(),
            folder: relative(text(&package["manifest_path"]).trim_end_matches("/Cargo.toml")),
            dependencies: list(&package["dependencies"]).iter().map(dependency).collect(),
            targets: list(&package["targets"])
                .iter()
                .map(|target| Target {
                    name: text(&target["name"]).to_owned(),
                    kind: text(&target["kind"][0]).to_owned(),
                    test: target["test"].as_bool().expect("a boolean"),
                    source: relative(text(&target["src_path"])),
                })
                .collect(),
        })
        .collect()
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]).to_owned(),
        kind: match value["kind"].as_str() {
            None => Kind::Normal,
            Some("build") => Kind::Build,
            Some("dev") => Kind::Dev,
            Some(other) => panic!("cargo knows a kind of dependency that this suite does not: {other}"),
        },
    }
}

/// Package, folder and binary bear one name; a function is a library and one short `main`; no binary is a test target,
/// or the SDKs would be linked once more for nothing.
fn shape(members: &[Member], lines: impl Fn(&str) -> usize) -> Vec<String> {
    let mut violations = Vec::new();
    for member in members {
        let name = &member.name;
        if member.folder.rsplit('/').next() != Some(name) {
            violations.push(format!("{name} lies in a folder of another name: {}", member.folder));
        }
        let of_kind = |kind: &'static str| member.targets.iter().filter(move |t| t.kind == kind);
        let has_library = of_kind("lib").count() == 1;
        for binary in of_kind("bin").filter(|binary| has_library && binary.test) {
            violations.push(format!("{name}: the binary {} lacks `test = false`", binary.name));
        }
        if room(&member.folder) != Some(Room::Function) {
            continue;
        }
        if !has_library {
            violations.push(format!("{name} has no library"));
        }
        let binaries: Vec<_> = of_kind("bin").collect();
        let [main] = binaries[..] else {
            violations.push(format!("{name} has {} binaries instead of one", binaries.len()));
            continue;
        };
        if main.name != *name {
            violations.push(format!("{name} builds a binary called {}", main.name));
        }
        let count = lines(&main.source);
        if count >= MAIN_LINES {
            violations.push(format!("{} has {count} lines: a main only wires", main.source));
        }
    }
    violations
}

/// Exactly the functions are built when nothing else is asked for.
fn shipped(mut default_members: Vec<&str>) -> Vec<String> {
    default_members.sort_unstable();
    if default_members == FUNCTIONS { Vec::new() } else { vec![format!("default-members are {default_members:?}")] }
}

/// `cargo lambda build --release` writes `panic = "abort"` into a profile that is silent about it; then one panicking
/// record would take its batch along.
fn unwinds(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let panic = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("release"))
        .and_then(|release| release.get("panic"))
        .and_then(toml::Value::as_str);
    match panic {
        Some("unwind") => Vec::new(),
        other => vec![format!("[profile.release] panic is {other:?}, not \"unwind\"")],
    }
}

#[test]
fn functions_are_a_library_and_a_short_main() {
    assert_none(&shape(&members(), |source| read(source).lines().count()));
}

#[test]
fn default_members_are_the_functions() {
    let metadata = metadata();
    let ids: Vec<_> = list(&metadata["workspace_default_members"]).iter().map(text).collect();
    let names = list(&metadata["packages"])
        .iter()
        .filter(|package| ids.contains(&text(&package["id"])))
        .map(|package| text(&package["name"]))
        .collect();
    assert_none(&shipped(names));
}

#[test]
fn release_unwinds() {
    assert_none(&unwinds(&read("Cargo.toml")));
}

#[cfg(test)]
mod rules {
    use super::*;

    fn target(kind: &str, test: bool) -> Target {
        Target { name: "console".into(), kind: kind.into(), test, source: "functions/console/src/main.rs".into() }
    }

    fn function(targets: Vec<Target>) -> Member {
        Member { name: "console".into(), folder: "functions/console".into(), dependencies: Vec::new(), targets }
    }

    #[test]
    fn a_good_function_passes() {
        let good = function(vec![target("lib", true), target("bin", false)]);
        assert_eq!(shape(&[good], |_| 39), Vec::<String>::new());
    }

    #[test]
    fn a_function_in_bad_shape_is_named() {
        let both = || vec![target("lib", true), target("bin", false)];
        let bad: [(Member, usize, &str); 6] = [
            (function(both()), 40, "40 lines"),
            (function(vec![target("bin", false)]), 1, "no library"),
            (function(vec![target("lib", true)]), 1, "0 binaries"),
            (function(vec![target("lib", true), target("bin", true)]), 1, "`test = false`"),
            (
                function(vec![target("lib", true), Target { name: "bootstrap".into(), ..target("bin", false) }]),
                1,
                "called bootstrap",
            ),
            (Member { folder: "functions/face".into(), ..function(both()) }, 1, "another name"),
        ];
        for (member, lines, message) in bad {
            let violations = shape(&[member], |_| lines);
            assert_eq!(violations.len(), 1, "{violations:?}");
            assert!(violations[0].contains(message), "{violations:?}");
        }
    }

    #[test]
    fn another_default_member_is_noticed() {
        assert!(shipped(FUNCTIONS.to_vec()).is_empty());
        assert!(!shipped(FUNCTIONS[1..].to_vec()).is_empty());
        assert!(!shipped([&FUNCTIONS[..], &["testkit"]].concat()).is_empty());
    }

    #[test]
    fn a_silent_or_aborting_profile_is_noticed() {
        assert!(unwinds("[profile.release]\npanic = \"unwind\"").is_empty());
        assert!(!unwinds("[profile.release]\npanic = \"abort\"").is_empty());
        assert!(!unwinds("[profile.release]\nlto = true").is_empty());
        assert!(!unwinds("[profile.dev]\npanic = \"unwind\"").is_empty());
    }

    #[test]
    fn each_folder_has_its_room() {
        for (folder, expected) in [
            ("functions/console", Some(Room::Function)),
            ("functions/shared/channel", Some(Room::Shared)),
            ("functions/shared/testkit", Some(Room::Testkit)),
            ("infra/local/simulator", Some(Room::Simulator)),
            ("infra/local/xtask", Some(Room::Local)),
            ("tests", Some(Room::Tests)),
            ("elsewhere", None),
        ] {
            assert_eq!(room(folder), expected, "{folder}");
        }
    }
}
