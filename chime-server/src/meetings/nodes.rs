//! Media nodes: servers that share a store, each with its own media.
//!
//! A record for each says where it is, which regions it carries, how much it has to do, and until when it is there. A
//! meeting is placed on the one with the least to do among those of its region, and stays there. What a node other than
//! this is to be told goes through the outbox. When a node is gone, its sessions are over, and its meetings get a place on
//! others, which applications find when they ask for the meeting again. Whoever has lost the store for that long, or
//! missed what it was told, compares its meetings with the store as soon as it can.
//!
//! # Our choices
//!
//! - Without a node of the region that was asked for, all nodes are: every media region can be asked for (rule MTG-14).
//! - The load of a node is how many meetings live on it, and those that were placed since it said so.
//! - Leases go by the clock of the wall, so that a test clock which is moved kills nobody.
//! - A node that cannot reach the store goes on with its meetings: should the store be down, so does everybody, and
//!   nobody else can have them. If they were moved in the meantime, it sends their clients after them once it knows.
//! - A meeting on a node that nobody knows moves too: it was placed there as the node was forgotten, or the store was that
//!   of a server by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chime_domain::error::{ServiceError, StoreError};
use chime_domain::flow::Chime;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::meetings::{Correction, Residents};
use chime_domain::ports::{
    Announce, Announced, Batch, Capabilities, Change, Clock, Entity, Key, MediaError, MediaPlacement,
    MediaPlane, Placement, Record, Scan, Store,
};
use chime_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::shutdown::Shutdown;

/// How often a node says that it is there.
const EVERY: Duration = Duration::from_secs(10);
/// How long it counts as there after it said so.
const LEASE: Duration = Duration::from_secs(45);
/// Nodes of one store, at most.
const MOST: usize = 1000;

/// A node is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MediaNode {
    until: Timestamp,
    host: String,
    media: String,
    regions: Vec<String>,
    meetings: u64,
}

impl Entity for MediaNode {
    const NAME: &'static str = "media-node";
}

/// What the media of another node are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ToldMedia {
    node: String,
    meeting: MeetingId,
    told: Told,
}

impl Entity for ToldMedia {
    const NAME: &'static str = "told-media";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Told {
    End,
    Remove(AttendeeId),
    Capabilities(AttendeeId, Capabilities),
}

/// Where this node is, and what it carries.
#[derive(Clone, Debug)]
pub struct Here {
    /// Its name.
    pub node: String,
    /// Host and port of its TLS listener, as clients reach it.
    pub host: String,
    /// Host and port of its media, as clients reach them.
    pub media: String,
    /// The media regions that it carries.
    pub regions: Vec<String>,
}

/// The media of this node, which can say whom they have.
pub trait Residence: MediaPlane {
    /// Whoever has a connection in its meetings.
    fn residents(&self) -> Residents;

    /// A meeting lives elsewhere: its clients are to come again.
    fn moved(&self, meeting: &MeetingId);
}

/// All nodes, as this one sees them.
pub struct Nodes {
    store: Arc<dyn Store>,
    wall: Arc<dyn Clock>,
    own: Arc<dyn Residence>,
    here: Here,
    /// Meetings that this node placed since a node said how many it has.
    placed: Mutex<HashMap<String, (Timestamp, u64)>>,
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes").field("here", &self.here).finish_non_exhaustive()
    }
}

