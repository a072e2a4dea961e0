//! The local cloud: MiniStack, the Google simulator, the deployed template and the front door, as one thing that is
//! started and stopped. The binary is its command line; the test suites use the library.
//!
//! Invariant: what was started here is ended here, by process id and gracefully; nothing else is ever signalled.
//! All servers listen on the loopback address.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool of the developer's machine: it measures real time, reads its environment and owns its HTTP client"
)]

pub mod ask;
pub mod aws_http;
pub mod browse;
pub mod cli;
pub mod cloud;
pub mod demo;
pub mod deploy;
pub mod error;
pub mod eval;
pub mod fault;
pub mod flows;
pub mod front_door;
pub mod google;
pub mod inspect;
pub mod invoke;
pub mod logs;
pub mod mailboxes;
pub mod package;
pub mod ports;
pub mod process;
pub mod progress;
pub mod receive;
pub mod reset;
pub mod status;
pub mod suite;
pub mod terminal;
pub mod tools;
pub mod tour;
pub mod workspace;

pub use error::{Context, Error, Result};
