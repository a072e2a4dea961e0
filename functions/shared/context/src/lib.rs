//! What the mains are wired from: the adapters, built from the configuration, each once and on demand.
//!
//! Invariant: no rule and no decision lives here; a function asks for the parts that it needs, and only their variables
//! have to be there.

use async_trait::async_trait;
use aws::{
    AppSecretReader, Bucket, DeadLetters, EmailTopic, SdkConfig, Signer, SourceQueue, SyncSender, Table, Vault,
    WorkSender,
};
use channel::ports::{
    Clock, Entropy, Files, Gmail, GrantVault, Notifier, OAuth, Pseudonyms, Seals, SyncQueue, Topic, WorkQueue,
};
use channel::usecase::budget::{BudgetedGmail, Share};
use channel::usecase::common::{DAY, Rules};
use google::gmail::GoogleGmail;
use google::jwks::Jwks;
use google::oauth::{ClientSource, GoogleOAuth, OAuthEndpoints};
use google::tokens::Tokens;
use notify::guard::{Guard, SystemResolver};
use notify::{Notify, SlackToken};
use runtime::clock::SystemClock;
use runtime::config::{self, Endpoint, Environment, Reader, Variable};
use runtime::entropy::SystemEntropy;
use runtime::keys::{AppSecret, Keys};
use runtime::sqs::Runner;
use std::sync::Arc;
use std::time::Duration;

/// Why a function cannot be set up: names the cause and the remedy, never a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

impl NotReady {
    pub fn because(cause: impl Into<String>) -> Self {
        Self(cause.into())
    }
}

fn not_ready(error: impl std::fmt::Display) -> NotReady {
    NotReady(error.to_string())
}

pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub http: reqwest::Client,
    sdk: SdkConfig,
}

/// The OAuth client and the keys, from the `app` secret.
pub struct App {
    pub keys: Keys,
    pub pseudonyms: Arc<dyn Pseudonyms>,
    secret: AppSecret,
    reader: Arc<AppSecretReader>,
}

/// Google, as far as a function uses it.
pub struct Google {
    pub oauth: Arc<dyn OAuth>,
    pub vault: Arc<dyn GrantVault>,
    /// Within the mailbox's budget.
    pub gmail: Arc<dyn Gmail>,
}

/// What telling the team needs.
pub struct Team {
    pub notifier: Arc<dyn Notifier>,
    pub seals: Arc<dyn Seals>,
}

struct Reload(Arc<AppSecretReader>);

/// The key of the model provider, from the `app` secret, at most five minutes old.
pub struct ModelKey {
    reader: Arc<AppSecretReader>,
    required: bool,
}

impl ModelKey {
    /// None when there is no key and none is required. `afresh` when the one that is known was refused.
    pub async fn read(&self, afresh: bool) -> Result<Option<String>, String> {
        let text = if afresh { self.reader.reload().await } else { self.reader.read().await };
        let text = text.map_err(|error| error.to_string())?;
        let secret = AppSecret::parse(text.expose()).map_err(|error| error.to_string())?;
        match secret.model_key() {
            Ok(key) => Ok(Some(key.to_owned())),
            Err(_) if !self.required => Ok(None),
            Err(missing) => Err(missing.to_string()),
        }
    }
}

impl App {
    pub fn model_key(&self, required: bool) -> ModelKey {
        ModelKey { reader: self.reader.clone(), required }
    }
}

/// The token of our Slack bot, from the `app` secret, at most five minutes old.
struct FromAppSecret(Arc<AppSecretReader>);

#[async_trait]
impl SlackToken for FromAppSecret {
    async fn token(&self, afresh: bool) -> Result<Option<String>, String> {
        let text = if afresh { self.0.reload().await } else { self.0.read().await };
        let text = text.map_err(|error| error.to_string())?;
        let secret = AppSecret::parse(text.expose()).map_err(|error| error.to_string())?;
        Ok(secret.slack_token().map(str::to_owned))
    }
}

#[async_trait]
impl ClientSource for Reload {
    async fn reload(&self) -> Result<(String, String), String> {
        let text = self.0.reload().await.map_err(|error| error.to_string())?;
        let secret = AppSecret::parse(text.expose()).map_err(|error| error.to_string())?;
        let (id, secret) = secret.client().map_err(|error| error.to_string())?;
        Ok((id.to_owned(), secret.to_owned()))
    }
}

