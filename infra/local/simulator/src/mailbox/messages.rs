//! The messages of one mailbox and every order in which they are looked up.
//!
//! Invariant: the indexes name exactly the mails that are here. They are kept by [`Messages::insert`],
//! [`Messages::remove`] and [`Messages::relabel`], which are the only ways in and out, and are never written to disk.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Mail;

/// Where a mail stands in its mailbox: by date, then by id.
type Place = (i64, Arc<str>);
type Places = BTreeMap<String, BTreeSet<Place>>;

/// What a list asks for that an index can answer; the rest is for the caller to check.
#[derive(Debug, Default)]
pub(crate) struct Narrow<'a> {
    /// All of them.
    pub labels: Vec<&'a str>,
    pub message_id: Option<&'a str>,
    pub since_ms: Option<i64>,
    pub before_ms: Option<i64>,
}

impl<'a> Narrow<'a> {
    /// Every mail with this label.
    pub fn labelled(label: &'a str) -> Self {
        Self { labels: vec![label], ..Self::default() }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Messages {
    mails: BTreeMap<Arc<str>, Mail>,
    order: BTreeSet<Place>,
    threads: Places,
    labels: Places,
    message_ids: HashMap<String, BTreeSet<Arc<str>>>,
    bytes: usize,
    /// Changed or removed since the last [`Messages::take_unsaved`].
    unsaved: HashSet<Arc<str>>,
    /// How many mails were handed out: what tells a look-up from a scan.
    looked_at: AtomicU64,
}

impl Messages {
    /// Takes mails in that stand in the saved state already.
    pub(super) fn restore(mails: impl IntoIterator<Item = Mail>) -> Self {
        let mut messages = Self::default();
        for mail in mails {
            messages.insert(mail);
        }
        messages.unsaved.clear();
        messages
    }

    pub fn len(&self) -> usize {
        self.mails.len()
    }

    /// Raw mail held, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    pub fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// How many mails carry a label.
    pub fn labelled(&self, label: &str) -> usize {
        self.labels.get(label).map_or(0, BTreeSet::len)
    }

    pub fn get(&self, id: &str) -> Option<&Mail> {
        let mail = self.mails.get(id)?;
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        Some(mail)
    }

    /// The messages of a thread, oldest first.
    pub fn thread(&self, id: &str) -> Vec<&Mail> {
        self.threads.get(id).into_iter().flatten().filter_map(|(_, id)| self.get(id)).collect()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Mail> {
        self.order.iter().rev().filter_map(|(_, id)| self.get(id))
    }

    /// The mails with a `Message-ID`, in the order in which they came.
    pub fn with_message_id(&self, id: &str) -> impl Iterator<Item = &Mail> {
        self.message_ids.get(id).into_iter().flatten().filter_map(|id| self.get(id))
    }

    /// The mails that fit what an index can tell, newest first.
    pub fn candidates(&self, narrow: &Narrow<'_>) -> Vec<&Mail> {
        let within = |ms: i64| {
            narrow.since_ms.is_none_or(|since| ms >= since) && narrow.before_ms.is_none_or(|before| ms < before)
        };
        if let Some(id) = narrow.message_id {
            let mut named: Vec<&Mail> = self.with_message_id(id).filter(|mail| within(mail.internal_ms)).collect();
            named.retain(|mail| narrow.labels.iter().all(|label| mail.has(label)));
            named.sort_by(|a, b| (b.internal_ms, &b.id).cmp(&(a.internal_ms, &a.id)));
            return named;
        }
        let mut sets = Vec::with_capacity(narrow.labels.len());
        for label in &narrow.labels {
            match self.labels.get(*label) {
                Some(places) => sets.push(places),
                None => return Vec::new(),
            }
        }
        sets.sort_by_key(|places| places.len());
        let (fewest, others) = sets.split_first().map_or((&self.order, &[][..]), |(fewest, rest)| (*fewest, rest));
        let start = narrow.since_ms.map_or(Bound::Unbounded, |ms| Bound::Included((ms, Arc::from(""))));
        let end = narrow.before_ms.map_or(Bound::Unbounded, |ms| Bound::Excluded((ms, Arc::from(""))));
        if narrow.since_ms.zip(narrow.before_ms).is_some_and(|(since, before)| since >= before) {
            return Vec::new();
        }
        let places = fewest.range((start, end)).rev();
        places
            .filter(|place| others.iter().all(|set| set.contains(*place)))
            .filter_map(|(_, id)| self.get(id))
            .collect()
    }

    pub(super) fn insert(&mut self, mail: Mail) {
        self.remove(&mail.id);
        let id: Arc<str> = Arc::from(mail.id.as_str());
        let place = (mail.internal_ms, id.clone());
        self.order.insert(place.clone());
        put(&mut self.threads, &mail.thread_id, &place);
        for label in &mail.labels {
            put(&mut self.labels, label, &place);
        }
        if let Some(message_id) = &mail.envelope.message_id {
            self.message_ids.entry(message_id.clone()).or_default().insert(id.clone());
        }
        self.bytes += mail.raw.len();
        self.unsaved.insert(id.clone());
        self.mails.insert(id, mail);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Mail> {
        let (id, mail) = self.mails.remove_entry(id)?;
        let place = (mail.internal_ms, id.clone());
        self.order.remove(&place);
        drop_from(&mut self.threads, &mail.thread_id, &place);
        for label in &mail.labels {
            drop_from(&mut self.labels, label, &place);
        }
        if let Some(message_id) = &mail.envelope.message_id
            && let Some(ids) = self.message_ids.get_mut(message_id)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.message_ids.remove(message_id);
            }
        }
        self.bytes -= mail.raw.len();
        self.unsaved.insert(id);
        Some(mail)
    }

    /// Adds and removes labels of a mail that is here; `history_id` is the change's.
    pub(super) fn relabel(&mut self, id: &str, added: &BTreeSet<String>, removed: &BTreeSet<String>) {
        let Some((key, mail)) = self.mails.get_key_value(id) else {
            return;
        };
        let (key, place) = (key.clone(), (mail.internal_ms, key.clone()));
        for label in added {
            put(&mut self.labels, label, &place);
        }
        for label in removed {
            drop_from(&mut self.labels, label, &place);
        }
        if let Some(mail) = self.mails.get_mut(id) {
            mail.labels.extend(added.iter().cloned());
            mail.labels.retain(|label| !removed.contains(label));
        }
        self.unsaved.insert(key);
    }

    /// Notes the newest change of a mail.
    pub(super) fn touch(&mut self, id: &str, history_id: u64) {
        if let Some(mail) = self.mails.get_mut(id) {
            mail.history_id = history_id;
        }
    }

    /// What changed since the last time, as copies that share the mail's bytes; `None`: it is gone.
    pub(super) fn take_unsaved(&mut self) -> Vec<(Arc<str>, Option<Mail>)> {
        let ids = std::mem::take(&mut self.unsaved);
        ids.into_iter()
            .map(|id| {
                let mail = self.mails.get(&id).cloned();
                (id, mail)
            })
            .collect()
    }
}

fn put(places: &mut Places, key: &str, place: &Place) {
    if let Some(set) = places.get_mut(key) {
        set.insert(place.clone());
    } else {
        places.insert(key.to_owned(), BTreeSet::from([place.clone()]));
    }
}

fn drop_from(places: &mut Places, key: &str, place: &Place) {
    if let Some(set) = places.get_mut(key) {
        set.remove(place);
        if set.is_empty() {
            places.remove(key);
        }
    }
}
