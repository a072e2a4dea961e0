//! Drives the simulator over HTTP, as a stranger would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod control;
mod drafts;
mod history;
mod mail;
mod mailbox_pages;
mod oauth;
mod pages;
mod program;
mod push;
mod support;
