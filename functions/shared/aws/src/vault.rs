//! The secrets: one for each grant, and the one of the application.
//!
//! Invariant: nothing here that holds a secret is `Debug`, `Display` or `Serialize`, and no error quotes one.

use crate::failure::{self, Failure, Kind};
use crate::meter::Meter;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use channel::ids::{GrantId, MailboxId};
use channel::ports::{Clock, GrantSecret, GrantVault, VaultError};
use channel::time::Timestamp;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long the application's secret is kept in memory.
const KEPT: Duration = Duration::from_secs(5 * 60);

#[derive(Clone)]
pub struct Vault {
    client: Client,
    prefix: String,
    meter: Option<Arc<Meter>>,
}

impl Vault {
    /// A grant's secret is named `<prefix>/<mailbox>/<grant>`.
    pub fn new(config: &SdkConfig, prefix: impl Into<String>) -> Self {
        Self { client: Client::new(config), prefix: prefix.into(), meter: None }
    }

    /// Counts requests in `meter`.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    fn name(&self, mailbox: &MailboxId, grant: &GrantId) -> String {
        format!("{}/{mailbox}/{grant}", self.prefix)
    }

    fn count(&self, operation: &'static str) {
        if let Some(meter) = &self.meter {
            meter.request(operation);
        }
    }
}

/// The stored form; read here and written by [`write`] alone.
#[derive(Deserialize)]
struct Stored {
    refresh_token: String,
    access_token: String,
    expires_at: Timestamp,
}

fn write(secret: &GrantSecret) -> String {
    serde_json::json!({
        "refresh_token": secret.refresh_token,
        "access_token": secret.access_token,
        "expires_at": secret.access_expires_at,
    })
    .to_string()
}

fn read(text: &str) -> Result<GrantSecret, VaultError> {
    // Serde's message would quote the secret.
    let stored: Stored = serde_json::from_str(text).map_err(|_| {
        VaultError::Denied("the secret of a grant is not in its form: reconnect the mailbox".to_owned())
    })?;
    Ok(GrantSecret {
        refresh_token: stored.refresh_token,
        access_token: stored.access_token,
        access_expires_at: stored.expires_at,
    })
}

#[async_trait]
impl GrantVault for Vault {
    async fn read(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<GrantSecret, VaultError> {
        self.count("GetSecretValue");
        read(get(&self.client, &self.name(mailbox, grant)).await?.expose())
    }

    async fn create(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        let operation = "CreateSecret";
        self.count(operation);
        let request = self.client.create_secret().name(self.name(mailbox, grant)).secret_string(write(secret));
        request.send().await.map_err(|error| sort(operation, &error))?;
        Ok(())
    }

    async fn replace(&self, mailbox: &MailboxId, grant: &GrantId, secret: &GrantSecret) -> Result<(), VaultError> {
        let operation = "PutSecretValue";
        self.count(operation);
        let request = self.client.put_secret_value().secret_id(self.name(mailbox, grant)).secret_string(write(secret));
        request.send().await.map_err(|error| sort(operation, &error))?;
        Ok(())
    }

    async fn delete(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<(), VaultError> {
        let operation = "DeleteSecret";
        self.count(operation);
        let request = self.client.delete_secret().secret_id(self.name(mailbox, grant));
        match request.force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error) => match sort(operation, &error) {
                VaultError::Missing => Ok(()),
                other => Err(other),
            },
        }
    }
}

async fn get(client: &Client, id: &str) -> Result<SecretText, VaultError> {
    let operation = "GetSecretValue";
    let answer = client.get_secret_value().secret_id(id).send().await.map_err(|error| sort(operation, &error))?;
    let text =
        answer.secret_string.ok_or_else(|| VaultError::Denied(format!("{operation}: the secret is not text")))?;
    Ok(SecretText(text))
}

fn sort<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> VaultError {
    let Failure { kind, code, text } = failure::sort(operation, error);
    // A secret that is being deleted answers InvalidRequestException; it is as good as gone.
    let being_deleted = code == "InvalidRequestException" && error.message().is_some_and(|text| text.contains("delet"));
    match (code.as_str(), kind) {
        ("ResourceNotFoundException", _) => VaultError::Missing,
        _ if being_deleted => VaultError::Missing,
        (_, Kind::Unavailable) => VaultError::Unavailable(text),
        (_, Kind::Broken) => VaultError::Denied(text),
    }
}

/// A secret as it is stored. It has to be asked for by name to be seen.
pub struct SecretText(String);

impl SecretText {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Reads the application's secret, at most every five minutes.
pub struct AppSecretReader {
    client: Client,
    id: String,
    clock: Arc<dyn Clock>,
    meter: Option<Arc<Meter>>,
    kept: Mutex<Option<(Timestamp, Arc<SecretText>)>>,
}

impl AppSecretReader {
    /// `id` is a name or an ARN.
    pub fn new(config: &SdkConfig, id: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(config), id: id.into(), clock, meter: None, kept: Mutex::new(None) }
    }

    /// Counts requests in `meter`.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// From memory while it is fresh.
    pub async fn read(&self) -> Result<Arc<SecretText>, VaultError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some((_, text)) = kept.as_ref().filter(|(at, _)| *at <= now && now.since(*at) < KEPT) {
            return Ok(Arc::clone(text));
        }
        self.fetch(&mut kept).await
    }

    /// Afresh, for a client that is refused: the secret may have been replaced.
    pub async fn reload(&self) -> Result<Arc<SecretText>, VaultError> {
        self.fetch(&mut *self.kept.lock().await).await
    }

    async fn fetch(&self, kept: &mut Option<(Timestamp, Arc<SecretText>)>) -> Result<Arc<SecretText>, VaultError> {
        if let Some(meter) = &self.meter {
            meter.request("GetSecretValue");
        }
        let text = Arc::new(get(&self.client, &self.id).await?);
        *kept = Some((self.clock.now(), Arc::clone(&text)));
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_secret_keeps_its_form() {
        let secret = GrantSecret {
            refresh_token: "r\"1".to_owned(),
            access_token: "a".to_owned(),
            access_expires_at: Timestamp::from_millis(1_790_000_000_123),
        };
        let text = write(&secret);
        assert_eq!(text, r#"{"access_token":"a","expires_at":1790000000123,"refresh_token":"r\"1"}"#);
        assert!(read(&text).is_ok_and(|back| back == secret));
    }

    #[test]
    fn a_secret_in_another_form_is_not_quoted() {
        let Err(error) = read(r#"{"refresh_token":"1//hidden"}"#) else { panic!("it was read") };
        assert!(!error.to_string().contains("hidden"));
    }
}
