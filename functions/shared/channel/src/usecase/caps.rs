//! Answer budgets (`B11`): how many mails a machine may send in a window, so that two machines stop.

use crate::ids::MailboxId;
use crate::ports::Pseudonyms;
use crate::record::{Action, CapKey, CapUse};
use crate::time::Timestamp;
use crate::usecase::common::{DAY, Rules};
use std::time::Duration;

/// The budgets that one answer takes from.
pub fn caps(action: &Action, rules: &Rules, pseudonyms: &dyn Pseudonyms, now: Timestamp) -> Vec<CapUse> {
    let day = window(now, DAY);
    let hour = window(now, Duration::from_secs(3600));
    let cap = |scope: &'static str, subject: String, window: &str, limit: u32| CapUse {
        key: CapKey { mailbox: action.mailbox.clone(), scope, subject, window: window.to_owned() },
        limit,
        expires_at: now.plus(2 * DAY),
    };
    let limits = rules.caps;
    let mut caps = vec![
        cap("mailbox", String::new(), &hour, limits.mailbox_per_hour),
        cap("thread", action.thread.to_string(), &day, limits.thread_per_day),
    ];
    if let Some(to) = action.reply.to.first() {
        caps.push(cap("sender", pseudonyms.of(&to.email), &day, limits.sender_per_day));
        caps.push(cap("domain", to.email.domain().to_owned(), &day, limits.domain_per_day));
    }
    caps
}

/// What models have cost for a mailbox on this UTC day.
pub fn cost_counter(mailbox: &MailboxId, now: Timestamp) -> CapKey {
    CapKey { mailbox: mailbox.clone(), scope: "cost", subject: String::new(), window: window(now, DAY) }
}

/// How many questions without an effect may be asked in an hour, for one mailbox or for the knowledge base.
const EXAMPLES_PER_HOUR: u32 = 60;

/// What one such question takes from: no page, however often it is pressed, keeps the worker from mail.
pub fn example_cap(mailbox: &MailboxId, now: Timestamp) -> CapUse {
    let window = window(now, Duration::from_secs(3600));
    let key = CapKey { mailbox: mailbox.clone(), scope: "example", subject: String::new(), window };
    CapUse { key, limit: EXAMPLES_PER_HOUR, expires_at: now.plus(2 * DAY) }
}

/// The window's number, counted from the Unix epoch: windows are UTC days and hours.
fn window(now: Timestamp, length: Duration) -> String {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    let kind = if length == DAY { 'd' } else { 'h' };
    format!("{kind}{}", now.as_secs().div_euclid(seconds))
}

pub fn in_words(cap: &CapKey) -> String {
    let whose = match cap.scope {
        "mailbox" => "this mailbox for this hour",
        "thread" => "this thread for today",
        "sender" => "this sender for today",
        _ => "this domain for today",
    };
    format!("the answer budget of {whose} is used up")
}
