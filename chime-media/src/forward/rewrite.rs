//! Numbers of a forwarded video: what a receiver sees is one source, whichever encoding it comes from.
//!
//! # Our choices
//!
//! - Gaps in what arrives stay gaps, so that receivers ask for what is missing and get what came late. What is left out
//!   leaves none; of VP8 the pictures are numbered anew as well. Those of VP9 keep their numbers, since its frames say by
//!   them what they build upon. Frames of the dependency descriptor go on in number over a change of encodings, too; those
//!   of layers that are left out are missing in between, as they are meant to be.
//! - A packet that is left out after a gap was left for it makes its number one for padding.
//! - After a change of encodings nothing of the old one is sent any more, late packets included.

use std::time::Instant;

use super::thinned::{Bits, Thinned};
use crate::rtp::sequence::low;

/// The clock of video, in Hz.
const CLOCK: u64 = 90_000;
/// Far enough from zero for pictures that come late.
const PICTURES: u64 = 1 << 20;

/// A packet of a source, as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Its sequence number with roll-overs.
    pub index: u64,
    /// Its timestamp, in units of 1/90000 s.
    pub timestamp: u32,
    /// Its marker bit is to be set.
    pub marker: bool,
    /// Its numbers of VP8.
    pub pictures: Pictures,
    /// The number of its frame in the dependency descriptor, if it has one.
    pub frame: Option<u16>,
}

/// Numbers that a packet goes out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Sequence number with its roll-overs.
    pub index: u64,
    /// Timestamp, in units of 1/90000 s.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// Nothing but padding goes with them: the packet is left out.
    pub padding: bool,
    /// Added to VP8's picture numbers.
    pub picture: u16,
    /// Added to VP8's numbers of the lowest layer.
    pub base: u8,
    /// Added to the number of the frame in the dependency descriptor.
    pub frame: u16,
}

/// The numbers of one receiver of one source.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// Highest number sent so far, one below the first.
    newest: u64,
    /// The last timestamp sent, and when.
    last: Option<(u32, Instant)>,
    /// Numbers of pictures sent last.
    pictures: (u16, u8),
    /// The number of the frame sent last, in the dependency descriptor.
    frame: Option<u16>,
    current: Option<Encoding>,
}

/// The current encoding: what is added to its numbers, and what was left out of it.
#[derive(Clone, Debug)]
struct Encoding {
    /// First packet of the encoding that was sent.
    first: u64,
    /// What that one became.
    start: u64,
    timestamp: u32,
    picture: u16,
    base: u8,
    frame: u16,
    packets: Thinned,
    /// Packets that went out with a marker.
    markers: Bits,
    /// Packets that were left out after their numbers had been skipped.
    padded: Bits,
    shown: Thinned,
    /// The newest picture, with roll-overs.
    newest_picture: u64,
    /// The newest packet.
    behind: Option<Behind>,
}

/// What is known of packets that are missing behind one.
#[derive(Clone, Copy, Debug)]
struct Behind {
    timestamp: u32,
    picture: Option<u64>,
    /// Those of the same picture are left out.
    left_out: bool,
    /// There are none of the same picture.
    ended: bool,
}

/// Numbers of VP8 that a packet came with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Number of the picture.
    pub picture: u16,
    /// How many bits it has: 7 or 15, or none without a number.
    pub bits: u8,
    /// Number of the last picture of the lowest layer.
    pub base: u8,
}

impl Rewriter {
    /// Begins behind `start`, which a random number should be. The highest bit of it is left out: receivers take the first
    /// packet for one of the first round, and one that is lost just before a wrap would lead them astray (RFC 3711 section
    /// 3.3.1).
    #[must_use]
    pub const fn new(start: u16) -> Self {
        Self { newest: (start & 0x7fff) as u64, last: None, pictures: (0, 0), frame: None, current: None }
    }

    /// The next packet to be sent is the first of another encoding, and begins a key frame.
    pub fn switch(&mut self) {
        self.current = None;
    }

