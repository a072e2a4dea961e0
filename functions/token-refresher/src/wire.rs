//! The parts of this function, put together once.

use crate::TokenRefresher;
use channel::usecase::budget::Share;
use channel::usecase::due::Due;
use context::{Context, NotReady};
use runtime::config::PUBSUB_TOPIC;
use std::time::Duration;

/// As in `template.yaml`.
const TIME_OUT: Duration = Duration::from_secs(50);

pub async fn wire(context: &Context) -> Result<TokenRefresher, NotReady> {
    let app = context.app().await?;
    let table = context.table()?;
    let google = context.google(&app, &table, Share::Background, Some(context.value(&PUBSUB_TOPIC)?))?;
    let due = Due {
        mailboxes: table.clone(),
        engines: table.clone(),
        due: table.clone(),
        library: table.clone(),
        commits: table,
        vault: google.vault,
        oauth: google.oauth,
        gmail: google.gmail,
        sync_queue: context.sync_queue()?,
        work_queue: context.work_queue()?,
        clock: context.clock.clone(),
        rules: context.rules(TIME_OUT)?,
    };
    Ok(TokenRefresher { due })
}
