//! Figures for CloudWatch in its embedded metric format: one line of JSON in the function's log, of which CloudWatch
//! makes metrics (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! Invariant: a name is one of [`Metric`], a value is a count. No mailbox, address or text becomes a dimension or a field.

use channel::time::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write;

/// The namespace of all figures; the alarms of `template.yaml` name it.
pub const NAMESPACE: &str = "Postroom";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Watches that end within 48 hours and could not be renewed.
    WatchEndingSoon,
    /// Refreshes that Google refused because of the OAuth client: no mailbox is to blame, all will be concerned.
    OAuthClientRefused,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Self::WatchEndingSoon => "WatchEndingSoon",
            Self::OAuthClientRefused => "OAuthClientRefused",
        }
    }
}

/// One line for all `figures` of one run of `service`.
pub fn line(service: &str, now: Timestamp, figures: &[(Metric, usize)]) -> String {
    let named: Vec<Value> = figures.iter().map(|(metric, _)| json!({"Name": metric.name(), "Unit": "Count"})).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["Service"]], "Metrics": named});
    let mut root = Map::new();
    root.insert("_aws".to_owned(), json!({"Timestamp": now.as_millis(), "CloudWatchMetrics": [directive]}));
    root.insert("Service".to_owned(), service.into());
    for (metric, value) in figures {
        root.insert(metric.name().to_owned(), json!(value));
    }
    Value::Object(root).to_string()
}

/// Writes the line where CloudWatch reads it, when there is anything to tell: the alarms take silence for good news. A
/// figure that cannot be written stops no work.
pub fn tell(service: &str, now: Timestamp, figures: &[(Metric, usize)]) {
    if figures.iter().all(|(_, count)| *count == 0) {
        return;
    }
    if let Err(error) = writeln!(std::io::stdout().lock(), "{}", line(service, now, figures)) {
        tracing::warn!(%error, "figures could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_the_specification_wants_and_nothing_else() {
        let now = Timestamp::from_millis(1_795_348_800_123);
        let line = line("token-refresher", now, &[(Metric::WatchEndingSoon, 2), (Metric::OAuthClientRefused, 0)]);
        assert!(!line.contains('\n'));
        let expected = json!({
            "_aws": {"Timestamp": 1_795_348_800_123_i64, "CloudWatchMetrics": [{
                "Namespace": "Postroom",
                "Dimensions": [["Service"]],
                "Metrics": [
                    {"Name": "WatchEndingSoon", "Unit": "Count"},
                    {"Name": "OAuthClientRefused", "Unit": "Count"},
                ],
            }]},
            "Service": "token-refresher",
            "WatchEndingSoon": 2,
            "OAuthClientRefused": 0,
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }
}
