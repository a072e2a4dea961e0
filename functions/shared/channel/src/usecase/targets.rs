//! The notification targets of a mailbox, as an operator sets them: add, test, remove (`B4`).
//!
//! Invariant: an address that is a secret is sealed before it is stored and never leaves again but to be used; the
//! secret that signs a webhook is handed out once, when it is made.

use crate::ids::{MailboxId, TargetId};
use crate::ports::{
    Clock, CommitError, Commits, Entropy, Mailboxes, NotDelivered, NotSealed, NoticeTargets, Notification, Notifier,
    Seals, WebPlace,
};
use crate::record::{Commit, ItemKey, NoticeEvent, Place, Sealed, Target, TargetProblem, Targets};
use crate::usecase::common::{Stop, fresh_id};
use crate::usecase::configure::FieldError;
use crate::usecase::session::SiteOrigin;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// One run of the worker tells all of them, each within its time.
pub const MAX_TARGETS: usize = 8;
const MAX_NAME: usize = 60;
const MAX_CHANNEL: usize = 80;
const TRIES: usize = 4;

/// The form as text, as it came in or is to be shown again.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TargetForm {
    /// `slack_webhook`, `slack_channel`, `webhook` or `topic`.
    pub kind: String,
    pub name: String,
    pub url: String,
    pub channel: String,
    pub without_content: bool,
}

