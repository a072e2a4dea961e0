//! Google: the Gmail API (by `google-gmail1`), OAuth and OpenID Connect, and the pushes of Pub/Sub.
//!
//! Invariant: only this crate knows Google's JSON, and every answer of Google's is sorted here, where it is known what
//! it means. Nothing is logged but codes: no token, address, subject or body.

pub mod gmail;
pub mod jwks;
pub mod oauth;
pub mod push;
pub mod tokens;

mod jws;
mod sort;
