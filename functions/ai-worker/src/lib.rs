//! From WorkQueue: takes turns, carries out actions, takes up parked work, reads documents.
//!
//! Invariant: the only function that changes anything at Gmail, and only through the ledger.

mod documents;
mod model;
mod wire;

use async_trait::async_trait;
use channel::outcome::Outcome;
use channel::time::Timestamp;
use channel::usecase::act::Act;
use channel::usecase::example::AnswerExample;
use channel::usecase::gaps::CloseGap;
use channel::usecase::notify::NotifyTeam;
use channel::usecase::reading::ReadKnowledge;
use channel::usecase::resume::TakeUpParked;
use channel::usecase::turn::TakeTurn;
use channel::work::{Job, WorkerWork};
use runtime::sqs::{Handler, Record};
use std::time::Duration;

pub use documents::Documents;
pub use wire::wire;

pub struct AiWorker {
    pub turns: TakeTurn,
    pub actions: Act,
    pub team: NotifyTeam,
    pub parked: TakeUpParked,
    pub examples: AnswerExample,
    pub knowledge: ReadKnowledge,
    pub gaps: CloseGap,
}

/// What is left of the function's time for writing the plan, when the assistant has taken all that it may.
const RESERVE: Duration = Duration::from_secs(15);

impl AiWorker {
    /// `deadline`: when the function ends, where something ends it.
    pub async fn work(&self, work: WorkerWork, deadline: Option<Timestamp>) -> Outcome {
        let until = deadline.map(|deadline| deadline.minus(RESERVE));
        match work {
            WorkerWork::Turn { mailbox, thread, turn } => self.turns.run(&mailbox, &thread, turn, until).await,
            WorkerWork::Act { mailbox, thread, turn, step } => self.actions.run(&mailbox, &thread, turn, &step).await,
            WorkerWork::Notify { mailbox, thread, turn } => self.team.run(&mailbox, &thread, turn).await,
            WorkerWork::Resume { mailbox } => self.parked.run(&mailbox).await,
            WorkerWork::Example { example, .. } => self.examples.run(&example, until).await,
            WorkerWork::Job { job: Job::ReadDocument { document, version } } => {
                self.knowledge.read(&document, version).await
            }
            WorkerWork::Job { job: Job::BuildSnapshot } => self.knowledge.build().await,
            WorkerWork::Job { job: Job::CloseGap { gap } } => self.gaps.run(&gap).await,
        }
    }
}

#[async_trait]
impl Handler<WorkerWork> for AiWorker {
    async fn handle(&self, record: Record<WorkerWork>) -> Outcome {
        self.work(record.work, record.deadline).await
    }
}
