//! Whatever the body of a signed request is, the answer is typed and never a 5xx.
#![no_main]

use chime_fuzz::with_world;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| with_world(|world| world.call("/channels", Some(world.user()), data)));
