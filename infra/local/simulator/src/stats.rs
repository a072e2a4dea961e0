//! How much the simulator holds and how long it takes: what a load test reads beside its own figures.

use std::{fs, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    routing::{delete, get},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    calls::MethodSummary,
    server::{Running, Sim},
};

/// The simulator at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    pub mailboxes: usize,
    pub messages: usize,
    /// Raw mail held.
    pub mail_bytes: usize,
    /// Memory of the process that is in RAM; `None` where the system has no `/proc`.
    pub resident_bytes: Option<u64>,
    /// Pushes that no endpoint has acknowledged yet.
    pub pending_pushes: usize,
    /// Changes that are not on disk yet; always 0 without a state directory.
    pub unsaved_changes: u64,
    /// How many mails were looked at by all calls so far: it tells a look-up from a scan.
    pub mails_looked_at: u64,
}

/// `VmRSS` of this process.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

impl Sim {
    fn stats(&self) -> Stats {
        let unsaved_changes = self.unsaved_changes();
        self.read(|world| {
            let boxes = || world.accounts.values().map(|account| &account.mailbox.messages);
            Stats {
                mailboxes: world.accounts.len(),
                messages: boxes().map(|messages| messages.len()).sum(),
                mail_bytes: boxes().map(|messages| messages.bytes()).sum(),
                resident_bytes: resident_bytes(),
                pending_pushes: world.pushes.len(),
                unsaved_changes,
                mails_looked_at: boxes().map(|messages| messages.looked_at()).sum(),
            }
        })
    }
}

impl Running {
    pub fn stats(&self) -> Stats {
        self.sim.stats()
    }

    /// The figures of each method since the start or the last [`Self::clear_calls`].
    pub fn call_summary(&self) -> Vec<MethodSummary> {
        self.sim.call_summary()
    }

    /// Begins the call log and its summary anew.
    pub fn clear_calls(&self) {
        self.sim.clear_calls();
    }
}

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/stats", get(async |State(sim): State<Arc<Sim>>| Json(sim.stats())))
        .route("/calls/summary", get(async |State(sim): State<Arc<Sim>>| Json(sim.call_summary())))
        .route("/calls", delete(clear))
}

async fn clear(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.clear_calls();
    StatusCode::NO_CONTENT
}
