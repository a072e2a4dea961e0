//! What every function needs around its use cases: configuration, telemetry, the real clock and randomness, keys, the
//! one HTTP client, the SQS record runner, and what an [`Outcome`](channel::outcome::Outcome) means to the outside.
//!
//! Invariant: only this crate reads the environment, the clock and the random source.

pub mod address;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod http;
pub mod keys;
pub mod metrics;
pub mod once;
pub mod sqs;
pub mod telemetry;
pub mod web;
