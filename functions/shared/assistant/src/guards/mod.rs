//! What stands between the words of a model and the mailbox (`C7`, `C8`).
//!
//! A guard looks at one thing and says *pass*, *draft* (a person sends it, if at all) or *person* (nobody gets to see
//! it). What a model says of itself counts for nothing here: a guard believes the passages that are cited, since the
//! adapter takes them from the knowledge base by id, and the words of the owner (instructions, signature, disclosure).
//! The mail is never believed.
//!
//! Invariant: pure, and linear in the length of mail, reply and passages, each of which is cut at a bound first. A reply
//! beyond its bound is withheld, so that nothing hides behind the cut. A reason quotes neither mail nor reply.

mod addresses;
mod case;
mod figures;
mod injection;
mod leak;
mod lexical;
mod links;
mod numerals;
mod payment;
mod phones;
mod plain;
mod promises;
mod relevance;
mod reply_language;
mod sensitive;
mod shape;
mod support;

use case::Case;
use channel::assistant::{GuardCase, GuardEffect, GuardVerdict, Guarded};
use channel::ports::Guards;

/// What a guard found: an effect that is not *pass*, and why.
type Finding = Option<(GuardEffect, &'static str)>;

fn draft(reason: &'static str) -> Finding {
    Some((GuardEffect::Draft, reason))
}

fn person(reason: &'static str) -> Finding {
    Some((GuardEffect::Person, reason))
}

type Guard = fn(&Case<'_>) -> Finding;

/// Every guard by its name, in the order of the trace.
const GUARDS: &[(&str, Guard)] = &[
    ("length", shape::length),
    ("repetition", shape::repetition),
    ("leftovers", shape::leftovers),
    ("machinery", leak::machinery),
    ("instructions", leak::instructions),
    ("language", reply_language::judge),
    ("links", links::judge),
    ("addresses", addresses::judge),
    ("phones", phones::judge),
    ("payment", payment::judge),
    ("figures", figures::judge),
    ("promises", promises::judge),
    ("relevance", relevance::judge),
    ("support", support::judge),
    ("sensitive", sensitive::judge),
    ("injection", injection::judge),
];

/// The names of all guards.
pub fn names() -> impl Iterator<Item = &'static str> {
    GUARDS.iter().map(|(name, _)| *name)
}

/// Every guard, always: there is no switch.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllGuards;

impl Guards for AllGuards {
    fn judge(&self, case: &GuardCase<'_>) -> Guarded {
        let case = Case::new(case);
        let verdicts = GUARDS
            .iter()
            .map(|(guard, look)| match look(&case) {
                None => GuardVerdict { guard, effect: GuardEffect::Pass, reason: String::new() },
                Some((effect, reason)) => GuardVerdict { guard, effect, reason: reason.to_owned() },
            })
            .collect();
        Guarded { reply: case.reply, verdicts }
    }
}

#[cfg(test)]
mod tests;
