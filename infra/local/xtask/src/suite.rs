//! `cargo xtask test`: everything that a change must pass, from a fresh clone on.

use crate::cloud::{Cloud, Options, SHARED};
use crate::process::{run, run_shown};
use crate::progress::Progress;
use crate::tools::{self, Tools};
use crate::workspace::{Workspace, cargo, inner};
use crate::{Context, Result, aws_http};
use std::fs;
use std::process::Command;

pub async fn test() -> Result<()> {
    let workspace = Workspace::find()?;
    let progress = Progress::shown();
    let tools = progress.step("tools (.local/venv)", Tools::install(&workspace)).await?;
    let chromium = progress.step("tools: Chromium", tools::chromium(&workspace)).await?;
    progress.step("tools: Google's Python client (.local/venv-google)", tools::google_client(&workspace)).await?;
    let browser = workspace.root.join("tests/browser");
    if browser.join("package-lock.json").is_file() {
        progress.step("tools: npm packages of the browser suite", tools::npm(&workspace, &browser)).await?;
    }
    progress.step("format", run_shown("cargo fmt", cargo(&workspace.root).args(["fmt", "--all", "--check"]))).await?;
    progress.step("template: sam validate --lint, cfn-lint", lint_template(&workspace, &tools)).await?;
    let mut clippy = cargo(&workspace.root);
    clippy.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    progress.step("clippy", run_shown("cargo clippy", &mut clippy)).await?;
    let runner = runner();
    let mut build = cargo(&workspace.root);
    build.args(runner).args(["--workspace", "--no-run"]);
    progress.step("build: tests", run_shown("building the tests", &mut build)).await?;

    let home = workspace.home().join("tests/all");
    if home.exists() {
        fs::remove_dir_all(&home).why(|| format!("cannot empty {}", home.display()))?;
    }
    let cloud = Cloud::start(Options { progress, ..Options::isolated(home.clone()) }).await?;
    let mut suites = cargo(&workspace.root);
    suites.args(runner).arg("--workspace").env(SHARED, home.join("cloud.json")).env("CHROMIUM", chromium);
    let outcome = progress.step("tests", run_shown("the tests", &mut suites)).await;
    progress.step("stop: local cloud", cloud.stop()).await?;
    outcome?;
    progress.note("all of it passed");
    Ok(())
}

fn runner() -> &'static [&'static str] {
    if tools::on_path(&["cargo-nextest"]).is_some() { &["nextest", "run"] } else { &["test"] }
}

async fn lint_template(workspace: &Workspace, tools: &Tools) -> Result<()> {
    let log = workspace.home().join("lint.log");
    let mut lint = tools.command("cfn-lint")?;
    lint.arg(workspace.template());
    run("cfn-lint", &mut lint, &log).await?;
    let mut validate: Command = tools.command("sam")?;
    inner(&mut validate);
    validate
        .args(["validate", "--lint", "--template-file"])
        .arg(workspace.template())
        .env("AWS_DEFAULT_REGION", aws_http::REGION);
    run("sam validate --lint", &mut validate, &log).await
}
