//! Who is connected, and which connections an announcement goes to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::ServiceError;
use chime_domain::flow::Chime;
use chime_domain::identity::{AppInstanceDeleted, UserDeleted};
use chime_domain::messaging::{Fanout, Happening, SubscriptionId};
use chime_domain::ports::{Announced, Entity, Position};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::frame;
use super::outgoing::{Close, Outgoing};
use super::roster::SessionReplaced;

/// A connection that was added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connected {
    pub(super) id: SubscriptionId,
    /// The user's memberships are not known here yet.
    load: bool,
}

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyConnections;

#[derive(Debug, Default)]
struct Index {
    fanout: Fanout<Arc<Outgoing>>,
    sessions: HashMap<SubscriptionId, Session>,
}

#[derive(Debug)]
struct Session {
    user: AppInstanceUserArn,
    id: String,
    outgoing: Arc<Outgoing>,
}

/// What came of a run of announcements.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Frames that were given to connections.
    pub(crate) deliveries: u64,
    /// Connections that this has left behind, though their clients read.
    pub(crate) behind: Vec<Arc<Outgoing>>,
}

/// The connections of this node. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    index: Mutex<Index>,
    next: AtomicU64,
    /// The name of this server among those that share its store.
    node: Option<String>,
    /// Up to where announcements have been applied.
    applied: watch::Sender<Position>,
    /// A fan-out of this process applies announcements.
    followed: AtomicBool,
}

impl Hub {
    /// A hub of the server with this name, if it shares its store with others.
    pub(crate) fn new(node: Option<String>) -> Self {
        Self(Arc::new(Shared {
            node,
            index: Mutex::default(),
            next: AtomicU64::new(1),
            applied: watch::Sender::new(Position::default()),
            followed: AtomicBool::new(false),
        }))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // A panic while it is held would be a defect of the fan-out; going on with what is there serves clients best.
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, in place of one of the same user and session id (rule WEB-12).
    ///
    /// # Errors
    ///
    /// [`TooManyConnections`] when the user has `limit` others (rule WEB-15).
    pub(super) fn connect(
        &self,
        user: &AppInstanceUserArn,
        session: &str,
        limit: u64,
        outgoing: &Arc<Outgoing>,
    ) -> Result<Connected, TooManyConnections> {
        let mut index = self.index();
        let known: Vec<_> = index.fanout.connections(user).collect();
        let same = |id: &&SubscriptionId| index.sessions.get(id).is_some_and(|known| known.id == session);
        let replaced = known.iter().find(same).copied();
        if known.len() - usize::from(replaced.is_some()) >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(TooManyConnections);
        }
        let id = SubscriptionId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let load = index.fanout.connect(user, id, Arc::clone(outgoing));
        let own = Session { user: user.clone(), id: session.to_owned(), outgoing: Arc::clone(outgoing) };
        index.sessions.insert(id, own);
        if let Some(replaced) = replaced
            && let Some(old) = index.sessions.remove(&replaced)
        {
            index.fanout.disconnect(&old.user, replaced);
            old.outgoing.close(Close::Replaced);
        }
        Ok(Connected { id, load })
    }

