//! What stands around every page of a mailbox: whose it is, its folders and labels, and what was just done.

use std::collections::{BTreeMap, BTreeSet};

use super::look;
use crate::{
    gmail::Params,
    mailbox::{Mail, Mailbox, Narrow},
    state::Account,
};

/// The folders, each with the label that makes it up; `all` has none.
const FOLDERS: [(&str, &str, &str); 7] = [
    ("inbox", "Inbox", "INBOX"),
    ("starred", "Starred", "STARRED"),
    ("sent", "Sent", "SENT"),
    ("drafts", "Drafts", "DRAFT"),
    ("all", "All mail", ""),
    ("spam", "Spam", "SPAM"),
    ("trash", "Trash", "TRASH"),
];

pub(super) struct Folder {
    pub key: String,
    pub title: String,
    pub count: usize,
    pub counted: &'static str,
    pub here: bool,
    pub colour: Option<String>,
}

pub(super) struct Rail {
    pub address: String,
    pub name: String,
    pub folders: Vec<Folder>,
    pub labels: Vec<Folder>,
    pub query: String,
    pub said: &'static str,
}

impl Rail {
    pub fn of(account: &Account, here: &str, params: &Params) -> Self {
        let unread = unread_threads(&account.mailbox);
        let count = |label: &str| unread.get(label).map_or(0, BTreeSet::len);
        let folders = FOLDERS.iter().map(|(key, title, label)| Folder {
            key: (*key).to_owned(),
            title: (*title).to_owned(),
            count: match *key {
                "inbox" | "spam" => count(label),
                "drafts" => account.mailbox.drafts.len(),
                _ => 0,
            },
            counted: if *key == "drafts" { "in all" } else { "unread" },
            here: *key == here,
            colour: None,
        });
        let mut labels: Vec<Folder> = account
            .mailbox
            .labels
            .iter()
            .map(|label| Folder {
                key: label.id.clone(),
                title: label.name.clone(),
                count: count(&label.id),
                counted: "unread",
                here: label.id == here,
                colour: label.colour.as_ref().map(|(_, background)| look::colour(background)),
            })
            .collect();
        labels.sort_by_key(|label| label.title.to_lowercase());
        Self {
            address: account.config.address.clone(),
            name: account.config.name.clone(),
            folders: folders.collect(),
            labels,
            query: params.get("q").unwrap_or_default().to_owned(),
            said: params.get("said").map_or("", said),
        }
    }
}

/// The threads with unread mail under each label.
fn unread_threads(mailbox: &Mailbox) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut threads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mail in mailbox.messages.candidates(&Narrow::labelled("UNREAD")) {
        let hidden = mail.has("TRASH") || mail.has("SPAM");
        for label in mail.labels.iter().filter(|label| !hidden || ["TRASH", "SPAM"].contains(&label.as_str())) {
            threads.entry(label).or_default().insert(&mail.thread_id);
        }
    }
    threads
}

/// Whether a mail stands in a folder; `None`: there is no such folder.
pub(super) fn in_folder(mailbox: &Mailbox, key: &str, mail: &Mail) -> Option<bool> {
    let visible = !mail.has("TRASH") && !mail.has("SPAM");
    match FOLDERS.iter().find(|(known, _, _)| *known == key) {
        Some((_, _, "")) => Some(visible),
        Some((_, _, label)) => Some(mail.has(label) && (visible || ["SPAM", "TRASH"].contains(label))),
        None if mailbox.labels.iter().any(|label| label.id == key) => Some(mail.has(key) && visible),
        None => None,
    }
}

pub(super) fn folder_title(mailbox: &Mailbox, key: &str) -> String {
    let known = FOLDERS.iter().find(|(folder, _, _)| *folder == key);
    known.map_or_else(|| mailbox.label_name(key).to_owned(), |(_, title, _)| (*title).to_owned())
}

/// Words for what a form did. The address bar names them by a code, so that it can say nothing else.
fn said(code: &str) -> &'static str {
    match code {
        "archived" => "Archived.",
        "trashed" => "Moved to the trash.",
        "spammed" => "Reported as spam.",
        "restored" => "Moved to the inbox.",
        "deleted" => "Deleted for good.",
        "read" => "Marked as read.",
        "unread" => "Marked as unread.",
        "starred" => "Starred.",
        "unstarred" => "Star removed.",
        "labelled" => "Label added.",
        "unlabelled" => "Label removed.",
        "sent" => "Sent.",
        "saved" => "Saved.",
        "discarded" => "Draft discarded.",
        "none" => "Nothing was chosen: tick a conversation first.",
        "added" => "Added.",
        _ => "",
    }
}
