//! Fills the database of a server before it starts: by the domain itself, without HTTP and without syncing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chime_adapters::sqlite::{Durability, SqliteConfig, SqliteStore};
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::{AppInstanceUserId, MessageId};
use chime_domain::limits::Quota;
use chime_domain::messaging::{CreateChannel, Message, SendChannelMessage};
use chime_domain::ports::{Append, Batch, Change, EntryQuery, Keep, Key, Order, Record, Store};
use chime_domain::text::{Content, ResourceName, UserName};
use chime_domain::time::Timestamp;
use chime_domain::{Chime, Settings};
use futures_util::{StreamExt, TryStreamExt};

use super::server::database_in;

/// Commands under way at once.
const AT_ONCE: usize = 256;
/// Messages of one commit.
const RUN: u64 = 1000;

/// A Chime whose clock stands still until it is moved.
#[derive(Debug)]
pub struct Fill {
    chime: Chime,
    clock: Arc<TestClock>,
    /// The app instance of the scenario.
    pub app: AppInstanceArn,
}

impl Fill {
    /// In a directory that a server will be started in, as of a moment, with an app instance for at most `users` users.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn new(directory: &Path, now: Timestamp, users: u64) -> Result<Self> {
        let config = SqliteConfig::new(database_in(directory)).with_durability(Durability::Normal);
        let clock = Arc::new(TestClock::frozen(now));
        let store = Arc::new(SqliteStore::open(config)?);
        let mut settings = Settings::default();
        settings.limits = settings.limits.with(Quota::UsersPerAppInstance, users);
        let shared =
            Chime::shared(store, Arc::clone(&clock) as _, Arc::new(SystemEntropy)).settings(settings);
        let chime = shared.build().await?;
        let app =
            chime.identity().create_app_instance(CreateAppInstance::new(ResourceName::new("load")?)).await?;
        Ok(Self { chime, clock, app })
    }

    /// The domain on this store.
    #[must_use]
    pub fn chime(&self) -> &Chime {
        &self.chime
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Makes users.
    ///
    /// # Errors
    ///
    /// A refusal, or the store's.
    pub async fn users(&self, count: usize) -> Result<Vec<AppInstanceUserArn>> {
        let one = |n: usize| async move {
            let (id, name) =
                (AppInstanceUserId::new(format!("user-{n}"))?, UserName::new(format!("User {n}"))?);
            let command = CreateAppInstanceUser::new(self.app.clone(), id, name);
            let made = self.chime.identity().create_app_instance_user(command).await?;
            if n.is_multiple_of(10_000) {
                self.settle().await?;
            }
            anyhow::Ok(made)
        };
        let made = futures_util::stream::iter(0..count).map(one).buffered(AT_ONCE).try_collect().await?;
        self.settle().await?;
        Ok(made)
    }

    /// Makes a channel of a user.
    ///
    /// # Errors
    ///
    /// A refusal, or the store's.
    pub async fn channel(&self, creator: &AppInstanceUserArn) -> Result<ChannelArn> {
        let command = CreateChannel::new(self.app.clone(), ResourceName::new("load")?);
        Ok(self.chime.messaging(creator).create_channel(command).await?)
    }

    /// Adds messages to a channel, one for each millisecond from now: one is sent, the others are copies of it with ids
    /// of their own. Gives the log that they are in.
    ///
    /// # Errors
    ///
    /// A refusal, or the store's.
    pub async fn messages(
        &self,
        channel: &ChannelArn,
        sender: &AppInstanceUserArn,
        count: u64,
        length: usize,
    ) -> Result<Key> {
        self.settle().await?;
        let store = self.chime.store();
        let settled = store.newest().await?;
        let command = SendChannelMessage::new(channel.clone(), Content::new("x".repeat(length))?);
        self.chime.messaging(sender).send_channel_message(command).await?;
        let announced = store.announced(settled, 10).await?;
        let model = announced.iter().find(|one| one.entry.is_some()).context("a message is not announced")?;
        let (stream, message) = (model.subject.clone(), model.record.read::<Message>()?);
        let id = message.id.to_string();
        let now = self.chime.now();
        for first in (1..count).step_by(RUN as usize) {
            let changes = (first..count.min(first + RUN)).map(|n| {
                // As long as the others, with the number as its end.
                let number = format!("{n:012x}");
                let begin = id.get(..id.len().saturating_sub(number.len())).unwrap_or_default();
                let id = MessageId::new(format!("{begin}{number}"))?;
                let entry = Arc::from(id.as_str());
                let record = Record::of(Message { id, ..Message::clone(&message) });
                let at = now + Duration::from_millis(n);
                anyhow::Ok(Change::Append(Append {
                    stream: stream.clone(),
                    id: entry,
                    at,
                    record,
                    keep: Keep::Yes,
                }))
            });
            let changes = changes.collect::<Result<Vec<_>>>()?;
            let committed = store.commit(Batch { changes, ..Batch::default() }).await?;
            store.settle(committed.position).await?;
        }
        Ok(stream)
    }

    /// What was announced is for nobody.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn settle(&self) -> Result<()> {
        let store = self.chime.store();
        Ok(store.settle(store.newest().await?).await?)
    }
}

/// Whether a database has entries of a log up to a moment. No server may have it open.
///
/// # Errors
///
/// The store's.
pub async fn has_entries(directory: &Path, stream: &Key, until: Timestamp) -> Result<bool> {
    let store = SqliteStore::open(SqliteConfig::new(database_in(directory)))?;
    let query = EntryQuery {
        stream: stream.clone(),
        not_before: Timestamp::MIN,
        not_after: until,
        behind: None,
        order: Order::Ascending,
        limit: 1,
    };
    Ok(!store.entries(query).await?.is_empty())
}
