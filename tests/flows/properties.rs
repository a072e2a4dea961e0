//! Nothing that anybody writes, in a flow or in a mail, breaks what the crate promises.

use crate::support::{NOW, facts, flow, reference, run, script};
use channel::assistant::Intent;
use flow::{
    Facts, Flow, FlowRef, Ledger, Limits, MAX_COST, MODES, Next, Outcome, READY, Run, Script, Situation, dry_run, next,
};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Pieces of documents, good and bad, in any order.
fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("version: 1".to_owned()),
        Just("trigger: Chat Service".to_owned()),
        Just("steps:".to_owned()),
        Just("  - ai_request:".to_owned()),
        Just("  - create_draft:".to_owned()),
        Just("  - choose:".to_owned()),
        Just("      - else: [stop]".to_owned()),
        Just("  - classify: {labels: {a: b, c: d}}".to_owned()),
        Just("    on_error: continue".to_owned()),
        "when: [a-z.!()\\[\\]{}&|\"=<>?:0-9 ]{0,40}",
        "    if: [a-z.!()\\[\\]{}&|\"=<>?:+*0-9 -]{0,60}",
        "  - notify: \"[a-z{}%|.# ]{0,40}\"",
        "  - [a-z_]{1,12}: [a-z{}\\[\\]#/@. ]{0,20}",
        "[ -~é\t]{0,40}",
    ];
    prop::collection::vec(line, 0..16).prop_map(|lines| lines.join("\n"))
}

/// Conditions that mostly pass the reader, so that they are evaluated.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("sender.vip".to_owned()),
        Just("body.contains(\"a\")".to_owned()),
        Just("contains_any(body, [\"a\", \"b\"])".to_owned()),
        Just("labels.exists(x, x == subject)".to_owned()),
        Just("attachments.all(x, x.size > 3)".to_owned()),
        Just("labels.map(x, x + \"a\").size() > 1".to_owned()),
        Just("labels.map(x, labels.filter(y, y == x)).size() > 1".to_owned()),
        Just("thread.mails / 0 > 1".to_owned()),
        Just("9223372036854775807 + thread.mails > 1".to_owned()),
        Just("assistant.confidence > 0.5".to_owned()),
        Just("assistant.intent == \"sales\"".to_owned()),
        Just("labels[7] == \"a\"".to_owned()),
        Just("(-9223372036854775807 - 1) % -1 == 0".to_owned()),
        Just("(-9223372036854775807 - 1) / -1 == 0".to_owned()),
        Just("-(-9223372036854775807 - thread.mails) > 0".to_owned()),
        Just("has(sender.vip)".to_owned()),
        Just("between_hours(\"09:00\", \"17:00\")".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

/// Runs a flow to its end and counts the calls of the engine.
fn rounds(flow: &Flow, facts: &Facts, script: &Script) -> (usize, Vec<String>) {
    let (reference, mut ledger, mut now, mut targets) = (reference(), Ledger::new(), NOW, vec![]);
    for round in 0..1_000 {
        let limits = Limits::default();
        let run = Run {
            flow,
            reference: &reference,
            facts,
            ledger: &ledger,
            situation: Situation::Open,
            begun_at: NOW,
            now,
            limits,
        };
        match next(&run).next {
            Next::Ask { key, request } => drop(ledger.insert(key.clone(), script.answer(&key, &request))),
            Next::Do { key, effect } => {
                assert!(ledger.insert(key, Outcome::Done).is_none());
                targets.push(effect.target());
            }
            Next::Wait { key, until } => {
                now = until;
                ledger.insert(key, Outcome::WaitsUntil(until));
            }
            Next::Hold => panic!("nothing is paused"),
            Next::Finished(_) => return (round, targets),
        }
    }
    panic!("the flow does not end")
}

/// Every step that has an effect, with the mail's text wherever a template may stand.
const EVERYTHING: &str = r##"
version: 1
trigger: Chat Service
steps:
  - add_label: AI processed
  - remove_label: VIP
  - forward: {to: settings.backup, note: "{{email_content}} {{email_subject}}"}
  - ai_request: {system: "{{email_subject}}", input: "{{email_content}}"}
    on_error: continue
  - create_draft: {to: "{{sender_email}}", subject: "{{email_content}}", body: "{{email_content}}."}
  - slack: {channel: "#support", message: "{{email_content}} {{user.name}}"}
  - webhook: {url: "https://hooks.example.com/flow", message: "{{email_content}}"}
  - notify: "{{email_content}} {{user.name}}."
  - route_to_human: "{{email_subject}}."
"##;

fn all() -> &'static [Flow] {
    static ALL: LazyLock<Vec<Flow>> =
        LazyLock::new(|| MODES.iter().chain(&READY).map(|ready| ready.source).chain([EVERYTHING]).map(flow).collect());
    &ALL
}

