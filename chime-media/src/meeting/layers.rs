//! Which encoding of each source a client gets: what it wants, as far as its path carries it.

use std::time::Instant;

use super::Meeting;
use super::forwarding::ask_for_keyframe;
use super::sources::{Layer, Source};
use crate::audio::Codecs;
use crate::forward::allocate::{Claim, allocate};
use crate::forward::bandwidth::Fate;
use crate::forward::steps::{Step, position, steps};
use crate::ids::{GroupId, SessionId};
use crate::peer::{Peer, Track};
use crate::signal::proto::{FrameType, PauseResume, SignalFrame};

/// What has to be left over for more to be wanted, in per cent.
const SPARE: u64 = 120;

impl<C: Codecs> Meeting<C> {
    /// What became of packets to a client.
    pub(super) fn estimate(&mut self, now: Instant, id: SessionId, fates: &[Fate]) {
        let peer = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut());
        if peer.is_some_and(|peer| peer.estimator.feedback(now, fates)) {
            self.choose_layers(now, id);
        }
    }

    /// Decides which encoding of each source a client gets.
    pub(super) fn choose_layers(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(peer) = &mut session.peer else { return };
        let numbered = peer.tracks.iter().any(|track| track.transport.is_some());
        let budget = if numbered { peer.estimator.rate() } else { u64::MAX };
        let offers: Vec<Vec<Step>> =
            peer.tracks.iter().map(|track| offer(now, &self.sources, track)).collect();
        // What was never sent is not held back: only what is to get better.
        let held = peer.patience.holds(now);
        let claims: Vec<Claim> = peer
            .tracks
            .iter()
            .zip(&offers)
            .map(|(track, offer)| claim(&self.sources, track, offer, held))
            .collect();
        let wanted: u64 = claims.iter().filter_map(|claim| claim.costs.last()).sum();
        peer.estimator.want(wanted.saturating_mul(SPARE) / 100);
        let chosen = allocate(budget, &claims);
        let (mut paused, mut resumed) = (Vec::new(), Vec::new());
        let (mut raised, mut lowered) = (false, false);
        for (place, at) in chosen.into_iter().enumerate() {
            let (Some(track), Some(offer)) = (peer.tracks.get_mut(place), offers.get(place)) else {
                continue;
            };
            let group = track.wish.group.map_or(0, |group| group.0);
            let starves = at.is_none() && !offer.is_empty();
            if starves != track.starved {
                track.starved = starves;
                if starves { &mut paused } else { &mut resumed }.push(group);
            }
            match direct(track, offer, at) {
                Some(Move::Up) => raised = true,
                Some(Move::Down) => lowered = true,
                None => {}
            }
            if let Some(source) = track.wish.group.and_then(|group| self.sources.get_mut(&group))
                && (track.target != track.current || track.sieve.needs_keyframe())
                && let Some(place) = source.layers.iter().position(|layer| Some(layer.stream) == track.target)
            {
                ask_for_keyframe(source, place, now, &mut self.wanted_keyframes);
            }
        }
        // Going down counts: what is freed by one may be given to another at once.
        if lowered {
            peer.patience.lowered(now);
        } else if raised {
            peer.patience.raised(now);
        }
        self.tell_paused(now, id, paused, true);
        self.tell_paused(now, id, resumed, false);
        self.flush_keyframes();
    }

    /// Tells a client that sources were paused for it, or go on; if it would understand.
    fn tell_paused(&mut self, now: Instant, id: SessionId, groups: Vec<u32>, paused: bool) {
        if groups.is_empty() || !self.sessions.get(&id).is_some_and(|session| session.adapts) {
            return;
        }
        let kind = if paused { FrameType::Pause } else { FrameType::Resume };
        let frame = SignalFrame {
            pause: Some(PauseResume { group_ids: groups, ..PauseResume::default() }),
            ..self.frame(now, kind)
        };
        self.send(id, &frame);
    }
}

type Sources = std::collections::BTreeMap<GroupId, Source>;

/// What a track could get, the cheapest first. Encodings that are more than it wants are left out, unless all are.
fn offer(now: Instant, sources: &Sources, track: &Track) -> Vec<Step> {
    let source = track.wish.group.and_then(|group| sources.get(&group)).filter(|_| !track.wish.paused);
    let Some(source) = source else { return Vec::new() };
    let named = source.layers.iter().find(|layer| Some(layer.stream) == track.wish.stream);
    let most = named.map_or(u32::MAX, |layer| layer.max_kbps.max(1));
    let most = most.min(track.wish.target_kbps.unwrap_or(u32::MAX));
    let mut live: Vec<&Layer> = source.layers.iter().filter(|layer| layer.is_live(now)).collect();
    live.sort_by_key(|layer| layer.max_kbps);
    let fitting = live.iter().filter(|layer| layer.max_kbps <= most).count();
    live.truncate(fitting.max(1));
    if live.is_empty() {
        live.extend(named);
    }
    let encodings = live.into_iter().map(|layer| (layer.stream, layer.cost(now), &layer.rates));
    steps(source.attendee.content, encodings)
}

fn claim(sources: &Sources, track: &Track, offer: &[Step], held: bool) -> Claim {
    let source = track.wish.group.and_then(|group| sources.get(&group));
    Claim {
        content: source.is_some_and(|source| source.attendee.content),
        priority: track.wish.priority,
        costs: offer.iter().map(|step| step.cost).collect(),
        current: sent(track, offer),
        held,
    }
}

/// Which step a track is at, or on its way to.
fn sent(track: &Track, offer: &[Step]) -> Option<usize> {
    track.target.or(track.current).and_then(|stream| position(offer, stream, track.sieve.target()))
}

/// How what a track gets changes.
enum Move {
    Up,
    Down,
}

/// Sets what a track is to get.
fn direct(track: &mut Track, offer: &[Step], at: Option<usize>) -> Option<Move> {
    let before = sent(track, offer);
    let Some(step) = at.and_then(|at| offer.get(at)) else {
        let was = track.target.or(track.current).is_some();
        (track.target, track.current) = (None, None);
        return (was && track.starved).then_some(Move::Down);
    };
    track.target = Some(step.stream);
    track.sieve.aim(step.level);
    match before {
        _ if before == at => None,
        Some(_) if at < before => Some(Move::Down),
        _ => Some(Move::Up),
    }
}

impl Peer {
    /// What its path carries, in kbit/s, once it has told something.
    pub(super) fn available(&self) -> Option<u32> {
        let known = self.estimator.is_informed() && !self.tracks.is_empty();
        known.then(|| u32::try_from(self.estimator.rate() / 1000).unwrap_or(u32::MAX))
    }
}
