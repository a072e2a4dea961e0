//! Connecting a mailbox and reconnecting it (`A2`).
//!
//! Invariant: what works is overwritten last and in one transaction. A grant is recorded before its secret exists, and
//! becomes the mailbox's only after Google has said whose mailbox it is; until then a failure leaves nothing behind but
//! a record that says *former*, by which token-refresher removes the secret.

use crate::address::EmailAddress;
use crate::ids::{GrantId, LabelId, MailboxId};
use crate::ports::{
    Access, Clock, CommitError, Commits, Engines, Entropy, Gmail, GmailError, GrantSecret, GrantVault, Mailboxes,
    OAuth, OAuthError, Profile, Pseudonyms, SyncQueue, TokenAnswer, VaultError,
};
use crate::record::*;
use crate::time::Timestamp;
use crate::usecase::authorisation::{Authorisations, Callback, Denial, NotOurs};
use crate::usecase::common::{DAY, Stop, fresh_id, fresh_mailbox_id};
use crate::usecase::sign_in::Departure;
use crate::work::SyncWork;
use std::sync::Arc;
use std::time::Duration;

/// The one scope of a mailbox: read, label, draft and send, but not delete for good.
pub const SCOPE: &str = "https://www.googleapis.com/auth/gmail.modify";
pub const DEFAULT_HISTORY_DAYS: u16 = 7;
pub const MAX_HISTORY_DAYS: u16 = 90;
/// A grant that is still *creating* after this long was left behind.
const CREATING_MAX: Duration = Duration::from_secs(900);
/// Access tokens are refreshed this long before they end.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);
const TRIES: usize = 4;

#[derive(Clone)]
pub struct Connect {
    pub authorisations: Authorisations,
    pub mailboxes: Arc<dyn Mailboxes>,
    pub engines: Arc<dyn Engines>,
    pub commits: Arc<dyn Commits>,
    pub vault: Arc<dyn GrantVault>,
    pub gmail: Arc<dyn Gmail>,
    pub oauth: Arc<dyn OAuth>,
    pub pseudonyms: Arc<dyn Pseudonyms>,
    pub queue: Arc<dyn SyncQueue>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// The address that Google sends the browser back to.
    pub redirect: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    #[error("Google says no: {0:?}")]
    Denied(Denial),
    #[error("there is no such mailbox")]
    UnknownMailbox,
    #[error("the code is refused")]
    CodeRefused,
    #[error("gmail.modify was not granted")]
    ScopeMissing,
    #[error("Google gave no refresh token")]
    NoLastingAccess,
    #[error("another account than the mailbox's was chosen")]
    OtherAccount,
    #[error("the mailbox cannot be used: {0}")]
    Mailbox(GmailError),
    #[error("the OAuth client is refused: {0}")]
    Client(String),
    #[error("Google is not available: {0}")]
    Unavailable(String),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl ConnectError {
    /// By which the console finds the words; nothing of the query or of Google's text is ever shown.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOurs(why) => why.code(),
            Self::Denied(why) => why.code(),
            Self::UnknownMailbox => "unknown_mailbox",
            Self::CodeRefused => "code_refused",
            Self::ScopeMissing => "scope_missing",
            Self::NoLastingAccess => "no_lasting_access",
            Self::OtherAccount => "other_account",
            Self::Mailbox(_) => "gmail_refused",
            Self::Client(_) => "client_refused",
            Self::Unavailable(_) => "google_unavailable",
            Self::Vault(_) | Self::Stop(_) => "unavailable",
        }
    }

    /// Whether the authorisation was ours and is used up now.
    pub fn used_up(&self) -> bool {
        !matches!(self, Self::NotOurs(NotOurs::Wrong | NotOurs::Old | NotOurs::Used | NotOurs::Stop(_)))
    }
}