    /// Makes the connection hear of every channel its user is a member of, from here on.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(super) async fn establish(
        &self,
        chime: &Chime,
        user: &AppInstanceUserArn,
        connected: Connected,
        outgoing: &Outgoing,
    ) -> Result<(), ServiceError> {
        if connected.load {
            let rooms = chime.rooms_of(user).await?;
            // What the load has seen must have been applied before it counts.
            let seen = chime.store().newest().await?;
            let _ = self.0.applied.subscribe().wait_for(|applied| *applied >= seen).await;
            self.index().fanout.loaded(user, connected.id, rooms);
        }
        outgoing.establish(frame::session_established());
        Ok(())
    }

    /// Removes a connection.
    pub(super) fn disconnect(&self, id: SubscriptionId) {
        let mut index = self.index();
        if let Some(session) = index.sessions.remove(&id) {
            index.fanout.disconnect(&session.user, id);
        }
    }

    /// Announcements up to this one were carried on in an earlier life; what follows is applied from now on.
    pub(crate) fn begin_after(&self, position: Position) {
        self.0.followed.store(true, Ordering::Relaxed);
        self.move_to(position);
    }

    /// How many positions of the outbox lie between what was applied and `newest`. None do where nothing is applied: a
    /// process that mounts the router and starts no workers delivers nothing that could fall behind.
    pub(crate) fn behind(&self, newest: Position) -> u64 {
        let followed = self.0.followed.load(Ordering::Relaxed);
        if followed { newest.0.saturating_sub(self.0.applied.borrow().0) } else { 0 }
    }

    fn move_to(&self, position: Position) {
        self.0.applied.send_if_modified(|applied| {
            let moves = *applied < position;
            *applied = position.max(*applied);
            moves
        });
    }

    /// Announcements up to this one were missed: every connection is closed, and whoever comes again finds no more here
    /// than the store then tells.
    pub(crate) fn start_over(&self, position: Position) {
        let index = std::mem::take(&mut *self.index());
        for session in index.sessions.values() {
            session.outgoing.close(Close::Restart);
        }
        self.begin_after(position);
    }

    /// Gives a run of announcements to the connections they go to.
    pub(crate) fn apply(&self, run: &[Announced]) -> Applied {
        let mut applied = Applied::default();
        for announced in run {
            self.apply_one(announced, &mut applied);
        }
        if let Some(last) = run.last() {
            self.move_to(last.position);
        }
        applied
    }

    fn apply_one(&self, announced: &Announced, applied: &mut Applied) {
        match Happening::read(announced) {
            Ok(Some(happening)) => {
                let mut encoded: Option<Option<Utf8Bytes>> = None;
                self.index().fanout.apply(&happening, &mut |outgoing| {
                    if let Some(frame) = encoded.get_or_insert_with(|| frame::of(&happening)) {
                        if outgoing.push(frame) {
                            applied.behind.push(Arc::clone(outgoing));
                        }
                        applied.deliveries += 1;
                    }
                });
            }
            Ok(None) => self.apply_gone(announced),
            Err(error) => {
                tracing::error!(%error, position = announced.position.0, "an announcement cannot be read")
            }
        }
    }

    fn apply_gone(&self, announced: &Announced) {
        let mut index = self.index();
        let gone = match announced.record.name() {
            SessionReplaced::NAME => {
                if let Ok(replaced) = announced.record.read::<SessionReplaced>()
                    && self.0.node.as_ref() == Some(&replaced.node)
                    && let Some(old) = index.sessions.remove(&SubscriptionId(replaced.id))
                {
                    index.fanout.disconnect(&old.user, SubscriptionId(replaced.id));
                    old.outgoing.close(Close::Replaced);
                }
                return;
            }
            UserDeleted::NAME => {
                announced.record.read::<UserDeleted>().map(|gone| index.fanout.drop_user(&gone.0))
            }
            AppInstanceDeleted::NAME => announced
                .record
                .read::<AppInstanceDeleted>()
                .map(|gone| index.fanout.drop_app_instance(&gone.0)),
            _ => return,
        };
        for outgoing in gone.unwrap_or_default() {
            outgoing.close(Close::UserGone);
        }
    }

    /// Pings every connection, and closes those that answered none.
    pub(crate) fn ping(&self) {
        for session in self.index().sessions.values() {
            session.outgoing.ping();
        }
    }

    /// Closes every connection.
    pub(crate) fn close_all(&self) {
        for session in self.index().sessions.values() {
            session.outgoing.close(Close::Restart);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> AppInstanceUserArn {
        let arn = format!("arn:aws:chime:us-east-1:123456789012:app-instance/a1/user/{id}");
        AppInstanceUserArn::parse(&arn).unwrap()
    }

    fn connect(
        hub: &Hub,
        of: &str,
        session: usize,
        limit: u64,
    ) -> Result<SubscriptionId, TooManyConnections> {
        let outgoing = Arc::new(Outgoing::new());
        hub.connect(&user(of), &session.to_string(), limit, &outgoing).map(|connected| connected.id)
    }

    #[test]
    fn app_19_a_user_has_as_many_connections_as_the_quota_and_one_that_ends_makes_room() {
        let limit =
            chime_domain::limits::Limits::default().get(chime_domain::limits::Quota::ConnectionsPerUser);
        assert_eq!(limit, 10);
        let hub = Hub::new(None);
        let ids: Vec<_> = (0..10).map(|session| connect(&hub, "alice", session, limit).unwrap()).collect();
        assert_eq!(connect(&hub, "alice", 10, limit), Err(TooManyConnections));
        assert_eq!(hub.index().sessions.len(), 10, "the ten stay");
        connect(&hub, "bob", 10, limit).expect("the quota is each user's own");
        connect(&hub, "alice", 3, limit).expect("a session that comes again replaces itself");
        assert_eq!(connect(&hub, "alice", 10, limit), Err(TooManyConnections));
        hub.disconnect(ids[0]);
        connect(&hub, "alice", 10, limit).expect("there is room again");
        assert_eq!(connect(&hub, "carol", 0, 0), Err(TooManyConnections), "the operator may allow none");
    }
}
