//! The guide's code blocks, in their order: each flow reads, each run does what is said to come of it.

use crate::support::{facts, flow, script, steps, targets};
use channel::assistant::Intent;
use flow::Flow;

const GUIDE: &str = include_str!("../GUIDE.md");

#[test]
fn the_blocks_of_the_guide_run_in_order() {
    let mut current: Option<Flow> = None;
    let (mut flows, mut runs, mut last) = (0, 0, vec![]);
    let mut blocks = GUIDE.split("```");
    blocks.next();
    while let (Some(block), _text) = (blocks.next(), blocks.next()) {
        let (kind, body) = block.split_once('\n').unwrap();
        match kind {
            "yaml flow" => {
                current = Some(flow(body));
                flows += 1;
            }
            "yaml steps" => current = Some(steps(body)),
            "yaml wrong" => assert!(Flow::parse(body).is_err(), "{body}"),
            "cel" => {
                for line in body.lines().filter(|line| !line.is_empty()) {
                    flow(&format!("version: 1\ntrigger: Chat Service\nwhen: '{line}'\nsteps: [stop]\n"));
                }
            }
            "text run" => {
                last = expected(current.as_ref().unwrap(), body);
                runs += 1;
            }
            "text" | "sh" | "" => {}
            other => panic!("a block of an unknown kind: {other}"),
        }
    }
    assert!(flows >= 3 && runs >= 3, "{flows} flows, {runs} runs");
    assert_eq!(last, ["add_label VIP", "route_to_human", "notify"], "the guide ends with the VIP flow");
}

/// `mail: …` lines set the facts, `→ …` lines are the effects.
fn expected(flow: &Flow, block: &str) -> Vec<String> {
    let (mut subject, mut vip, mut intent) = ("Hello", false, Intent::Question);
    let mut effects = vec![];
    for line in block.lines() {
        match line.split_once(' ') {
            Some(("subject", text)) => subject = text,
            Some(("sender", text)) => vip = text == "vip",
            Some(("intent", text)) => {
                intent = serde_json::from_value(serde_json::Value::from(text)).expect("an intent");
            }
            Some(("→", text)) => effects.push(text.to_owned()),
            _ => panic!("a line of another form: {line}"),
        }
    }
    let mut mail = facts(subject, "text");
    mail.sender.listed_vip = vip;
    let report = crate::support::run(flow, &mail, &script(intent));
    assert_eq!(targets(&report), effects, "{block}\n{}", report.trace);
    effects
}
