//! Every minute: enqueues what is due, renews watches, keeps grants alive.
//!
//! Invariant: the only function that writes a fresh access token.

mod wire;

use channel::usecase::due::{Due, DueReport};
use runtime::metrics::{Metric, tell};

pub use wire::wire;

pub struct TokenRefresher {
    pub due: Due,
}

impl TokenRefresher {
    /// One run of the schedule. An error ends the run; the next minute does what this one missed.
    pub async fn handle(&self) -> Result<DueReport, String> {
        let report = self.due.run().await.map_err(|error| error.to_string())?;
        let figures =
            [(Metric::WatchEndingSoon, report.watches_ending), (Metric::OAuthClientRefused, report.clients_refused)];
        tell("token-refresher", self.due.clock.now(), &figures);
        tracing::info!(
            due.enqueued = report.enqueued,
            due.watches = report.watches,
            due.grants = report.grants,
            due.failed = report.failed,
            "due work"
        );
        Ok(report)
    }
}
