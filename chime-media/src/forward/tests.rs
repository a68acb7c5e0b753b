//! What one receiver gets of a layered encoding, against a model of the encoder.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::dependency::Structure;
use super::part::Part;
use super::rewrite::{Incoming, Numbers, Pictures, Rewriter};
use super::sieve::{Level, Sieve, Verdict};
use super::vp8;
use crate::sdp::VideoCodec;

/// As many packets as are kept to be sent again.
const KEPT: u64 = 256;

/// A frame is a spatial layer of a picture.
type Frame = (u64, u8);

/// A packet that the model has made.
#[derive(Clone, Debug)]
struct Packet {
    index: u64,
    frame: Frame,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
    /// The dependency descriptor.
    descriptor: Vec<u8>,
    /// The frames that its frame builds upon.
    upon: Vec<Frame>,
    begins: bool,
    ends: bool,
}

/// What the encoder does for one picture, and where the receiver is to go before it.
#[derive(Clone, Debug)]
struct Choice {
    key: bool,
    /// Its temporal layer builds upon the lowest only (VP8), or higher ones begin anew behind it (VP9, AV1).
    up: bool,
    /// Spatial layers from this one on build upon no earlier picture.
    refreshed: u8,
    temporal: u8,
    packets: [u8; 3],
    aim: Option<(u8, u8)>,
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let aim = prop::option::weighted(
        0.15,
        (prop_oneof![0_u8..3, Just(u8::MAX)], prop_oneof![0_u8..3, Just(u8::MAX)]),
    );
    let choice = (prop::bool::weighted(0.05), any::<bool>(), 1_u8..9, 0_u8..3, [1_u8..4, 1..4, 1..4], aim);
    let choice = choice.prop_map(|(key, up, refreshed, temporal, packets, aim)| Choice {
        key,
        up,
        refreshed,
        temporal,
        packets,
        aim,
    });
    prop::collection::vec(choice, 1..200)
}

/// An encoder of pictures with layers. Frames build upon all that the format allows them to.
#[derive(Debug)]
struct Encoder {
    codec: VideoCodec,
    spatial_layers: u8,
    /// Spatial layers are predicted from the one below in every picture, not in key pictures only.
    inter_layer: bool,
    last: [Option<u64>; 3],
    base: u8,
    packets: Vec<Packet>,
}

impl Encoder {
    fn new(codec: VideoCodec, spatial_layers: u8, inter_layer: bool) -> Self {
        let spatial_layers = if codec == VideoCodec::Vp9 { spatial_layers } else { 1 };
        Self { codec, spatial_layers, inter_layer, last: [None; 3], base: 250, packets: Vec::new() }
    }

    fn picture(&mut self, number: u64, choice: &Choice) {
        let key = choice.key || self.last[0].is_none();
        let temporal = if key { 0 } else { choice.temporal };
        let vp8 = self.codec == VideoCodec::Vp8;
        let up = choice.up && (!vp8 || temporal > 0);
        let mut upon: BTreeSet<u64> =
            self.last.iter().take(usize::from(temporal) + 1).flatten().copied().collect();
        if vp8 && up {
            upon = self.last[0].into_iter().collect();
        }
        if temporal == 0 {
            self.base = self.base.wrapping_add(1);
        }
        for spatial in 0..self.spatial_layers {
            let predicted = !key && spatial < choice.refreshed;
            let lower = spatial > 0 && (self.inter_layer || !predicted);
            let mut frames: Vec<Frame> =
                if predicted { upon.iter().map(|each| (*each, spatial)).collect() } else { Vec::new() };
            frames.extend(lower.then(|| (number, spatial - 1)));
            let count = choice.packets[usize::from(spatial)];
            for part in 0..count {
                let (begins, ends) = (part == 0, part + 1 == count);
                let picture = (0x8000 | number as u16).to_be_bytes();
                let bit = |value: bool, at: u8| u8::from(value) << at;
                let payload = match self.codec {
                    VideoCodec::Vp9 => {
                        let first = 0xa0 | bit(predicted, 6) | bit(begins, 3) | bit(ends, 2);
                        let layers = temporal << 5 | bit(up, 4) | spatial << 1 | bit(lower, 0);
                        vec![first, picture[0], picture[1], layers, self.base, 0]
                    }
                    VideoCodec::Vp8 => {
                        let layers = temporal << 6 | bit(up, 5);
                        let first = 0x80 | bit(begins, 4);
                        vec![first, 0xe0, picture[0], picture[1], self.base, layers, bit(!key, 0)]
                    }
                    _ => vec![bit(!begins, 7) | bit(key && begins, 3)],
                };
                let descriptor = match self.codec {
                    VideoCodec::Av1 => descriptor(key && begins, begins, ends, number as u16, temporal, up),
                    _ => Vec::new(),
                };
                self.packets.push(Packet {
                    index: 60_000 + self.packets.len() as u64,
                    frame: (number, spatial),
                    timestamp: u32::MAX.wrapping_sub(100_000).wrapping_add(number as u32 * 3000),
                    marker: ends && spatial + 1 == self.spatial_layers,
                    payload,
                    descriptor,
                    upon: frames.clone(),
                    begins,
                    ends,
                });
            }
        }
        if key {
            self.last = [Some(number); 3];
        }
        self.last[usize::from(temporal)] = Some(number);
        if !vp8 && up {
            // They begin anew from what is as low as this.
            let floor = usize::from(temporal) + 1;
            self.last[floor..].fill(None);
        }
    }
}

