//! What a flow does next. Every call goes through the flow from its first step, reads from the ledger what has happened,
//! and stops at the first thing that has not: so it is resumed after any interruption by calling it again.
//!
//! Invariant: the same flow, facts, ledger and time give the same answer. A step's key depends on the flow, its version
//! and the step's place alone.

use crate::condition::{Condition, NoVerdict};
use crate::data::Data;
use crate::effect::Effect;
use crate::facts::{Assessment, Facts};
use crate::model::{Action, Branch, Flow, OnError, Recipient, Step};
use crate::template::Template;
use crate::text;
use crate::trace::{Decision, Trace};
use channel::ids::{BadId, StepName};
use channel::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Which flow, and which of its versions: fixed when it is chosen for a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRef {
    pub id: StepName,
    pub version: u32,
}

impl FlowRef {
    /// # Errors
    /// When the id holds another character than a table key may, or is longer than 60.
    pub fn new(id: &str, version: u32) -> Result<Self, BadId> {
        if id.len() > 60 {
            return Err(BadId);
        }
        Ok(Self { id: StepName::parse(id)?, version })
    }

    fn key(&self, path: &str) -> StepName {
        // Paths are digits, dots and `b`, at most 40 of them: with an id of 60 this is an id.
        StepName::parse(format!("{}@{}:{path}", self.id, self.version)).unwrap_or_else(|_| self.id.clone())
    }
}

/// The key under which the assistant's view of the mail is kept; it belongs to the mail, so all flows share it.
pub fn assessment_key() -> StepName {
    StepName::parse("assistant").unwrap_or_else(|_| unreachable!("a constant that is a valid id"))
}

/// What the assistant is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiRequest {
    /// The assistant's own view of the mail and its answer from the knowledge base.
    Assess,
    /// The flow's own words. Both are texts; what of them is the mail's is data to the model.
    Prompt { system: String, input: String },
    /// One of these labels.
    Classify { labels: Vec<(String, String)>, input: String },
}

/// What became of a step. Recorded once; the first record stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The effect is in the action ledger, or done.
    Done,
    Assessed(Assessment),
    Said {
        text: String,
    },
    Labelled {
        label: String,
        confidence: f32,
    },
    WaitsUntil(Timestamp),
    /// For good: what may be tried again is not an outcome yet.
    Failed {
        why: String,
    },
}

/// What has happened so far, by step.
pub type Ledger = BTreeMap<StepName, Outcome>;

/// What stands around a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    Open,
    /// Enabled is off: nothing begins until it is on again.
    Paused,
    /// A person has the thread: nothing more is done.
    TakenOver,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Questions to the assistant in one run.
    pub ai_requests: usize,
    /// From the beginning of the run; its own waits are not counted.
    pub run_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ai_requests: crate::read::MAX_AI_STEPS + 1, run_time: Duration::from_secs(24 * 3_600) }
    }
}

/// One run of a flow over one mail.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    pub flow: &'a Flow,
    pub reference: &'a FlowRef,
    pub facts: &'a Facts,
    pub ledger: &'a Ledger,
    pub situation: Situation,
    pub begun_at: Timestamp,
    pub now: Timestamp,
    pub limits: Limits,
}

/// What is to be done now. `key` is where its outcome is recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Ask {
        key: StepName,
        request: AiRequest,
    },
    Do {
        key: StepName,
        effect: Effect,
    },
    Wait {
        key: StepName,
        until: Timestamp,
    },
    /// Nothing, until the mailbox is enabled again.
    Hold,
    Finished(End),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Completed,
    Stopped { reason: String },
    NeedsPerson { reason: String },
    Failed { step: String, why: String },
    TakenOver,
}

/// What is next, and how it came to that.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub next: Next,
    pub trace: Trace,
}

/// Which flow takes a mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// By its place in the list that was given.
    Chosen(usize),
    /// The condition of a flow needs the assistant.
    Ask { key: StepName, request: AiRequest },
    /// The mailbox's mode decides.
    None,
}

