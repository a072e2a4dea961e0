//! The parts of this function, put together once.

use crate::App;
use channel::usecase::authorisation::Authorisations;
use channel::usecase::budget::Share;
use channel::usecase::configure::Configure;
use channel::usecase::disconnect::Disconnect;
use channel::usecase::example::AskExample;
use channel::usecase::gaps::GapDesk;
use channel::usecase::knowledge::KnowledgeDesk;
use channel::usecase::review::Desk;
use channel::usecase::session::Door;
use channel::usecase::sign_in::SignIn;
use channel::usecase::targets::TeamTargets;
use context::{Context, NotReady, Team};
use mime::Mime;
use runtime::config::{ASSISTANT, AssistantKind, OAUTH_AUTH_URL, OPERATORS, PUBLIC_URL};
use std::sync::Arc;
use std::time::Duration;

/// As in `template.yaml`.
const TIME_OUT: Duration = Duration::from_secs(29);

pub async fn wire(context: &Context) -> Result<Arc<App>, NotReady> {
    let app = context.app().await?;
    let table = context.table()?;
    let origin = context.value(&PUBLIC_URL)?;
    let redirect = origin.url("/signin/callback");
    let google = context.google(&app, &table, Share::Answers, None)?;
    let Team { notifier, seals } = context.notifier(&app)?;
    let team = TeamTargets {
        mailboxes: table.clone(),
        targets: table.clone(),
        commits: table.clone(),
        notifier,
        seals,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        site: origin.clone(),
    };
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
    let desk = Desk {
        mailboxes: table.clone(),
        conversations: table.clone(),
        commits: table.clone(),
        gmail: google.gmail.clone(),
        reader: Arc::new(Mime),
        writer: Arc::new(Mime),
        queue: context.work_queue()?,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        retention: context.rules(TIME_OUT)?.retention,
    };
    let configure = Configure {
        mailboxes: table.clone(),
        engines: table.clone(),
        commits: table.clone(),
        clock: context.clock.clone(),
    };
    let disconnect = Disconnect {
        mailboxes: table.clone(),
        engines: table.clone(),
        commits: table.clone(),
        vault: google.vault,
        gmail: google.gmail.clone(),
        oauth: google.oauth.clone(),
        clock: context.clock.clone(),
    };
    let ask = AskExample {
        commits: table.clone(),
        queue: context.work_queue()?,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
    };
    let bucket = context.bucket()?;
    let bucket_origin = bucket.origin().to_owned();
    let knowledge = KnowledgeDesk {
        library: table.clone(),
        files: bucket.clone(),
        commits: table.clone(),
        queue: context.work_queue()?,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
    };
    let gaps = GapDesk {
        gaps: table.clone(),
        library: table.clone(),
        files: bucket,
        commits: table.clone(),
        queue: context.work_queue()?,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
    };
    let consent = context.value(&OAUTH_AUTH_URL)?;
    Ok(Arc::new(App {
        sign_in: SignIn { authorisations, door: door.clone(), oauth: google.oauth, redirect },
        door,
        desk,
        configure,
        disconnect,
        ask,
        knowledge,
        gaps,
        team,
        mailboxes: table.clone(),
        engines: table.clone(),
        conversations: table.clone(),
        examples: table,
        gmail: google.gmail,
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        consent_origin: consent.origin(),
        bucket_origin,
        built_in: context.value(&ASSISTANT)? == AssistantKind::Extractive,
    }))
}
