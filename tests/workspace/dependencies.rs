//! Which way the dependencies point, and which crate alone may name an outside library.

use crate::members::{Dependency, Kind, Member, Room, members, room};
use crate::repository::assert_none;
use std::collections::BTreeMap;

/// What each shared crate may depend on.
const SHARED: &[(&str, &[&str])] = &[
    ("channel", &[]),
    ("flow", &["channel"]),
    ("mime", &["channel"]),
    ("google", &["channel", "mime"]),
    ("assistant", &["channel", "mime"]),
    ("notify", &["channel"]),
    ("aws", &["channel"]),
    ("runtime", &["channel"]),
    // Builds the adapters for the mains, so that each is put together in one place.
    ("context", &["channel", "google", "notify", "aws", "runtime"]),
];

const TESTKIT: &[&str] = &["channel", "mime"];

fn permitted(member: &Member, from: Room, to: &Member, to_room: Room, kind: Kind) -> bool {
    let helps_tests = matches!(to_room, Room::Testkit | Room::Simulator);
    match from {
        Room::Simulator => false,
        Room::Local | Room::Tests => true,
        Room::Function | Room::Shared if kind == Kind::Dev && helps_tests => true,
        Room::Function => to_room == Room::Shared,
        Room::Testkit => TESTKIT.contains(&to.name.as_str()),
        Room::Shared => SHARED
            .iter()
            .find(|(name, _)| *name == member.name)
            .is_some_and(|(_, allowed)| allowed.contains(&to.name.as_str())),
    }
}

fn direction(members: &[Member]) -> Vec<String> {
    let by_name: BTreeMap<_, _> = members.iter().map(|m| (m.name.as_str(), m)).collect();
    let mut violations = Vec::new();
    for member in members {
        let Some(from) = room(&member.folder) else {
            violations.push(format!("{} has no room in this layout", member.folder));
            continue;
        };
        if from == Room::Shared && !SHARED.iter().any(|(name, _)| *name == member.name) {
            violations.push(format!("{} is not in the list of shared crates", member.name));
        }
        for dependency in &member.dependencies {
            let Some(to) = by_name.get(dependency.name.as_str()) else {
                continue;
            };
            let Some(to_room) = room(&to.folder) else {
                continue; // reported as a member of its own
            };
            if !permitted(member, from, to, to_room, dependency.kind) {
                violations.push(format!("{} must not depend on {} ({:?})", member.name, to.name, dependency.kind));
            }
        }
    }
    violations
}

/// Whether `member` may name the outside library `library`. The simulator's own tests and the suite that holds it against
/// Google's documents may use Google's client, since it is the stranger that shows the simulator to be like Google.
fn may_name(member: &Member, library: &str, kind: Kind) -> bool {
    match library {
        "lambda_runtime" | "lambda_http" | "aws_lambda_events" => {
            room(&member.folder) == Some(Room::Function) || member.name == "runtime"
        }
        "aws-config" | "aws-types" | "aws-credential-types" => member.name == "aws",
        _ if library.starts_with("aws-sdk-") || library.starts_with("aws-smithy-") => member.name == "aws",
        "google-gmail1" | "google-apis-common" => {
            let witness = matches!(room(&member.folder), Some(Room::Simulator | Room::Tests)) && kind == Kind::Dev;
            member.name == "google" || witness
        }
        _ => true,
    }
}

fn reserved(members: &[Member]) -> Vec<String> {
    let names = |member: &Member, Dependency { name, kind }: &Dependency| {
        (!may_name(member, name, *kind)).then(|| format!("{} must not name {name}", member.name))
    };
    members.iter().flat_map(|member| member.dependencies.iter().filter_map(move |d| names(member, d))).collect()
}

#[test]
fn dependencies_point_one_way() {
    assert_none(&direction(&members()));
}

#[test]
fn outside_libraries_stay_in_their_rooms() {
    assert_none(&reserved(&members()));
}

#[cfg(test)]
mod rules {
    use super::*;

    const FOLDERS: &[&str] = &[
        "functions/console",
        "functions/mail-sync",
        "functions/shared/channel",
        "functions/shared/flow",
        "functions/shared/mime",
        "functions/shared/google",
        "functions/shared/assistant",
        "functions/shared/notify",
        "functions/shared/aws",
        "functions/shared/runtime",
        "functions/shared/testkit",
        "infra/local/simulator",
        "infra/local/xtask",
        "tests",
    ];

