//! Packets of RTP: whatever their header and payload say, reading them stays inside of them.
#![no_main]

use chime_media::forward::keyframe::begins_keyframe;
use chime_media::forward::sieve::{Level, Part, Sieve};
use chime_media::forward::vp8::Descriptor;
use chime_media::forward::vp9;
use chime_media::rtp::packet::{Header, kind};
use chime_media::sdp::VideoCodec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _kind = kind(data);
    let payload = match Header::parse(data) {
        Some(header) => {
            let octets: usize = header.extensions(data).map(|(_, value)| value.len()).sum();
            assert!(octets <= header.length && header.length <= data.len());
            header.payload(data).unwrap_or_default()
        }
        None => data,
    };
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::H264(0x42e0), VideoCodec::Av1] {
        let _either = begins_keyframe(codec, payload);
    }
    if let Some(descriptor) = vp9::Descriptor::parse(payload) {
        assert!(descriptor.length <= payload.len());
    }
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9] {
        let mut sieve = Sieve::default();
        for (part, number) in payload.chunks(7).filter_map(|chunk| Part::read(codec, chunk)).zip([0, 1 << 31, 7].iter().cycle()) {
            sieve.aim(Level { spatial: part.temporal, temporal: part.spatial });
            let _verdict = sieve.sift(*number, &part);
        }
    }
    if let Some(descriptor) = Descriptor::parse(payload) {
        assert!(descriptor.length <= payload.len());
        descriptor.renumber(&mut payload.to_vec(), 7, 7);
    }
});