impl From<OAuthError> for ConnectError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Grant(GrantProblemKind::BlockedByAdmin) => Self::Denied(Denial::AdminPolicy),
            OAuthError::Grant(_) | OAuthError::Refused(_) => Self::CodeRefused,
            OAuthError::Client(why) => Self::Client(why),
            OAuthError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<CommitError> for ConnectError {
    fn from(error: CommitError) -> Self {
        Self::Stop(error.into())
    }
}

/// What was achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    pub mailbox: MailboxId,
    /// The mailbox was there already; its settings are the ones it had.
    pub again: bool,
}

/// A grant whose secret is stored and which is not yet the mailbox's.
struct NewGrant {
    record: GrantRecord,
    secret: GrantSecret,
}

impl NewGrant {
    fn access(&self) -> Access {
        Access { mailbox: self.record.mailbox.clone(), grant: self.record.grant.clone() }
    }
}

impl Connect {
    /// `mailbox` for a reconnect.
    pub async fn begin(
        &self,
        mailbox: Option<MailboxId>,
        operator: EmailAddress,
        history_days: Option<u16>,
    ) -> Result<Departure, ConnectError> {
        let hint = match &mailbox {
            None => None,
            Some(id) => {
                let view = self.mailboxes.mailbox(id).await.map_err(Stop::from)?.ok_or(ConnectError::UnknownMailbox)?;
                Some(view.meta.address)
            }
        };
        let history_days = history_days.map(|days| days.min(MAX_HISTORY_DAYS));
        let purpose = OAuthPurpose::Connect { mailbox, operator, history_days };
        let begun = self.authorisations.begin(purpose).await?;
        let hint = hint.as_ref().map(EmailAddress::as_str);
        let url = self.oauth.connect_url(&self.redirect, &begun.state, &begun.pkce_challenge, hint);
        Ok(Departure { url, browser: begun.browser })
    }

    pub async fn finish(&self, callback: &Callback, browser: Option<&str>) -> Result<Connected, ConnectError> {
        let state = self.authorisations.take(callback.state.as_deref(), browser).await?;
        let OAuthPurpose::Connect { mailbox: wanted, history_days, .. } = state.purpose else {
            return Err(NotOurs::Wrong.into());
        };
        if let Some(error) = &callback.error {
            return Err(ConnectError::Denied(Denial::of(error)));
        }
        let code = callback.code.as_deref().ok_or(NotOurs::Wrong)?;
        let tokens = self.oauth.exchange(code, &self.redirect, &state.pkce_verifier).await?;
        let under = wanted.clone().unwrap_or_else(|| fresh_mailbox_id(&*self.entropy));
        let days = history_days.unwrap_or(DEFAULT_HISTORY_DAYS);
        let grant = self.store_grant(&under, self.secret_of(&tokens)?, tokens.refresh_expires_in).await?;
        let profile = match self.gmail.profile(&grant.access()).await {
            Ok(profile) => profile,
            Err(error) => return Err(self.give_up(grant, ConnectError::Mailbox(error)).await),
        };
        match self.adopt(wanted, &profile, grant, days).await {
            Ok(connected) => {
                self.watch(&connected.mailbox).await;
                self.hint(&connected.mailbox).await;
                Ok(connected)
            }
            Err((grant, error)) => Err(self.give_up(grant, error).await),
        }
    }

    /// So that the first mail is pushed already. What fails here is due at token-refresher.
    async fn watch(&self, mailbox: &MailboxId) {
        if let Err(error) = self.try_watch(mailbox).await {
            tracing::warn!(mailbox.id = %mailbox, %error, "the watch is left to token-refresher");
        }
    }

