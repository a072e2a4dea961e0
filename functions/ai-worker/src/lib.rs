//! From WorkQueue: takes turns, carries out actions, takes up parked work.
//!
//! Invariant: the only function that changes anything at Gmail, and only through the ledger.

mod answers;
mod wire;

use async_trait::async_trait;
use channel::outcome::Outcome;
use channel::usecase::act::Act;
use channel::usecase::resume::TakeUpParked;
use channel::usecase::turn::TakeTurn;
use channel::work::WorkerWork;
use runtime::sqs::{Handler, Record};

pub use answers::KnowledgeAssistant;
pub use wire::wire;

pub struct AiWorker {
    pub turns: TakeTurn,
    pub actions: Act,
    pub parked: TakeUpParked,
}

impl AiWorker {
    pub async fn work(&self, work: WorkerWork) -> Outcome {
        match work {
            WorkerWork::Turn { mailbox, thread, turn } => self.turns.run(&mailbox, &thread, turn).await,
            WorkerWork::Act { mailbox, thread, turn, step } => self.actions.run(&mailbox, &thread, turn, &step).await,
            WorkerWork::Resume { mailbox } => self.parked.run(&mailbox).await,
        }
    }
}

#[async_trait]
impl Handler<WorkerWork> for AiWorker {
    async fn handle(&self, record: Record<WorkerWork>) -> Outcome {
        self.work(record.work).await
    }
}
