//! Each file asks one question of the mix.

mod buffer;
mod delay;
mod limiter;
mod pcm;
mod room;
mod roster;
mod signal;
#[cfg(feature = "opus")]
mod sound;
#[cfg(feature = "opus")]
mod switch;
mod world;
mod wrapped;