    async fn try_watch(&self, mailbox: &MailboxId) -> Result<(), Stop> {
        let (Some(view), Some(watch)) =
            (self.mailboxes.mailbox(mailbox).await?, self.engines.watch_state(mailbox).await?)
        else {
            return Ok(());
        };
        let Some(grant) = view.meta.grant.clone() else { return Ok(()) };
        let access = Access { mailbox: mailbox.clone(), grant };
        let expiration = self.gmail.watch(&access, &view.settings.labels).await?;
        let now = self.clock.now();
        let set = WatchState {
            expiration: Some(expiration),
            renewed_at: Some(now),
            last_error: None,
            due_at: Some(now.plus(DAY)),
            ..watch
        };
        Ok(self.commits.commit(Commit::new().put(set)).await?)
    }

    fn secret_of(&self, tokens: &TokenAnswer) -> Result<GrantSecret, ConnectError> {
        // An answer that does not name its scopes is not taken at its word.
        let granted = tokens.scope.as_deref().unwrap_or("").split_whitespace().any(|scope| scope == SCOPE);
        if !granted {
            return Err(ConnectError::ScopeMissing);
        }
        Ok(GrantSecret {
            refresh_token: tokens.refresh_token.clone().ok_or(ConnectError::NoLastingAccess)?,
            access_token: tokens.access_token.clone(),
            access_expires_at: self.clock.now().plus(tokens.expires_in),
        })
    }

    async fn store_grant(
        &self,
        mailbox: &MailboxId,
        secret: GrantSecret,
        refresh_expires_in: Option<Duration>,
    ) -> Result<NewGrant, ConnectError> {
        let now = self.clock.now();
        let grant = GrantId::parse(fresh_id(&*self.entropy)).map_err(|_| ConnectError::UnknownMailbox)?;
        let mut record = GrantRecord {
            ver: 0,
            mailbox: mailbox.clone(),
            grant,
            state: GrantState::Creating,
            created_at: now,
            access_expires_at: Some(secret.access_expires_at),
            refresh_expires_at: refresh_expires_in.map(|life| now.plus(life)),
            due_at: Some(now.plus(CREATING_MAX)),
        };
        self.commits.commit(Commit::new().put(record.clone())).await?;
        record.ver = 1;
        let grant = NewGrant { record, secret };
        match self.vault.create(mailbox, &grant.record.grant, &grant.secret).await {
            Ok(()) => Ok(grant),
            // It may have been created all the same.
            Err(error) => Err(self.give_up(grant, error.into()).await),
        }
    }

    /// The record says *former* first, on the condition that it is as we wrote it: a switch whose answer was lost may have
    /// put the grant in force, and then its secret must stay. What fails here is left to token-refresher.
    async fn give_up(&self, grant: NewGrant, why: ConnectError) -> ConnectError {
        let NewGrant { mut record, .. } = grant;
        record.state = GrantState::Former;
        record.due_at = Some(self.clock.now());
        if let Err(error) = self.commits.commit(Commit::new().put(record.clone())).await {
            tracing::warn!(grant.id = %record.grant, %error, "an unused grant could not be marked");
        } else if let Err(error) = self.vault.delete(&record.mailbox, &record.grant).await {
            tracing::warn!(grant.id = %record.grant, %error, "an unused secret is left to token-refresher");
        }
        why
    }

    /// Makes the grant the mailbox's. On failure the grant that is to be given up comes back.
    async fn adopt(
        &self,
        wanted: Option<MailboxId>,
        profile: &Profile,
        mut grant: NewGrant,
        days: u16,
    ) -> Result<Connected, (NewGrant, ConnectError)> {
        let hash = self.pseudonyms.of(&profile.address);
        for _ in 0..TRIES {
            let target = match self.target(wanted.as_ref(), &hash).await {
                Ok(target) => target,
                Err(error) => return Err((grant, error)),
            };
            if let Some(known) = target.as_ref().filter(|known| known.meta.mailbox != grant.record.mailbox) {
                // The account is known under another id: the grant moves to where its settings are.
                let refresh_life = grant.record.refresh_expires_at.map(|end| end.since(self.clock.now()));
                let moved = match self.store_grant(&known.meta.mailbox, grant.secret.clone(), refresh_life).await {
                    Ok(moved) => moved,
                    Err(error) => return Err((grant, error)),
                };
                let left = std::mem::replace(&mut grant, moved);
                self.give_up(left, ConnectError::OtherAccount).await;
            }
            match self.switch(target, profile, &hash, &grant.record, days).await {
                Ok(connected) => return Ok(connected),
                Err(ConnectError::Stop(Stop::Commit(CommitError::Conflict(_)))) => {}
                Err(error) => {
                    // The answer may have been lost after the effect.
                    return match self.mailboxes.mailbox(&grant.record.mailbox).await {
                        Ok(Some(view)) if view.meta.grant.as_ref() == Some(&grant.record.grant) => {
                            Ok(Connected { mailbox: view.meta.mailbox, again: wanted.is_some() })
                        }
                        _ => Err((grant, error)),
                    };
                }
            }
        }
        Err((grant, ConnectError::Stop(CommitError::Conflict(vec![]).into())))
    }

