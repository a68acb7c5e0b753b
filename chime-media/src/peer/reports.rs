//! RTCP of a client: what it reports, and what is reported to it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use rtc_rtcp::{Packet, packet};

use super::Peer;
use crate::forward::bandwidth::Fate;
use crate::io::Datagrams;

/// Time between reports.
const REPORTS: Duration = Duration::from_secs(1);
/// Time between feedbacks on arrivals while video comes. A voice alone does not fill a path: its arrivals are told with
/// the reports.
const FEEDBACK: Duration = Duration::from_millis(50);
/// Packets that are remembered until feedback on them comes.
const SENT: usize = 4096;

/// What a client told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reported {
    /// Loss of the mix, 0 to 1, and the round-trip time if it can be told.
    Loss(f32, Option<Duration>),
    /// Packets of a source of ours are missing.
    Nack(u32, Vec<u16>),
    /// A source of ours cannot be decoded without a key frame.
    KeyFrame(u32),
    /// What it sends with this source, and when it said so, as it counts time.
    Sent(u32, u64),
    /// What became of numbered packets.
    Arrived(Vec<Fate>),
}

/// When what is to be reported, and packets that wait for feedback.
#[derive(Debug)]
pub(crate) struct Feedback {
    pub(crate) next_report: Instant,
    pub(crate) next_arrivals: Instant,
    /// Video came since the last feedback.
    pub(crate) video: bool,
    sent: VecDeque<(u64, usize, Instant)>,
}

impl Feedback {
    pub(crate) fn new(now: Instant) -> Self {
        Self { next_report: now + REPORTS, next_arrivals: now, video: false, sent: VecDeque::new() }
    }

    /// A numbered packet went out.
    pub(crate) fn sent(&mut self, now: Instant, index: u64, octets: usize) {
        if self.sent.len() >= SENT {
            self.sent.pop_front();
        }
        self.sent.push_back((index, octets, now));
    }

    fn arrived(&mut self, report: &TransportLayerCc) -> Vec<Fate> {
        let Some((oldest, ..)) = self.sent.front().copied() else { return Vec::new() };
        let symbols = report.packet_chunks.iter().flat_map(|chunk| match chunk {
            PacketStatusChunk::RunLengthChunk(chunk) => {
                vec![chunk.packet_status_symbol; usize::from(chunk.run_length)]
            }
            PacketStatusChunk::StatusVectorChunk(chunk) => chunk.symbol_list.clone(),
        });
        let mut time = i64::from(report.reference_time) * 64_000;
        let mut deltas = report.recv_deltas.iter();
        let mut out = Vec::new();
        for (place, symbol) in (0_u16..report.packet_status_count).zip(symbols) {
            let sequence = report.base_sequence_number.wrapping_add(place);
            let arrived = match symbol {
                SymbolTypeTcc::PacketReceivedSmallDelta | SymbolTypeTcc::PacketReceivedLargeDelta => {
                    time += deltas.next().map_or(0, |delta| delta.delta);
                    Some(Duration::from_micros(time.unsigned_abs()))
                }
                _ => None,
            };
            // The number nearest to what still waits.
            let step = i64::from(sequence.wrapping_sub(crate::rtp::sequence::low(oldest)).cast_signed());
            let Some(index) = oldest.checked_add_signed(step) else { continue };
            let Some(at) = index.checked_sub(oldest).and_then(|at| usize::try_from(at).ok()) else {
                continue;
            };
            if let Some((index, octets, sent)) = self.sent.get(at).copied() {
                out.push(Fate { index, octets, sent, arrived });
            }
        }
        if let Some(Fate { index: last, .. }) = out.last().copied() {
            while self.sent.front().is_some_and(|(index, ..)| *index <= last) {
                self.sent.pop_front();
            }
        }
        out
    }
}

/// Reads an opened RTCP packet.
pub(crate) fn read(peer: &mut Peer, now: Instant, ntp: u64, mut opened: &[u8], out: &mut Vec<Reported>) {
    let Ok(packets) = packet::unmarshal(&mut opened) else { return };
    for packet in &packets {
        let packet = packet.as_any();
        if let Some(report) = packet.downcast_ref::<SenderReport>() {
            if let Some(voice) = &mut peer.voice
                && let Some(reception) = &mut voice.reception
                && reception.ssrc() == report.ssrc
            {
                reception.sender_report(now, report.ntp_time);
            } else {
                out.push(Reported::Sent(report.ssrc, report.ntp_time));
            }
            report.reports.iter().for_each(|block| heard(peer, ntp, block, out));
        } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
            report.reports.iter().for_each(|block| heard(peer, ntp, block, out));
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
            let lost = nack.nacks.iter().flat_map(NackPair::packet_list).collect();
            out.push(Reported::Nack(nack.media_ssrc, lost));
        } else if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
            out.push(Reported::KeyFrame(loss.media_ssrc));
        } else if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
            out.extend(request.fir.iter().map(|entry| Reported::KeyFrame(entry.ssrc)));
        } else if let Some(report) = packet.downcast_ref::<TransportLayerCc>() {
            let arrived = peer.feedback.arrived(report);
            if !arrived.is_empty() {
                out.push(Reported::Arrived(arrived));
            }
        } else if packet.downcast_ref::<Goodbye>().is_some() {
            // The signaling tells who leaves.
        }
    }
}

fn heard(peer: &Peer, ntp: u64, block: &ReceptionReport, out: &mut Vec<Reported>) {
    if peer.voice.as_ref().is_none_or(|voice| voice.ssrc != block.ssrc) {
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "RFC 3550: the middle 32 bits")]
    let middle = (ntp >> 16) as u32;
    let trip = middle.wrapping_sub(block.last_sender_report).wrapping_sub(block.delay);
    // In units of 1/65536 s; what is longer than eight seconds is a clock that was set.
    let trip = (block.last_sender_report != 0 && trip < 8 << 16)
        .then(|| Duration::from_micros(u64::from(trip) * 1_000_000 / 65_536));
    out.push(Reported::Loss(f32::from(block.fraction_lost) / 256.0, trip));
}

