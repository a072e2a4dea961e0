//! A model as the assistant: asked over its provider's protocol, answered in one structured object, checked before it
//! counts.
//!
//! Rooms: `protocol` with one module a protocol shapes requests and reads answers, `call` carries one request out within
//! the time that is left, `embed` has texts embedded for the search, and this module goes from a thread to an answer.
//!
//! Invariants: an answer that is refused, cut off, empty or malformed twice is [`AssistantError::Unusable`], and a
//! person takes over. A source that was not given does not count, and an answer without a source is a person's. No text
//! of a mail, a prompt, an answer or a key is in an error or a log. One call at a time, and never past the deadline.

mod anthropic;
mod bedrock;
mod call;
mod embed;
mod openai;
mod protocol;

use crate::knowledge::{Index, Vectors};
use crate::language::{self, UNDETERMINED};
use crate::prompt::{Prompt, Secrets, questions};
use crate::structured::{self, MAX_ANSWER, Malformed, Read};
use crate::text::clip;
use async_trait::async_trait;
use call::{About, Caller, Request};
use channel::assistant::{Answer, AnswerRequest, AssistantError, Source, Usage};
use channel::ports::{Assistant, Clock, Entropy};
pub use embed::ALL_EMBEDDED;
use protocol::{Ask, Line, Role, Said, Stop};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Which protocol the provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon Bedrock's Converse, signed.
    Bedrock,
    /// Chat completions, as OpenAI and many others serve them.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
}

impl Provider {
    pub fn code(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The provider's own address; Bedrock's depends on the region.
    pub fn address(self, region: &str) -> String {
        match self {
            Self::Bedrock => format!("https://bedrock-runtime.{region}.amazonaws.com"),
            Self::OpenAi => "https://api.openai.com/v1".to_owned(),
            Self::Anthropic => "https://api.anthropic.com".to_owned(),
        }
    }
}

/// Millionths of a US dollar for a million tokens; 0 means unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prices {
    pub input: u64,
    pub output: u64,
}

impl Prices {
    /// Rounded up, so that what was used never counts as nothing.
    fn cost(self, input_tokens: u64, output_tokens: u64) -> u64 {
        let sum =
            u128::from(input_tokens) * u128::from(self.input) + u128::from(output_tokens) * u128::from(self.output);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// What is configured of embeddings, which the same provider makes.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingSettings {
    pub model: String,
    /// Millionths of a US dollar for a million tokens; 0 means unknown.
    pub price: u64,
    /// A passage whose cosine with the question is lower has nothing to do with it. Where that is depends on the model.
    pub floor: f32,
}

impl EmbeddingSettings {
    /// The floor is one that unrelated texts do not reach in models whose cosines use the whole range.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), price: 0, floor: 0.2 }
    }
}

/// A floor as it is configured.
pub fn hundredths(count: u32) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX)) / 100.0
}

/// What is configured of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    pub provider: Provider,
    pub model: String,
    /// Without a final slash.
    pub url: String,
    /// The provider keeps to the schema; else it is told in words and read tolerantly.
    pub keeps_schema: bool,
    /// The size of what is asked, by our own count.
    pub context_tokens: u32,
    /// The longest answer, in tokens.
    pub output_tokens: u32,
    pub prices: Prices,
    /// Before a second try where the provider names no time.
    pub pause: Duration,
    /// None: passages are found by their words alone.
    pub embedding: Option<EmbeddingSettings>,
}

impl ModelSettings {
    /// The numbers that are no configuration: an answer is a mail, not an essay.
    pub fn new(provider: Provider, model: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            provider,
            model: model.into(),
            url: url.into(),
            keeps_schema: true,
            context_tokens: 8_000,
            output_tokens: 2_000,
            prices: Prices::default(),
            pause: Duration::from_secs(2),
            embedding: None,
        }
    }
}

/// The key of a provider. Read for each request, so that one that is replaced takes effect without a deployment.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// None for a server that asks for no key. `afresh` after a refusal: the key may have been replaced.
    async fn key(&self, afresh: bool) -> Result<Option<String>, String>;
}

/// Signs a POST of JSON: the headers to add.
#[async_trait]
pub trait Sign: Send + Sync {
    async fn sign(&self, url: &str, host: &str, body: &[u8]) -> Result<Vec<(String, String)>, String>;
}

/// How a request shows who asks.
#[derive(Clone)]
pub enum Credentials {
    Key(Arc<dyn KeySource>),
    Signature(Arc<dyn Sign>),
}

