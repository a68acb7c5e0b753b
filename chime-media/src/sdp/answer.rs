//! What we answer.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::codec::{Codec, VideoCodec};
use super::offer::{Kind, Offer, Section};
use crate::transport::Credentials;

/// URIs of header extensions.
pub mod uri {
    /// Loudness of an audio packet (RFC 6464).
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    /// Numbers over all packets of a transport, for congestion control.
    pub const TRANSPORT_CC: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    /// Name of the section (RFC 8843).
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    /// Name of the encoding (RFC 8852).
    pub const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    /// Name of the encoding that a retransmission is of (RFC 8852).
    pub const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    /// How a camera is turned.
    pub const ORIENTATION: &str = "urn:3gpp:video-orientation";
    /// Frames and layers of a packet, for AV1 and scalable VP9.
    pub const DEPENDENCY: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
}

/// Extensions of audio that are taken.
const AUDIO_EXTENSIONS: [&str; 3] = [uri::AUDIO_LEVEL, uri::TRANSPORT_CC, uri::MID];
/// Extensions of video that are taken.
const VIDEO_EXTENSIONS: [&str; 6] =
    [uri::TRANSPORT_CC, uri::MID, uri::RID, uri::REPAIRED_RID, uri::ORIENTATION, uri::DEPENDENCY];

/// The extensions of a section that are taken, with their ids.
pub fn taken(section: &Section) -> impl Iterator<Item = (u8, &str)> {
    let known: &[&str] = match section.kind {
        Kind::Audio => &AUDIO_EXTENSIONS,
        Kind::Video => &VIDEO_EXTENSIONS,
        Kind::Other => &[],
    };
    section.extensions.iter().map(|(id, uri)| (*id, uri.as_str())).filter(move |(_, uri)| known.contains(uri))
}

/// The codecs of a section that are taken, in the offer's order; for audio Opus before RED.
#[must_use]
pub fn codecs(section: &Section) -> Vec<&Codec> {
    let named = |name: &'static str| section.codecs.iter().filter(move |codec| codec.is(name));
    match section.kind {
        Kind::Audio => {
            let opus: Vec<&Codec> = named("opus").take(1).collect();
            let of = opus.first().map(|codec| format!("{0}/{0}", codec.payload_type)).unwrap_or_default();
            let red = named("red").filter(|red| red.parameters == of && red.clock == 48_000).take(1);
            opus.iter().copied().chain(red).collect()
        }
        Kind::Video => section
            .codecs
            .iter()
            .filter(|codec| codec.video().is_some())
            .flat_map(|codec| {
                let repair = section.repair_of(codec.payload_type);
                let repair = section.codecs.iter().filter(move |each| Some(each.payload_type) == repair);
                std::iter::once(codec).chain(repair)
            })
            .collect(),
        Kind::Other => Vec::new(),
    }
}

/// The video codecs of a section that are taken, with the payload types of the media and its retransmissions.
pub fn video_codecs(section: &Section) -> impl Iterator<Item = (VideoCodec, u8, Option<u8>)> {
    section.codecs.iter().filter_map(|codec| {
        codec.video().map(|video| (video, codec.payload_type, section.repair_of(codec.payload_type)))
    })
}

/// What we do in one section of the offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerSection {
    /// The section is not used, or of a kind we do not know.
    Rejected,
    /// It is kept for later.
    Inactive,
    /// The mix goes out, the client's voice comes in, as far as each is offered.
    Audio {
        /// Source of the mix.
        ssrc: u32,
    },
    /// The client's voice may come in; the mix goes out in another section.
    Voice,
    /// The client's camera or content comes in. It is answered `sendrecv`, for the client looks for that word.
    Camera,
    /// A video goes out.
    Video {
        /// Its source.
        ssrc: u32,
        /// The source of its retransmissions.
        repair: u32,
    },
}

/// An answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What is answered.
    pub offer: &'a Offer,
    /// Our credentials.
    pub credentials: &'a Credentials,
    /// Our fingerprint, without the name of the hash.
    pub fingerprint: &'a str,
    /// Where we are.
    pub candidates: &'a [SocketAddr],
    /// Also over TCP, where the client opens (RFC 6544).
    pub tcp_candidates: &'a [SocketAddr],
    /// Name of our sources.
    pub cname: &'a str,
    /// Version, which rises with every answer of a connection.
    pub version: u64,
    /// What we do in each section of the offer, in its order.
    pub sections: &'a [AnswerSection],
}

