//! Runs the browser suite, which is JavaScript: the pages of the console and of the simulator in Chromium, on the local
//! cloud.

#![expect(clippy::disallowed_methods, reason = "a test suite reads where to put its pictures from the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::cloud::TestCloud;
use xtask::workspace::Workspace;
use xtask::{process, tools};

/// Where the pictures of all pages go; without it they go to the build's own temporary folder.
const PICTURES: &str = "POSTROOM_SCREENSHOTS";

#[tokio::test]
async fn pages_work_and_look_right_in_a_browser() {
    let workspace = Workspace::find().unwrap_or_else(|error| panic!("{error}"));
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let chromium = tools::chromium(&workspace).await.unwrap_or_else(|error| panic!("{error}"));
    tools::npm(&workspace, &suite).await.unwrap_or_else(|error| panic!("{error}"));
    let cloud = TestCloud::find("browser").await.unwrap_or_else(|error| panic!("no local cloud: {error}"));
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let pictures = std::env::var_os(PICTURES).map_or_else(|| temporary.join("pictures"), PathBuf::from);
    std::fs::create_dir_all(&temporary).expect("a temporary folder");

    let mut node = Command::new("npm");
    node.args(["test", "--silent"])
        .current_dir(&suite)
        .env("POSTROOM_FRONT_DOOR", &cloud.front_door)
        .env("POSTROOM_GOOGLE", &cloud.google)
        .env("CHROMIUM", chromium)
        .env(PICTURES, pictures);
    let outcome = process::run("the browser suite", &mut node, &temporary.join("suite.log")).await;
    cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
