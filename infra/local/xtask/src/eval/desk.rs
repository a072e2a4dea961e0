//! Who writes the answers that are measured.

use crate::{Context, Error, Result};
use assistant::Extractive;
use assistant::knowledge::Index;
use assistant::provider::{
    Credentials, EmbeddingSettings, Grounded, KeySource, Model, ModelSettings, Prices, Provider, Sign, hundredths,
};
use async_trait::async_trait;
use channel::assistant::KnowledgeDocument;
use channel::ports::{Assistant, Clock};
use runtime::clock::SystemClock;
use runtime::config::{self, AssistantKind, Environment, Reader, Source, Variable};
use runtime::entropy::SystemEntropy;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use testkit::model::{Character, Dialect, ModelServer, Reply, embedding};

/// What `--provider` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The built-in assistant.
    Extractive,
    /// A scripted model server on this machine.
    Scripted(Character),
    /// The model that the worker's variables name.
    Configured,
}

impl Asked {
    pub fn parse(text: &str) -> Result<Self, String> {
        let scripted = text.strip_prefix("scripted:").map(Character::parse);
        match (text, scripted) {
            ("extractive", _) => Ok(Self::Extractive),
            ("configured", _) => Ok(Self::Configured),
            (_, Some(Some(character))) => Ok(Self::Scripted(character)),
            _ => {
                let names = Character::ALL.map(|character| format!("scripted:{}", character.name()));
                Err(format!("no provider; there are extractive, configured, {}", names.join(", ")))
            }
        }
    }

    /// As it is asked for.
    pub fn name(self) -> String {
        match self {
            Self::Extractive => "extractive".to_owned(),
            Self::Configured => "configured".to_owned(),
            Self::Scripted(character) => format!("scripted:{}", character.name()),
        }
    }
}

/// Writes answers, in the surroundings that it needs.
pub struct Desk {
    pub assistant: Arc<dyn Assistant>,
    /// The model by its provider's name; none for the built-in assistant.
    pub model: Option<String>,
    /// How long an answer may take.
    pub within: Duration,
    /// Answers asked for at once.
    pub at_once: usize,
    pub clock: Arc<dyn Clock>,
    /// Asked for passages, where it embeds.
    pub searcher: Option<Arc<Model>>,
    /// Kept for as long as it is asked.
    servers: Vec<ModelServer>,
}

/// A model on this machine that does not answer by then never does.
const SCRIPTED_WITHIN: Duration = Duration::from_secs(3);

/// Texts that share no part of a word have next to nothing in common.
fn scripted_embedding() -> EmbeddingSettings {
    EmbeddingSettings { floor: 0.25, ..EmbeddingSettings::new("spelled") }
}

/// A key that was read once, or none.
struct Key(Option<String>);

#[async_trait]
impl KeySource for Key {
    async fn key(&self, _afresh: bool) -> Result<Option<String>, String> {
        Ok(self.0.clone())
    }
}

struct Signed(aws::Signer);

#[async_trait]
impl Sign for Signed {
    async fn sign(&self, url: &str, host: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
        self.0.sign(url, host, body).await
    }
}

impl Desk {
    pub async fn open(asked: Asked, key: Option<&Path>, documents: &[KnowledgeDocument]) -> Result<Self> {
        let index = Index::build(documents);
        match asked {
            Asked::Extractive => Ok(Self {
                assistant: Arc::new(Extractive::new(index)),
                model: None,
                within: Duration::from_secs(60),
                at_once: 1,
                clock: Arc::new(SystemClock),
                searcher: None,
                servers: vec![],
            }),
            Asked::Scripted(character) => {
                let reply = move |seen: &_| character.reply(Dialect::OpenAi, seen);
                let server = ModelServer::start(move |seen, _| embedding::spelled(seen).unwrap_or_else(|| reply(seen)));
                let server = server.await.why(|| "the scripted model server".into())?;
                let settings = ModelSettings {
                    pause: Duration::ZERO,
                    embedding: Some(scripted_embedding()),
                    ..ModelSettings::new(Provider::OpenAi, "scripted", server.url.clone())
                };
                let (within, at_once) = match character {
                    Character::Slow => (SCRIPTED_WITHIN, 128),
                    _ => (Duration::from_secs(60), 4),
                };
                let desk = Self::asking(settings, Credentials::Key(Arc::new(Key(None))), index)?;
                Ok(Self { within, at_once, servers: vec![server], ..desk })
            }
            Asked::Configured => Self::configured(key, index).await,
        }
    }

    fn asking(settings: ModelSettings, credentials: Credentials, index: Index) -> Result<Self> {
        let http = runtime::http::client().why(|| "the model's client".into())?;
        let name = settings.model.clone();
        let embeds = settings.embedding.is_some();
        let model = Arc::new(Model::new(settings, credentials, http, Arc::new(SystemClock), Arc::new(SystemEntropy)));
        Ok(Self {
            searcher: embeds.then(|| model.clone()),
            assistant: Arc::new(Grounded { model, index: Arc::new(index) }),
            model: Some(name),
            within: Duration::from_secs(60),
            at_once: 2,
            clock: Arc::new(SystemClock),
            servers: vec![],
        })
    }

    /// Passages are found with embeddings of this server; who answers stays as it is.
    pub fn with_embeddings(mut self, url: String, embedding: EmbeddingSettings) -> Result<Self> {
        let http = runtime::http::client().why(|| "the client of the embeddings".into())?;
        let settings = ModelSettings {
            pause: Duration::ZERO,
            embedding: Some(embedding),
            ..ModelSettings::new(Provider::OpenAi, "", url)
        };
        let credentials = Credentials::Key(Arc::new(Key(None)));
        let model = Model::new(settings, credentials, http, Arc::new(SystemClock), Arc::new(SystemEntropy));
        self.searcher = Some(Arc::new(model));
        Ok(self)
    }