/// The shipped flows for any mail: what stands in `when` is a property of its own.
fn for_any_mail() -> Vec<(FlowRef, &'static Flow)> {
    all().iter().map(|flow| (reference(), flow)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_document_makes_anything_panic_or_hang(source in document(), noise in "\\PC{0,200}") {
        for source in [&source, &noise] {
            match Flow::parse(source) {
                Ok(flow) => drop(run(&flow, &facts("a", "b"), &script(Intent::Sales))),
                Err(problems) => {
                    prop_assert!(!problems.is_empty());
                    for problem in problems {
                        prop_assert!(problem.line >= 1 && problem.column >= 1);
                        if let Some(correction) = &problem.correction {
                            drop(Flow::parse(&correction.apply(source)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_condition_that_passes_is_cheap_and_ends(condition in condition(), subject in "\\PC{0,40}", body in "\\PC{0,400}") {
        let source = format!("version: 1\ntrigger: Chat Service\nwhen: '{condition}'\nsteps: [archive]\n");
        if let Ok(flow) = Flow::parse(&source) {
            prop_assert!(flow.when.as_ref().is_some_and(|when| when.cost <= MAX_COST));
            let mut mail = facts(&subject, &body);
            mail.labels = vec!["x".into(); 300];
            let report = run(&flow, &mail, &script(Intent::Sales));
            prop_assert_eq!(&report, &run(&flow, &mail, &script(Intent::Sales)));
        }
    }

    #[test]
    fn a_mail_chooses_among_paths_and_never_makes_a_target(
        subject in "\\PC{0,60}",
        body in prop_oneof!["\\PC{0,200}", Just("{{ settings.backup }} to: evil@attacker.example #general".to_owned())],
        name in "\\PC{0,40}",
        said in "\\PC{1,80}",
    ) {
        let allowed = [
            "send_reply to the sender", "create_draft to the sender", "add_label AI processed", "add_label VIP",
            "add_label Support/AI-Processed", "add_label Sales/Inquiry", "add_label FAQ/Answered", "add_label FAQ/Open",
            "slack #support", "remove_label VIP", "webhook https://hooks.example.com/flow", "route_to_human", "notify", "forward to backup@shop.example",
        ];
        for intent in [Intent::Question, Intent::Sales, Intent::Complaint, Intent::Support] {
            let mut mail = facts(&subject, &body);
            mail.sender.name = name.clone();
            let mut answers = script(intent);
            answers.text = Some(said.clone());
            if let Some(found) = &mut answers.assessment {
                found.reply = said.clone();
            }
            for flow in all() {
                let (_, targets) = rounds(flow, &mail, &answers);
                for target in &targets {
                    prop_assert!(allowed.contains(&target.as_str()), "{target}");
                }
            }
        }
    }

    #[test]
    fn a_dry_run_plans_what_a_real_run_does(subject in "(urgent|help|hello) [a-z]{0,9}", vip: bool, sales: bool) {
        let mut mail = facts(&subject, "text");
        mail.sender.listed_vip = vip;
        let answers = script(if sales { Intent::Sales } else { Intent::Question });
        for (reference, flow) in for_any_mail() {
            let dry = dry_run(&[(reference, flow)], &mail, &answers, NOW);
            if dry.chosen.is_none() {
                continue;
            }
            let (_, real) = rounds(flow, &mail, &answers);
            prop_assert_eq!(crate::support::targets(&dry), real);
        }
    }
}

#[test]
fn what_is_dear_deep_or_long_is_refused() {
    let refused = |condition: &str| {
        let source = format!("version: 1\ntrigger: Chat Service\nwhen: '{condition}'\nsteps: [archive]\n");
        Flow::parse(&source).is_err()
    };
    let words = format!("[{}]", vec!["\"x\""; 150].join(","));
    assert!(!refused(&format!("contains_any(body, {words})")));
    assert!(refused(&format!("labels.exists(x, contains_any(body, {words}))")));
    assert!(refused("labels.exists(x, labels.exists(y, x == y))"));
    assert!(refused(&vec!["sender.vip"; 150].join(" && ")));
    assert!(refused(&format!("{}sender.vip{}", "(".repeat(2000), ")".repeat(2000))));
    assert!(refused(&format!("{}sender.vip", "!".repeat(2000))));
    assert!(refused(&format!("{}sender.vip{}", "sender.vip ? ".repeat(300), " : true".repeat(300))));
    assert!(refused(&format!("subject == \"{}\"", "a".repeat(5000))));
    assert!(refused("subject + subject == body"));
    assert!(refused("body.matches(\"(a+)+$\")"));
    assert!(refused("[1, 2, 3].map(x, [x]).size() == {1: 2}.size()"));
}
