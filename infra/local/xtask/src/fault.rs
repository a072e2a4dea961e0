//! `cargo xtask fault`: makes the running Google simulator misbehave, one word for each kind.
//!
//! Invariant: a word only translates. Whether a fault can fire, and what it does, is the simulator's own knowledge, so
//! the command line, its control routes and its Rust interface cannot disagree.

mod duration;
mod show;
mod words;

use crate::cloud::{self, Place};
use crate::workspace::Workspace;
use crate::{Context, Error, Result};
use clap::{Args, CommandFactory, Parser};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

use words::Word;

/// What stands behind `cargo xtask fault`.
#[derive(Debug, Args)]
pub struct Command {
    #[command(subcommand)]
    word: Word,
    /// Address of the simulator [default: that of the running local cloud]
    #[arg(long, global = true, value_name = "URL")]
    google: Option<String>,
    /// Answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Folder of the running local cloud [default: .local in the repository]
    #[arg(long, global = true)]
    home: Option<PathBuf>,
}

/// One request to the simulator's control routes.
struct Order {
    method: Method,
    path: String,
    body: Value,
}

impl Order {
    fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body }
    }

    fn bare(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: Value::Null }
    }
}

/// Does what the words say and prints the outcome.
pub async fn run(command: Command) -> Result<()> {
    let base = command.base()?;
    let client = cloud::client()?;
    let answer = match &command.word {
        Word::List => {
            let faults = ask(&client, &base, &Order::bare(Method::GET, "faults")).await?;
            let clock = ask(&client, &base, &Order::bare(Method::GET, "clock")).await?;
            json!({ "faults": faults, "clock_offset_ms": clock["offset_ms"] })
        }
        word => ask(&client, &base, &word.order()?).await?,
    };
    if command.json {
        println!("{answer}");
    } else {
        println!("{}", show::outcome(&command.word, &answer));
    }
    Ok(())
}

impl Command {
    fn base(&self) -> Result<String> {
        if let Some(url) = &self.google {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let home = match &self.home {
            Some(path) => path.clone(),
            None => Workspace::find()?.home(),
        };
        let place = Place::running(&home)?.ok_or_else(|| {
            Error::new(format!("no local cloud runs in {}", home.display()))
                .remedy("start one with `cargo xtask up`, or name a simulator with --google")
        })?;
        Ok(place.google)
    }
}

/// The answer's JSON; `{}` for an empty one.
async fn ask(client: &reqwest::Client, base: &str, order: &Order) -> Result<Value> {
    let mut request = client.request(order.method.clone(), format!("{base}/_sim/{}", order.path));
    if !order.body.is_null() {
        request = request.header("content-type", "application/json").body(order.body.to_string());
    }
    let answer = request.send().await.why(|| format!("no answer from the Google simulator at {base}"))?;
    let status = answer.status();
    let text = answer.text().await.why(|| "the simulator's answer broke off".into())?;
    if !status.is_success() {
        let told = serde_json::from_str::<Value>(&text).ok();
        let message = told.as_ref().and_then(|body| body["error"]["message"].as_str()).unwrap_or(text.trim());
        return Err(Error::new(message).remedy("see `cargo xtask fault --help`"));
    }
    if text.is_empty() { Ok(json!({})) } else { serde_json::from_str(&text).why(|| "the simulator's answer".into()) }
}

#[derive(Parser)]
#[command(name = "fault")]
struct Alone {
    #[command(flatten)]
    command: Command,
}

/// Every kind of fault that the words can set, as they are written: `refuse domainPolicy`, `push forged alg-none`.
pub fn kinds() -> Vec<String> {
    let mut found = Vec::new();
    leaves(&Alone::command(), "", &mut found);
    found.retain(|kind| kind != "list" && kind != "clear");
    found
}

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    for word in command.get_subcommands() {
        let path = format!("{path} {}", word.get_name()).trim().to_owned();
        if word.has_subcommands() {
            leaves(word, &path, found);
            continue;
        }
        let values: Vec<String> = word
            .get_arguments()
            .filter(|argument| argument.get_action().takes_values())
            .flat_map(|argument| argument.get_possible_values())
            .map(|value| format!("{path} {}", value.get_name()))
            .collect();
        if values.is_empty() {
            found.push(path);
        } else {
            found.extend(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sound_and_every_one_shows_an_example() {
        Alone::command().debug_assert();
        fn check(command: &clap::Command) {
            for word in command.get_subcommands() {
                let shown = word.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(word.has_subcommands() || shown.contains("Example: cargo xtask fault "), "{}", word.get_name());
                check(word);
            }
        }
        check(&Alone::command());
    }

    #[test]
    fn kinds_come_from_the_words() {
        let kinds = kinds();
        for kind in ["drop", "refuse domainPolicy", "push late", "push forged alg-none", "token session", "clock"] {
            assert!(kinds.iter().any(|known| known == kind), "{kind} is not in {kinds:?}");
        }
        assert!(!kinds.iter().any(|kind| kind.starts_with("list")));
    }
}
