//! What the product does, over the ports alone. Each use case reads, decides purely, and commits once; a conflict means
//! that somebody was faster, and the work comes again.

pub mod act;
pub mod attachments;
pub mod authorisation;
pub mod budget;
pub mod caps;
pub mod common;
pub mod configure;
pub mod connect;
pub mod disconnect;
pub mod due;
pub mod example;
pub mod gaps;
pub mod handover;
pub mod ingest;
pub mod knowledge;
pub mod notify;
pub mod own_mail;
pub mod personality;
pub mod plan;
pub mod reading;
pub mod resume;
pub mod review;
pub mod session;
pub mod sign_in;
pub mod sync;
pub mod targets;
pub mod turn;
