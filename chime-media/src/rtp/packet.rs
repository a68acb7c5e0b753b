//! Headers of RTP packets (RFC 3550 section 5.1, RFC 8285), read where they are and written once.

/// Length of a header without extensions, in bytes.
pub const FIXED: usize = 12;
/// Profile of extensions whose elements have a header of one byte.
const ONE_BYTE: u16 = 0xbede;
/// Profile of those with two, without its four free bits.
const TWO_BYTES: u16 = 0x1000;

/// What a datagram is (RFC 7983, RFC 5761).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A STUN message.
    Stun,
    /// Channel data of TURN.
    Channel,
    /// A DTLS record.
    Dtls,
    /// An RTP packet.
    Rtp,
    /// An RTCP packet.
    Rtcp,
}

/// Tells what a datagram is by its first two bytes; `None` for what is nothing of ours.
#[must_use]
pub fn kind(datagram: &[u8]) -> Option<Kind> {
    let second = datagram.get(1)?;
    match datagram.first()? {
        0..=3 => Some(Kind::Stun),
        20..=63 => Some(Kind::Dtls),
        64..=79 => Some(Kind::Channel),
        128..=191 if (192..=223).contains(second) => Some(Kind::Rtcp),
        128..=191 => Some(Kind::Rtp),
        _ => None,
    }
}

/// A set of payload types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PayloadTypes(u128);

impl PayloadTypes {
    /// Whether it holds a payload type, 0 to 127.
    #[must_use]
    pub const fn contains(self, payload_type: u8) -> bool {
        payload_type < 128 && self.0 >> payload_type & 1 == 1
    }
}

impl FromIterator<u8> for PayloadTypes {
    fn from_iter<I: IntoIterator<Item = u8>>(types: I) -> Self {
        Self(types.into_iter().filter(|each| *each < 128).fold(0, |set, each| set | 1 << each))
    }
}

/// The payload type of an RTP packet, protected or not; `None` for any other datagram.
#[must_use]
pub fn payload_type(datagram: &[u8]) -> Option<u8> {
    let second = datagram.get(1)?;
    (kind(datagram) == Some(Kind::Rtp)).then_some(second & 0x7f)
}

/// The header of a packet, and where its parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The marker bit.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the payload's clock.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
    /// The packet ends with padding, whose length is its last byte.
    pub padding: bool,
    /// Where the payload begins, in bytes.
    pub length: usize,
    extensions: Option<(u16, usize)>,
}

impl Header {
    /// Reads the header of a packet; `None` when it is none.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let [first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3, ..] = *packet else { return None };
        if first >> 6 != 2 {
            return None;
        }
        let mut length = FIXED + usize::from(first & 0x0f) * 4;
        let mut extensions = None;
        if first & 0x10 != 0 {
            let profile = half(packet, length)?;
            let words = usize::from(half(packet, length + 2)?);
            extensions = Some((profile, length + 4));
            length += 4 + words * 4;
        }
        (length <= packet.len()).then_some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            padding: first & 0x20 != 0,
            length,
            extensions,
        })
    }

    /// The elements of the header extension, with their ids.
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let (two, rest) = match self.extensions {
            Some((ONE_BYTE, start)) => (false, packet.get(start..self.length)),
            Some((profile, start)) if profile & 0xfff0 == TWO_BYTES => (true, packet.get(start..self.length)),
            _ => (false, None),
        };
        Extensions { two, rest: rest.unwrap_or_default() }
    }

    /// The element with this id.
    #[must_use]
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        self.extensions(packet).find(|(each, _)| *each == id).map(|(_, value)| value)
    }

    /// The payload of an opened packet, without padding; `None` when the padding is longer than the packet.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let padding = if self.padding { usize::from(*packet.last()?) } else { 0 };
        packet.get(self.length..packet.len().checked_sub(padding)?)
    }
}