impl Nodes {
    /// The nodes of a store, of which `own` is the media of this one.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, wall: Arc<dyn Clock>, own: Arc<dyn Residence>, here: Here) -> Self {
        Self { store, wall, own, here, placed: Mutex::default() }
    }

    /// Says that this node is there, and moves the meetings of those that are not, until draining begins; then it moves
    /// its own.
    pub(crate) async fn keep(&self, chime: &Chime, shutdown: &Shutdown) {
        while !shutdown.is_draining() {
            if let Err(error) = self.look(chime).await {
                tracing::warn!(%error, "media nodes cannot be looked after");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.draining() => {}
            }
        }
        if let Err(error) = self.leave(chime).await {
            tracing::warn!(%error, "the meetings of this node cannot be moved; others will");
        }
    }

    /// Says that this node is there, moves the meetings of those that are not, and puts right what this one has missed.
    ///
    /// # Errors
    ///
    /// [`ServiceError`].
    pub(crate) async fn look(&self, chime: &Chime) -> Result<(), ServiceError> {
        let now = self.wall.now();
        // In this order: whoever has a meeting by then has said that it is there.
        let mut homeless = chime.meetings().by_node().await?;
        let meetings = homeless.remove(&self.here.node).map_or(0, |own| own.len() as u64);
        self.say(now + LEASE, meetings).await?;
        for (name, node) in self.nodes().await? {
            homeless.remove(&name);
            // A node that was killed and is back at its address has another name, and none of the sessions.
            let Here { node: own, host, media, .. } = &self.here;
            let replaced = name != *own && node.host == *host && node.media == *media;
            if node.until <= now || replaced {
                // So that nothing is placed on it again.
                let over = MediaNode { until: now, ..node };
                self.commit(vec![Change::Put(key(&name), Record::of(over))], Vec::new()).await?;
                let moved = chime.meetings().move_from(&name).await?;
                tracing::info!(node = %name, moved, "a media node is gone");
                self.forget(chime, &name).await?;
            }
        }
        for name in homeless.into_keys() {
            let moved = chime.meetings().move_from(&name).await?;
            tracing::info!(node = %name, moved, "meetings were on a media node that nobody knows");
        }
        self.put_right(chime).await
    }

    /// Tells this node's media what they have missed.
    async fn put_right(&self, chime: &Chime) -> Result<(), ServiceError> {
        let node = &self.here.node;
        let residents = self.own.residents();
        for correction in chime.meetings().review(node, &residents).await? {
            tracing::info!(?correction, "a media node puts right what it has missed");
            match correction {
                Correction::Ended(meeting) => self.own.end(&meeting, node).await,
                Correction::Moved(meeting) => self.own.moved(&meeting),
                Correction::Removed(meeting, attendee) => self.own.remove(&meeting, node, &attendee).await,
                Correction::Allowed(meeting, attendee, to) => {
                    self.own.capabilities(&meeting, node, &attendee, to).await;
                }
            }
        }
        Ok(())
    }

    /// Says that this node is not there any more, and moves its meetings, if there is another node.
    async fn leave(&self, chime: &Chime) -> Result<(), ServiceError> {
        let now = self.wall.now();
        self.say(now, 0).await?;
        if self.nodes().await?.iter().all(|(_, node)| node.until <= now) {
            return Ok(());
        }
        chime.meetings().move_from(&self.here.node).await?;
        self.forget(chime, &self.here.node).await
    }

    /// A node that is gone is known until all of its meetings have another, so that they are looked for again.
    async fn forget(&self, chime: &Chime, node: &str) -> Result<(), ServiceError> {
        if !chime.meetings().by_node().await?.contains_key(node) {
            self.commit(vec![Change::Delete(key(node))], Vec::new()).await?;
        }
        Ok(())
    }

    async fn say(&self, until: Timestamp, meetings: u64) -> Result<(), StoreError> {
        let Here { node, host, media, regions } = self.here.clone();
        let record = Record::of(MediaNode { until, host, media, regions, meetings });
        self.commit(vec![Change::Put(key(&node), record)], Vec::new()).await
    }

    async fn nodes(&self) -> Result<Vec<(String, MediaNode)>, StoreError> {
        let scan = Scan { prefix: "media-node/".into(), after: None, before: None, limit: MOST };
        let found = self.store.scan(scan).await?;
        let read = |(key, found): (Key, chime_domain::ports::Versioned)| {
            Ok((key.last().to_owned(), found.record.read::<MediaNode>()?.as_ref().clone()))
        };
        found.into_iter().map(read).collect()
    }

    /// The node with the least to do among those that carry the region; of all, when none does.
    async fn choose(&self, region: &str) -> Result<Option<(String, MediaNode)>, StoreError> {
        let now = self.wall.now();
        let mut nodes = self.nodes().await?;
        nodes.retain(|(_, node)| node.until > now);
        let carries = |node: &MediaNode| node.regions.iter().any(|known| known == region);
        if nodes.iter().any(|(_, node)| carries(node)) {
            nodes.retain(|(_, node)| carries(node));
        }
        // What a panic leaves behind is a map of whole entries.
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let load = |name: &str, node: &MediaNode| {
            let since = placed.get(name).filter(|(said, _)| *said == node.until);
            node.meetings + since.map_or(0, |(_, count)| *count)
        };
        let chosen = nodes.into_iter().min_by_key(|(name, node)| (load(name, node), name.clone()));
        if let Some((name, node)) = &chosen {
            let entry = placed.entry(name.clone()).or_insert((node.until, 0));
            if entry.0 != node.until {
                *entry = (node.until, 0);
            }
            entry.1 += 1;
        }
        Ok(chosen)
    }

    /// Tells this node's media what others announced for them.
    pub(crate) async fn hear(&self, run: &[Announced]) {
        for announced in run.iter().filter(|one| one.record.name() == ToldMedia::NAME) {
            let Ok(told) = announced.record.read::<ToldMedia>() else { continue };
            if told.node == self.here.node {
                self.tell_own(&told.meeting, &told.told).await;
            }
        }
    }

    async fn tell_own(&self, meeting: &MeetingId, told: &Told) {
        let node = &self.here.node;
        match told {
            Told::End => self.own.end(meeting, node).await,
            Told::Remove(attendee) => self.own.remove(meeting, node, attendee).await,
            Told::Capabilities(attendee, capabilities) => {
                self.own.capabilities(meeting, node, attendee, *capabilities).await;
            }
        }
    }

    async fn tell(&self, meeting: &MeetingId, node: &str, told: Told) {
        if node == self.here.node {
            return self.tell_own(meeting, &told).await;
        }
        let record = Record::of(ToldMedia { node: node.to_owned(), meeting: meeting.clone(), told });
        let announce = Announce { subject: key(node), record };
        if let Err(error) = self.commit(Vec::new(), vec![announce]).await {
            tracing::warn!(%error, %node, "a media node cannot be told");
        }
    }

    async fn commit(&self, changes: Vec<Change>, announce: Vec<Announce>) -> Result<(), StoreError> {
        self.store.commit(Batch { guards: Vec::new(), changes, announce }).await.map(drop)
    }
}