    /// The same with a scripted server: it shows that the way is whole, and not how well a real model finds.
    pub async fn with_scripted_embeddings(self) -> Result<Self> {
        let server = ModelServer::start(|seen, _| embedding::spelled(seen).unwrap_or_else(|| Reply::status(404)));
        let server = server.await.why(|| "the scripted embeddings".into())?;
        let mut desk = self.with_embeddings(server.url.clone(), scripted_embedding())?;
        desk.servers.push(server);
        Ok(desk)
    }

    /// By the worker's own variables, so that what is measured is what would answer.
    async fn configured(key: Option<&Path>, index: Index) -> Result<Self> {
        let (provider, settings) = settings(&Environment)?;
        if provider == Provider::Bedrock {
            let sdk = aws::sdk_config().await;
            let region = value(&Environment, &config::MODEL_REGION)?;
            let signer = aws::Signer::new(&sdk, region, "bedrock", Arc::new(SystemClock))
                .why(|| "signing for Bedrock".into())?;
            let url = settings.url.clone().unwrap_or_else(|| provider.address(signer.region()));
            return Self::asking(settings.with(url), Credentials::Signature(Arc::new(Signed(signer))), index);
        }
        let key = key.map(|path| fs::read_to_string(path).why(|| format!("cannot read {}", path.display())));
        let key = key.transpose()?.map(|text| text.trim().to_owned());
        if key.is_none() && settings.url.is_none() {
            return Err(Error::new(format!("{} asks for a key", provider.code()))
                .remedy("put it into a file that only you can read, and name that with --key-file"));
        }
        let url = settings.url.clone().unwrap_or_else(|| provider.address(""));
        Self::asking(settings.with(url), Credentials::Key(Arc::new(Key(key))), index)
    }
}

/// A model's settings, as far as they need no server's address.
#[derive(Debug)]
struct Unplaced {
    url: Option<String>,
    of: ModelSettings,
}

impl Unplaced {
    fn with(self, url: String) -> ModelSettings {
        ModelSettings { url, ..self.of }
    }
}

fn value<T>(source: &dyn Source, variable: &Variable<T>) -> Result<T> {
    let mut reader = Reader::new(source);
    match reader.read(variable) {
        Some(value) => Ok(value),
        None => Err(Error::new(reader.error().to_string())),
    }
}

fn settings(source: &dyn Source) -> Result<(Provider, Unplaced)> {
    let provider = match value(source, &config::ASSISTANT)? {
        AssistantKind::Extractive => {
            return Err(Error::new(format!("{} names no model", config::ASSISTANT.name()))
                .remedy("set it and its neighbours as the README's configuration says, or leave --provider out"));
        }
        AssistantKind::Bedrock => Provider::Bedrock,
        AssistantKind::OpenAi => Provider::OpenAi,
        AssistantKind::Anthropic => Provider::Anthropic,
    };
    let model = value(source, &config::MODEL)?;
    let model = model.ok_or_else(|| Error::new(format!("{} names no model", config::MODEL.name())))?;
    let embedding = value(source, &config::EMBEDDING_MODEL)?;
    let (price, floor) = (value(source, &config::EMBEDDING_PRICE)?, value(source, &config::EMBEDDING_FLOOR)?);
    let of = ModelSettings {
        embedding: embedding.map(|model| EmbeddingSettings { model, price, floor: hundredths(floor) }),
        keeps_schema: value(source, &config::MODEL_FORMAT)?,
        context_tokens: value(source, &config::MODEL_CONTEXT_TOKENS)?,
        prices: Prices {
            input: value(source, &config::MODEL_INPUT_PRICE)?,
            output: value(source, &config::MODEL_OUTPUT_PRICE)?,
        },
        ..ModelSettings::new(provider, model, "")
    };
    let url = value(source, &config::MODEL_URL)?.map(|url| url.as_str().to_owned());
    Ok((provider, Unplaced { url, of }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_provider_is_named_as_it_is_asked_for() {
        let scripted = Character::ALL.map(Asked::Scripted);
        for asked in [Asked::Extractive, Asked::Configured].into_iter().chain(scripted) {
            assert_eq!(Asked::parse(&asked.name()), Ok(asked));
        }
        assert!(Asked::parse("scripted:kind").unwrap_err().contains("scripted:obedient"));
    }

    #[test]
    fn a_configured_model_is_the_workers() {
        let source = BTreeMap::from([
            ("POSTROOM_ASSISTANT", "openai"),
            ("POSTROOM_MODEL", "small"),
            ("POSTROOM_MODEL_URL", "http://127.0.0.1:1/v1"),
            ("POSTROOM_MODEL_FORMAT", "text"),
        ]);
        let (provider, settings) = settings(&source).unwrap();
        assert_eq!((provider, settings.url.as_deref()), (Provider::OpenAi, Some("http://127.0.0.1:1/v1")));
        let settings = settings.with("x".to_owned());
        assert_eq!((settings.model.as_str(), settings.keeps_schema), ("small", false));
    }

    #[test]
    fn without_a_model_there_is_a_remedy() {
        for source in [BTreeMap::new(), BTreeMap::from([("POSTROOM_ASSISTANT", "anthropic")])] {
            assert!(settings(&source).unwrap_err().to_string().contains("names no model"));
        }
    }
}
