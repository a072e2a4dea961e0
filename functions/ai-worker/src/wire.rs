//! The parts of this function, put together once.

use crate::model::model;
use crate::{AiWorker, KnowledgeAssistant};
use assistant::guards::AllGuards;
use channel::ports::Spending;
use channel::usecase::act::Act;
use channel::usecase::budget::Share;
use channel::usecase::notify::NotifyTeam;
use channel::usecase::resume::TakeUpParked;
use channel::usecase::turn::TakeTurn;
use context::{Context, NotReady};
use mime::Mime;
use runtime::config::{PUBLIC_URL, WORK_DLQ_URL, WORK_QUEUE_URL};
use runtime::sqs::Runner;
use std::sync::Arc;
use std::time::Duration;

/// As in `template.yaml`.
const TIME_OUT: Duration = Duration::from_secs(120);

pub async fn wire(context: &Context) -> Result<(Runner, Arc<AiWorker>), NotReady> {
    let app = context.app().await?;
    let table = context.table()?;
    let google = context.google(&app, &table, Share::Answers, None)?;
    let rules = context.rules(TIME_OUT)?;
    let (sync_queue, work_queue) = (context.sync_queue()?, context.work_queue()?);
    let model = model(context, &app)?;
    let knowledge = KnowledgeAssistant::new(table.clone(), context.clock.clone());
    let spending = model.as_ref().map(|_| -> Arc<dyn Spending> { table.clone() });
    let turns = TakeTurn {
        engines: table.clone(),
        mailboxes: table.clone(),
        conversations: table.clone(),
        commits: table.clone(),
        assistant: Arc::new(knowledge.with_model(model)),
        guards: Arc::new(AllGuards),
        spending,
        writer: Arc::new(Mime),
        queue: work_queue.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        rules: rules.clone(),
    };
    let actions = Act {
        engines: table.clone(),
        seen: table.clone(),
        mailboxes: table.clone(),
        conversations: table.clone(),
        commits: table.clone(),
        gmail: google.gmail,
        writer: Arc::new(Mime),
        pseudonyms: app.pseudonyms.clone(),
        queue: work_queue.clone(),
        sync_queue: sync_queue.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        rules: rules.clone(),
    };
    let team = NotifyTeam {
        mailboxes: table.clone(),
        conversations: table.clone(),
        targets: table.clone(),
        commits: table.clone(),
        notifier: context.notifier(&app)?.notifier,
        clock: context.clock.clone(),
        site: context.value(&PUBLIC_URL)?,
        lease: rules.lease,
    };
    let parked = TakeUpParked {
        mailboxes: table.clone(),
        engines: table.clone(),
        conversations: table.clone(),
        commits: table,
        sync_queue,
        work_queue,
        clock: context.clock.clone(),
        rules,
    };
    Ok((context.runner(&WORK_QUEUE_URL, &WORK_DLQ_URL)?, Arc::new(AiWorker { turns, actions, team, parked })))
}
