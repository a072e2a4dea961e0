//! The configured model, or none: the built-in assistant then answers.

use assistant::provider::{
    Credentials, EmbeddingSettings, KeySource, Model, ModelSettings, Prices, Provider, Sign, hundredths,
};
use async_trait::async_trait;
use aws::Signer;
use context::{App, Context, ModelKey, NotReady};
use runtime::config::{
    ASSISTANT, AssistantKind, EMBEDDING_FLOOR, EMBEDDING_MODEL, EMBEDDING_PRICE, MODEL, MODEL_CONTEXT_TOKENS,
    MODEL_FORMAT, MODEL_INPUT_PRICE, MODEL_OUTPUT_PRICE, MODEL_REGION, MODEL_URL,
};
use std::sync::Arc;

struct FromAppSecret(ModelKey);

#[async_trait]
impl KeySource for FromAppSecret {
    async fn key(&self, afresh: bool) -> Result<Option<String>, String> {
        self.0.read(afresh).await
    }
}

struct ByRole(Signer);

#[async_trait]
impl Sign for ByRole {
    async fn sign(&self, url: &str, host: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
        self.0.sign(url, host, body).await
    }
}

pub fn model(context: &Context, app: &App) -> Result<Option<Arc<Model>>, NotReady> {
    let provider = match context.value(&ASSISTANT)? {
        AssistantKind::Extractive => return Ok(None),
        AssistantKind::Bedrock => Provider::Bedrock,
        AssistantKind::OpenAi => Provider::OpenAi,
        AssistantKind::Anthropic => Provider::Anthropic,
    };
    let name = context.value(&MODEL)?;
    let name = name.ok_or_else(|| NotReady::because(format!("{} names no model", MODEL.name())))?;
    let url = context.value(&MODEL_URL)?.map(|url| url.as_str().to_owned());
    let (credentials, url) = match provider {
        Provider::Bedrock => {
            let signer = context.signer("bedrock", context.value(&MODEL_REGION)?)?;
            let url = url.unwrap_or_else(|| provider.address(signer.region()));
            (Credentials::Signature(Arc::new(ByRole(signer))), url)
        }
        Provider::OpenAi | Provider::Anthropic => {
            // A server of one's own may ask for no key; the providers themselves always do.
            let key = app.model_key(url.is_none());
            (Credentials::Key(Arc::new(FromAppSecret(key))), url.unwrap_or_else(|| provider.address("")))
        }
    };
    let (price, floor) = (context.value(&EMBEDDING_PRICE)?, hundredths(context.value(&EMBEDDING_FLOOR)?));
    let embedding = context.value(&EMBEDDING_MODEL)?.map(|model| EmbeddingSettings { model, price, floor });
    let settings = ModelSettings {
        embedding,
        keeps_schema: context.value(&MODEL_FORMAT)?,
        context_tokens: context.value(&MODEL_CONTEXT_TOKENS)?,
        prices: Prices { input: context.value(&MODEL_INPUT_PRICE)?, output: context.value(&MODEL_OUTPUT_PRICE)? },
        ..ModelSettings::new(provider, name, url)
    };
    if settings.prices == Prices::default() {
        tracing::warn!("the price of the model is not configured: its cost is not counted and no budget holds");
    }
    if settings.embedding.as_ref().is_some_and(|embedding| embedding.price == 0) {
        tracing::warn!("the price of embeddings is not configured: their cost is not counted");
    }
    let model = Model::new(settings, credentials, context.http.clone(), context.clock.clone(), context.entropy.clone());
    Ok(Some(Arc::new(model)))
}
