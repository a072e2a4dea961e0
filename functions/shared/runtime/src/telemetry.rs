//! Logs: one JSON object per line, dotted fields, never content.
//!
//! Invariant: libraries that log tokens, headers or bodies at their lower levels stay at `warn` or are silent, whatever
//! `RUST_LOG` says.

use crate::config::{ConfigError, LOG_FILTER, Problem, Reader, Source};
use std::panic::PanicHookInfo;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// Silent: what they log is tokens, whole answers and pieces of documents.
const SILENT: [&str; 4] = ["yup_oauth2", "google_apis_common", "google_gmail1", "lopdf"];

/// At `warn` and above: below it they log headers, payloads or credentials.
const QUIET: [&str; 12] = [
    "aws_",
    "h2",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "lambda_http",
    "lambda_runtime",
    "lambda_runtime_api_client",
    "reqwest",
    "rustls",
    "rustls_platform_verifier",
    "tower",
];

fn covers(prefix: &str, target: &str) -> bool {
    match target.strip_prefix(prefix) {
        Some(rest) => prefix.ends_with('_') || rest.is_empty() || rest.starts_with("::"),
        None => false,
    }
}

fn may_pass(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    if SILENT.iter().any(|name| covers(name, target)) {
        return false;
    }
    // Levels order from verbose (greater) to severe (less).
    *metadata.level() <= Level::WARN || !QUIET.iter().any(|name| covers(name, target))
}

/// The whole pipeline, writing to `writer`.
fn layer<S, W>(filter: EnvFilter, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_current_span(true)
        .with_writer(writer)
        .with_filter(filter.and(filter_fn(may_pass)))
}

fn filter(source: &dyn Source) -> Result<EnvFilter, ConfigError> {
    let mut reader = Reader::new(source);
    let Some(text) = reader.read(&LOG_FILTER) else { return Err(reader.error()) };
    EnvFilter::try_new(&text).map_err(|_| {
        let allowed = "a filter of tracing-subscriber, such as info or mail_sync=debug,info";
        ConfigError(vec![Problem { name: LOG_FILTER.name(), found: format!("{text:?}"), allowed }])
    })
}

/// Starts logging for the process and keeps panic messages out of the log. When the filter is wrong, logging starts at
/// `info` all the same, so that the error can be told.
pub fn init(source: &dyn Source) -> Result<(), ConfigError> {
    let filter = filter(source);
    let (filter, result) = match filter {
        Ok(filter) => (filter, Ok(())),
        Err(error) => (EnvFilter::new("info"), Err(error)),
    };
    let subscriber = Registry::default().with(layer(filter, std::io::stderr));
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("logging was started before");
    }
    std::panic::set_hook(Box::new(report_panic));
    result
}

/// A panic's message may quote what was being read: only its place is told.
fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(panic.location = place.as_deref().unwrap_or("unknown"), "panic");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(log_filter: &str, log: impl FnOnce()) -> Vec<serde_json::Value> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let source = BTreeMap::from([("RUST_LOG", log_filter)]);
        let subscriber = Registry::default().with(layer(filter(&source).unwrap(), move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_are_dotted_and_at_the_top() {
        let lines = lines("info", || {
            let span = tracing::info_span!("record", mailbox.id = "m1");
            let _entered = span.enter();
            tracing::info!(outcome = "done", duration_ms = 7_u64, "record");
            tracing::debug!("not at this level");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["outcome"], "done");
        assert_eq!(lines[0]["duration_ms"], 7);
        assert_eq!(lines[0]["message"], "record");
        assert_eq!(lines[0]["span"]["mailbox.id"], "m1");
    }

    #[test]
    fn libraries_stay_quiet_even_when_asked_to_speak() {
        let lines = lines("trace,hyper::proto=trace,yup_oauth2=trace", || {
            tracing::trace!(target: "hyper::proto::h1::io", "Bearer leaked");
            tracing::debug!(target: "yup_oauth2::refresh", "refresh_token leaked");
            tracing::error!(target: "yup_oauth2::refresh", "refresh_token leaked");
            tracing::debug!(target: "aws_smithy_runtime::client", "leaked");
            tracing::info!(target: "aws_config::profile", "leaked");
            tracing::debug!(target: "reqwest::connect", "leaked");
            tracing::trace!(target: "lambda_runtime", "leaked");
            tracing::warn!(target: "hyper::proto", "kept");
            tracing::debug!(target: "hyperactive", "kept");
            tracing::trace!(target: "mail_sync", "kept");
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|line| line["message"] == "kept"), "{lines:?}");
    }

    #[test]
    fn a_wrong_filter_is_told() {
        let source = BTreeMap::from([("RUST_LOG", "info,mail_sync=loudly")]);
        let error = filter(&source).err().unwrap();
        assert!(error.to_string().contains("RUST_LOG: found \"info,mail_sync=loudly\""), "{error}");
    }
}
