//! The parts of this function, put together once.

use crate::model::model;
use crate::{AiWorker, Documents};
use assistant::KnowledgeAssistant;
use assistant::base::Likeness;
use assistant::guards::AllGuards;
use channel::ports::{Assistant, Spending};
use channel::usecase::act::Act;
use channel::usecase::attachments::ReadAttachments;
use channel::usecase::budget::Share;
use channel::usecase::example::AnswerExample;
use channel::usecase::gaps::{CloseGap, KeepGaps};
use channel::usecase::notify::NotifyTeam;
use channel::usecase::reading::ReadKnowledge;
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
    let spending = model.as_ref().map(|_| -> Arc<dyn Spending> { table.clone() });
    let files = context.files()?;
    let assistant: Arc<dyn Assistant> =
        Arc::new(KnowledgeAssistant::new(table.clone(), files.clone()).with_model(model));
    let examples = AnswerExample {
        mailboxes: table.clone(),
        examples: table.clone(),
        commits: table.clone(),
        assistant: assistant.clone(),
        guards: Arc::new(AllGuards),
        spending: spending.clone(),
        clock: context.clock.clone(),
        rules: rules.clone(),
    };
    let turns = TakeTurn {
        engines: table.clone(),
        mailboxes: table.clone(),
        conversations: table.clone(),
        commits: table.clone(),
        assistant,
        attachments: ReadAttachments { gmail: google.gmail.clone(), reader: Arc::new(Mime) },
        guards: Arc::new(AllGuards),
        spending,
        writer: Arc::new(Mime),
        queue: work_queue.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        gaps: KeepGaps { gaps: table.clone(), gists: Arc::new(Likeness) },
        rules: rules.clone(),
    };
    let knowledge = ReadKnowledge {
        library: table.clone(),
        files,
        reader: Arc::new(Documents),
        commits: table.clone(),
        queue: work_queue.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        lease: rules.lease,
    };
    let gaps = CloseGap {
        gaps: table.clone(),
        library: table.clone(),
        conversations: table.clone(),
        commits: table.clone(),
        queue: work_queue.clone(),
        clock: context.clock.clone(),
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
    Ok((
        context.runner(&WORK_QUEUE_URL, &WORK_DLQ_URL)?,
        Arc::new(AiWorker { turns, actions, team, parked, examples, knowledge, gaps }),
    ))
}
