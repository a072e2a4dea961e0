//! The guard and every kind of target, against listeners on this machine that count their connections.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod guard;
mod receiver;
mod targets;
