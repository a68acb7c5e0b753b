use crate::error::check;
use crate::state::State;
use crate::{Channels, Error, SAMPLE_RATE};

/// A decoder. A stereo packet given to a mono decoder is mixed down by libopus, and a mono one to a stereo decoder doubled.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    channels: Channels,
}

impl Decoder {
    /// A decoder that has heard nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if libopus does not accept the configuration.
    pub fn new(channels: Channels) -> Result<Self, Error> {
        // SAFETY: a pure function of its argument.
        let size = check(unsafe { opusic_sys::opus_decoder_get_size(channels.c()) })?;
        let mut state = State::new(size);
        // SAFETY: the memory has the size that libopus asked for, is aligned to 16 and ours alone.
        check(unsafe { opusic_sys::opus_decoder_init(state.as_mut(), SAMPLE_RATE, channels.c()) })?;
        Ok(Self { state, channels })
    }

    /// Decodes a packet. `out` is interleaved; the answer is in samples per channel.
    ///
    /// # Errors
    ///
    /// [`Error::Packet`] for what is no Opus; [`Error::Buffer`] if `out` holds less than the packet.
    pub fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, Error> {
        if payload.is_empty() {
            return Err(Error::Packet);
        }
        self.run(Some(payload), out, false)
    }

    /// Fills `out` with what was lost just before the packet `next`, from its in-band FEC; conceals if it has none.
    /// `next` itself is to be decoded afterwards as usual.
    ///
    /// # Errors
    ///
    /// [`Error::Packet`] for what is no Opus; [`Error::Argument`] if `out` is no multiple of 2.5 ms.
    pub fn recover(&mut self, next: &[u8], out: &mut [f32]) -> Result<usize, Error> {
        if next.is_empty() {
            return Err(Error::Packet);
        }
        self.run(Some(next), out, true)
    }

    /// Fills `out` with a continuation of what was heard last, which fades when it goes on.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if `out` is no multiple of 2.5 ms.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        self.run(None, out, false)
    }

    /// Forgets all it has heard.
    pub fn reset(&mut self) {
        // SAFETY: an initialised decoder; this request takes no argument and cannot fail.
        unsafe { opusic_sys::opus_decoder_ctl(self.state.as_mut(), opusic_sys::OPUS_RESET_STATE) };
    }

    fn run(&mut self, payload: Option<&[u8]>, out: &mut [f32], fec: bool) -> Result<usize, Error> {
        let frame = i32::try_from(out.len() / self.channels.count()).map_err(|_| Error::Argument)?;
        if frame == 0 {
            return Err(Error::Buffer);
        }
        let (data, length) = match payload {
            Some(bytes) => (bytes.as_ptr(), i32::try_from(bytes.len()).map_err(|_| Error::Packet)?),
            None => (std::ptr::null(), 0),
        };
        // SAFETY: the state is an initialised decoder of `channels`. `data` is null, which means loss, or valid for
        // `length` bytes. `out` is valid for `frame` × channels samples, and libopus writes no more than that: a longer
        // packet is answered by OPUS_BUFFER_TOO_SMALL.
        check(unsafe {
            opusic_sys::opus_decode_float(
                self.state.as_mut(),
                data,
                length,
                out.as_mut_ptr(),
                frame,
                i32::from(fec),
            )
        })
    }
}
