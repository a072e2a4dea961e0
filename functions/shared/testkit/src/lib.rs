//! Fakes for tests: a manual clock, a store, queues and a vault in memory, faults on demand, a model provider of any
//! character, and records to begin with.
//!
//! Invariant: a fake keeps the contract of its port. The suite in `tests/contract` runs on it and on the real adapter;
//! misuse that no adapter could answer panics and says what was wrong.

mod build;
mod fault;
mod files;
mod knowledge;
pub mod model;
mod queues;
mod store;
mod surroundings;
mod team;
mod vault;

pub use build::*;
pub use fault::{CRASH, FailNth, FailWith, Faults, When};
pub use files::MemoryFiles;
pub use knowledge::{FakeGists, PlainReader};
pub use queues::{MemoryQueues, Sent};
pub use store::{MemoryStore, Store};
pub use surroundings::{FakePseudonyms, ManualClock, SequenceEntropy};
pub use team::{FakeSeals, FakeTeam, targets};
pub use vault::MemoryVault;
