//! Each file asks one question of the mix.

#[cfg(feature = "opus")]
mod alone;
mod buffer;
mod delay;
#[cfg(feature = "noise-suppression")]
mod denoise;
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
