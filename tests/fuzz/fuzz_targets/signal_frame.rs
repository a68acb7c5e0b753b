//! A signaling frame that is read is written as it was understood.
#![no_main]

use chime_media::signal::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let message = [&[5], data].concat();
    if let Ok(frame) = decode(&message) {
        // Not compared as values: a number that is none is not equal to itself.
        let written = encode(&frame);
        assert_eq!(decode(&written).map(|frame| encode(&frame)).as_ref(), Ok(&written));
    }
});
