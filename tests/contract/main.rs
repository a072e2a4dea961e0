//! The contract of the store's ports: one suite, run on the fake in memory and on the real adapter against a DynamoDB
//! in this process, whose table is the one that `template.yaml` defines.
#![expect(clippy::unwrap_used, reason = "every line of this crate is a test, which ends where it fails")]

mod commits;
mod faults;
mod files;
mod harness;
mod listings;
mod model;
mod round_trip;
mod spending;
mod topic;
mod units;
mod wire;
