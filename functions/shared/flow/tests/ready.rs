//! The flows that ship do what they are offered for.

use crate::support::{NOW, address, effects, facts, flow, found, reference, run, script, targets};
use channel::assistant::{Intent, Sentiment, Urgency};
use flow::{Effect, End, FlowRef, LocalTime, MODES, READY, Script, Selection, dry_run, printed_form, select};

fn ready(id: &str) -> flow::Flow {
    flow(MODES.iter().chain(&READY).find(|ready| ready.id == id).expect("a shipped flow").source)
}

/// The example of the product's description, letter by letter.
const PRINTED: &str = r##"Trigger: Chat Service (Gmail)
Condition: Subject contains "urgent" OR "help"

Actions:
1. Gmail - Add Label:
Label: "Support/AI-Processed"

2. AI Request:
System: "You are a helpful support agent.
Analyze this email and draft a helpful response."
Input: {{email_content}}

3. Gmail - Create Draft:
To: {{sender_email}}
Subject: Re: {{email_subject}}
Body: {{ai_response}}

4. Slack Notification:
Channel: #support
Message: "New support email from {{sender_email}} - draft ready for review"
"##;

#[test]
fn the_printed_example_runs_as_it_stands() {
    let mail = facts("HELP: my order", "Where is it?");
    let expected = ["add_label Support/AI-Processed", "create_draft to the sender", "slack #support"];
    for source in [PRINTED, &PRINTED.replace('\n', "\r\n"), ready_source("support")] {
        let report = run(&flow(source), &mail, &script(Intent::Support));
        assert_eq!(targets(&report), expected, "{}", report.trace);
        assert_eq!(report.end, Some(End::Completed));
        let Effect::CreateDraft { subject, body, .. } = effects(&report)[1] else { panic!() };
        assert_eq!((subject.as_str(), body.as_str()), ("Re: HELP: my order", "We are on it."));
        let Effect::Slack { message, .. } = effects(&report)[2] else { panic!() };
        assert_eq!(message, "New support email from ada@customer.example - draft ready for review");
        let flow::AiRequest::Prompt { system, input } = &report.questions[0].1 else { panic!() };
        assert_eq!(system, "You are a helpful support agent. Analyze this email and draft a helpful response.");
        assert_eq!(input, "Where is it?");
        assert!(run(&flow(source), &facts("Hello", "help"), &script(Intent::Support)).chosen.is_none());
    }
    assert!(printed_form(PRINTED).unwrap().contains("when: 'Subject contains \"urgent\" OR \"help\"'"));
    assert!(printed_form(ready_source("support")).is_none());
}

fn ready_source(id: &str) -> &'static str {
    READY.iter().find(|ready| ready.id == id).expect("a ready flow").source
}

#[test]
fn the_plain_condition_is_shown_beside_its_cel() {
    let support = ready("support");
    let when = support.when.as_ref().unwrap();
    assert_eq!(when.source, "Subject contains \"urgent\" OR \"help\"");
    assert_eq!(when.cel, "contains_any(subject, [\"urgent\", \"help\"])");
}

#[test]
fn every_shipped_flow_reads_and_says_what_it_is_good_for() {
    for ready in MODES.iter().chain(&READY) {
        let read = flow(ready.source);
        assert!(!read.name.is_empty() && !ready.good_for.is_empty() && !ready.risks.is_empty());
    }
}

#[test]
fn hybrid_answers_questions_drafts_sales_and_leaves_complaints_to_people() {
    let hybrid = ready("hybrid");
    let mail = facts("Hello", "…");
    let does = |script: &Script| targets(&run(&hybrid, &mail, script));
    assert_eq!(does(&script(Intent::Question)), ["send_reply to the sender"]);
    assert_eq!(does(&script(Intent::Sales)), ["create_draft to the sender"]);
    assert_eq!(does(&script(Intent::Complaint)), ["route_to_human"]);
    assert_eq!(does(&script(Intent::Support)), ["create_draft to the sender"]);
    let mut unsure = found(Intent::Question);
    unsure.confidence = 0.4;
    assert_eq!(does(&Script { assessment: Some(unsure), ..Script::default() }), ["create_draft to the sender"]);
    let mut angry = found(Intent::Sales);
    angry.sentiment = Sentiment::Negative;
    assert_eq!(does(&Script { assessment: Some(angry), ..Script::default() }), ["route_to_human"]);
    let mut silent = found(Intent::Question);
    (silent.answerable, silent.reply) = (false, String::new());
    assert_eq!(does(&Script { assessment: Some(silent), ..Script::default() }), ["route_to_human"]);
    // One question to the assistant, whoever needs its answer.
    assert_eq!(run(&hybrid, &mail, &script(Intent::Question)).questions.len(), 1);
}

