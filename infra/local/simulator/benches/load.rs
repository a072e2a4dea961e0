//! What the simulator itself takes under a load: its own time per call, its memory, and how soon the state is on disk.
//!
//! It starts the simulator as a program of its own with a state directory, puts mails into many mailboxes at once, and
//! then reads and answers them as the product does. It measures and prints; it judges nothing.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use simulator::{Call, MethodSummary, Stats};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HELP: &str = "\
Usage: cargo bench -p simulator [--profile dev] -- [OPTIONS]

  --mailboxes N   mailboxes to fill (default 20)
  --mails N       mails in one mailbox of the second run (default 2000); the first run puts as many into all together
  --at-once N     requests under way at a time (default 16)
  --reads N       mails that are read and answered in each run (default 1000)";

const CLIENT: &str = "load.example.com";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
/// Calls of each method with which a full mailbox is compared with an almost empty one.
const SAMPLES: usize = 200;
const FEW: usize = 10;
const PATIENCE: Duration = Duration::from_secs(120);

struct Plan {
    mailboxes: usize,
    mails: usize,
    at_once: usize,
    reads: usize,
}

impl Plan {
    fn parse(args: impl Iterator<Item = String>) -> Result<Option<Self>, Failure> {
        let mut plan = Self { mailboxes: 20, mails: 2_000, at_once: 16, reads: 1_000 };
        let (mut asked, mut args) = (false, args);
        while let Some(flag) = args.next() {
            // Cargo says so when it is to be measured; as one of all targets of a test run it does nothing.
            if flag == "--bench" {
                asked = true;
                continue;
            }
            let place = match flag.as_str() {
                "--mailboxes" => &mut plan.mailboxes,
                "--mails" => &mut plan.mails,
                "--at-once" => &mut plan.at_once,
                "--reads" => &mut plan.reads,
                _ if !asked => return Ok(None),
                _ => return Err(format!("{flag} is unknown\n\n{HELP}").into()),
            };
            *place = args.next().and_then(|value| value.parse().ok()).filter(|number| *number > 0).ok_or(HELP)?;
        }
        Ok(asked.then_some(plan))
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

/// The simulator as a program; killed when the run ends early.
struct Server {
    child: Child,
    state: PathBuf,
    url: String,
    http: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let ends = [self.child.kill(), self.child.wait().map(drop), std::fs::remove_dir_all(&self.state)];
        for error in ends.into_iter().filter_map(Result::err) {
            eprintln!("load: {error}");
        }
    }
}

impl Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator depends on nothing of ours, so has a client of its own"
    )]
    fn start(accounts: &[String]) -> Result<Self, Failure> {
        let state = std::env::temp_dir().join(format!("simulator-bench-{}", std::process::id()));
        let http = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let (child, url) = Self::launch(&state, accounts)?;
        Ok(Self { child, state, url, http })
    }

    /// Returns once the program answers.
    fn launch(state: &Path, accounts: &[String]) -> Result<(Child, String), Failure> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_simulator"))
            .args(["--port", "0", "--token-seconds", "86400", "--quota", "0", "--daily-sends", "0", "--client"])
            .arg(format!("{CLIENT},not-a-secret,http://localhost:9/callback"))
            .args(["--accounts", &accounts.join(","), "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        lines.read_line(&mut url)?;
        Ok((child, url.trim().to_owned()))
    }

    /// Stops the program and starts it again on what it saved; returns how long the start took.
    fn restart(&mut self, accounts: &[String]) -> Result<Duration, Failure> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        if !self.child.wait()?.success() {
            return Err("the simulator did not stop cleanly".into());
        }
        let begin = now();
        (self.child, self.url) = Self::launch(&self.state, accounts)?;
        Ok(now() - begin)
    }

    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Vec<u8>) -> Result<Value, Failure> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    async fn control(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, &format!("/_sim/{path}"), None, Vec::new()).await
    }

    async fn stats(&self) -> Result<Stats, Failure> {
        Ok(serde_json::from_value(self.control("stats").await?)?)
    }

    async fn settled(&self) -> Result<Duration, Failure> {
        let begin = now();
        while self.stats().await?.unsaved_changes > 0 {
            if now() - begin > PATIENCE {
                return Err("the state is still not saved".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(now() - begin)
    }

    async fn grant(&self, account: &str) -> Result<Mailbox, Failure> {
        let wish = json!({"client_id": CLIENT, "account": account, "scopes": [MODIFY]}).to_string();
        let request = self.http.post(format!("{}/_sim/grants", self.url));
        let answer = request.header("content-type", "application/json").body(wish).send().await?.bytes().await?;
        let tokens: Value = serde_json::from_slice(&answer)?;
        let token = text(&tokens, "access_token")?;
        let mailbox = Mailbox { address: account.to_owned(), token, start: String::new() };
        let profile = self.gmail(&mailbox, Method::GET, "profile", None).await?;
        Ok(Mailbox { start: text(&profile, "historyId")?, ..mailbox })
    }

    async fn gmail(&self, at: &Mailbox, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        self.send(method, &format!("/gmail/v1/users/me/{path}"), Some(&at.token), body).await
    }

    /// Puts a mail in and returns how long the caller waited.
    async fn put(&self, address: &str, number: usize) -> Result<Duration, Failure> {
        let begin = now();
        let path = format!("/_sim/accounts/{address}/messages?authentication=pass");
        self.send(Method::POST, &path, None, mail(address, number).into_bytes()).await?;
        Ok(now() - begin)
    }
}

#[derive(Clone)]
struct Mailbox {
    address: String,
    token: String,
    /// The history id before the mails came.
    start: String,
}

fn text(value: &Value, field: &str) -> Result<String, Failure> {
    Ok(value[field].as_str().ok_or_else(|| format!("an answer without {field}"))?.to_owned())
}

/// A customer's mail of 2 to 6 kB; every third begins a thread that the next two answer, every tenth has a file.
fn mail(address: &str, number: usize) -> String {
    let (parent, is_reply) = (number - number % 3, !number.is_multiple_of(3));
    let mut head = format!(
        "From: Customer {number} <customer{number}@example.com>\r\nTo: {address}\r\nDate: Mon, 2 Mar 2026 10:00:00 \
         +0000\r\nMessage-ID: <{number}@example.com>\r\nSubject: {}Order {parent}\r\nMIME-Version: 1.0\r\n",
        if is_reply { "Re: " } else { "" }
    );
    if is_reply {
        head.push_str(&format!("In-Reply-To: <{parent}@example.com>\r\nReferences: <{parent}@example.com>\r\n"));
    }
    let line = "The parcel that was to come on Tuesday is not here; can you tell me where it is?\r\n";
    let body = line.repeat(20 + number % 40);
    if number.is_multiple_of(10) {
        let file = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3\r\n".repeat(100);
        format!(
            "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{body}\r\n--b\r\n\
             Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=order.bin\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{file}\r\n--b--\r\n"
        )
    } else {
        format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}")
    }
}

/// Runs `jobs` with at most `at_once` under way.
async fn all<T: Send + 'static, F>(at_once: usize, jobs: impl Iterator<Item = F>) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let (mut running, mut results) = (JoinSet::new(), Vec::new());
    for job in jobs {
        if running.len() == at_once
            && let Some(ended) = running.join_next().await
        {
            results.push(ended??);
        }
        running.spawn(job);
    }
    while let Some(ended) = running.join_next().await {
        results.push(ended??);
    }
    Ok(results)
}

