//! Every variable of the functions. The README's table and the template name the same ones.

use super::Variable;
use super::kinds::{self, AssistantKind, Bounded, Endpoint};
use channel::address::EmailAddress;
use channel::usecase::session::{Operators, SiteOrigin};
use std::time::Duration;

const QUEUE: &str = "the https address of an SQS queue (http on this machine)";
const PRICE: &str = "US dollars, such as 0.06";
const SERVICE: &str = "an https address (http on this machine)";

/// The DynamoDB table that holds all state.
pub const TABLE: Variable<String> = Variable::required("POSTROOM_TABLE", "the name of a DynamoDB table", kinds::text);

/// The private S3 bucket of the knowledge base and of files in transit.
pub const BUCKET: Variable<String> = Variable::required("POSTROOM_BUCKET", "the name of an S3 bucket", kinds::text);

/// Address of the queue that `mail-sync` works on.
pub const SYNC_QUEUE_URL: Variable<Endpoint> = Variable::required("POSTROOM_SYNC_QUEUE_URL", QUEUE, Endpoint::parse);

/// Address of the queue that `ai-worker` works on.
pub const WORK_QUEUE_URL: Variable<Endpoint> = Variable::required("POSTROOM_WORK_QUEUE_URL", QUEUE, Endpoint::parse);

/// Address of the queue for records of `mail-sync` that will never work.
pub const SYNC_DLQ_URL: Variable<Endpoint> = Variable::required("POSTROOM_SYNC_DLQ_URL", QUEUE, Endpoint::parse);

/// Address of the queue for records of `ai-worker` that will never work.
pub const WORK_DLQ_URL: Variable<Endpoint> = Variable::required("POSTROOM_WORK_DLQ_URL", QUEUE, Endpoint::parse);

/// Name or ARN of the secret with the Google client and the root key.
pub const APP_SECRET: Variable<String> =
    Variable::required("POSTROOM_APP_SECRET", "the name or ARN of a secret", kinds::text);

/// What the names of the grants' secrets begin with, without a final slash.
pub const SECRET_PREFIX: Variable<String> =
    Variable::required("POSTROOM_SECRET_PREFIX", "what names of secrets begin with", kinds::text);

/// Origin of console and OAuth redirect.
pub const PUBLIC_URL: Variable<SiteOrigin> =
    Variable::required("POSTROOM_PUBLIC_URL", "an https origin without a path (http on this machine)", kinds::origin);

/// The Gmail API.
pub const GMAIL_URL: Variable<Endpoint> =
    Variable::with_default("POSTROOM_GMAIL_URL", "https://gmail.googleapis.com", SERVICE, Endpoint::parse);

/// Google's consent page.
pub const OAUTH_AUTH_URL: Variable<Endpoint> = Variable::with_default(
    "POSTROOM_OAUTH_AUTH_URL",
    "https://accounts.google.com/o/oauth2/v2/auth",
    SERVICE,
    Endpoint::parse,
);

/// Google's token endpoint.
pub const OAUTH_TOKEN_URL: Variable<Endpoint> =
    Variable::with_default("POSTROOM_OAUTH_TOKEN_URL", "https://oauth2.googleapis.com/token", SERVICE, Endpoint::parse);

/// Google's revocation endpoint.
pub const OAUTH_REVOKE_URL: Variable<Endpoint> = Variable::with_default(
    "POSTROOM_OAUTH_REVOKE_URL",
    "https://oauth2.googleapis.com/revoke",
    SERVICE,
    Endpoint::parse,
);

/// Issuer of sign-in and push tokens.
pub const OIDC_ISSUER: Variable<Endpoint> =
    Variable::with_default("POSTROOM_OIDC_ISSUER", "https://accounts.google.com", SERVICE, Endpoint::parse);

/// The issuer's public keys.
pub const JWKS_URL: Variable<Endpoint> =
    Variable::with_default("POSTROOM_JWKS_URL", "https://www.googleapis.com/oauth2/v3/certs", SERVICE, Endpoint::parse);

/// Audience that a push token must name, byte for byte. Never derived from a request: its sender chooses the host.
pub const PUSH_AUDIENCE: Variable<String> =
    Variable::required("POSTROOM_PUSH_AUDIENCE", "the audience of the push subscription", kinds::text);

/// Service account whose identity signs the pushes. Without it, anyone's Google token for our audience would pass.
pub const PUSH_SERVICE_ACCOUNT: Variable<EmailAddress> =
    Variable::required("POSTROOM_PUSH_SERVICE_ACCOUNT", "the address of a service account", kinds::address).private();

/// Push subscription that pushes must come from.
pub const PUSH_SUBSCRIPTION: Variable<String> =
    Variable::required("POSTROOM_PUSH_SUBSCRIPTION", "projects/<project>/subscriptions/<name>", kinds::subscription);

/// Topic that Gmail publishes to.
pub const PUBSUB_TOPIC: Variable<String> =
    Variable::required("POSTROOM_PUBSUB_TOPIC", "projects/<project>/topics/<name>", kinds::topic);

/// Who may sign in to the console: addresses, or @domain for a whole Workspace domain.
pub const OPERATORS: Variable<Operators> =
    Variable::required("POSTROOM_OPERATORS", "addresses or @domain, separated by commas", kinds::operators).private();

