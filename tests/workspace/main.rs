//! The rules of the repository itself: which crate may know which, what ships, what the documents promise.
//!
//! Each rule is a function from data to a list of violations, shown to fail on a bad example beside it, and then
//! applied to the real tree.
#![expect(clippy::disallowed_methods, reason = "asks the environment which cargo runs the suite")]

mod dependencies;
mod features;
mod members;
mod purity;
mod repository;
mod tables;
mod tracked;
mod variables;