/// The ids and threads of what came since the mailbox's start, page by page.
async fn news(server: &Server, at: &Mailbox) -> Result<Vec<(String, String)>, Failure> {
    let (mut found, mut page) = (Vec::new(), String::new());
    loop {
        let path = format!("history?startHistoryId={}&historyTypes=messageAdded&pageToken={page}", at.start);
        let answer = server.gmail(at, Method::GET, &path, None).await?;
        for record in answer["history"].as_array().into_iter().flatten() {
            let message = &record["messagesAdded"][0]["message"];
            // Drafts are news too, of the product's own making.
            if message["labelIds"].as_array().is_some_and(|labels| labels.iter().any(|label| label == "INBOX")) {
                found.push((text(message, "id")?, text(message, "threadId")?));
            }
        }
        match answer["nextPageToken"].as_str() {
            Some(next) => page = next.to_owned(),
            None => return Ok(found),
        }
    }
}

fn base64url(text: &str) -> String {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE.encode(text)
}

/// Reads one mail and answers it in its thread, as the product does.
async fn handle(server: &Server, at: &Mailbox, id: &str, thread: &str) -> Result<(), Failure> {
    let raw = server.gmail(at, Method::GET, &format!("messages/{id}?format=raw"), None).await?;
    if raw["raw"].as_str().is_none_or(str::is_empty) {
        return Err("a mail without its bytes".into());
    }
    let full = server.gmail(at, Method::GET, &format!("messages/{id}?format=full"), None).await?;
    let headers = full["payload"]["headers"].as_array().ok_or("a mail without headers")?;
    let header = |name: &str| headers.iter().find(|h| h["name"] == name).and_then(|h| h["value"].as_str());
    let (subject, parent) = (header("Subject").unwrap_or_default(), header("Message-ID").unwrap_or_default());
    server.gmail(at, Method::GET, &format!("threads/{thread}?format=metadata"), None).await?;
    let answer = format!(
        "To: Customer <customer@example.com>\r\nSubject: {subject}\r\nIn-Reply-To: {parent}\r\nReferences: \
         {parent}\r\n\r\nIt is on its way.\r\n"
    );
    let body = json!({"message": {"raw": base64url(&answer), "threadId": thread}});
    let draft = server.gmail(at, Method::POST, "drafts", Some(body)).await?;
    let sent = server.gmail(at, Method::POST, "drafts/send", Some(json!({"id": draft["id"]}))).await?;
    if sent["threadId"] != json!(thread) {
        return Err("an answer left its thread".into());
    }
    Ok(())
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}