#[async_trait]
impl MediaPlane for Nodes {
    async fn place(&self, meeting: &MeetingId, region: &str) -> Result<Placement, MediaError> {
        let chosen = self.choose(region).await.map_err(|error| MediaError(error.into()))?;
        match chosen {
            Some((node, at)) if node != self.here.node => {
                Ok(Placement { node, urls: MediaPlacement::at(&at.host, &at.media, meeting) })
            }
            _ => self.own.place(meeting, region).await,
        }
    }

    async fn end(&self, meeting: &MeetingId, node: &str) {
        self.tell(meeting, node, Told::End).await;
    }

    async fn remove(&self, meeting: &MeetingId, node: &str, attendee: &AttendeeId) {
        self.tell(meeting, node, Told::Remove(attendee.clone())).await;
    }

    async fn capabilities(
        &self,
        meeting: &MeetingId,
        node: &str,
        attendee: &AttendeeId,
        capabilities: Capabilities,
    ) {
        self.tell(meeting, node, Told::Capabilities(attendee.clone(), capabilities)).await;
    }
}

fn key(node: &str) -> Key {
    Key::new("media-node", &[node])
}

#[cfg(test)]
mod tests {
    use chime_adapters::memory::Local;
    use chime_domain::ids::{ClientRequestToken, MediaRegion};
    use chime_domain::meetings::{CreateMeeting, MediaReport, Meeting};
    use chime_domain::ports::Position;

