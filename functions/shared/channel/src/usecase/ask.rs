//! Asking the knowledge base: what a customer's first mail with this question would meet. Nothing is stored and nobody is
//! written to.

use crate::assistant::{
    Answer, AnswerRequest, AssistantError, Author, ChainMail, GuardEffect, GuardVerdict, Personality,
};
use crate::ids::MailboxId;
use crate::ports::{Assistant, Clock, Guards, Mailboxes, Spending};
use crate::record::{CapKey, DEFAULT_MODEL_BUDGET_CENTS};
use crate::time::Timestamp;
use crate::usecase::caps::cost_counter;
use crate::usecase::common::{DAY, Rules, Stop};
use crate::usecase::plan::DEFAULT_DISCLOSURE;
use std::sync::Arc;

/// Characters of a question.
pub const MAX_QUESTION: usize = 4_000;

pub struct AskKnowledge {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub assistant: Arc<dyn Assistant>,
    pub guards: Arc<dyn Guards>,
    /// Counts what a model costs; none where the assistant costs nothing.
    pub spending: Option<Arc<dyn Spending>>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
}

/// What would become of a mail with this question in a mailbox that answers by itself, as far as its words decide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedRoute {
    Send,
    /// And why it would not be sent; each completes "because …".
    Draft(Vec<String>),
    /// Why, in whole sentences.
    Person(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub answer: Answer,
    /// As it would go into the mail; empty when there is none.
    pub reply: String,
    pub route: AskedRoute,
    /// Of the guards that did not pass.
    pub objections: Vec<GuardVerdict>,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("Write a question of at most {MAX_QUESTION} characters.")]
    Question,
    #[error("There is no such mailbox.")]
    UnknownMailbox,
    #[error("The budget of model cost for today is used up. Raise it in the settings, or ask again tomorrow (UTC).")]
    Budget,
    #[error(transparent)]
    Assistant(#[from] AssistantError),
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl AskKnowledge {
    /// With the personality and the budget of `mailbox`, or the defaults. `until`: when the answer must be there.
    pub async fn ask(
        &self,
        question: &str,
        mailbox: Option<&MailboxId>,
        until: Option<Timestamp>,
    ) -> Result<Asked, AskError> {
        let question = question.trim();
        if question.is_empty() || question.chars().count() > MAX_QUESTION {
            return Err(AskError::Question);
        }
        let now = self.clock.now();
        let settings = match mailbox {
            Some(id) => {
                let view = self.mailboxes.mailbox(id).await.map_err(Stop::from)?.ok_or(AskError::UnknownMailbox)?;
                Some((view.settings, view.meta.address))
            }
            None => None,
        };
        let (personality, cents) = settings.as_ref().map_or_else(
            || (Personality::default(), DEFAULT_MODEL_BUDGET_CENTS),
            |(settings, _)| (settings.personality.clone(), settings.model_budget_cents),
        );
        let counter = mailbox.map_or_else(|| nobodys(now), |mailbox| cost_counter(mailbox, now));
        if let Some(spending) = &self.spending
            && spending.spent(&counter, now).await.map_err(Stop::from)? >= u64::from(cents).saturating_mul(10_000)
        {
            return Err(AskError::Budget);
        }
        let longest = now.plus(self.rules.answer_within);
        let request = AnswerRequest {
            chain: vec![ChainMail { author: Author::Customer, at: now, text: question.to_owned() }],
            open: 1,
            personality,
            deadline: Some(until.map_or(longest, |until| until.min(longest))),
            ..AnswerRequest::default()
        };
        let answer = self.assistant.answer(&request).await;
        let cost = match &answer {
            Ok(answer) => answer.usage.cost_micro_usd,
            Err(error) => error.usage().cost_micro_usd,
        };
        if let Some(spending) = self.spending.as_ref().filter(|_| cost > 0) {
            spending.spend(&counter, cost, now.plus(2 * DAY)).await.map_err(Stop::from)?;
        }
        let own: Vec<_> = settings.into_iter().map(|(_, address)| address).collect();
        Ok(self.judged(answer?, &request, &own))
    }

    fn judged(&self, answer: Answer, request: &AnswerRequest, own: &[crate::address::EmailAddress]) -> Asked {
        if !answer.answerable || answer.reply.trim().is_empty() {
            let why =
                answer.reason_for_person.clone().unwrap_or_else(|| "The assistant cannot answer this.".to_owned());
            return Asked { answer, reply: String::new(), route: AskedRoute::Person(vec![why]), objections: vec![] };
        }
        let disclosure = request.personality.disclosure.as_deref().unwrap_or(DEFAULT_DISCLOSURE);
        let case = crate::assistant::GuardCase { request, answer: &answer, own, disclosure };
        let guarded = self.guards.judge(&case);
        let reasons = |effect| guarded.reasons(effect).map(str::to_owned).collect::<Vec<_>>();
        let withheld = reasons(GuardEffect::Person);
        let mut downgrades = reasons(GuardEffect::Draft);
        if answer.confidence < self.rules.min_confidence {
            downgrades.push("the assistant is not sure enough".to_owned());
        }
        if answer.sources.is_empty() {
            downgrades.push("no source supports the answer".to_owned());
        }
        let route = if !withheld.is_empty() {
            let said = |why: String| format!("The assistant's answer would be withheld because {why}.");
            AskedRoute::Person(withheld.into_iter().map(said).collect())
        } else if downgrades.is_empty() {
            AskedRoute::Send
        } else {
            AskedRoute::Draft(downgrades)
        };
        let objections = guarded.verdicts.into_iter().filter(|verdict| verdict.effect != GuardEffect::Pass).collect();
        Asked { answer, reply: guarded.reply, route, objections }
    }
}

/// What is asked for no mailbox is counted by itself.
fn nobodys(now: Timestamp) -> CapKey {
    let nobody = MailboxId::parse("knowledge").unwrap_or_else(|_| unreachable!("a constant that is a valid id"));
    cost_counter(&nobody, now)
}
