//! Packets that are sent again: because they were lost, or to find out what a path carries.

use std::time::{Duration, Instant};

use super::Meeting;
use super::outgoing::{append, extensions, pictures};
use super::sources::Source;
use crate::audio::Codecs;
use crate::forward::cache::Cached;
use crate::forward::dependency::frame_number;
use crate::forward::rewrite::Incoming;
use crate::forward::vp8::Descriptor;
use crate::ids::{GroupId, SessionId};
use crate::io::Datagrams;
use crate::peer::{Extensions, Peer};
use crate::rtp::packet::Outgoing;
use crate::rtp::sequence::{Extender, low};
use crate::sdp::VideoCodec;

/// Most packets that one report of losses gets again.
const MOST: usize = 256;
/// Time that a repetition is thought to take, whatever is measured.
const LEAST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
/// Packets of a probe at a time.
const PROBES: usize = 64;
/// How far back packets for probes are taken from.
const RECENT: u16 = 64;
/// Less than this, in octets, is sent as padding of just that size: a probe of a narrow path that were one whole packet
/// would show nothing.
const LITTLE: usize = 500;
/// Least and most octets of padding in a packet.
const PADDING: (u8, u8) = (32, 224);

type Sources = std::collections::BTreeMap<GroupId, Source>;

impl<C: Codecs> Meeting<C> {
    /// A client misses packets of a track.
    pub(super) fn resend(&mut self, now: Instant, id: SessionId, ssrc: u32, lost: &[u16]) {
        let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) else { return };
        let Some(place) = peer.tracks.iter().position(|track| track.ssrc == ssrc) else { return };
        let trip = peer.estimator.trip().unwrap_or(LEAST).clamp(LEAST, LONGEST);
        for sequence in lost.iter().take(MOST) {
            if !peer.tracks.get_mut(place).is_some_and(|track| track.repeat(now, *sequence, trip)) {
                continue;
            }
            resend_one(peer, now, place, *sequence, &self.sources, &mut self.datagrams);
        }
    }

    /// Sends bursts to those of whom it is not known whether their paths carry what they want.
    pub(super) fn probe(&mut self, now: Instant) {
        for session in self.sessions.values_mut() {
            let Some(peer) = session.peer.as_mut().filter(|peer| !peer.tracks.is_empty()) else { continue };
            let octets = peer.estimator.padding(now);
            if octets > 0 {
                pad(peer, now, octets, &self.sources, &mut self.datagrams);
            }
        }
    }
}

/// Sends about so many octets that no receiver needs.
fn pad(peer: &mut Peer, now: Instant, octets: usize, sources: &Sources, out: &mut Datagrams) {
    let numbered = |track: &&crate::peer::Track| track.transport.is_some() && track.repair_type().is_some();
    let sent = peer.tracks.iter().position(|track| track.current.is_some() && numbered(&track));
    let any = sent.or_else(|| peer.tracks.iter().position(|track| numbered(&track)));
    let Some(place) = any else { return };
    let mut left = octets;
    for count in (0_u16..).take(PROBES) {
        if left == 0 {
            return;
        }
        let before = out.len();
        let newest = peer.tracks.get(place).map_or(0, |track| track.rewriter.newest_sequence());
        let again = newest.wrapping_sub(count % RECENT);
        let whole = sent.filter(|_| left >= LITTLE);
        let repeated = whole.and_then(|place| resend_one(peer, now, place, again, sources, out));
        if repeated.is_none() {
            padding(peer, now, place, left, out);
        }
        if out.len() == before {
            return;
        }
        left = left.saturating_sub(out.last_len());
        peer.estimator.padded(out.last_len());
    }
}

/// Sends a packet of nothing but padding, of about so many octets, where retransmissions go.
fn padding(peer: &mut Peer, now: Instant, place: usize, octets: usize, out: &mut Datagrams) {
    let length = u8::try_from(octets).unwrap_or(PADDING.1).clamp(PADDING.0, PADDING.1);
    let Some(track) = peer.tracks.get_mut(place) else { return };
    let Some(payload_type) = track.repair_type() else { return };
    track.repair_index += 1;
    let (index, ssrc) = (track.repair_index, track.repair);
    let timestamp = track.rewriter.last().map_or(0, |(timestamp, _)| timestamp);
    let header =
        Outgoing { marker: false, padding: true, payload_type, sequence: low(index), timestamp, ssrc };
    let extensions = Extensions { transport: track.transport, ..Extensions::default() };
    peer.send_video(now, &header, index, &extensions, out, |bytes| {
        bytes.resize(bytes.len() + usize::from(length) - 1, 0);
        bytes.push(length);
    });
}

/// Sends a packet again, with the source of retransmissions (RFC 4588). A client without one gets nothing: a packet of the
/// same number with another transport number would be protected with the same nonce.
fn resend_one(
    peer: &mut Peer,
    now: Instant,
    place: usize,
    sequence: u16,
    sources: &Sources,
    out: &mut Datagrams,
) -> Option<()> {
    let track = peer.tracks.get_mut(place)?;
    let source = sources.get(&track.wish.group?)?;
    let codec = source.codec?;
    let layer = source.layers.iter().find(|layer| Some(layer.stream) == track.current)?;
    let index = Extender::at(track.rewriter.newest()).guess(sequence);
    let cached: &Cached = layer.cache.get(track.rewriter.original(index)?)?;
    let (_, Some(payload_type)) = track.payload_types(codec)? else { return None };
    let descriptor = (codec == VideoCodec::Vp8).then(|| Descriptor::parse(&cached.payload)).flatten();
    let numbers = track.rewriter.again(&Incoming {
        index: cached.index,
        timestamp: cached.timestamp,
        marker: cached.marker,
        pictures: descriptor.as_ref().map(pictures).unwrap_or_default(),
        frame: frame_number(&cached.carried.dependency),
    })?;
    track.repair_index += 1;
    let index = track.repair_index;
    let header = Outgoing {
        marker: numbers.marker,
        padding: false,
        payload_type,
        sequence: low(index),
        timestamp: numbers.timestamp,
        ssrc: track.repair,
    };
    let extensions = extensions(track, &cached.carried, &numbers);
    peer.send_video(now, &header, index, &extensions, out, |bytes| {
        bytes.extend_from_slice(&sequence.to_be_bytes());
        if numbers.padding {
            return;
        }
        append(bytes, &cached.payload, descriptor.as_ref(), &numbers);
    });
    Some(())
}