    use super::*;

    /// Media that note what they are told.
    #[derive(Debug, Default)]
    struct Noted(Mutex<Vec<String>>, Mutex<Residents>);

    impl Residence for Noted {
        fn residents(&self) -> Residents {
            self.1.lock().unwrap().clone()
        }

        fn moved(&self, meeting: &MeetingId) {
            self.0.lock().unwrap().push(format!("moved {meeting}"));
        }
    }

    #[async_trait]
    impl MediaPlane for Noted {
        async fn place(&self, meeting: &MeetingId, _: &str) -> Result<Placement, MediaError> {
            let urls = MediaPlacement::at("own.test", "own.test:3478", meeting);
            Ok(Placement { node: "a".into(), urls })
        }

        async fn end(&self, meeting: &MeetingId, node: &str) {
            self.0.lock().unwrap().push(format!("end {meeting} {node}"));
        }

        async fn remove(&self, meeting: &MeetingId, node: &str, attendee: &AttendeeId) {
            self.0.lock().unwrap().push(format!("remove {meeting} {node} {attendee}"));
        }

        async fn capabilities(&self, meeting: &MeetingId, _: &str, attendee: &AttendeeId, to: Capabilities) {
            self.0.lock().unwrap().push(format!("allow {meeting} {attendee} {:?}", to.audio));
        }
    }

    struct World {
        local: Local,
        media: Arc<Noted>,
    }

    impl World {
        async fn new() -> Self {
            Self { local: Local::new().await.unwrap(), media: Arc::default() }
        }

        /// A node, and a Chime whose meetings it places.
        async fn node(&self, name: &str, regions: &[&str]) -> (Arc<Nodes>, Chime) {
            let here = Here {
                node: name.into(),
                host: format!("{name}.test"),
                media: format!("{name}.test:3478"),
                regions: regions.iter().map(|&region| region.to_owned()).collect(),
            };
            let (store, clock) = (self.local.store_handle(), Arc::clone(self.local.clock()));
            let nodes =
                Arc::new(Nodes::new(Arc::clone(&store), Arc::clone(&clock), self.media.clone(), here));
            let chime = Chime::shared(store, clock, Arc::new(chime_adapters::SystemEntropy));
            let chime = chime.media(Arc::clone(&nodes) as Arc<dyn MediaPlane>).build().await.unwrap();
            nodes.look(&chime).await.unwrap();
            (nodes, chime)
        }
    }

    async fn meeting(chime: &Chime, region: &str) -> Meeting {
        let token = ClientRequestToken::new(chime.entropy().uuid()).unwrap();
        let mut command = CreateMeeting::new(token);
        command.media_region = MediaRegion::new(region).unwrap();
        chime.meetings().create_meeting(&command).await.unwrap()
    }

    #[tokio::test]
    async fn a_meeting_is_placed_in_its_region_on_the_node_with_the_least_to_do() {
        let world = World::new().await;
        let (_b, chime) = world.node("b", &["eu-west-1", "us-east-1"]).await;
        world.node("c", &["eu-west-1"]).await;
        let mut placed = Vec::new();
        for _ in 0..4 {
            placed.push(meeting(&chime, "eu-west-1").await.node);
        }
        placed.sort();
        // The media of this node say that they are `a`.
        assert_eq!(placed, ["a", "a", "c", "c"]);
        let far = meeting(&chime, "sa-east-1").await;
        assert!(["a", "c"].contains(&far.node.as_str()), "another region is carried by whoever is there");
        let at_c = meeting(&world.node("d", &["us-west-2"]).await.1, "eu-west-1").await;
        assert!(at_c.placement.signaling_url.starts_with(&format!("wss://{}.test/control/", at_c.node)));
    }

