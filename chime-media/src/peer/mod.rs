//! One client's connection: its transport, its voice, the mix that it gets, what it sends and receives of video.

mod camera;
pub(crate) mod reports;
mod track;
mod voice;

pub(crate) use camera::{Camera, Payload};
pub(crate) use reports::{Feedback, Reported};
pub(crate) use track::Track;
pub(crate) use voice::Voice;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::TransportError;
use crate::forward::allocate::Patience;
use crate::forward::bandwidth::Estimator;
use crate::io::Datagrams;
use crate::rtp::arrivals::Arrivals;
use crate::rtp::packet::{self, Outgoing};
use crate::rtp::sequence::low;
use crate::transport::dtls::Identity;
use crate::transport::{Credentials, Transport};

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) transport: Transport,
    /// Its voice and the mix; none when it offered no audio.
    pub(crate) voice: Option<Voice>,
    /// The section in which it gets the mix.
    pub(crate) mix_in: Option<String>,
    /// How its video comes.
    pub(crate) camera: Camera,
    /// What it sent its encodings with, media and repetitions, in videos that it shows no more.
    pub(crate) named: BTreeMap<String, (Option<u32>, Option<u32>)>,
    /// The videos that it receives, by section.
    pub(crate) tracks: Vec<Track>,
    /// When its packets arrived.
    pub(crate) arrivals: Arrivals,
    pub(crate) feedback: Feedback,
    /// What the path to the client carries.
    pub(crate) estimator: Estimator,
    /// When its videos may get better again.
    pub(crate) patience: Patience,
    pub(crate) cname: String,
    /// Answers so far.
    pub(crate) version: u64,
    /// The next source of ours.
    next_ssrc: u32,
    /// The next number over all packets to the client.
    transport_sequence: u64,
}

impl Peer {
    pub(crate) fn new(
        identity: &Identity,
        credentials: Credentials,
        fingerprint: &str,
        now: Instant,
    ) -> Result<Self, TransportError> {
        let mut random = [0; 12];
        identity.random(&mut random)?;
        let [s0, s1, s2, s3, name @ ..] = random;
        Ok(Self {
            transport: Transport::new(identity, credentials, fingerprint, now)?,
            voice: None,
            mix_in: None,
            camera: Camera::default(),
            named: BTreeMap::new(),
            tracks: Vec::new(),
            arrivals: Arrivals::new(now),
            feedback: Feedback::new(now),
            estimator: Estimator::default(),
            patience: Patience::default(),
            cname: name.iter().map(|byte| format!("{byte:02x}")).collect(),
            version: 0,
            // Room for as many more as there can be sections, without a wrap to zero.
            next_ssrc: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]) | 1,
            transport_sequence: 1,
        })
    }

    /// A source that no other of this client has.
    pub(crate) fn fresh_ssrc(&mut self) -> u32 {
        self.next_ssrc += 1;
        self.next_ssrc
    }

    /// The track of a source of ours: of its media, or of its retransmissions.
    pub(crate) fn track_of(&mut self, ssrc: u32) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.ssrc == ssrc || track.repair == ssrc)
    }

    /// Sends a packet of the mix.
    pub(crate) fn send_voice(
        &mut self,
        payload: Option<&[u8]>,
        talkspurt: bool,
        samples: u32,
        out: &mut Datagrams,
    ) {
        let Some(voice) = &mut self.voice else { return };
        let Some((to, outbound)) = self.transport.outbound() else { return };
        let timestamp = voice.tick(samples);
        let Some(payload) = payload.filter(|_| self.mix_in.is_some()) else { return };
        let index = voice.next_index(payload.len());
        let header = Outgoing {
            marker: talkspurt,
            padding: false,
            payload_type: voice.payload_type,
            sequence: low(index),
            timestamp,
            ssrc: voice.ssrc,
        };
        // A packet that cannot be protected is not sent; there is nobody to tell.
        let _sent = out.try_write(to, |bytes, start| {
            let length = packet::write(bytes, &header, &[]);
            bytes.extend_from_slice(payload);
            outbound.rtp(bytes, start, length, header.ssrc, index)
        });
    }

    /// Sends a video packet in a track: `fill` appends the payload.
    pub(crate) fn send_video(
        &mut self,
        now: Instant,
        header: &Outgoing,
        index: u64,
        extensions: &Extensions<'_>,
        out: &mut Datagrams,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        let number = low(self.transport_sequence).to_be_bytes();
        let Some((to, outbound)) = self.transport.outbound() else { return };
        let orientation = extensions.orientation.map(|(id, value)| (id, [value]));
        let mut list: [(u8, &[u8]); 3] = [(0, &[]); 3];
        let mut count = 0;
        let mut add = |id: u8, value| {
            if let Some(slot) = list.get_mut(count) {
                *slot = (id, value);
                count += 1;
            }
        };
        if let Some(id) = extensions.transport {
            add(id, &number);
        }
        if let Some((id, value)) = &orientation {
            add(*id, value);
        }
        if let Some((id, value)) = &extensions.dependency {
            add(*id, value);
        }
        let _sent = out.try_write(to, |bytes, start| {
            let length = packet::write(bytes, header, list.get(..count).unwrap_or_default());
            fill(bytes);
            outbound.rtp(bytes, start, length, header.ssrc, index)
        });
        if extensions.transport.is_some() {
            self.feedback.sent(now, self.transport_sequence, out.last_len());
            self.estimator.sent(now, self.transport_sequence);
            self.transport_sequence += 1;
        }
    }

    /// Sends an RTCP packet that `write` appends.
    pub(crate) fn send_rtcp(&mut self, out: &mut Datagrams, write: impl FnOnce(&mut Vec<u8>)) {
        let Some((to, outbound)) = self.transport.outbound() else { return };
        let _sent = out.try_write(to, |bytes, start| {
            write(bytes);
            if bytes.len() == start {
                return Err(TransportError::Srtp("nothing"));
            }
            outbound.rtcp(bytes, start)
        });
    }

    /// The source that our reports come from.
    pub(crate) fn reporter(&self) -> u32 {
        self.voice.as_ref().map_or(1, |voice| voice.ssrc)
    }
}

/// Header extensions of a packet to a client, with the client's ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions<'a> {
    /// The number over all packets.
    pub(crate) transport: Option<u8>,
    /// How the camera is turned.
    pub(crate) orientation: Option<(u8, u8)>,
    /// Frames and layers.
    pub(crate) dependency: Option<(u8, Cow<'a, [u8]>)>,
}
