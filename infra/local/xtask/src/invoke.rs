//! One call of a deployed function by hand.

use crate::cloud::Place;
use crate::logs::{self, Line};
use crate::{Context, Error, Result, terminal};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

#[derive(Debug, Serialize)]
pub struct Invocation {
    pub failed: bool,
    /// Why, when it failed.
    pub error: Option<String>,
    pub answer: Value,
    /// What the function logged meanwhile.
    pub log: Vec<Line>,
}

/// The event of `--data-file` or `--data`.
pub fn event(function: &str, file: Option<&Path>, data: Option<String>) -> Result<String> {
    let (text, place) = match (file, data) {
        (Some(file), _) if file.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).why(|| "cannot read standard input".into())?;
            (text, "standard input".to_owned())
        }
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|cause| {
                Error::new(format!("cannot read {}: {cause}", file.display()))
                    .remedy(format!("an example is tests/fixtures/events/{function}.json"))
            })?;
            (text, file.display().to_string())
        }
        (None, data) => (data.unwrap_or_default(), "--data".to_owned()),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(_) => Ok(text),
        Err(cause) => Err(Error::new(format!("{place} is no JSON: {cause}"))
            .remedy(format!("an example of an event is tests/fixtures/events/{function}.json"))),
    }
}

pub async fn invoke(place: &Place, function: &str, event: &str) -> Result<Invocation> {
    let aws = place.aws_http()?;
    // The store's clock is this machine's; a second covers its rounding.
    let start = Timestamp::now().as_millisecond() - 1_000;
    let called = aws.invoke(&format!("{}-{function}", place.stack.name), event).await?;
    let lines = logs::read(&aws, &place.stack.name, function, start).await?;
    let answer = serde_json::from_str(&called.answer).unwrap_or_else(|_| Value::String(called.answer.clone()));
    let error = error(called.failed, &answer);
    Ok(Invocation { failed: error.is_some(), error, answer, log: of_this(&lines, &called.log) })
}

/// The log of the invocation whose last words are `tail`: others may run at the same time.
fn of_this(lines: &[Line], tail: &str) -> Vec<Line> {
    let Some(last) = tail.lines().last().map(|last| Line::read("", 0, last)) else { return vec![] };
    let same = |line: &Line| line.message == last.message && line.fields == last.fields;
    let found = logs::invocations(lines).into_iter().rev().map(logs::own).find(|own| own.last().is_some_and(same));
    found.unwrap_or_else(|| tail.lines().map(|line| Line::read("", 0, line)).collect())
}

/// Lambda's own form of an error, and the form in which a queue's function names the records that it could not do.
fn error(failed: bool, answer: &Value) -> Option<String> {
    if failed {
        let text = |name: &str| answer[name].as_str().unwrap_or("unknown").trim();
        return Some(format!("{}: {}", text("errorType").trim_start_matches('&'), text("errorMessage")));
    }
    let records = answer["batchItemFailures"].as_array().filter(|records| !records.is_empty())?;
    let ids: Vec<&str> = records.iter().filter_map(|record| record["itemIdentifier"].as_str()).collect();
    Some(format!("{} of the event's records failed: {}", records.len(), ids.join(", ")))
}

pub fn show(invocation: &Invocation) -> Result<()> {
    let answer = match &invocation.answer {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).why(|| "the answer".into())?,
    };
    terminal::line(&answer)?;
    if !invocation.log.is_empty() {
        terminal::line("\nlog")?;
    }
    invocation.log.iter().try_for_each(|line| terminal::line(&format!("  {}", line.shown())))?;
    match &invocation.error {
        Some(error) => {
            Err(Error::new(error.clone()).remedy("the log above says where; the event may be wrong for this function"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn failures_of_the_function_and_of_records_are_told() {
        let raised = json!({ "errorType": "&a::Error", "errorMessage": "no field `Records`\n" });
        assert_eq!(error(true, &raised).unwrap(), "a::Error: no field `Records`");
        assert_eq!(error(false, &json!({ "batchItemFailures": [] })), None);
        let one = json!({ "batchItemFailures": [{ "itemIdentifier": "m1" }] });
        assert_eq!(error(false, &one).unwrap(), "1 of the event's records failed: m1");
        assert_eq!(error(false, &json!({ "statusCode": 204 })), None);
    }

    #[test]
    fn the_log_is_that_of_the_invocation_with_these_last_words() {
        let one = r#"{"level":"INFO","message":"one","id":1}"#;
        let two = r#"{"level":"INFO","message":"two","id":2}"#;
        let texts =
            ["START RequestId: 1", one, "REPORT RequestId: 1", "START RequestId: 2", two, "REPORT RequestId: 2"];
        let lines: Vec<Line> = texts.iter().map(|text| Line::read("console", 5, text)).collect();
        assert_eq!(of_this(&lines, one), [Line::read("console", 5, one)]);
        assert_eq!(of_this(&lines, ""), []);
        assert_eq!(of_this(&[], one)[0].message, "one", "the store does not have it yet");
    }

    #[test]
    fn an_event_must_be_json() {
        let error = event("console", None, Some("{".into())).unwrap_err().to_string();
        assert!(error.contains("--data is no JSON") && error.contains("events/console.json"), "{error}");
        let error = event("console", Some(Path::new("no-such-file")), None).unwrap_err().to_string();
        assert!(error.contains("cannot read no-such-file") && error.contains("remedy"), "{error}");
    }
}
