//! What writes the words of an answer, and what those words may rest on.
//!
//! Rooms: [`language`] tells which language a text is in, [`knowledge`] chunks the knowledge base and searches it, and
//! [`extractive`] is the built-in assistant that answers with the knowledge base's own sentences. Model providers stand
//! beside it, behind the same port. [`guards`] judge whatever any of them wrote, before it becomes a mail.
//!
//! Invariant: the crate only computes. It sends nothing, and an answer names no recipient, label, link or target that a
//! passage of the knowledge base or a fixed phrase of this crate does not hold.

mod concerns;
pub mod extractive;
pub mod guards;
pub mod knowledge;
pub mod language;
mod text;

pub use extractive::Extractive;
