//! What can be tuned.

use std::time::Duration;

use super::Channels;

/// The settings of a room. Start from [`Config::default`].
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How many attendees are decoded and mixed at a time; 5. Each costs a decode and an encode per tick.
    pub max_talkers: usize,
    /// How many screen shares are decoded at a time; 2.
    pub max_contents: usize,
    /// Channels of the mix; stereo. Speech is coded as mono in either.
    pub channels: Channels,
    /// The level below which an attendee counts as silent, in dB below full scale; 60. Lower keeps noise out and cuts off
    /// those who are far from their microphone.
    pub silence_level: u8,
    /// How long a talker keeps his place after he was last louder than that; 600 ms. Shorter cuts off word ends.
    pub talker_hold: Duration,
    /// How much louder another must be to take a place, in dB; 6. Lower gives more changes of places.
    pub takeover_margin: u8,
    /// Bit rate while only people talk, in bit/s; 40,000, the most that RFC 7587 advises for speech. Below some 20,000 the
    /// coder takes three times as long: see [`EncoderSettings`](super::EncoderSettings).
    pub speech_bitrate: u32,
    /// Bit rate while a screen share sounds, in bit/s; 128,000.
    pub music_bitrate: u32,
    /// The encoders' effort, 0 to 10; 5. Below 4 the coder leaves out what keeps tones at their level. [`Room::set_complexity`](super::Room::set_complexity) changes it under load.
    pub complexity: u8,
    /// How long one who left the mix keeps his own encoder; 300 ms. Shorter makes the change-over audible.
    pub fold_back: Duration,
    /// Whether a voice that is heard alone is passed on as its sender coded it, which saves the encoder; true. It is coded
    /// anew while a listener loses packets, with noise suppression, and wherever its stream is not whole.
    pub pass_alone: bool,
    /// Whether attendees' voices go through noise suppression (feature `noise-suppression`; without it, no effect); false.
    pub noise_suppression: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_talkers: 5,
            max_contents: 2,
            channels: Channels::Stereo,
            silence_level: 60,
            talker_hold: Duration::from_millis(600),
            takeover_margin: 6,
            speech_bitrate: 40_000,
            music_bitrate: 128_000,
            complexity: 5,
            fold_back: Duration::from_millis(300),
            pass_alone: true,
            noise_suppression: false,
        }
    }
}