    /// Every member, with one dependency in it.
    fn with(from: &str, to: &str, kind: Kind) -> Vec<Member> {
        FOLDERS
            .iter()
            .map(|folder| {
                let name = folder.rsplit('/').next().unwrap().to_owned();
                let dependencies =
                    if name == from { vec![Dependency { name: to.to_owned(), kind }] } else { Vec::new() };
                Member { name, folder: (*folder).to_owned(), dependencies, targets: Vec::new() }
            })
            .collect()
    }

    #[test]
    fn permitted_edges_pass() {
        for (from, to, kind) in [
            ("flow", "channel", Kind::Normal),
            ("mime", "channel", Kind::Normal),
            ("google", "mime", Kind::Normal),
            ("assistant", "mime", Kind::Normal),
            ("aws", "channel", Kind::Normal),
            ("runtime", "channel", Kind::Normal),
            ("testkit", "mime", Kind::Normal),
            ("console", "google", Kind::Normal),
            ("console", "testkit", Kind::Dev),
            ("channel", "testkit", Kind::Dev),
            ("google", "simulator", Kind::Dev),
            ("xtask", "simulator", Kind::Normal),
            ("tests", "console", Kind::Dev),
        ] {
            let violations = direction(&with(from, to, kind));
            assert!(violations.is_empty(), "{from} → {to}: {violations:?}");
        }
    }

    #[test]
    fn forbidden_edges_are_named() {
        for (from, to, kind) in [
            ("channel", "mime", Kind::Normal),
            ("channel", "mime", Kind::Dev),
            ("flow", "mime", Kind::Normal),
            ("mime", "google", Kind::Normal),
            ("google", "aws", Kind::Normal),
            ("assistant", "google", Kind::Normal),
            ("aws", "mime", Kind::Normal),
            ("aws", "google", Kind::Build),
            ("notify", "mime", Kind::Normal),
            ("runtime", "aws", Kind::Normal),
            ("runtime", "aws", Kind::Dev),
            ("testkit", "google", Kind::Normal),
            ("console", "testkit", Kind::Normal),
            ("aws", "testkit", Kind::Normal),
            ("aws", "testkit", Kind::Build),
            ("google", "simulator", Kind::Normal),
            ("console", "mail-sync", Kind::Normal),
            ("console", "mail-sync", Kind::Dev),
            ("console", "xtask", Kind::Normal),
            ("simulator", "channel", Kind::Normal),
            ("simulator", "testkit", Kind::Dev),
        ] {
            let violations = direction(&with(from, to, kind));
            assert_eq!(violations.len(), 1, "{from} → {to} ({kind:?})");
        }
    }

    #[test]
    fn a_crate_without_a_room_is_named() {
        let mut members = with("console", "channel", Kind::Normal);
        members[0].folder = "somewhere/console".into();
        members[2].name = "domain".into();
        let violations = direction(&members);
        assert_eq!(violations.len(), 2, "{violations:?}");
    }

    #[test]
    fn reserved_libraries_are_named_elsewhere() {
        for (owner, stranger, library) in [
            ("console", "aws", "lambda_http"),
            ("runtime", "channel", "lambda_runtime"),
            ("mail-sync", "testkit", "aws_lambda_events"),
            ("aws", "console", "aws-sdk-dynamodb"),
            ("aws", "runtime", "aws-config"),
            ("aws", "tests", "aws-smithy-types"),
            ("google", "console", "google-gmail1"),
        ] {
            for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
                assert!(reserved(&with(owner, library, kind)).is_empty(), "{library}");
                assert_eq!(reserved(&with(stranger, library, kind)).len(), 1, "{library}");
            }
        }
    }
    #[test]
    fn the_simulator_meets_the_real_client_in_tests_only() {
        let client = "google-gmail1";
        assert!(reserved(&with("simulator", client, Kind::Dev)).is_empty());
        assert_eq!(reserved(&with("simulator", client, Kind::Normal)).len(), 1);
        assert_eq!(reserved(&with("xtask", client, Kind::Dev)).len(), 1);
        assert!(reserved(&with("tests", client, Kind::Dev)).is_empty());
        assert_eq!(reserved(&with("tests", client, Kind::Normal)).len(), 1);
    }
}