    #[tokio::test]
    async fn what_another_node_is_to_be_told_reaches_it_and_no_other() {
        let world = World::new().await;
        let (a, chime) = world.node("a", &["us-east-1"]).await;
        let (b, _) = world.node("b", &["eu-west-1"]).await;
        let far = meeting(&chime, "eu-west-1").await;
        assert_eq!(far.node, "b");
        chime.meetings().delete_meeting(&far.id).await.unwrap();
        chime.run_due().await.unwrap();
        let run = world.local.store().announced(Position::default(), 1000).await.unwrap();
        a.hear(&run).await;
        assert!(world.media.0.lock().unwrap().is_empty());
        b.hear(&run).await;
        assert_eq!(*world.media.0.lock().unwrap(), [format!("end {} b", far.id)]);
    }

    #[tokio::test]
    async fn a_replica_lives_where_its_primary_meeting_does_and_moves_with_it() {
        let world = World::new().await;
        let (a, chime) = world.node("a", &["us-east-1"]).await;
        let primary = meeting(&chime, "us-east-1").await;
        world.node("c", &["eu-west-1"]).await;
        let mut command = CreateMeeting::new(ClientRequestToken::new("replica").unwrap());
        command.media_region = MediaRegion::new("eu-west-1").unwrap();
        command.primary = Some(primary.id.clone());
        let replica = chime.meetings().create_meeting(&command).await.unwrap();
        assert_eq!(replica.node, primary.node);
        let host = |url: &str| url.split('/').nth(2).map(str::to_owned);
        let (of_replica, of_primary) = (&replica.placement.signaling_url, &primary.placement.signaling_url);
        assert_eq!(host(of_replica), host(of_primary));
        assert!(of_replica.ends_with(replica.id.as_str()));

        // Its own region would have it on another node than its primary meeting's, which finds one before it.
        world.node("d", &["us-east-1"]).await;
        a.leave(&chime).await.unwrap();
        chime.meetings().move_from(&primary.node).await.unwrap();
        let now = |id: MeetingId| {
            let chime = chime.clone();
            async move { chime.meetings().get_meeting(&id).await.unwrap() }
        };
        let (primary, replica) = (now(primary.id).await, now(replica.id).await);
        assert_eq!((primary.node.as_str(), replica.node.as_str()), ("d", "d"));
        assert!(replica.placement.signaling_url.ends_with(replica.id.as_str()));
    }

    #[tokio::test]
    async fn meetings_of_a_node_that_is_gone_move_without_their_connections() {
        let world = World::new().await;
        let (a, chime) = world.node("a", &["us-east-1"]).await;
        world.node("b", &["eu-west-1"]).await;
        let (far, near) = (meeting(&chime, "eu-west-1").await, meeting(&chime, "us-east-1").await);
        let meetings = chime.meetings();
        let user = chime_domain::text::ExternalUserId::new("alice").unwrap();
        let alice = chime_domain::meetings::CreateAttendee::new(user);
        let alice = meetings.create_attendee(&far.id, alice).await.unwrap().id;
        let joined = MediaReport::Joined { attendee: alice, content: false };
        meetings.report(&far.id, &far.node, joined).await.unwrap();
        world.local.advance(LEASE - Duration::from_secs(1)).await.unwrap();
        a.look(&chime).await.unwrap();
        assert_eq!(meetings.get_meeting(&far.id).await.unwrap(), far, "it may come back");
        world.local.advance(Duration::from_secs(2)).await.unwrap();
        a.look(&chime).await.unwrap();
        let moved = meetings.get_meeting(&far.id).await.unwrap();
        assert_eq!((moved.node.as_str(), moved.media_region.as_str()), ("a", "eu-west-1"));
        assert!(moved.placement.signaling_url.starts_with("wss://own.test/"), "{:?}", moved.placement);
        assert_eq!(meetings.get_meeting(&near.id).await.unwrap(), near);
        // Nobody is there any more, so that five minutes end it.
        world.local.advance(Duration::from_secs(301)).await.unwrap();
        chime.run_due().await.unwrap();
        assert!(meetings.get_meeting(&far.id).await.is_err());
    }

