//! The AWS side of the ports: the table (DynamoDB), the queues (SQS), the secrets (Secrets Manager),
//! the bucket (S3), the e-mail topic (SNS) and signed requests to what has no client here.
//!
//! Invariant: only this crate names `aws_sdk_*`, and no error text of it carries content: it names the operation, AWS's
//! code and the remedy. AWS's own messages are left out, because they quote keys and values.

mod bucket;
mod config;
mod failure;
mod meter;
mod queue;
mod signer;
mod table;
mod topic;
mod vault;

pub use aws_config::SdkConfig;
pub use bucket::Bucket;
pub use config::{emulator_config, sdk_config};
pub use meter::{Meter, Usage};
pub use queue::{DeadLetters, SourceQueue, SyncSender, WorkSender};
pub use signer::Signer;
pub use table::Table;
pub use topic::EmailTopic;
pub use vault::{AppSecretReader, SecretText, Vault};
