//! `cargo xtask`: the local cloud and the checks of the repository.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use xtask::browse::Browser;
use xtask::cloud::{self, Cloud, Options, Place, Ports};
use xtask::inspect::{self, Kind};
use xtask::progress::Progress;
use xtask::workspace::Workspace;
use xtask::{Context, Error, Result, ask, demo, fault, suite};

/// The local cloud of Postroom, and the checks of the whole repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Build, deploy and run the whole system on this machine until Ctrl-C; data is kept for the next time.
    Up {
        #[command(flatten)]
        home: Home,
        /// Port of the front door, the address for the browser (0: any free one).
        #[arg(long, default_value_t = 8400)]
        port: u16,
        /// Port of the local AWS (0: any free one).
        #[arg(long, default_value_t = 8401)]
        aws_port: u16,
        /// Port of the Google simulator (0: any free one).
        #[arg(long, default_value_t = 8402)]
        google_port: u16,
    },
    /// Stop the local cloud that runs in another terminal; data is kept.
    Down(Home),
    /// Put raw mails (RFC 5322) into a mailbox of the running Google simulator, as if they came from outside.
    Mail {
        /// Files with one mail each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The mailbox that receives them.
        #[arg(long, default_value = demo::MAILBOX)]
        to: String,
        #[command(flatten)]
        home: Home,
    },
    /// Sign in to the console of the running cloud and connect a mailbox, as a browser would.
    Connect {
        /// The mailbox to connect.
        #[arg(default_value = demo::MAILBOX)]
        address: String,
        #[command(flatten)]
        home: Home,
    },
    /// Print the variables of a deployed function as shell exports, to run it by itself with `cargo lambda watch`.
    Env {
        /// Such as mail-sync.
        function: String,
        #[command(flatten)]
        home: Home,
    },
    /// Show what the product reads in a mail: one line of JSON for each file.
    Inspect {
        /// Files with one mail (RFC 5322) each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The files are bare bodies of plain text.
        #[arg(long, conflicts_with = "html")]
        text: bool,
        /// The files are bare bodies of HTML.
        #[arg(long)]
        html: bool,
    },
    /// Ask the built-in assistant over the demo knowledge base: answer, sources, confidence.
    Ask {
        /// The question; several words make one.
        #[arg(required = true)]
        question: Vec<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the running Google simulator misbehave, to see what the product does.
    #[command(after_help = "Example: cargo xtask fault refuse gmail.users.messages.get --status 429 --retry-at +30s")]
    Fault(fault::Command),
    /// Check everything: format, lints, template, all test suites against a local cloud of their own.
    Test,
}

#[derive(Args)]
struct Home {
    /// Folder for state and logs [default: .local in the repository]
    #[arg(long)]
    home: Option<PathBuf>,
}

impl Home {
    fn path(self) -> Result<PathBuf> {
        match self.home {
            Some(path) => std::path::absolute(&path).why(|| format!("{} is no path", path.display())),
            None => Ok(Workspace::find()?.home()),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().word {
        Word::Up { home, port, aws_port, google_port } => {
            up(home, Ports { front: port, aws: aws_port, google: google_port }).await
        }
        Word::Down(home) => down(home).await,
        Word::Mail { files, to, home } => mail(&files, &to, home).await,
        Word::Connect { address, home } => connect(&address, home).await,
        Word::Env { function, home } => env(&function, home).await,
        Word::Inspect { files, text, html } => {
            let kind = match (text, html) {
                (true, _) => Kind::Text,
                (_, true) => Kind::Html,
                _ => Kind::Mail,
            };
            inspect::inspect(&files, kind, &mut std::io::stdout().lock())
        }
        Word::Ask { question, json } => ask(&question.join(" "), json),
        Word::Fault(command) => fault::run(command).await,
        Word::Test => interruptible(suite::test()).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn up(home: Home, ports: Ports) -> Result<()> {
    let progress = Progress::shown();
    let options = Options { ports, progress, quiet: false, ..Options::isolated(home.path()?) };
    let mut cloud = interruptible(Cloud::start(options)).await?;
    progress.note("ready\n");
    println!("{}", where_to_look(&cloud));
    let mut stop = Stop::listen()?;
    let ended = loop {
        tokio::select! {
            () = stop.asked() => break Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if let Err(error) = cloud.check() {
                    break Err(error);
                }
            }
        }
    };
    progress.note("stopping; the local AWS writes its state");
    let stopped = cloud.stop().await;
    progress.note("stopped");
    ended.and(stopped)
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
    if Place::end(&home).await? {
        println!("stopped; the data is kept in {}", home.display());
    } else {
        println!("no local cloud runs in {}", home.display());
    }
    Ok(())
}

async fn mail(files: &[PathBuf], to: &str, home: Home) -> Result<()> {
    let delivered = running(home)?.google()?.deliver_files(to, files).await?;
    for (file, mail) in files.iter().zip(delivered) {
        println!("{}  message {}, thread {}", file.display(), mail.message, mail.thread);
    }
    Ok(())
}

async fn connect(address: &str, home: Home) -> Result<()> {
    let place = running(home)?;
    let mut browser = Browser::new(cloud::client()?);
    browser.sign_in(&place.front_door, demo::OPERATOR).await?;
    let page = browser.connect(&place.front_door, address).await?;
    if !page.html.contains(address) {
        return Err(Error::new(format!("the channel page does not name {address} after Connect")));
    }
    println!("{address} is connected; {}{} shows it to {}", place.front_door, page.url.path(), demo::OPERATOR);
    Ok(())
}

async fn env(function: &str, home: Home) -> Result<()> {
    for (name, value) in running(home)?.variables(function).await? {
        println!("export {name}='{}'", value.replace('\'', r"'\''"));
    }
    Ok(())
}

fn ask(question: &str, json: bool) -> Result<()> {
    let answer = ask::ask(question)?;
    let text = if json { serde_json::to_string(&answer).why(|| "the answer".into())? } else { ask::shown(&answer) };
    println!("{text}");
    Ok(())
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
