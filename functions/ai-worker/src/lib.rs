//! ai-worker