#[test]
fn the_modes_send_draft_and_ask_a_person_where_there_is_no_answer() {
    let mail = facts("Hello", "…");
    let good = script(Intent::Question);
    assert_eq!(
        targets(&run(&ready("auto-reply"), &mail, &good)),
        ["send_reply to the sender", "add_label AI processed"]
    );
    assert_eq!(targets(&run(&ready("draft"), &mail, &good)), ["create_draft to the sender", "add_label AI processed"]);
    let mut silent = good;
    silent.assessment.as_mut().unwrap().answerable = false;
    for mode in ["auto-reply", "draft"] {
        assert_eq!(targets(&run(&ready(mode), &mail, &silent)), ["route_to_human"], "{mode}");
    }
}

#[test]
fn a_vip_reaches_a_person_and_only_when_authenticated() {
    let vip = ready("vip");
    let mut mail = facts("Hello", "…");
    mail.sender.listed_vip = true;
    let report = run(&vip, &mail, &script(Intent::Support));
    assert_eq!(targets(&report), ["add_label VIP", "route_to_human", "notify"]);
    assert!(report.questions.is_empty());
    assert!(matches!(report.end, Some(End::NeedsPerson { .. })));
    mail.sender.authenticated = false;
    assert_eq!(targets(&run(&vip, &mail, &script(Intent::Support))), ["create_draft to the sender", "notify"]);
}

#[test]
fn sales_and_faq_take_their_own_mail() {
    let mail = facts("Hello", "…");
    let sales = run(&ready("sales"), &mail, &script(Intent::Sales));
    assert_eq!(targets(&sales), ["add_label Sales/Inquiry", "create_draft to the sender", "notify"]);
    assert_eq!(run(&ready("sales"), &mail, &script(Intent::Question)).chosen, None);
    let faq = run(&ready("faq"), &mail, &script(Intent::Question));
    assert_eq!(targets(&faq), ["send_reply to the sender", "add_label FAQ/Answered"]);
    let mut hard = script(Intent::Question);
    hard.assessment.as_mut().unwrap().answerable = false;
    assert_eq!(targets(&run(&ready("faq"), &mail, &hard)), ["add_label FAQ/Open", "route_to_human"]);
}

#[test]
fn out_of_office_works_between_its_dates_and_sends_urgent_mail_to_the_backup() {
    let away = ready("out-of-office");
    let mut mail = facts("Opening hours?", "…");
    assert_eq!(run(&away, &mail, &script(Intent::Question)).chosen, None);
    // 24 December 2026.
    mail.received = LocalTime { at: channel::time::Timestamp::from_secs(1_798_106_400), offset_minutes: 0 };
    let routine = run(&away, &mail, &script(Intent::Question));
    let Effect::SendReply { body, .. } = effects(&routine)[0] else { panic!() };
    assert!(body.starts_with("You have 30 days.") && body.contains("out of office"));
    mail.subject = "ÚRGENT: the shop is down".into();
    let urgent = run(&away, &mail, &script(Intent::Support));
    assert_eq!(targets(&urgent), ["forward to backup@shop.example", "route_to_human"]);
    mail.subject = "Down".into();
    let mut by_tone = script(Intent::Support);
    by_tone.assessment.as_mut().unwrap().urgency = Urgency::High;
    assert_eq!(targets(&run(&away, &mail, &by_tone)), targets(&urgent));
    mail.settings.clear();
    let without = run(&away, &mail, &by_tone);
    assert_eq!(targets(&without), ["route_to_human"]);
    assert!(without.trace.to_string().contains("settings.backup is not set"), "{}", without.trace);
    assert_eq!(away.settings(), ["backup"]);
}

#[test]
fn flows_go_in_the_order_of_their_priority() {
    let (vip, sales, support) = (ready("vip"), ready("sales"), ready("support"));
    let flows: Vec<_> = [&support, &sales, &vip].into_iter().map(|flow| (reference(), flow)).collect();
    let mail = facts("urgent", "…");
    assert_eq!(select(&flows, &mail, &flow::Ledger::new()).0, Selection::Chosen(2));
    let (selection, trace) = select(&flows[..2], &mail, &flow::Ledger::new());
    assert!(matches!(selection, Selection::Ask { .. }), "{trace}");
    let support_ref = FlowRef::new("support", 1).unwrap();
    let two = [(support_ref, &support), (reference(), &sales)];
    let report = dry_run(&two, &mail, &script(Intent::Complaint), NOW);
    assert_eq!(report.chosen, Some(0));
    assert_eq!(report.effects[0].0.as_str(), "support@1:1");
    assert_eq!(address("backup@shop.example"), mail.settings["backup"]);
}
