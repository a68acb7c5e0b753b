//! Who is decoded: the loudest few, with hysteresis.

use std::time::{Duration, Instant};

use super::SourceId;

/// A talker may not be displaced sooner after he came; a cough would otherwise displace twice.
const MIN_STAY: Duration = Duration::from_millis(200);

/// Without a packet for this long, a place is free.
const GONE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
struct Member {
    id: SourceId,
    level: f32,
    since: Instant,
    loud: Instant,
    seen: Instant,
}

/// The rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) places: usize,
    pub(super) silence_level: f32,
    pub(super) hold: Duration,
    pub(super) margin: f32,
}

/// Who has a place now.
#[derive(Debug)]
pub(super) struct Talkers {
    rules: Rules,
    members: Vec<Member>,
}

impl Talkers {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, members: Vec::with_capacity(rules.places) }
    }

    pub(super) fn contains(&self, id: SourceId) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    pub(super) fn remove(&mut self, id: SourceId) {
        self.members.retain(|member| member.id != id);
    }

    /// A packet of `id` came, itself of level `raw`, after others that make `smoothed`. Has it a place?
    pub(super) fn offer(&mut self, id: SourceId, raw: f32, smoothed: f32, now: Instant) -> bool {
        let loud = raw < self.rules.silence_level;
        if let Some(member) = self.members.iter_mut().find(|member| member.id == id) {
            member.level = smoothed;
            member.seen = now;
            if loud {
                member.loud = now;
            }
            let stays = now.saturating_duration_since(member.loud) <= self.rules.hold;
            if !stays {
                self.remove(id);
            }
            return stays;
        }
        if !loud || !(self.members.len() < self.rules.places || self.displace(smoothed, now)) {
            return false;
        }
        self.members.push(Member { id, level: smoothed, since: now, loud: now, seen: now });
        true
    }

    /// Frees the places of those who went quiet without saying so.
    pub(super) fn expire(&mut self, now: Instant) {
        self.members.retain(|member| now.saturating_duration_since(member.seen) <= GONE);
    }

    /// Frees the quietest place if somebody of this level deserves it more.
    fn displace(&mut self, level: f32, now: Instant) -> bool {
        let quietest = self
            .members
            .iter()
            .filter(|member| now.saturating_duration_since(member.since) >= MIN_STAY)
            .max_by(|a, b| a.level.total_cmp(&b.level));
        match quietest {
            Some(member) if member.level - level >= self.rules.margin => {
                let id = member.id;
                self.remove(id);
                true
            }
            _ => false,
        }
    }
}
