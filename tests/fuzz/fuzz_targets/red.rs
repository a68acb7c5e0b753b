//! Redundant audio that is read is written as it was.
#![no_main]

use chime_media::audio::red::{Red, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(red) = Red::parse(data) else { return };
    let mut out = Vec::new();
    assert_eq!(write(red.blocks(), red.primary_type, red.primary, &mut out), Ok(()));
    assert_eq!(out, data);
});
