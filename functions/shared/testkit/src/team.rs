//! The team's targets: keeps what each was told, and answers what the test put in.

use crate::fault::CRASH;
use async_trait::async_trait;
use channel::ids::TargetId;
use channel::ports::{NotDelivered, NotSealed, Notification, Notifier, Seals, WebPlace};
use channel::record::{NoticeEvent, Place, Sealed, Target, Targets};
use channel::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

#[derive(Default)]
struct Inner {
    told: Vec<(Target, Notification)>,
    answers: VecDeque<Option<Result<(), NotDelivered>>>,
}

#[derive(Default)]
pub struct FakeTeam(Mutex<Inner>);

impl FakeTeam {
    /// Every try, in order.
    pub fn told(&self) -> Vec<(Target, Notification)> {
        self.inner().told.clone()
    }

    /// The answer to the next try that has none yet; without any, what is told arrives.
    pub fn answers(&self, answer: Result<(), NotDelivered>) {
        self.inner().answers.push_back(Some(answer));
    }

    /// The process ends in the next try, after the target was told.
    pub fn crashes(&self) {
        self.inner().answers.push_back(None);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("a test panicked while it held the team")
    }
}

#[async_trait]
impl Notifier for FakeTeam {
    /// Everything on `https` is fine; the rules are those of the guard.
    fn host(&self, _kind: WebPlace, url: &str) -> Result<String, String> {
        let rest = url.strip_prefix("https://").ok_or("Only https:// addresses may be used.")?;
        Ok(rest.split('/').next().unwrap_or_default().to_owned())
    }

    async fn notify(&self, target: &Target, notification: &Notification) -> Result<(), NotDelivered> {
        let answer = {
            let mut inner = self.inner();
            inner.told.push((target.clone(), notification.clone()));
            inner.answers.pop_front().unwrap_or(Some(Ok(())))
        };
        answer.unwrap_or_else(|| panic!("{CRASH}"))
    }
}

/// Writes down what it is for, and turns the text round so that it is not found by looking for it.
pub struct FakeSeals;

impl Seals for FakeSeals {
    fn seal(&self, purpose: &TargetId, secret: &str) -> Result<Sealed, NotSealed> {
        Ok(Sealed::new(format!("{purpose}|{}", secret.chars().rev().collect::<String>())))
    }

    fn open(&self, purpose: &TargetId, sealed: &Sealed) -> Result<String, NotSealed> {
        let text = sealed.as_str().strip_prefix(&format!("{purpose}|")).ok_or(NotSealed)?;
        Ok(text.chars().rev().collect())
    }
}

fn target(name: &str, place: impl FnOnce(&TargetId) -> Result<Place, NotSealed>) -> Target {
    let id = TargetId::parse(format!("target-{name}")).expect("a valid id");
    Target {
        place: place(&id).expect("the fake seals everything"),
        id,
        name: name.to_owned(),
        events: vec![NoticeEvent::NeedsPerson],
        without_content: false,
        added_at: Timestamp::from_secs(0),
        problem: None,
    }
}

/// A Slack webhook, a signed webhook, a Slack channel without content, and the e-mail topic.
pub fn targets(mailbox: &str) -> Targets {
    let seal = |id: &TargetId, text: &str| FakeSeals.seal(id, text);
    let host = || "in.example.com".to_owned();
    let slack =
        target("slack", |id| Ok(Place::SlackWebhook { host: host(), url: seal(id, "https://in.example.com/s")? }));
    let hook = target("hook", |id| {
        let (url, secret) = (seal(id, "https://in.example.com/h")?, seal(id, "whsec_c2VjcmV0")?);
        Ok(Place::Webhook { host: host(), url, secret })
    });
    let mut bot = target("bot", |_| Ok(Place::SlackChannel { channel: "#support".to_owned() }));
    bot.without_content = true;
    let topic = target("topic", |_| Ok(Place::Topic));
    Targets { ver: 0, mailbox: crate::mailbox_id(mailbox), targets: vec![slack, hook, bot, topic] }
}
