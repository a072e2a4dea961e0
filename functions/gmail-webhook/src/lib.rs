//! gmail-webhook
