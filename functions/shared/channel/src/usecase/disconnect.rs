//! Disconnecting a mailbox (`A8`): the watch is stopped, the grant revoked at Google, its secret given to
//! token-refresher to delete, and the address is free again. Settings stay, for the day it comes back.

use crate::ids::MailboxId;
use crate::ports::{Access, Clock, CommitError, Commits, Engines, Gmail, GrantVault, Mailboxes, OAuth};
use crate::record::*;
use crate::usecase::common::Stop;
use std::sync::Arc;

const TRIES: usize = 4;

#[derive(Clone)]
pub struct Disconnect {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub commits: Arc<dyn Commits>,
    pub vault: Arc<dyn GrantVault>,
    pub gmail: Arc<dyn Gmail>,
    pub oauth: Arc<dyn OAuth>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnected {
    /// Here and at Google.
    Everywhere,
    /// Google could not be told: the person removes the access in the Google account.
    HereOnly,
    /// It was disconnected already.
    Already,
    Unknown,
}

impl Disconnect {
    pub async fn run(&self, mailbox: &MailboxId) -> Result<Disconnected, Stop> {
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(Disconnected::Unknown) };
        let Some(grant) = view.meta.grant.clone() else { return Ok(Disconnected::Already) };
        // The token is needed for the revocation, which comes last: should the commit fail, the mailbox still works.
        let secret = self.vault.read(mailbox, &grant).await;
        let access = Access { mailbox: mailbox.clone(), grant: grant.clone() };
        if let Err(error) = self.gmail.stop(&access).await {
            // Pushes that still come find a mailbox without a grant; revoking ends them too.
            tracing::info!(mailbox.id = %mailbox, %error, "the watch could not be stopped");
        }
        self.release(mailbox).await?;
        let revoked = match secret {
            Ok(secret) => self.oauth.revoke(&secret.refresh_token).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Ok(match revoked {
            Ok(()) => Disconnected::Everywhere,
            Err(error) => {
                tracing::warn!(mailbox.id = %mailbox, %error, "the grant could not be revoked at Google");
                Disconnected::HereOnly
            }
        })
    }

    async fn release(&self, mailbox: &MailboxId) -> Result<(), Stop> {
        let now = self.clock.now();
        for _ in 0..TRIES {
            let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(()) };
            let mut meta = view.meta;
            let Some(current) = meta.grant.take() else { return Ok(()) };
            meta.problem = None;
            let mut commit = Commit::new();
            if let Some(mut record) = self.engines.grant(mailbox, &current).await? {
                record.state = GrantState::Former;
                record.due_at = Some(now);
                commit = commit.put(record);
            }
            let owner = self.mailboxes.address_owner(&meta.address_hash).await?;
            if let Some(mut owner) = owner.filter(|owner| owner.mailbox.as_ref() == Some(mailbox)) {
                owner.mailbox = None;
                commit = commit.put(owner);
            }
            if let Some(mut sync) = self.engines.sync_state(mailbox).await? {
                (sync.due_at, sync.resync) = (None, None);
                commit = commit.put(sync);
            }
            if let Some(mut watch) = self.engines.watch_state(mailbox).await? {
                (watch.due_at, watch.expiration) = (None, None);
                commit = commit.put(watch);
            }
            match self.commits.commit(commit.put(meta)).await {
                Err(CommitError::Conflict(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(CommitError::Conflict(vec![ItemKey::Mailbox(mailbox.clone())]).into())
    }
}
