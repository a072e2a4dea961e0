//! The adapters against scripted peers: exact requests, and every kind of answer.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod fakes;
mod gmail;
mod gmail_errors;
mod oauth;
mod peer;
mod push;
mod signer;
mod simulated;
mod tokens;
