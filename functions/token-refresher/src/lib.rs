//! token-refresher
