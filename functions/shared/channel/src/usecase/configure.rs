//! The settings form of a mailbox (`A3`), but for its personality, and the organisation's stop switch.
//!
//! Invariant: what a person typed is either stored whole or told back with what is wrong with it; a form that was
//! opened before somebody else saved does not overwrite them.

use crate::address::EmailAddress;
use crate::ids::{LabelId, MailboxId};
use crate::ports::{Clock, CommitError, Commits, Engines, Mailboxes};
use crate::record::*;
use crate::usecase::common::Stop;
use std::sync::Arc;

const TRIES: usize = 4;
const MAX_ENTRIES: usize = 500;
pub(super) const MAX_LINE: usize = 200;
pub(super) const MAX_LONG: usize = 4_000;

/// The form as text, as it came in or is to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsForm {
    /// The version of the settings that the form was made from.
    pub ver: u64,
    pub auto_reply: bool,
    /// The box that says: yes, send without a person.
    pub auto_reply_confirmed: bool,
    pub draft_only: bool,
    pub enabled: bool,
    pub labels: Vec<String>,
    pub excluded_labels: Vec<String>,
    /// One a line.
    pub excluded_senders: String,
    pub excluded_domains: String,
    pub excluded_words: String,
    pub exclude_bulk: bool,
    pub delay: String,
    /// `seconds`, `minutes` or `hours`.
    pub delay_unit: String,
    /// US dollars a day, such as `1` or `0.50`; nothing leaves it as it is.
    pub model_budget: String,
}

/// What is wrong with one field, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub message: String,
}

impl SettingsForm {
    pub fn of(settings: &Settings) -> Self {
        let ids = |labels: &[LabelId]| labels.iter().map(|label| label.as_str().to_owned()).collect();
        let (delay, delay_unit) = match settings.delay_secs {
            0 => (0, "minutes"),
            secs if secs % 3600 == 0 => (secs / 3600, "hours"),
            secs if secs % 60 == 0 => (secs / 60, "minutes"),
            secs => (secs, "seconds"),
        };
        Self {
            ver: settings.ver,
            auto_reply: settings.auto_reply,
            auto_reply_confirmed: false,
            draft_only: settings.draft_only,
            enabled: settings.enabled,
            labels: ids(&settings.labels),
            excluded_labels: ids(&settings.exclusions.labels),
            excluded_senders: lines(settings.exclusions.senders.iter().map(EmailAddress::as_str)),
            excluded_domains: lines(settings.exclusions.domains.iter().map(String::as_str)),
            excluded_words: lines(settings.exclusions.subject_words.iter().map(String::as_str)),
            exclude_bulk: settings.exclusions.bulk,
            delay: delay.to_string(),
            delay_unit: delay_unit.to_owned(),
            model_budget: format!("{}.{:02}", settings.model_budget_cents / 100, settings.model_budget_cents % 100),
        }
    }

    /// The settings that the form means, or everything that is wrong with it.
    pub fn check(&self, current: &Settings) -> Result<Settings, Vec<FieldError>> {
        let mut wrong = Wrong(vec![]);
        let settings = Settings {
            ver: current.ver,
            mailbox: current.mailbox.clone(),
            auto_reply: self.auto_reply,
            draft_only: self.draft_only,
            labels: self.watched_labels(&mut wrong),
            exclusions: self.exclusions(&mut wrong),
            delay_secs: self.delay_secs(&mut wrong),
            enabled: self.enabled,
            personality: current.personality.clone(),
            model_budget_cents: self.model_budget_cents(current.model_budget_cents, &mut wrong),
        };
        let begins_sending = settings.mode() == Mode::AutoReply && current.mode() != Mode::AutoReply;
        if begins_sending && !self.auto_reply_confirmed {
            wrong.say("auto_reply_confirmed", "Confirm that answers may be sent without a person reading them first.");
        }
        if wrong.0.is_empty() { Ok(settings) } else { Err(wrong.0) }
    }

    fn watched_labels(&self, wrong: &mut Wrong) -> Vec<LabelId> {
        let labels = wrong.labels("labels", &self.labels);
        if labels.is_empty() {
            wrong.say("labels", "Choose at least one label. To stop reading mail, switch the channel off instead.");
        }
        if labels.iter().any(|label| matches!(label.as_str(), "SENT" | "DRAFT" | "SPAM" | "TRASH" | "CHAT")) {
            wrong.say("labels", "Sent mail, drafts, spam and bin cannot be watched.");
        }
        labels
    }

    fn exclusions(&self, wrong: &mut Wrong) -> Exclusions {
        let senders = entries(&self.excluded_senders);
        let domains = entries(&self.excluded_domains);
        let subject_words = entries(&self.excluded_words);
        for (field, list) in
            [("excluded_senders", &senders), ("excluded_domains", &domains), ("excluded_words", &subject_words)]
        {
            if list.len() > MAX_ENTRIES || list.iter().any(|entry| entry.chars().count() > MAX_LINE) {
                wrong.say(field, &format!("At most {MAX_ENTRIES} entries of {MAX_LINE} characters."));
            }
        }
        Exclusions {
            senders: wrong
                .each("excluded_senders", &senders, "is not a mail address", |entry| EmailAddress::parse(entry).ok()),
            domains: wrong.each("excluded_domains", &domains, "is not a domain", domain_of),
            labels: wrong.labels("excluded_labels", &self.excluded_labels),
            subject_words,
            bulk: self.exclude_bulk,
        }
    }

