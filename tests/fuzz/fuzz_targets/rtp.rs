//! Packets of RTP: whatever their header and payload say, reading them stays inside of them.
#![no_main]

use chime_media::forward::keyframe::begins_keyframe;
use chime_media::forward::part::Part;
use chime_media::forward::sieve::{Level, Sieve};
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
    // Seven bytes are a payload, the next seven a descriptor of a header extension.
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1] {
        let (mut sieve, mut structure) = (Sieve::default(), None);
        let described = Part::read(codec, &[], payload, &mut structure);
        let pairs = payload.chunks(14).map(|chunk| chunk.split_at(chunk.len() / 2));
        let parts = pairs.filter_map(|(payload, told)| Part::read(codec, payload, told, &mut structure));
        for (part, number) in described.into_iter().chain(parts).zip([0, 1 << 31, 7].iter().cycle()) {
            sieve.aim(Level { spatial: part.temporal, temporal: part.spatial });
            let _verdict = sieve.sift(*number, &part);
        }
    }
    if let Some(descriptor) = Descriptor::parse(payload) {
        assert!(descriptor.length <= payload.len());
        descriptor.renumber(&mut payload.to_vec(), 7, 7);
    }
});
