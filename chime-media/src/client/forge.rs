//! Packets that no honest client sends, for tests of what a server does with them.

use super::attendee::Client;
use crate::rtp::packet::{self, Outgoing};
use crate::rtp::sequence::low;

impl Client {
    /// Sends an RTP packet with any numbers, protected as it has to be.
    pub fn forge_rtp(
        &mut self,
        payload_type: u8,
        ssrc: u32,
        index: u64,
        extensions: &[(u8, &[u8])],
        payload: &[u8],
    ) {
        let link = &mut self.connection.link;
        let (Some(to), Some((outbound, _))) = (link.to(), &mut link.srtp) else { return };
        let header = Outgoing {
            marker: false,
            padding: false,
            payload_type,
            sequence: low(index),
            timestamp: low(index).into(),
            ssrc,
        };
        let _sent = self.connection.out.try_write(to, |bytes, start| {
            let length = packet::write(bytes, &header, extensions);
            bytes.extend_from_slice(payload);
            outbound.rtp(bytes, start, length, ssrc, index)
        });
    }

    /// Sends packets of nothing in each of its encodings, as probes of a path are sent without a source of repetitions.
    pub fn probe(&mut self, packets: usize) {
        for _ in 0..packets {
            let next = |stream: &mut super::stream::Stream| (stream.ssrc, stream.skip());
            let streams: Vec<(u32, u64)> =
                self.connection.camera.iter_mut().flat_map(|camera| camera.layers_mut()).map(next).collect();
            for (ssrc, index) in streams {
                self.forge_rtp(super::offer::VP8, ssrc, index, &[], &[]);
            }
        }
    }

    /// Sends bytes as an RTCP packet, protected as it has to be.
    pub fn forge_rtcp(&mut self, contents: &[u8]) {
        let link = &mut self.connection.link;
        let (Some(to), Some((outbound, _))) = (link.to(), &mut link.srtp) else { return };
        let _sent = self.connection.out.try_write(to, |bytes, start| {
            bytes.extend_from_slice(contents);
            outbound.rtcp(bytes, start)
        });
    }

    /// The sources of its video, media and retransmissions, and that of its voice.
    #[must_use]
    pub fn sources(&self) -> (Vec<(u32, u32)>, u32) {
        let camera = self.connection.camera.iter().flat_map(|camera| camera.layers());
        (camera.map(|stream| (stream.ssrc, stream.repair)).collect(), self.connection.voice.ssrc())
    }
}
