//! Whatever a client sends on an established session, the session ends or goes on, and the server stays whole.
#![no_main]

use chime_fuzz::with_world;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| with_world(|world| world.session(data)));