/// How long a turn waits for further mails of its thread.
pub const SETTLE_SECONDS: Variable<Duration> =
    Variable::with_default("POSTROOM_SETTLE_SECONDS", "30", "whole seconds from 0 to 600", Bounded::<0, 600>::seconds);

/// The longest time between two syncs of a mailbox when no push comes.
pub const FALLBACK_SYNC_SECONDS: Variable<Duration> = Variable::with_default(
    "POSTROOM_FALLBACK_SYNC_SECONDS",
    "300",
    "whole seconds from 60 to 86400",
    Bounded::<60, 86_400>::seconds,
);

/// How long content is kept.
pub const RETENTION_DAYS: Variable<u16> =
    Variable::with_default("POSTROOM_RETENTION_DAYS", "30", "whole days from 1 to 90", Bounded::<1, 90>::days);

/// Who answers: the built-in assistant, or a model of this provider.
pub const ASSISTANT: Variable<AssistantKind> = Variable::with_default(
    "POSTROOM_ASSISTANT",
    "extractive",
    "extractive, bedrock, openai or anthropic",
    AssistantKind::parse,
);

/// The model as its provider names it. Needed by every assistant but the built-in one.
pub const MODEL: Variable<Option<String>> =
    Variable::with_default("POSTROOM_MODEL", "", "the provider's name of a model", kinds::optional_text);

/// Address of the provider's API; nothing means the provider's own.
pub const MODEL_URL: Variable<Option<Endpoint>> =
    Variable::with_default("POSTROOM_MODEL_URL", "", SERVICE, kinds::optional_endpoint);

/// Region of Bedrock; nothing means the function's own.
pub const MODEL_REGION: Variable<Option<String>> =
    Variable::with_default("POSTROOM_MODEL_REGION", "", "an AWS region", kinds::optional_text);

/// Whether the provider is asked to keep to the answer's JSON schema. Some OpenAI-compatible servers refuse that.
pub const MODEL_FORMAT: Variable<bool> =
    Variable::with_default("POSTROOM_MODEL_FORMAT", "schema", "schema or text", kinds::keeps_schema);

/// The size of what a model is asked, in tokens by our approximate count.
pub const MODEL_CONTEXT_TOKENS: Variable<u32> = Variable::with_default(
    "POSTROOM_MODEL_CONTEXT_TOKENS",
    "8000",
    "a whole number from 2000 to 200000",
    Bounded::<2_000, 200_000>::count,
);

/// Price of a million input tokens in US dollars; 0 means unknown, and then no cost is counted.
pub const MODEL_INPUT_PRICE: Variable<u64> =
    Variable::with_default("POSTROOM_MODEL_INPUT_PRICE", "0", PRICE, kinds::micro_dollars);

/// Price of a million output tokens in US dollars; 0 means unknown, and then no cost is counted.
pub const MODEL_OUTPUT_PRICE: Variable<u64> =
    Variable::with_default("POSTROOM_MODEL_OUTPUT_PRICE", "0", PRICE, kinds::micro_dollars);

/// The model of embeddings as the same provider names it; nothing means that passages are found by their words alone.
pub const EMBEDDING_MODEL: Variable<Option<String>> = Variable::with_default(
    "POSTROOM_EMBEDDING_MODEL",
    "",
    "the provider's name of a model of text embeddings",
    kinds::optional_text,
);

/// Price of a million tokens that are embedded, in US dollars; 0 means unknown, and then no cost is counted.
pub const EMBEDDING_PRICE: Variable<u64> =
    Variable::with_default("POSTROOM_EMBEDDING_PRICE", "0", PRICE, kinds::micro_dollars);

/// Cosine in hundredths under which a passage has nothing to do with a question. Where that is depends on the model.
pub const EMBEDDING_FLOOR: Variable<u32> =
    Variable::with_default("POSTROOM_EMBEDDING_FLOOR", "20", "a whole number from 0 to 100", Bounded::<0, 100>::count);
/// The e-mail topic that notifications are published to; nothing means that there is none.
pub const NOTIFY_TOPIC: Variable<Option<String>> =
    Variable::with_default("POSTROOM_NOTIFY_TOPIC", "", "the ARN of an SNS topic", kinds::optional_text);

/// Notification receivers on this machine, for the local cloud alone: the template must not set it, so that on AWS
/// nothing but the public Internet is ever connected to.
pub const LOCAL_RECEIVERS: Variable<Vec<(String, u16)>> = Variable::with_default(
    "POSTROOM_LOCAL_RECEIVERS",
    "",
    "host:port pairs on this machine, separated by commas",
    kinds::receivers,
);

/// Slack's Web API, for the local cloud alone, as above.
pub const LOCAL_SLACK_URL: Variable<Endpoint> =
    Variable::with_default("POSTROOM_LOCAL_SLACK_URL", "https://slack.com/api", SERVICE, Endpoint::parse);

/// Which log lines are written, a filter of tracing-subscriber. The noisy libraries stay quiet whatever it says.
pub const LOG_FILTER: Variable<String> =
    Variable::with_default("RUST_LOG", "info", "a filter of tracing-subscriber", kinds::text);