    /// The mailbox that this account is, when there is one.
    async fn target(&self, wanted: Option<&MailboxId>, hash: &str) -> Result<Option<MailboxView>, ConnectError> {
        let read = async |id: &MailboxId| self.mailboxes.mailbox(id).await.map_err(Stop::from);
        if let Some(id) = wanted {
            let view = read(id).await?.ok_or(ConnectError::UnknownMailbox)?;
            return if view.meta.address_hash == hash { Ok(Some(view)) } else { Err(ConnectError::OtherAccount) };
        }
        let owner = self.mailboxes.address_owner(hash).await.map_err(Stop::from)?;
        if let Some(id) = owner.and_then(|owner| owner.mailbox) {
            return Ok(read(&id).await?);
        }
        // Disconnected earlier: its settings are found again, its address is not owned.
        let all = self.mailboxes.mailboxes().await.map_err(Stop::from)?;
        match all.into_iter().find(|meta| meta.address_hash == hash) {
            Some(meta) => Ok(read(&meta.mailbox).await?),
            None => Ok(None),
        }
    }

    async fn switch(
        &self,
        target: Option<MailboxView>,
        profile: &Profile,
        hash: &str,
        grant: &GrantRecord,
        days: u16,
    ) -> Result<Connected, ConnectError> {
        let now = self.clock.now();
        let id = grant.mailbox.clone();
        let again = target.is_some();
        // Disconnecting was a decision: what came since is history. A grant that broke was none.
        let afresh = target.as_ref().is_none_or(|view| view.meta.grant.is_none());
        let mut commit = Commit::new();
        if let Some(former) = target.as_ref().and_then(|view| view.meta.grant.clone()) {
            let former = self.engines.grant(&id, &former).await.map_err(Stop::from)?;
            if let Some(record) = former.filter(|record| record.grant != grant.grant) {
                commit = commit.put(retired(record, now));
            }
        }
        let settings = target.as_ref().map_or_else(|| Settings::initial(id.clone()), |view| view.settings.clone());
        let history_days = if afresh { days } else { target.as_ref().map_or(days, |view| view.meta.history_days) };
        let base = target.map(|view| view.meta);
        let meta = MailboxMeta {
            ver: base.as_ref().map_or(0, |meta| meta.ver),
            mailbox: id.clone(),
            address: profile.address.clone(),
            address_hash: hash.to_owned(),
            grant: Some(grant.grant.clone()),
            problem: None,
            connected_at: base.as_ref().filter(|_| !afresh).map_or(now, |meta| meta.connected_at),
            history_days,
            last_mail_at: base.as_ref().and_then(|meta| meta.last_mail_at),
        };
        let owner = self.mailboxes.address_owner(hash).await.map_err(Stop::from)?;
        if owner.as_ref().and_then(|owner| owner.mailbox.as_ref()).is_some_and(|other| *other != id) {
            return Err(CommitError::Conflict(vec![ItemKey::AddressOwner(hash.to_owned())]).into());
        }
        let owner = AddressOwner {
            ver: owner.map_or(0, |owner| owner.ver),
            address_hash: hash.to_owned(),
            mailbox: Some(id.clone()),
        };
        let sync = self.engines.sync_state(&id).await.map_err(Stop::from)?;
        let sync_ver = sync.as_ref().map_or(0, |sync| sync.ver);
        let watch = self.engines.watch_state(&id).await.map_err(Stop::from)?;
        let resume = self.engines.resume(&id).await.map_err(Stop::from)?;
        let resync = (afresh && history_days > 0).then(|| history_listing(&settings, profile, now, history_days));
        commit = commit.put(meta).put(owner).put(in_force(grant, now));
        let begun = sync.filter(|_| !afresh).unwrap_or_else(|| sync_from(&id, profile, resync, now));
        let ver = begun.ver.max(sync_ver);
        commit = commit.put(SyncState { ver, due_at: Some(now), ..begun });
        commit = commit.put(watch_due(&id, watch, now));
        if again {
            let ver = resume.map_or(0, |resume| resume.ver);
            commit = commit.put(Resume { ver, mailbox: id.clone(), requested_at: now, due_at: Some(now) });
        }
        if settings.ver == 0 {
            commit = commit.put(settings);
        }
        self.commits.commit(commit).await?;
        Ok(Connected { mailbox: id, again })
    }

