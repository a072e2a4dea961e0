//! A real model of embeddings on this machine, as an OpenAI-compatible server. It is installed once into the folder that
//! git ignores, and stops with the measuring.

use crate::process::Service;
use crate::tools;
use crate::workspace::{Workspace, inner};
use crate::{Context, Error, Result};
use assistant::provider::EmbeddingSettings;
use std::fs;
use std::process::Command;
use std::time::Duration;

const SERVER: &str = "tests/evals/embeddings/serve.py";
/// Unrelated texts come to about this cosine in this model, which uses the uppermost part of the range alone.
const FLOOR: f32 = 0.78;
const POLL: Duration = Duration::from_millis(50);
/// A model of seventy megabytes is read from disk in a second or two; this only ends a hang.
const POLLS: u32 = 1_200;

pub struct Embeddings {
    pub url: String,
    service: Service,
}

impl Embeddings {
    pub async fn start(workspace: &Workspace) -> Result<Self> {
        let python = tools::embeddings(workspace).await?;
        let home = workspace.home();
        let port_file = home.join("embeddings.port");
        if port_file.exists() {
            fs::remove_file(&port_file).why(|| format!("cannot remove {}", port_file.display()))?;
        }
        let mut command = Command::new(python);
        inner(&mut command);
        command.arg("-B").arg(workspace.root.join(SERVER)).arg("--port-file").arg(&port_file);
        let mut service =
            Service::start("embeddings", &mut command, home.join("embeddings.log"), Duration::from_secs(10))?;
        for _ in 0..POLLS {
            service.check()?;
            if port_file.exists() {
                let port = fs::read_to_string(&port_file).why(|| format!("cannot read {}", port_file.display()))?;
                return Ok(Self { url: format!("http://127.0.0.1:{}/v1", port.trim()), service });
            }
            tokio::time::sleep(POLL).await;
        }
        service.stop().await?;
        Err(Error::new("the server of the embeddings does not come up").remedy("see .local/embeddings.log"))
    }

    pub fn settings(&self) -> EmbeddingSettings {
        EmbeddingSettings { floor: FLOOR, ..EmbeddingSettings::new("multilingual-e5-small") }
    }

    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }
}
