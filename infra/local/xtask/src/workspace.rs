//! Where things lie in the repository and in the folder that git ignores.

use crate::{Context, Error, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every function: its logical id in `template.yaml` and the name of package, folder and binary.
pub const FUNCTIONS: [(&str, &str); 6] = [
    ("GmailWebhook", "gmail-webhook"),
    ("OAuthCallback", "oauth-callback"),
    ("MailSync", "mail-sync"),
    ("AiWorker", "ai-worker"),
    ("TokenRefresher", "token-refresher"),
    ("Console", "console"),
];

#[derive(Debug, Clone)]
pub struct Workspace {
    pub root: PathBuf,
    /// Of the debug profile, for this machine's target.
    pub binaries: PathBuf,
}

/// The repository that this program was built in.
pub fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .canonicalize()
        .why(|| "the workspace that this program was built in is gone".into())
}

impl Workspace {
    pub fn find() -> Result<Self> {
        let root = root()?;
        let metadata = output(cargo(&root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&metadata).why(|| "cargo metadata".into())?;
        let target = metadata["target_directory"]
            .as_str()
            .ok_or_else(|| Error::new("cargo metadata names no target directory"))?;
        let host = output(Command::new("rustc").arg("-vV"))?;
        let host = host
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| Error::new("rustc -vV names no host"))?;
        Ok(Self { binaries: Path::new(target).join(host).join("debug"), root })
    }

    /// The folder for all that is installed or kept here, unless another was asked for.
    pub fn home(&self) -> PathBuf {
        self.root.join(".local")
    }

    pub fn template(&self) -> PathBuf {
        self.root.join("template.yaml")
    }
}

/// Cargo in the workspace, without what an outer cargo told this process about another package: build scripts that
/// watch such variables would rebuild each time.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    inner(&mut command);
    command
}

pub fn inner(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let outer = text == "CARGO"
            || text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_BIN_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("NEXTEST");
        if outer {
            command.env_remove(&name);
        }
    }
}

/// The architecture as the template's parameter names it.
pub fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => Err(Error::new(format!("AWS Lambda has no {other} functions"))
            .remedy("run the local cloud on an x86-64 or 64-bit ARM machine")),
    }
}

fn output(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let output = command.output().why(|| name.clone())?;
    if !output.status.success() {
        return Err(Error::new(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    String::from_utf8(output.stdout).why(|| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::work::{Envelope, SyncWork, WorkerWork};
    use serde::de::DeserializeOwned;

    fn bodies<T: DeserializeOwned>(event: &str) -> Vec<T> {
        let path = Workspace::find().unwrap().root.join(format!("tests/fixtures/events/{event}.json"));
        let event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let records = event["Records"].as_array().unwrap();
        records.iter().map(|record| serde_json::from_str(record["body"].as_str().unwrap()).unwrap()).collect()
    }

    #[test]
    fn every_function_has_an_event_and_a_place_in_the_template() {
        let root = Workspace::find().unwrap().root;
        let template = std::fs::read_to_string(root.join("template.yaml")).unwrap();
        for (logical, name) in FUNCTIONS {
            assert!(template.contains(&format!("\n  {logical}:\n    Type: AWS::Serverless::Function\n")), "{logical}");
            assert!(template.contains(&format!("Binary: {name} }}")), "{name}");
            let event = std::fs::read_to_string(root.join(format!("tests/fixtures/events/{name}.json"))).unwrap();
            serde_json::from_str::<Value>(&event).unwrap();
        }
        assert_eq!(template.matches("Type: AWS::Serverless::Function\n").count(), FUNCTIONS.len());
    }

    #[test]
    fn events_of_the_queues_hold_work_that_decodes() {
        for event in ["mail-sync", "mail-sync-ingest"] {
            assert_eq!(bodies::<Envelope<SyncWork>>(event).len(), 1);
        }
        assert_eq!(bodies::<Envelope<WorkerWork>>("ai-worker").len(), 1);
        assert_eq!(bodies::<Envelope<WorkerWork>>("ai-worker-act").len(), 2);
    }
}
