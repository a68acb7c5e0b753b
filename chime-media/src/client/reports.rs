//! RTCP of a client: what it reports, and what the server reports and asks for.

use std::time::{Duration, Instant};

use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{
    NackPair, TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use rtc_rtcp::{Packet, packet};

use super::connection::Connection;
use crate::rtp::sequence::low;

/// Time between reports.
pub(super) const REPORTS: Duration = Duration::from_secs(1);

impl Connection {
    /// Takes what the server reports.
    pub(super) fn rtcp(&mut self, now: Instant, datagram: &mut [u8]) {
        let Some((_, inbound)) = &mut self.link.srtp else { return };
        let Ok(length) = inbound.rtcp(datagram) else { return };
        let Ok(packets) = packet::unmarshal(&mut datagram.get(..length).unwrap_or_default()) else { return };
        for packet in &packets {
            let packet = packet.as_any();
            if let Some(report) = packet.downcast_ref::<SenderReport>() {
                let voice = self.hearing.reception.iter_mut();
                let tiles = self.tiles.iter_mut().filter_map(|tile| tile.reception.as_mut());
                voice.chain(tiles).filter(|each| each.ssrc() == report.ssrc).for_each(|each| {
                    each.sender_report(now, report.ntp_time);
                });
                self.reported(&report.reports);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                self.reported(&report.reports);
            } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                self.send_again(nack);
            } else if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
                self.key_wanted(loss.media_ssrc);
            } else if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
                request.fir.iter().for_each(|entry| self.key_wanted(entry.ssrc));
            } else if packet.downcast_ref::<TransportLayerCc>().is_some() {
                self.counts.feedbacks += 1;
            }
        }
    }

    /// The server knows a source when it reports on it; all that are sent have to be known.
    fn reported(&mut self, blocks: &[ReceptionReport]) {
        let known = |ssrc: u32| blocks.iter().any(|block| block.ssrc == ssrc);
        let sent = |camera: &super::camera::Camera| {
            camera.layers().iter().filter(|stream| stream.kbps > 0).all(|stream| known(stream.ssrc))
        };
        for block in blocks.iter().filter(|block| block.ssrc != self.voice.ssrc()) {
            self.counts.lost = self.counts.lost.max(block.total_lost);
            self.counts.timed += u64::from(block.last_sender_report != 0);
        }
        if known(self.voice.ssrc()) && self.camera.as_ref().is_none_or(sent) {
            self.known = true;
        }
    }

    fn send_again(&mut self, nack: &TransportLayerNack) {
        let Some(camera) = &self.camera else { return };
        let Some(place) = camera.place_of(nack.media_ssrc) else { return };
        for sequence in nack.nacks.iter().flat_map(NackPair::packet_list) {
            let part = self.camera.as_ref().and_then(|camera| camera.layers().get(place)?.again(sequence));
            if let Some(part) = part {
                self.counts.repairs += 1;
                self.send_part(place, &part, true);
            }
        }
    }

    fn key_wanted(&mut self, ssrc: u32) {
        if let Some(stream) = self.camera.as_mut().and_then(|camera| camera.stream_mut(ssrc)) {
            stream.key_wanted = true;
            self.counts.key_requests += 1;
        }
    }

    /// Asks for what is missing.
    pub(super) fn ask(&mut self, now: Instant) {
        let mut packets: Vec<Box<dyn Packet>> = Vec::new();
        let sender_ssrc = self.voice.ssrc();
        for tile in &mut self.tiles {
            let mut due = Vec::new();
            tile.missing.due(now, &mut due);
            if !due.is_empty() {
                let numbers: Vec<u16> = due.iter().map(|index| low(*index)).collect();
                let nacks = nack_pairs_from_sequence_numbers(&numbers);
                packets.push(Box::new(TransportLayerNack { sender_ssrc, media_ssrc: tile.ssrc, nacks }));
            }
            if tile.timeout(now) {
                packets.push(Box::new(PictureLossIndication { sender_ssrc, media_ssrc: tile.ssrc }));
            }
        }
        self.send_packets(&packets);
    }

    pub(super) fn report_arrivals(&mut self) {
        if self.arrivals.is_empty() {
            return;
        }
        let (sender, media) = (self.voice.ssrc(), self.tiles.first().map_or(0, |tile| tile.ssrc));
        let (Some(to), Some((outbound, _))) = (self.link.to(), &mut self.link.srtp) else { return };
        let arrivals = &mut self.arrivals;
        let _sent = self.out.try_write(to, |bytes, start| {
            arrivals.report(bytes, sender, media);
            outbound.rtcp(bytes, start)
        });
    }

    /// Reports on everything.
    pub(super) fn report(&mut self, now: Instant) {
        let voice = self.hearing.reception.iter_mut();
        let tiles = self.tiles.iter_mut().filter_map(|tile| tile.reception.as_mut());
        let reports: Vec<ReceptionReport> =
            voice.chain(tiles).take(31).map(|each| each.report(now)).collect();
        let ntp_time = self.ntp(now);
        let (packet_count, octet_count) = self.voice.sent;
        let mut packets: Vec<Box<dyn Packet>> = vec![Box::new(SenderReport {
            ssrc: self.voice.ssrc(),
            ntp_time,
            rtp_time: self.voice.timestamp(),
            packet_count,
            octet_count,
            reports,
            ..SenderReport::default()
        })];
        if let Some(camera) = &self.camera {
            for stream in camera.layers().iter().filter(|stream| stream.sent.0 > 0) {
                packets.push(Box::new(SenderReport {
                    ssrc: stream.ssrc,
                    ntp_time,
                    rtp_time: camera.timestamp(now),
                    packet_count: stream.sent.0,
                    octet_count: stream.sent.1,
                    ..SenderReport::default()
                }));
            }
        }
        self.send_packets(&packets);
    }

    /// A clock that begins with the client.
    fn ntp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        ((since.as_secs() + 1) << 32) | fraction
    }

    fn send_packets(&mut self, packets: &[Box<dyn Packet>]) {
        if packets.is_empty() {
            return;
        }
        let (Some(to), Some((outbound, _))) = (self.link.to(), &mut self.link.srtp) else { return };
        let Ok(written) = packet::marshal(packets) else { return };
        let _sent = self.out.try_write(to, |bytes, start| {
            bytes.extend_from_slice(&written);
            outbound.rtcp(bytes, start)
        });
    }
}
