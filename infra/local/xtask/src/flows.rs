//! `cargo xtask flow`: a flow checked, or run on a mail without any effect.

use crate::{Context, Error, Result, ask, terminal};
use channel::address::EmailAddress;
use channel::assistant::Intent;
use channel::mail::{Authentication, ReadMail};
use channel::ports::Clock;
use clap::{Args, Subcommand};
use flow::{Assessment, AttachmentFact, Facts, Flow, FlowRef, LocalTime, Report, Script, Sender, dry_run};
use runtime::clock::SystemClock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a flow is tried on when no mail is named.
const SAMPLE: &str = "From: Ada <ada@customer.example>\r\nTo: support@shop.example\r\nSubject: Help with a return\r\n\
    Message-ID: <sample@customer.example>\r\n\r\nHow many days do I have to return goods after delivery?\r\n";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a flow and tell what is wrong with it. Exit code 1: something is.
    Check {
        /// YAML, JSON or the printed form.
        file: PathBuf,
    },
    /// Run a flow on a mail: what it would do and why. Nothing is done.
    Run(Box<Run>),
    /// Print the JSON Schema of a flow.
    Schema,
}

#[derive(Debug, Args)]
pub struct Run {
    /// YAML, JSON or the printed form.
    file: PathBuf,
    /// A mail (RFC 5322); a small question without it.
    mail: Option<PathBuf>,
    /// The sender is a VIP whom Gmail vouches for.
    #[arg(long)]
    vip: bool,
    /// What the assistant takes the mail for: question, sales, support, complaint, chat or other. Without it, what the
    /// built-in assistant makes of the mail.
    #[arg(long, value_parser = intent)]
    intent: Option<Intent>,
    /// What the assistant writes. Without it, its answer from the demo knowledge base.
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,
    /// Which label a `classify` step gets; its first one without it.
    #[arg(long)]
    label: Option<String>,
    /// An address of the settings.
    #[arg(long = "setting", value_parser = setting, value_name = "NAME=ADDRESS")]
    settings: Vec<(String, EmailAddress)>,
}

fn intent(text: &str) -> Result<Intent, String> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| "one of question, sales, support, complaint, chat, other".to_owned())
}

fn setting(text: &str) -> Result<(String, EmailAddress), String> {
    let (name, address) = text.split_once('=').ok_or("NAME=ADDRESS, such as backup=ben@shop.example")?;
    let address = EmailAddress::parse(address).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), address))
}

pub fn flow(command: Command) -> Result<ExitCode> {
    match command {
        Command::Check { file } => check(&file),
        Command::Run(run) => run.run(),
        Command::Schema => {
            let schema = flow::schema_text().why(|| "the schema as JSON".into())?;
            terminal::line(schema.trim_end()).map(|()| ExitCode::SUCCESS)
        }
    }
}

fn source(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).why(|| format!("cannot read {}", file.display()))
}