impl Context {
    /// Starts logging, and finds region and credentials.
    pub async fn new() -> Result<Self, NotReady> {
        if let Err(error) = runtime::telemetry::init(&Environment) {
            tracing::error!(%error, "logging starts with its default");
        }
        let http = runtime::http::client().map_err(not_ready)?;
        let sdk = aws::sdk_config().await;
        Ok(Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), http, sdk })
    }

    pub fn value<T>(&self, variable: &Variable<T>) -> Result<T, NotReady> {
        let mut reader = Reader::new(&Environment);
        match reader.read(variable) {
            Some(value) => Ok(value),
            None => Err(not_ready(reader.error())),
        }
    }

    fn address(&self, variable: &Variable<Endpoint>) -> Result<String, NotReady> {
        Ok(self.value(variable)?.as_str().to_owned())
    }

    pub fn table(&self) -> Result<Arc<Table>, NotReady> {
        Ok(Arc::new(Table::new(&self.sdk, self.value(&config::TABLE)?, self.clock.clone())))
    }

    pub fn files(&self) -> Result<Arc<dyn Files>, NotReady> {
        Ok(self.bucket()?)
    }

    /// As [`Self::files`], for who has to tell browsers where it is.
    pub fn bucket(&self) -> Result<Arc<Bucket>, NotReady> {
        let bucket = Bucket::new(&self.sdk, self.value(&config::BUCKET)?, self.clock.clone()).map_err(not_ready)?;
        Ok(Arc::new(bucket))
    }

    pub fn sync_queue(&self) -> Result<Arc<dyn SyncQueue>, NotReady> {
        Ok(Arc::new(SyncSender::new(&self.sdk, self.address(&config::SYNC_QUEUE_URL)?)))
    }

    pub fn work_queue(&self) -> Result<Arc<dyn WorkQueue>, NotReady> {
        Ok(Arc::new(WorkSender::new(&self.sdk, self.address(&config::WORK_QUEUE_URL)?)))
    }

    /// The record runner of a function's own queue.
    pub fn runner(&self, queue: &Variable<Endpoint>, dead_letters: &Variable<Endpoint>) -> Result<Runner, NotReady> {
        let visibility = SourceQueue::new(&self.sdk, self.address(queue)?);
        let dead_letters = DeadLetters::new(&self.sdk, self.address(dead_letters)?);
        Ok(Runner::new(Arc::new(visibility), Arc::new(dead_letters)))
    }

    pub async fn app(&self) -> Result<App, NotReady> {
        let reader = Arc::new(AppSecretReader::new(&self.sdk, self.value(&config::APP_SECRET)?, self.clock.clone()));
        let text = reader.read().await.map_err(not_ready)?;
        let secret = AppSecret::parse(text.expose()).map_err(not_ready)?;
        let keys = secret.keys();
        let pseudonyms: Arc<dyn Pseudonyms> = Arc::new(keys.pseudonyms());
        Ok(App { keys, pseudonyms, secret, reader })
    }

    /// Signs requests to `service` by the function's role, in `region` or the function's own.
    pub fn signer(&self, service: &'static str, region: Option<String>) -> Result<Signer, NotReady> {
        Signer::new(&self.sdk, region, service, self.clock.clone()).map_err(not_ready)
    }

    pub fn jwks(&self) -> Result<Arc<Jwks>, NotReady> {
        Ok(Arc::new(Jwks::new(self.http.clone(), self.address(&config::JWKS_URL)?, self.clock.clone())))
    }

    /// `topic` for the one function that asks Gmail to push.
    pub fn google(
        &self,
        app: &App,
        table: &Arc<Table>,
        share: Share,
        topic: Option<String>,
    ) -> Result<Google, NotReady> {
        let endpoints = OAuthEndpoints {
            auth: self.address(&config::OAUTH_AUTH_URL)?,
            token: self.address(&config::OAUTH_TOKEN_URL)?,
            revoke: self.address(&config::OAUTH_REVOKE_URL)?,
            issuer: self.address(&config::OIDC_ISSUER)?,
        };
        let (id, secret) = app.secret.client().map_err(not_ready)?;
        let source = Arc::new(Reload(app.reader.clone()));
        let client = (id.to_owned(), secret.to_owned());
        let oauth: Arc<dyn OAuth> =
            Arc::new(GoogleOAuth::new(self.http.clone(), endpoints, client, source, self.jwks()?));
        let vault: Arc<dyn GrantVault> = Arc::new(Vault::new(&self.sdk, self.value(&config::SECRET_PREFIX)?));
        let tokens = Arc::new(Tokens::new(vault.clone(), oauth.clone(), self.clock.clone()));
        let url = self.address(&config::GMAIL_URL)?;
        let gmail = GoogleGmail::new(self.http.clone(), &url, topic, tokens, self.clock.clone()).map_err(not_ready)?;
        let gmail = BudgetedGmail::new(Arc::new(gmail), table.clone(), table.clone(), self.clock.clone(), share);
        Ok(Google { oauth, vault, gmail: Arc::new(gmail) })
    }

    /// Who tells the team, and what seals the addresses of targets.
    pub fn notifier(&self, app: &App) -> Result<Team, NotReady> {
        let seals: Arc<dyn Seals> = Arc::new(app.keys.seals());
        let topic = self.value(&config::NOTIFY_TOPIC)?;
        let topic = topic.map(|arn| -> Arc<dyn Topic> { Arc::new(EmailTopic::new(&self.sdk, arn)) });
        let notifier = Notify {
            guard: Guard::new(Arc::new(SystemResolver), self.value(&config::LOCAL_RECEIVERS)?),
            seals: seals.clone(),
            slack_token: Arc::new(FromAppSecret(app.reader.clone())),
            slack_api: self.address(&config::LOCAL_SLACK_URL)?,
            topic,
            clock: self.clock.clone(),
        };
        Ok(Team { notifier: Arc::new(notifier), seals })
    }

    /// The numbers of the rules, for a function with this time-out.
    pub fn rules(&self, time_out: Duration) -> Result<Rules, NotReady> {
        Ok(Rules {
            settle: self.value(&config::SETTLE_SECONDS)?,
            retention: DAY * u32::from(self.value(&config::RETENTION_DAYS)?),
            fallback: self.value(&config::FALLBACK_SYNC_SECONDS)?,
            lease: time_out + Duration::from_secs(10),
            ..Rules::default()
        })
    }
}
