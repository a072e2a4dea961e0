//! The way of a mail in one process: the real functions with their real adapters, against the Google simulator over
//! HTTP and an in-process DynamoDB, with queues, secrets and a clock that the test holds.

#![expect(clippy::disallowed_methods, reason = "tests have a clock and an HTTP client of their own")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod answered;
mod attached;
mod budget;
mod decided;
mod example;
mod filtered;
mod grants;
mod knowledge;
mod leases;
mod letters;
mod model;
mod notified;
mod obedient;
mod pauses;
mod post;
mod random;
#[path = "../../functions/shared/notify/tests/wire/receiver.rs"]
#[expect(dead_code, reason = "the receiver also plays refusals for the tests of its own crate")]
mod receiver;
mod recovered;
mod scenarios;
mod sweep;
mod sync;
mod world;
