//! Sums.

use super::Channels;

/// What one source adds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) channels: Channels,
    pub(super) pcm: &'a [f32],
}

/// Adds a part to a sum of `channels`: mono goes to both sides, stereo into mono by its mean.
pub(super) fn add(sum: &mut [f32], channels: Channels, part: Part<'_>) {
    match (channels, part.channels) {
        (Channels::Mono, Channels::Mono) | (Channels::Stereo, Channels::Stereo) => {
            for (to, from) in sum.iter_mut().zip(part.pcm) {
                *to += from;
            }
        }
        (Channels::Stereo, Channels::Mono) => {
            for (pair, from) in sum.as_chunks_mut::<2>().0.iter_mut().zip(part.pcm) {
                for to in pair {
                    *to += from;
                }
            }
        }
        (Channels::Mono, Channels::Stereo) => {
            for (to, [left, right]) in sum.iter_mut().zip(part.pcm.as_chunks::<2>().0) {
                *to += (left + right) / 2.0;
            }
        }
    }
}
