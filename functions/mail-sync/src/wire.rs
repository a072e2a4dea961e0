//! The parts of this function, put together once.

use crate::MailSync;
use channel::usecase::budget::Share;
use channel::usecase::ingest::Ingest;
use channel::usecase::sync::Sync;
use context::{Context, NotReady};
use mime::Mime;
use runtime::config::{SYNC_DLQ_URL, SYNC_QUEUE_URL};
use runtime::sqs::Runner;
use std::sync::Arc;
use std::time::Duration;

/// As in `template.yaml`.
const TIME_OUT: Duration = Duration::from_secs(60);

pub async fn wire(context: &Context) -> Result<(Runner, Arc<MailSync>), NotReady> {
    let app = context.app().await?;
    let table = context.table()?;
    let google = context.google(&app, &table, Share::Background, None)?;
    let rules = context.rules(TIME_OUT)?;
    let (sync_queue, work_queue) = (context.sync_queue()?, context.work_queue()?);
    let sync = Sync {
        mailboxes: table.clone(),
        engines: table.clone(),
        conversations: table.clone(),
        seen: table.clone(),
        commits: table.clone(),
        gmail: google.gmail.clone(),
        queue: sync_queue.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        rules: rules.clone(),
    };
    let ingest = Ingest {
        engines: table.clone(),
        mailboxes: table.clone(),
        conversations: table.clone(),
        seen: table.clone(),
        commits: table,
        gmail: google.gmail,
        reader: Arc::new(Mime),
        pseudonyms: app.pseudonyms,
        sync_queue,
        work_queue,
        clock: context.clock.clone(),
        rules,
    };
    Ok((context.runner(&SYNC_QUEUE_URL, &SYNC_DLQ_URL)?, Arc::new(MailSync { sync, ingest })))
}
