//! A mailbox laid open: what a test reads to see what became of a mail.

use serde::{Deserialize, Serialize};

use crate::{mailbox::Mailbox, mime};

/// A mailbox laid open for tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDump {
    pub address: String,
    pub name: String,
    pub history_id: u64,
    pub labels: Vec<LabelDump>,
    /// Oldest first.
    pub messages: Vec<MessageDump>,
    pub drafts: Vec<DraftDump>,
    pub watch: Option<WatchDump>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDump {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDump {
    pub id: String,
    pub thread_id: String,
    pub label_ids: Vec<String>,
    pub internal_date: i64,
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub size: usize,
}

impl MessageDump {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn has_label(&self, id: &str) -> bool {
        self.label_ids.iter().any(|label| label == id)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftDump {
    pub id: String,
    pub message_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchDump {
    pub topic: String,
    pub label_ids: Vec<String>,
    pub expiration_ms: i64,
}

pub(crate) fn dump(name: &str, mailbox: &Mailbox) -> AccountDump {
    let mut mails = mailbox.newest_first();
    mails.reverse();
    AccountDump {
        address: mailbox.address.clone(),
        name: name.to_owned(),
        history_id: mailbox.history.newest,
        labels: mailbox.labels.iter().map(|l| LabelDump { id: l.id.clone(), name: l.name.clone() }).collect(),
        messages: mails
            .into_iter()
            .map(|mail| MessageDump {
                id: mail.id.clone(),
                thread_id: mail.thread_id.clone(),
                label_ids: mail.labels.iter().cloned().collect(),
                internal_date: mail.internal_ms,
                headers: mime::headers(&mail.raw),
                text: mime::text(&mail.raw),
                size: mail.raw.len(),
            })
            .collect(),
        drafts: mailbox
            .drafts
            .values()
            .map(|draft| DraftDump { id: draft.id.clone(), message_id: draft.message_id.clone() })
            .collect(),
        watch: mailbox.watch.as_ref().map(|watch| WatchDump {
            topic: watch.topic.clone(),
            label_ids: watch.labels.iter().cloned().collect(),
            expiration_ms: watch.expiration_ms,
        }),
    }
}
