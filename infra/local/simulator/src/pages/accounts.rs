//! The accounts of this simulator, and a form for one more.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;

use super::{encoded, letter, look::Moment, redirect, render};
use crate::{config::AccountConfig, gmail::Params, server::Sim, state::Account, state::canonical};

enum Watched {
    Never,
    Until(Moment),
    Ended(Moment),
}

struct Line {
    address: String,
    name: String,
    domain: String,
    organisation: bool,
    messages: usize,
    unread: usize,
    drafts: usize,
    watch: Watched,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    accounts: Vec<Line>,
    error: String,
    name: String,
    address: String,
    organisation: bool,
}

fn line(account: &Account, now_ms: i64) -> Line {
    let mailbox = &account.mailbox;
    let address = account.config.address.clone();
    Line {
        name: account.config.name.clone(),
        domain: address.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned(),
        organisation: account.config.hosted_domain.is_some(),
        messages: mailbox.messages.len(),
        unread: mailbox.messages.labelled("UNREAD"),
        drafts: mailbox.drafts.len(),
        watch: match &mailbox.watch {
            None => Watched::Never,
            Some(watch) if watch.expiration_ms > now_ms => Watched::Until(Moment::of(watch.expiration_ms)),
            Some(watch) => Watched::Ended(Moment::of(watch.expiration_ms)),
        },
        address,
    }
}

fn lines(sim: &Sim) -> Vec<Line> {
    sim.read(|world| {
        let now = world.now_ms();
        world.accounts.values().map(|account| line(account, now)).collect()
    })
}

pub(super) async fn index(State(sim): State<Arc<Sim>>) -> Response {
    let page = Index {
        accounts: lines(&sim),
        error: String::new(),
        name: String::new(),
        address: String::new(),
        organisation: false,
    };
    render(StatusCode::OK, &page)
}

pub(super) async fn add(State(sim): State<Arc<Sim>>, body: String) -> Response {
    let form = Params::parse(&body);
    let name = form.get("name").unwrap_or_default().trim().to_owned();
    let typed = form.get("address").unwrap_or_default();
    let organisation = form.get("kind") == Some("organisation");
    let address = canonical(typed);
    let exists = sim.read(|world| world.accounts.contains_key(&address));
    let error = if !letter::is_address(&address) {
        "Not added: this is no address. Write it like name@example.com."
    } else if exists {
        "Not added: there is an account with this address already."
    } else {
        let config = if organisation {
            AccountConfig::workspace(&address, &name)
        } else {
            AccountConfig::consumer(&address, &name)
        };
        let kept = sim.config.history_kept();
        sim.write(|world| world.add_account(config, kept));
        return redirect(&format!("/mail/{}?said=added", encoded(&address)));
    };
    let page = Index { accounts: lines(&sim), error: error.to_owned(), name, address: typed.to_owned(), organisation };
    render(StatusCode::BAD_REQUEST, &page)
}