/// The first flow by priority, then by place, whose condition holds.
pub fn select(flows: &[(FlowRef, &Flow)], facts: &Facts, ledger: &Ledger) -> (Selection, Trace) {
    let mut trace = Trace::default();
    let mut order: Vec<usize> = (0..flows.len()).collect();
    order.sort_by_key(|at| flows[*at].1.priority);
    let (assessment, failed) = assessed(ledger);
    let mut data = facts.data();
    if let Some(assessment) = assessment {
        data.insert("assistant", assessment.data());
    }
    for at in order {
        let (reference, flow) = &flows[at];
        let Some(when) = &flow.when else {
            trace.add(None, &flow.name, Decision::Chosen, "it takes every mail");
            return (Selection::Chosen(at), trace);
        };
        match when.decide(facts, &data) {
            Ok(true) => {
                trace.add(None, &flow.name, Decision::Chosen, because(when, &data));
                return (Selection::Chosen(at), trace);
            }
            Ok(false) => trace.add(None, &flow.name, Decision::NotChosen, because(when, &data)),
            Err(NoVerdict::NotAssessed) if !failed => {
                trace.add(None, &flow.name, Decision::Asked, "its condition needs what the assistant finds");
                return (Selection::Ask { key: assessment_key(), request: AiRequest::Assess }, trace);
            }
            Err(why) => trace.add(Some(&reference.id), &flow.name, Decision::NotChosen, why.to_string()),
        }
    }
    trace.add(None, "flows", Decision::NotChosen, "no flow takes this mail; the mode of the mailbox decides");
    (Selection::None, trace)
}

fn assessed(ledger: &Ledger) -> (Option<&Assessment>, bool) {
    match ledger.get(&assessment_key()) {
        Some(Outcome::Assessed(assessment)) => (Some(assessment), false),
        Some(_) => (None, true),
        None => (None, false),
    }
}

/// What this run does next.
pub fn next(run: &Run<'_>) -> Plan {
    let mut walk = Walk {
        run,
        data: run.facts.data(),
        results: BTreeMap::new(),
        trace: Trace::default(),
        waited: Duration::ZERO,
        answered: false,
        routed: None,
    };
    walk.data.extend(run.facts.template_names());
    let next = match walk.steps(&run.flow.steps) {
        Flowing::On => Next::Finished(match walk.routed.take() {
            Some(reason) => End::NeedsPerson { reason },
            None => End::Completed,
        }),
        Flowing::Ends(next) => *next,
    };
    let (next, why) = match (run.situation, next) {
        (_, finished @ Next::Finished(_)) => (finished, None),
        (Situation::TakenOver, _) => (
            Next::Finished(End::TakenOver),
            Some("a person has the conversation; the steps that are left are not done"),
        ),
        (Situation::Paused, _) => (Next::Hold, Some("the channel is paused; the steps that are left wait")),
        (Situation::Open, next) => (next, None),
    };
    if let Some(why) = why {
        walk.trace.add(None, &run.flow.name, Decision::Held, why);
    }
    Plan { next, trace: walk.trace }
}

struct Walk<'a, 'r> {
    run: &'r Run<'a>,
    data: BTreeMap<&'static str, Data>,
    results: BTreeMap<String, Data>,
    trace: Trace,
    waited: Duration,
    /// A step that writes to the customer was planned: there is one answer at most (`C2`).
    answered: bool,
    routed: Option<String>,
}

enum Flowing {
    On,
    Ends(Box<Next>),
}

fn ends(next: Next) -> Flowing {
    Flowing::Ends(Box::new(next))
}

/// Why a step did not come to its effect.
enum Halt {
    /// The assistant has to be asked first.
    Assess,
    Failed(String),
}

impl Walk<'_, '_> {
    fn key(&self, step: &Step) -> StepName {
        self.run.reference.key(&step.path)
    }

