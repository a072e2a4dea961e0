//! Broken documents: each error names the line, what was found and what is allowed, and its corrected line makes the
//! document pass.

use flow::Flow;

struct Broken {
    what: &'static str,
    source: &'static str,
    line: usize,
    found: &'static str,
    allowed: &'static str,
}

const TWENTY: &[Broken] = &[
    Broken {
        what: "a misspelt field",
        source: "version: 1\ntriger: Chat Service\ntrigger: Chat Service\nsteps: [archive]\n",
        line: 2,
        found: "triger",
        allowed: "trigger",
    },
    Broken {
        what: "no version",
        source: "trigger: Chat Service\nsteps: [archive]\n",
        line: 1,
        found: "no `version`",
        allowed: "version: 1",
    },
    Broken {
        what: "another version",
        source: "version: 2\ntrigger: Chat Service\nsteps: [archive]\n",
        line: 1,
        found: "`2`",
        allowed: "version: 1",
    },
    Broken {
        what: "no trigger",
        source: "version: 1\nsteps: [archive]\n",
        line: 1,
        found: "no `trigger`",
        allowed: "Chat Service",
    },
    Broken {
        what: "another channel",
        source: "version: 1\ntrigger: Chat Service\nchannel: WhatsApp\nsteps: [archive]\n",
        line: 3,
        found: "WhatsApp",
        allowed: "Gmail",
    },
    Broken {
        what: "a misspelt step",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - add_lable: Support\n",
        line: 4,
        found: "add_lable",
        allowed: "add_label",
    },
    Broken {
        what: "a misspelt field of a step",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - slack:\n      chanel: \"#support\"\n      channel: \"#support\"\n      message: hello\n",
        line: 5,
        found: "chanel",
        allowed: "channel",
    },
    Broken {
        what: "a missing field",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - slack:\n      channel: \"#support\"\n",
        line: 5,
        found: "without `message`",
        allowed: "message",
    },
    Broken {
        what: "another on_error",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - archive:\n    on_error: contniue\n",
        line: 5,
        found: "contniue",
        allowed: "continue",
    },
    Broken {
        what: "an unknown name in a condition",
        source: "version: 1\ntrigger: Chat Service\nwhen: sendr.vip\nsteps: [archive]\n",
        line: 3,
        found: "sendr",
        allowed: "sender",
    },
    Broken {
        what: "an unknown field in a condition",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - archive:\n    if: sender.vpi && business_hours\n",
        line: 5,
        found: "sender.vpi",
        allowed: "vip",
    },
    Broken {
        what: "an unknown function",
        source: "version: 1\ntrigger: Chat Service\nwhen: contain_any(subject, [\"a\"])\nsteps: [archive]\n",
        line: 3,
        found: "contain_any",
        allowed: "contains_any",
    },
    Broken {
        what: "a value that cannot be",
        source: "version: 1\ntrigger: Chat Service\nwhen: assistant.intent == \"sale\"\nsteps: [archive]\n",
        line: 3,
        found: "sale",
        allowed: "sales",
    },
    Broken {
        what: "one equals sign",
        source: "version: 1\ntrigger: Chat Service\nwhen: language = \"en\"\nsteps: [archive]\n",
        line: 3,
        found: "`=`",
        allowed: "`==`",
    },
    Broken {
        what: "a plain condition without quotes",
        source: "version: 1\ntrigger: Chat Service\nwhen: Subject contains urgent\nsteps: [archive]\n",
        line: 3,
        found: "no quoted word",
        allowed: "contains",
    },
    Broken {
        what: "an unknown name in a template",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - notify: \"from {{sender_emial}}\"\n",
        line: 4,
        found: "sender_emial",
        allowed: "sender_email",
    },
    Broken {
        what: "a template without quotes",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - ai_request:\n      input: {{email_content}}\n",
        line: 5,
        found: "without quotes",
        allowed: "in quotes",
    },
    Broken {
        what: "a channel that is a comment",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - slack:\n      channel: #support\n      message: hello\n",
        line: 5,
        found: "comment",
        allowed: "in quotes",
    },
    Broken {
        what: "an answer before its question",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - notify: \"it says {{ai_response}}\"\n  - ai_request:\n",
        line: 4,
        found: "ai_response",
        allowed: "an `ai_request` step before it",
    },
    Broken {
        what: "a mail without a text",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - create_draft:\n",
        line: 4,
        found: "without a text",
        allowed: "body",
    },
    Broken {
        what: "mail text as a target",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - forward: \"{{email_content}}\"\n",
        line: 4,
        found: "as a recipient",
        allowed: "settings.NAME",
    },
    Broken {
        what: "a label from the mail",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - add_label: \"{{email_subject}}\"\n",
        line: 4,
        found: "as a label",
        allowed: "label of your own",
    },
    Broken {
        what: "Gmail's own label",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - add_label: Trash\n",
        line: 4,
        found: "own label",
        allowed: "label of your own",
    },
    Broken {
        what: "a field twice",
        source: "version: 1\ntrigger: Chat Service\nname: a\nname: b\nsteps: [archive]\n",
        line: 4,
        found: "second time",
        allowed: "once",
    },
    Broken {
        what: "a time that is none",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - wait: soon\n",
        line: 4,
        found: "soon",
        allowed: "30 minutes",
    },
    Broken {
        what: "a tab",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n\t- archive\n",
        line: 4,
        found: "tab",
        allowed: "spaces",
    },
    Broken {
        what: "two kinds in one step",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - archive:\n    notify: hello\n",
        line: 4,
        found: "in one step",
        allowed: "one kind",
    },
    Broken {
        what: "an else at the beginning",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - choose:\n      - else: [archive]\n      - if: sender.vip\n        steps: [archive]\n",
        line: 5,
        found: "else",
        allowed: "at the end",
    },
    Broken {
        what: "an address without a host",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - webhook: hooks.example.com/flow\n",
        line: 4,
        found: "as an address",
        allowed: "https://",
    },
    Broken {
        what: "an unfinished template",
        source: "version: 1\ntrigger: Chat Service\nsteps:\n  - notify: \"from {{sender_email}\"\n",
        line: 4,
        found: "without `}}`",
        allowed: "{{ name }}",
    },
];

