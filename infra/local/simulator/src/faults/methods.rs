//! The names that calls have in the log, and how a misspelt one is answered.

use super::{CONSENT, PUSH};

pub(super) const HISTORY: &str = "gmail.users.history.list";
pub(super) const MESSAGES: &str = "gmail.users.messages.list";
pub(super) const THREADS: &str = "gmail.users.threads.list";
pub(super) const GET: &str = "gmail.users.messages.get";
pub(super) const LISTS: [&str; 3] = [HISTORY, MESSAGES, THREADS];

/// Every name that the log can show, sorted. A test holds it against the sources.
pub(super) const NAMES: &[&str] = &[
    "gmail.batch",
    "gmail.upload.chunk",
    "gmail.upload.start",
    "gmail.users.drafts.create",
    "gmail.users.drafts.delete",
    "gmail.users.drafts.get",
    "gmail.users.drafts.list",
    "gmail.users.drafts.send",
    "gmail.users.drafts.update",
    "gmail.users.getProfile",
    HISTORY,
    "gmail.users.labels.create",
    "gmail.users.labels.delete",
    "gmail.users.labels.get",
    "gmail.users.labels.list",
    "gmail.users.labels.patch",
    "gmail.users.labels.update",
    "gmail.users.messages.attachments.get",
    "gmail.users.messages.batchDelete",
    "gmail.users.messages.batchModify",
    "gmail.users.messages.delete",
    GET,
    "gmail.users.messages.import",
    "gmail.users.messages.insert",
    MESSAGES,
    "gmail.users.messages.modify",
    "gmail.users.messages.send",
    "gmail.users.messages.trash",
    "gmail.users.messages.untrash",
    "gmail.users.settings.delegates.create",
    "gmail.users.settings.delegates.delete",
    "gmail.users.settings.delegates.get",
    "gmail.users.settings.delegates.list",
    "gmail.users.settings.filters.create",
    "gmail.users.settings.filters.delete",
    "gmail.users.settings.filters.get",
    "gmail.users.settings.filters.list",
    "gmail.users.settings.forwardingAddresses.create",
    "gmail.users.settings.forwardingAddresses.delete",
    "gmail.users.settings.forwardingAddresses.get",
    "gmail.users.settings.forwardingAddresses.list",
    "gmail.users.settings.getAutoForwarding",
    "gmail.users.settings.getImap",
    "gmail.users.settings.getLanguage",
    "gmail.users.settings.getPop",
    "gmail.users.settings.getVacation",
    "gmail.users.settings.sendAs.create",
    "gmail.users.settings.sendAs.delete",
    "gmail.users.settings.sendAs.get",
    "gmail.users.settings.sendAs.list",
    "gmail.users.settings.sendAs.patch",
    "gmail.users.settings.sendAs.update",
    "gmail.users.settings.sendAs.verify",
    "gmail.users.settings.updateAutoForwarding",
    "gmail.users.settings.updateImap",
    "gmail.users.settings.updateLanguage",
    "gmail.users.settings.updatePop",
    "gmail.users.settings.updateVacation",
    "gmail.users.stop",
    "gmail.users.threads.delete",
    "gmail.users.threads.get",
    THREADS,
    "gmail.users.threads.modify",
    "gmail.users.threads.trash",
    "gmail.users.threads.untrash",
    "gmail.users.watch",
    "oauth2.auth",
    "oauth2.certs",
    CONSENT,
    "oauth2.decide",
    "oauth2.discovery",
    "oauth2.revoke",
    "oauth2.token",
    "oauth2.token.code",
    "oauth2.token.refresh",
    "oauth2.userinfo",
    PUSH,
    "unknown",
];

/// Whether `pattern`, a name or a prefix with `*`, means `method`.
pub(super) fn named(pattern: &str, method: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => method.starts_with(prefix),
        None => method == pattern,
    }
}

pub(super) fn matching(pattern: &str) -> Vec<&'static str> {
    NAMES.iter().copied().filter(|name| named(pattern, name)).collect()
}

/// The names that somebody who wrote `wrong` may have meant, best first.
pub(super) fn near(wrong: &str) -> Vec<&'static str> {
    let wanted = wrong.trim_end_matches('*').to_lowercase();
    let tail = wanted.rsplit('.').next().unwrap_or_default();
    let mut scored: Vec<(usize, &str)> = NAMES
        .iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let inside = wanted.len() > 2 && (lower.ends_with(&wanted) || lower.contains(&wanted));
            let same_verb = !tail.is_empty() && lower.rsplit('.').next() == Some(tail);
            let far = distance(&wanted, &lower);
            (
                if inside {
                    0
                } else if same_verb {
                    far.saturating_sub(2)
                } else {
                    far
                },
                *name,
            )
        })
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(4).map(|(_, name)| name).collect()
}

/// How many letters have to be added, taken away or exchanged.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What follows `marker` as a string literal, in every source file below `dir`.
    fn literals(dir: &Path, marker: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                literals(&path, marker, found);
            } else {
                for part in fs::read_to_string(path).unwrap().split(marker).skip(1) {
                    found.insert(part.split('"').next().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn the_names_are_those_of_the_sources() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = BTreeSet::new();
        literals(&src.join("gmail"), "\"gmail.", &mut found);
        // Patterns and prefixes are no names.
        found.retain(|name| name.ends_with(|last: char| last.is_ascii_alphabetic()) && name != "users");
        let gmail: BTreeSet<String> = found.iter().map(|name| format!("gmail.{name}")).collect();
        let known = |prefix: &str| {
            let names = NAMES.iter().filter(|name| name.starts_with(prefix));
            names.map(|name| (*name).to_owned()).collect::<BTreeSet<_>>()
        };
        assert!(gmail.len() > 15, "the sources were not read: {gmail:?}");
        assert_eq!(known("gmail."), gmail, "keep the list above as the API has it");

        let mut oauth = BTreeSet::from([CONSENT.to_owned()]);
        for marker in ["sim.call(\"oauth2.", "=> (\"oauth2.", "(\"oauth2."] {
            let mut found = BTreeSet::new();
            literals(&src.join("oauth"), marker, &mut found);
            oauth.extend(found.into_iter().map(|name| format!("oauth2.{name}")));
        }
        assert_eq!(known("oauth2."), oauth);
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn a_misspelt_name_finds_what_was_meant() {
        assert_eq!(near("gmail.users.message.get")[0], GET);
        assert_eq!(near("messages.get")[0], GET);
        assert_eq!(near("history")[0], HISTORY);
        assert_eq!(near("gmail.users.drafts.sent")[0], "gmail.users.drafts.send");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