    fn note(&mut self, step: &Step, decision: Decision, why: impl Into<String>) {
        let key = self.key(step);
        let title = step.name.as_deref().unwrap_or(step.action.kind());
        self.trace.add(Some(&key), title, decision, why);
    }

    fn steps(&mut self, steps: &[Step]) -> Flowing {
        for step in steps {
            if self.routed.is_some() && step.action.answers() {
                self.note(step, Decision::Skipped, "a person has been asked; no mail is written by the assistant");
                continue;
            }
            if let Some(guard) = &step.guard {
                match self.decide(guard) {
                    Ok(true) => {}
                    Ok(false) => {
                        let why = because(guard, &self.data);
                        self.note(step, Decision::Skipped, why);
                        continue;
                    }
                    Err(halt) => match self.halted(step, halt) {
                        Flowing::On => continue,
                        end @ Flowing::Ends(_) => return end,
                    },
                }
            }
            if let end @ Flowing::Ends(_) = self.step(step) {
                return end;
            }
        }
        Flowing::On
    }

    fn step(&mut self, step: &Step) -> Flowing {
        match &step.action {
            Action::Choose(branches) => self.choose(step, branches),
            Action::Stop { reason } => {
                let reason = reason.clone().unwrap_or_else(|| "The flow says stop.".to_owned());
                self.note(step, Decision::Done, &reason);
                ends(Next::Finished(match self.routed.take() {
                    Some(reason) => End::NeedsPerson { reason },
                    None => End::Stopped { reason },
                }))
            }
            Action::Wait(wait) => self.wait(step, *wait),
            Action::AiRequest { .. } | Action::Classify { .. } => match self.request(step) {
                Ok(request) => self.ask(step, request),
                Err(halt) => self.halted(step, halt),
            },
            _ => self.act(step),
        }
    }

    fn choose(&mut self, step: &Step, branches: &[Branch]) -> Flowing {
        for (at, branch) in branches.iter().enumerate() {
            let (verdict, why) = match &branch.guard {
                None => (Ok(true), "else".to_owned()),
                Some(guard) => (self.decide(guard), because(guard, &self.data)),
            };
            match verdict {
                Ok(true) => {
                    self.note(step, Decision::Chosen, format!("branch {}: {why}", at + 1));
                    return self.steps(&branch.steps);
                }
                Ok(false) => {}
                Err(halt) => return self.halted(step, halt),
            }
        }
        self.note(step, Decision::Skipped, "no branch applies");
        Flowing::On
    }

    fn decide(&mut self, condition: &Condition) -> Result<bool, Halt> {
        condition.decide(self.run.facts, &self.data).or_else(|why| match why {
            NoVerdict::NotAssessed => {
                self.assess()?;
                condition.decide(self.run.facts, &self.data).map_err(|why| Halt::Failed(why.to_string()))
            }
            why => Err(Halt::Failed(why.to_string())),
        })
    }

    /// Takes what the assistant found from the ledger, or asks for it.
    fn assess(&mut self) -> Result<String, Halt> {
        match self.run.ledger.get(&assessment_key()) {
            None => Err(Halt::Assess),
            Some(Outcome::Assessed(assessment)) => {
                self.data.insert("assistant", assessment.data());
                Ok(assessment.reply.clone())
            }
            Some(Outcome::Failed { why }) => Err(Halt::Failed(why.clone())),
            Some(_) => Err(Halt::Failed("the ledger holds another outcome for the assistant".to_owned())),
        }
    }

    fn render(&mut self, template: &Template) -> Result<String, Halt> {
        if template.reads_assistant() && !self.data.contains_key("assistant") {
            self.assess()?;
        }
        template.render(&self.data).map_err(Halt::Failed)
    }

    fn optional(&mut self, template: Option<&Template>) -> Result<Option<String>, Halt> {
        template.map(|template| self.render(template)).transpose()
    }

