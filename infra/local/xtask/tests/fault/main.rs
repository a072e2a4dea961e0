//! Every kind of fault, set by the real command line and seen at a client. What was seen is the table in
//! `infra/local/README.md`; it is made anew here and compared, so that it can neither lie nor miss a kind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod seen;
mod world;

use std::{collections::BTreeSet, fs, path::Path};

use seen::{Row, rows};
use world::World;

const HEAD: &str = "| kind | command: `cargo xtask fault …` | what the client saw |\n|---|---|---|\n";

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_is_set_by_the_command_line_and_seen_at_a_client() {
    let mut world = World::start().await;
    let mut table = HEAD.to_owned();
    for row in rows() {
        world.begin().await;
        let seen = world.see(&row).await;
        table.push_str(&format!("| {} | `{}` | {seen} |\n", row.kind, row.words.join(" ")));
    }
    world.stop().await;
    println!("{table}");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.md");
    fs::write(&fresh, &table).unwrap();
    assert!(page().contains(&table), "README.md shows something else; what was seen now is in {}", fresh.display());
}

#[test]
fn the_table_has_every_kind_that_the_words_can_set() {
    let kinds: BTreeSet<String> = xtask::fault::kinds().into_iter().collect();
    let rows: Vec<Row> = rows();
    let seen: BTreeSet<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let missing: Vec<_> = kinds.difference(&seen).collect();
    assert!(missing.is_empty(), "no row shows {missing:?}");
    let page = page();
    for kind in &kinds {
        assert!(page.contains(&format!("\n| {kind} | `")), "README.md does not show {kind}");
    }
    for row in &rows {
        let first = row.kind.split([' ', ',']).next().unwrap();
        assert_eq!(row.words[0], first, "{}: the command is of another kind", row.kind);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_list_clear_and_explain() {
    let world = World::start().await;
    let fault = |words: &[&str]| world.fault(words);
    assert_eq!(fault(&["list"]).unwrap().trim(), "no fault is set");
    let set: serde_json::Value =
        serde_json::from_str(&fault(&["delay", "gmail.users.messages.get", "5ms", "--json"]).unwrap()).unwrap();
    assert_eq!(set["id"], 1);
    assert!(fault(&["push", "lost", "--always"]).unwrap().contains("fault 2 is set"));
    fault(&["clock", "-5m"]).unwrap();
    let listed = fault(&["list"]).unwrap();
    assert!(listed.contains("gmail.users.messages.get") && listed.contains("until it is cleared"), "{listed}");
    assert!(listed.contains("-300000 ms"), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&fault(&["list", "--json"]).unwrap()).unwrap();
    assert_eq!(json["faults"].as_array().unwrap().len(), 2);
    assert_eq!(json["clock_offset_ms"], -300_000);
    fault(&["clear", "1"]).unwrap();
    assert_eq!(world.sim.faults().len(), 1);
    let gone = fault(&["clear", "1"]).unwrap_err();
    assert!(gone.contains("no fault has the id 1"), "{gone}");
    fault(&["clear"]).unwrap();
    assert!(world.sim.faults().is_empty());

    for (words, told) in [
        (&["drop", "gmail.users.message.get"][..], "near names: gmail.users.messages.get"),
        (&["vanish", "gmail.users.getProfile"], "history.list or messages.list"),
        (&["drop", "gmail.users.stop", "--account", "nobody@example.com"], "there is no account"),
        (&["refuse", "gmail.users.stop", "--status", "204"], "204 is no refusal"),
        (&["refuse", "gmail.users.stop", "--reason", "tired"], "possible values"),
        (&["delay", "gmail.users.stop", "soon"], "no span of time"),
        (&["token", "password"], "ACCOUNT"),
        (&["token", "password", "nobody@example.com"], "there is no account"),
        (&["subscription", "idle", "projects/p/subscriptions/none"], "there is no subscription"),
        (
            &["subscription", "set", "--dead-letter", "projects/p/topics/dead", "--max-attempts", "4"],
            "outside 5 to 100",
        ),
    ] {
        let error = fault(words).unwrap_err();
        assert!(error.contains(told), "{words:?}: {error}");
        assert!(world.sim.faults().is_empty());
    }
    world.stop().await;
}
