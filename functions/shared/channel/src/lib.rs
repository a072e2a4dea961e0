//! The domain of Postroom: mailboxes, conversations, turns, settings, the action ledger, the use cases over them and
//! the ports they need.
//!
//! Invariant: nothing in this crate performs I/O, reads the clock or draws a random number. Time, ids and every
//! outside system come in through [`ports`].

pub mod address;
pub mod assistant;
pub mod ids;
pub mod mail;
pub mod outcome;
pub mod ports;
pub mod record;
pub mod time;
pub mod usecase;
pub mod work;
