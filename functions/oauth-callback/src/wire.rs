//! The parts of this function, put together once.

use crate::App;
use channel::usecase::authorisation::Authorisations;
use channel::usecase::budget::Share;
use channel::usecase::connect::Connect;
use channel::usecase::session::Door;
use context::{Context, NotReady};
use runtime::config::{OPERATORS, PUBLIC_URL, PUBSUB_TOPIC};
use std::sync::Arc;

pub async fn wire(context: &Context) -> Result<Arc<App>, NotReady> {
    let app = context.app().await?;
    let table = context.table()?;
    let origin = context.value(&PUBLIC_URL)?;
    let redirect = origin.url("/oauth/callback");
    let google = context.google(&app, &table, Share::Answers, Some(context.value(&PUBSUB_TOPIC)?))?;
    let authorisations = Authorisations {
        states: table.clone(),
        commits: table.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
    };
    let door = Door {
        origin,
        operators: context.value(&OPERATORS)?,
        states: table.clone(),
        commits: table.clone(),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
    };
    let connect = Connect {
        authorisations,
        mailboxes: table.clone(),
        engines: table.clone(),
        commits: table,
        vault: google.vault,
        gmail: google.gmail,
        oauth: google.oauth,
        pseudonyms: app.pseudonyms,
        queue: context.sync_queue()?,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        redirect,
    };
    Ok(Arc::new(App { door, connect }))
}