impl Answer<'_> {
    /// The text of the answer.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(4096);
        let live: Vec<&str> = self
            .each()
            .filter(|(_, what)| **what != AnswerSection::Rejected)
            .map(|(section, _)| section.mid.as_str())
            .collect();
        line(&mut out, format_args!("v=0"));
        line(&mut out, format_args!("o=- {} {} IN IP4 127.0.0.1", 1_u64 << 40, self.version));
        line(&mut out, format_args!("s=-"));
        line(&mut out, format_args!("t=0 0"));
        line(&mut out, format_args!("a=ice-lite"));
        line(&mut out, format_args!("a=group:BUNDLE {}", live.join(" ")));
        line(&mut out, format_args!("a=msid-semantic: WMS"));
        let mut first = true;
        for (section, what) in self.each() {
            self.section(&mut out, section, what, &mut first);
        }
        out
    }

    fn each(&self) -> impl Iterator<Item = (&Section, &AnswerSection)> {
        self.offer.sections.iter().zip(self.sections)
    }

    fn section(&self, out: &mut String, section: &Section, what: &AnswerSection, first: &mut bool) {
        let codecs = codecs(section);
        if *what == AnswerSection::Rejected || codecs.is_empty() {
            let format = section.codecs.first().map_or(0, |codec| codec.payload_type);
            line(out, format_args!("m={} 0 {} {format}", section.media, section.protocol));
            line(out, format_args!("c=IN IP4 0.0.0.0"));
            line(out, format_args!("a=mid:{}", section.mid));
            line(out, format_args!("a=inactive"));
            return;
        }
        let formats: Vec<String> = codecs.iter().map(|codec| codec.payload_type.to_string()).collect();
        line(out, format_args!("m={} 9 {} {}", section.media, section.protocol, formats.join(" ")));
        line(out, format_args!("c=IN IP4 0.0.0.0"));
        line(out, format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        line(out, format_args!("a=ice-ufrag:{}", self.credentials.ufrag));
        line(out, format_args!("a=ice-pwd:{}", self.credentials.password));
        line(out, format_args!("a=fingerprint:sha-256 {}", self.fingerprint));
        line(out, format_args!("a=setup:passive"));
        line(out, format_args!("a=mid:{}", section.mid));
        if std::mem::take(first) {
            self.candidates(out);
        }
        for (id, uri) in taken(section) {
            line(out, format_args!("a=extmap:{id} {uri}"));
        }
        let direction = match what {
            AnswerSection::Audio { .. } => section.direction.answered().name(),
            AnswerSection::Voice if section.direction.sends() => "recvonly",
            AnswerSection::Camera => "sendrecv",
            AnswerSection::Video { .. } => "sendonly",
            AnswerSection::Voice | AnswerSection::Inactive | AnswerSection::Rejected => "inactive",
        };
        line(out, format_args!("a={direction}"));
        match what {
            AnswerSection::Audio { .. } => line(out, format_args!("a=msid:a_{0} a_{0}t", section.mid)),
            // The client finds a tile's attendee by this name (the signaling guide, section 5.5).
            AnswerSection::Video { .. } => line(out, format_args!("a=msid:v_{0} v_{0}t", section.mid)),
            _ => {}
        }
        line(out, format_args!("a=rtcp-mux"));
        line(out, format_args!("a=rtcp-rsize"));
        for codec in codecs {
            self.codec(out, section.kind, codec);
        }
        match what {
            AnswerSection::Audio { ssrc } => line(out, format_args!("a=ssrc:{ssrc} cname:{}", self.cname)),
            AnswerSection::Video { ssrc, repair } => {
                line(out, format_args!("a=ssrc-group:FID {ssrc} {repair}"));
                line(out, format_args!("a=ssrc:{ssrc} cname:{}", self.cname));
                line(out, format_args!("a=ssrc:{repair} cname:{}", self.cname));
            }
            // A section that is switched off names them too: left out once, a browser has one layer less for good.
            AnswerSection::Camera | AnswerSection::Inactive if !section.layers.is_empty() => {
                for layer in &section.layers {
                    line(out, format_args!("a=rid:{} recv", layer.rid));
                }
                // An answer without the marks would switch paused layers on.
                let layers = section.layers.iter().map(|layer| {
                    let mark = if layer.paused { "~" } else { "" };
                    format!("{mark}{}", layer.rid)
                });
                line(out, format_args!("a=simulcast:recv {}", layers.collect::<Vec<_>>().join(";")));
            }
            _ => {}
        }
    }

    fn candidates(&self, out: &mut String) {
        for (number, address) in (1_u32..).zip(self.candidates) {
            // RFC 8445 section 5.1.2: type preference of a host, the first address preferred.
            let priority = (126 << 24) + ((65_536 - number.min(65_535)) << 8) + 255;
            let (ip, port) = (address.ip(), address.port());
            line(out, format_args!("a=candidate:{number} 1 udp {priority} {ip} {port} typ host"));
        }
        for (number, address) in (1_u32..).zip(self.tcp_candidates) {
            let priority = (90 << 24) + ((65_536 - number.min(65_535)) << 8) + 255;
            let (ip, port, name) = (address.ip(), address.port(), 100 + number);
            line(
                out,
                format_args!("a=candidate:{name} 1 tcp {priority} {ip} {port} typ host tcptype passive"),
            );
        }
        line(out, format_args!("a=end-of-candidates"));
    }

    fn codec(&self, out: &mut String, kind: Kind, codec: &Codec) {
        let pt = codec.payload_type;
        let channels = codec.channels.map(|channels| format!("/{channels}")).unwrap_or_default();
        line(out, format_args!("a=rtpmap:{pt} {}/{}{channels}", codec.name, codec.clock));
        let plain = !codec.is("rtx") && !codec.is("red");
        if plain {
            line(out, format_args!("a=rtcp-fb:{pt} transport-cc"));
        }
        if plain && kind == Kind::Video {
            for feedback in ["ccm fir", "nack", "nack pli"] {
                line(out, format_args!("a=rtcp-fb:{pt} {feedback}"));
            }
        }
        if kind == Kind::Audio && plain {
            // Stereo to whom asks for it.
            let stereo = if codec.parameter("stereo") == Some("1") { ";stereo=1;sprop-stereo=1" } else { "" };
            line(out, format_args!("a=fmtp:{pt} minptime=10;useinbandfec=1{stereo}"));
        } else if !codec.parameters.is_empty() {
            line(out, format_args!("a=fmtp:{pt} {}", codec.parameters));
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _written = out.write_fmt(text);
    out.push_str("\r\n");
}
