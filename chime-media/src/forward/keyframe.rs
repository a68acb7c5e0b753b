//! Whether a packet begins a picture that can be decoded on its own.

use super::{vp8, vp9};
use crate::sdp::VideoCodec;

/// Whether the payload is the first packet of a key frame.
#[must_use]
pub fn begins_keyframe(codec: VideoCodec, payload: &[u8]) -> bool {
    match codec {
        VideoCodec::Vp8 => vp8::Descriptor::parse(payload).is_some_and(|descriptor| {
            descriptor.starts_frame && payload.get(descriptor.length).is_some_and(|first| first & 1 == 0)
        }),
        VideoCodec::Vp9 => vp9(payload),
        VideoCodec::H264(_) => h264(payload),
        // Aggregation header (AV1 over RTP, section 4.4): N, the first packet of a coded video sequence.
        VideoCodec::Av1 => payload.first().is_some_and(|header| header & 0x08 != 0),
    }
}

/// VP9 (RFC 9628): the beginning of a frame of the lowest spatial layer that does not build upon earlier pictures.
fn vp9(payload: &[u8]) -> bool {
    vp9::Descriptor::parse(payload).is_some_and(|descriptor| {
        descriptor.begins
            && !descriptor.predicted
            && descriptor.layers.is_none_or(|layers| layers.spatial == 0)
    })
}

/// H.264 (RFC 6184): an IDR picture or the parameter sets before it, alone, aggregated, or in fragments.
fn h264(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const PARAMETERS: u8 = 7;
    let key = |kind: u8| kind == IDR || kind == PARAMETERS;
    match payload {
        [first, rest @ ..] if first & 0x1f == 24 => {
            let mut rest = rest;
            while let [high, low, unit @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if unit.first().is_some_and(|first| key(first & 0x1f)) {
                    return true;
                }
                rest = unit.get(length..).unwrap_or_default();
            }
            false
        }
        [first, second, ..] if first & 0x1f == 28 => second & 0x80 != 0 && key(second & 0x1f),
        [first, ..] => key(first & 0x1f),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn beginnings_of_key_frames_are_recognized() {
        let h264 = VideoCodec::H264(0x42e0);
        let cases: &[(VideoCodec, &[u8], bool)] = &[
            (VideoCodec::Vp8, &[0x10, 0x00], true),
            (VideoCodec::Vp8, &[0x10, 0x01], false),
            (VideoCodec::Vp8, &[0x00, 0x00], false),
            (VideoCodec::Vp8, &[0x90, 0x80, 0x81, 0x02, 0x50], true),
            (VideoCodec::Vp9, &[0x88, 0x05], true),
            (VideoCodec::Vp9, &[0xc8, 0x05], false),
            (VideoCodec::Vp9, &[0xa8, 0x81, 0x05, 0x02, 0x07], false),
            (VideoCodec::Vp9, &[0xa8, 0x81, 0x05, 0x00, 0x07], true),
            (h264, &[0x65, 0x88], true),
            (h264, &[0x67, 0x42], true),
            (h264, &[0x61, 0x42], false),
            (h264, &[0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68], true),
            (h264, &[0x78, 0, 1, 0x61], false),
            (h264, &[0x7c, 0x85], true),
            (h264, &[0x7c, 0x05], false),
            (VideoCodec::Av1, &[0x08], true),
            (VideoCodec::Av1, &[0x00], false),
            (VideoCodec::Av1, &[], false),
        ];
        for (codec, payload, expected) in cases {
            assert_eq!(begins_keyframe(*codec, payload), *expected, "{codec:?} {payload:x?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in prop::collection::vec(any::<u8>(), 0..40)) {
            for codec in [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::H264(0x4200), VideoCodec::Av1] {
                let _either = begins_keyframe(codec, &payload);
            }
        }
    }
}
