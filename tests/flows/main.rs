//! Properties of flows. They stand here and not in the crate, so that their generator adds no feature to what ships.

mod properties;
#[path = "../../functions/shared/flow/tests/support.rs"]
#[expect(dead_code, reason = "the crate's own tests use the rest of it")]
mod support;
