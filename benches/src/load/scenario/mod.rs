//! The scenarios, each a subcommand.

pub mod deliver;
pub mod export;
pub mod gallery;
pub mod idle;
pub mod janus;
pub mod janus_video;
pub mod limits;
pub mod meeting;
pub mod members;
pub mod nodes;
pub mod retention;
pub mod saturate;
pub mod search;
pub mod sends;
pub mod stalled;
pub mod start;
pub mod video;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::members::Members;
use super::report::{Goal, Report};
use super::send::{Plan, Sent, send};
use super::server::{Launch, Server, permit_connections, permit_files};
use super::tally::Tally;
use super::world::World;

/// How long members may take to receive what was sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long sessions may take to be established.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// A server with a channel whose members are connected.
#[derive(Debug)]
pub struct Room {
    /// The server.
    pub server: Arc<Server>,
    /// Its world.
    pub world: World,
    /// The connected members.
    pub members: Arc<Members>,
    /// How many of the world's users are connected.
    pub count: usize,
    sent: u64,
    next_sender: u16,
}

/// One stretch of sending, from the first message until the last was received.
#[derive(Debug)]
pub struct Stretch {
    /// What was sent.
    pub sent: Sent,
    /// What was received.
    pub tally: Tally,
    /// Processor time of the server, in seconds.
    pub cpu: f64,
    /// From the first message until the last was received, in seconds.
    pub seconds: f64,
}

impl Room {
    /// Starts a server, makes `users` users with a channel, and connects the first `members` of them.
    ///
    /// # Errors
    ///
    /// When any of it fails.
    pub async fn open(launch: &Launch, users: usize, members: usize) -> Result<Self> {
        permit_files(members as u64 + 1000)?;
        permit_connections(members as u64 + 1000)?;
        let server = Arc::new(Server::start(launch)?);
        let world = World::new(server.http, server.root()?, users).await?;
        Self::in_world(server, world, members)
    }

    /// Connects the first `members` users of a world to a server that has it.
    ///
    /// # Errors
    ///
    /// When a handshake fails.
    pub fn in_world(server: Arc<Server>, world: World, members: usize) -> Result<Self> {
        let connected = Arc::new(connect(&server, &world, members)?);
        Ok(Self { server, world, members: connected, count: members, sent: 0, next_sender: 0 })
    }

    /// Sends by a plan and waits until all of it was received.
    ///
    /// # Errors
    ///
    /// When a connection of a sender fails.
    pub async fn stretch(&mut self, plan: Plan) -> Result<Stretch> {
        let plan = Plan { first: self.next_sender, ..plan };
        self.next_sender += plan.senders;
        let _ = self.members.tally()?;
        let (cpu, begin, before) = (self.server.cpu()?, super::clock::micros(), self.members.delivered());
        let sent = send(&self.world, &self.members, self.count, plan).await?;
        let expected = before + sent.acknowledged * self.count as u64;
        self.members.drain(expected, PATIENCE);
        let seconds = (super::clock::micros() - begin) as f64 / 1e6;
        let cpu = (self.server.cpu()? - cpu).as_secs_f64();
        self.sent += sent.acknowledged;
        Ok(Stretch { sent, tally: self.members.tally()?, cpu, seconds })
    }

    /// Adds what must not have happened to a report.
    pub fn faults(&self, report: &mut Report, stretch: &Stretch) {
        let views = self.members.views(self.sent);
        let expected = stretch.sent.acknowledged * self.count as u64;
        let lost = expected.saturating_sub(stretch.tally.delivered);
        report.goal("deliveries that never came", lost as f64, "", Goal::AtMost(0.0));
        report.goal("deliveries that came twice", stretch.tally.repeated as f64, "", Goal::AtMost(0.0));
        report.goal("gaps within a sender's messages", stretch.tally.missing as f64, "", Goal::AtMost(0.0));
        report.goal("members with another order", views.misordered as f64, "", Goal::AtMost(0.0));
        report.goal("messages refused", stretch.sent.refused as f64, "", Goal::AtMost(0.0));
        let closed = self.members.closed();
        report.goal("connections closed by the server", closed.len() as f64, "", Goal::AtMost(0.0));
        if let Some(code) = closed.first() {
            report.note(format!("the first was closed with {code}"));
        }
    }
}

/// Connects the first `members` users of a world to a server, and waits until their sessions are established.
fn connect(server: &Server, world: &World, members: usize) -> Result<Members> {
    let (connected, host) = (Members::new()?, server.http.to_string());
    for (index, user) in world.users.iter().take(members).enumerate() {
        let target =
            world.keys.connect(&host, user, &format!("session-{}-{index}", server.http.port()), false)?;
        connected.connect(server.http, &target)?;
    }
    connected.established(CONNECT_WITHIN)?;
    Ok(connected)
}

/// Bytes as MiB.
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
