//! What the local cloud needs beside Rust: a virtual environment with pinned tools, and for the browser suite a
//! Chromium.

use crate::process::run;
use crate::workspace::{Workspace, inner};
use crate::{Context, Error, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = "infra/local/requirements.txt";

#[derive(Debug, Clone)]
pub struct Tools {
    pub bin: PathBuf,
}

impl Tools {
    /// Installs the pinned tools once for each state of `requirements.txt`; safe to call from several processes.
    pub async fn install(workspace: &Workspace) -> Result<Self> {
        let folder = environment(workspace, "venv", REQUIREMENTS).await?;
        Ok(Self { bin: folder.join("bin") })
    }

    /// Whether the pinned tools are there.
    pub fn are_installed(workspace: &Workspace) -> Result<bool> {
        let stamp = stamp(&workspace.home().join("venv"));
        Ok(fs::read_to_string(stamp).ok().as_deref() == Some(&*wanted(&workspace.root.join(REQUIREMENTS))?))
    }

    /// One of the installed tools; it finds the others before what is on the PATH.
    pub fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(self.bin.join(name));
        inner(&mut command);
        let mut path = vec![self.bin.clone()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let path = std::env::join_paths(path).why(|| "the PATH".into())?;
        command.env("PATH", path).env("SAM_CLI_TELEMETRY", "0");
        Ok(command)
    }
}

/// The Python that has Google's own client. It is large and only one suite needs it, so that it is no part of [`Tools`].
pub async fn google_client(workspace: &Workspace) -> Result<PathBuf> {
    Ok(environment(workspace, "venv-google", "tests/google/requirements.txt").await?.join("bin/python"))
}

/// The Python that has a model of embeddings, for the evaluation alone.
pub async fn embeddings(workspace: &Workspace) -> Result<PathBuf> {
    Ok(environment(workspace, "venv-embeddings", "tests/evals/embeddings/requirements.txt").await?.join("bin/python"))
}

/// A virtual environment in the folder that git ignores, installed once for each state of its requirements.
async fn environment(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let home = workspace.home();
    fs::create_dir_all(&home).why(|| format!("cannot make {}", home.display()))?;
    let folder = home.join(name);
    let requirements = workspace.root.join(requirements);
    let wanted = wanted(&requirements)?;
    let stamp = stamp(&folder);
    let lock = File::create(home.join(format!("{name}.lock"))).why(|| format!("cannot write in {}", home.display()))?;
    lock.lock().why(|| "cannot lock the virtual environment".into())?;
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&*wanted) {
        let log = home.join(format!("install-{name}.log"));
        run("making the virtual environment", Command::new("python3").args(["-m", "venv"]).arg(&folder), &log)
            .await
            .map_err(|error| {
                Error::new(error.to_string()).remedy(
                    "install Python 3.10 or newer with its venv module (on Debian: apt-get install python3-venv)",
                )
            })?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
        run("installing the pinned tools", &mut pip, &log).await?;
        fs::write(&stamp, wanted).why(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(folder)
}

fn wanted(requirements: &Path) -> Result<String> {
    fs::read_to_string(requirements).why(|| format!("cannot read {}", requirements.display()))
}

/// What was installed into the environment last.
fn stamp(venv: &Path) -> PathBuf {
    venv.join("installed-requirements.txt")
}

/// `CHROMIUM`, else one on the PATH, else Debian's is installed where that is allowed.
pub async fn chromium(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::new(format!("CHROMIUM names {}, which is no file", path.display())))
        };
    }
    if let Some(path) = on_path(&["chromium", "chromium-browser", "google-chrome"]) {
        return Ok(path);
    }
    let remedy = "install Chromium and put it on the PATH, or name its executable in CHROMIUM";
    if !rustix::process::geteuid().is_root() || on_path(&["apt-get"]).is_none() {
        return Err(Error::new("the browser suite needs Chromium, and there is none").remedy(remedy));
    }
    let log = workspace.home().join("chromium.log");
    let mut update = Command::new("apt-get");
    update.arg("update").env("DEBIAN_FRONTEND", "noninteractive");
    run("apt-get update", &mut update, &log).await?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", "chromium"]).env("DEBIAN_FRONTEND", "noninteractive");
    run("apt-get install chromium", &mut install, &log).await?;
    on_path(&["chromium"]).ok_or_else(|| Error::new("chromium was installed but is not on the PATH").remedy(remedy))
}

/// The npm packages that the browser suite pins, once for each state of its lock file.
pub async fn npm(workspace: &Workspace, folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).why(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(&*wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
    run("npm ci", &mut npm, &workspace.home().join("npm.log"))
        .await
        .map_err(|error| Error::new(error.to_string()).remedy("install Node.js 20 or newer with npm"))?;
    fs::write(&stamp, wanted).why(|| format!("cannot write {}", stamp.display()))
}

pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}
