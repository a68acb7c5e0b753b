//! What one user receives, for whoever embeds the rules without a server.

use std::collections::VecDeque;

use super::elastic::SubLinks;
use super::events::Happening;
use super::fanout::{Fanout, Room, SubscriptionId};
use super::service::Messaging;
use crate::arn::AppInstanceUserArn;
use crate::error::ServiceError;
use crate::flow::Chime;
use crate::ids::ChannelId;
use crate::messaging::facts::CallerFacts;
use crate::messaging::keys::Relation;
use crate::ports::{Entity, Position, Scan};

const CHUNK: usize = 256;

/// Everything that happens in the channels of a user from now on, in order: what a WebSocket of that user would bring.
#[derive(Debug)]
pub struct Inbox {
    chime: Chime,
    user: AppInstanceUserArn,
    fanout: Fanout<()>,
    cursor: Position,
    waiting: VecDeque<Happening>,
}

impl Chime {
    /// Where a user hears what happens: the channels, and the sub-channels of elastic ones, that it is a member of, by
    /// the index of memberships.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn rooms_of(&self, user: &AppInstanceUserArn) -> Result<Vec<Room>, ServiceError> {
        let (parent, instance) = (Relation::Member.of_user(user), user.app_instance());
        let (mut rooms, mut after) = (Vec::new(), None);
        loop {
            let found = self.store().scan(Scan::below(&parent, CHUNK).after(after.take())).await?;
            let full = found.len() == CHUNK;
            after = found.last().map(|(key, _)| key.clone());
            for (key, found) in found {
                let Ok(id) = ChannelId::new(key.last()) else { continue };
                let channel = instance.channel(&id);
                if found.record.name() == SubLinks::NAME {
                    let subs = found.record.read::<SubLinks>()?;
                    rooms.extend(subs.0.iter().map(|sub| Room::sub(channel.clone(), sub.clone())));
                } else {
                    rooms.push(Room::whole(channel));
                }
            }
            if !full {
                return Ok(rooms);
            }
        }
    }
}

impl Messaging<'_> {
    /// Opens the caller's inbox.
    ///
    /// # Errors
    ///
    /// 401 when the caller is no user.
    pub async fn inbox(&self) -> Result<Inbox, ServiceError> {
        let (chime, user) = self.parts();
        CallerFacts::load(chime.store(), &user.app_instance(), user).await?;
        let cursor = chime.store().newest().await?;
        let mut inbox = Inbox {
            chime: chime.clone(),
            user: user.clone(),
            fanout: Fanout::default(),
            cursor,
            waiting: VecDeque::new(),
        };
        inbox.fanout.connect(user, SubscriptionId(0), ());
        let rooms = chime.rooms_of(user).await?;
        let seen = chime.store().newest().await?;
        while inbox.cursor < seen && inbox.pull().await? {}
        inbox.waiting.clear();
        inbox.fanout.loaded(user, SubscriptionId(0), rooms);
        Ok(inbox)
    }
}

impl Inbox {
    /// Whose inbox it is.
    #[must_use]
    pub fn user(&self) -> &AppInstanceUserArn {
        &self.user
    }

    /// What happened next, or `None` when nothing has happened yet.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn try_next(&mut self) -> Result<Option<Happening>, ServiceError> {
        while self.waiting.is_empty() && self.pull().await? {}
        Ok(self.waiting.pop_front())
    }

    /// Waits for what happens next.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn next(&mut self) -> Result<Happening, ServiceError> {
        loop {
            if let Some(happening) = self.try_next().await? {
                return Ok(happening);
            }
            self.chime.store().wait_past(self.cursor).await;
        }
    }

    /// Reads on in the outbox; false when there is nothing new.
    async fn pull(&mut self) -> Result<bool, ServiceError> {
        let run = self.chime.store().announced(self.cursor, CHUNK).await?;
        for announced in &run {
            self.cursor = announced.position;
            if let Some(happening) = Happening::read(announced)? {
                let mut mine = false;
                self.fanout.apply(&happening, &mut |()| mine = true);
                if mine {
                    self.waiting.push_back(happening);
                }
            }
        }
        Ok(!run.is_empty())
    }
}