    /// A lost hint costs a minute: the sync is due all the same.
    async fn hint(&self, mailbox: &MailboxId) {
        let work = SyncWork::Sync { mailbox: mailbox.clone(), pushed: None };
        if let Err(error) = self.queue.send(vec![work], Duration::ZERO).await {
            tracing::warn!(mailbox.id = %mailbox, %error, "the first sync waits for the schedule");
        }
    }

    /// Whether a mailbox works, for a callback that came twice.
    pub async fn is_connected(&self, mailbox: &MailboxId) -> Result<bool, Stop> {
        let view = self.mailboxes.mailbox(mailbox).await?;
        Ok(view.is_some_and(|view| view.usable_grant().is_some()))
    }
}

fn retired(mut record: GrantRecord, now: Timestamp) -> GrantRecord {
    record.state = GrantState::Former;
    record.due_at = Some(now);
    record
}

fn in_force(grant: &GrantRecord, now: Timestamp) -> GrantRecord {
    let due = grant.access_expires_at.map_or(now, |end| end.minus(REFRESH_AHEAD).max(now));
    GrantRecord { state: GrantState::Current, due_at: Some(due), ..grant.clone() }
}

fn history_listing(settings: &Settings, profile: &Profile, now: Timestamp, days: u16) -> Resync {
    let mut labels = settings.labels.clone();
    // A person's own reply carries SENT alone.
    labels.extend(LabelId::parse("SENT").ok().filter(|sent| !settings.labels.contains(sent)));
    Resync {
        reason: ResyncReason::History,
        profile_id: profile.history_id,
        since: now.minus(DAY * u32::from(days)),
        labels,
        page_token: None,
        found: 0,
    }
}

fn sync_from(id: &MailboxId, profile: &Profile, resync: Option<Resync>, now: Timestamp) -> SyncState {
    SyncState {
        ver: 0,
        mailbox: id.clone(),
        cursor: profile.history_id,
        cursor_at: now,
        relist: 0,
        relist_until: None,
        unconfirmed: None,
        resync,
        lease: None,
        last_sync_at: None,
        last_push_at: None,
        push_missed_at: None,
        swept_at: None,
        recovered: 0,
        due_at: None,
    }
}

fn watch_due(id: &MailboxId, known: Option<WatchState>, now: Timestamp) -> WatchState {
    let new = || WatchState {
        ver: 0,
        mailbox: id.clone(),
        expiration: None,
        renewed_at: None,
        last_error: None,
        due_at: None,
    };
    WatchState { due_at: Some(now), ..known.unwrap_or_else(new) }
}