/// What was added, and what the person has to note down now.
pub struct Added {
    pub target: TargetId,
    /// Of a webhook: shown this once.
    pub signing_secret: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotAdded {
    #[error("there is no such mailbox")]
    Unknown,
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    Sealing(#[from] NotSealed),
    #[error(transparent)]
    Stop(#[from] Stop),
}

#[derive(Clone)]
pub struct TeamTargets {
    pub mailboxes: Arc<dyn Mailboxes>,
    pub targets: Arc<dyn NoticeTargets>,
    pub commits: Arc<dyn Commits>,
    pub notifier: Arc<dyn Notifier>,
    pub seals: Arc<dyn Seals>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub site: SiteOrigin,
}

impl TeamTargets {
    pub async fn of(&self, mailbox: &MailboxId) -> Result<Targets, Stop> {
        Ok(self.targets.targets(mailbox).await?.unwrap_or_else(|| Targets::none(mailbox.clone())))
    }

    pub async fn add(&self, mailbox: &MailboxId, form: &TargetForm) -> Result<Added, NotAdded> {
        self.mailboxes.mailbox(mailbox).await.map_err(Stop::from)?.ok_or(NotAdded::Unknown)?;
        let id =
            TargetId::parse(fresh_id(&*self.entropy)).unwrap_or_else(|_| unreachable!("hex digits are a valid id"));
        let (place, signing_secret) = self.place(&id, form)?;
        for _ in 0..TRIES {
            let mut targets = self.of(mailbox).await?;
            if targets.targets.len() >= MAX_TARGETS {
                return Err(wrong("kind", &format!("At most {MAX_TARGETS} targets. Remove one first.")));
            }
            if place == Place::Topic && targets.targets.iter().any(|known| known.place == Place::Topic) {
                return Err(wrong("kind", "The e-mail topic is set already."));
            }
            targets.targets.push(Target {
                id: id.clone(),
                name: form.name.trim().to_owned(),
                place: place.clone(),
                events: vec![NoticeEvent::NeedsPerson],
                without_content: form.without_content,
                added_at: self.clock.now(),
                problem: None,
            });
            match self.commits.commit(Commit::new().put(targets)).await {
                Ok(()) => return Ok(Added { target: id, signing_secret }),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(Stop::from(error).into()),
            }
        }
        Err(Stop::from(CommitError::Conflict(vec![ItemKey::Targets(mailbox.clone())])).into())
    }

    /// What the form means, or everything that is wrong with it.
    fn place(&self, id: &TargetId, form: &TargetForm) -> Result<(Place, Option<String>), NotAdded> {
        let mut errors = vec![];
        let mut say = |field, message: String| errors.push(FieldError { field, message });
        let name = form.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            say("name", format!("Give it a name of at most {MAX_NAME} characters."));
        }
        let url = form.url.trim();
        let web = |kind| self.notifier.host(kind, url);
        let (mut host, channel) = (String::new(), form.channel.trim());
        match form.kind.as_str() {
            "slack_webhook" => web(WebPlace::SlackWebhook).map_or_else(|why| say("url", why), |known| host = known),
            "webhook" => web(WebPlace::Webhook).map_or_else(|why| say("url", why), |known| host = known),
            "slack_channel" if !is_channel(channel) => {
                say("channel", "Give the channel’s id, such as C0123456789, or its name, such as #support.".to_owned());
            }
            "slack_channel" | "topic" => {}
            _ => say("kind", "Choose one of the kinds.".to_owned()),
        }
        if !errors.is_empty() {
            return Err(NotAdded::Fields(errors));
        }
        let sealed = |text: &str| -> Result<Sealed, NotSealed> { self.seals.seal(id, text) };
        Ok(match form.kind.as_str() {
            "slack_webhook" => (Place::SlackWebhook { host, url: sealed(url)? }, None),
            "slack_channel" => (Place::SlackChannel { channel: channel.to_owned() }, None),
            "webhook" => {
                let secret = format!("whsec_{}", STANDARD.encode(self.entropy.bytes()));
                (Place::Webhook { host, url: sealed(url)?, secret: sealed(&secret)? }, Some(secret))
            }
            _ => (Place::Topic, None),
        })
    }

    /// A target that is gone already is no fault.
    pub async fn remove(&self, mailbox: &MailboxId, id: &TargetId) -> Result<(), Stop> {
        self.change(mailbox, |targets| targets.targets.retain(|target| target.id != *id)).await
    }

    /// Tells the target that this is a test, with no word of any mail; none when there is no such target. The answer is
    /// also what the page says of the target from then on.
    pub async fn test(
        &self,
        mailbox: &MailboxId,
        id: &TargetId,
    ) -> Result<Option<(Target, Result<(), NotDelivered>)>, Stop> {
        let Some(view) = self.mailboxes.mailbox(mailbox).await? else { return Ok(None) };
        let Some(target) = self.of(mailbox).await?.find(id).cloned() else { return Ok(None) };
        let now = self.clock.now();
        let notification = Notification {
            id: format!("msg_{}", fresh_id(&*self.entropy)),
            event: "test",
            mailbox: view.meta.address,
            about: None,
            link: self.site.url(&format!("/channels/gmail/{mailbox}/notifications")),
            at: now,
        };
        let said = self.notifier.notify(&target, &notification).await;
        let problem = said.as_ref().err().map(|error| TargetProblem { at: now, why: error.to_string() });
        self.change(mailbox, |targets| {
            if let Some(known) = targets.targets.iter_mut().find(|known| known.id == *id) {
                known.problem.clone_from(&problem);
            }
        })
        .await?;
        Ok(Some((target, said)))
    }

    async fn change(&self, mailbox: &MailboxId, change: impl Fn(&mut Targets) + Send) -> Result<(), Stop> {
        for _ in 0..TRIES {
            let Some(former) = self.targets.targets(mailbox).await? else { return Ok(()) };
            let mut targets = former.clone();
            change(&mut targets);
            if targets == former {
                return Ok(());
            }
            match self.commits.commit(Commit::new().put(targets)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict(vec![ItemKey::Targets(mailbox.clone())]).into())
    }
}

fn wrong(field: &'static str, message: &str) -> NotAdded {
    NotAdded::Fields(vec![FieldError { field, message: message.to_owned() }])
}

/// An id or a name as Slack takes it.
fn is_channel(text: &str) -> bool {
    let name = text.strip_prefix('#').unwrap_or(text);
    let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().count() <= MAX_CHANNEL && name.chars().all(allowed)
}
