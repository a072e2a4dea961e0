//! `cargo xtask`: the local cloud and the checks of the repository.

use clap::Parser;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use xtask::browse::Browser;
use xtask::cli::{Cli, Home, Up, Word, completion};
use xtask::cloud::{self, Cloud, Options, Place, Ports};
use xtask::inspect::{self, Kind};
use xtask::logs::Asked;
use xtask::progress::Progress;
use xtask::{
    Context, Error, Result, ask, demo, eval, fault, flows, invoke, logs, mailboxes, receive, status, suite, terminal,
    tour,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().word).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(word: Word) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match word {
        Word::Up(options) => up(options).await.map(done),
        Word::Down(home) => down(home).await.map(done),
        Word::Status { json, home } => show_status(&home.path()?, json.json).await,
        Word::Logs { name, follow, since, json, home } => {
            let asked = Asked { name, follow, since, json: json.json };
            follow_logs(&running(home)?, &asked).await.map(done)
        }
        Word::Invoke { function, event, json, home } => {
            let event = invoke::event(&function, event.data_file.as_deref(), event.data)?;
            call(&running(home)?, &function, &event, json.json).await
        }
        Word::Mail { files, to, json, home } => mail(&files, &to, json.json, home).await.map(done),
        Word::Connect { address, json, home } => connect(&address, json.json, home).await.map(done),
        Word::Env { function, json, home } => env(&function, json.json, home).await.map(done),
        Word::Inspect { files, text, html } => {
            let kind = match (text, html) {
                (true, _) => Kind::Text,
                (_, true) => Kind::Html,
                _ => Kind::Mail,
            };
            inspect::inspect(&files, kind, &mut std::io::stdout().lock()).map(done)
        }
        Word::Ask { question, json } => show_answer(&question.join(" "), json.json).map(done),
        Word::Eval(command) => interruptible(eval::run(command)).await.map(terminal::exit_code),
        Word::Fault(command) => fault::run(command).await.map(done),
        Word::Receive { port } => receiving(port).await.map(done),
        Word::Flow(command) => flows::flow(command),
        Word::Test => interruptible(suite::test()).await.map(done),
        Word::Tour { pictures, clone } => interruptible(tour::tour(pictures, clone)).await.map(done),
        Word::Completion { shell } => terminal::line(completion(&shell)?.trim_end()).map(done),
    }
}

async fn up(asked: Up) -> Result<()> {
    let progress = Progress::shown();
    let ports = Ports { front: asked.port, aws: asked.aws_port, google: asked.google_port };
    let isolated = Options::isolated(asked.home.path()?);
    let options = Options { ports, progress, receivers: asked.receivers, reset: asked.reset, quiet: false, ..isolated };
    let mut cloud = interruptible(Cloud::start(options)).await?;
    let held = hold(&mut cloud, asked.with_mailboxes, progress).await;
    progress.note("stopping; the local AWS writes its state");
    let stopped = cloud.stop().await;
    progress.note("stopped");
    held.and(stopped)
}

/// Until somebody ends it, or a server ends by itself.
async fn hold(cloud: &mut Cloud, further: u16, progress: Progress) -> Result<()> {
    if further > 0 {
        let connect = mailboxes::connect(cloud, further, progress);
        let connected = interruptible(progress.step("connect: further mailboxes", connect)).await?;
        progress.note(&format!("{connected} mailboxes connected now, {} before", usize::from(further) - connected));
    }
    progress.note("ready\n");
    terminal::line(&where_to_look(cloud))?;
    let mut stop = Stop::listen()?;
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => cloud.check()?,
        }
    }
}

fn where_to_look(place: &Place) -> String {
    format!(
        "  Console      {}\n  Google       {}   (mailboxes, consent; write a mail as a customer there)\n  \
         Local AWS    {}   (credentials test / test)\n  Logs, state  {}\n\n  \
         Ctrl-C stops it and keeps the data; so does `cargo xtask down`.",
        place.front_door,
        place.google,
        place.aws,
        place.home.display()
    )
}

async fn down(home: Home) -> Result<()> {
    let home = home.path()?;
    terminal::line(&if Place::end(&home).await? {
        format!("stopped; the data is kept in {}", home.display())
    } else {
        format!("no local cloud runs in {}", home.display())
    })
}

async fn show_status(home: &Path, json: bool) -> Result<ExitCode> {
    let status = status::look(home).await?;
    if json {
        terminal::json(&status)?
    } else {
        status::show(&status)?
    }
    Ok(terminal::exit_code(status.well))
}

/// Ctrl-C is how receiving ends, so it is no error.
async fn receiving(port: u16) -> Result<()> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        ended = receive::receive(port) => ended,
        () = stop.asked() => Ok(()),
    }
}

/// Ctrl-C is how following ends, so it is no error.
async fn follow_logs(place: &Place, asked: &Asked) -> Result<()> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        shown = logs::show(place, asked) => shown,
        () = stop.asked() => Ok(()),
    }
}

async fn call(place: &Place, function: &str, event: &str, json: bool) -> Result<ExitCode> {
    let invocation = interruptible(invoke::invoke(place, function, event)).await?;
    if json {
        terminal::json(&invocation)?;
    } else {
        invoke::show(&invocation)?;
    }
    Ok(terminal::exit_code(!invocation.failed))
}

async fn mail(files: &[PathBuf], to: &str, json: bool, home: Home) -> Result<()> {
    let delivered = running(home)?.google()?.deliver_files(to, files).await?;
    for (file, mail) in files.iter().zip(delivered) {
        let file = file.display();
        if json {
            terminal::json(
                &json!({ "file": file.to_string(), "to": to, "message": mail.message, "thread": mail.thread }),
            )?;
        } else {
            terminal::line(&format!("{file}  message {}, thread {}", mail.message, mail.thread))?;
        }
    }
    Ok(())
}

async fn connect(address: &str, json: bool, home: Home) -> Result<()> {
    let place = running(home)?;
    let mut browser = Browser::new(cloud::client()?);
    browser.sign_in(&place.front_door, demo::OPERATOR).await?;
    let page = browser.connect(&place.front_door, address).await?;
    let shown_at = format!("{}{}", place.front_door, page.url.path());
    if json {
        return terminal::json(&json!({ "mailbox": address, "page": shown_at, "operator": demo::OPERATOR }));
    }
    terminal::line(&format!("{address} is connected; {shown_at} shows it to {}", demo::OPERATOR))
}

async fn env(function: &str, json: bool, home: Home) -> Result<()> {
    let variables = running(home)?.variables(function).await?;
    if json {
        return terminal::json(&variables);
    }
    variables
        .iter()
        .try_for_each(|(name, value)| terminal::line(&format!("export {name}='{}'", value.replace('\'', r"'\''"))))
}

fn show_answer(question: &str, json: bool) -> Result<()> {
    let answer = ask::ask(question)?;
    if json { terminal::json(&answer) } else { terminal::line(&ask::shown(&answer)) }
}

fn running(home: Home) -> Result<Place> {
    let home = home.path()?;
    Place::running(&home)?.ok_or_else(|| {
        Error::new(format!("no local cloud runs in {}", home.display()))
            .remedy("start one with `cargo xtask up`, or name its folder with --home")
    })
}

/// Drops the work on SIGINT or SIGTERM: what it had started ends with it.
async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        done = work => done,
        () = stop.asked() => Err(Error::new("interrupted; what was started is stopped")),
    }
}

struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).why(|| "cannot listen for signals".into());
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
