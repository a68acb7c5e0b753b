//! How a packet of a video goes out to one receiver: its numbers in the payload, its header extensions, or only padding.

use std::borrow::Cow;
use std::time::Instant;

use crate::forward::cache::Carried;
use crate::forward::dependency::renumbered;
use crate::forward::rewrite::{Numbers, Pictures};
use crate::forward::vp8::Descriptor;
use crate::io::Datagrams;
use crate::peer::{Extensions, Peer, Track};
use crate::rtp::packet::Outgoing;
use crate::rtp::sequence::low;

/// Sends a packet of nothing but padding in a place that was kept for one that is left out.
pub(super) fn fill(
    peer: &mut Peer,
    now: Instant,
    place: usize,
    payload_type: u8,
    numbers: &Numbers,
    out: &mut Datagrams,
) {
    let Some(track) = peer.tracks.get(place) else { return };
    let header = Outgoing {
        marker: false,
        padding: true,
        payload_type,
        sequence: low(numbers.index),
        timestamp: numbers.timestamp,
        ssrc: track.ssrc,
    };
    let extensions = Extensions { transport: track.transport, ..Extensions::default() };
    // The last byte of padding is its length.
    peer.send_video(now, &header, numbers.index, &extensions, out, |bytes| bytes.push(1));
}

pub(super) fn append(
    bytes: &mut Vec<u8>,
    payload: &[u8],
    descriptor: Option<&Descriptor>,
    numbers: &Numbers,
) {
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if let (Some(descriptor), Some(copy)) = (descriptor, bytes.get_mut(start..)) {
        let was = pictures(descriptor);
        let picture = was.picture.wrapping_add(numbers.picture) & 0x7fff;
        descriptor.renumber(copy, picture, was.base.wrapping_add(numbers.base));
    }
}

pub(super) fn pictures(descriptor: &Descriptor) -> Pictures {
    Pictures {
        picture: descriptor.picture.map_or(0, |(_, picture, _)| picture),
        bits: descriptor.picture.map_or(0, |(_, _, long)| if long { 15 } else { 7 }),
        base: descriptor.base.map_or(0, |(_, base)| base),
    }
}

pub(super) fn extensions<'a>(track: &Track, carried: &'a Carried, numbers: &Numbers) -> Extensions<'a> {
    let dependency = track.dependency.filter(|_| !carried.dependency.is_empty());
    let descriptor = || match numbers.frame {
        0 => Cow::Borrowed(carried.dependency.as_slice()),
        added => Cow::Owned(renumbered(&carried.dependency, added)),
    };
    Extensions {
        transport: track.transport,
        orientation: track.orientation.zip(carried.orientation),
        dependency: dependency.map(|id| (id, descriptor())),
    }
}
