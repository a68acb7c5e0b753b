//! The index of connections against a naive reading of the same announcements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chime_domain::access::{MembershipType, Mode, Privacy};
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::identity::IdentityRef;
use chime_domain::ids::{AppInstanceUserId, ChannelId, MessageId};
use chime_domain::messaging::{
    Channel, ChannelEvent, Fanout, Happening, Membership, Message, MessageType, Persistence, Room, Sent,
    SubscriptionId,
};
use chime_domain::ports::Stamp;
use chime_domain::text::{Metadata, ResourceName, UserName};
use chime_tests::BEGINNING;
use proptest::prelude::*;

const USERS: usize = 3;
const CHANNELS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Join(usize, usize, bool),
    Leave(usize, usize),
    Send(usize),
    DeleteChannel(usize),
    /// The index follows the next announcement.
    Apply,
    Connect(usize),
    Disconnect(prop::sample::Index),
    /// The store is read for one of the loads under way.
    Read(prop::sample::Index),
    /// What was read arrives at the index.
    Load(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let (user, channel) = (0..USERS, 0..CHANNELS);
    prop_oneof![
        3 => (user.clone(), channel.clone(), any::<bool>()).prop_map(|(u, c, hidden)| Step::Join(u, c, hidden)),
        2 => (user.clone(), channel.clone()).prop_map(|(u, c)| Step::Leave(u, c)),
        3 => channel.clone().prop_map(Step::Send),
        1 => channel.prop_map(Step::DeleteChannel),
        6 => Just(Step::Apply),
        3 => user.prop_map(Step::Connect),
        2 => any::<prop::sample::Index>().prop_map(Step::Disconnect),
        3 => any::<prop::sample::Index>().prop_map(Step::Read),
        3 => any::<prop::sample::Index>().prop_map(Step::Load),
    ]
}

fn app() -> AppInstanceArn {
    AppInstanceArn::new("aws", "us-east-1", "123456789012", "app").unwrap()
}

fn user(n: usize) -> AppInstanceUserArn {
    app().user(&AppInstanceUserId::new(format!("user-{n}")).unwrap())
}

fn channel(n: usize) -> ChannelArn {
    app().channel(&ChannelId::new(format!("channel-{n}")).unwrap())
}

fn identity(n: usize) -> IdentityRef {
    IdentityRef { arn: user(n), name: UserName::new("somebody").unwrap() }
}

fn membership(u: usize, c: usize, kind: MembershipType) -> Membership {
    Membership {
        channel: channel(c),
        member: identity(u),
        kind,
        invited_by: identity(u),
        created: BEGINNING,
        updated: BEGINNING,
        sub_channels: Vec::new(),
        uncounted: false,
    }
}

fn event(event: ChannelEvent) -> Happening {
    Happening::Event(Arc::new(event))
}

fn message(c: usize) -> Happening {
    let message = Message {
        channel: channel(c),
        sub_channel: None,
        id: MessageId::new("id").unwrap(),
        sender: identity(0),
        kind: MessageType::Standard,
        persistence: Persistence::NonPersistent,
        content: None,
        metadata: None,
        edited: None,
        updated: None,
        redacted: false,
        content_type: None,
        attributes: BTreeMap::new(),
        target: None,
        push: None,
        fingerprint: Arc::from(""),
    };
    Happening::MessageCreated(Sent::new(Arc::new(message), Stamp { seq: 1, at: BEGINNING }))
}

fn deleted(c: usize) -> Happening {
    event(ChannelEvent::ChannelDeleted(Channel {
        arn: channel(c),
        name: ResourceName::new("channel").unwrap(),
        mode: Mode::Restricted,
        privacy: Privacy::Public,
        metadata: Metadata::empty(),
        created_by: identity(0),
        created: BEGINNING,
        updated: BEGINNING,
        expiration: None,
        flow: None,
        elastic: None,
    }))
}

struct Load {
    user: usize,
    id: u64,
    /// The channels that the store had, and how many announcements it may have seen.
    read: Option<(Vec<ChannelArn>, usize)>,
}

#[derive(Default)]
struct Sim {
    members: BTreeMap<(usize, usize), MembershipType>,
    /// Each announcement, with the users that it goes to.
    log: Vec<(Happening, BTreeSet<usize>)>,
    applied: usize,
    fanout: Fanout<u64>,
    connections: BTreeMap<u64, usize>,
    next_id: u64,
    loads: Vec<Load>,
    /// Users whose memberships are known since the load of a connection that was still there.
    ready: BTreeSet<usize>,
}

