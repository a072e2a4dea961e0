//! `cargo xtask tour`: a stranger's first five minutes. The README's steps are done as they are written, in a fresh clone
//! and with a real browser, and leave a picture each.

use crate::process::{run, run_shown};
use crate::progress::Progress;
use crate::workspace::{Workspace, inner};
use crate::{Context, Error, Result, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub async fn tour(pictures: Option<PathBuf>, clone: Option<PathBuf>) -> Result<()> {
    let workspace = Workspace::find()?;
    let progress = Progress::shown();
    let folder = workspace.home().join("tour");
    fs::create_dir_all(&folder).why(|| format!("cannot make {}", folder.display()))?;
    let absolute = |path: PathBuf| std::path::absolute(&path).why(|| format!("{} is no path", path.display()));
    let pictures = pictures.map_or_else(|| Ok(folder.join("pictures")), absolute)?;
    let clone = match clone {
        Some(clone) => absolute(clone)?,
        None => emptied(folder.join("postroom"))?,
    };
    let suite = workspace.root.join("tests/browser");
    let chromium = progress.step("tools: Chromium", tools::chromium(&workspace)).await?;
    progress.step("tools: npm packages of the browser suite", tools::npm(&workspace, &suite)).await?;
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--no-local"]).arg(&workspace.root).arg(&clone);
    progress.step("clone: what is committed", run("git clone", &mut git, &folder.join("clone.log"))).await?;
    let mut node = Command::new("node");
    inner(&mut node);
    node.arg(suite.join("tour.mjs")).arg(&clone).arg(&pictures).env("CHROMIUM", chromium);
    run_shown("the tour", &mut node).await?;
    progress.note(&format!("the pictures are in {}", pictures.display()));
    Ok(())
}

/// Only a former clone is removed, and only when no cloud runs in it.
fn emptied(clone: PathBuf) -> Result<PathBuf> {
    if !clone.exists() {
        return Ok(clone);
    }
    if crate::cloud::is_locked(&clone.join(".local"))? {
        return Err(Error::new(format!("a local cloud runs in the former clone {}", clone.display()))
            .remedy(format!("stop it: cargo xtask down --home {}", clone.join(".local").display())));
    }
    remove(&clone)?;
    Ok(clone)
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).why(|| format!("cannot empty {}", folder.display()))
}