/// A dependency descriptor of one spatial layer with three temporal ones: a template for each, and the decode targets that
/// may begin with the frame.
fn descriptor(key: bool, begins: bool, ends: bool, number: u16, temporal: u8, up: bool) -> Vec<u8> {
    let bit = |value: bool| if value { "1" } else { "0" };
    let mut bits = format!("{}{}{temporal:06b}{number:016b}", bit(begins), bit(ends));
    bits += &format!("{}0{}{}0", bit(key), bit(!key), bit(!key));
    if key {
        // Layers; indications; references, none of the first; no chains, no sizes.
        bits += "00000000010 010111 101010001010000010 0100000100000 00 0";
    } else {
        let above = if up { "10" } else { "11" };
        for target in 0..3 {
            bits += if target < temporal {
                "00"
            } else if target == temporal {
                "11"
            } else {
                above
            };
        }
        bits += "01000000";
    }
    super::dependency::bytes(&bits)
}

/// The forwarder's side for one receiver.
#[derive(Debug)]
struct Receiver {
    codec: VideoCodec,
    structure: Option<Structure>,
    sieve: Sieve,
    rewriter: Rewriter,
}

/// What became of a packet.
#[derive(Debug)]
enum Fate {
    Sent(Numbers),
    Padded(Numbers),
    Nothing,
}

impl Receiver {
    fn new(codec: VideoCodec) -> Self {
        Self { codec, structure: None, sieve: Sieve::default(), rewriter: Rewriter::new(32_700) }
    }

    fn incoming(&self, packet: &Packet) -> Incoming {
        let vp8 = vp8::Descriptor::parse(&packet.payload).filter(|_| self.codec == VideoCodec::Vp8);
        let pictures = vp8.map(|descriptor| Pictures {
            picture: descriptor.picture.unwrap().1,
            bits: 15,
            base: descriptor.base.unwrap().1,
        });
        let (index, timestamp, marker) = (packet.index, packet.timestamp, packet.marker);
        Incoming { index, timestamp, marker, pictures: pictures.unwrap_or_default(), frame: None }
    }

    fn packet(&mut self, packet: &Packet) -> Fate {
        let part = Part::read(self.codec, &packet.payload, &packet.descriptor, &mut self.structure);
        let mut incoming = self.incoming(packet);
        // A structure that is lost leaves layers untold.
        match part.map_or(Verdict::Pass { last: false }, |part| self.sieve.sift(packet.timestamp, &part)) {
            Verdict::LeaveOut => match self.rewriter.leave_out(&incoming) {
                Some(numbers) => Fate::Padded(numbers),
                None => Fate::Nothing,
            },
            Verdict::Pass { last } => {
                incoming.marker |= last;
                match self.rewriter.next(crate::testing::start(), &incoming) {
                    Some(numbers) => Fate::Sent(numbers),
                    None => Fate::Nothing,
                }
            }
        }
    }
}

fn codecs() -> impl Strategy<Value = VideoCodec> {
    prop::sample::select(vec![VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1])
}

