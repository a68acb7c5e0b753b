//! Synthetic pictures: VP8 by their headers, and numbers behind them.

use crate::forward::vp8::Descriptor;

/// Bytes of a payload before the filling: the descriptor, the first byte of VP8, the mark.
pub(super) const HEAD: usize = 6 + 1 + 13;

/// The mark that a packet of a synthetic picture carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which encoding of its sender it is of, counted from the smallest.
    pub layer: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// Number of the picture within the encoding.
    pub number: u32,
    /// Which of the picture's packets this is, and how many there are.
    pub part: (u16, u16),
    /// How many pictures before it the one is that it builds upon; zero if it can be decoded on its own.
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

/// Numbers of VP8 that a packet goes out with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) picture: u16,
    pub(super) base: u8,
}

/// Appends a payload of `octets` behind the head.
pub(super) fn write(out: &mut Vec<u8>, mark: Mark, numbers: Numbers, octets: usize) {
    let starts = mark.part.0 == 0;
    // RFC 7741: extended, start of the frame; picture number of 15 bits, TL0PICIDX, TID.
    out.extend_from_slice(&[if starts { 0x90 } else { 0x80 }, 0xe0]);
    out.extend_from_slice(&(numbers.picture | 0x8000).to_be_bytes());
    out.extend_from_slice(&[numbers.base, mark.temporal << 6]);
    out.push(u8::from(mark.back > 0));
    out.extend_from_slice(&[mark.layer, mark.temporal, mark.back]);
    out.extend_from_slice(&mark.number.to_be_bytes());
    out.extend_from_slice(&mark.part.0.to_be_bytes());
    out.extend_from_slice(&mark.part.1.to_be_bytes());
    out.extend_from_slice(&[0xc5, 0xc5]);
    out.resize(out.len() + octets, 0x5a);
}

/// Reads a payload's descriptor and mark; `None` for what is no synthetic picture.
pub(super) fn read(payload: &[u8]) -> Option<(Descriptor, Mark)> {
    let descriptor = Descriptor::parse(payload)?;
    let [_, layer, temporal, back, n0, n1, n2, n3, p0, p1, c0, c1, 0xc5, 0xc5, ..] =
        *payload.get(descriptor.length..)?
    else {
        return None;
    };
    let mark = Mark {
        layer,
        temporal,
        number: u32::from_be_bytes([n0, n1, n2, n3]),
        part: (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([c0, c1])),
        back,
    };
    (mark.part.0 < mark.part.1).then_some((descriptor, mark))
}

impl Mark {
    /// It can be decoded on its own.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.back == 0
    }
}
