use std::ffi::c_int;

use crate::error::check;
use crate::state::State;
use crate::{Channels, Error, SAMPLE_RATE};

/// The widest band to code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    SuperWide,
    /// 20 kHz.
    Full,
}

/// What the input mostly is; a hint for the choice of the coding mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Let the encoder find out.
    Auto,
    /// Speech.
    Voice,
    /// Anything else.
    Music,
}

/// An encoder for conversations (libopus' application `VOIP`).
///
/// `Clone` and [`Encoder::copy_from`] copy all it has heard and all its settings: the copy gives the same bytes for the
/// same input.
#[derive(Debug, Clone)]
pub struct Encoder {
    state: State,
    channels: Channels,
}

impl Encoder {
    /// An encoder that has heard nothing, with libopus' default settings.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if libopus does not accept the configuration.
    pub fn new(channels: Channels) -> Result<Self, Error> {
        // SAFETY: a pure function of its argument.
        let size = check(unsafe { opusic_sys::opus_encoder_get_size(channels.c()) })?;
        let mut state = State::new(size);
        // SAFETY: the memory has the size that libopus asked for, is aligned to 16 and ours alone.
        let done = unsafe {
            opusic_sys::opus_encoder_init(
                state.as_mut(),
                SAMPLE_RATE,
                channels.c(),
                opusic_sys::OPUS_APPLICATION_VOIP,
            )
        };
        check(done)?;
        Ok(Self { state, channels })
    }

    /// The channels of its input.
    #[must_use]
    pub const fn channels(&self) -> Channels {
        self.channels
    }

    /// Continues as `other` would, without allocating.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if they differ in channels; nothing is changed then.
    pub fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        if self.channels == other.channels && self.state.copy_from(&other.state) {
            Ok(())
        } else {
            Err(Error::Argument)
        }
    }

    /// Codes one frame of 2.5, 5, 10, 20, 40 or 60 ms, interleaved; the answer is the payload's length in `out`. A length
    /// of 1 or 2 means that with DTX the frame need not be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for another length of frame; [`Error::Buffer`] if `out` is too small.
    pub fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, Error> {
        let channels = self.channels.count();
        if !pcm.len().is_multiple_of(channels) {
            return Err(Error::Argument);
        }
        let frame = i32::try_from(pcm.len() / channels).map_err(|_| Error::Argument)?;
        let room = i32::try_from(out.len()).unwrap_or(i32::MAX);
        // SAFETY: the state is an initialised encoder of `channels`; `pcm` is valid for `frame` × channels samples, which
        // libopus reads only if `frame` is a length it knows; `out` is valid for `room` bytes.
        check(unsafe {
            opusic_sys::opus_encode_float(self.state.as_mut(), pcm.as_ptr(), frame, out.as_mut_ptr(), room)
        })
    }

    /// Forgets all it has heard and keeps its settings.
    pub fn reset(&mut self) {
        // SAFETY: an initialised encoder; this request takes no argument and cannot fail.
        unsafe { opusic_sys::opus_encoder_ctl(self.state.as_mut(), opusic_sys::OPUS_RESET_STATE) };
    }

    /// Bits per second, 500 to 512,000.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] outside of that; so for every setting below.
    pub fn set_bitrate(&mut self, bits_per_second: i32) -> Result<(), Error> {
        if bits_per_second <= 0 {
            return Err(Error::Argument);
        }
        self.set(opusic_sys::OPUS_SET_BITRATE_REQUEST, bits_per_second)
    }

    /// Effort, 0 to 10.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] outside of that.
    pub fn set_complexity(&mut self, complexity: u8) -> Result<(), Error> {
        self.set(opusic_sys::OPUS_SET_COMPLEXITY_REQUEST, complexity.into())
    }

    /// Whether each packet carries a low-rate copy of the one before (only in speech modes, and only with a loss above 0).
    ///
    /// # Errors
    ///
    /// Those of libopus; none is known.
    pub fn set_inband_fec(&mut self, on: bool) -> Result<(), Error> {
        self.set(opusic_sys::OPUS_SET_INBAND_FEC_REQUEST, on.into())
    }

    /// The loss to prepare for, 0 to 100 per cent.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] outside of that.
    pub fn set_packet_loss(&mut self, percent: u8) -> Result<(), Error> {
        self.set(opusic_sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent.into())
    }

    /// Whether silence gives payloads of one or two bytes that need not be sent.
    ///
    /// # Errors
    ///
    /// Those of libopus; none is known.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), Error> {
        self.set(opusic_sys::OPUS_SET_DTX_REQUEST, on.into())
    }

    /// The widest band to code.
    ///
    /// # Errors
    ///
    /// Those of libopus; none is known.
    pub fn set_max_bandwidth(&mut self, bandwidth: Bandwidth) -> Result<(), Error> {
        let value = match bandwidth {
            Bandwidth::Narrow => opusic_sys::OPUS_BANDWIDTH_NARROWBAND,
            Bandwidth::Wide => opusic_sys::OPUS_BANDWIDTH_WIDEBAND,
            Bandwidth::SuperWide => opusic_sys::OPUS_BANDWIDTH_SUPERWIDEBAND,
            Bandwidth::Full => opusic_sys::OPUS_BANDWIDTH_FULLBAND,
        };
        self.set(opusic_sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, value)
    }

    /// What the input mostly is.
    ///
    /// # Errors
    ///
    /// Those of libopus; none is known.
    pub fn set_signal(&mut self, signal: Signal) -> Result<(), Error> {
        let value = match signal {
            Signal::Auto => opusic_sys::OPUS_AUTO,
            Signal::Voice => opusic_sys::OPUS_SIGNAL_VOICE,
            Signal::Music => opusic_sys::OPUS_SIGNAL_MUSIC,
        };
        self.set(opusic_sys::OPUS_SET_SIGNAL_REQUEST, value)
    }

    /// The channels to code, whatever the input has; none lets the encoder choose.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for stereo from a mono input.
    pub fn set_coded_channels(&mut self, channels: Option<Channels>) -> Result<(), Error> {
        self.set(
            opusic_sys::OPUS_SET_FORCE_CHANNELS_REQUEST,
            channels.map_or(opusic_sys::OPUS_AUTO, Channels::c),
        )
    }

    fn set(&mut self, request: c_int, value: c_int) -> Result<(), Error> {
        // SAFETY: the state is an initialised encoder, and every request that this file passes takes exactly one
        // `opus_int32`, which is a C `int`; libopus checks the range.
        check(unsafe { opusic_sys::opus_encoder_ctl(self.state.as_mut(), request, value) }).map(|_| ())
    }
}
