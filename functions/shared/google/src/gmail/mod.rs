//! The Gmail API.
//!
//! Invariants: every call names its scope; uploads and everything else go to the configured address; nothing is
//! retried but a call that a 401 kept from beginning; every answer is sorted by whether it may have had an effect.

mod call;
mod read;

use crate::oauth::{GMAIL_SCOPE, kind};
use crate::sort::Failure;
use crate::tokens::Tokens;
use async_trait::async_trait;
use call::{Attempt, Bearer, Client, Hub, call};
use channel::ids::{DraftId, HistoryId, LabelId, MessageId, ThreadId};
use channel::ports::*;
use channel::record::DraftRef;
use channel::time::Timestamp;
use google_gmail1::{Gmail as GeneratedHub, api};
use serde_json::Value;
use std::future::Future;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

/// For one call in all. A caller of `send_draft` holds a lease of more than this.
pub const TIME_OUT: Duration = Duration::from_secs(20);
/// The largest page that Gmail gives of messages, history and drafts.
const PAGE: u32 = 500;
/// Drafts of a mailbox are looked through up to this many pages.
const MAX_DRAFT_PAGES: usize = 20;
const ME: &str = "me";
/// Gmail's words when a watch on another topic is active.
const OTHER_WATCH: &str = "Only one user push notification client";

pub struct GoogleGmail {
    client: Client,
    http: reqwest::Client,
    /// With a final slash.
    url: String,
    topic: Option<String>,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
    time_out: Duration,
}

impl GoogleGmail {
    /// `url` is that of the API; `topic` is needed by `watch` alone. `http` sends drafts, which the generated client
    /// cannot do without replacing them.
    pub fn new(
        http: reqwest::Client,
        url: &str,
        topic: Option<String>,
        tokens: Arc<Tokens>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let url = format!("{}/", url.trim_end_matches('/'));
        Ok(Self { client: call::client()?, http, url, topic, tokens, clock, time_out: TIME_OUT })
    }

    /// Another time than [`TIME_OUT`] for each call.
    #[must_use]
    pub fn with_time_out(mut self, time_out: Duration) -> Self {
        self.time_out = time_out;
        self
    }

    fn hub(&self, attempt: &Attempt) -> Hub {
        let mut hub = GeneratedHub::new(self.client.clone(), Bearer(attempt.token.clone()));
        // Uploads go to the root, everything else to the base.
        hub.base_url(self.url.clone());
        hub.root_url(self.url.clone());
        hub.user_agent(concat!("postroom/", env!("CARGO_PKG_VERSION")).to_owned());
        hub
    }

    async fn call<T, F, Fut>(&self, at: &Access, make: F) -> Result<T, GmailError>
    where
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        call(&self.tokens, at, self.time_out, make).await.map_err(|failure| failure.sorted(self.clock.now()))
    }

    async fn begin_watch(&self, at: &Access, request: &api::WatchRequest) -> Result<Timestamp, Failure> {
        call(&self.tokens, at, self.time_out, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let made =
                hub.users().watch(request.clone(), ME).add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            made.map_err(|error| attempt.failure(error)).and_then(|(_, watch)| read::expiration(&watch))
        })
        .await
    }

    async fn message(&self, at: &Access, message: &MessageId, format: &str) -> Result<api::Message, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let got = hub.users().messages_get(ME, message.as_str()).format(format);
            let got = got.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            got.map(|(_, message)| message).map_err(|error| attempt.failure(error))
        })
        .await
    }

    async fn draft_resource(&self, at: &Access, draft: &DraftId, format: &str) -> Result<api::Draft, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let got = hub.users().drafts_get(ME, draft.as_str()).format(format);
            let got = got.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            got.map(|(_, draft)| draft).map_err(|error| attempt.failure(error))
        })
        .await
    }

    async fn draft_page(&self, at: &Access, page: Option<&str>) -> Result<api::ListDraftsResponse, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let mut list = hub.users().drafts_list(ME).max_results(PAGE);
            if let Some(page) = page {
                list = list.page_token(page);
            }
            let listed = list.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            listed.map(|(_, list)| list).map_err(|error| attempt.failure(error))
        })
        .await
    }

    fn unreadable(&self, failure: Failure) -> GmailError {
        failure.sorted(self.clock.now())
    }

    /// `drafts.send` with the id alone sends the draft as it stands. The generated client can only upload, which would
    /// put another mail in its place.
    async fn send_as_it_stands(&self, draft: &DraftId, mut attempt: Attempt) -> Result<MessageId, Failure> {
        let url = format!("{}gmail/v1/users/{ME}/drafts/send", self.url);
        let body = serde_json::json!({ "id": draft });
        let request = self.http.post(url).timeout(self.time_out).bearer_auth(&attempt.token).json(&body);
        attempt.leaves();
        let answer = request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                Failure::NotSent("no connection")
            } else {
                Failure::Lost(kind(&error))
            }
        })?;
        let status = answer.status();
        let retry_after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let body = answer.bytes().await;
        if !status.is_success() {
            let body = body.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null);
            return Err(Failure::Answer { status: status.as_u16(), retry_after, body });
        }
        let body = body.map_err(|error| Failure::Lost(kind(&error)))?;
        let sent = serde_json::from_slice(&body).map_err(|_| Failure::Lost("an answer that cannot be read"))?;
        read::sent(sent)
    }
}

