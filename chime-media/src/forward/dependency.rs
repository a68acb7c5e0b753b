//! The dependency descriptor, a header extension by which frames and layers are told whatever the codec (RTP payload format
//! for AV1, appendix A): AV1's layers stand nowhere else, and browsers that send it leave them out of VP8's payloads.

/// Bits of a template's number, and of a frame's.
const TEMPLATE: u32 = 6;
const FRAME: u32 = 16;
/// Octets of a descriptor that says nothing but the template.
const SHORT: usize = 3;
/// Most templates there can be numbers for.
const TEMPLATES: usize = 64;

/// What frames a structure foresees, told with each key frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Number of the first template.
    offset: u32,
    /// The temporal layer of each decode target.
    targets: Vec<u8>,
    templates: Vec<Template>,
}

/// A kind of frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Template {
    spatial: u8,
    temporal: u8,
    /// Two bits for each decode target, the first one lowest: what the frame is to it.
    indications: u64,
    predicted: bool,
}

/// What a packet's descriptor says of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The spatial layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// The frame builds upon another one.
    pub predicted: bool,
    /// From here on, frames of higher temporal layers build upon none of these before this one.
    pub switches_up: bool,
    /// The packet is the last of its frame.
    pub ends: bool,
}

/// The number of a descriptor's frame.
#[must_use]
pub fn frame_number(value: &[u8]) -> Option<u16> {
    let [_, high, low, ..] = value else { return None };
    Some(u16::from_be_bytes([*high, *low]))
}

/// A descriptor with so much added to the number of its frame.
#[must_use]
pub fn renumbered(value: &[u8], added: u16) -> Vec<u8> {
    let mut value = value.to_vec();
    let number = frame_number(&value).map(|number| number.wrapping_add(added).to_be_bytes());
    if let (Some(number), Some(place)) = (number, value.get_mut(1..3)) {
        place.copy_from_slice(&number);
    }
    value
}

impl Dependency {
    /// Reads a descriptor. `structure` is what was told of the encoding last, and is replaced by what this one brings. `None`
    /// for what is cut off, or of another structure.
    pub fn parse(value: &[u8], structure: &mut Option<Structure>) -> Option<Self> {
        let mut bits = Bits { value, at: 0 };
        let _starts = bits.flag()?;
        let ends = bits.flag()?;
        let number = bits.take(TEMPLATE)?;
        bits.take(FRAME)?;
        let (mut own_indications, mut own_references) = (false, false);
        if value.len() > SHORT {
            let [brings, active] = [bits.flag()?, bits.flag()?];
            (own_indications, own_references) = (bits.flag()?, bits.flag()?);
            bits.flag()?;
            if brings {
                *structure = Some(Structure::read(&mut bits)?);
            }
            if active {
                bits.take(u32::try_from(structure.as_ref()?.targets.len()).ok()?)?;
            }
        }
        let structure = structure.as_ref()?;
        let place = (number + (1 << TEMPLATE) - structure.offset) % (1 << TEMPLATE);
        let mut frame = *structure.templates.get(usize::try_from(place).ok()?)?;
        if own_indications {
            frame.indications = bits.indications(structure.targets.len())?;
        }
        if own_references {
            frame.predicted = false;
            loop {
                match bits.take(2)? {
                    0 => break,
                    size => bits.take(4 * size)?,
                };
                frame.predicted = true;
            }
        }
        let Template { spatial, temporal, predicted, .. } = frame;
        Some(Self { spatial, temporal, predicted, switches_up: structure.switches_up(&frame), ends })
    }
}

impl Structure {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let offset = bits.take(TEMPLATE)?;
        let targets = usize::try_from(bits.take(5)? + 1).ok()?;
        let mut templates = Vec::new();
        let mut template = Template::default();
        loop {
            templates.push(template);
            match bits.take(2)? {
                _ if templates.len() > TEMPLATES => return None,
                0 => {}
                1 => template.temporal += 1,
                2 => (template.spatial, template.temporal) = (template.spatial + 1, 0),
                _ => break,
            }
        }
        for template in &mut templates {
            template.indications = bits.indications(targets)?;
        }
        for template in &mut templates {
            while bits.flag()? {
                bits.take(4)?;
                template.predicted = true;
            }
        }
        let chains = bits.below(u32::try_from(targets).ok()? + 1)?;
        if chains > 0 {
            for _ in 0..targets {
                bits.below(chains)?;
            }
            for _ in 0..templates.len() {
                bits.take(4 * chains)?;
            }
        }
        if bits.flag()? {
            for _ in 0..=template.spatial {
                bits.take(32)?;
            }
        }
        let highest = |target: usize| {
            let of = templates.iter().filter(|template| indication(template.indications, target) > 0);
            of.map(|template| template.temporal).max().unwrap_or_default()
        };
        let targets = (0..targets).map(highest).collect();
        Some(Self { offset, targets, templates })
    }

    /// Whether whoever gets the frame may go over to all decode targets it is of.
    fn switches_up(&self, frame: &Template) -> bool {
        /// It is no part of the target; the target may begin with it.
        const ABSENT: u64 = 0;
        const SWITCH: u64 = 2;
        let mut higher = (0..).zip(&self.targets).filter(|(_, temporal)| **temporal > frame.temporal);
        let mut any = false;
        higher.all(|(target, _)| {
            let told = indication(frame.indications, target);
            any |= told == SWITCH;
            told == ABSENT || told == SWITCH
        }) && any
    }
}

