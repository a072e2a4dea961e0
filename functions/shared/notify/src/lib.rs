//! Telling the team: Slack, any webhook, the e-mail topic, and the guard in front of every address that a person gave.
//!
//! Invariants: nothing is sent but through the [`guard`]; words of a mail are data in every message and never markup; no
//! error quotes an address, a token or content.

pub mod guard;
mod message;
mod notifier;
mod slack;
mod webhook;

pub use notifier::{Notify, SlackToken};
