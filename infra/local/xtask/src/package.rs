//! Builds what runs: the functions as SAM packages them, and the simulator.

use crate::aws_http::REGION;
use crate::process::{run, run_shown};
use crate::tools::Tools;
use crate::workspace::{FUNCTIONS, Workspace, architecture, cargo};
use crate::{Context, Error, Result};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// In the home: the digest of what was packaged there. Its time is that of the build.
const STAMP: &str = "build.sha256";

#[derive(Debug, Clone)]
pub struct Package {
    /// The built template; the functions' folders lie beside it.
    pub template: PathBuf,
    /// SHA-256 over template and binaries, in hex.
    pub digest: String,
}

/// Compiles functions and simulator in the profile of the tests. The functions are selected as `cargo lambda build`
/// selects them, without the rest of the workspace, and the simulator as the tests do, so that each finds what the other
/// has compiled. Says when it began: what is changed later may not be in it.
pub async fn compile(workspace: &Workspace, quiet: bool) -> Result<SystemTime> {
    let begun = SystemTime::now();
    for selection in [&[][..], &["--workspace", "--bin", "simulator"][..]] {
        let mut build = cargo(&workspace.root);
        build.arg("build").args(selection);
        if quiet {
            build.arg("--quiet");
        }
        run_shown("cargo build", &mut build).await?;
    }
    Ok(begun)
}

/// `sam build`, unless its last result here is of the same template and binaries; those are of the source as it was at
/// `built`.
pub async fn package(workspace: &Workspace, tools: &Tools, home: &Path, built: SystemTime) -> Result<Package> {
    let folder = home.join("build");
    let template = folder.join("template.yaml");
    let stamp = home.join(STAMP);
    let digest = digest(workspace)?;
    let known = fs::read_to_string(&stamp).ok();
    if known.as_deref() != Some(&*digest) || !template.is_file() {
        let mut sam = tools.command("sam")?;
        sam.current_dir(&workspace.root)
            .args(["build", "--parallel", "--template-file"])
            .arg(workspace.template())
            .arg("--build-dir")
            .arg(&folder)
            .args(["--parameter-overrides", &format!("Architecture={}", architecture()?)])
            .env("SAM_BUILD_MODE", "debug")
            .env("CARGO_LAMBDA_COMPILER", "cargo")
            .env("AWS_DEFAULT_REGION", REGION);
        run("sam build", &mut sam, &home.join("sam-build.log")).await?;
    }
    let mark =
        || fs::write(&stamp, &digest).and_then(|()| File::options().append(true).open(&stamp)?.set_modified(built));
    mark().why(|| format!("cannot write {}", stamp.display()))?;
    Ok(Package { template, digest })
}

/// How what is packaged in a home compares with the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    Current,
    /// Nothing is packaged there, or this is not known to have been built.
    NotBuilt(&'static str),
    /// This file is younger than the build that was packaged.
    Changed(PathBuf),
}

/// Cargo keeps beside each binary the list of the files that it is made of.
pub fn freshness(workspace: &Workspace, home: &Path) -> Result<Freshness> {
    let Ok(built) = fs::metadata(home.join(STAMP)).and_then(|about| about.modified()) else {
        return Ok(Freshness::NotBuilt("the package"));
    };
    let mut files = vec![workspace.template(), workspace.root.join("Cargo.toml"), workspace.root.join("Cargo.lock")];
    for (_, name) in FUNCTIONS {
        let Ok(list) = fs::read_to_string(workspace.binaries.join(name).with_extension("d")) else {
            return Ok(Freshness::NotBuilt(name));
        };
        files.extend(sources(&list));
    }
    // A file that is gone differs from what was built, too.
    let changed = |file: &PathBuf| !fs::metadata(file).and_then(|about| about.modified()).is_ok_and(|at| at <= built);
    Ok(files.into_iter().find(changed).map_or(Freshness::Current, Freshness::Changed))
}

/// The files of a list as make reads it: `target: file file`, blanks in names after a backslash.
fn sources(list: &str) -> Vec<PathBuf> {
    let files = list.lines().filter_map(|line| line.split_once(": ")).map(|(_, files)| files);
    files
        .flat_map(|files| files.replace("\\ ", "\0").split(' ').map(|file| file.replace('\0', " ")).collect::<Vec<_>>())
        .filter(|file| !file.is_empty())
        .map(PathBuf::from)
        .collect()
}

fn digest(workspace: &Workspace) -> Result<String> {
    let mut digest = Digest::new(&SHA256);
    let binaries = FUNCTIONS.iter().map(|(_, name)| workspace.binaries.join(name));
    for file in std::iter::once(workspace.template()).chain(binaries) {
        let bytes = fs::read(&file).map_err(|cause| Error::new(format!("cannot read {}: {cause}", file.display())))?;
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(&bytes);
    }
    Ok(hex(digest.finish().as_ref()))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_binary_are_read_as_make_reads_them() {
        let list = "/t/debug/console: /src/a.rs /src/with\\ blank.rs\n";
        assert_eq!(sources(list), [Path::new("/src/a.rs"), Path::new("/src/with blank.rs")]);
        assert_eq!(sources(""), Vec::<PathBuf>::new());
    }
}
