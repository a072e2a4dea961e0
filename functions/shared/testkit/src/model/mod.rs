//! A model provider for tests: a server on this machine that records what it is asked and answers what it is told to,
//! in the shapes of the providers' public documentation.

mod character;
mod dialect;
pub mod embedding;
mod server;

pub use character::Character;
pub use dialect::{Dialect, Ended, Say};
pub use server::{ModelServer, Reply, Seen};