/// Elements of a header extension.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    two: bool,
    rest: &'a [u8],
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            let (id, length, rest) = match (self.two, *first) {
                (_, 0) => {
                    self.rest = rest;
                    continue;
                }
                // RFC 8285 section 4.2: id 15 ends the elements.
                (false, 0xf0..) => return None,
                (false, first) => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                (true, id) => {
                    let (length, rest) = rest.split_first()?;
                    (id, usize::from(*length), rest)
                }
            };
            let (value, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// Writes a header behind what `out` holds; tells its length.
pub fn write(out: &mut Vec<u8>, header: &Outgoing, extensions: &[(u8, &[u8])]) -> usize {
    let start = out.len();
    let extended = if extensions.is_empty() { 0x80 } else { 0x90 };
    out.push(extended | u8::from(header.padding) << 5);
    out.push((u8::from(header.marker) << 7) | (header.payload_type & 0x7f));
    out.extend_from_slice(&header.sequence.to_be_bytes());
    out.extend_from_slice(&header.timestamp.to_be_bytes());
    out.extend_from_slice(&header.ssrc.to_be_bytes());
    if !extensions.is_empty() {
        let two = extensions.iter().any(|(id, value)| *id > 14 || value.is_empty() || value.len() > 16);
        out.extend_from_slice(&(if two { TWO_BYTES } else { ONE_BYTE }).to_be_bytes());
        let words = out.len();
        out.extend_from_slice(&[0, 0]);
        let first = out.len();
        for (id, value) in extensions {
            // Elements of a header extension have at most 255 bytes; ours have a few.
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            if two {
                out.extend_from_slice(&[*id, length]);
            } else {
                out.push((id << 4) | (length - 1));
            }
            out.extend(value.iter().take(usize::from(length)));
        }
        while !(out.len() - first).is_multiple_of(4) {
            out.push(0);
        }
        let count = u16::try_from((out.len() - first) / 4).unwrap_or(u16::MAX).to_be_bytes();
        out.iter_mut().skip(words).zip(count).for_each(|(to, from)| *to = from);
    }
    out.len() - start
}

/// What the header of a packet that we send says.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// The marker bit.
    pub marker: bool,
    /// The payload ends with padding, whose length is its last byte.
    pub padding: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the payload's clock.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn datagrams_are_told_apart_by_their_first_bytes() {
        let cases = [
            (&[0, 1][..], Some(Kind::Stun)),
            (&[22, 254], Some(Kind::Dtls)),
            (&[64, 0], Some(Kind::Channel)),
            (&[128, 111], Some(Kind::Rtp)),
            (&[128, 0x80 | 111], Some(Kind::Rtp)),
            (&[129, 201], Some(Kind::Rtcp)),
            (&[255, 0], None),
            (&[128], None),
            (&[], None),
        ];
        for (datagram, expected) in cases {
            assert_eq!(kind(datagram), expected, "{datagram:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32,
            values in prop::collection::btree_map(1_u8..=20, prop::collection::vec(any::<u8>(), 1..30), 0..5),
            payload in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let extensions: Vec<(u8, &[u8])> = values.iter().map(|(id, value)| (*id, value.as_slice())).collect();
            let mut out = vec![7; 3];
            let outgoing = Outgoing { marker, padding: false, payload_type, sequence, timestamp, ssrc };
            let length = write(&mut out, &outgoing, &extensions);
            out.extend_from_slice(&payload);
            let packet = &out[3..];
            let header = Header::parse(packet).unwrap();
            prop_assert_eq!(
                (header.marker, header.payload_type, header.sequence, header.timestamp, header.ssrc, header.length),
                (marker, payload_type, sequence, timestamp, ssrc, length)
            );
            prop_assert_eq!(header.extensions(packet).collect::<Vec<_>>(), extensions);
            prop_assert_eq!(header.payload(packet).unwrap(), payload.as_slice());
        }

        #[test]
        fn no_bytes_make_it_panic(packet in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(header) = Header::parse(&packet) {
                let _all = header.extensions(&packet).count();
                let _payload = header.payload(&packet);
            }
        }
    }
}
