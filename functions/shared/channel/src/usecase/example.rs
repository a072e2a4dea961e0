//! The assistant is asked without any effect (`A3.2`): *Ask* of the knowledge base, and the live example of a personality.
//! The console writes the question; the worker, which alone may ask a model, answers it with the same assistant and the
//! same guards as a mail's, under the same budget.
//!
//! Invariant: at most one answer is made for a question; nothing but its own item is written, and that expires within
//! the hour.

use crate::address::EmailAddress;
use crate::assistant::{
    Answer, AnswerRequest, AssistantError, Author, ChainMail, GuardCase, GuardEffect, Guarded, Personality,
};
use crate::ids::{ExampleId, MailboxId};
use crate::outcome::Outcome;
use crate::ports::{Assistant, Clock, CommitError, Commits, Entropy, Examples, Guards, Mailboxes, Spending, WorkQueue};
use crate::record::{Commit, DEFAULT_MODEL_BUDGET_CENTS, Example, ExampleAnswer, ExampleState, HeldBy, MailboxView};
use crate::time::Timestamp;
use crate::usecase::caps::{cost_counter, example_cap};
use crate::usecase::common::{DAY, Rules, Stop, fresh_id};
use crate::usecase::configure::FieldError;
use crate::usecase::plan::disclosure;
use crate::work::WorkerWork;
use std::sync::Arc;
use std::time::Duration;

/// How long a question and its answer are kept.
pub const KEPT: Duration = Duration::from_secs(3600);
/// After this nobody waits for the answer any more: the worker's time-out and a minute in the queue.
pub const GIVEN_UP: Duration = Duration::from_secs(180);
/// Characters of a question.
pub const MAX_TEXT: usize = 10_000;
pub const MAX_SUBJECT: usize = 300;

/// What a person wants to know.
#[derive(Debug, Clone)]
pub struct Question {
    pub operator: EmailAddress,
    pub mailbox: Option<MailboxId>,
    pub subject: String,
    pub text: String,
    pub personality: Personality,
}

#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
    /// Too many in this hour.
    #[error("too many questions in this hour")]
    TooMany,
    #[error(transparent)]
    Stop(#[from] Stop),
}