/// A configured model.
pub struct Model {
    settings: ModelSettings,
    credentials: Credentials,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// What was embedded so far, for as long as this model is kept.
    vectors: Mutex<Arc<Vectors>>,
}

/// Why there is no answer; the usage is added at the end.
pub(crate) enum Failed {
    Unavailable(String),
    Unusable(String),
}

fn unusable<T>(why: impl Into<String>) -> Result<T, Failed> {
    Err(Failed::Unusable(why.into()))
}

/// Where nobody names a deadline.
const WITHIN: Duration = Duration::from_secs(60);
/// Of an answer that is to be repaired, this much is shown to the model again.
const SHOWN_AGAIN: usize = 4_000;
/// Below any bar for sending by machine: the answer is shown to a person as a draft.
const DOUBTED: f32 = 0.2;

impl Model {
    pub fn new(
        settings: ModelSettings,
        credentials: Credentials,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { settings, credentials, http, clock, entropy, vectors: Mutex::default() }
    }

    /// Answers from the passages of `index` that fit the request.
    pub async fn answer(&self, index: &Index, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        let settings = &self.settings;
        let mut usage =
            Usage { provider: settings.provider.code().to_owned(), model: settings.model.clone(), ..Usage::default() };
        let now = self.clock.now();
        let deadline = request.deadline.unwrap_or_else(|| now.plus(WITHIN));
        // The injected clock decides how much is left, the runtime's timer ends what takes longer.
        let ended =
            tokio::time::timeout(deadline.since(now), self.converse(index, request, deadline, &mut usage)).await;
        usage.cost_micro_usd = self.cost(&usage);
        match ended {
            Ok(Ok(answer)) => Ok(Answer { usage, ..answer }),
            Ok(Err(Failed::Unusable(why))) => Err(AssistantError::Unusable { why, usage: Box::new(usage) }),
            Ok(Err(Failed::Unavailable(why))) => Err(AssistantError::Unavailable { why, usage: Box::new(usage) }),
            Err(_elapsed) => {
                let why = "there was no answer within the time that the function has".to_owned();
                Err(AssistantError::Unavailable { why, usage: Box::new(usage) })
            }
        }
    }

    fn cost(&self, usage: &Usage) -> u64 {
        let price = self.settings.embedding.as_ref().map_or(0, |embedding| embedding.price);
        let embedding = Prices { input: price, output: 0 }.cost(usage.embedding_tokens, 0);
        self.settings.prices.cost(usage.input_tokens, usage.output_tokens).saturating_add(embedding)
    }

    async fn converse(
        &self,
        index: &Index,
        request: &AnswerRequest,
        deadline: channel::time::Timestamp,
        usage: &mut Usage,
    ) -> Result<Answer, Failed> {
        let secrets = Secrets::from_random(&self.entropy.bytes());
        let questions = questions(request);
        let meaning = self.meaning(index, &questions, deadline, usage).await;
        let budget = self.settings.context_tokens;
        let prompt = match Prompt::compose(request, index, meaning.as_ref(), budget, secrets) {
            Ok(prompt) => prompt,
            Err(why) => return Ok(for_person(why, UNDETERMINED)),
        };
        usage.context_tokens = prompt.tokens;
        usage.mails_left_out = prompt.mails_left_out;
        usage.passages = u32::try_from(prompt.passages.len()).unwrap_or(u32::MAX);
        let caller = Caller { model: self, deadline };
        let mut lines = vec![Line { role: Role::User, text: prompt.user.clone() }];
        let said = self.say(&caller, &prompt.system, &lines, usage).await?;
        let read = match structured::read(&said) {
            Ok(read) => read,
            Err(Malformed(problem)) => {
                lines.push(Line { role: Role::Assistant, text: clip(&said, SHOWN_AGAIN).to_owned() });
                let text =
                    format!("That cannot be read: {problem}. Return the one JSON object, whole, and nothing else.");
                lines.push(Line { role: Role::User, text });
                let again = self.say(&caller, &prompt.system, &lines, usage).await?;
                structured::read(&again)
                    .or_else(|Malformed(problem)| unusable(format!("its answer could not be read, twice: {problem}")))?
            }
        };
        accept(read, prompt)
    }

