//! A model, its scripted provider, and a customer's question.

use assistant::knowledge::Index;
use assistant::provider::{Credentials, KeySource, Model, ModelSettings, Prices, Provider, Sign};
use async_trait::async_trait;
use channel::assistant::{Answer, AnswerRequest, AssistantError, Author, ChainMail, KnowledgeDocument, Personality};
use channel::ports::Clock;
use runtime::clock::SystemClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::SequenceEntropy;
use testkit::model::{Dialect, ModelServer, Reply, Say, Seen};

pub const KEY: &str = "sk-very-secret-1";
pub const MODEL: &str = "vendor.model-1:0";
pub const QUESTION: &str = "Hello,\n\nhow long does standard delivery take?\n\nAda Quillfeather";
pub const GUIDE: &str = "# Help\n\n## Delivery times\n\nStandard delivery takes 3 to 5 working days.\n\n## Opening hours\n\nThe shop is open Monday to Friday from 9:00 to 18:00.\n";

pub struct Desk {
    pub dialect: Dialect,
    pub server: ModelServer,
    pub settings: ModelSettings,
    pub request: AnswerRequest,
    /// How often the key was asked for anew after a refusal.
    pub reloads: Arc<AtomicU32>,
}

struct OneKey(Arc<AtomicU32>);

#[async_trait]
impl KeySource for OneKey {
    async fn key(&self, afresh: bool) -> Result<Option<String>, String> {
        self.0.fetch_add(u32::from(afresh), Ordering::SeqCst);
        Ok(Some(KEY.to_owned()))
    }
}

/// By the adapter that the worker uses; the emulator's credentials are `test` and `test`.
pub struct ByAdapter(pub aws::Signer);

#[async_trait]
impl Sign for ByAdapter {
    async fn sign(&self, url: &str, host: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
        self.0.sign(url, host, body).await
    }
}

pub fn provider(dialect: Dialect) -> Provider {
    match dialect {
        Dialect::OpenAi => Provider::OpenAi,
        Dialect::Anthropic => Provider::Anthropic,
        Dialect::Bedrock => Provider::Bedrock,
    }
}

impl Desk {
    pub async fn new(dialect: Dialect, answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let server = ModelServer::start(answer).await.unwrap();
        let mut settings = ModelSettings::new(provider(dialect), MODEL, server.url.clone());
        settings.prices = Prices { input: 1_000_000, output: 4_000_000 };
        settings.pause = Duration::ZERO;
        let mail = ChainMail { author: Author::Customer, at: SystemClock.now(), text: QUESTION.to_owned() };
        let request = AnswerRequest {
            subject: "Delivery of a teapot".to_owned(),
            chain: vec![mail],
            open: 1,
            personality: Personality { tone: "brief".to_owned(), ..Personality::default() },
            ..AnswerRequest::default()
        };
        Self { dialect, server, settings, request, reloads: Arc::default() }
    }

    /// A model that says these, one after the other, and the last one again and again.
    pub async fn saying(dialect: Dialect, says: Vec<Say>) -> Self {
        Self::new(dialect, move |seen, before| {
            Reply::json(&dialect.said(says.get(before).or(says.last()).expect("something to say"), seen))
        })
        .await
    }

    pub async fn ask(&self) -> Result<Answer, AssistantError> {
        self.model().answer(&index(), &self.request).await
    }

    /// What is asked; it knows nothing yet.
    pub fn model(&self) -> Model {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let credentials = match self.dialect {
            Dialect::Bedrock => {
                let config = aws::emulator_config(&self.server.url);
                let signer = aws::Signer::new(&config, Some("eu-west-1".to_owned()), "bedrock", clock.clone()).unwrap();
                Credentials::Signature(Arc::new(ByAdapter(signer)))
            }
            _ => Credentials::Key(Arc::new(OneKey(self.reloads.clone()))),
        };
        let http = runtime::http::client().unwrap();
        Model::new(self.settings.clone(), credentials, http, clock, Arc::new(SequenceEntropy::default()))
    }

    pub fn within(mut self, length: Duration) -> Self {
        self.request.deadline = Some(SystemClock.now().plus(length));
        self
    }

    pub fn calls(&self) -> usize {
        self.server.seen().len()
    }
}

pub fn index() -> Index {
    index_of(GUIDE)
}

pub fn index_of(guide: &str) -> Index {
    Index::build(&[KnowledgeDocument { id: "help".into(), title: "Help".into(), text: guide.into(), version: 1 }])
}

pub fn good() -> Value {
    json!({
        "intent": "question", "language": "en", "sentiment": "positive", "urgency": "low", "answerable": true,
        "confidence": 0.9, "reply": "Standard delivery takes 3 to 5 working days.", "sources": ["help#1"],
        "reason_for_person": ""
    })
}

/// The good answer with one field changed.
pub fn but(name: &str, value: Value) -> Say {
    let mut answer = good();
    answer[name] = value;
    Say::whole(answer.to_string())
}

/// Why there is no answer, and no word of key, mail or prompt in it.
pub fn why(ended: Result<Answer, AssistantError>) -> (&'static str, String) {
    let (kind, why) = match ended {
        Ok(answer) => panic!("answered: {answer:?}"),
        Err(AssistantError::Unavailable { why, .. }) => ("unavailable", why),
        Err(AssistantError::Unusable { why, .. }) => ("unusable", why),
    };
    for secret in [KEY, "secret-1", "Quillfeather", "teapot", "standard delivery", "kestrel", "127.0.0.1"] {
        assert!(!why.contains(secret), "{secret} is in: {why}");
    }
    (kind, why)
}
