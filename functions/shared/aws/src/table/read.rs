//! Reading by key: mailboxes, their engines, seen mails, browser states, knowledge.

use super::item::{self, MAILBOXES, Record, decode, live, text};
use super::{Attributes, Query, Table, key};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use channel::ids::{DocumentId, ExampleId, GapId, GrantId, MailboxId, MessageId, ThreadId};
use channel::ports::{Engines, Examples, Gaps, Library, Mailboxes, NoticeTargets, SeenMails, StoreError, WebStates};
use channel::record::*;
use channel::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl Table {
    /// One item that does not expire, or whose expiry is told by the table's own clock.
    async fn one<T: Record>(&self, key: ItemKey) -> Result<Option<T>, StoreError> {
        self.one_at(key, self.clock.now()).await
    }

    pub(super) async fn one_at<T: Record>(&self, key: ItemKey, now: Timestamp) -> Result<Option<T>, StoreError> {
        self.get(&key).await?.filter(|attributes| live(attributes, now)).map(decode).transpose()
    }

    /// Those of a mailbox's items whose sort key begins with `prefix`, in key order.
    async fn several<T: Record>(
        &self,
        mailbox: &MailboxId,
        prefix: &str,
        limit: Option<usize>,
    ) -> Result<Vec<T>, StoreError> {
        let items = self.partition(key::mailbox_partition(mailbox), prefix, limit).await?;
        items.into_iter().map(decode).collect()
    }
}

impl Table {
    async fn of_organisation(&self, prefix: &str, limit: Option<usize>) -> Result<Vec<Attributes>, StoreError> {
        self.partition(key::ORGANISATION.to_owned(), prefix, limit).await
    }
}

#[async_trait]
impl Mailboxes for Table {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<MailboxView>, StoreError> {
        let keys = [ItemKey::Mailbox(id.clone()), ItemKey::Settings(id.clone()), ItemKey::Organisation];
        let (mut meta, mut settings, mut organisation) = (None, None, None);
        for attributes in self.get_all(&keys).await? {
            let (pk, sk) = (text(&attributes, "pk"), text(&attributes, "sk"));
            match pk.zip(sk).and_then(|(pk, sk)| key::decode(pk, sk)) {
                Some(ItemKey::Mailbox(_)) => meta = Some(decode::<MailboxMeta>(attributes)?),
                Some(ItemKey::Settings(_)) => settings = Some(decode::<Settings>(attributes)?),
                Some(ItemKey::Organisation) => organisation = Some(decode::<Organisation>(attributes)?),
                _ => return Err(StoreError::Broken("BatchGetItem: an item that was not asked for".to_owned())),
            }
        }
        match (meta, settings) {
            (None, _) => Ok(None),
            (Some(meta), Some(settings)) => {
                // Written with the first change of it; until then nothing is stopped.
                let organisation = organisation.unwrap_or_default();
                Ok(Some(MailboxView { meta, settings, organisation }))
            }
            (Some(_), None) => {
                Err(StoreError::Broken("a mailbox has no settings: save them in the console".to_owned()))
            }
        }
    }

    /// By address. The index is eventually consistent, the mailboxes themselves are read consistently.
    async fn mailboxes(&self) -> Result<Vec<MailboxMeta>, StoreError> {
        let partition = AttributeValue::S(MAILBOXES.to_owned());
        let rows = self
            .query(Query {
                index: Some("list"),
                condition: "list_pk = :pk",
                filter: None,
                values: HashMap::from([(":pk".to_owned(), partition)]),
                start: None,
                newest_first: false,
                limit: None,
            })
            .await?;
        let keys: BTreeSet<ItemKey> = rows
            .iter()
            .filter_map(|row| key::decode(text(row, "pk")?, text(row, "sk")?))
            .filter(|key| matches!(key, ItemKey::Mailbox(_)))
            .collect();
        let keys: Vec<ItemKey> = keys.into_iter().collect();
        let items = self.get_all(&keys).await?;
        let mut metas: Vec<MailboxMeta> = items.into_iter().map(decode).collect::<Result<_, _>>()?;
        metas.sort_by_cached_key(|meta| (meta.address.canonical(), meta.mailbox.clone()));
        Ok(metas)
    }

    async fn organisation(&self) -> Result<Organisation, StoreError> {
        Ok(self.one(ItemKey::Organisation).await?.unwrap_or_default())
    }

    async fn address_owner(&self, address_hash: &str) -> Result<Option<AddressOwner>, StoreError> {
        self.one(ItemKey::AddressOwner(address_hash.to_owned())).await
    }
}

#[async_trait]
impl Engines for Table {
    async fn sync_state(&self, mailbox: &MailboxId) -> Result<Option<SyncState>, StoreError> {
        self.one(ItemKey::Sync(mailbox.clone())).await
    }

