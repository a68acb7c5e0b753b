//! The payload descriptor of VP9 (RFC 9628 section 4.2): which picture and which layers a packet is of.

/// Most pictures that a frame may say it builds upon.
const MOST_REFERENCES: usize = 3;

/// What a descriptor says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Length of the descriptor, in bytes.
    pub length: usize,
    /// The picture's number (I), and whether it has 15 bits instead of 7 (M).
    pub picture: Option<(u16, bool)>,
    /// The frame builds upon frames of earlier pictures (P).
    pub predicted: bool,
    /// The packet tells itself which pictures its frame builds upon (F).
    pub flexible: bool,
    /// The packet is the first of its frame (B): a frame is one spatial layer of a picture.
    pub begins: bool,
    /// The packet is the last of its frame (E).
    pub ends: bool,
    /// The layers (L).
    pub layers: Option<Layers>,
    /// Number of the last picture of the lowest temporal layer; not in flexible mode.
    pub base: Option<u8>,
    /// How many pictures before this one those are that it builds upon; zero is none. In flexible mode only.
    pub references: [u8; MOST_REFERENCES],
}

/// The layers that a packet is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// The temporal layer, 0 to 7.
    pub temporal: u8,
    /// From here on, pictures of higher temporal layers build upon none of these before this one (U).
    pub switches_up: bool,
    /// The spatial layer, 0 to 7.
    pub spatial: u8,
    /// The frame builds upon the next lower spatial layer of its picture (D).
    pub upon_lower: bool,
}

impl Descriptor {
    /// Reads the descriptor that a payload begins with; `None` when it is cut off, or refers to more than three pictures.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut rest = payload.iter().copied();
        let first = rest.next()?;
        let mut this = Self {
            predicted: first & 0x40 != 0,
            flexible: first & 0x10 != 0,
            begins: first & 0x08 != 0,
            ends: first & 0x04 != 0,
            ..Self::default()
        };
        if first & 0x80 != 0 {
            let high = rest.next()?;
            let long = high & 0x80 != 0;
            let value = if long { u16::from_be_bytes([high & 0x7f, rest.next()?]) } else { u16::from(high) };
            this.picture = Some((value, long));
        }
        if first & 0x20 != 0 {
            let layers = rest.next()?;
            this.layers = Some(Layers {
                temporal: layers >> 5,
                switches_up: layers & 0x10 != 0,
                spatial: layers >> 1 & 0x07,
                upon_lower: layers & 0x01 != 0,
            });
            if !this.flexible {
                this.base = Some(rest.next()?);
            }
        }
        if this.flexible && this.predicted {
            let mut more = true;
            let mut places = this.references.iter_mut();
            while more {
                let reference = rest.next()?;
                *places.next()? = reference >> 1;
                more = reference & 0x01 != 0;
            }
        }
        if first & 0x02 != 0 {
            structure(&mut rest)?;
        }
        this.length = payload.len() - rest.len();
        Some(this)
    }
}

/// Passes over the scalability structure: sizes of the spatial layers, and the pictures of a group.
fn structure(rest: &mut impl Iterator<Item = u8>) -> Option<()> {
    let head = rest.next()?;
    if head & 0x10 != 0 {
        for _ in 0..4 * (usize::from(head >> 5) + 1) {
            rest.next()?;
        }
    }
    if head & 0x08 != 0 {
        for _ in 0..rest.next()? {
            let picture = rest.next()?;
            for _ in 0..picture >> 2 & 0x03 {
                rest.next()?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn descriptors_are_read() {
        let layers = |temporal, switches_up, spatial, upon_lower| {
            Some(Layers { temporal, switches_up, spatial, upon_lower })
        };
        let none = Descriptor::default();
        let cases: &[(&[u8], Descriptor)] = &[
            (&[0x0c], Descriptor { length: 1, begins: true, ends: true, ..none }),
            (&[0x80, 0x7f, 9], Descriptor { length: 2, picture: Some((0x7f, false)), ..none }),
            (&[0x80, 0x81, 0x02, 9], Descriptor { length: 3, picture: Some((0x0102, true)), ..none }),
            // Not flexible: I L B, layers T=2 U=1 S=1 D=1, TL0PICIDX.
            (
                &[0xa8, 0x81, 0x02, 0x53, 0x07, 9],
                Descriptor {
                    length: 5,
                    picture: Some((0x0102, true)),
                    begins: true,
                    layers: layers(2, true, 1, true),
                    base: Some(7),
                    ..none
                },
            ),
            // Flexible: I P L F E, layers T=1 S=2, two references.
            (
                &[0xf4, 0x81, 0x02, 0x24, 0x03, 0x04, 9],
                Descriptor {
                    length: 6,
                    picture: Some((0x0102, true)),
                    predicted: true,
                    flexible: true,
                    ends: true,
                    layers: layers(1, false, 2, false),
                    references: [1, 2, 0],
                    ..none
                },
            ),
            // A key picture with its structure: two layers with their sizes, a group of two pictures.
            (
                &[0xaa, 0x05, 0x00, 0x07, 0x38, 0, 160, 0, 90, 1, 64, 0, 180, 2, 0x04, 2, 0x58, 1, 2, 0x82],
                Descriptor {
                    length: 19,
                    picture: Some((5, false)),
                    begins: true,
                    layers: layers(0, false, 0, false),
                    base: Some(7),
                    ..none
                },
            ),
        ];
        for (payload, expected) in cases {
            assert_eq!(Descriptor::parse(payload), Some(*expected), "{payload:x?}");
            for cut in 0..expected.length {
                assert_eq!(Descriptor::parse(&payload[..cut]), None, "{payload:x?} cut to {cut}");
            }
        }
        assert_eq!(Descriptor::parse(&[0x50, 0x03, 0x03, 0x03, 0x02]), None, "four references");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(descriptor) = Descriptor::parse(&payload) {
                prop_assert!(descriptor.length <= payload.len());
            }
        }
    }
}
