//! Secrets in memory.

use async_trait::async_trait;
use channel::ids::{GrantId, MailboxId};
use channel::ports::{GrantSecret, GrantVault, VaultError};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

type Secrets = BTreeMap<(MailboxId, GrantId), GrantSecret>;

#[derive(Default)]
pub struct MemoryVault(Mutex<Secrets>);

impl MemoryVault {
    /// Which secrets there are: nothing may be forgotten.
    pub fn names(&self) -> Vec<(MailboxId, GrantId)> {
        self.secrets().keys().cloned().collect()
    }

    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.0.lock().expect("a test panicked while it held the vault")
    }
}

fn name(mailbox: &MailboxId, grant: &GrantId) -> (MailboxId, GrantId) {
    (mailbox.clone(), grant.clone())
}

#[async_trait]
impl GrantVault for MemoryVault {
    async fn read(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError> {
        self.secrets().get(&name(mailbox, grant)).cloned().ok_or(VaultError::Missing)
    }

    async fn create(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        let mut secrets = self.secrets();
        if secrets.contains_key(&name(mailbox, grant)) {
            return Err(VaultError::Denied("CreateSecret: ResourceExistsException".to_owned()));
        }
        secrets.insert(name(mailbox, grant), secret.clone());
        Ok(())
    }

    async fn replace(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        let mut secrets = self.secrets();
        let stored = secrets.get_mut(&name(mailbox, grant)).ok_or(VaultError::Missing)?;
        *stored = secret.clone();
        Ok(())
    }

    async fn delete(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<(), VaultError> {
        self.secrets().remove(&name(mailbox, grant));
        Ok(())
    }
}