/// The median of the simulator's own time for one method, over `SAMPLES` calls to a mailbox.
async fn sample(server: &Server, at: &Mailbox, method: Method, path: &str, body: &[Value]) -> Result<u64, Failure> {
    let since = server.control("calls").await?.as_array().and_then(|calls| calls.last()?["seq"].as_u64()).unwrap_or(0);
    for turn in 0..SAMPLES {
        server.gmail(at, method.clone(), path, body.get(turn % body.len().max(1)).cloned()).await?;
    }
    let calls = server.control(&format!("calls?since={since}&account={}", at.address)).await?;
    let calls: Vec<Call> = serde_json::from_value(calls)?;
    Ok(median(calls.iter().map(|call| call.service_us).collect()))
}

/// What one method takes in an almost empty and in a full mailbox.
async fn compare(server: &Server, few: &Mailbox, many: &Mailbox) -> Result<(), Failure> {
    println!("\n  own time, median of {SAMPLES}    {FEW} mails   full mailbox   ratio");
    server.send(Method::DELETE, "/_sim/calls", None, Vec::new()).await?;
    for step in [
        "history.list",
        "messages.get raw",
        "messages.get full",
        "threads.get",
        "messages.list Message-ID",
        "messages.list label",
        "drafts.create",
    ] {
        let mut medians = Vec::new();
        for at in [few, many] {
            let came = news(server, at).await?;
            // The first mail of both: of one size, and in a thread of three.
            let (id, thread) = came.first().ok_or("no mail came")?;
            let answer = base64url("To: customer@example.com\r\nSubject: Order 0\r\n\r\nSoon.\r\n");
            let draft = json!({"message": {"raw": answer, "threadId": thread}});
            let (method, path, body) = match step {
                "history.list" => (Method::GET, format!("history?startHistoryId={}&maxResults=10", at.start), vec![]),
                "messages.get raw" => (Method::GET, format!("messages/{id}?format=raw"), vec![]),
                "messages.get full" => (Method::GET, format!("messages/{id}?format=full"), vec![]),
                "threads.get" => (Method::GET, format!("threads/{thread}?format=metadata"), vec![]),
                "messages.list Message-ID" => (Method::GET, "messages?q=rfc822msgid:0@example.com".to_owned(), vec![]),
                "messages.list label" => (Method::GET, "messages?labelIds=INBOX&maxResults=10".to_owned(), vec![]),
                _ => (Method::POST, "drafts".to_owned(), vec![draft]),
            };
            medians.push(sample(server, at, method, &path, &body).await?);
        }
        let ratio = medians[1] as f64 / medians[0].max(1) as f64;
        println!("  {step:<26} {:>9} µs {:>11} µs {ratio:>7.2}", medians[0], medians[1]);
    }
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

async fn run(plan: &Plan, each: usize) -> Result<(), Failure> {
    let addresses: Vec<String> = (0..plan.mailboxes).map(|number| format!("box{number:02}@load.test")).collect();
    let few = "few@load.test".to_owned();
    let accounts: Vec<String> = addresses.iter().chain([&few]).cloned().collect();
    let server = Arc::new(Server::start(&accounts)?);
    let mut mailboxes = Vec::new();
    for address in &addresses {
        mailboxes.push(server.grant(address).await?);
    }
    let few = server.grant(&few).await?;
    let before = server.stats().await?;

    let begin = now();
    let jobs = (0..each).flat_map(|number| mailboxes.iter().map(move |at| (at.address.clone(), number)));
    let jobs = jobs.map(|(address, number)| {
        let server = server.clone();
        async move { server.put(&address, number).await }
    });
    let waits = all(plan.at_once, jobs).await?;
    let took = now() - begin;
    let saved = server.settled().await?;
    let filled = server.stats().await?;
    let count = waits.len();
    let wait = median(waits.iter().map(|wait| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)).collect());
    println!(
        "\n{count} mails at once: {} mailboxes, {each} each, {} under way at a time",
        plan.mailboxes, plan.at_once
    );
    println!(
        "  put in within {:.1} s ({:.0}/s), the caller waited {wait} µs (median); all on disk {:.2} s later",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64(),
        saved.as_secs_f64()
    );
    if let (Some(empty), Some(full)) = (before.resident_bytes, filled.resident_bytes) {
        let grown = full.saturating_sub(empty);
        println!(
            "  memory {:.1} MB before, {:.1} MB after, of which mail {:.1} MB: {:.1} kB a mail, its own bytes {:.1} kB",
            megabytes(empty),
            megabytes(full),
            megabytes(filled.mail_bytes as u64),
            grown as f64 / 1_024.0 / count as f64,
            filled.mail_bytes as f64 / 1_024.0 / count as f64
        );
    }

    for number in 0..FEW {
        server.put(&few.address, number).await?;
    }
    if let Some(many) = mailboxes.first() {
        compare(&server, &few, many).await?;
    }

    server.send(Method::DELETE, "/_sim/calls", None, Vec::new()).await?;
    let begin = now();
    let mut work = Vec::new();
    let share = plan.reads.div_ceil(plan.mailboxes).min(each);
    for at in &mailboxes {
        let came = news(&server, at).await?;
        if came.len() != each {
            return Err(format!("{} of {each} mails in the history of {}", came.len(), at.address).into());
        }
        work.extend(came.into_iter().take(share).map(|(id, thread)| (at.clone(), id, thread)));
    }
    let handled = work.len();
    let jobs = work.into_iter().map(|(at, id, thread)| {
        let server = server.clone();
        async move { handle(&server, &at, &id, &thread).await }
    });
    all(plan.at_once, jobs).await?;
    let took = now() - begin;
    let saved = server.settled().await?;
    println!(
        "  {handled} read and answered within {:.1} s; all on disk {:.2} s later",
        took.as_secs_f64(),
        saved.as_secs_f64()
    );
    println!(
        "\n  {:<34} {:>7} {:>8} {:>9} {:>9} {:>9}",
        "own time by method, µs", "count", "refused", "p50", "p95", "max"
    );
    let summary: Vec<MethodSummary> = serde_json::from_value(server.control("calls/summary").await?)?;
    for one in &summary {
        println!(
            "  {:<34} {:>7} {:>8} {:>9} {:>9} {:>9}",
            one.method, one.count, one.refused, one.p50_us, one.p95_us, one.max_us
        );
    }

    let before = server.stats().await?;
    let mut server = Arc::into_inner(server).ok_or("the server is still in use")?;
    let took = server.restart(&accounts)?;
    let again = server.stats().await?;
    if (again.messages, again.mail_bytes) != (before.messages, before.mail_bytes) {
        return Err(format!("{} of {} mails came back", again.messages, before.messages).into());
    }
    println!("\n  stopped and started again: up with all {} mails within {:.1} s", again.messages, took.as_secs_f64());
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let plan = match Plan::parse(std::env::args().skip(1)) {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            eprintln!("load: measures only when asked to.\n\n{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("load: {problem}");
            return ExitCode::from(2);
        }
    };
    for each in [plan.mails.div_ceil(plan.mailboxes), plan.mails] {
        if let Err(problem) = run(&plan, each).await {
            eprintln!("load: {problem}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
