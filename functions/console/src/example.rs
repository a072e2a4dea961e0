//! What the assistant made of a question without an effect, as *Ask* and the personality page show it.

use crate::App;
use crate::failure::Failure;
use crate::language;
use channel::assistant::Usage;
use channel::ids::ExampleId;
use channel::record::{Example, ExampleAnswer, ExampleState, HeldBy, MailboxView, Mode};
use channel::usecase::example::GIVEN_UP;
use channel::usecase::plan::answer_text;
use channel::usecase::session::SignedIn;

/// What became of a question.
pub enum Outcome {
    Waiting,
    /// No answer came, and why in words.
    Failed(String),
    Answered(Box<Shown>),
}

pub struct Shown {
    /// `good`, `note` or `bad`.
    pub kind: &'static str,
    /// What would become of the mail.
    pub verdict: String,
    pub reasons: Vec<HeldBy>,
    /// The text, when anybody would get to see it.
    pub text: Option<String>,
    pub language: String,
    pub confidence: String,
    pub guards: u32,
    pub sources: Vec<(String, String)>,
    /// What asking the model took; none of the built-in assistant.
    pub model: Option<String>,
}

impl Outcome {
    /// The page looks again by itself.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting)
    }
}

/// The question that an address names, when this operator asked it and it has not expired.
pub async fn named(app: &App, who: &SignedIn, id: Option<&str>) -> Result<Option<Example>, Failure> {
    let Some(id) = id.and_then(|id| ExampleId::parse(id).ok()) else { return Ok(None) };
    let example = app.examples.example(&id, app.clock.now()).await?;
    Ok(example.filter(|example| example.operator == *who.operator()))
}

/// `view`: the mailbox whose mail it would be; none for a question to the knowledge base.
pub fn shown(app: &App, example: &Example, view: Option<&MailboxView>) -> Outcome {
    match &example.state {
        ExampleState::Asked | ExampleState::Answering { .. } => {
            if app.clock.now().since(example.asked_at) < GIVEN_UP {
                return Outcome::Waiting;
            }
            let minutes = GIVEN_UP.as_secs() / 60;
            Outcome::Failed(format!(
                "No answer came within {minutes} minutes. Ask again; when that happens twice, the log of ai-worker says why."
            ))
        }
        ExampleState::Failed { why } => Outcome::Failed(why.clone()),
        ExampleState::Answered { answer } => Outcome::Answered(Box::new(answered(example, answer, view))),
    }
}

fn answered(example: &Example, answer: &ExampleAnswer, view: Option<&MailboxView>) -> Shown {
    let (kind, verdict, reasons) = verdict(answer, view.map(|view| view.settings.mode()));
    let text = answer.reply.as_ref().map(|reply| match view {
        Some(_) => answer_text(&example.personality, reply, true),
        None => reply.clone(),
    });
    Shown {
        kind,
        verdict,
        reasons,
        text: text.map(|text| text.trim_end().to_owned()),
        language: language::in_words(&answer.language),
        confidence: format!("{:.2}", answer.confidence),
        guards: answer.guards,
        sources: answer.sources.iter().map(|source| (source.title.clone(), source.passage.clone())).collect(),
        model: in_words(&answer.usage),
    }
}

fn verdict(answer: &ExampleAnswer, mode: Option<Mode>) -> (&'static str, String, Vec<HeldBy>) {
    if let Some(why) = &answer.person {
        return ("bad", format!("A person would take this. {why}"), vec![]);
    }
    if !answer.withheld.is_empty() {
        let both = answer.withheld.iter().chain(&answer.held).cloned().collect();
        return ("bad", "A person would take this: the answer is kept back.".to_owned(), both);
    }
    let held = answer.held.clone();
    let (kind, verdict) = match (mode, held.is_empty()) {
        (Some(Mode::AutoReply), true) => ("good", "This would be sent without a person, after the response delay."),
        (Some(Mode::AutoReply), false) => ("note", "This would be a draft for review and not be sent by itself."),
        (Some(Mode::Draft), true) => ("good", "This would be a draft for review."),
        (Some(Mode::Draft), false) => ("note", "This would be a draft for review, with these points to look at."),
        (Some(Mode::ReceiveOnly), _) => (
            "note",
            "Auto-reply and drafts are both off, so nothing would be written. With drafts on, it would be this.",
        ),
        (None, true) => ("good", "The knowledge base answers this."),
        (None, false) => ("note", "The knowledge base answers this, but a machine would not send it by itself."),
    };
    (kind, verdict.to_owned(), held)
}

fn in_words(usage: &Usage) -> Option<String> {
    let cost = match usage.cost_micro_usd {
        0 => "its cost is not configured".to_owned(),
        micro => format!("{}.{:06} USD", micro / 1_000_000, micro % 1_000_000),
    };
    (usage.calls > 0).then(|| {
        format!(
            "{} ({}): {} tokens in, {} tokens out, {cost}",
            usage.model, usage.provider, usage.input_tokens, usage.output_tokens
        )
    })
}