fn in_thread(thread: &ThreadId) -> api::Draft {
    let message = api::Message { thread_id: Some(thread.to_string()), ..api::Message::default() };
    api::Draft { message: Some(message), ..api::Draft::default() }
}

fn rfc822() -> Result<mime_type::Mime, Failure> {
    "message/rfc822".parse().map_err(|_| Failure::NotSent("the media type"))
}

#[async_trait]
impl Gmail for GoogleGmail {
    async fn profile(&self, at: &Access) -> Result<Profile, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let got = hub.users().get_profile(ME).add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            got.map_err(|error| attempt.failure(error)).and_then(|(_, profile)| read::profile(profile))
        })
        .await
    }

    async fn watch(&self, at: &Access, labels: &[LabelId]) -> Result<Timestamp, GmailError> {
        let topic = self.topic.clone().ok_or_else(|| GmailError::Refused("no topic is configured".to_owned()))?;
        let request = api::WatchRequest {
            topic_name: Some(topic),
            label_ids: Some(labels.iter().map(LabelId::to_string).collect()),
            label_filter_behavior: Some("include".to_owned()),
            label_filter_action: None,
        };
        match self.begin_watch(at, &request).await {
            Err(failure) if failure.says(OTHER_WATCH) => {
                self.stop(at).await?;
                self.begin_watch(at, &request).await
            }
            other => other,
        }
        .map_err(|failure| failure.sorted(self.clock.now()))
    }

    async fn stop(&self, at: &Access) -> Result<(), GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let stopped = hub.users().stop(ME).add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            stopped.map(|_| ()).map_err(|error| attempt.failure(error))
        })
        .await
    }

    async fn history(&self, at: &Access, start: HistoryId, page: Option<&str>) -> Result<HistoryPage, GmailError> {
        let list = self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let mut list = hub.users().history_list(ME).start_history_id(start.0).max_results(PAGE);
            if let Some(page) = page {
                list = list.page_token(page);
            }
            let listed = list.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            listed.map_err(|error| attempt.failure(error)).and_then(|(_, list)| read::history_page(list))
        });
        list.await.map_err(|error| if error == GmailError::NotFound { GmailError::HistoryGone } else { error })
    }

    async fn list(
        &self,
        at: &Access,
        label: &LabelId,
        after: Option<Timestamp>,
        page: Option<&str>,
    ) -> Result<MessageList, GmailError> {
        // Whether `after:` includes its second is nowhere said; one second less always does.
        let query = after.map(|after| format!("after:{}", after.as_secs().saturating_sub(1)));
        let query = query.as_deref();
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let mut list = hub.users().messages_list(ME).add_label_ids(label.as_str()).max_results(PAGE);
            if let Some(query) = query {
                list = list.q(query);
            }
            if let Some(page) = page {
                list = list.page_token(page);
            }
            let listed = list.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            listed.map_err(|error| attempt.failure(error)).and_then(|(_, list)| read::message_list(list))
        })
        .await
    }

    async fn headers(&self, at: &Access, message: &MessageId) -> Result<MessageHeaders, GmailError> {
        let got = self.message(at, message, "metadata").await?;
        read::headers(got).map_err(|failure| self.unreadable(failure))
    }

    async fn raw(&self, at: &Access, message: &MessageId) -> Result<Vec<u8>, GmailError> {
        let got = self.message(at, message, "raw").await?;
        read::raw(got).map_err(|failure| self.unreadable(failure))
    }

    async fn thread(&self, at: &Access, thread: &ThreadId) -> Result<Vec<MessageHeaders>, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let got = hub.users().threads_get(ME, thread.as_str()).format("metadata");
            let got = got.add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            got.map_err(|error| attempt.failure(error)).and_then(|(_, thread)| read::thread(thread))
        })
        .await
    }

    async fn labels(&self, at: &Access) -> Result<Vec<GmailLabel>, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let listed = hub.users().labels_list(ME).add_scope(GMAIL_SCOPE).delegate(&mut attempt).doit().await;
            listed.map_err(|error| attempt.failure(error)).map(|(_, list)| read::label_list(list))
        })
        .await
    }

    /// By multipart upload, which has room for any mail that Gmail takes and keeps the thread.
    async fn create_draft(&self, at: &Access, thread: &ThreadId, mail: &[u8]) -> Result<DraftRef, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let create = hub.users().drafts_create(in_thread(thread), ME).add_scope(GMAIL_SCOPE);
            let made = create.delegate(&mut attempt).upload(Cursor::new(mail), rfc822()?).await;
            made.map_err(|error| attempt.failure(error)).and_then(|(_, draft)| read::draft(draft))
        })
        .await
    }

    async fn update_draft(
        &self,
        at: &Access,
        draft: &DraftId,
        thread: &ThreadId,
        mail: &[u8],
    ) -> Result<DraftRef, GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let update = hub.users().drafts_update(in_thread(thread), ME, draft.as_str()).add_scope(GMAIL_SCOPE);
            let made = update.delegate(&mut attempt).upload(Cursor::new(mail), rfc822()?).await;
            made.map_err(|error| attempt.failure(error)).and_then(|(_, draft)| read::draft(draft))
        })
        .await
    }

    async fn draft(&self, at: &Access, draft: &DraftId) -> Result<DraftRef, GmailError> {
        let got = self.draft_resource(at, draft, "minimal").await?;
        read::draft(got).map_err(|failure| self.unreadable(failure))
    }

    async fn draft_raw(&self, at: &Access, draft: &DraftId) -> Result<(DraftRef, Vec<u8>), GmailError> {
        let got = self.draft_resource(at, draft, "raw").await?;
        read::draft_raw(got).map_err(|failure| self.unreadable(failure))
    }

    async fn drafts_in(&self, at: &Access, thread: &ThreadId) -> Result<Vec<DraftRef>, GmailError> {
        let mut found = Vec::new();
        let mut page = None;
        for _ in 0..MAX_DRAFT_PAGES {
            let list = self.draft_page(at, page.as_deref()).await?;
            for resource in list.drafts.unwrap_or_default().into_iter().filter(|draft| read::is_in(draft, thread)) {
                found.push(read::draft(resource).map_err(|failure| self.unreadable(failure))?);
            }
            match list.next_page_token {
                Some(next) => page = Some(next),
                None => return Ok(found),
            }
        }
        Err(GmailError::Refused("too many drafts to look through".to_owned()))
    }

    async fn delete_draft(&self, at: &Access, draft: &DraftId) -> Result<(), GmailError> {
        self.call(at, |mut attempt| async move {
            let hub = self.hub(&attempt);
            let delete = hub.users().drafts_delete(ME, draft.as_str()).add_scope(GMAIL_SCOPE);
            delete.delegate(&mut attempt).doit().await.map(|_| ()).map_err(|error| attempt.failure(error))
        })
        .await
    }

    async fn send_draft(&self, at: &Access, draft: &DraftId) -> Result<MessageId, GmailError> {
        self.call(at, |attempt| self.send_as_it_stands(draft, attempt)).await
    }
}
