//! What is to become of a turn: decided purely, from the mailbox, the conversation and the assistant's answer.
//!
//! Invariant: recipients, sender and headers of an answer come from settings and parsed mail; the assistant's words fill
//! the text and nothing else. What would be sent by machine becomes a draft whenever a reason for that is found (`C7`).

use crate::address::EmailAddress;
use crate::assistant::{Answer, AnswerRequest, Author, ChainMail, GuardCase, GuardEffect, Guarded, Personality};
use crate::mail::{Authentication, Obstacle, OutgoingReply, Suppression};
use crate::ports::MailWriter;
use crate::record::{ActionKind, Conversation, MailboxView, Mode, StoredMail, Turn};
use crate::time::Timestamp;
use crate::usecase::common::Rules;

/// Before the assistant is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Ask(Box<AnswerRequest>),
    /// Nothing is answered: a code, and why in words.
    NoAnswer(String),
    NeedsPerson(String),
}

/// What stands in the way of an answer at all, or the question to the assistant.
pub fn before_asking(view: &MailboxView, conversation: &Conversation, turn: &Turn) -> Verdict {
    let mails: Vec<&StoredMail> = conversation.mails.iter().filter(|mail| turn.mails.contains(&mail.message)).collect();
    let Some(newest) = mails.iter().rev().find(|mail| suppressed(mail).is_none()) else {
        let why = mails.iter().find_map(|mail| suppressed(mail));
        return Verdict::NoAnswer(match why {
            Some(reason) => format!("A machine wrote this ({}). Machines are never answered.", reason.code()),
            None => "The mails of this turn are no longer stored.".to_owned(),
        });
    };
    if mails.iter().all(|mail| mail.internal_date < view.meta.connected_at) {
        return Verdict::NoAnswer("The mailbox was connected anew after this mail: it is history.".to_owned());
    }
    if newest.headers.from.iter().any(|author| author.email == view.meta.address) {
        return Verdict::NoAnswer("The mail says that it comes from this mailbox itself.".to_owned());
    }
    if let Some(taken) = &conversation.head.taken_over {
        return Verdict::NeedsPerson(match taken.reason.as_str() {
            "own_reply" => {
                "Somebody of the team answered in this thread; the assistant is off here until it is handed back."
                    .to_owned()
            }
            _ => "The assistant is off on this thread until it is handed back.".to_owned(),
        });
    }
    if view.settings.mode() == Mode::ReceiveOnly {
        return Verdict::NoAnswer("Auto-reply and drafts are both off: mail is only received.".to_owned());
    }
    if let Some(obstacle) = mails.iter().flat_map(|mail| &mail.obstacles).next() {
        return Verdict::NeedsPerson(obstacle_in_words(*obstacle).to_owned());
    }
    Verdict::Ask(Box::new(question(view, conversation, turn)))
}

fn suppressed(mail: &StoredMail) -> Option<Suppression> {
    mail.headers.suppression.iter().copied().find(|reason| !reason.only_rules_out_sending())
}

fn obstacle_in_words(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Encrypted => "The mail is encrypted and could not be read.",
        Obstacle::Tnef => "The mail holds a winmail.dat attachment that could not be read.",
        Obstacle::TooComplex => "The mail could not be read. Open it in Gmail.",
        Obstacle::NoText => "The mail has no text.",
    }
}

fn question(view: &MailboxView, conversation: &Conversation, turn: &Turn) -> AnswerRequest {
    let is_open = |mail: &&StoredMail| turn.mails.contains(&mail.message);
    let former = conversation.mails.iter().filter(|mail| !is_open(mail));
    let open: Vec<&StoredMail> = conversation.mails.iter().filter(is_open).collect();
    let chain = former.chain(open.iter().copied());
    AnswerRequest {
        subject: conversation.head.title.clone(),
        chain: chain
            .map(|mail| ChainMail { author: mail.author, at: mail.internal_date, text: mail.text.clone() })
            .collect(),
        open: open.len(),
        attachments: vec![],
        unread_attachments: open
            .iter()
            .flat_map(|mail| &mail.attachments)
            .filter(|file| !file.inline)
            .map(|file| file.name.clone())
            .collect(),
        personality: view.settings.personality.clone(),
        deadline: None,
    }
}

/// How an answer that may be given is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub kind: ActionKind,
    pub reply: OutgoingReply,
    /// Why it is a draft although the mailbox answers by itself; shown as "downgraded because …".
    pub downgrades: Vec<String>,
}

