//! What a flow wants done. Carried out by whoever runs it, through the action ledger.

use crate::model::{LabelName, Recipient, SlackChannel, WebhookUrl};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// To whoever an answer goes to. It may become a draft (`C7`), and takes the turn's answer slot.
    SendReply {
        subject: String,
        body: String,
    },
    /// For review; takes the turn's answer slot.
    CreateDraft {
        to: Recipient,
        subject: String,
        body: String,
    },
    AddLabel {
        label: LabelName,
    },
    RemoveLabel {
        label: LabelName,
    },
    MarkRead,
    Archive,
    /// With the original's attachments.
    Forward {
        to: Recipient,
        note: Option<String>,
    },
    /// The conversation needs a person and the assistant is off on it (`B4`).
    RouteToHuman {
        reason: String,
    },
    /// The team, by every target of the channel.
    Notify {
        message: String,
    },
    /// Plain text: whoever posts it escapes Slack's markup.
    Slack {
        channel: SlackChannel,
        message: String,
    },
    Webhook {
        url: WebhookUrl,
        message: Option<String>,
    },
}

impl Effect {
    /// What is done and to whom, without any text that a mail could fill: the same for every mail that takes this path.
    pub fn target(&self) -> String {
        match self {
            Self::SendReply { .. } => "send_reply to the sender".to_owned(),
            Self::CreateDraft { to, .. } => format!("create_draft to {to}"),
            Self::AddLabel { label } => format!("add_label {label}"),
            Self::RemoveLabel { label } => format!("remove_label {label}"),
            Self::MarkRead => "mark_read".to_owned(),
            Self::Archive => "archive".to_owned(),
            Self::Forward { to, .. } => format!("forward to {to}"),
            Self::RouteToHuman { .. } => "route_to_human".to_owned(),
            Self::Notify { .. } => "notify".to_owned(),
            Self::Slack { channel, .. } => format!("slack {channel}"),
            Self::Webhook { url, .. } => format!("webhook {url}"),
        }
    }

    /// Writes to the customer: at most one of a turn.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::SendReply { .. } | Self::CreateDraft { .. })
    }
}