fn level((spatial, temporal): (u8, u8)) -> Level {
    Level { spatial, temporal }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Without loss: numbers and pictures without gaps, whole frames whose references went out, one marker at each end.
    #[test]
    fn what_a_receiver_gets_can_be_decoded(choices in choices(), codec in codecs(), layers in 1_u8..4, inter_layer: bool) {
        let mut encoder = Encoder::new(codec, layers, inter_layer);
        let mut receiver = Receiver::new(codec);
        let mut sent: Vec<(Packet, Numbers)> = Vec::new();
        let mut whole: BTreeMap<Frame, bool> = BTreeMap::new();
        for (number, choice) in (0x7ff0..).zip(&choices) {
            if let Some(aim) = choice.aim {
                receiver.sieve.aim(level(aim));
            }
            let before = encoder.packets.len();
            encoder.picture(number, choice);
            for packet in &encoder.packets[before..] {
                match receiver.packet(packet) {
                    Fate::Sent(numbers) => sent.push((packet.clone(), numbers)),
                    Fate::Padded(_) => prop_assert!(false, "nothing came late"),
                    Fate::Nothing => {
                        prop_assert_ne!(whole.get(&packet.frame), Some(&false), "a frame is cut");
                        continue;
                    }
                }
                let begun = sent.iter().rev().nth(1).is_some_and(|(last, _)| last.frame == packet.frame);
                prop_assert!(begun || !whole.contains_key(&packet.frame));
                prop_assert!(begun || packet.begins, "its first packet is missing");
                whole.insert(packet.frame, packet.ends);
                for upon in &packet.upon {
                    prop_assert_eq!(whole.get(upon), Some(&true), "{:?} builds upon {:?}", packet.frame, upon);
                }
            }
        }
        for pair in sent.windows(2) {
            let [(last, before), (packet, numbers)] = pair else { unreachable!() };
            prop_assert_eq!(numbers.index, before.index + 1);
            prop_assert_eq!(before.marker, last.frame.0 != packet.frame.0, "{:?} {:?}", last, packet);
            if packet.index + KEPT > encoder.packets.last().unwrap().index {
                prop_assert_eq!(receiver.rewriter.original(numbers.index), Some(packet.index));
                prop_assert_eq!(receiver.rewriter.again(&receiver.incoming(packet)), Some(*numbers), "as it was");
            }
            prop_assert_eq!(numbers.base, 0, "the lowest layer is whole");
            if codec == VideoCodec::Vp8 {
                let picture = |packet: &Packet, numbers: &Numbers| (packet.frame.0 as u16).wrapping_add(numbers.picture) & 0x7fff;
                let step = picture(packet, numbers).wrapping_sub(picture(last, before)) & 0x7fff;
                prop_assert_eq!(step, u16::from(last.frame.0 != packet.frame.0));
            }
        }
        prop_assert!(sent.last().is_none_or(|(_, numbers)| numbers.marker));
    }

    /// Whatever is lost, late or repeated: no number goes out twice, and what is asked for is what was sent.
    #[test]
    fn no_number_is_used_twice(
        choices in choices(), codec in codecs(), order in prop::collection::vec((0_usize..12, 0_u8..20), 1200),
    ) {
        let mut encoder = Encoder::new(codec, 3, true);
        let mut receiver = Receiver::new(codec);
        let mut aims = Vec::new();
        for (number, choice) in (0x7ff0..).zip(&choices) {
            encoder.picture(number, choice);
            aims.resize(encoder.packets.len() - 1, None);
            aims.push(choice.aim);
        }
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (place, (late, lost)) in order.iter().enumerate().take(encoder.packets.len()) {
            let late = if *late < 9 { 0 } else { *late };
            if *lost > 0 || place == 0 {
                places.push((place + late, place));
            }
            if *lost == 1 {
                places.push((place + late + 9, place));
            }
        }
        places.sort_unstable();
        let mut sent: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
        for (_, place) in places {
            if let Some(aim) = aims[place] {
                receiver.sieve.aim(level(aim));
            }
            let packet = &encoder.packets[place];
            let (numbers, padded) = match receiver.packet(packet) {
                Fate::Sent(numbers) => (numbers, false),
                Fate::Padded(numbers) => (numbers, true),
                Fate::Nothing => continue,
            };
            prop_assert_eq!(sent.insert(numbers.index, (packet.index, padded)), None);
            prop_assert_eq!(numbers.padding, padded);
        }
        for (number, (index, padded)) in &sent {
            let original = receiver.rewriter.original(*number);
            if let Some(original) = original.filter(|_| index + KEPT > 60_000 + encoder.packets.len() as u64) {
                prop_assert_eq!(original, *index);
                let packet = &encoder.packets[usize::try_from(original - 60_000).unwrap()];
                let again = receiver.rewriter.again(&receiver.incoming(packet)).unwrap();
                prop_assert_eq!((again.index, again.padding), (*number, *padded));
            }
        }
    }
}
