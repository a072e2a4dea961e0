//! A flow run on facts with scripted answers: effects are recorded, none is done. It drives the same engine as a real
//! run, so it plans the same effects.

use crate::effect::Effect;
use crate::engine::{AiRequest, End, FlowRef, Ledger, Limits, Next, Outcome, Run, Selection, Situation, next, select};
use crate::facts::{Assessment, Facts};
use crate::model::Flow;
use crate::trace::Trace;
use channel::ids::StepName;
use channel::time::Timestamp;
use std::collections::BTreeMap;

/// What the assistant is said to answer.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub assessment: Option<Assessment>,
    /// To every request in the flow's own words.
    pub text: Option<String>,
    /// To every classification; else its first label.
    pub label: Option<String>,
    /// Steps that fail, by key.
    pub failures: BTreeMap<StepName, String>,
}

impl Script {
    pub fn answer(&self, key: &StepName, request: &AiRequest) -> Outcome {
        if let Some(why) = self.failures.get(key) {
            return Outcome::Failed { why: why.clone() };
        }
        let silent = || Outcome::Failed { why: "no answer was scripted".to_owned() };
        match request {
            AiRequest::Assess => self.assessment.clone().map_or_else(silent, Outcome::Assessed),
            AiRequest::Prompt { .. } => self.text.clone().map_or_else(silent, |text| Outcome::Said { text }),
            AiRequest::Classify { labels, .. } => {
                let label = self.label.clone().or_else(|| labels.first().map(|(label, _)| label.clone()));
                label.map_or_else(silent, |label| Outcome::Labelled { label, confidence: 1.0 })
            }
        }
    }

    fn done(&self, key: &StepName) -> Outcome {
        match self.failures.get(key) {
            Some(why) => Outcome::Failed { why: why.clone() },
            None => Outcome::Done,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// By its place in the list; none when no flow took the mail.
    pub chosen: Option<usize>,
    pub effects: Vec<(StepName, Effect)>,
    pub questions: Vec<(StepName, AiRequest)>,
    pub end: Option<End>,
    pub trace: Trace,
}

/// Chooses among the flows and runs the chosen one to its end. Waits pass at once.
pub fn dry_run(flows: &[(FlowRef, &Flow)], facts: &Facts, script: &Script, now: Timestamp) -> Report {
    let mut ledger = Ledger::new();
    let mut report = Report { chosen: None, effects: vec![], questions: vec![], end: None, trace: Trace::default() };
    let chosen = loop {
        let (selection, trace) = select(flows, facts, &ledger);
        match selection {
            Selection::Ask { key, request } => {
                ledger.insert(key.clone(), script.answer(&key, &request));
                report.questions.push((key, request));
            }
            Selection::Chosen(at) => {
                report.trace = trace;
                break at;
            }
            Selection::None => return Report { trace, ..report },
        }
    };
    report.chosen = Some(chosen);
    let (reference, flow) = &flows[chosen];
    let mut time = now;
    loop {
        let run = Run {
            flow,
            reference,
            facts,
            ledger: &ledger,
            situation: Situation::Open,
            begun_at: now,
            now: time,
            limits: Limits::default(),
        };
        let plan = next(&run);
        match plan.next {
            Next::Ask { key, request } => {
                ledger.insert(key.clone(), script.answer(&key, &request));
                report.questions.push((key, request));
            }
            Next::Do { key, effect } => {
                ledger.insert(key.clone(), script.done(&key));
                report.effects.push((key, effect));
            }
            Next::Wait { key, until } => {
                ledger.insert(key, Outcome::WaitsUntil(until));
                time = until;
            }
            Next::Hold => return report,
            Next::Finished(end) => {
                report.end = Some(end);
                report.trace.entries.extend(plan.trace.entries);
                return report;
            }
        }
    }
}
