//! The adapters against scripted peers: exact requests, and every kind of answer.

mod fakes;
mod gmail;
mod gmail_errors;
mod oauth;
mod peer;
mod push;
mod signer;
mod tokens;