    async fn watch_state(&self, mailbox: &MailboxId) -> Result<Option<WatchState>, StoreError> {
        self.one(ItemKey::Watch(mailbox.clone())).await
    }

    async fn grant(&self, mailbox: &MailboxId, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.one(ItemKey::Grant(mailbox.clone(), grant.clone())).await
    }

    async fn grants(&self, mailbox: &MailboxId) -> Result<Vec<GrantRecord>, StoreError> {
        self.several(mailbox, "GRANT#", None).await
    }

    async fn units(&self, mailbox: &MailboxId) -> Result<Option<Units>, StoreError> {
        self.one(ItemKey::Units(mailbox.clone())).await
    }

    async fn resume(&self, mailbox: &MailboxId) -> Result<Option<Resume>, StoreError> {
        self.one(ItemKey::Resume(mailbox.clone())).await
    }

    async fn parked_work(&self, mailbox: &MailboxId, work: &ParkedWork) -> Result<Option<Parked>, StoreError> {
        self.one(ItemKey::Park(mailbox.clone(), work.clone())).await
    }

    async fn parked(&self, mailbox: &MailboxId, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.several(mailbox, "PARK#", Some(limit)).await
    }
}

#[async_trait]
impl NoticeTargets for Table {
    async fn targets(&self, mailbox: &MailboxId) -> Result<Option<Targets>, StoreError> {
        self.one(ItemKey::Targets(mailbox.clone())).await
    }
}

#[async_trait]
impl SeenMails for Table {
    /// In the order of `messages`, each once.
    async fn seen(&self, mailbox: &MailboxId, messages: &[MessageId], now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        if let [message] = messages {
            let seen = self.one_at(ItemKey::Seen(mailbox.clone(), message.clone()), now).await?;
            return Ok(seen.into_iter().collect());
        }
        let distinct: BTreeSet<&MessageId> = messages.iter().collect();
        let keys: Vec<ItemKey> =
            distinct.into_iter().map(|message| ItemKey::Seen(mailbox.clone(), message.clone())).collect();
        let items = self.get_all(&keys).await?.into_iter().filter(|attributes| live(attributes, now));
        let mut found: BTreeMap<MessageId, Seen> = BTreeMap::new();
        for seen in items.map(item::decode::<Seen>) {
            let seen = seen?;
            found.insert(seen.message.clone(), seen);
        }
        Ok(messages.iter().filter_map(|message| found.remove(message)).collect())
    }
}

#[async_trait]
impl WebStates for Table {
    async fn oauth_state(&self, state_hash: &str, now: Timestamp) -> Result<Option<OAuthState>, StoreError> {
        self.one_at(ItemKey::OAuthState(state_hash.to_owned()), now).await
    }

    async fn session(&self, session_hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.one_at(ItemKey::Session(session_hash.to_owned()), now).await
    }
}

#[async_trait]
impl Examples for Table {
    async fn example(&self, id: &ExampleId, now: Timestamp) -> Result<Option<Example>, StoreError> {
        self.one_at(ItemKey::Example(id.clone()), now).await
    }
}

#[async_trait]
impl Library for Table {
    async fn knowledge_head(&self) -> Result<KnowledgeHead, StoreError> {
        Ok(self.one(ItemKey::KnowledgeHead).await?.unwrap_or_default())
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.one(ItemKey::Document(id.clone())).await
    }

    async fn library(&self) -> Result<Vec<Document>, StoreError> {
        self.of_organisation(key::DOCUMENTS, None).await?.into_iter().map(decode).collect()
    }
}

#[async_trait]
impl Gaps for Table {
    async fn gap(&self, id: &GapId, now: Timestamp) -> Result<Option<Gap>, StoreError> {
        self.one_at(ItemKey::Gap(id.clone()), now).await
    }

    async fn gaps(&self, now: Timestamp) -> Result<Vec<Gap>, StoreError> {
        let items = self.of_organisation(key::GAPS, None).await?.into_iter();
        items.filter(|attributes| live(attributes, now)).map(decode).collect()
    }

    async fn gap_question(
        &self,
        mailbox: &MailboxId,
        thread: &ThreadId,
        turn: u32,
        now: Timestamp,
    ) -> Result<Option<GapQuestion>, StoreError> {
        self.one_at(ItemKey::GapQuestion(mailbox.clone(), thread.clone(), turn), now).await
    }

    async fn gap_questions(&self, limit: usize, now: Timestamp) -> Result<Vec<GapQuestion>, StoreError> {
        let items = self.of_organisation(key::GAP_QUESTIONS, Some(limit)).await?.into_iter();
        items.filter(|attributes| live(attributes, now)).map(decode).collect()
    }
}
