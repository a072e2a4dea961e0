//! How each part of the local cloud is, and what to do where it is not well. It changes nothing and starts nothing.

use crate::aws_http::AwsHttp;
use crate::cloud::{self, Place};
use crate::google::Google;
use crate::logs::{self, shown_time};
use crate::mailboxes;
use crate::package::{self, Freshness};
use crate::tools::Tools;
use crate::workspace::{FUNCTIONS, Workspace};
use crate::{Context, Error, Result, deploy, terminal};
use aws::Table;
use channel::ports::Engines;
use channel::record::{ConnectionState, MailboxView};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A part that does not answer within this is not well.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far back the last error of a function is looked for.
const ERRORS_MS: i64 = 24 * 3_600_000;
/// The fallback sync of the local cloud comes each minute.
const SYNC_MS: i64 = 10 * 60_000;

#[derive(Debug, Serialize)]
pub struct Status {
    pub well: bool,
    pub home: PathBuf,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// `tools`, `package`, `cloud`, `aws`, `google`, `front_door`, `stack`, `function`, `queue`, `mailbox`.
    pub part: &'static str,
    /// Which one, where there are several.
    pub name: Option<String>,
    pub well: bool,
    pub says: String,
    /// What to do.
    pub remedy: Option<String>,
    pub facts: Map<String, Value>,
}

impl Part {
    fn well(part: &'static str, says: impl Into<String>) -> Self {
        Self { part, name: None, well: true, says: says.into(), remedy: None, facts: Map::new() }
    }

    fn ill(part: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { well: false, remedy: Some(remedy.into()), ..Self::well(part, says) }
    }

    fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

pub async fn look(home: &Path) -> Result<Status> {
    let workspace = Workspace::find()?;
    let mut parts = vec![tools(&workspace)?, package(&workspace, home)?];
    match Place::running(home)? {
        Some(place) => parts.extend(running(&place).await?),
        None => parts.push(not_running(home)?),
    }
    Ok(Status { well: parts.iter().all(|part| part.well), home: home.to_owned(), parts })
}

fn tools(workspace: &Workspace) -> Result<Part> {
    let folder = workspace.home().join("venv");
    Ok(if Tools::are_installed(workspace)? {
        Part::well("tools", format!("the pinned ones are in {}", folder.display()))
    } else {
        Part::ill("tools", "not installed, or of other versions", "`cargo xtask up` installs them")
    })
}

fn package(workspace: &Workspace, home: &Path) -> Result<Part> {
    let up = "stop a running cloud (`cargo xtask down`); `cargo xtask up` builds and deploys it";
    Ok(match package::freshness(workspace, home)? {
        Freshness::Current => Part::well("package", "up to date with the source"),
        Freshness::NotBuilt(name) => Part::ill("package", format!("{name} is not built"), up),
        Freshness::Changed(file) => {
            Part::ill("package", format!("the source changed since the build: {}", file.display()), up)
        }
    })
}

fn not_running(home: &Path) -> Result<Part> {
    if cloud::is_locked(home)? {
        return Ok(Part::ill("cloud", "it is being started or stopped", "wait for it, then look again"));
    }
    let left = Place::left(home)?;
    Ok(if left.is_empty() {
        Part::ill("cloud", format!("no local cloud runs in {}", home.display()), "start it with `cargo xtask up`")
    } else {
        let says = format!("its supervisor was killed, and it left {}", left.join(", "));
        Part::ill("cloud", says, "`cargo xtask down` ends what is left; `cargo xtask up` starts it anew")
    })
}

async fn running(place: &Place) -> Result<Vec<Part>> {
    let client = cloud::client_within(PATIENCE)?;
    let aws = AwsHttp::new(&place.aws, client.clone());
    let google = Google::new(&place.google, client.clone());
    let log = |name: &str| format!("`cargo xtask logs {name}` may say why; `cargo xtask down`, then `cargo xtask up`");
    let mut parts = vec![];
    let aws_is_up = aws.is_up().await;
    for (part, url, up, name) in
        [("aws", &place.aws, aws_is_up, "aws"), ("google", &place.google, google.is_up().await, "google")]
    {
        let part =
            if up { Part::well(part, url) } else { Part::ill(part, format!("{url} does not answer"), log(name)) };
        parts.push(part.fact("address", url.clone()));
    }
    parts.push(front_door(place, &client).await.fact("address", place.front_door.clone()));
    if aws_is_up {
        parts.push(stack(place, &aws).await);
        for (_, name) in FUNCTIONS {
            parts.push(or_ill("function", name, function(place, &aws, name).await).named(name));
        }
        for queue in ["Sync", "Work"] {
            parts.push(or_ill("queue", queue, self::queue(place, &aws, queue).await).named(queue));
        }
        parts.extend(self::mailboxes(place).await.unwrap_or_else(|error| vec![or_ill("mailbox", "", Err(error))]));
    }
    Ok(parts)
}

/// A part that cannot even be asked.
fn or_ill(part: &'static str, name: &str, found: Result<Part>) -> Part {
    let again = "`cargo xtask logs aws` may say why; `cargo xtask down`, then `cargo xtask up` deploys what is missing";
    found.unwrap_or_else(|error| Part::ill(part, format!("{name} cannot be asked: {error}"), again))
}

async fn front_door(place: &Place, client: &reqwest::Client) -> Part {
    let url = format!("{}/signin", place.front_door);
    let remedy = "`cargo xtask logs front-door` and `cargo xtask logs console` may say why";
    match client.get(&url).send().await {
        Ok(answer) if !answer.status().is_server_error() => Part::well("front_door", place.front_door.clone()),
        Ok(answer) => Part::ill("front_door", format!("{url} answers {}", answer.status()), remedy),
        Err(cause) => Part::ill("front_door", format!("{url} does not answer: {}", cause.without_url()), remedy),
    }
}

async fn stack(place: &Place, aws: &AwsHttp) -> Part {
    let name = &place.stack.name;
    let again = "`cargo xtask down`, then `cargo xtask up` deploys it; sam-deploy.log in the home says what failed";
    match deploy::state(aws, name).await {
        Ok(Some(state)) if deploy::COMPLETE.contains(&state.as_str()) => {
            Part::well("stack", format!("{name}: {state}")).fact("state", state)
        }
        Ok(Some(state)) => Part::ill("stack", format!("{name}: {state}"), again).fact("state", state),
        Ok(None) => Part::ill("stack", format!("there is no stack {name}"), again),
        Err(error) => Part::ill("stack", format!("{name} cannot be asked: {error}"), again),
    }
    .named(name)
}

async fn function(place: &Place, aws: &AwsHttp, name: &str) -> Result<Part> {
    let path = format!("/2015-03-31/functions/{}-{name}/configuration", place.stack.name);
    let about = aws.get("lambda", &path).await?;
    let size = about["CodeSize"].as_u64().unwrap_or(0);
    let text = |field: &str| about[field].as_str().unwrap_or("unknown").to_owned();
    let (state, update) = (text("State"), text("LastUpdateStatus"));
    let now = Timestamp::now().as_millisecond();
    let lines = logs::read(aws, &place.stack.name, name, now - ERRORS_MS).await?;
    let runs = logs::invocations(&lines);
    let last_failed = runs.last().is_some_and(|run| run.iter().any(logs::Line::is_error));
    let error = lines.iter().rfind(|line| line.is_error());
    let said = error.map(|line| format!("last error {}: {}", shown_time(line.time), line.message));
    let mut says = format!("{state}, {:.1} MB of code, {} invocations in a day", megabytes(size), runs.len());
    if let Some(error) = &said {
        says.push_str(&format!("; {error}"));
    }
    let deploy = "`cargo xtask down`, then `cargo xtask up` deploys it again";
    let part = if size == 0 {
        Part::ill("function", "it has no code", deploy)
    } else if state != "Active" || update != "Successful" {
        Part::ill("function", format!("{says}; last update {update}"), deploy)
    } else if last_failed {
        let remedy = format!("its last invocation logged an error: `cargo xtask logs {name} --since 1h`");
        Part::ill("function", says, remedy)
    } else {
        Part::well("function", says)
    };
    Ok(part
        .fact("code_size", size)
        .fact("state", state)
        .fact("last_update", update)
        .fact("invocations", runs.len())
        .fact("last_error", error.map_or(Value::Null, |line| json!(line))))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

struct Depth {
    ready: u64,
    delayed: u64,
    in_work: u64,
}

async fn depth(place: &Place, aws: &AwsHttp, output: &str) -> Result<Depth> {
    let url = place.stack.outputs.get(output).ok_or_else(|| Error::new(format!("the stack has no output {output}")))?;
    let ask = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
    let about = aws.json("sqs", "AmazonSQS.GetQueueAttributes", &ask).await?;
    let number = |name: &str| {
        let text =
            about["Attributes"][name].as_str().ok_or_else(|| Error::new(format!("the queue tells no {name}")))?;
        text.parse::<u64>().why(|| name.to_owned())
    };
    Ok(Depth {
        ready: number("ApproximateNumberOfMessages")?,
        delayed: number("ApproximateNumberOfMessagesDelayed")?,
        in_work: number("ApproximateNumberOfMessagesNotVisible")?,
    })
}

async fn queue(place: &Place, aws: &AwsHttp, queue: &str) -> Result<Part> {
    let depth_of = |output: String| async move { depth(place, aws, &output).await };
    let (work, dead) = (depth_of(format!("{queue}QueueUrl")).await?, depth_of(format!("{queue}DlqUrl")).await?);
    let dead = dead.ready + dead.delayed + dead.in_work;
    let says = format!(
        "{} waiting, {} delayed, {} in work; {dead} in the dead-letter queue",
        work.ready, work.delayed, work.in_work
    );
    let function = if queue == "Sync" { "mail-sync" } else { "ai-worker" };
    let part = if dead == 0 {
        Part::well("queue", says)
    } else {
        let remedy = format!(
            "`cargo xtask logs {function}` has the reason of each failure; `cargo xtask up --reset` begins without them"
        );
        Part::ill("queue", says, remedy)
    };
    Ok(part
        .fact("waiting", work.ready)
        .fact("delayed", work.delayed)
        .fact("in_work", work.in_work)
        .fact("dead_letters", dead))
}

async fn mailboxes(place: &Place) -> Result<Vec<Part>> {
    let table = mailboxes::table(place)?;
    let read = tokio::time::timeout(PATIENCE, mailboxes::views(&table));
    let views = read.await.map_err(|_| Error::new("the table does not answer"))??;
    if views.is_empty() {
        return Ok(vec![Part::well("mailbox", "none is connected; `cargo xtask connect` connects one")]);
    }
    let mut parts = vec![];
    for view in views {
        let address = view.meta.address.as_str().to_owned();
        parts.push(or_ill("mailbox", &address, mailbox(&table, &view).await).named(address));
    }
    Ok(parts)
}

async fn mailbox(table: &Table, view: &MailboxView) -> Result<Part> {
    let id = &view.meta.mailbox;
    let watch = table.watch_state(id).await.why(|| "its watch".into())?;
    let sync = table.sync_state(id).await.why(|| "its sync".into())?;
    let watch_end = watch.as_ref().and_then(|watch| watch.expiration).map(|at| at.as_millis());
    let last_sync = sync.and_then(|sync| sync.last_sync_at).map(|at| at.as_millis());
    let watch_error = watch.and_then(|watch| watch.last_error);
    let (now, state) = (Timestamp::now().as_millisecond(), view.state());
    let time = |at: Option<i64>| at.map_or("none".to_owned(), shown_time);
    let says = format!("{state:?}; watch until {}, last sync {}", time(watch_end), time(last_sync));
    let connected = matches!(state, ConnectionState::Connected | ConnectionState::Paused);
    let part = if state == ConnectionState::Disconnected {
        Part::well("mailbox", "Disconnected")
    } else if !connected {
        let remedy = format!("`cargo xtask connect {}`, or Reconnect on the channel page", view.meta.address.as_str());
        Part::ill("mailbox", says, remedy)
    } else if let Some(error) = &watch_error {
        Part::ill("mailbox", format!("{says}; watch refused: {error}"), "`cargo xtask logs token-refresher` says more")
    } else if watch_end.is_none_or(|end| end < now) {
        Part::ill("mailbox", says, "token-refresher renews the watch: `cargo xtask logs token-refresher`")
    } else if last_sync.is_none_or(|at| at < now - SYNC_MS) {
        Part::ill("mailbox", says, "a sync comes each minute: `cargo xtask logs mail-sync --since 10m`")
    } else {
        Part::well("mailbox", says)
    };
    let fact = |at: Option<i64>| at.map_or(Value::Null, |at| shown_time(at).into());
    Ok(part
        .fact("state", format!("{state:?}"))
        .fact("watch_until", fact(watch_end))
        .fact("last_sync", fact(last_sync))
        .fact("watch_error", watch_error.map_or(Value::Null, Value::from)))
}

/// For a person: a line for each part, and what to do below those that are not well.
pub fn show(status: &Status) -> Result<()> {
    for part in &status.parts {
        let name = part.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        let title = format!("{}{name}", part.part.replace('_', " "));
        terminal::line(&format!("{}  {title:<26} {}", if part.well { "ok  " } else { "FAIL" }, part.says))?;
        if let Some(remedy) = &part.remedy {
            terminal::line(&format!("      remedy: {remedy}"))?;
        }
    }
    let ill = status.parts.iter().filter(|part| !part.well).count();
    terminal::line(&if ill == 0 {
        "\nall is well".to_owned()
    } else {
        format!("\n{ill} of {} parts are not well", status.parts.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_cloud_it_says_how_to_start_one() {
        let home = Workspace::find().unwrap().home().join("tests/no-cloud-here");
        let status = look(&home).await.unwrap();
        assert!(!status.well);
        let cloud = status.parts.iter().find(|part| part.part == "cloud").unwrap();
        assert!(cloud.says.contains("no local cloud runs in"), "{cloud:?}");
        assert!(cloud.remedy.as_ref().unwrap().contains("cargo xtask up"));
        assert!(!home.exists(), "a look makes nothing");
        let json = serde_json::to_value(&status).unwrap();
        assert_eq!(json["well"], false);
        assert_eq!(json["parts"][0]["part"], "tools");
    }
}