/// The answer as a mail, or why there is nobody to write to.
#[expect(clippy::too_many_arguments, reason = "a pure decision names everything that it is made from")]
pub fn plan_answer(
    view: &MailboxView,
    conversation: &Conversation,
    turn: &Turn,
    request: &AnswerRequest,
    answer: &Answer,
    guarded: &Guarded,
    writer: &dyn MailWriter,
    marker: String,
    rules: &Rules,
    now: Timestamp,
) -> Result<Planned, String> {
    let mails: Vec<&StoredMail> = conversation.mails.iter().filter(|mail| turn.mails.contains(&mail.message)).collect();
    let Some(parent) = mails.iter().rev().find(|mail| suppressed(mail).is_none()) else {
        return Err("The mail that was to be answered is no longer stored.".to_owned());
    };
    let own = [view.meta.address.clone()];
    let to = writer.reply_recipients(&parent.headers, &own);
    if to.is_empty() {
        return Err("The mail names nobody who can be answered.".to_owned());
    }
    let downgrades = match view.settings.mode() {
        Mode::AutoReply => {
            let mut reasons = downgrades(view, &mails, request, answer, writer, &own[0], now, rules);
            reasons.extend(guarded.reasons(GuardEffect::Draft).map(str::to_owned));
            reasons
        }
        Mode::Draft | Mode::ReceiveOnly => vec![],
    };
    let sends = view.settings.mode() == Mode::AutoReply && downgrades.is_empty();
    let (in_reply_to, references) = writer.reply_references(&parent.headers);
    let reply = OutgoingReply {
        from: crate::address::Mailbox { name: None, email: conversation.head.answered_by.clone() },
        to,
        cc: vec![],
        subject: writer.reply_subject(&conversation.head.title),
        text: answer_text(&view.settings.personality, &guarded.reply, sends),
        in_reply_to,
        references,
        marker,
        machine_sent: sends,
    };
    Ok(Planned { kind: if sends { ActionKind::Send } else { ActionKind::Draft }, reply, downgrades })
}

/// What a mail sent without a person says about itself, where the settings say nothing else.
pub const DEFAULT_DISCLOSURE: &str = "This answer was written by an assistant. Reply to reach a person.";

pub(super) fn disclosure(personality: &Personality) -> &str {
    personality.disclosure.as_deref().unwrap_or(DEFAULT_DISCLOSURE)
}

/// What the guards are shown of an answer.
pub fn guard_case<'a>(
    view: &'a MailboxView,
    request: &'a AnswerRequest,
    answer: &'a Answer,
    own: &'a [EmailAddress],
) -> GuardCase<'a> {
    GuardCase { request, answer, own, disclosure: disclosure(&view.settings.personality) }
}

/// The whole text of a mail: the reply, the signature, and the disclosure line where no person sends it.
pub fn answer_text(personality: &Personality, reply: &str, machine_sent: bool) -> String {
    let mut text = reply.trim_end().to_owned();
    if !personality.signature.trim().is_empty() {
        text.push_str("\n\n");
        text.push_str(personality.signature.trim_end());
    }
    let disclosure = disclosure(personality);
    if machine_sent && !disclosure.trim().is_empty() {
        text.push_str("\n\n");
        text.push_str(disclosure.trim_end());
    }
    text.push('\n');
    text
}

#[expect(clippy::too_many_arguments, reason = "a pure decision names everything that it is made from")]
fn downgrades(
    view: &MailboxView,
    mails: &[&StoredMail],
    request: &AnswerRequest,
    answer: &Answer,
    writer: &dyn MailWriter,
    own: &EmailAddress,
    now: Timestamp,
    rules: &Rules,
) -> Vec<String> {
    let mut reasons = vec![];
    let mut unless = |fine: bool, reason: &str| {
        if !fine {
            reasons.push(reason.to_owned());
        }
    };
    let all = |test: &dyn Fn(&StoredMail) -> bool| mails.iter().all(|mail| test(mail));
    unless(!view.organisation.sending_stopped, "automatic sending is stopped for the organisation");
    unless(all(&|mail| *mail.authentication() == Authentication::Pass), "the sender is not authenticated");
    unless(all(&|mail| !writer.reply_goes_elsewhere(&mail.headers)), "Reply-To points to another domain than From");
    unless(all(&|mail| mail.suppression().is_empty()), "the subject reads like an automatic answer");
    unless(
        all(&|mail| mail.headers.to.iter().chain(&mail.headers.cc).any(|to| to.email == *own)),
        "the mailbox is not named in To or Cc",
    );
    unless(all(&|mail| now.since(mail.internal_date) <= rules.stale), "the mail is more than 24 hours old");
    unless(request.unread_attachments.is_empty(), "an attachment was not read");
    unless(request.attachments.iter().all(|file| !file.truncated), "an attachment was too long to be read whole");
    unless(all(&|mail| !mail.truncated), "the mail was too long to be read whole");
    unless(answer.confidence >= rules.min_confidence, "the assistant is not sure enough");
    unless(!answer.sources.is_empty(), "no source supports the answer");
    reasons
}

/// Which author a chain's mail has, in words for the page and the trace.
pub fn author_in_words(author: Author) -> &'static str {
    match author {
        Author::Customer => "customer",
        Author::Assistant => "assistant",
        Author::Person => "team",
    }
}