    /// Numbers for a packet of the current encoding; `None` for one from before the switch, or one that was sent.
    pub fn next(&mut self, now: Instant, packet: &Incoming) -> Option<Numbers> {
        if self.current.is_none() {
            self.current = Some(self.begin(now, packet));
        }
        let numbers = self.current.as_mut()?.next(packet)?;
        if numbers.index > self.newest {
            self.newest = numbers.index;
            self.last = Some((numbers.timestamp, now));
            self.pictures = (
                packet.pictures.picture.wrapping_add(numbers.picture) & 0x7fff,
                packet.pictures.base.wrapping_add(numbers.base),
            );
            self.frame = packet.frame.map(|frame| frame.wrapping_add(numbers.frame)).or(self.frame);
        }
        Some(numbers)
    }

    /// Leaves out a packet of the current encoding. When its number was skipped before, it is told, to be padded.
    pub fn leave_out(&mut self, packet: &Incoming) -> Option<Numbers> {
        self.current.as_mut()?.leave_out(packet)
    }

    fn begin(&self, now: Instant, packet: &Incoming) -> Encoding {
        let Incoming { timestamp, pictures, .. } = *packet;
        let moved = match self.last {
            // Time went on for the receiver as it did for us, by one unit at least.
            Some((last, at)) => {
                let elapsed = now.saturating_duration_since(at).as_micros();
                let units = u64::try_from(elapsed).unwrap_or_default() * CLOCK / 1_000_000;
                last.wrapping_add(u32::try_from(units.max(1)).unwrap_or(u32::MAX)).wrapping_sub(timestamp)
            }
            None => 0,
        };
        let (picture, base) = match self.last {
            Some(_) => (
                self.pictures.0.wrapping_add(1).wrapping_sub(pictures.picture),
                self.pictures.1.wrapping_add(1).wrapping_sub(pictures.base),
            ),
            None => (0, 0),
        };
        let after = |(last, frame): (u16, u16)| last.wrapping_add(1).wrapping_sub(frame);
        Encoding {
            first: packet.index,
            start: self.newest + 1,
            timestamp: moved,
            picture,
            base,
            frame: self.frame.zip(packet.frame).map_or(0, after),
            packets: Thinned::default(),
            markers: Bits::default(),
            padded: Bits::default(),
            shown: Thinned::default(),
            newest_picture: PICTURES + u64::from(pictures.picture),
            behind: None,
        }
    }

    /// Numbers for a packet of the current encoding that is asked for: those it was sent with, or that were kept for it
    /// because it came before it was known that it would be needed. `None` for one that was left out.
    pub fn again(&mut self, packet: &Incoming) -> Option<Numbers> {
        let encoding = self.current.as_mut()?;
        if !encoding.packets.has(packet.index) {
            return encoding.next(packet);
        }
        let before = encoding.packets.before(packet.index)?;
        encoding.numbers(packet, before)
    }

    /// The number a packet of the current encoding was sent with, turned back; `None` for one of an older encoding.
    #[must_use]
    pub fn original(&self, index: u64) -> Option<u64> {
        let encoding = self.current.as_ref()?;
        encoding.packets.original(encoding.first + index.checked_sub(encoding.start)?)
    }

    /// The timestamp of the newest packet, and when it was sent.
    #[must_use]
    pub const fn last(&self) -> Option<(u32, Instant)> {
        self.last
    }

    /// The newest number that was sent.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// The same as 16 bits.
    #[must_use]
    pub const fn newest_sequence(&self) -> u16 {
        low(self.newest)
    }
}

impl Encoding {
    fn next(&mut self, packet: &Incoming) -> Option<Numbers> {
        packet.index.checked_sub(self.first)?;
        let picture = self.picture(packet.pictures);
        if self.packets.is_newest(packet.index) {
            let (timestamp, ended) = (packet.timestamp, packet.marker);
            self.behind = Some(Behind { timestamp, picture, left_out: ended, ended });
        }
        let before = self.packets.keep(packet.index)?;
        self.markers.set(packet.index, packet.marker);
        self.padded.set(packet.index, false);
        if let Some(picture) = picture {
            // All packets of a picture but the first do nothing here.
            let _before = self.shown.keep(picture);
            self.newest_picture = self.newest_picture.max(picture);
        }
        self.numbers(packet, before)
    }