    /// One exchange: the text of an answer that ended by itself.
    async fn say(
        &self,
        caller: &Caller<'_>,
        system: &str,
        lines: &[Line],
        usage: &mut Usage,
    ) -> Result<String, Failed> {
        let schema = self.settings.keeps_schema.then(structured::schema);
        let ask = Ask {
            model: &self.settings.model,
            url: &self.settings.url,
            system,
            lines,
            schema: schema.as_ref(),
            output_tokens: self.settings.output_tokens,
        };
        let provider = self.settings.provider;
        let body = provider.body(&ask).to_string();
        let request = Request { about: About::Answer, url: provider.address_of(&ask), body };
        let answer: Value = caller.post(&request, &mut usage.calls).await?;
        let Said { text, stop, input_tokens, output_tokens } = provider.read(&answer);
        usage.input_tokens = usage.input_tokens.saturating_add(input_tokens);
        usage.output_tokens = usage.output_tokens.saturating_add(output_tokens);
        match stop {
            Stop::Length => unusable("its answer was cut off at the longest allowed length"),
            Stop::Refused => unusable("it refused to answer"),
            Stop::Filtered => unusable("the provider's content filter stepped in"),
            Stop::Context => unusable("the conversation is longer than the model can take"),
            Stop::Unknown => unusable("its answer did not end in a way that is known"),
            Stop::Done if text.trim().is_empty() => unusable("its answer was empty"),
            Stop::Done if text.len() > MAX_ANSWER => unusable(format!("its answer was longer than {MAX_ANSWER} bytes")),
            Stop::Done => Ok(text),
        }
    }
}

fn for_person(why: String, language: &str) -> Answer {
    Answer { language: language.to_owned(), reason_for_person: Some(why), ..Answer::default() }
}

/// What was read, held against what was given.
fn accept(read: Read, prompt: Prompt) -> Result<Answer, Failed> {
    if read.reply.to_lowercase().contains(&prompt.canary) {
        return unusable("its reply held the secret word of the instructions");
    }
    let language = if read.language == UNDETERMINED { prompt.customer_language.clone() } else { read.language };
    let kept = Answer {
        intent: read.intent,
        sentiment: read.sentiment,
        urgency: read.urgency,
        canary: Some(prompt.canary.clone()),
        ..for_person(String::new(), &language)
    };
    let person = |why: String| Ok(Answer { reason_for_person: Some(why), ..kept.clone() });
    if !read.answerable {
        return person(match read.reason_for_person.as_str() {
            "" => "The model found no answer in the knowledge base.".to_owned(),
            why => format!("The model says: {why}"),
        });
    }
    if read.reply.trim().is_empty() {
        return person("The model called the mail answerable and wrote no reply.".to_owned());
    }
    let mut sources: Vec<Source> = vec![];
    for id in &read.sources {
        let given = prompt.passages.iter().find(|passage| passage.id == *id);
        if let Some(hit) = given.filter(|hit| sources.iter().all(|source| source.id != hit.id)) {
            sources.push(Source { id: hit.id.clone(), title: hit.title.clone(), passage: hit.passage.clone() });
        }
    }
    if sources.is_empty() {
        return person("The model named no passage of the knowledge base that supports its answer.".to_owned());
    }
    let doubted = is_in_another_language(&read.reply, &prompt.language);
    Ok(Answer {
        answerable: true,
        confidence: if doubted || prompt.attachments_cut { read.confidence.min(DOUBTED) } else { read.confidence },
        reply: read.reply.trim().to_owned(),
        sources,
        reason_for_person: None,
        ..kept
    })
}

fn is_in_another_language(reply: &str, wanted: &str) -> bool {
    let written = language::detect(clip(reply, 8_000));
    written != UNDETERMINED && wanted != UNDETERMINED && written != language::primary(wanted)
}

/// A model with the knowledge base that it answers from.
pub struct Grounded {
    pub model: Arc<Model>,
    pub index: Arc<Index>,
}

#[async_trait]
impl Assistant for Grounded {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        self.model.answer(&self.index, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_rounded_up() {
        let prices = Prices { input: 60_000, output: 240_000 };
        assert_eq!(prices.cost(1_000_000, 0), 60_000);
        assert_eq!(prices.cost(1, 0), 1);
        assert_eq!(prices.cost(2_000, 500), 240);
        assert_eq!(Prices::default().cost(u64::MAX, u64::MAX), 0);
        assert_eq!(Prices { input: u64::MAX, output: 0 }.cost(u64::MAX, 0), u64::MAX);
    }
}
