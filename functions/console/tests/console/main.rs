//! The console by Lambda events.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "../support/mod.rs"]
mod support;

mod assistant;
mod chat;
mod gallery;
mod knowledge;
mod notifications;
mod pages;
mod settings;
mod signing_in;

use channel::usecase::configure::Configure;
use channel::usecase::disconnect::Disconnect;
use channel::usecase::example::AskExample;
use channel::usecase::gaps::GapDesk;
use channel::usecase::knowledge::KnowledgeDesk;
use channel::usecase::review::Desk;
use channel::usecase::sign_in::SignIn;
use channel::usecase::targets::TeamTargets;
use console::App;
use std::sync::Arc;
use std::time::Duration;
use support::*;

pub fn router(world: &Arc<World>) -> axum::Router {
    let door = door(world);
    let sign_in = SignIn {
        authorisations: authorisations(world),
        door: door.clone(),
        oauth: world.clone(),
        redirect: format!("{ORIGIN}/signin/callback"),
    };
    let desk = Desk {
        mailboxes: world.store.clone(),
        conversations: world.store.clone(),
        commits: world.clone(),
        gmail: world.clone(),
        reader: world.clone(),
        writer: world.clone(),
        queue: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
        retention: Duration::from_secs(30 * 86_400),
    };
    let configure = Configure {
        mailboxes: world.store.clone(),
        engines: world.store.clone(),
        commits: world.clone(),
        clock: world.clone(),
    };
    let disconnect = Disconnect {
        mailboxes: world.store.clone(),
        engines: world.store.clone(),
        commits: world.clone(),
        vault: world.clone(),
        gmail: world.clone(),
        oauth: world.clone(),
        clock: world.clone(),
    };
    let ask = AskExample { commits: world.clone(), queue: world.clone(), clock: world.clone(), entropy: world.clone() };
    let knowledge = KnowledgeDesk {
        library: world.store.clone(),
        files: world.files.clone(),
        commits: world.clone(),
        queue: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
    };
    let gaps = GapDesk {
        gaps: world.store.clone(),
        library: world.store.clone(),
        files: world.files.clone(),
        commits: world.clone(),
        queue: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
    };
    let team = TeamTargets {
        mailboxes: world.store.clone(),
        targets: world.store.clone(),
        commits: world.clone(),
        notifier: world.team.clone(),
        seals: Arc::new(testkit::FakeSeals),
        clock: world.clone(),
        entropy: world.clone(),
        site: door.origin.clone(),
    };
    console::router(Arc::new(App {
        door,
        sign_in,
        desk,
        configure,
        disconnect,
        ask,
        knowledge,
        gaps,
        team,
        mailboxes: world.store.clone(),
        engines: world.store.clone(),
        conversations: world.store.clone(),
        examples: world.store.clone(),
        gmail: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
        consent_origin: "https://accounts.example.com".to_owned(),
        bucket_origin: "https://bucket.example".to_owned(),
        built_in: *world.built_in.lock().unwrap(),
    }))
}

pub async fn operator(world: &Arc<World>) -> (Browser, String) {
    signed_in(world, router(world)).await
}