impl Sim {
    fn of_channel(&self, c: usize) -> BTreeSet<usize> {
        self.members.keys().filter(|(_, of)| *of == c).map(|(u, _)| *u).collect()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Join(u, c, hidden) => {
                let kind = if *hidden { MembershipType::Hidden } else { MembershipType::Default };
                if self.members.contains_key(&(*u, *c)) {
                    return;
                }
                self.members.insert((*u, *c), kind);
                let to = if *hidden { BTreeSet::from([*u]) } else { self.of_channel(*c) };
                self.log.push((event(ChannelEvent::MembershipCreated(membership(*u, *c, kind))), to));
            }
            Step::Leave(u, c) => {
                let everyone = self.of_channel(*c);
                let Some(kind) = self.members.remove(&(*u, *c)) else { return };
                let to = if kind == MembershipType::Hidden { BTreeSet::from([*u]) } else { everyone };
                self.log.push((event(ChannelEvent::MembershipDeleted(membership(*u, *c, kind))), to));
            }
            Step::Send(c) => self.log.push((message(*c), self.of_channel(*c))),
            Step::DeleteChannel(c) => {
                self.log.push((deleted(*c), self.of_channel(*c)));
                self.members.retain(|(_, of), _| of != c);
            }
            Step::Apply => self.apply(),
            Step::Connect(u) => {
                let id = self.next_id;
                self.next_id += 1;
                let unknown = !self.ready.contains(u);
                assert_eq!(self.fanout.connect(&user(*u), SubscriptionId(id), id), unknown);
                self.connections.insert(id, *u);
                if unknown {
                    self.loads.push(Load { user: *u, id, read: None });
                }
            }
            Step::Disconnect(which) => {
                if self.connections.is_empty() {
                    return;
                }
                let id = *which.get(&self.connections.keys().copied().collect::<Vec<_>>());
                let u = self.connections.remove(&id).unwrap();
                self.fanout.disconnect(&user(u), SubscriptionId(id));
                if self.connections.values().all(|of| *of != u) {
                    self.ready.remove(&u);
                }
            }
            Step::Read(which) => {
                if !self.loads.is_empty() {
                    let at = which.index(self.loads.len());
                    self.read(at);
                }
            }
            Step::Load(which) => {
                if !self.loads.is_empty() {
                    let at = which.index(self.loads.len());
                    self.load(at);
                }
            }
        }
    }

    fn read(&mut self, at: usize) {
        let of = self.loads[at].user;
        let channels =
            self.members.keys().filter(|(u, _)| *u == of).map(|(_, c)| channel(*c)).collect::<Vec<_>>();
        self.loads[at].read.get_or_insert((channels, self.log.len()));
    }

    fn load(&mut self, at: usize) {
        self.read(at);
        let Load { user: of, id, read } = self.loads.remove(at);
        let (channels, seen) = read.unwrap();
        while self.applied < seen {
            self.apply();
        }
        self.fanout.loaded(&user(of), SubscriptionId(id), channels.into_iter().map(Room::whole));
        if self.connections.contains_key(&id) {
            self.ready.insert(of);
        }
    }

    fn apply(&mut self) {
        let Some((happening, to)) = self.log.get(self.applied) else { return };
        self.applied += 1;
        let mut reached = Vec::new();
        self.fanout.apply(happening, &mut |id| reached.push(*id));
        reached.sort_unstable();
        let before = reached.len();
        reached.dedup();
        assert_eq!(before, reached.len(), "a connection was reached twice");
        for (id, u) in &self.connections {
            let got = reached.contains(id);
            let gets = to.contains(u);
            assert!(gets || !got, "connection {id} of user {u} heard {happening:?}");
            if self.ready.contains(u) {
                assert_eq!(got, gets, "connection {id} of user {u} and {happening:?}");
            }
        }
        assert!(reached.iter().all(|id| self.connections.contains_key(id)), "one who had left was reached");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn web_16_to_34_whoever_is_loaded_hears_exactly_its_channels_and_nobody_ever_hears_more(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut sim = Sim::default();
        for step in &steps {
            sim.step(step);
        }
        while !sim.loads.is_empty() {
            sim.load(0);
        }
        for c in 0..CHANNELS {
            sim.step(&Step::Send(c));
        }
        while sim.applied < sim.log.len() {
            sim.apply();
        }
        prop_assert!(sim.connections.values().all(|u| sim.ready.contains(u)));
    }
}
