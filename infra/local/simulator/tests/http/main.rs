//! Drives the simulator over HTTP, as a stranger would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod calls;
mod consent;
mod control;
mod drafts;
mod faults;
mod history;
mod labels;
mod limits;
mod load;
mod mail;
mod mailbox_pages;
mod messages;
mod oauth;
mod pages;
mod program;
mod push;
mod searching;
mod settings;
mod subscriptions;
mod support;
mod tokens;
mod transport;
mod uploads;
mod vacation;
mod watching;
