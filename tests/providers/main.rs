//! The contract of the model providers: the same cases for each protocol, against a server on this machine that speaks
//! the shapes of the providers' public documentation.
#![expect(clippy::unwrap_used, reason = "every line of this crate is a test, which ends where it fails")]

mod cases;
mod converse;
mod desk;
mod embeddings;
mod requests;