    fn leave_out(&mut self, packet: &Incoming) -> Option<Numbers> {
        packet.index.checked_sub(self.first)?;
        let picture = self.picture(packet.pictures);
        if self.packets.is_newest(packet.index) {
            let (timestamp, ended) = (packet.timestamp, packet.marker);
            // Nothing that goes on is missing between packets of one picture, or of one and the next.
            let follows = |behind: Behind| {
                let next = behind.picture.zip(picture).is_some_and(|(last, this)| last + 1 == this);
                behind.timestamp == timestamp && behind.left_out || behind.ended && next
            };
            if self.behind.is_some_and(follows) {
                self.packets.leave_out_until(packet.index);
            }
            self.behind = Some(Behind { timestamp, picture, left_out: true, ended });
        }
        if let Some(picture) = picture {
            let _place = self.shown.leave_out(picture);
            self.newest_picture = self.newest_picture.max(picture);
        }
        let before = self.packets.leave_out(packet.index)?;
        self.markers.set(packet.index, false);
        self.padded.set(packet.index, true);
        self.numbers(packet, before)
    }

    fn numbers(&self, packet: &Incoming, before: u64) -> Option<Numbers> {
        let shown = self.picture(packet.pictures).and_then(|picture| self.shown.before(picture)).unwrap_or(0);
        #[expect(clippy::cast_possible_truncation, reason = "picture numbers wrap")]
        let shown = shown as u16;
        Some(Numbers {
            index: (self.start + packet.index.checked_sub(self.first)?).checked_sub(before)?,
            timestamp: packet.timestamp.wrapping_add(self.timestamp),
            marker: self.markers.get(packet.index),
            padding: self.padded.get(packet.index),
            picture: self.picture.wrapping_sub(shown),
            base: self.base,
            frame: self.frame,
        })
    }