    fn delay_secs(&self, wrong: &mut Wrong) -> u32 {
        let unit = match self.delay_unit.as_str() {
            "seconds" => 1,
            "minutes" => 60,
            "hours" => 3600,
            _ => {
                wrong.say("delay", "Choose seconds, minutes or hours.");
                return 0;
            }
        };
        let text = self.delay.trim();
        let count = if text.is_empty() { Ok(0) } else { text.parse::<u32>() };
        match count.ok().and_then(|count| count.checked_mul(unit)).filter(|secs| *secs <= MAX_DELAY_SECS) {
            Some(secs) => secs,
            None => {
                wrong.say("delay", "Give a whole number, at most seven days.");
                0
            }
        }
    }

    fn model_budget_cents(&self, current: u32, wrong: &mut Wrong) -> u32 {
        let text = self.model_budget.trim();
        if text.is_empty() {
            return current;
        }
        let (dollars, cents) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let cents = match cents.len() {
            0 => Ok(0),
            1 => cents.parse().map(|tens: u32| tens * 10),
            _ => cents.parse(),
        };
        let sum = dollars.parse::<u32>().ok().zip(cents.ok().filter(|cents| *cents < 100));
        let sum = sum.and_then(|(dollars, cents)| dollars.checked_mul(100)?.checked_add(cents));
        sum.filter(|sum| *sum <= MAX_MODEL_BUDGET_CENTS).unwrap_or_else(|| {
            wrong.say("model_budget", "Give an amount in US dollars from 0 to 1000, such as 1 or 0.50.");
            current
        })
    }
}

pub(super) struct Wrong(pub(super) Vec<FieldError>);

impl Wrong {
    pub(super) fn say(&mut self, field: &'static str, message: &str) {
        self.0.push(FieldError { field, message: message.to_owned() });
    }

    fn each<T: PartialEq>(
        &mut self,
        field: &'static str,
        entries: &[String],
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let mut good = vec![];
        for entry in entries {
            match parse(entry) {
                Some(value) if good.contains(&value) => {}
                Some(value) => good.push(value),
                None => self.say(field, &format!("“{entry}” {what}.")),
            }
        }
        good
    }

    fn labels(&mut self, field: &'static str, ids: &[String]) -> Vec<LabelId> {
        if ids.len() > MAX_ENTRIES {
            self.say(field, &format!("At most {MAX_ENTRIES} labels."));
            return vec![];
        }
        let mut labels = self.each(field, ids, "is not a label", |id| LabelId::parse(id).ok());
        labels.sort();
        labels.dedup();
        labels
    }
}

fn lines<'a>(entries: impl Iterator<Item = &'a str>) -> String {
    entries.collect::<Vec<_>>().join("\n")
}

fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = vec![];
    for entry in text.lines().map(str::trim).filter(|entry| !entry.is_empty()) {
        if !entries.iter().any(|known| known == entry) {
            entries.push(entry.to_owned());
        }
    }
    entries
}

pub(super) fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

fn domain_of(entry: &str) -> Option<String> {
    let probe = EmailAddress::parse(&format!("x@{}", entry.trim_start_matches('@'))).ok()?;
    probe.domain().contains('.').then(|| probe.domain().to_owned())
}

#[derive(Clone)]
pub struct Configure {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub commits: Arc<dyn Commits>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    #[error("there is no such mailbox")]
    Unknown,
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
    /// Somebody else saved meanwhile.
    #[error("the settings have changed since the form was opened")]
    Stale,
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl Configure {
    /// Takes effect with the next decision. Switching the channel on again takes up what waited; other labels renew
    /// the watch.
    pub async fn save(&self, mailbox: &MailboxId, form: &SettingsForm) -> Result<(), NotSaved> {
        for _ in 0..TRIES {
            let view = self.mailboxes.mailbox(mailbox).await.map_err(Stop::from)?.ok_or(NotSaved::Unknown)?;
            let current = &view.settings;
            let settings = form.check(current).map_err(NotSaved::Fields)?;
            if form.ver != current.ver {
                return Err(NotSaved::Stale);
            }
            let now = self.clock.now();
            let mut commit = Commit::new();
            if settings.enabled && !current.enabled {
                let known = self.engines.resume(mailbox).await.map_err(Stop::from)?;
                let ver = known.map_or(0, |resume| resume.ver);
                commit = commit.put(Resume { ver, mailbox: mailbox.clone(), requested_at: now, due_at: Some(now) });
            }
            if settings.labels != current.labels && view.meta.grant.is_some() {
                let watch = self.engines.watch_state(mailbox).await.map_err(Stop::from)?;
                if let Some(watch) = watch {
                    commit = commit.put(WatchState { due_at: Some(now), ..watch });
                }
            }
            match self.commits.commit(commit.put(settings)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(NotSaved::Stale)
    }

    /// The switch over all mailboxes. Stopping does not ask which version was seen: it must always work.
    pub async fn stop_sending(&self, stopped: bool) -> Result<(), Stop> {
        for _ in 0..TRIES {
            let organisation = self.mailboxes.organisation().await?;
            if organisation.sending_stopped == stopped {
                return Ok(());
            }
            match self
                .commits
                .commit(Commit::new().put(Organisation { sending_stopped: stopped, ..organisation }))
                .await
            {
                Err(CommitError::Conflict(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(CommitError::Conflict(vec![ItemKey::Organisation]).into())
    }
}

#[cfg(test)]
#[path = "configure_tests.rs"]
mod tests;
