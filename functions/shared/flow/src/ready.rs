//! The flows that ship: the three modes, and the ready ones.

/// A shipped flow.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    pub id: &'static str,
    pub title: &'static str,
    /// What it is good for (`A5.3`).
    pub good_for: &'static str,
    /// What it risks.
    pub risks: &'static str,
    /// YAML, to be changed at will.
    pub source: &'static str,
}

/// What a mailbox without a flow of its own runs, by its mode (`A5.1`).
pub const MODES: [Ready; 3] = [
    Ready {
        id: "auto-reply",
        title: "Auto-reply",
        good_for: "Much routine mail: answers at once, day and night, and less work for the team.",
        risks: "Nobody reads an answer before it is sent; it may miss the tone or the point, and some customers \
                would rather hear from a person.",
        source: include_str!("../flows/auto-reply.yaml"),
    },
    Ready {
        id: "draft",
        title: "Create draft only",
        good_for: "Difficult or sensitive matters, and the first weeks: a person checks every answer and sees what \
                   the assistant can do.",
        risks: "Answers wait until somebody sends them, so they come later and the team has more to do.",
        source: include_str!("../flows/draft.yaml"),
    },
    Ready {
        id: "hybrid",
        title: "Hybrid",
        good_for: "A mailbox of many kinds of mail: plain questions are answered at once, sales mail is drafted, a \
                   complaint reaches a person.",
        risks: "The assistant decides which kind a mail is; one that it takes for a plain question is answered \
                without a person.",
        source: include_str!("../flows/hybrid.yaml"),
    },
];

/// Flows to begin with (`A5.2`).
pub const READY: [Ready; 5] = [
    Ready {
        id: "support",
        title: "Support e-mail workflow",
        good_for: "A support mailbox: urgent mail is labelled and drafted, and the team hears of it.",
        risks: "It looks at the subject alone; urgent mail under another subject takes another flow.",
        source: include_str!("../flows/support.yaml"),
    },
    Ready {
        id: "vip",
        title: "VIP route",
        good_for: "Customers whom only people answer.",
        risks: "A sender counts as VIP only when Gmail vouches for the address: a VIP whose mail fails that check is \
                treated like everybody else.",
        source: include_str!("../flows/vip.yaml"),
    },
    Ready {
        id: "sales",
        title: "Sales inquiries",
        good_for: "Mail that asks for prices: a draft with what the knowledge base says, for the sales team.",
        risks: "Prices are as current as the knowledge base.",
        source: include_str!("../flows/sales.yaml"),
    },
    Ready {
        id: "faq",
        title: "FAQ",
        good_for: "Questions that the knowledge base answers: an answer at once, and people for the rest.",
        risks: "Nobody reads an answer before it is sent.",
        source: include_str!("../flows/faq.yaml"),
    },
    Ready {
        id: "out-of-office",
        title: "Out of office",
        good_for: "An absence: routine mail is answered, urgent mail goes to a stand-in.",
        risks: "Outside of the dates it does nothing; the stand-in is `backup` in the settings, and without one \
                urgent mail waits for a person.",
        source: include_str!("../flows/out-of-office.yaml"),
    },
];
