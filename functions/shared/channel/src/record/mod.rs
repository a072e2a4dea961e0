//! The stored items. Each carries `ver`: a commit writes an item only when the stored version is still the one that
//! was read (0: the item does not exist yet), so that a transition can be computed purely and written safely.
//!
//! Invariant: an item that holds content has `expires_at`; reads never return it after that time.

mod conversation;
mod engine;
mod example;
mod key;
mod knowledge;
mod mailbox;
mod notice;
mod settings;
mod web;

pub use conversation::*;
pub use engine::*;
pub use example::*;
pub use key::*;
pub use knowledge::*;
pub use mailbox::*;
pub use notice::*;
pub use settings::*;
pub use web::*;
