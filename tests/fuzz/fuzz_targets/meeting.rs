//! A whole meeting: frames, datagrams, and packets behind good keys. Nothing breaks it, and who keeps to the rules stays.
#![no_main]

use chime_fuzz::media::with_media;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| with_media(|media| media.run(data)));
