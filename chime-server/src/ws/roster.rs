//! The connections of users over all servers that share a store (rules WEB-12 and WEB-15).
//!
//! A record for each user lists its connections by the server that has them, and a record for each server says until
//! when it is there. So a connection costs a commit when it opens and one when it ends, a server that is killed leaves
//! nothing that counts for longer than its lease, and nothing is renewed for a connection. A connection that another
//! replaces is announced, and its own server closes it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::StoreError;
use chime_domain::flow::Chime;
use chime_domain::messaging::SubscriptionId;
use chime_domain::ports::{Announce, Batch, Change, Entity, Guard, Key, Record, Scan};
use chime_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hub::TooManyConnections;
use crate::shutdown::Shutdown;

/// How often a server says that it is there.
const EVERY: Duration = Duration::from_secs(10);
/// How long it counts as there after it said so.
const LEASE: Duration = Duration::from_secs(45);
/// How long the record of a server that is gone is kept.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Often enough for all connections that a user may open at once.
const TRIES: usize = 32;

/// The connections of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Connections(Vec<Open>);

impl Entity for Connections {
    const NAME: &'static str = "connections";
}

/// A connection that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// A digest of the session id, which may be as long as the client likes.
    session: String,
    node: String,
    id: u64,
}

/// A server is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    until: Timestamp,
}

impl Entity for Node {
    const NAME: &'static str = "node";
}

/// A connection was replaced by another with its user and session id, perhaps on another server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionReplaced {
    /// The server that has it.
    pub(super) node: String,
    /// Which of its connections.
    pub(super) id: u64,
}

impl Entity for SessionReplaced {
    const NAME: &'static str = "session-replaced";
}

/// Why a connection was not let in.
#[derive(Debug)]
pub(super) enum NotEntered {
    TooMany,
    Store(StoreError),
}

impl From<StoreError> for NotEntered {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TooManyConnections> for NotEntered {
    fn from(_: TooManyConnections) -> Self {
        Self::TooMany
    }
}

/// This server's view of it.
#[derive(Debug)]
pub(crate) struct Roster {
    chime: Chime,
    node: String,
    /// Connections that ended while the store could not be told.
    untold: Mutex<Vec<(AppInstanceUserArn, u64)>>,
}

impl Roster {
    pub(crate) fn new(chime: Chime, node: String) -> Self {
        Self { chime, node, untold: Mutex::default() }
    }

    /// Lets a connection in, in place of one of the same user and session id.
    ///
    /// # Errors
    ///
    /// [`NotEntered`] when the user has `limit` others, or the store fails.
    pub(super) async fn enter(
        &self,
        user: &AppInstanceUserArn,
        session: &str,
        id: SubscriptionId,
        limit: u64,
    ) -> Result<(), NotEntered> {
        let session = digest(session);
        for _ in 0..TRIES {
            let (mut connections, guard) = self.load(user).await?;
            self.forget_the_dead(&mut connections).await?;
            let replaced = connections.0.iter().position(|open| open.session == session);
            let replaced = replaced.map(|place| connections.0.swap_remove(place));
            if connections.0.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                return Err(NotEntered::TooMany);
            }
            connections.0.push(Open { session: session.clone(), node: self.node.clone(), id: id.0 });
            let announce = replaced.into_iter().map(|Open { node, id, .. }| {
                let record = Record::of(SessionReplaced { node, id });
                Announce { subject: guard.key.clone(), record }
            });
            let change = Change::Put(guard.key.clone(), Record::of(connections));
            let announce = announce.collect();
            match self.commit(Batch { guards: vec![guard], changes: vec![change], announce }).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(NotEntered::Store(StoreError::Conflict))
    }

    /// Takes a connection out. What the store cannot be told now, it is told later.
    pub(super) async fn leave(&self, user: &AppInstanceUserArn, id: SubscriptionId) {
        if let Err(error) = self.remove(user, id.0).await {
            tracing::debug!(%error, "the end of a connection cannot be told now");
            self.untold().push((user.clone(), id.0));
        }
    }

    /// Says that this server is there, until draining begins.
    pub(crate) async fn keep(&self, shutdown: &Shutdown) {
        while !shutdown.is_draining() {
            if let Err(error) = self.say().await {
                tracing::warn!(%error, "this server cannot say that it is there");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.draining() => {}
            }
        }
    }

    /// Says that this server is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) async fn say(&self) -> Result<(), StoreError> {
        let now = self.chime.now();
        let mut changes = vec![Change::Put(node_key(&self.node), Record::of(Node { until: now + LEASE }))];
        let scan = Scan { prefix: "node/".into(), after: None, before: None, limit: 1000 };
        for (key, found) in self.chime.store().scan(scan).await? {
            if found.record.read::<Node>()?.until + FORGOTTEN < now && key != node_key(&self.node) {
                changes.push(Change::Delete(key));
            }
        }
        self.commit(Batch { changes, ..Batch::default() }).await?;
        let untold = std::mem::take(&mut *self.untold());
        for (user, id) in untold {
            self.leave(&user, SubscriptionId(id)).await;
        }
        Ok(())
    }

