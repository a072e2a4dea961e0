use channel::address::EmailAddress;
use channel::assistant::{Intent, Sentiment, Urgency};
use channel::time::Timestamp;
use flow::{Assessment, BusinessHours, Effect, Facts, Flow, FlowRef, LocalTime, Report, Script, Sender, dry_run};
use std::collections::BTreeMap;

/// Monday, 23 November 2026, 10:00 UTC.
pub const NOW: Timestamp = Timestamp::from_secs(1_795_428_000);

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

pub fn facts(subject: &str, body: &str) -> Facts {
    Facts {
        sender: Sender {
            email: address("ada@customer.example"),
            name: "Ada".into(),
            listed_vip: false,
            authenticated: true,
        },
        subject: subject.into(),
        body: body.into(),
        labels: vec!["INBOX".into()],
        attachments: vec![],
        language: "en".into(),
        conversation: "thread-1".into(),
        thread_mails: 1,
        received: LocalTime { at: NOW, offset_minutes: 60 },
        zone: "Europe/Paris".into(),
        business_hours: Some(BusinessHours { weekdays: vec![0, 1, 2, 3, 4], from: 9 * 60, until: 17 * 60 }),
        settings: BTreeMap::from([("backup".into(), address("backup@shop.example"))]),
    }
}

pub fn found(intent: Intent) -> Assessment {
    Assessment {
        intent,
        sentiment: Sentiment::Neutral,
        urgency: Urgency::Normal,
        confidence: 0.9,
        answerable: true,
        reply: "You have 30 days.".into(),
    }
}

pub fn script(intent: Intent) -> Script {
    Script { assessment: Some(found(intent)), text: Some("We are on it.".into()), ..Script::default() }
}

pub fn flow(source: &str) -> Flow {
    Flow::parse(source).unwrap_or_else(|problems| {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}\n\n{source}", said.join("\n"))
    })
}

pub fn steps(steps: &str) -> Flow {
    flow(&format!("version: 1\ntrigger: Chat Service\nsteps:\n{steps}"))
}

pub fn reference() -> FlowRef {
    FlowRef::new("test", 3).expect("an id")
}

pub fn run(flow: &Flow, facts: &Facts, script: &Script) -> Report {
    dry_run(&[(reference(), flow)], facts, script, NOW)
}

pub fn targets(report: &Report) -> Vec<String> {
    report.effects.iter().map(|(_, effect)| effect.target()).collect()
}

pub fn effects(report: &Report) -> Vec<&Effect> {
    report.effects.iter().map(|(_, effect)| effect).collect()
}
