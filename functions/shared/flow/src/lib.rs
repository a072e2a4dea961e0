//! Flows: who gets what, and why. The language in which the owner of a mailbox says what is done with a mail, and the
//! engine that says what is next.
//!
//! Invariant: nothing in this crate performs I/O or reads the clock. No document makes it panic, hang or exceed its cost,
//! and no mail changes which recipients, labels, addresses or channels a flow uses. `README.md` beside it has the
//! semantics, `GUIDE.md` the language.

mod check;
mod condition;
mod data;
mod dry_run;
mod effect;
mod engine;
mod facts;
mod kinds;
mod model;
mod plain;
mod printed;
mod problem;
mod read;
mod ready;
mod schema;
mod template;
mod text;
mod trace;
mod yaml;

pub use check::{MAX_COST, MAX_NODES};
pub use condition::{Condition, NoVerdict};
pub use dry_run::{Report, Script, dry_run};
pub use effect::Effect;
pub use engine::{
    AiRequest, End, FlowRef, Ledger, Limits, Next, Outcome, Plan, Run, Selection, Situation, assessment_key, next,
    select,
};
pub use facts::{Assessment, AttachmentFact, BusinessHours, Facts, LocalTime, MAX_BODY, MAX_LIST, MAX_TEXT, Sender};
pub use model::{Action, Branch, Flow, LabelName, OnError, Recipient, SlackChannel, Step, WebhookUrl};
pub use printed::translate as printed_form;
pub use problem::{Correction, Problem};
pub use read::{MAX_AI_STEPS, MAX_BRANCHING, MAX_STEPS, MAX_WAIT};
pub use ready::{MODES, READY, Ready};
pub use schema::{schema, schema_text};
pub use template::Template;
pub use trace::{Decision, Entry, Trace};
pub use yaml::{MAX_BYTES, MAX_DEPTH};
