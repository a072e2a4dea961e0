//! What a simulator is started with. Everything here can also be changed while it runs, over `/_sim/`.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{limits::Limits, mailbox::Kept};

/// How to start a [`crate::Simulator`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Loopback port; 0 lets the system choose.
    pub port: u16,
    /// The `iss` of every token. `None`: the server's own address.
    pub issuer: Option<String>,
    /// Where keys and mailboxes are kept. `None`: in memory only.
    pub state_dir: Option<PathBuf>,
    /// How many history records a mailbox keeps before older start ids answer 404.
    pub history_limit: usize,
    /// How many hours, by the simulator's own clock, a history record is kept before older start ids answer 404.
    pub history_hours: u32,
    /// Lifetime of an access token.
    pub access_token_seconds: u64,
    /// First pause before a push is delivered again; this and the next two hold for a subscription without a
    /// [`crate::Policy`] of its own.
    pub push_min_backoff: Duration,
    /// Longest pause between two deliveries of one push.
    pub push_max_backoff: Duration,
    /// Deliveries of one push before it is given up; Pub/Sub itself gives up only when the retention is over.
    pub push_max_attempts: u32,
    /// How long the push endpoint may take to answer.
    pub push_ack_deadline: Duration,
    /// Drop what exceeds one notification per second and mailbox, as Gmail does.
    pub push_rate_limit: bool,
    /// What a mailbox may do before it is refused.
    pub limits: Limits,
    /// Mailboxes made on the first start; a mailbox that is already in the state stays as it is.
    pub accounts: Vec<AccountConfig>,
    /// OAuth clients known from the start.
    pub clients: Vec<Client>,
    /// Push subscriptions known from the start.
    pub subscriptions: Vec<Subscription>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            issuer: None,
            state_dir: None,
            history_limit: 50_000,
            history_hours: 168,
            access_token_seconds: 3_599,
            push_min_backoff: Duration::from_secs(1),
            push_max_backoff: Duration::from_secs(60),
            push_max_attempts: u32::MAX,
            push_ack_deadline: Duration::from_secs(10),
            push_rate_limit: false,
            limits: Limits::default(),
            accounts: vec![
                AccountConfig::workspace("support@postroom.test", "Support"),
                AccountConfig::workspace("operator@postroom.test", "Operator"),
                AccountConfig::consumer("customer@customer.test", "Customer"),
                AccountConfig::consumer("second@customer.test", "Second Customer"),
            ],
            clients: Vec::new(),
            subscriptions: Vec::new(),
        }
    }
}

impl Config {
    pub(crate) fn history_kept(&self) -> Kept {
        Kept { records: self.history_limit, age_ms: i64::from(self.history_hours) * 3_600_000 }
    }
}

/// One mailbox and the person behind it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountConfig {
    pub address: String,
    #[serde(default)]
    pub name: String,
    /// The hosted domain that an id token names as `hd`; a consumer account has none.
    #[serde(default)]
    pub hosted_domain: Option<String>,
}

impl AccountConfig {
    /// An account of an organisation: its id tokens carry `hd`.
    pub fn workspace(address: &str, name: &str) -> Self {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        Self { address: address.to_owned(), name: name.to_owned(), hosted_domain: domain }
    }

    /// A private account: its id tokens carry no `hd`.
    pub fn consumer(address: &str, name: &str) -> Self {
        Self { address: address.to_owned(), name: name.to_owned(), hosted_domain: None }
    }
}

/// An OAuth client as it would be registered in a Google project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uris: Vec<String>,
    /// The consent screen's publishing status "Testing": refresh tokens die after seven days.
    #[serde(default)]
    pub testing: bool,
}

/// A Pub/Sub push subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// `projects/P/topics/T`
    pub topic: String,
    /// `projects/P/subscriptions/S`
    pub subscription: String,
    pub push_endpoint: String,
    /// `aud` of the token; empty: the push endpoint itself.
    #[serde(default)]
    pub audience: String,
    /// The e-mail of the service account that signs.
    pub service_account: String,
}
