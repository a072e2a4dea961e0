//! What README.md says of the engine.

use crate::support::{NOW, effects, facts, flow, reference, run, script, steps, targets};
use channel::assistant::Intent;
use channel::ids::StepName;
use channel::time::Timestamp;
use flow::{
    Decision, Effect, End, Flow, FlowRef, Ledger, Limits, Next, Outcome, Run, Script, Situation, assessment_key, next,
};
use std::time::Duration;

const SUPPORT: &str =
    "  - add_label: Support\n  - ai_request:\n  - create_draft:\n  - slack: {channel: '#support', message: hello}\n";

fn at<'a>(flow: &'a Flow, reference: &'a FlowRef, facts: &'a flow::Facts, ledger: &'a Ledger) -> Run<'a> {
    Run {
        flow,
        reference,
        facts,
        ledger,
        situation: Situation::Open,
        begun_at: NOW,
        now: NOW,
        limits: Limits::default(),
    }
}

fn key(text: &str) -> StepName {
    StepName::parse(text).expect("a key")
}

#[test]
fn a_run_that_is_broken_off_anywhere_goes_on_where_it_was() {
    let (flow, reference, mail) = (steps(SUPPORT), reference(), facts("a", "b"));
    let whole = run(&flow, &mail, &script(Intent::Support));
    let answers = script(Intent::Support);
    let mut ledger = Ledger::new();
    let mut done = vec![];
    loop {
        // Asked twice before anything is recorded, as after a crash, it says the same.
        let plan = next(&at(&flow, &reference, &mail, &ledger));
        assert_eq!(plan, next(&at(&flow, &reference, &mail, &ledger)));
        match plan.next {
            Next::Ask { key, request } => drop(ledger.insert(key.clone(), answers.answer(&key, &request))),
            Next::Do { key, effect } => {
                assert!(ledger.insert(key.clone(), Outcome::Done).is_none(), "{key} a second time");
                done.push((key, effect));
            }
            Next::Finished(end) => {
                assert_eq!(end, End::Completed);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, whole.effects);
    assert_eq!(done[0].0, key("test@3:1"));
}

#[test]
fn another_version_has_other_keys_and_the_one_that_began_goes_on() {
    let (old, mail) = (steps(SUPPORT), facts("a", "b"));
    let (v3, v4) = (FlowRef::new("test", 3).unwrap(), FlowRef::new("test", 4).unwrap());
    let ledger = Ledger::from([(key("test@3:1"), Outcome::Done)]);
    assert!(matches!(next(&at(&old, &v3, &mail, &ledger)).next, Next::Ask { .. }));
    assert!(matches!(next(&at(&old, &v4, &mail, &ledger)).next, Next::Do { key, .. } if key.as_str() == "test@4:1"));
}

#[test]
fn a_failed_step_stops_goes_on_or_asks_a_person() {
    let mail = facts("a", "b");
    let failing = |on_error: &str| {
        let flow = steps(&format!("  - add_label: One\n    on_error: {on_error}\n  - add_label: Two\n"));
        let mut script = Script::default();
        script.failures.insert(key("test@3:1"), "Gmail refused it".into());
        run(&flow, &mail, &script)
    };
    let stopped = failing("stop");
    assert_eq!(targets(&stopped), ["add_label One"]);
    assert!(matches!(&stopped.end, Some(End::Failed { why, .. }) if why == "Gmail refused it"));
    assert_eq!(targets(&failing("continue")), ["add_label One", "add_label Two"]);
    let human = failing("human");
    assert_eq!(targets(&human), ["add_label One", "route_to_human"]);
    assert!(matches!(human.end, Some(End::NeedsPerson { .. })));
    assert_eq!(human.effects[1].0, key("test@3:1.human"));
}

#[test]
fn a_person_is_asked_when_the_assistant_fails_and_a_label_is_not_worth_one() {
    let mail = facts("a", "b");
    let silent = run(&steps(SUPPORT), &mail, &Script::default());
    assert_eq!(targets(&silent), ["add_label Support", "route_to_human"]);
    let mut script = script(Intent::Support);
    script.failures.insert(key("test@3:1"), "no".into());
    let unlabelled = run(&steps(SUPPORT), &mail, &script);
    assert_eq!(targets(&unlabelled).last().unwrap(), "slack #support");
    assert_eq!(unlabelled.end, Some(End::Completed));
}

#[test]
fn a_missing_answer_is_a_failed_step_and_no_blank() {
    let flow = steps("  - ai_request:\n    if: sender.vip\n  - create_draft: 'Dear {{user.name}}, {{ai_response}}'\n");
    let report = run(&flow, &facts("a", "b"), &script(Intent::Support));
    assert_eq!(targets(&report), ["route_to_human"]);
    assert!(report.trace.to_string().contains("is not there"), "{}", report.trace);
}

#[test]
fn pause_holds_and_take_over_ends() {
    let (flow, reference, mail, ledger) = (steps(SUPPORT), reference(), facts("a", "b"), Ledger::new());
    let with = |situation| next(&Run { situation, ..at(&flow, &reference, &mail, &ledger) }).next;
    assert_eq!(with(Situation::Paused), Next::Hold);
    assert_eq!(with(Situation::TakenOver), Next::Finished(End::TakenOver));
    let resumed = with(Situation::Open);
    assert!(matches!(resumed, Next::Do { .. }));
}

#[test]
fn after_a_person_is_asked_no_mail_is_written_and_the_team_still_hears() {
    let flow = steps("  - route_to_human: please\n  - ai_request:\n  - create_draft: hello\n  - notify: hello\n");
    let report = run(&flow, &facts("a", "b"), &script(Intent::Support));
    assert_eq!(targets(&report), ["route_to_human", "notify"]);
    assert!(report.questions.is_empty());
    assert_eq!(report.end, Some(End::NeedsPerson { reason: "please".into() }));
}

#[test]
fn a_mail_has_one_answer() {
    let report = run(&steps("  - send_reply: one\n  - create_draft: two\n"), &facts("a", "b"), &Script::default());
    assert_eq!(targets(&report), ["send_reply to the sender"]);
    assert!(report.trace.entries.iter().any(|entry| entry.decision == Decision::Skipped));
}

#[test]
fn a_wait_is_over_at_its_time() {
    let (flow, reference, mail) = (steps("  - wait: 2 hours\n  - send_reply: hello\n"), reference(), facts("a", "b"));
    let mut ledger = Ledger::new();
    let Next::Wait { key, until } = next(&at(&flow, &reference, &mail, &ledger)).next else { panic!() };
    assert_eq!(until, NOW.plus(Duration::from_secs(7200)));
    ledger.insert(key, Outcome::WaitsUntil(until));
    let early = Run { now: Timestamp::from_millis(until.as_millis() - 1), ..at(&flow, &reference, &mail, &ledger) };
    assert!(matches!(next(&early).next, Next::Wait { .. }));
    let due = Run { now: until, ..at(&flow, &reference, &mail, &ledger) };
    assert!(matches!(next(&due).next, Next::Do { .. }));
}

#[test]
fn limits_end_with_a_person() {
    let (flow, reference, mail, ledger) = (steps(SUPPORT), reference(), facts("a", "b"), Ledger::new());
    let late = NOW.plus(Duration::from_secs(3600));
    let limits = Limits { run_time: Duration::from_secs(60), ..Limits::default() };
    let plan = next(&Run { limits, now: late, ..at(&flow, &reference, &mail, &ledger) });
    assert!(matches!(plan.next, Next::Finished(End::NeedsPerson { .. })));
    let labelled = Ledger::from([(key("test@3:1"), Outcome::Done)]);
    let limits = Limits { ai_requests: 0, ..Limits::default() };
    let plan = next(&Run { limits, ..at(&flow, &reference, &mail, &labelled) });
    assert!(matches!(plan.next, Next::Do { effect: Effect::RouteToHuman { .. }, .. }));
}

#[test]
fn the_assistant_is_asked_only_where_its_answer_matters() {
    let flow = steps("  - notify: hello\n    if: sender.vip && assistant.intent == \"sales\"\n");
    assert!(run(&flow, &facts("a", "b"), &script(Intent::Sales)).questions.is_empty());
    let mut vip = facts("a", "b");
    vip.sender.listed_vip = true;
    let report = run(&flow, &vip, &script(Intent::Sales));
    assert_eq!((report.questions.len(), report.questions[0].0.clone()), (1, assessment_key()));
    assert_eq!(targets(&report), ["notify"]);
}

#[test]
fn a_classification_counts_only_as_one_of_its_labels() {
    let source = "  - classify:\n      labels: {refund: wants money back, other: anything else}\n      result: kind\n  \
                  - choose:\n      - if: steps.kind.label == \"refund\"\n        steps: [archive]\n      - else: [mark_read]\n";
    let with =
        |label: &str| run(&steps(source), &facts("a", "b"), &Script { label: Some(label.into()), ..Script::default() });
    assert_eq!(targets(&with("refund")), ["archive"]);
    assert_eq!(targets(&with("other")), ["mark_read"]);
    assert_eq!(targets(&with("forward to me")), ["route_to_human"]);
}

#[test]
fn a_subject_never_collects_prefixes_and_a_header_stays_one_line() {
    let flow = steps("  - create_draft: {subject: 'Re: {{email_subject}}', body: hello}\n");
    let report = run(&flow, &facts("Re: RE: Aw: offer\r\nBcc: x@example.com", "b"), &Script::default());
    let Effect::CreateDraft { subject, .. } = effects(&report)[0] else { panic!() };
    assert_eq!(subject, "Re: offer Bcc: x@example.com");
}

#[test]
fn helpers_fold_case_and_accents_and_read_the_wall_clock() {
    let mail = facts("Réclamation: ÉCOLE", "b");
    let holds = |condition: &str| {
        let source = format!("version: 1\ntrigger: Chat Service\nwhen: '{condition}'\nsteps: [stop]\n");
        run(&flow(&source), &mail, &script(Intent::Support)).chosen.is_some()
    };
    assert!(holds(r#"contains_any(subject, ["ecole"])"#));
    assert!(holds(r#"Subject starts with "reclamation""#));
    assert!(holds(r#"in_domain(sender.email, "customer.example")"#));
    assert!(!holds(r#"in_domain(sender.email, "omer.example")"#));
    assert!(holds(r#"between_hours("10:30", "11:30") && received_at.time == "11:00""#));
    assert!(holds(r#"between_hours("22:00", "12:00") && !between_hours("12:00", "22:00")"#));
    assert!(holds("business_hours && received_at.weekday == \"monday\""));
    assert!(holds(r#"labels.exists(x, x == "INBOX") && size(attachments) == 0 && thread.mails < 2"#));
    assert!(holds(r#"labels.filter(x, x.startsWith("IN")).size() == 1"#));
    assert!(holds(r#"assistant.confidence > 0.5 && assistant.intent in ["support", "sales"]"#));
    assert!(holds(r#"Label is "inbox" AND Subject does not contain "x""#));
}

#[test]
fn the_trace_tells_why_without_the_mail() {
    let flow = steps("  - archive:\n    if: contains_any(body, [\"verysecret\"]) || thread.mails > 5\n");
    let report = run(&flow, &facts("classified subject", "confidential body"), &Script::default());
    let said = report.trace.to_string();
    assert!(said.contains("archive: skipped") && said.contains("thread.mails: 1"), "{said}");
    assert!(said.contains("body: 17 characters") && !said.contains("confidential"), "{said}");
}
