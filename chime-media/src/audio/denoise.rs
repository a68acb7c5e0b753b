//! Noise suppression of a voice, by a small recurrent network.

use std::fmt;

use nnnoiseless::DenoiseState;

/// What the network takes at a time: 10 ms.
const STEP: usize = 480;

/// The network counts in 16-bit steps.
const SCALE: f32 = 32_768.0;

pub(super) struct Denoiser {
    state: Box<DenoiseState<'static>>,
    input: [f32; STEP],
    output: [f32; STEP],
}

impl Denoiser {
    pub(super) fn new() -> Self {
        Self { state: DenoiseState::new(), input: [0.0; STEP], output: [0.0; STEP] }
    }

    /// Cleans mono samples in place; they come out 10 ms later.
    pub(super) fn process(&mut self, pcm: &mut [f32]) {
        for step in pcm.as_chunks_mut::<STEP>().0 {
            for (to, from) in self.input.iter_mut().zip(step.iter()) {
                *to = from * SCALE;
            }
            self.state.process_frame(&mut self.output, &self.input);
            for (to, from) in step.iter_mut().zip(self.output) {
                *to = from / SCALE;
            }
        }
    }
}

impl fmt::Debug for Denoiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Denoiser")
    }
}
