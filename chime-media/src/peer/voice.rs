//! The audio section of a client.

use std::time::Instant;

use crate::audio::Format;
use crate::rtp::reception::Reception;
use crate::sdp::answer::uri;
use crate::sdp::{Kind, Section};

/// Clock of Opus, in Hz (RFC 7587).
const CLOCK: u32 = 48_000;

/// A client's voice, and the mix that it gets.
#[derive(Debug)]
pub(crate) struct Voice {
    /// Payload type of Opus.
    pub(crate) payload_type: u8,
    red: Option<u8>,
    /// Id of the loudness.
    pub(crate) level: Option<u8>,
    /// Id of the number over all packets.
    pub(crate) transport: Option<u8>,
    /// Source of the mix.
    pub(crate) ssrc: u32,
    index: u64,
    timestamp: u32,
    /// Packets and octets sent.
    pub(crate) sent: (u32, u32),
    /// What came.
    pub(crate) reception: Option<Reception>,
}

impl Voice {
    /// Reads the section; `None` when there is no Opus in it.
    pub(crate) fn read(section: &Section, ssrc: u32) -> Option<Self> {
        let opus = section.codecs.iter().find(|codec| section.kind == Kind::Audio && codec.is("opus"))?;
        let of = format!("{0}/{0}", opus.payload_type);
        let red = section.codecs.iter().find(|codec| codec.is("red") && codec.parameters == of);
        Some(Self {
            payload_type: opus.payload_type,
            red: red.map(|codec| codec.payload_type),
            level: section.extension(uri::AUDIO_LEVEL),
            transport: section.extension(uri::TRANSPORT_CC),
            ssrc,
            index: u64::from(ssrc & 0x7fff),
            timestamp: ssrc.rotate_left(7),
            sent: (0, 0),
            reception: None,
        })
    }

    /// How a payload of this type is packed; `None` when it is no audio.
    pub(crate) fn format(&self, payload_type: u8) -> Option<Format> {
        match payload_type {
            each if each == self.payload_type => Some(Format::Plain),
            each if Some(each) == self.red => Some(Format::Red),
            _ => None,
        }
    }

    /// Whether packets of this source have come last.
    pub(crate) fn knows(&self, ssrc: u32) -> bool {
        self.reception.as_ref().is_some_and(|reception| reception.ssrc() == ssrc)
    }

    /// Counts a packet; tells whether it is of a new source.
    pub(crate) fn received(&mut self, now: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> bool {
        let known = self.reception.as_ref().is_some_and(|reception| reception.ssrc() == ssrc);
        if !known {
            self.reception = Some(Reception::new(ssrc, CLOCK, sequence));
        }
        if let Some(reception) = &mut self.reception {
            reception.packet(now, sequence, timestamp);
        }
        !known
    }

    /// Time goes on by one frame; tells its timestamp.
    pub(crate) fn tick(&mut self, samples: u32) -> u32 {
        self.timestamp = self.timestamp.wrapping_add(samples);
        self.timestamp
    }

    /// The timestamp of the frame sent last.
    pub(crate) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The number of a packet with so many octets.
    pub(crate) fn next_index(&mut self, octets: usize) -> u64 {
        self.index += 1;
        self.sent.0 = self.sent.0.wrapping_add(1);
        self.sent.1 = self.sent.1.wrapping_add(u32::try_from(octets).unwrap_or_default());
        self.index
    }
}
