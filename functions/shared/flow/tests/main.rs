//! The language and the engine, from outside.

mod broken;
mod guide;
mod published;
mod ready;
mod semantics;
mod support;
