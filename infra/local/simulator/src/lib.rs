//! A local Google: OAuth and OpenID Connect, the Gmail API, and Pub/Sub push, in one server on loopback.
//!
//! It is faithful on the main path – ids, history, threading, drafts, error shapes, prices – and misbehaves on
//! purpose where a [`Fault`] says so. It depends on no other crate of this workspace, so that it cannot share a
//! misunderstanding with what it tests. What it assumes about Google is listed in its README.

mod calls;
mod cloud;
mod config;
mod control;
mod dump;
mod error;
mod faults;
mod gmail;
mod journal;
mod keys;
mod limits;
mod mailbox;
mod mime;
mod oauth;
mod pages;
mod pubsub;
mod server;
mod state;
mod stats;
mod stopwatch;
mod store;
mod tokens;

pub use calls::{Call, CallQuery, MethodSummary};
pub use config::{AccountConfig, Client, Config, Subscription};
pub use control::Tokens;
pub use dump::{AccountDump, DraftDump, LabelDump, MessageDump, WatchDump};
pub use error::ApiError;
pub use faults::{ArmedFault, DropConnection, Effect, Fault, FaultError, Forgery, Lag, PushFault, When};
pub use gmail::send::{Deliver, Delivered, Verdict};
pub use keys::KeyError;
pub use limits::{Limits, Refusal};
pub use oauth::{EndTokens, Restore, TokenDeath};
pub use pubsub::{DeadLetter, DeadLetterPolicy, Policy, PolicyError};
pub use server::{Running, Simulator, SimulatorError};
pub use stats::Stats;
pub use store::StateError;