    /// The number of a picture with its roll-overs: the one that is nearest to the newest.
    fn picture(&self, pictures: Pictures) -> Option<u64> {
        let unused = 16_u32.checked_sub(pictures.bits.into()).filter(|unused| *unused < 16)?;
        let step = pictures.picture.wrapping_sub(low(self.newest_picture)) << unused;
        Some(self.newest_picture.saturating_add_signed(i64::from(step.cast_signed() >> unused)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn packet(index: u64, timestamp: u32, picture: u16, base: u8) -> Incoming {
        Incoming {
            index,
            timestamp,
            marker: false,
            pictures: Pictures { picture, bits: 15, base },
            frame: None,
        }
    }

    #[test]
    fn a_switch_goes_on_in_numbers_and_time() {
        let start = crate::testing::start();
        let mut rewriter = Rewriter::new(100);
        let first = rewriter.next(start, &packet(5_000, 90_000, 40, 3)).unwrap();
        assert_eq!((low(first.index), first.timestamp, first.picture, first.base), (101, 90_000, 0, 0));
        let later = rewriter.next(start, &packet(5_002, 93_000, 41, 4)).unwrap();
        assert_eq!(low(later.index), 103, "a gap stays a gap");
        assert_eq!(low(rewriter.next(start, &packet(5_001, 93_000, 41, 4)).unwrap().index), 102);

        rewriter.switch();
        let moment = start + Duration::from_millis(20);
        let other = rewriter.next(moment, &packet(77, 1_000, 7, 200)).unwrap();
        assert_eq!((low(other.index), other.timestamp), (104, 93_000 + 1_800));
        assert_eq!(7_u16.wrapping_add(other.picture) & 0x7fff, 42);
        assert_eq!(200_u8.wrapping_add(other.base), 5);
        let late = rewriter.next(moment, &packet(76, 1_000, 6, 200));
        assert_eq!(late, None, "late, of before the key frame");
        assert_eq!(rewriter.original(other.index), Some(77));
    }

    #[test]
    fn frames_go_on_in_number_whichever_encoding_they_are_of() {
        let start = crate::testing::start();
        let mut rewriter = Rewriter::new(100);
        let sent = |rewriter: &mut Rewriter, index, frame: Option<u16>| {
            let packet = Incoming { frame, ..packet(index, 0, 0, 0) };
            let numbers = rewriter.next(start, &packet).unwrap();
            frame.map(|frame| frame.wrapping_add(numbers.frame))
        };
        assert_eq!(sent(&mut rewriter, 10, Some(65_534)), Some(65_534), "the first ones stay");
        assert_eq!(sent(&mut rewriter, 12, Some(65_535)), Some(65_535));
        assert_eq!(sent(&mut rewriter, 11, Some(65_534)), Some(65_534), "late");
        rewriter.switch();
        assert_eq!(sent(&mut rewriter, 500, Some(70)), Some(0));
        assert_eq!(sent(&mut rewriter, 501, Some(72)), Some(2), "one was left out");
        rewriter.switch();
        assert_eq!(sent(&mut rewriter, 900, None), None, "this encoding tells nothing");
        rewriter.switch();
        assert_eq!(sent(&mut rewriter, 20, Some(9_000)), Some(3));
    }

    #[test]
    fn what_is_left_out_leaves_no_gap_in_packets_and_pictures() {
        let start = crate::testing::start();
        for bits in [7, 15] {
            let packet = |index: u64, picture: u16| Incoming {
                index,
                timestamp: u32::from(picture) * 3000,
                marker: index.is_multiple_of(2),
                pictures: Pictures { picture: picture & ((1 << bits) - 1), bits, base: 0 },
                frame: None,
            };
            let mut rewriter = Rewriter::new(100);
            let sent = |numbers: Option<Numbers>, picture: u16| {
                let numbers = numbers.unwrap();
                (numbers.index, picture.wrapping_add(numbers.picture) & 0x7f, numbers.marker)
            };
            assert_eq!(sent(rewriter.next(start, &packet(10, 127)), 127), (101, 127, true));
            for index in [11, 13] {
                assert_eq!(rewriter.leave_out(&packet(index, 128)), None);
            }
            assert_eq!(rewriter.leave_out(&packet(12, 128)), None, "inside of what is left out");
            assert_eq!(sent(rewriter.next(start, &packet(14, 129)), 129), (102, 0, true));
            assert_eq!(sent(rewriter.next(start, &packet(17, 131)), 131), (105, 2, false));
            let padding =
                rewriter.leave_out(&packet(16, 130)).map(|numbers| (numbers.index, numbers.padding));
            assert_eq!(padding, Some((104, true)), "a gap was left for it");
            let again = rewriter.again(&packet(16, 130)).map(|numbers| (numbers.index, numbers.padding));
            assert_eq!(again, padding, "it stays padding when it is asked for");
            assert_eq!(rewriter.leave_out(&packet(16, 130)), None, "once");
            assert_eq!(sent(rewriter.again(&packet(14, 129)), 129), (102, 0, true), "as it was");
            assert_eq!(rewriter.again(&packet(12, 128)), None, "never sent");
            assert_eq!([101, 102, 105].map(|index| rewriter.original(index)), [10, 14, 17].map(Some));
        }
    }

    proptest! {
        /// Over any switches a receiver sees every number at most once, and the newest never goes back.
        #[test]
        fn no_number_is_used_twice(steps in prop::collection::vec((any::<bool>(), 0_u64..6, 0_u64..40), 1..200)) {
            let start = crate::testing::start();
            let mut rewriter = Rewriter::new(32_000);
            let (mut layer, mut at, mut seen) = (0_u64, 1_000_u64, std::collections::HashSet::new());
            let mut given = std::collections::HashSet::new();
            for (switch, step, millis) in steps {
                if switch {
                    layer += 1;
                    at = 10_000 * layer;
                    rewriter.switch();
                    seen.clear();
                }
                at += step;
                let now = start + Duration::from_millis(millis * (layer + 1));
                if !seen.insert(at) {
                    continue;
                }
                let before = rewriter.newest();
                if let Some(numbers) = rewriter.next(now, &packet(at, 0, 0, 0)) {
                    prop_assert!(given.insert(numbers.index));
                    prop_assert_eq!(rewriter.original(numbers.index), Some(at));
                }
                prop_assert!(rewriter.newest() >= before);
            }
        }
    }
}
