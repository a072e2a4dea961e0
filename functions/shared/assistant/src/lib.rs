//! What writes the words of an answer, and what those words may rest on.
//!
//! Rooms: [`language`] tells which language a text is in, [`knowledge`] chunks the knowledge base and searches it, and
//! [`extractive`] is the built-in assistant that answers with the knowledge base's own sentences. Beside it [`provider`]
//! asks a model, with what [`prompt`] composes, and takes what [`structured`] reads; where it embeds, passages are found by
//! their meaning as well. [`guards`] judge whatever any of them wrote, before it becomes a mail.
//!
//! Invariant: an answer is data. It names no recipient, label or target, and rests on passages that were given; only
//! [`provider`] speaks to anybody outside, and only to the configured address.

pub mod base;
mod concerns;
pub mod extractive;
pub mod guards;
pub mod knowledge;
pub mod language;
pub mod prompt;
pub mod provider;
pub mod structured;
mod text;

pub use base::KnowledgeAssistant;
pub use extractive::Extractive;
