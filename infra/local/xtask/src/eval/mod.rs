//! `cargo xtask eval`: an assistant measured on the labelled mails and questions of `tests/evals`.
//!
//! Rooms: [`data`] reads the labels, [`desk`] is whoever writes the answers, [`embeddings`] a real
//! model of embeddings on this machine, [`outcome`] does with a mail what the
//! product does, [`judge`] holds that against the label, [`retrieval`] measures the search by itself, and [`report`]
//! shows, keeps and compares.
//!
//! Invariant: of the untouched half only counts leave this module.

pub mod data;
pub mod desk;
pub mod embeddings;
pub mod judge;
pub mod outcome;
pub mod report;
pub mod retrieval;

use crate::workspace::Workspace;
use crate::{Context, Result, terminal};
use assistant::knowledge::Index;
use clap::{Args, ValueEnum};
use data::{Half, Scenario};
use desk::{Asked, Desk};
use embeddings::Embeddings;
use judge::Judgement;
use outcome::Outcome;
use report::Report;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What stands behind `cargo xtask eval`.
#[derive(Debug, Args)]
pub struct Command {
    /// Who answers: extractive, scripted:CHARACTER (a scripted model server: obedient, rambling …), or configured (the
    /// model that the worker's variables POSTROOM_ASSISTANT, POSTROOM_MODEL … name).
    #[arg(long, default_value = "extractive", value_parser = Asked::parse, value_name = "WHO")]
    provider: Asked,
    /// File with the key of the configured provider.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Measure the search with embeddings too: scripted (shows that the way is whole, says nothing of quality), or local (a
    /// real model, which is installed into .local first: about 100 MB). A configured or scripted provider uses its own.
    #[arg(long, value_name = "WHOSE")]
    embeddings: Option<Asking>,
    /// Which half of the data.
    #[arg(long, default_value = "both")]
    half: Halves,
    /// Write the result as JSON, to compare it later.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also list the failing cases of the tuned half, with the reason.
    #[arg(long)]
    list: bool,
    /// Measure nothing: show two results side by side.
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with_all = ["provider", "embeddings", "half", "json", "list"])]
    compare: Vec<PathBuf>,
}

/// Whose embeddings, beside the provider's own.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asking {
    Scripted,
    Local,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Halves {
    Tuned,
    HeldOut,
    Both,
}

impl Halves {
    fn each(self) -> Vec<Half> {
        match self {
            Self::Tuned => vec![Half::Tuned],
            Self::HeldOut => vec![Half::HeldOut],
            Self::Both => Half::ALL.to_vec(),
        }
    }
}

/// Whether nothing forbidden was sent.
pub async fn run(command: Command) -> Result<bool> {
    if let [before, after] = command.compare.as_slice() {
        terminal::line(report::compared(&Report::read(before)?, &Report::read(after)?).trim_end())?;
        return Ok(true);
    }
    let key = command.key_file.as_deref();
    let mut desk = Desk::open(command.provider, key, &data::documents()?).await?;
    let mut server = None;
    match command.embeddings {
        None => {}
        Some(Asking::Scripted) => desk = desk.with_scripted_embeddings().await?,
        Some(Asking::Local) => {
            let local = Embeddings::start(&Workspace::find()?).await?;
            desk = desk.with_embeddings(local.url.clone(), local.settings())?;
            server = Some(local);
        }
    }
    let report = measure(command.provider, desk, &command.half.each(), Told::shown()).await?;
    if let Some(server) = server {
        server.stop().await?;
    }
    terminal::line(report.shown(command.list).trim_end())?;
    if let Some(path) = &command.json {
        report.write(path)?;
    }
    Ok(report.harm() == 0)
}

/// What is told while it lasts: nothing in the first two seconds, then a line every two.
pub struct Told {
    shown: bool,
    last: Instant,
}

const EVERY: Duration = Duration::from_secs(2);

impl Told {
    fn shown() -> Self {
        Self { shown: true, last: Instant::now() }
    }

    pub fn silent() -> Self {
        Self { shown: false, last: Instant::now() }
    }

    fn note(&mut self, half: Half, done: usize, of: usize) {
        if self.shown && self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            eprintln!("{}: {done} of {of} mails", half.name());
        }
    }
}

pub async fn measure(asked: Asked, desk: Desk, halves: &[Half], mut told: Told) -> Result<Report> {
    let mut report = Report::new(asked.name(), desk.model.clone());
    let documents = data::documents()?;
    let passages = data::passages(&documents);
    let index = Index::build(&documents);
    let desk = Arc::new(desk);
    for half in halves {
        let scenarios = Arc::new(data::scenarios(*half)?);
        let outcomes = outcomes(&desk, &scenarios, |done| told.note(*half, done, scenarios.len())).await?;
        for (scenario, outcome) in scenarios.iter().zip(&outcomes) {
            report.spent.calls += u64::from(outcome.usage.calls);
            report.spent.input_tokens += outcome.usage.input_tokens;
            report.spent.output_tokens += outcome.usage.output_tokens;
            report.spent.cost_micro_usd += outcome.usage.cost_micro_usd;
            report.count(*half, Judgement::of(scenario, outcome, &passages)?);
        }
        let (measured, questions) = (report.halves.entry(*half).or_default(), data::questions(*half)?);
        measured.search = retrieval::measure(&index, &passages, &questions, retrieval::over_the_floor);
        measured.bm25 = retrieval::measure(&index, &passages, &questions, retrieval::by_order);
        if let Some(model) = &desk.searcher {
            measured.hybrid = Some(retrieval::offered(model, &index, &passages, &questions).await?);
        }
    }
    Ok(report)
}

/// Of each mail, in their order; several are asked about at once.
async fn outcomes(
    desk: &Arc<Desk>,
    scenarios: &Arc<Vec<Scenario>>,
    mut done: impl FnMut(usize),
) -> Result<Vec<Outcome>> {
    let (mut running, mut next) = (JoinSet::new(), 0);
    let mut out: Vec<(usize, Outcome)> = Vec::with_capacity(scenarios.len());
    while out.len() < scenarios.len() {
        while next < scenarios.len() && running.len() < desk.at_once {
            let (desk, scenarios, no) = (desk.clone(), scenarios.clone(), next);
            running.spawn(async move { (no, outcome::take(&desk, &scenarios[no], no).await) });
            next += 1;
        }
        if let Some(ended) = running.join_next().await {
            let (no, outcome) = ended.why(|| "a mail of the evaluation".into())?;
            out.push((no, outcome?));
            done(out.len());
        }
    }
    out.sort_by_key(|(no, _)| *no);
    Ok(out.into_iter().map(|(_, outcome)| outcome).collect())
}
