//! A case made ready for all guards: each text once, bounded, and as it would be read.

use super::plain;
use crate::concerns::{Concern, concerns};
use crate::knowledge;
use crate::text::{clip, sentences};
use channel::address::EmailAddress;
use channel::assistant::{Author, GuardCase, Personality};

/// A reply beyond this many bytes is withheld, and only its beginning is looked at.
pub const MAX_REPLY: usize = 20_000;
const MAX_PASSAGES: usize = 300_000;
const MAX_OWNER: usize = 40_000;
/// Of the customer's mails; more is read by a person before anything is sent.
const MAX_CUSTOMER: usize = 16_000;
/// As much as is ever given of the attachments of a turn.
const MAX_ATTACHED: usize = 96_000;
const MAX_EARLIER: usize = 4_000;
const MAX_SUBJECT: usize = 500;

pub struct Case<'a> {
    /// Plain text, without what a reader cannot see: what would be sent.
    pub reply: String,
    pub too_long: bool,
    /// Passages that the answer cites, each with its title.
    pub passages: Vec<String>,
    /// All of them together.
    pub sources: String,
    /// What the owner wrote: instructions, signature, disclosure.
    pub owner: String,
    pub personality: &'a Personality,
    pub own: &'a [EmailAddress],
    pub subject: &'a str,
    /// The customer's mails that are answered, oldest first.
    pub open: Vec<&'a str>,
    /// Subject and open mails together.
    pub customer: String,
    /// Something of the customer's mails lies beyond what is looked at.
    pub unseen: bool,
    /// What subject and open mails touch.
    pub concerns: Vec<Concern>,
    /// The customer's earlier mails, newest first.
    pub earlier: Vec<&'a str>,
    /// Names of all attachments, read or not.
    pub attachments: Vec<&'a str>,
    /// What was read of the attachments. It is not the customer's visible text: no figure rests on it.
    pub attached: String,
    /// What the attachments touch.
    pub attached_concerns: Vec<Concern>,
    /// The language that the assistant says the mail is in.
    pub claimed: &'a str,
    pub canary: Option<&'a str>,
}

impl<'a> Case<'a> {
    pub fn new(case: &GuardCase<'a>) -> Self {
        let (request, answer) = (case.request, case.answer);
        let personality = &request.personality;
        let reply = plain::reply(clip(&answer.reply, MAX_REPLY));
        let passages: Vec<String> = answer
            .sources
            .iter()
            .scan(MAX_PASSAGES, |left, source| {
                let text = clip(&source.passage, *left);
                *left -= text.len();
                Some(format!("{}\n{}", clip(&source.title, MAX_SUBJECT), knowledge::plain(text)))
            })
            .collect();
        let owner = [&personality.tone, &personality.instructions, &personality.signature, case.disclosure];
        let owner = owner.map(|text| clip(text, MAX_OWNER / 4)).join("\n");
        let from = request.chain.len().saturating_sub(request.open.max(1));
        let of_customer = |mail: &&channel::assistant::ChainMail| mail.author == Author::Customer;
        let open: Vec<&str> = request.chain[from..]
            .iter()
            .filter(of_customer)
            .scan(MAX_CUSTOMER, |left, mail| {
                let text = clip(&mail.text, *left);
                *left -= text.len();
                Some(text)
            })
            .collect();
        let subject = clip(&request.subject, MAX_SUBJECT);
        let attached = request
            .attachments
            .iter()
            .scan(MAX_ATTACHED, |left, file| {
                let text = clip(&file.text, *left);
                *left -= text.len();
                Some(text)
            })
            .collect::<Vec<_>>()
            .join("\n");
        let customer = format!("{subject}\n{}", open.join("\n"));
        Self {
            too_long: answer.reply.len() > MAX_REPLY,
            reply,
            sources: passages.join("\n"),
            passages,
            owner,
            personality,
            own: case.own,
            subject,
            unseen: open.iter().map(|mail| mail.len()).sum::<usize>()
                < request.chain[from..].iter().filter(of_customer).map(|mail| mail.text.len()).sum(),
            concerns: concerns(&sentences(&customer)).collect(),
            customer,
            open,
            earlier: request.chain[..from]
                .iter()
                .rev()
                .filter(of_customer)
                .take(3)
                .map(|mail| clip(&mail.text, MAX_EARLIER))
                .collect(),
            attachments: request
                .unread_attachments
                .iter()
                .chain(request.attachments.iter().map(|file| &file.name))
                .map(String::as_str)
                .collect(),
            attached_concerns: concerns(&sentences(&attached)).collect(),
            attached,
            claimed: &answer.language,
            canary: answer.canary.as_deref(),
        }
    }
}
