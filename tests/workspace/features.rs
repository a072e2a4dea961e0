//! Tests and local tools must not change what is compiled into a function.
//!
//! Cargo unifies features over everything it builds at once. When a crate that functions use gets another feature
//! from a test-only crate, it is compiled twice, and what was tested is not what ships.

use crate::repository::{assert_none, cargo};
use std::collections::{BTreeMap, BTreeSet};

/// Package and version → the feature sets it is built with; a crate may be built differently for the host.
type Builds = BTreeMap<String, BTreeSet<String>>;

const FORMAT: &str = "{p}|{f}";

/// Reads `cargo tree --prefix none` in [`FORMAT`].
fn builds(tree: &str) -> Builds {
    let mut builds = Builds::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (package, features) = line
            .trim_end_matches(" (*)")
            .rsplit_once('|')
            .unwrap_or_else(|| panic!("cargo tree printed a line of another form: {line}"));
        let mut words = package.split(' ');
        let name = words.next().expect("a name");
        let version = words.next().expect("a version");
        builds.entry(format!("{name} {version}")).or_default().insert(features.to_owned());
    }
    builds
}

/// Every build that ships has to be among the builds of the whole workspace.
fn changed(shipped: &Builds, whole: &Builds) -> Vec<String> {
    let none = BTreeSet::new();
    let mut violations = Vec::new();
    for (package, variants) in shipped {
        let in_whole = whole.get(package).unwrap_or(&none);
        for variant in variants.difference(in_whole) {
            let others: Vec<_> = in_whole.difference(variants).collect();
            violations.push(format!(
                "{package} ships with features [{variant}], but the whole workspace builds {others:?}: \
                 name the missing ones in [workspace.dependencies], or leave them out of the test-only crate"
            ));
        }
    }
    violations
}

#[test]
fn tests_and_tools_add_no_feature_to_what_ships() {
    // Without `-p` and `--workspace` cargo takes the default members: the functions.
    let tree = ["tree", "--prefix", "none", "--format", FORMAT];
    let shipped = builds(&cargo(&[&tree[..], &["--edges", "normal,build"]].concat()));
    // This package alone is left out: its in-process DynamoDB brings a web server with features of its own, which costs
    // the suites a second build of some crates. The suites that run the deployed binaries test what ships.
    let whole =
        builds(&cargo(&[&tree[..], &["--workspace", "--exclude", "tests", "--edges", "normal,build,dev"]].concat()));
    assert!(shipped.keys().any(|package| package.starts_with("console ")), "the functions are missing: {shipped:?}");
    assert!(whole.keys().any(|package| package.starts_with("testkit ")));
    assert_none(&changed(&shipped, &whole));
}

#[cfg(test)]
mod rules {
    use super::*;

    #[test]
    fn the_tree_is_read() {
        let tree =
            "console v0.1.0 (/x)|\nserde v1.0.0|default,std\n\nserde v1.0.0|default,std (*)\nserde v1.0.0|alloc\n";
        let read = builds(tree);
        assert_eq!(read.len(), 2);
        assert_eq!(read["console v0.1.0"], BTreeSet::from([String::new()]));
        assert_eq!(read["serde v1.0.0"], BTreeSet::from(["alloc".to_owned(), "default,std".to_owned()]));
    }

    #[test]
    fn an_added_feature_is_named() {
        let shipped = builds("serde v1.0.0|std\nitoa v1.0.0|");
        let same = builds("serde v1.0.0|std\nitoa v1.0.0|\nproptest v1.0.0|std");
        let more = builds("serde v1.0.0|rc,std\nitoa v1.0.0|");
        assert!(changed(&shipped, &same).is_empty());
        let violations = changed(&shipped, &more);
        assert_eq!(violations.len(), 1);
        assert!(violations[0].contains("rc,std"), "{violations:?}");
    }

    #[test]
    fn a_second_build_for_the_host_changes_nothing() {
        let shipped = builds("memchr v2.0.0|std");
        let whole = builds("memchr v2.0.0|std\nmemchr v2.0.0|alloc");
        assert!(changed(&shipped, &whole).is_empty());
    }
}