fn check(file: &Path) -> Result<ExitCode> {
    match Flow::parse(&source(file)?) {
        Ok(flow) => {
            let steps = flow.steps.len();
            terminal::line(&format!("{}: {} is right, {steps} step(s)", file.display(), flow.name))?;
            if let Some(when) = flow.when.as_ref().filter(|when| when.cel != when.source) {
                terminal::line(&format!("  when  {}\n  CEL   {}", when.source, when.cel))?;
            }
            for name in flow.settings() {
                terminal::line(&format!("  needs settings.{name}"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                terminal::line(&format!("{}: {problem}", file.display()))?;
            }
            Ok(terminal::exit_code(false))
        }
    }
}

impl Run {
    fn run(&self) -> Result<ExitCode> {
        let Ok(flow) = Flow::parse(&source(&self.file)?) else { return check(&self.file) };
        let raw = match &self.mail {
            Some(file) => std::fs::read(file).why(|| format!("cannot read {}", file.display()))?,
            None => SAMPLE.as_bytes().to_vec(),
        };
        let mail = mime::read(&raw).map_err(|error| {
            Error::new(format!("the mail cannot be read: {error}")).remedy("name a file with one mail (RFC 5322)")
        })?;
        let facts = self.facts(&mail)?;
        let script = self.script(&mail)?;
        let reference = FlowRef::new("tried", 1).why(|| "the flow's id".into())?;
        let report = dry_run(&[(reference, &flow)], &facts, &script, SystemClock.now());
        show(&report)?;
        Ok(ExitCode::SUCCESS)
    }

    fn facts(&self, mail: &ReadMail) -> Result<Facts> {
        let [author] = mail.headers.from.as_slice() else {
            return Err(Error::new("the mail has no single author").remedy("give it one From with one address"));
        };
        let attachment = |file: &channel::mail::Attachment| AttachmentFact {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.size,
            inline: file.inline,
        };
        Ok(Facts {
            sender: Sender {
                email: author.email.clone(),
                name: author.label().to_owned(),
                listed_vip: self.vip,
                authenticated: self.vip || mail.headers.authentication == Authentication::Pass,
            },
            subject: mail.headers.subject.clone(),
            body: mail.text.clone(),
            labels: vec!["INBOX".into()],
            attachments: mail.attachments.iter().map(attachment).collect(),
            language: ask::ask(&mail.text)?.language,
            conversation: "tried".into(),
            thread_mails: 1,
            received: LocalTime { at: mail.headers.date.unwrap_or_else(|| SystemClock.now()), offset_minutes: 0 },
            zone: "UTC".into(),
            business_hours: None,
            settings: self.settings.iter().cloned().collect(),
        })
    }

    fn script(&self, mail: &ReadMail) -> Result<Script> {
        let answer = ask::ask(&mail.text)?;
        let reply = self.answer.clone().unwrap_or(answer.reply);
        let assessment = Assessment {
            intent: self.intent.unwrap_or(answer.intent),
            sentiment: answer.sentiment,
            urgency: answer.urgency,
            confidence: if self.answer.is_some() { 1.0 } else { answer.confidence },
            answerable: !reply.trim().is_empty(),
            reply: reply.clone(),
        };
        let text = Some(reply).filter(|reply| !reply.trim().is_empty());
        Ok(Script { assessment: Some(assessment), text, label: self.label.clone(), failures: BTreeMap::new() })
    }
}

fn show(report: &Report) -> Result<()> {
    for (key, effect) in &report.effects {
        terminal::line(&format!("would do  {}  ({key})", effect.target()))?;
    }
    if report.effects.is_empty() {
        terminal::line("would do  nothing")?;
    }
    terminal::line(&format!("\nWhy?\n{}", report.trace.to_string().trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipped_flow_runs_on_the_sample_mail() {
        let run = Run {
            file: PathBuf::new(),
            mail: None,
            vip: false,
            intent: Some(Intent::Sales),
            answer: Some("It costs 5 EUR.".into()),
            label: None,
            settings: vec![],
        };
        let mail = mime::read(SAMPLE.as_bytes()).unwrap();
        let (facts, script) = (run.facts(&mail).unwrap(), run.script(&mail).unwrap());
        assert_eq!(
            (facts.subject.as_str(), facts.sender.email.as_str()),
            ("Help with a return", "ada@customer.example")
        );
        let reference = FlowRef::new("tried", 1).unwrap();
        let does = |id: &str| {
            let source = flow::MODES.iter().chain(&flow::READY).find(|ready| ready.id == id).unwrap().source;
            let flow = Flow::parse(source).unwrap();
            let report = dry_run(&[(reference.clone(), &flow)], &facts, &script, SystemClock.now());
            report.effects.iter().map(|(_, effect)| effect.target()).collect::<Vec<_>>()
        };
        assert_eq!(does("hybrid"), ["create_draft to the sender"]);
        assert_eq!(does("support"), ["add_label Support/AI-Processed", "create_draft to the sender", "slack #support"]);
    }

    #[test]
    fn settings_and_intents_are_read_or_named() {
        assert!(setting("backup=ben@shop.example").is_ok() && setting("backup").is_err());
        assert!(intent("sales").is_ok() && intent("sale").is_err());
    }
}
