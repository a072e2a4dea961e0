//! The small shop that the local cloud starts with: who may sign in, and what its knowledge base says.

use crate::workspace::Workspace;
use crate::{Context, Error, Result};
use aws::{Table, emulator_config};
use channel::assistant::KnowledgeDocument;
use channel::ports::{Commits, Knowledge};
use channel::record::{Commit, KnowledgeItem};
use runtime::clock::SystemClock;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who may sign in to the console; the simulator makes this account at its first start.
pub const OPERATOR: &str = "operator@postroom.test";

/// The shop's mailbox, which the simulator makes too.
pub const MAILBOX: &str = "support@postroom.test";

/// The pages of `infra/local/demo/knowledge`: the id is the file's name, the title its first heading.
pub fn documents(workspace: &Workspace) -> Result<Vec<KnowledgeDocument>> {
    let folder = workspace.root.join("infra/local/demo/knowledge");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .why(|| format!("cannot read {}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files.iter().map(|file| document(file)).collect()
}

fn document(file: &Path) -> Result<KnowledgeDocument> {
    let (title, text) = page(file)?;
    let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(KnowledgeDocument { id, title, text, version: 1 })
}

/// Title and text of a page in Markdown: its first line is the title.
pub fn page(file: &Path) -> Result<(String, String)> {
    let page = fs::read_to_string(file).why(|| format!("cannot read {}", file.display()))?;
    let (heading, text) = page.split_once('\n').unwrap_or((&page, ""));
    let title = heading
        .strip_prefix("# ")
        .ok_or_else(|| Error::new(format!("{} does not begin with a heading", file.display())))?;
    Ok((title.trim().to_owned(), text.trim().to_owned()))
}

/// Puts in the pages that the knowledge base does not have yet; what somebody changed there stays as it is.
pub async fn put_knowledge(workspace: &Workspace, endpoint: &str, table: &str) -> Result<()> {
    let store = Table::new(&emulator_config(endpoint), table, Arc::new(SystemClock));
    let known = store.documents().await.why(|| "reading the knowledge base".into())?;
    for document in documents(workspace)? {
        if known.iter().any(|other| other.id == document.id) {
            continue;
        }
        let what = format!("knowledge base, {}", document.id);
        store.commit(Commit::new().put(KnowledgeItem { ver: 0, document })).await.why(|| what)?;
    }
    Ok(())
}