#[test]
fn twenty_broken_documents_are_corrected_by_what_their_errors_say() {
    assert!(TWENTY.len() >= 20);
    let mut wrong = vec![];
    for Broken { what, source, line, found, allowed } in TWENTY {
        let Err(problems) = Flow::parse(source) else {
            wrong.push(format!("{what}: it passes"));
            continue;
        };
        let first = &problems[0];
        let said = first.to_string();
        let Some(correction) = &first.correction else {
            wrong.push(format!("{what}: no corrected line: {said}"));
            continue;
        };
        if first.line != *line || !first.found.contains(found) || !first.allowed.contains(allowed) {
            wrong.push(format!("{what}: {said}"));
        }
        // A document with a second, valid spelling beside the wrong one needs the wrong line gone.
        let corrected = correction.apply(source);
        let passes = Flow::parse(&corrected).or_else(|more| match &more[0].correction {
            Some(next) if more[0].found.contains("a second time") => Flow::parse(&next.apply(&corrected)),
            _ => Err(more),
        });
        if let Err(more) = passes {
            wrong.push(format!("{what}: still wrong after the correction:\n{corrected}\n{}", more[0]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_step_is_named() {
    let source =
        "version: 1\ntrigger: Chat Service\nsteps:\n  - archive\n  - name: Tell the team\n    notify: \"{{nobody}}\"\n";
    let problem = &Flow::parse(source).unwrap_err()[0];
    assert_eq!((problem.line, problem.column, problem.step.as_deref()), (6, 13, Some("step 2 (Tell the team)")));
}

#[test]
fn every_problem_of_a_document_is_told_at_once() {
    let source =
        "version: 1\ntrigger: Chat Service\nsteps:\n  - add_label: a//b\n  - wait: soon\n  - slack: {channel: x}\n";
    let lines: Vec<usize> = Flow::parse(source).unwrap_err().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 5, 6]);
}
