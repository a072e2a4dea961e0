//! Further mailboxes for a cloud that is to look like a busy office: made at the simulator and connected as a person would.

use crate::browse::Browser;
use crate::cloud::{self, Place};
use crate::progress::Progress;
use crate::{Context, Error, Result, demo};
use aws::{Table, emulator_config};
use channel::ports::Mailboxes;
use channel::record::{ConnectionState, MailboxView};
use runtime::clock::SystemClock;
use std::sync::Arc;

/// Google lets an app have a hundred live refresh tokens for an account; a demonstration needs fewer mailboxes than that.
pub const MOST: u16 = 100;

/// Whose mailboxes they are.
const DOMAINS: [&str; 4] = ["postroom.test", "bakery.test", "cycles.test", "museum.test"];

/// The mailbox with this number, from 1.
pub fn address(number: u16) -> String {
    let domain = DOMAINS[usize::from(number.saturating_sub(1)) % DOMAINS.len()];
    format!("support{number}@{domain}")
}

/// The table of a running cloud, as the product itself reads it.
pub fn table(place: &Place) -> Result<Table> {
    let name = place.stack.outputs.get("TableName").ok_or_else(|| Error::new("the stack has no output TableName"))?;
    Ok(Table::new(&emulator_config(&place.aws), name.clone(), Arc::new(SystemClock)))
}

/// Every mailbox that was ever connected, as the channel page has it.
pub async fn views(table: &Table) -> Result<Vec<MailboxView>> {
    let mut views = vec![];
    for meta in table.mailboxes().await.why(|| "reading the mailboxes".into())? {
        let view = table.mailbox(&meta.mailbox).await.why(|| "reading a mailbox".into())?;
        views.extend(view);
    }
    Ok(views)
}

fn is_connected(view: &MailboxView) -> bool {
    matches!(view.state(), ConnectionState::Connected | ConnectionState::Paused)
}

/// Makes and connects the mailboxes 1 to `count` that are not connected yet. Says how many it connected.
pub async fn connect(place: &Place, count: u16, progress: Progress) -> Result<usize> {
    let known: Vec<String> = views(&table(place)?)
        .await?
        .iter()
        .filter(|view| is_connected(view))
        .map(|view| view.meta.address.as_str().to_lowercase())
        .collect();
    let wanted: Vec<String> = (1..=count).map(address).filter(|address| !known.contains(address)).collect();
    if wanted.is_empty() {
        return Ok(0);
    }
    let google = place.google()?;
    let mut browser = Browser::new(cloud::client()?);
    browser.sign_in(&place.front_door, demo::OPERATOR).await?;
    for (at, address) in wanted.iter().enumerate() {
        google.add_account(address, "Support").await?;
        browser.connect(&place.front_door, address).await.why(|| format!("connecting {address}"))?;
        progress.note(&format!("mailbox {} of {}: {address}", at + 1, wanted.len()));
    }
    Ok(wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn addresses_differ_and_lie_in_several_domains() {
        let all: BTreeSet<String> = (1..=MOST).map(address).collect();
        assert_eq!(all.len(), usize::from(MOST));
        let domains: BTreeSet<&str> = all.iter().filter_map(|a| a.split_once('@')).map(|(_, domain)| domain).collect();
        assert_eq!(domains.len(), DOMAINS.len());
        assert_eq!(address(1), "support1@postroom.test");
    }
}