    fn halted(&mut self, step: &Step, halt: Halt) -> Flowing {
        match halt {
            Halt::Assess => {
                self.note(step, Decision::Asked, "it needs what the assistant finds in the mail");
                self.question(step, assessment_key(), AiRequest::Assess)
            }
            Halt::Failed(why) => self.failed(step, &why),
        }
    }

    fn question(&mut self, step: &Step, key: StepName, request: AiRequest) -> Flowing {
        let recorded = |outcome: &&Outcome| {
            matches!(outcome, Outcome::Assessed(_) | Outcome::Said { .. } | Outcome::Labelled { .. })
        };
        let asked = self.run.ledger.values().filter(recorded).count();
        if asked >= self.run.limits.ai_requests {
            return self.failed(step, "the assistant has been asked as often as a flow may");
        }
        self.timely(step, Next::Ask { key, request })
    }

    /// A step begins only within the time of its run.
    fn timely(&mut self, step: &Step, next: Next) -> Flowing {
        let used = self.run.now.since(self.run.begun_at).saturating_sub(self.waited);
        if used > self.run.limits.run_time {
            let reason = "the flow has run longer than it may".to_owned();
            self.note(step, Decision::Failed, &reason);
            return ends(Next::Finished(End::NeedsPerson { reason }));
        }
        ends(next)
    }

    fn request(&mut self, step: &Step) -> Result<AiRequest, Halt> {
        let content = |input: Option<String>, facts: &Facts| {
            input.unwrap_or_else(|| crate::facts::clipped(&facts.body, crate::facts::MAX_BODY).to_owned())
        };
        match &step.action {
            Action::Classify { labels, input, .. } => {
                let input = self.optional(input.as_ref())?;
                Ok(AiRequest::Classify { labels: labels.clone(), input: content(input, self.run.facts) })
            }
            Action::AiRequest { system: None, input: None, .. } => Ok(AiRequest::Assess),
            Action::AiRequest { system, input, .. } => {
                let system = self.optional(system.as_ref())?.unwrap_or_default();
                let input = self.optional(input.as_ref())?;
                Ok(AiRequest::Prompt { system, input: content(input, self.run.facts) })
            }
            _ => Err(Halt::Failed("this step asks nothing".to_owned())),
        }
    }

    fn ask(&mut self, step: &Step, request: AiRequest) -> Flowing {
        // The assistant's own answer comes with what it found: one question, whoever needs it first.
        let key = if request == AiRequest::Assess { assessment_key() } else { self.key(step) };
        let outcome = self.run.ledger.get(&key);
        let (result, data) = match (&step.action, outcome) {
            (_, None) => {
                self.note(step, Decision::Asked, "the assistant is asked");
                return self.question(step, key, request);
            }
            (_, Some(Outcome::Failed { why })) => return self.failed(step, &why.clone()),
            (Action::AiRequest { result, .. }, Some(Outcome::Assessed(assessment))) => {
                if !assessment.answerable || assessment.reply.trim().is_empty() {
                    self.data.insert("assistant", assessment.data());
                    return self.failed(step, "the assistant has no answer to this mail");
                }
                self.data.insert("assistant", assessment.data());
                (result, said(&assessment.reply))
            }
            (Action::AiRequest { result, .. }, Some(Outcome::Said { text })) => (result, said(text)),
            (Action::Classify { result, labels, .. }, Some(Outcome::Labelled { label, confidence })) => {
                // A model's word counts only where it is one of the flow's own.
                if !labels.iter().any(|(known, _)| known == label) {
                    return self.failed(step, "the assistant named a label that the flow does not know");
                }
                let fields =
                    [("label", Data::from(label.as_str())), ("confidence", Data::Number(f64::from(*confidence)))];
                (result, Data::Record(BTreeMap::from(fields)))
            }
            (_, Some(_)) => return self.failed(step, "the ledger holds another outcome for this step"),
        };
        if let Data::Record(fields) = &data
            && let Some(text) = fields.get("text")
        {
            self.data.insert("ai_response", text.clone());
        }
        let why = match &data {
            Data::Record(fields) => match fields.get("label") {
                Some(Data::Text(label)) => format!("the assistant says {label}"),
                _ => "the assistant has answered".to_owned(),
            },
            _ => String::new(),
        };
        self.results.insert(result.clone(), data);
        self.data.insert("steps", Data::Named(self.results.clone()));
        self.note(step, Decision::Done, why);
        Flowing::On
    }