fn indication(indications: u64, target: usize) -> u64 {
    indications >> (2 * target) & 0x03
}

/// Bits, the highest of each byte first.
#[derive(Debug)]
struct Bits<'a> {
    value: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        let byte = self.value.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// So many bits; of more than 32 the last.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    /// A number below `limit`, of which the lower ones have a bit less.
    fn below(&mut self, limit: u32) -> Option<u32> {
        let width = u32::BITS - limit.leading_zeros();
        let short = (1 << width) - limit;
        let value = self.take(width.checked_sub(1)?)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1 | u32::from(self.flag()?)) - short)
    }

    fn indications(&mut self, targets: usize) -> Option<u64> {
        (0..targets).try_fold(0, |all, target| Some(all | u64::from(self.take(2)?) << (2 * target)))
    }
}

/// Bytes of bits, which may be grouped.
#[cfg(test)]
pub(super) fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    bits.chunks(8).map(|byte| byte.iter().zip((0..8).rev()).map(|(bit, at)| bit << at).sum()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One spatial layer with three temporal ones, as the specification's example has it, numbered from 62 on.
    fn structure() -> String {
        let layers = "00 01 01 00 11";
        let indications = "10 10 10  10 10 10  00 01 10  00 00 01  00 00 01";
        let references = "0  1 0011 0  1 0001 0  1 0000 0  1 0000 0";
        // One chain, which protects all three decode targets.
        let chains = "01  0000 0100 0010 0001 0011";
        format!("111110 00010 {layers} {indications} {references} {chains} 0")
    }

    #[test]
    fn frames_are_found_by_their_templates() {
        let mut known = None;
        assert_eq!(Dependency::parse(&bytes("11 111110 0000000000000001"), &mut known), None, "of what?");
        let key = format!("10 111110 0000000000000001 10000 {}", structure());
        let frame = |temporal, predicted, switches_up, ends| {
            Some(Dependency { spatial: 0, temporal, predicted, switches_up, ends })
        };
        assert_eq!(Dependency::parse(&bytes(&key), &mut known), frame(0, false, true, false));
        let cases = [
            ("01 111110 0000000000000001", frame(0, false, true, true)),
            ("11 000001 0000000000000010", frame(2, true, false, true)),
            ("11 000000 0000000000000011", frame(1, true, true, true)),
            ("11 000010 0000000000000100", frame(2, true, false, true)),
            ("11 111111 0000000000000101", frame(0, true, true, true)),
            ("11 000011 0000000000000101", None),
            ("11 111101 0000000000000101", None),
            // With active decode targets, other indications and references.
            (
                "11 111111 0000000000000101 01110 111 10 11 11 01 0101 10 00000001 00",
                frame(0, true, false, true),
            ),
            // One that only some of the higher layers may begin with.
            ("11 111111 0000000000000101 00100 10 10 11", frame(0, true, false, true)),
            ("11 000000 0000000000000101 00010 00", frame(1, false, true, true)),
            ("11 000000 0000000000000101 00010 01", None),
        ];
        for (descriptor, expected) in cases {
            assert_eq!(Dependency::parse(&bytes(descriptor), &mut known), expected, "{descriptor}");
        }
        let whole = bytes(&key);
        for cut in 0..whole.len() {
            assert_eq!(Dependency::parse(&whole[..cut], &mut None), None, "cut to {cut}");
        }
    }

    #[test]
    fn a_frame_gets_another_number_and_keeps_the_rest() {
        let told = [0xc5, 0xff, 0xfe, 0x80, 7];
        assert_eq!(frame_number(&told), Some(0xfffe));
        assert_eq!(renumbered(&told, 3), [0xc5, 0, 1, 0x80, 7]);
        assert_eq!(renumbered(&told[..2], 3), told[..2], "cut off");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            values in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..120)), 1..4),
        ) {
            let mut known = None;
            for (extended, mut value) in values {
                if let (true, Some(flags)) = (extended, value.get_mut(3)) {
                    *flags |= 0x80;
                }
                let _either = Dependency::parse(&value, &mut known);
            }
        }
    }
}
