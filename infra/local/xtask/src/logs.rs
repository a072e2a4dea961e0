//! The logs of the deployed functions in the order of time, and those of the servers.

use crate::aws_http::AwsHttp;
use crate::cloud::Place;
use crate::workspace::FUNCTIONS;
use crate::{Context, Error, Result, terminal};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// The servers of the local cloud that write a log, and its file in the folder `log`.
const SERVERS: [(&str, &str); 3] = [("aws", "aws.log"), ("google", "google.log"), ("front-door", "front-door.log")];

const POLL: Duration = Duration::from_secs(1);
/// Lines come into the log store when their invocation ends, so a later one may bear an earlier time.
const LATE_MS: i64 = 120_000;

/// What `logs` can show.
pub fn names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(_, name)| *name).chain(SERVERS.iter().map(|(name, _)| *name)).collect()
}

/// A line that a function logged, or Lambda's own about an invocation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    #[serde(serialize_with = "rfc3339")]
    pub time: i64,
    pub function: String,
    /// None for a line of Lambda's.
    pub level: Option<String>,
    pub message: String,
    pub fields: Map<String, Value>,
}

fn rfc3339<S: serde::Serializer>(time: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown_time(*time))
}

pub fn shown_time(time: i64) -> String {
    Timestamp::from_millisecond(time)
        .map_or_else(|_| time.to_string(), |time| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

impl Line {
    /// `at`: when the log store got it, which is all that is known of a line that is not our JSON.
    pub fn read(function: &str, at: i64, text: &str) -> Self {
        let function = function.to_owned();
        let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(text) else {
            return Self { time: at, function, level: None, message: text.trim_end().into(), fields: Map::new() };
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
            None => None,
        };
        let time = take("timestamp").and_then(|time| time.parse::<Timestamp>().ok());
        let (level, message) = (take("level"), take("message").unwrap_or_default());
        Self { time: time.map_or(at, Timestamp::as_millisecond), function, level, message, fields }
    }

    pub fn is_error(&self) -> bool {
        self.level.as_deref() == Some("ERROR")
    }

    /// Where an invocation begins and ends says nothing that its report does not say.
    fn is_frame(&self) -> bool {
        self.level.is_none() && ["START ", "END "].iter().any(|frame| self.message.starts_with(frame))
    }

    fn is_report(&self) -> bool {
        self.level.is_none() && self.message.starts_with("REPORT ")
    }

    /// For a person: time, function, level, message, fields.
    pub fn shown(&self) -> String {
        let (time, function) = (shown_time(self.time), &self.function);
        if self.is_report() {
            let parts: Vec<&str> = self.message.split('\t').filter(|part| part.starts_with("Duration")).collect();
            return format!("{time} {function:<15} -     ended, {}", parts.join(", ").to_lowercase());
        }
        let mut line = format!("{time} {function:<15} {:<5} {}", self.level.as_deref().unwrap_or("-"), self.message);
        let target = |name: &&String| *name != "target";
        for name in self.fields.keys().filter(target) {
            let value = match &self.fields[name] {
                Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => text.clone(),
                other => other.to_string(),
            };
            line.push_str(&format!(" {name}={value}"));
        }
        line
    }
}

/// The lines of a function that the log store has had since `start` (milliseconds), as they came in.
pub async fn read(aws: &AwsHttp, stack: &str, function: &str, start: i64) -> Result<Vec<Line>> {
    let group = format!("/aws/lambda/{stack}-{function}");
    let mut ask = json!({ "logGroupName": group, "limit": 10_000, "startTime": start });
    let mut lines = Vec::new();
    loop {
        let page = aws.json("logs", "Logs_20140328.FilterLogEvents", &ask).await?;
        let events = page["events"].as_array().ok_or_else(|| Error::new("the log store answered without events"))?;
        for event in events {
            let at = event["timestamp"].as_i64().unwrap_or_default();
            // It need not be sorted out by the store itself.
            if let Some(text) = event["message"].as_str().filter(|_| at >= start) {
                lines.push(Line::read(function, at, text));
            }
        }
        match page["nextToken"].as_str() {
            Some(token) => ask["nextToken"] = token.into(),
            None => return Ok(lines),
        }
    }
}

/// The invocations among lines as they came in: each with its lines, and `REPORT` last.
pub fn invocations(lines: &[Line]) -> Vec<&[Line]> {
    lines.split_inclusive(Line::is_report).filter(|lines| lines.last().is_some_and(Line::is_report)).collect()
}

/// Of an invocation, what the function itself logged.
pub fn own(invocation: &[Line]) -> Vec<Line> {
    invocation.iter().filter(|line| line.level.is_some() || !(line.is_frame() || line.is_report())).cloned().collect()
}

/// Lines that were shown, so that looking again at the last minutes shows each once. Equal lines are counted.
#[derive(Default)]
struct Shown {
    lines: BTreeMap<String, (usize, i64)>,
}

impl Shown {
    /// The lines of `read`, which is everything since `start`, that were not there before.
    fn new_of(&mut self, read: Vec<Line>, start: i64) -> Vec<Line> {
        self.lines.retain(|_, (_, time)| *time >= start - LATE_MS);
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut fresh = vec![];
        for line in read {
            let key = format!("{} {} {:?} {:?}", line.time, line.function, line.message, line.fields);
            let here = seen.entry(key.clone()).or_default();
            *here += 1;
            let known = self.lines.entry(key).or_insert((0, line.time));
            if *here > known.0 {
                known.0 = *here;
                fresh.push(line);
            }
        }
        fresh.sort_by_key(|line| line.time);
        fresh
    }
}

/// What is asked for at the terminal.
pub struct Asked {
    pub name: Option<String>,
    pub follow: bool,
    pub since: Option<Duration>,
    pub json: bool,
}

pub async fn show(place: &Place, asked: &Asked) -> Result<()> {
    let server = SERVERS.iter().find(|(name, _)| Some(*name) == asked.name.as_deref());
    match (server, asked.since) {
        (Some((name, file)), None) => show_server(place, name, &place.home.join("log").join(file), asked).await,
        (Some((name, _)), Some(_)) => Err(Error::new(format!("--since is for the logs of functions, not for {name}"))
            .remedy(format!("`cargo xtask logs {name}` shows all since the cloud was started"))),
        (None, _) => show_functions(place, asked).await,
    }
}

async fn show_functions(place: &Place, asked: &Asked) -> Result<()> {
    let aws = place.aws_http()?;
    let functions =
        FUNCTIONS.iter().map(|(_, name)| *name).filter(|name| asked.name.as_deref().is_none_or(|n| n == *name));
    let functions: Vec<&str> = functions.collect();
    let age = asked.since.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let mut start = age.map_or(0, |age| Timestamp::now().as_millisecond().saturating_sub(age).max(0));
    let mut shown = Shown::default();
    loop {
        let now = Timestamp::now().as_millisecond();
        let mut lines = vec![];
        for function in &functions {
            lines.extend(read(&aws, &place.stack.name, function, start).await?);
        }
        for line in shown.new_of(lines, start).iter().filter(|line| !line.is_frame()) {
            if asked.json { terminal::json(line)? } else { terminal::line(&line.shown())? }
        }
        if !asked.follow {
            return Ok(());
        }
        start = start.max(now - LATE_MS);
        tokio::time::sleep(POLL).await;
        place.must_run()?;
    }
}

async fn show_server(place: &Place, name: &str, path: &Path, asked: &Asked) -> Result<()> {
    let mut from = 0;
    let mut rest = String::new();
    loop {
        let (text, end) = read_from(path, from)?;
        // A file that became shorter is that of a new start.
        from = end;
        rest.push_str(&text);
        while let Some((line, after)) = rest.split_once('\n') {
            show_text(name, line, asked.json)?;
            rest = after.to_owned();
        }
        if !asked.follow {
            return if rest.is_empty() { Ok(()) } else { show_text(name, &rest, asked.json) };
        }
        tokio::time::sleep(POLL).await;
        place.must_run()?;
    }
}

fn show_text(name: &str, line: &str, json: bool) -> Result<()> {
    if json { terminal::json(&json!({ "server": name, "line": line })) } else { terminal::line(line) }
}

fn read_from(path: &Path, from: u64) -> Result<(String, u64)> {
    let read = || -> std::io::Result<(String, u64)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let from = if from > length { 0 } else { from };
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = vec![];
        let read = file.take(length - from).read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), from + read as u64))
    };
    read().why(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"{"timestamp":"2026-01-02T03:04:05.678901Z","level":"WARN","message":"a record","reason":"no watch","then":"","work.count":2,"target":"x"}"#;

    #[test]
    fn a_line_shows_time_function_level_message_and_fields() {
        let line = Line::read("mail-sync", 7, OWN);
        assert_eq!(
            line.shown(),
            "2026-01-02T03:04:05.678Z mail-sync       WARN  a record reason=\"no watch\" then=\"\" work.count=2"
        );
        let json = serde_json::to_value(&line).unwrap();
        assert_eq!(json["time"], "2026-01-02T03:04:05.678Z");
        assert_eq!(json["fields"]["work.count"], 2);
        let plain = Line::read("console", 7, "thread panicked\n");
        assert_eq!(plain.shown(), "1970-01-01T00:00:00.007Z console         -     thread panicked");
        let report = Line::read("console", 7, "REPORT RequestId: 1\tDuration: 41 ms\tBilled Duration: 41 ms");
        assert!(report.shown().ends_with("ended, duration: 41 ms"), "{}", report.shown());
    }

    #[test]
    fn invocations_are_told_apart() {
        let texts = ["START RequestId: 1", OWN, "END RequestId: 1", "REPORT RequestId: 1", "START RequestId: 2", OWN];
        let lines: Vec<Line> = texts.iter().map(|text| Line::read("console", 7, text)).collect();
        let found = invocations(&lines);
        assert_eq!(found.len(), 1, "the second has not ended");
        assert_eq!(own(found[0]), [Line::read("console", 7, OWN)]);
    }

    #[test]
    fn looking_again_shows_each_line_once_and_late_ones_too() {
        let at = |time: i64, text: &str| Line::read("console", time, text);
        let mut shown = Shown::default();
        let first = shown.new_of(vec![at(20, "b"), at(10, "a"), at(20, "b")], 0);
        assert_eq!(first, [at(10, "a"), at(20, "b"), at(20, "b")]);
        let again = shown.new_of(vec![at(10, "a"), at(15, "late"), at(20, "b"), at(20, "b"), at(20, "b")], 0);
        assert_eq!(again, [at(15, "late"), at(20, "b")]);
    }
}