/// The console's side.
#[derive(Clone)]
pub struct AskExample {
    pub commits: Arc<dyn Commits>,
    pub queue: Arc<dyn WorkQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl AskExample {
    /// Writes the question and calls the worker.
    pub async fn ask(&self, question: Question) -> Result<ExampleId, NotAsked> {
        let wrong = check(&question);
        if !wrong.is_empty() {
            return Err(NotAsked::Fields(wrong));
        }
        let now = self.clock.now();
        let id =
            ExampleId::parse(fresh_id(&*self.entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"));
        let example = Example {
            ver: 0,
            id: id.clone(),
            operator: question.operator,
            mailbox: question.mailbox,
            subject: question.subject.trim().to_owned(),
            text: question.text.replace("\r\n", "\n").trim().to_owned(),
            personality: question.personality,
            asked_at: now,
            state: ExampleState::Asked,
            expires_at: now.plus(KEPT),
        };
        let account = example.account();
        match self.commits.commit(Commit::new().put(example).cap(example_cap(&account, now))).await {
            Err(CommitError::CapReached(_)) => return Err(NotAsked::TooMany),
            other => other.map_err(Stop::from)?,
        }
        // No due index holds it: a person is looking, and asks again when the message is lost.
        let work = WorkerWork::Example { example: id.clone(), account };
        self.queue.send(vec![work], Duration::ZERO).await.map_err(Stop::from)?;
        Ok(id)
    }
}

fn check(question: &Question) -> Vec<FieldError> {
    let mut wrong = vec![];
    let mut say = |field, message: String| wrong.push(FieldError { field, message });
    if question.text.trim().is_empty() {
        say("text", "Write what a customer would ask.".to_owned());
    }
    if question.text.chars().count() > MAX_TEXT {
        say("text", format!("At most {MAX_TEXT} characters."));
    }
    if question.subject.chars().count() > MAX_SUBJECT {
        say("subject", format!("At most {MAX_SUBJECT} characters."));
    }
    wrong
}

/// The worker's side.
pub struct AnswerExample {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub examples: Arc<dyn Examples>,
    pub commits: Arc<dyn Commits>,
    pub assistant: Arc<dyn Assistant>,
    pub guards: Arc<dyn Guards>,
    /// Counts what a model costs; none where the assistant costs nothing.
    pub spending: Option<Arc<dyn Spending>>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
}

impl AnswerExample {
    /// `until`: when the assistant must have answered; none where nothing ends the caller.
    pub async fn run(&self, id: &ExampleId, until: Option<Timestamp>) -> Outcome {
        self.try_run(id, until).await.unwrap_or_else(Stop::outcome)
    }

    async fn try_run(&self, id: &ExampleId, until: Option<Timestamp>) -> Result<Outcome, Stop> {
        let now = self.clock.now();
        let Some(mut example) = self.examples.example(id, now).await? else { return Ok(Outcome::Ignore("no_example")) };
        if example.state != ExampleState::Asked {
            return Ok(Outcome::Ignore("example_was_begun"));
        }
        if now.since(example.asked_at) >= GIVEN_UP {
            return Ok(Outcome::Ignore("nobody_waits_any_more"));
        }
        let view = match &example.mailbox {
            None => None,
            Some(mailbox) => match self.mailboxes.mailbox(mailbox).await? {
                Some(view) => Some(view),
                None => return Ok(Outcome::Ignore("unknown_mailbox")),
            },
        };
        // Written before a model is asked, so that a second delivery does not ask again.
        example.state = ExampleState::Answering { since: now };
        match self.commits.commit(Commit::new().put(example.clone())).await {
            Err(CommitError::Conflict(_)) => return Ok(Outcome::Ignore("example_was_begun")),
            other => other?,
        }
        example.ver += 1;
        example.state = match self.answer(&example, view.as_ref(), until).await? {
            Ok(answer) => ExampleState::Answered { answer: Box::new(answer) },
            Err(why) => ExampleState::Failed { why },
        };
        self.commits.commit(Commit::new().put(example)).await?;
        Ok(Outcome::Done)
    }

    /// The inner error is for a person.
    async fn answer(
        &self,
        example: &Example,
        view: Option<&MailboxView>,
        until: Option<Timestamp>,
    ) -> Result<Result<ExampleAnswer, String>, Stop> {
        let now = self.clock.now();
        let longest = now.plus(self.rules.answer_within);
        let request = AnswerRequest {
            subject: example.subject.clone(),
            chain: vec![ChainMail { author: Author::Customer, at: now, text: example.text.clone() }],
            open: 1,
            attachments: vec![],
            unread_attachments: vec![],
            personality: example.personality.clone(),
            deadline: Some(until.map_or(longest, |until| until.min(longest))),
        };
        let counter = cost_counter(&example.account(), now);
        if let Some(spending) = &self.spending {
            let cents = view.map_or(DEFAULT_MODEL_BUDGET_CENTS, |view| view.settings.model_budget_cents);
            if spending.spent(&counter, now).await? >= u64::from(cents).saturating_mul(10_000) {
                let whose = if view.is_some() { "of this mailbox" } else { "for asking the knowledge base" };
                return Ok(Err(format!(
                    "The budget of model cost {whose} for today is used up, so no model was asked. It begins anew at \
                     midnight UTC."
                )));
            }
        }
        let answer = self.assistant.answer(&request).await;
        let usage = match &answer {
            Ok(answer) => &answer.usage,
            Err(error) => error.usage(),
        };
        if let Some(spending) = self.spending.as_ref().filter(|_| usage.cost_micro_usd > 0) {
            // An answer that is paid for is not thrown away because its price could not be written down.
            if let Err(error) = spending.spend(&counter, usage.cost_micro_usd, now.plus(2 * DAY)).await {
                tracing::warn!(%error, "the cost of a model call was not counted");
            }
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(AssistantError::Unusable { why, .. }) => {
                return Ok(Err(format!("The assistant gave no usable answer: {why}. A person would get the mail.")));
            }
            Err(AssistantError::Unavailable { why, .. }) => {
                return Ok(Err(format!("The assistant is not available right now: {why}. Try again in a moment.")));
            }
        };
        // A question of no mailbox has no address of its own: the worker may not list the mailboxes.
        let own: Vec<EmailAddress> = view.map(|view| view.meta.address.clone()).into_iter().collect();
        Ok(Ok(self.judged(&request, answer, &own)))
    }

    fn judged(&self, request: &AnswerRequest, answer: Answer, own: &[EmailAddress]) -> ExampleAnswer {
        let mut told = ExampleAnswer {
            language: answer.language.clone(),
            confidence: answer.confidence,
            reply: None,
            person: None,
            withheld: vec![],
            held: vec![],
            guards: 0,
            sources: answer.sources.clone(),
            usage: answer.usage.clone(),
        };
        if !answer.answerable || answer.reply.trim().is_empty() {
            let why = || "The assistant cannot answer this.".to_owned();
            told.person = Some(answer.reason_for_person.clone().unwrap_or_else(why));
            return told;
        }
        let disclosure = disclosure(&request.personality);
        let guarded = self.guards.judge(&GuardCase { request, answer: &answer, own, disclosure });
        told.withheld = holding(&guarded, GuardEffect::Person);
        told.held = holding(&guarded, GuardEffect::Draft);
        told.guards = u32::try_from(guarded.passed()).unwrap_or(u32::MAX);
        let mut unless = |fine: bool, guard: &str, reason: &str| {
            if !fine {
                told.held.push(HeldBy { guard: guard.to_owned(), reason: reason.to_owned() });
            }
        };
        unless(answer.confidence >= self.rules.min_confidence, "confidence", "the assistant is not sure enough");
        unless(!answer.sources.is_empty(), "sources", "no source supports the answer");
        // What a guard keeps from everybody is kept from this page too.
        told.reply = Some(guarded.reply).filter(|_| told.withheld.is_empty());
        told
    }
}

fn holding(guarded: &Guarded, effect: GuardEffect) -> Vec<HeldBy> {
    let held = guarded.verdicts.iter().filter(|verdict| verdict.effect == effect);
    held.map(|verdict| HeldBy { guard: verdict.guard.to_owned(), reason: verdict.reason.clone() }).collect()
}
