//! `simulator`: the server as a program.

use std::{path::PathBuf, process::ExitCode};

use simulator::{AccountConfig, Client, Config, Limits, Simulator, Subscription};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
A local Google: OAuth, OpenID Connect, Gmail and Pub/Sub push, on 127.0.0.1 only.

Usage: simulator [OPTIONS]

  --port N                 port to listen on; 0 chooses one (default 8085)
  --state DIR              keep mailboxes and signing keys here (default: memory only)
  --issuer URL             `iss` of tokens (default: the server's own address)
  --history-limit N        history records kept per mailbox (default 50000)
  --history-hours N        hours that a history record is kept (default 168)
  --token-seconds N        lifetime of an access token (default 3599)
  --accounts LIST          address[=Name], separated by commas (default: four demonstration accounts)
  --client ID,SECRET,URI   register an OAuth client; more redirect URIs may follow; may be repeated
  --push TOPIC,SUBSCRIPTION,ENDPOINT,AUDIENCE,SERVICE_ACCOUNT
                           register a push subscription; may be repeated
  --push-rate-limit        drop pushes above one per second and mailbox
  --quota N                units per minute, mailbox and project; 0 lifts the limit (default 6000)
  --daily-sends N          mails a day and mailbox; 0 lifts the limit (default 500, of an organisation 2000)
  --help                   show this";

enum Wish {
    Run(Box<Config>),
    Help,
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut config = Config { port: 8085, ..Config::default() };
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--help" | "-h" => return Ok(Wish::Help),
            "--push-rate-limit" => {
                config.push_rate_limit = true;
                continue;
            }
            _ => {}
        }
        let value = args.next().ok_or_else(|| format!("{flag} is unknown or wants a value"))?;
        match flag.as_str() {
            "--port" => config.port = number(&flag, &value)?,
            "--state" => config.state_dir = Some(PathBuf::from(value)),
            "--issuer" => config.issuer = Some(value),
            "--history-limit" => config.history_limit = number(&flag, &value)?,
            "--history-hours" => config.history_hours = number(&flag, &value)?,
            "--quota" => config.limits.units_per_minute = number(&flag, &value)?,
            "--daily-sends" => {
                let sends = number(&flag, &value)?;
                config.limits = Limits { daily_sends_consumer: sends, daily_sends_workspace: sends, ..config.limits };
            }
            "--token-seconds" => config.access_token_seconds = number(&flag, &value)?,
            "--accounts" => config.accounts = value.split(',').map(account).collect::<Result<_, _>>()?,
            "--client" => config.clients.push(client(&value)?),
            "--push" => config.subscriptions.push(subscription(&value)?),
            _ => return Err(format!("{flag} is unknown")),
        }
    }
    Ok(Wish::Run(Box::new(config)))
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} wants a number"))
}

fn account(text: &str) -> Result<AccountConfig, String> {
    let (address, name) = text.trim().split_once('=').unwrap_or((text.trim(), ""));
    if address.contains('@') {
        Ok(AccountConfig::workspace(address, name))
    } else {
        Err(format!("{address:?} is no address"))
    }
}

fn client(text: &str) -> Result<Client, String> {
    let mut parts = text.split(',').map(str::to_owned);
    match (parts.next(), parts.next(), parts.collect::<Vec<_>>()) {
        (Some(client_id), Some(client_secret), redirect_uris) if !redirect_uris.is_empty() => {
            Ok(Client { client_id, client_secret, redirect_uris, testing: false })
        }
        _ => Err("--client wants ID,SECRET,URI".to_owned()),
    }
}

fn subscription(text: &str) -> Result<Subscription, String> {
    match text.split(',').collect::<Vec<_>>().as_slice() {
        [topic, subscription, push_endpoint, audience, service_account] => Ok(Subscription {
            topic: (*topic).to_owned(),
            subscription: (*subscription).to_owned(),
            push_endpoint: (*push_endpoint).to_owned(),
            audience: (*audience).to_owned(),
            service_account: (*service_account).to_owned(),
        }),
        _ => Err("--push wants TOPIC,SUBSCRIPTION,ENDPOINT,AUDIENCE,SERVICE_ACCOUNT".to_owned()),
    }
}

async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Simulator::start(config).await?;
    println!("{}", running.url());
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    running.stop().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("warn,simulator=info"))
        .with_writer(std::io::stderr)
        .init();
    let config = match parse(std::env::args().skip(1)) {
        Ok(Wish::Run(config)) => *config,
        Ok(Wish::Help) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("simulator: {problem}. See --help.");
            return ExitCode::from(2);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulator: {error}");
            ExitCode::FAILURE
        }
    }
}
