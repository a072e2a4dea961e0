//! The guard and every kind of target, against listeners on this machine that count their connections.

mod guard;
mod receiver;
mod targets;