/// Sends what is due; tells when to come again. `ntp` is the wall clock, `blocks` are reports on the client's video.
pub(crate) fn due(
    peer: &mut Peer,
    now: Instant,
    ntp: u64,
    blocks: impl FnOnce() -> Vec<ReceptionReport>,
    out: &mut Datagrams,
) {
    if !peer.transport.is_connected() {
        return;
    }
    let report = now >= peer.feedback.next_report;
    let feedback = peer.feedback.video && now >= peer.feedback.next_arrivals;
    if !report && !feedback {
        return;
    }
    if feedback {
        (peer.feedback.next_arrivals, peer.feedback.video) = (now + FEEDBACK, false);
    }
    let mut packet = Vec::new();
    if report {
        peer.feedback.next_report = now + REPORTS;
        // What cannot be written is left out.
        packet = packet::marshal(&reports(peer, now, ntp, blocks())).map(Vec::from).unwrap_or_default();
        if !packet.is_empty() {
            name(&mut packet, peer.reporter(), &peer.cname);
        }
    }
    let (reporter, media) = (peer.reporter(), peer.heard_from());
    if !peer.feedback.video {
        peer.arrivals.report(&mut packet, reporter, media);
    }
    peer.send_rtcp(out, |bytes| bytes.append(&mut packet));
}

fn reports(
    peer: &mut Peer,
    now: Instant,
    ntp: u64,
    mut blocks: Vec<ReceptionReport>,
) -> Vec<Box<dyn Packet>> {
    let mut packets: Vec<Box<dyn Packet>> = Vec::new();
    if let Some(voice) = &mut peer.voice {
        blocks.extend(voice.reception.as_mut().map(|reception| reception.report(now)));
        packets.push(Box::new(SenderReport {
            ssrc: voice.ssrc,
            ntp_time: ntp,
            rtp_time: voice.timestamp(),
            packet_count: voice.sent.0,
            octet_count: voice.sent.1,
            reports: blocks.into_iter().take(31).collect(),
            ..SenderReport::default()
        }));
    } else {
        let reports = blocks.into_iter().take(31).collect();
        packets.push(Box::new(ReceiverReport { ssrc: 1, reports, ..ReceiverReport::default() }));
    }
    for track in peer.tracks.iter().filter(|track| track.current.is_some()) {
        let Some((timestamp, at)) = track.rewriter.last() else { continue };
        let elapsed = now.saturating_duration_since(at).as_micros() * 90_000 / 1_000_000;
        packets.push(Box::new(SenderReport {
            ssrc: track.ssrc,
            ntp_time: ntp,
            rtp_time: timestamp.wrapping_add(u32::try_from(elapsed).unwrap_or_default()),
            packet_count: track.sent.0,
            octet_count: track.sent.1,
            ..SenderReport::default()
        }));
    }
    packets
}

/// Appends the name of a source (RFC 3550 section 6.5). The list of items ends with zeros up to the next word, which the
/// library fills with its own padding, and other stacks then refuse the whole packet.
fn name(bytes: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let length = u8::try_from(cname.len()).unwrap_or(u8::MAX);
    let mut chunk = ssrc.to_be_bytes().to_vec();
    chunk.extend_from_slice(&[1, length]);
    chunk.extend(cname.bytes().take(length.into()));
    chunk.resize((chunk.len() + 1).next_multiple_of(4), 0);
    let words = u16::try_from(chunk.len() / 4).unwrap_or_default().to_be_bytes();
    bytes.extend_from_slice(&[0x81, 202]);
    bytes.extend_from_slice(&words);
    bytes.extend_from_slice(&chunk);
}

impl Peer {
    /// A source of the client, for feedback that is about all of them.
    fn heard_from(&self) -> u32 {
        self.voice.as_ref().and_then(|voice| voice.reception.as_ref()).map_or(0, |reception| reception.ssrc())
    }

    /// Asks the client for a key frame.
    pub(crate) fn request_keyframe(&mut self, media_ssrc: u32, out: &mut Datagrams) {
        let loss = PictureLossIndication { sender_ssrc: self.reporter(), media_ssrc };
        self.send_packet(&loss, out);
    }

    /// Asks the client for packets again.
    pub(crate) fn request_packets(&mut self, media_ssrc: u32, lost: &[u16], out: &mut Datagrams) {
        let nacks =
            rtc_rtcp::transport_feedbacks::transport_layer_nack::nack_pairs_from_sequence_numbers(lost);
        let nack = TransportLayerNack { sender_ssrc: self.reporter(), media_ssrc, nacks };
        self.send_packet(&nack, out);
    }

    fn send_packet(&mut self, packet: &dyn Packet, out: &mut Datagrams) {
        let Ok(written) = packet::marshal(&[packet.cloned()]) else { return };
        self.send_rtcp(out, |bytes| bytes.extend_from_slice(&written));
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_ends_with_zeros_up_to_the_next_word() {
        for length in 0..9 {
            let mut bytes = Vec::new();
            name(&mut bytes, 7, &"x".repeat(length));
            assert_eq!(bytes.len() % 4, 0);
            assert_eq!(usize::from(bytes[3]), bytes.len() / 4 - 1, "words after the first");
            let end = 4 + 4 + 2 + length;
            assert!((1..=4).contains(&bytes[end..].len()), "at least one");
            assert!(bytes[end..].iter().all(|byte| *byte == 0));
        }
    }
}