    #[tokio::test]
    async fn a_node_puts_right_what_it_was_never_told() {
        let world = World::new().await;
        let (a, chime) = world.node("a", &["us-east-1"]).await;
        let stays = meeting(&chime, "us-east-1").await.id;
        let ended = meeting(&chime, "us-east-1").await.id;
        world.node("b", &["eu-west-1"]).await;
        let moved = meeting(&chime, "eu-west-1").await.id;
        let of = |name: &str| {
            let user = chime_domain::text::ExternalUserId::new(name).unwrap();
            chime_domain::meetings::CreateAttendee::new(user)
        };
        let mut ids = Vec::new();
        for name in ["alice", "bob", "carol"] {
            ids.push(chime.meetings().create_attendee(&stays, of(name)).await.unwrap().id);
        }
        let default = Capabilities::default();
        *world.media.1.lock().unwrap() = [
            (stays.clone(), ids.iter().map(|id| (id.clone(), default)).collect()),
            (ended.clone(), Default::default()),
            (moved.clone(), Default::default()),
        ]
        .into();
        a.look(&chime).await.unwrap();
        assert_eq!(*world.media.0.lock().unwrap(), [format!("moved {moved}")], "all else is as it should be");

        let mute = Capabilities { audio: chime_domain::ports::MediaCapability::Receive, ..default };
        chime.meetings().update_attendee_capabilities(&stays, &ids[1], mute).await.unwrap();
        chime.meetings().delete_attendee(&stays, &ids[2]).await.unwrap();
        chime.meetings().delete_meeting(&ended).await.unwrap();
        // As if it had been told none of it.
        world.media.0.lock().unwrap().clear();
        a.look(&chime).await.unwrap();
        let mut told = std::mem::take(&mut *world.media.0.lock().unwrap());
        told.sort();
        let (bob, carol) = (&ids[1], &ids[2]);
        let mut expected = [
            format!("allow {stays} {bob} Receive"),
            format!("end {ended} a"),
            format!("moved {moved}"),
            format!("remove {stays} a {carol}"),
        ];
        expected.sort();
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn meetings_of_a_server_by_itself_move_when_it_becomes_a_cluster() {
        let world = World::new().await;
        // Its media say that they are `a`, and nobody has said that `a` is there.
        let alone = Chime::shared(
            world.local.store_handle(),
            Arc::clone(world.local.clock()),
            Arc::new(chime_adapters::SystemEntropy),
        );
        let alone = alone.media(world.media.clone()).build().await.unwrap();
        let made = meeting(&alone, "us-east-1").await;
        assert_eq!(made.node, "a");
        let (_b, chime) = world.node("b", &["us-east-1"]).await;
        let node = chime.meetings().get_meeting(&made.id).await.unwrap().node;
        assert_eq!(node, "a", "the media of b itself say that they are `a` here");
        world.node("c", &["us-east-1"]).await;
        assert_eq!(chime.meetings().get_meeting(&made.id).await.unwrap().node, "b");
    }

    #[tokio::test]
    async fn a_node_that_leaves_moves_its_meetings_itself_if_another_is_there() {
        let world = World::new().await;
        let (b, chime) = world.node("b", &["us-east-1"]).await;
        world.node("c", &["us-east-1"]).await;
        let made = meeting(&world.node("d", &["us-west-2"]).await.1, "us-east-1").await;
        assert_eq!(made.node, "b");
        b.leave(&chime).await.unwrap();
        assert_eq!(chime.meetings().get_meeting(&made.id).await.unwrap().node, "c");
    }
}