    fn untold(&self) -> std::sync::MutexGuard<'_, Vec<(AppInstanceUserArn, u64)>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn remove(&self, user: &AppInstanceUserArn, id: u64) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let (mut connections, guard) = self.load(user).await?;
            let before = connections.0.len();
            connections.0.retain(|open| open.id != id || open.node != self.node);
            if connections.0.len() == before {
                return Ok(());
            }
            let key = guard.key.clone();
            let change = match connections.0.is_empty() {
                true => Change::Delete(key),
                false => Change::Put(key, Record::of(connections)),
            };
            match self.commit(Batch { guards: vec![guard], changes: vec![change], announce: vec![] }).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    async fn load(&self, user: &AppInstanceUserArn) -> Result<(Connections, Guard), StoreError> {
        let key = Key::new("connections", &[user.app_instance_id(), user.user_id()]);
        let found = self.chime.store().get(std::slice::from_ref(&key)).await?.pop().flatten();
        let connections = match &found {
            Some(found) => found.record.read::<Connections>()?.as_ref().clone(),
            None => Connections::default(),
        };
        Ok((connections, Guard { key, revision: found.map(|found| found.revision) }))
    }

    /// Drops connections of servers that are not there any more.
    async fn forget_the_dead(&self, connections: &mut Connections) -> Result<(), StoreError> {
        let mut others: Vec<String> = connections.0.iter().map(|open| open.node.clone()).collect();
        others.retain(|node| *node != self.node);
        others.sort_unstable();
        others.dedup();
        if others.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = others.iter().map(|node| node_key(node)).collect();
        let now = self.chime.now();
        let found = self.chime.store().get(&keys).await?;
        for (node, found) in others.iter().zip(found) {
            let there = match found {
                Some(found) => found.record.read::<Node>()?.until > now,
                None => false,
            };
            if !there {
                connections.0.retain(|open| open.node != *node);
            }
        }
        Ok(())
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.chime.store().commit(batch).await.map(drop)
    }
}

fn node_key(node: &str) -> Key {
    Key::new("node", &[node])
}

fn digest(session: &str) -> String {
    Sha256::digest(session.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chime_adapters::memory::Local;

    use super::*;

    async fn two_servers() -> (Local, Roster, Roster, AppInstanceUserArn) {
        let local = Local::new().await.unwrap();
        let app = local.app_instance("rooms").await.unwrap();
        let user = local.user(&app, "alice").await.unwrap();
        let roster = |node: &str| Roster::new(Chime::clone(&local), node.to_owned());
        let (one, other) = (roster("one"), roster("other"));
        one.say().await.unwrap();
        other.say().await.unwrap();
        (local, one, other, user)
    }

    async fn replaced(local: &Local) -> Vec<SessionReplaced> {
        let all = local.store().announced(chime_domain::ports::Position::default(), 1000).await.unwrap();
        let of = all.iter().filter(|one| one.record.name() == SessionReplaced::NAME);
        of.map(|one| one.record.read::<SessionReplaced>().unwrap().as_ref().clone()).collect()
    }

    #[tokio::test]
    async fn the_limit_holds_over_all_servers_and_ending_one_makes_room() {
        let (_local, one, other, user) = two_servers().await;
        for n in 0..10 {
            let roster = if n % 2 == 0 { &one } else { &other };
            roster.enter(&user, &n.to_string(), SubscriptionId(n), 10).await.unwrap();
        }
        for roster in [&one, &other] {
            let refused = roster.enter(&user, "eleventh", SubscriptionId(99), 10).await;
            assert!(matches!(refused, Err(NotEntered::TooMany)), "{refused:?}");
        }
        one.leave(&user, SubscriptionId(3)).await;
        assert!(one.enter(&user, "eleventh", SubscriptionId(99), 10).await.is_err(), "another's was ended");
        other.leave(&user, SubscriptionId(3)).await;
        one.enter(&user, "eleventh", SubscriptionId(99), 10).await.unwrap();
    }

    #[tokio::test]
    async fn a_session_taken_up_on_another_server_is_announced_and_does_not_count_twice() {
        let (local, one, other, user) = two_servers().await;
        one.enter(&user, "a", SubscriptionId(7), 1).await.unwrap();
        other.enter(&user, "a", SubscriptionId(8), 1).await.unwrap();
        assert_eq!(replaced(&local).await, [SessionReplaced { node: "one".into(), id: 7 }]);
        // The one that was replaced ends afterwards, and must not take the other with it.
        one.leave(&user, SubscriptionId(7)).await;
        assert!(one.enter(&user, "b", SubscriptionId(9), 1).await.is_err());
        other.leave(&user, SubscriptionId(8)).await;
        one.enter(&user, "b", SubscriptionId(9), 1).await.unwrap();
    }

    #[tokio::test]
    async fn connections_of_a_server_that_is_gone_count_until_its_lease_ends() {
        let (local, one, other, user) = two_servers().await;
        other.enter(&user, "a", SubscriptionId(1), 1).await.unwrap();
        assert!(one.enter(&user, "b", SubscriptionId(2), 1).await.is_err());
        local.advance(LEASE - Duration::from_secs(1)).await.unwrap();
        one.say().await.unwrap();
        assert!(one.enter(&user, "b", SubscriptionId(2), 1).await.is_err());
        local.advance(Duration::from_secs(2)).await.unwrap();
        one.enter(&user, "b", SubscriptionId(2), 1).await.unwrap();
        local.advance(FORGOTTEN).await.unwrap();
        one.say().await.unwrap();
        let found = local.store().get(&[node_key("one"), node_key("other")]).await.unwrap();
        assert!(found[0].is_some() && found[1].is_none());
    }
}
