//! Whatever the form of a signed IAM or STS call is, the answer is never a 5xx.
#![no_main]

use chime_fuzz::with_world;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| with_world(|world| world.query(data)));