    fn wait(&mut self, step: &Step, wait: Duration) -> Flowing {
        let key = self.key(step);
        let until = match self.run.ledger.get(&key) {
            None => self.run.now.plus(wait),
            Some(Outcome::WaitsUntil(until)) => *until,
            Some(Outcome::Done) => {
                self.waited = self.waited.saturating_add(wait);
                self.note(step, Decision::Done, "the wait is over");
                return Flowing::On;
            }
            Some(_) => return self.failed(step, "the ledger holds another outcome for this step"),
        };
        if until > self.run.now || !self.run.ledger.contains_key(&key) {
            self.note(step, Decision::Waits, "it waits as long as the flow says");
            return ends(Next::Wait { key, until });
        }
        self.waited = self.waited.saturating_add(wait);
        self.note(step, Decision::Done, "the wait is over");
        Flowing::On
    }

    fn act(&mut self, step: &Step) -> Flowing {
        let key = self.key(step);
        let writes = matches!(step.action, Action::SendReply { .. } | Action::CreateDraft { .. });
        if writes && self.answered {
            self.note(step, Decision::Skipped, "the mail has its answer already");
            return Flowing::On;
        }
        match self.run.ledger.get(&key) {
            Some(Outcome::Done) => {
                self.answered |= writes;
                if let Action::RouteToHuman { reason } = &step.action {
                    let reason = self.optional(reason.as_ref()).ok().flatten();
                    self.routed = Some(reason.unwrap_or_else(default_reason));
                }
                self.note(step, Decision::Done, target(&step.action));
                Flowing::On
            }
            Some(Outcome::Failed { why }) => self.failed(step, &why.clone()),
            Some(_) => self.failed(step, "the ledger holds another outcome for this step"),
            None => match self.effect(&step.action) {
                Ok(effect) => {
                    self.note(step, Decision::Begins, target(&step.action));
                    self.timely(step, Next::Do { key, effect })
                }
                Err(halt) => self.halted(step, halt),
            },
        }
    }

    fn effect(&mut self, action: &Action) -> Result<Effect, Halt> {
        Ok(match action {
            Action::SendReply { subject, body } => {
                Effect::SendReply { subject: text::subject(&self.render(subject)?), body: self.written(body)? }
            }
            Action::CreateDraft { to, subject, body } => {
                let to = self.allowed(to)?;
                let subject = text::subject(&self.render(subject)?);
                Effect::CreateDraft { to, subject, body: self.written(body)? }
            }
            Action::AddLabel(label) => Effect::AddLabel { label: label.clone() },
            Action::RemoveLabel(label) => Effect::RemoveLabel { label: label.clone() },
            Action::MarkRead => Effect::MarkRead,
            Action::Archive => Effect::Archive,
            Action::Forward { to, note } => {
                Effect::Forward { to: self.allowed(to)?, note: self.optional(note.as_ref())? }
            }
            Action::RouteToHuman { reason } => {
                let reason = self.optional(reason.as_ref())?.unwrap_or_else(default_reason);
                Effect::RouteToHuman { reason }
            }
            Action::Notify { message } => Effect::Notify { message: self.render(message)? },
            Action::Slack { channel, message } => {
                Effect::Slack { channel: channel.clone(), message: self.render(message)? }
            }
            Action::Webhook { url, message } => {
                Effect::Webhook { url: url.clone(), message: self.optional(message.as_ref())? }
            }
            Action::AiRequest { .. }
            | Action::Classify { .. }
            | Action::Wait(_)
            | Action::Stop { .. }
            | Action::Choose(_) => return Err(Halt::Failed("this step has no effect".to_owned())),
        })
    }

