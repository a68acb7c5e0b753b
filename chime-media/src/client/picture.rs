//! Synthetic pictures: VP8 or VP9 by their headers, and numbers behind them.

use crate::forward::{vp8, vp9};

/// Bytes of a payload before the filling, at most: the descriptor, the first byte of the frame, the mark.
pub(super) const HEAD: usize = 6 + 1 + 13;

/// The mark that a packet of a synthetic picture carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which encoding of its sender it is of, counted from the smallest.
    pub layer: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// The spatial layer; each is a frame with packets of its own.
    pub spatial: u8,
    /// Number of the picture within the encoding.
    pub number: u32,
    /// Which of the frame's packets this is, and how many there are.
    pub part: (u16, u16),
    /// How many pictures before it the one is that it builds upon; zero if it can be decoded on its own, or with the layer
    /// below it.
    pub back: u8,
}

/// A picture that came whole and in order, so that a decoder could show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its mark.
    pub mark: Mark,
    /// Its octets, payload descriptors left out.
    pub octets: usize,
    /// In units of 1/90000 s.
    pub timestamp: u32,
}

/// What the descriptor of a packet says beside the mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) vp9: bool,
    /// The layers are told in the dependency descriptor only.
    pub(super) described: bool,
    pub(super) picture: u16,
    pub(super) base: u8,
    /// More temporal layers may begin here.
    pub(super) up: bool,
    /// The packet is the last of its frame.
    pub(super) ends: bool,
}

/// Appends a payload of `octets` behind the head.
pub(super) fn write(out: &mut Vec<u8>, mark: Mark, numbers: Numbers, octets: usize) {
    let starts = mark.part.0 == 0;
    let picture = (numbers.picture | 0x8000).to_be_bytes();
    if numbers.vp9 {
        // RFC 9628: number of the picture, layers; not in flexible mode.
        let predicted = mark.back > 0;
        out.push(0xa0 | u8::from(predicted) << 6 | u8::from(starts) << 3 | u8::from(numbers.ends) << 2);
        out.extend_from_slice(&picture);
        let lower = u8::from(mark.spatial > 0);
        out.push(mark.temporal << 5 | u8::from(numbers.up) << 4 | mark.spatial << 1 | lower);
        out.push(numbers.base);
    } else if numbers.described {
        out.push(u8::from(starts) << 4);
    } else {
        // RFC 7741: extended, start of the frame; picture number of 15 bits, TL0PICIDX, TID and Y.
        out.extend_from_slice(&[if starts { 0x90 } else { 0x80 }, 0xe0]);
        out.extend_from_slice(&picture);
        out.extend_from_slice(&[numbers.base, mark.temporal << 6 | u8::from(numbers.up) << 5]);
    }
    out.push(u8::from(mark.back > 0));
    out.extend_from_slice(&[mark.layer, mark.spatial << 4 | mark.temporal, mark.back]);
    out.extend_from_slice(&mark.number.to_be_bytes());
    out.extend_from_slice(&mark.part.0.to_be_bytes());
    out.extend_from_slice(&mark.part.1.to_be_bytes());
    out.extend_from_slice(&[0xc5, 0xc5]);
    out.resize(out.len() + octets, 0x5a);
}

/// What a dependency descriptor brings with a key frame: three temporal layers in five templates. They are the key frame;
/// the lowest layer with all above beginning anew behind it, and without; the other two layers.
const STRUCTURE: [u8; 11] = [0x80, 0x02, 0x05, 0xea, 0xaa, 0xf3, 0xc3, 0x41, 0x04, 0x10, 0x00];

/// The dependency descriptor of a packet.
pub(super) fn describe(mark: Mark, numbers: Numbers) -> Vec<u8> {
    let template = match (mark.is_key(), mark.temporal) {
        (true, _) => 0,
        (_, 0) => 2 - u8::from(numbers.up),
        (_, temporal) => 2 + temporal,
    };
    let first = u8::from(mark.part.0 == 0) << 7 | u8::from(numbers.ends) << 6 | template;
    let [.., high, low] = mark.number.to_be_bytes();
    let mut out = vec![first, high, low];
    if mark.is_key() && mark.part.0 == 0 {
        out.extend_from_slice(&STRUCTURE);
    }
    out
}

/// Reads a payload's mark, and the picture's number if it is VP8; `None` for what is no synthetic picture.
pub(super) fn read(vp9: bool, payload: &[u8]) -> Option<(Option<u16>, Mark)> {
    let (length, picture) = if vp9 {
        (vp9::Descriptor::parse(payload)?.length, None)
    } else {
        let descriptor = vp8::Descriptor::parse(payload)?;
        (descriptor.length, descriptor.picture.map(|(_, number, _)| number))
    };
    let [_, layer, layers, back, n0, n1, n2, n3, p0, p1, c0, c1, 0xc5, 0xc5, ..] = *payload.get(length..)?
    else {
        return None;
    };
    let mark = Mark {
        layer,
        temporal: layers & 0x0f,
        spatial: layers >> 4,
        number: u32::from_be_bytes([n0, n1, n2, n3]),
        part: (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([c0, c1])),
        back,
    };
    (mark.part.0 < mark.part.1).then_some((picture, mark))
}

impl Mark {
    /// It can be decoded on its own.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.back == 0 && self.spatial == 0
    }
}
