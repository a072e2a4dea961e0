//! The drafts of one mailbox, by their own id and by that of their message.
//!
//! Invariant: `by_message` turns `drafts` round; both change together.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub id: String,
    pub message_id: String,
}

#[derive(Debug, Default)]
pub(crate) struct Drafts {
    drafts: BTreeMap<String, Draft>,
    by_message: HashMap<String, String>,
    unsaved: HashSet<String>,
}

impl Drafts {
    /// Takes drafts in that stand in the saved state already.
    pub(super) fn restore(drafts: impl IntoIterator<Item = Draft>) -> Self {
        let mut restored = Self::default();
        for draft in drafts {
            restored.insert(draft.id.clone(), draft);
        }
        restored.unsaved.clear();
        restored
    }

    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    pub fn get(&self, id: &str) -> Option<&Draft> {
        self.drafts.get(id)
    }

    pub fn values(&self) -> impl Iterator<Item = &Draft> {
        self.drafts.values()
    }

    pub(super) fn of(&self, message_id: &str) -> Option<&Draft> {
        self.drafts.get(self.by_message.get(message_id)?)
    }

    pub fn insert(&mut self, id: String, draft: Draft) {
        self.remove(&id);
        self.by_message.insert(draft.message_id.clone(), id.clone());
        self.unsaved.insert(id.clone());
        self.drafts.insert(id, draft);
    }

    pub fn remove(&mut self, id: &str) -> Option<Draft> {
        let draft = self.drafts.remove(id)?;
        self.by_message.remove(&draft.message_id);
        self.unsaved.insert(draft.id.clone());
        Some(draft)
    }

    /// Removes the draft around a message, if there is one.
    pub fn remove_of(&mut self, message_id: &str) -> Option<Draft> {
        let id = self.by_message.get(message_id)?.clone();
        self.remove(&id)
    }

    /// What changed since the last time; `None`: it is gone.
    pub(super) fn take_unsaved(&mut self) -> Vec<(String, Option<Draft>)> {
        let ids = std::mem::take(&mut self.unsaved);
        ids.into_iter()
            .map(|id| {
                let draft = self.drafts.get(&id).cloned();
                (id, draft)
            })
            .collect()
    }
}
