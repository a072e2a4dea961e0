//! `A1.1`, `A1.2`: mails of several languages and charsets, put in at once; each becomes exactly one conversation that a
//! person can read. None is lost, none is there twice.

use crate::aws::Aws;
use crate::office::{Office, eventually};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// So many short mails more that Chat needs a second page for the list.
const FILLERS: usize = 20;

#[derive(Deserialize)]
struct Table {
    mail: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: PathBuf,
    what: String,
    reads: String,
}

fn table() -> (PathBuf, Vec<Entry>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mail30");
    let text = std::fs::read_to_string(folder.join("table.toml")).expect("the table");
    (folder, toml::from_str::<Table>(&text).expect("the table").mail)
}

fn one_blank(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn mails_of_many_places_become_one_readable_conversation_each() {
    let mut office = Office::open("e2e").await;
    let mailbox = office.fresh_mailbox("thirty").await;
    office.sign_in().await;
    office.connect(&mailbox).await;
    let id = office.mailbox_id(&mailbox).await;
    // Newsletters are of the thirty; by default they would be left out.
    office.set(&id, |form| form.without("exclude_bulk")).await;

    let (folder, table) = table();
    assert!(table.len() >= 30);
    let begun = Instant::now();
    let google = office.cloud.google().expect("the simulator");
    let files: Vec<PathBuf> = table.iter().map(|entry| folder.join(&entry.file)).collect();
    let delivered = google.deliver_files(&mailbox, &files).await.unwrap_or_else(|error| panic!("{error}"));
    // Message → thread.
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for number in 0..FILLERS {
        let mail =
            format!("From: One <one{number}@mail.example>\nTo: {mailbox}\nSubject: Note {number}\n\nNote {number}.\n");
        let (message, thread) = office.deliver(&mailbox, &mail).await;
        given.insert(message, thread);
    }
    for mail in &delivered {
        given.insert(mail.message.clone(), mail.thread.clone());
    }
    assert_eq!(given.len(), table.len() + FILLERS, "each has an id of its own");

    // The table: one mail of each id, in its thread, and its mark.
    let prefix = format!("CV#{id}#");
    let stored = eventually("all mails are stored", async || {
        let keys = Aws::of(&office.cloud).keys(&prefix).await;
        let stored: Vec<(String, String)> = keys
            .iter()
            .filter_map(|(pk, sk)| {
                let message = sk.strip_prefix("MSG#")?.rsplit('#').next()?;
                Some((message.to_owned(), pk.strip_prefix(&prefix)?.to_owned()))
            })
            .collect();
        (stored.len() >= given.len()).then_some(stored)
    })
    .await;
    println!("{} mails stored {:.1} s after the first was put in", stored.len(), begun.elapsed().as_secs_f64());
    let stored_once: BTreeMap<String, String> = stored.iter().cloned().collect();
    assert_eq!(stored.len(), stored_once.len(), "none twice");
    assert_eq!(stored_once, given, "none lost, each in its thread");
    let seen = Aws::of(&office.cloud).keys(&format!("SEEN#{id}#")).await;
    let mut seen: Vec<String> = seen.into_iter().map(|(_, message)| message).collect();
    seen.sort();
    let ids: Vec<String> = given.keys().cloned().collect();
    assert_eq!(seen, ids);

    // Chat: each thread is listed once, over its pages. The list is ordered by the latest change, so it is read until the
    // assistant has done with all of them and no row moves from page to page any more.
    let mut threads: Vec<String> = given.values().cloned().collect();
    threads.sort();
    threads.dedup();
    let pages = eventually("Chat lists each conversation once", async || {
        let (mut listed, pages) = office.listed(&id).await;
        listed.sort();
        (listed == threads).then_some(pages)
    })
    .await;
    assert!(pages > 1, "the list has {pages} page");

    let mut unread = vec![];
    for (entry, mail) in table.iter().zip(&delivered) {
        let front = office.cloud.front_door.clone();
        let page = office.operator.open(&format!("{front}/chat/{id}/{}", mail.thread)).await;
        assert_eq!(page.status, 200, "{}", entry.file.display());
        let mails = page.texts("article.mail.customer .mail-text");
        let readable = mails.iter().any(|text| one_blank(text).contains(&entry.reads));
        if !readable {
            unread.push(format!("{} ({}): {mails:?}", entry.file.display(), entry.what));
        }
        assert!(mails.iter().all(|text| !text.contains('\u{fffd}')), "{}: {mails:?}", entry.file.display());
    }
    assert!(unread.is_empty(), "{} not readable:\n{}", unread.len(), unread.join("\n"));

    // At most one draft in each thread.
    let dump = office.dump(&mailbox).await;
    let mut drafts: BTreeMap<&str, usize> = BTreeMap::new();
    for message in dump["messages"].as_array().expect("messages") {
        if crate::office::labels(message).contains(&"DRAFT") {
            *drafts.entry(message["thread_id"].as_str().expect("a thread")).or_default() += 1;
        }
    }
    assert!(drafts.values().all(|count| *count == 1), "{drafts:?}");
    println!("{} mails, {} conversations, {pages} pages, {} drafts", given.len(), threads.len(), drafts.len());
    office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
