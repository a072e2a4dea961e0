//! Builds what runs: the functions as SAM packages them, and the simulator.

use crate::aws_http::REGION;
use crate::process::{run, run_shown};
use crate::tools::Tools;
use crate::workspace::{FUNCTIONS, Workspace, architecture, cargo};
use crate::{Context, Error, Result};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct Package {
    /// The built template; the functions' folders lie beside it.
    pub template: PathBuf,
    /// SHA-256 over template and binaries, in hex.
    pub digest: String,
}

/// Compiles functions and simulator in the profile of the tests. The functions are selected as `cargo lambda build`
/// selects them, without the rest of the workspace, and the simulator as the tests do, so that each finds what the other
/// has compiled.
pub async fn compile(workspace: &Workspace, quiet: bool) -> Result<()> {
    for selection in [&[][..], &["--workspace", "--bin", "simulator"][..]] {
        let mut build = cargo(&workspace.root);
        build.arg("build").args(selection);
        if quiet {
            build.arg("--quiet");
        }
        run_shown("cargo build", &mut build).await?;
    }
    Ok(())
}

/// `sam build`, unless its last result here is of the same template and binaries.
pub async fn package(workspace: &Workspace, tools: &Tools, home: &Path) -> Result<Package> {
    let folder = home.join("build");
    let template = folder.join("template.yaml");
    let stamp = home.join("build.sha256");
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
        fs::write(&stamp, &digest).why(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(Package { template, digest })
}

/// How what is packaged in a home compares with the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    Current,
    /// This binary is not there.
    NotBuilt(&'static str),
    /// This file is younger than a binary that is made of it.
    Changed(PathBuf),
    /// Binaries or template are not those of the home's package.
    NotPackaged,
}

/// Cargo writes beside each binary which files it is made of.
pub fn freshness(workspace: &Workspace, home: &Path) -> Result<Freshness> {
    let built = |file: &Path| fs::metadata(file).and_then(|about| about.modified());
    for (_, name) in FUNCTIONS {
        let binary = workspace.binaries.join(name);
        let (Ok(time), Ok(list)) = (built(&binary), fs::read_to_string(binary.with_extension("d"))) else {
            return Ok(Freshness::NotBuilt(name));
        };
        // A file that is gone or cannot be read differs from what was built, too.
        if let Some(file) =
            sources(&list).into_iter().find(|file| built(file).is_ok_and(|at| at > time) || !file.exists())
        {
            return Ok(Freshness::Changed(file));
        }
    }
    let packaged = fs::read_to_string(home.join("build.sha256")).ok();
    Ok(if packaged.as_deref() == Some(&*digest(workspace)?) { Freshness::Current } else { Freshness::NotPackaged })
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
