//! A random schedule: attendees come, talk, break down and leave. What is true at the end is known.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SECOND;
use crate::client::{Config, Random, Show};
use crate::config::Limits;
use crate::ids::{Capabilities, SessionId};
use crate::testing::{GRACE, World};

/// Names there are.
const NAMES: [&str; 6] = ["ann", "bob", "cid", "dot", "eve", "fay"];
/// Cameras that the meeting takes.
pub(super) const TILES: usize = 3;

/// Somebody who should be in the meeting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub(super) session: SessionId,
    pub(super) muted: bool,
}

pub(super) struct Schedule {
    pub(super) world: World,
    pub(super) here: BTreeMap<&'static str, Here>,
    random: Random,
    devices: u64,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        let world = World::with(seed, Limits::default().with(TILES, 2, 250));
        Self { world, here: BTreeMap::new(), random: Random::new(seed ^ 0xabc), devices: 0 }
    }

    /// So many things happen, some time apart.
    pub(super) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let name = NAMES[self.random.below(NAMES.len() as u64) as usize];
            match self.here.get(name).copied() {
                None => self.join(name),
                Some(here) => self.happen(name, here),
            }
            let time = Duration::from_millis(self.random.below(700));
            self.world.run(time);
        }
    }

    /// Paths are good again, and everybody who is lost is given up.
    pub(super) fn settle(&mut self) {
        for actor in self.world.actors.values_mut() {
            (actor.up.loss, actor.down.loss) = (0, 0);
            (actor.up.jitter, actor.down.jitter) = (Duration::ZERO, Duration::ZERO);
        }
        self.world.run(GRACE + 3 * SECOND);
    }

    fn join(&mut self, name: &'static str) {
        self.devices += 1;
        let mut config = Config::new(name, 1000 + self.devices);
        config.muted = self.random.happens(200_000);
        config.red = self.random.happens(300_000).then_some(2);
        let muted = config.muted;
        let session = self.world.join_as(config, Capabilities::default());
        self.world.actor(session).talks = self.random.happens(600_000);
        self.here.insert(name, Here { session, muted });
    }

    fn happen(&mut self, name: &'static str, here: Here) {
        let (now, session) = (self.world.now, here.session);
        let odds = self.random.below(100);
        let actor = self.world.actor(session);
        match odds {
            0..15 => actor.talks = !actor.talks,
            15..30 => {
                actor.client.mute(now, !here.muted);
                self.here.insert(name, Here { muted: !here.muted, ..here });
            }
            30..45 if actor.client.is_showing() => actor.client.hide(now),
            30..45 if self.random.happens(500_000) => actor.client.show(now, Show::single(300)),
            30..45 => actor.client.show(now, Show::simulcast(100, 300, 900)),
            45..55 => actor.up.loss = 100_000,
            55..65 => actor.down.loss = 100_000,
            65..72 => {
                actor.up.jitter = Duration::from_millis(30);
                actor.down.jitter = Duration::from_millis(30);
            }
            72..80 => {
                actor.client.leave(now);
                self.here.remove(name);
            }
            80..88 => self.come_again(name, here),
            88..94 => self.join(name),
            _ => {
                actor.dead = true;
                self.world.cut_socket(session);
                self.here.remove(name);
            }
        }
    }

    /// The socket breaks, and the same device is back a little later.
    fn come_again(&mut self, name: &'static str, here: Here) {
        let mut config = self.world.client(here.session).config().clone();
        config.muted = here.muted;
        config.seed += 500_000;
        let talks = self.world.actor(here.session).talks;
        self.world.cut_socket(here.session);
        let pause = Duration::from_millis(self.random.below(1500));
        self.world.run(pause);
        self.world.actor(here.session).dead = true;
        let session = self.world.join_as(config, Capabilities::default());
        self.world.actor(session).talks = talks;
        self.here.insert(name, Here { session, ..here });
    }
}