    fn written(&mut self, body: &Template) -> Result<String, Halt> {
        let body = self.render(body)?;
        if body.trim().is_empty() { Err(Halt::Failed("the mail would have no text".to_owned())) } else { Ok(body) }
    }

    /// Mail goes to the sender, or to an address that the owner's settings hold.
    fn allowed(&self, to: &Recipient) -> Result<Recipient, Halt> {
        let settings = &self.run.facts.settings;
        match to {
            Recipient::Sender => Ok(Recipient::Sender),
            Recipient::Setting(name) => settings
                .get(name)
                .map(|address| Recipient::Address(address.clone()))
                .ok_or_else(|| Halt::Failed(format!("settings.{name} is not set"))),
            Recipient::Address(address) if settings.values().any(|known| known == address) => Ok(to.clone()),
            Recipient::Address(_) => {
                Err(Halt::Failed("the target is not among the addresses of the settings".to_owned()))
            }
        }
    }

    fn failed(&mut self, step: &Step, why: &str) -> Flowing {
        let title = step.name.clone().unwrap_or_else(|| step.action.kind().to_owned());
        self.note(step, Decision::Failed, why);
        match step.on_error {
            OnError::Continue => Flowing::On,
            OnError::Stop => ends(Next::Finished(End::Failed { step: title, why: why.to_owned() })),
            OnError::Human => {
                let reason = format!("The flow's step {title} failed: {why}.");
                let key = self.run.reference.key(&format!("{}.human", step.path));
                match self.run.ledger.get(&key) {
                    // Whether the person could be told or not, nothing more is done by machine.
                    Some(_) => ends(Next::Finished(End::NeedsPerson { reason })),
                    None => ends(Next::Do { key, effect: Effect::RouteToHuman { reason } }),
                }
            }
        }
    }
}

fn said(text: &str) -> Data {
    let text = crate::facts::clipped(text, crate::facts::MAX_BODY).to_owned();
    Data::Record(BTreeMap::from([("text", Data::Text(text))]))
}

fn default_reason() -> String {
    "A flow asks for a person.".to_owned()
}

/// Where an action goes, for the trace.
fn target(action: &Action) -> String {
    match action {
        Action::CreateDraft { to, .. } | Action::Forward { to, .. } => format!("to {to}"),
        Action::AddLabel(label) | Action::RemoveLabel(label) => label.to_string(),
        Action::Slack { channel, .. } => channel.to_string(),
        Action::SendReply { .. } => "to the sender".to_owned(),
        _ => String::new(),
    }
}

/// A condition with what it looked at, in short: figures and words of closed sets, never text of the mail.
fn because(condition: &Condition, data: &BTreeMap<&'static str, Data>) -> String {
    let mut seen: Vec<String> = vec![];
    let shown: BTreeSet<&str> = condition.reads.iter().map(String::as_str).collect();
    for name in shown {
        let mut parts = name.split('.');
        let mut value = parts.next().and_then(|first| data.get(first));
        for part in parts {
            value = match value {
                Some(Data::Record(fields)) => fields.get(part),
                Some(Data::Named(fields)) => fields.get(part),
                _ => None,
            };
        }
        let said = match value {
            Some(Data::Bool(true)) => "yes".to_owned(),
            Some(Data::Bool(false)) => "no".to_owned(),
            Some(Data::Int(number)) => number.to_string(),
            Some(Data::Number(number)) => format!("{number:.2}"),
            Some(Data::Text(word))
                if name.starts_with("assistant.") || name.starts_with("steps.") && name.ends_with(".label") =>
            {
                word.clone()
            }
            Some(Data::Text(text)) => format!("{} characters", text.chars().count()),
            Some(Data::List(items)) => format!("{} item(s)", items.len()),
            Some(Data::Record(_) | Data::Named(_)) | None => continue,
        };
        seen.push(format!("{name}: {said}"));
    }
    format!("{} ({})", crate::problem::short(&condition.source), seen.join(", "))
}
