//! The steps and their fields, in one table: the reader, its errors and the test of the schema go by it.

/// A kind of step.
pub(crate) struct Kind {
    pub name: &'static str,
    /// The field that a bare value fills, as in `add_label: Support`.
    pub short: Option<&'static str>,
    /// Name, and whether it must be there.
    pub fields: &'static [(&'static str, bool)],
    /// What stands for a field in a corrected line.
    pub examples: &'static [(&'static str, &'static str)],
}

impl Kind {
    /// It needs no value at all.
    pub fn bare(&self) -> bool {
        self.fields.iter().all(|(_, required)| !required)
    }

    pub fn example(&self, field: &str) -> &'static str {
        self.examples.iter().find(|(name, _)| *name == field).map_or("\"…\"", |(_, example)| example)
    }
}

pub(crate) const KINDS: [Kind; 15] = [
    Kind {
        name: "ai_request",
        short: None,
        fields: &[("system", false), ("input", false), ("result", false)],
        examples: &[],
    },
    Kind {
        name: "classify",
        short: None,
        fields: &[("labels", true), ("input", false), ("result", false)],
        examples: &[("labels", "{refund: wants money back, other: anything else}")],
    },
    Kind { name: "send_reply", short: Some("body"), fields: &[("subject", false), ("body", false)], examples: &[] },
    Kind {
        name: "create_draft",
        short: Some("body"),
        fields: &[("to", false), ("subject", false), ("body", false)],
        examples: &[("to", "\"{{sender_email}}\"")],
    },
    Kind {
        name: "add_label",
        short: Some("label"),
        fields: &[("label", true)],
        examples: &[("label", "Support/AI-Processed")],
    },
    Kind {
        name: "remove_label",
        short: Some("label"),
        fields: &[("label", true)],
        examples: &[("label", "Support/AI-Processed")],
    },
    Kind { name: "mark_read", short: None, fields: &[], examples: &[] },
    Kind { name: "archive", short: None, fields: &[], examples: &[] },
    Kind {
        name: "forward",
        short: Some("to"),
        fields: &[("to", true), ("note", false)],
        examples: &[("to", "settings.backup")],
    },
    Kind { name: "route_to_human", short: Some("reason"), fields: &[("reason", false)], examples: &[] },
    Kind {
        name: "notify",
        short: Some("message"),
        fields: &[("message", true)],
        examples: &[("message", "\"New mail from {{sender_email}}\"")],
    },
    Kind {
        name: "slack",
        short: None,
        fields: &[("channel", true), ("message", true)],
        examples: &[("channel", "\"#support\""), ("message", "\"New mail from {{sender_email}}\"")],
    },
    Kind {
        name: "webhook",
        short: Some("url"),
        fields: &[("url", true), ("message", false)],
        examples: &[("url", "https://hooks.example.com/flow")],
    },
    Kind { name: "wait", short: Some("for"), fields: &[("for", true)], examples: &[("for", "30 minutes")] },
    Kind { name: "stop", short: Some("reason"), fields: &[("reason", false)], examples: &[] },
];

/// Keys of a step beside its kind.
pub(crate) const COMMON: [&str; 3] = ["name", "if", "on_error"];
pub(crate) const TOP: [&str; 8] = ["version", "name", "description", "trigger", "channel", "priority", "when", "steps"];
