//! mail-sync
