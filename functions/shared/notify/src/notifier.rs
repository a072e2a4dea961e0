//! One notification to one target.

use crate::guard::{Failed, Guard};
use crate::message::Words;
use crate::{slack, webhook};
use async_trait::async_trait;
use channel::ports::{Clock, NotDelivered, NotSealed, Notification, Notifier, Seals, Topic, WebPlace};
use channel::record::{Place, Target};
use serde_json::Value;
use std::sync::Arc;

/// Whose incoming webhooks Slack's are.
const SLACK_HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];
/// SNS takes a subject of at most 100 ASCII characters.
const SUBJECT: &str = "Postroom: a conversation needs a person";
const TEST_SUBJECT: &str = "Postroom: test notification";

/// The token of our Slack bot, as the `app` secret holds it.
#[async_trait]
pub trait SlackToken: Send + Sync {
    /// None when none is stored; the error is for people. `afresh` when the one that is known was refused.
    async fn token(&self, afresh: bool) -> Result<Option<String>, String>;
}

pub struct Notify {
    pub guard: Guard,
    pub seals: Arc<dyn Seals>,
    pub slack_token: Arc<dyn SlackToken>,
    /// Slack's Web API, without a final slash.
    pub slack_api: String,
    /// None where the deployment has no e-mail topic.
    pub topic: Option<Arc<dyn Topic>>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Notifier for Notify {
    fn host(&self, kind: WebPlace, url: &str) -> Result<String, String> {
        let parsed = self.guard.parse(url).map_err(|error| error.to_string())?;
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let ours = SLACK_HOSTS.contains(&host.as_str()) || self.guard.is_local(&parsed);
        if kind == WebPlace::SlackWebhook && !ours {
            return Err("An incoming webhook of Slack begins with https://hooks.slack.com/.".to_owned());
        }
        Ok(match parsed.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        })
    }

    async fn notify(&self, target: &Target, notification: &Notification) -> Result<(), NotDelivered> {
        let open = |sealed| self.seals.open(&target.id, sealed).map_err(unsealed);
        match &target.place {
            Place::SlackWebhook { url, .. } => {
                let body = slack::body(&Words::of(notification), None);
                slack::said_by_webhook(self.post(&open(url)?, vec![], &body).await)
            }
            Place::SlackChannel { channel } => self.slack(channel, notification).await,
            Place::Webhook { url, secret, .. } => self.webhook(&open(url)?, &open(secret)?, notification).await,
            Place::Topic => self.email(notification).await,
        }
    }
}

fn unsealed(error: NotSealed) -> NotDelivered {
    NotDelivered::Refused(format!("This target: {error}."))
}

impl Notify {
    async fn post(
        &self,
        url: &str,
        mut headers: Vec<(&str, String)>,
        body: &Value,
    ) -> Result<crate::guard::Reply, Failed> {
        headers.push(("content-type", "application/json; charset=utf-8".to_owned()));
        self.guard.post(url, &headers, body.to_string().into_bytes()).await
    }

    async fn slack(&self, channel: &str, notification: &Notification) -> Result<(), NotDelivered> {
        let body = slack::body(&Words::of(notification), Some(channel));
        let mut said = Ok(());
        // A token that was changed a moment ago is read again once.
        for afresh in [false, true] {
            let token = self.slack_token.token(afresh).await;
            let token =
                token.map_err(|why| NotDelivered::Later { after: None, why: format!("The Slack token: {why}.") })?;
            let Some(token) = token else {
                let why = "There is no Slack token: store one with infra/slack/store-token.sh.";
                return Err(NotDelivered::Refused(why.to_owned()));
            };
            let url = format!("{}/chat.postMessage", self.slack_api);
            let headers = vec![("authorization", format!("Bearer {token}"))];
            let reply = self.post(&url, headers, &body).await;
            let again = slack::refuses_token(&reply);
            said = slack::said_by_api(reply);
            if !again {
                break;
            }
        }
        said
    }

    async fn webhook(&self, url: &str, secret: &str, notification: &Notification) -> Result<(), NotDelivered> {
        let body = webhook::body(notification).to_string().into_bytes();
        let Some(signature) = webhook::headers(secret, &notification.id, self.clock.now(), &body) else {
            return Err(unsealed(NotSealed));
        };
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(signature);
        webhook::said(self.guard.post(url, &headers, body).await)
    }

    async fn email(&self, notification: &Notification) -> Result<(), NotDelivered> {
        let Some(topic) = &self.topic else {
            let why = "This deployment has no e-mail topic: deploy it with the parameter NotifyEmail.";
            return Err(NotDelivered::Refused(why.to_owned()));
        };
        let words = Words::of(notification);
        let subject = if notification.event == "test" { TEST_SUBJECT } else { SUBJECT };
        topic.publish(subject, &format!("{}\n\nOpen it in Postroom: {}\n", words.lines(), words.link)).await
    }
}
