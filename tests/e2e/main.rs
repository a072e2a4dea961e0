//! The main job on the real binaries, deployed from the real template to the local cloud, as a person does it.

#![expect(
    clippy::disallowed_methods,
    reason = "a test of a running system waits on the real clock and has an HTTP client of its own"
)]

mod aws;
mod browser;
mod garbage;
mod knowledge;
mod logs;
mod main_job;
mod marks;
mod model;
mod office;
mod permissions;
mod thirty;
mod words;
