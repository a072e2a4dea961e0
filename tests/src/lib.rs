//! What several suites stand on.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

pub mod dynamo;
pub mod files;
