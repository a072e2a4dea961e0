//! Drives the simulator over HTTP, as a stranger would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod control;
mod drafts;
mod history;
mod labels;
mod limits;
mod load;
mod mail;
mod messages;
mod oauth;
mod pages;
mod program;
mod push;
mod searching;
mod settings;
mod support;
mod transport;
mod uploads;
mod vacation;
mod watching;
