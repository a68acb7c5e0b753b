//! The payload descriptor of VP8 (RFC 7741 section 4.2), whose picture numbers have to go on over a change of layers.

/// Where the numbers of a packet are, and what they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Length of the descriptor, in bytes.
    pub length: usize,
    /// The packet is the first of its frame.
    pub starts_frame: bool,
    /// Number of the picture: where it is, its value, and whether it has 15 bits instead of 7.
    pub picture: Option<(usize, u16, bool)>,
    /// Number of the last picture of the lowest temporal layer: where it is, and its value.
    pub base: Option<(usize, u8)>,
    /// The temporal layer.
    pub temporal: Option<u8>,
    /// The frame builds upon nothing but the last picture of the lowest temporal layer (Y).
    pub sync: bool,
}

impl Descriptor {
    /// Reads the descriptor that a payload begins with; `None` when it is cut off.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut this =
            Self { length: 1, starts_frame: first & 0x10 != 0 && first & 0x07 == 0, ..Self::default() };
        if first & 0x80 == 0 {
            return Some(this);
        }
        let more = *payload.get(1)?;
        this.length = 2;
        if more & 0x80 != 0 {
            let high = *payload.get(this.length)?;
            let long = high & 0x80 != 0;
            let value = if long {
                u16::from_be_bytes([high & 0x7f, *payload.get(this.length + 1)?])
            } else {
                u16::from(high)
            };
            this.picture = Some((this.length, value, long));
            this.length += if long { 2 } else { 1 };
        }
        if more & 0x40 != 0 {
            this.base = Some((this.length, *payload.get(this.length)?));
            this.length += 1;
        }
        if more & 0x30 != 0 {
            let layer = *payload.get(this.length)?;
            this.temporal = (more & 0x20 != 0).then_some(layer >> 6);
            this.sync = more & 0x20 != 0 && layer & 0x20 != 0;
            this.length += 1;
        }
        Some(this)
    }

    /// Writes other numbers where these are.
    pub fn renumber(&self, payload: &mut [u8], picture: u16, base: u8) {
        let mut set = |at: usize, value: u8| {
            if let Some(byte) = payload.get_mut(at) {
                *byte = value;
            }
        };
        match self.picture {
            Some((at, _, true)) => {
                let [high, low] = picture.to_be_bytes();
                set(at, high | 0x80);
                set(at + 1, low);
            }
            Some((at, _, false)) => set(at, u8::try_from(picture & 0x7f).unwrap_or_default()),
            None => {}
        }
        if let Some((at, _)) = self.base {
            set(at, base);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found() {
        let payload = [0x90, 0xf0, 0x81, 0x02, 0x07, 0x40, 0xaa];
        let descriptor = Descriptor::parse(&payload).unwrap();
        let expected = Descriptor {
            length: 6,
            starts_frame: true,
            picture: Some((2, 0x0102, true)),
            base: Some((4, 7)),
            temporal: Some(1),
            sync: false,
        };
        assert_eq!(descriptor, expected);
        let layers: &[(&[u8], Option<u8>, bool)] = &[
            (&[0x80, 0x20, 0xa0], Some(2), true),
            (&[0x80, 0x20, 0x9f], Some(2), false),
            (&[0x80, 0x10, 0xff], None, false),
            (&[0x80, 0x80, 0x01], None, false),
        ];
        for (payload, temporal, sync) in layers {
            let descriptor = Descriptor::parse(payload).unwrap();
            assert_eq!((descriptor.temporal, descriptor.sync), (*temporal, *sync), "{payload:x?}");
        }
        assert_eq!(Descriptor::parse(&[0x90, 0xf0, 0x81]), None, "cut off");
    }

    proptest! {
        #[test]
        fn what_is_renumbered_is_read_back(
            mut payload in prop::collection::vec(any::<u8>(), 1..12), picture in 0_u16..0x8000, base: u8,
        ) {
            if let Some(before) = Descriptor::parse(&payload) {
                before.renumber(&mut payload, picture, base);
                let after = Descriptor::parse(&payload).unwrap();
                prop_assert_eq!((after.length, after.starts_frame), (before.length, before.starts_frame));
                let wanted = before.picture.map(|(at, _, long)| (at, if long { picture } else { picture & 0x7f }, long));
                prop_assert_eq!(after.picture, wanted);
                prop_assert_eq!(after.base, before.base.map(|(at, _)| (at, base)));
            }
        }
    }
}
