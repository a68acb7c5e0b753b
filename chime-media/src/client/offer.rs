//! Offers of the shape that Chromium makes (the signaling guide, section 5.3 and appendix A).

use std::fmt::Write as _;

use super::connection::Connection;
use crate::sdp::answer::uri;

/// Payload types.
pub(super) const OPUS: u8 = 111;
pub(super) const RED: u8 = 63;
pub(super) const VP8: u8 = 96;
pub(super) const RTX: u8 = 97;
pub(super) const VP9: u8 = 98;
pub(super) const VP9_RTX: u8 = 99;

/// Ids of header extensions.
pub(super) const LEVEL: u8 = 1;
pub(super) const TRANSPORT: u8 = 3;
pub(super) const MID: u8 = 4;
pub(super) const RID: u8 = 10;
pub(super) const REPAIRED_RID: u8 = 11;
pub(super) const DEPENDENCY: u8 = 12;

/// Sections of the audio and of the camera.
pub(super) const AUDIO_MID: u32 = 0;
pub(super) const CAMERA_MID: u32 = 1;

impl Connection {
    /// The offer for what the client sends and wants now.
    pub(super) fn offer(&self) -> String {
        let mut out = String::with_capacity(4096);
        let live = self.subscriptions.slots().filter(|slot| slot.is_wanted()).map(|slot| slot.mid);
        let live: Vec<String> =
            [AUDIO_MID, CAMERA_MID].into_iter().chain(live).map(|mid| mid.to_string()).collect();
        line(&mut out, format_args!("v=0"));
        line(&mut out, format_args!("o=mozilla-chrome 4611731400430051336 2 IN IP4 127.0.0.1"));
        line(&mut out, format_args!("s=-"));
        line(&mut out, format_args!("t=0 0"));
        line(&mut out, format_args!("a=group:BUNDLE {}", live.join(" ")));
        line(&mut out, format_args!("a=extmap-allow-mixed"));
        line(&mut out, format_args!("a=msid-semantic: WMS"));
        self.audio(&mut out);
        self.camera(&mut out);
        for slot in self.subscriptions.slots() {
            let (port, direction) = if slot.is_wanted() { (9, "recvonly") } else { (0, "inactive") };
            self.video(&mut out, slot.mid, port, direction);
        }
        out
    }

    fn head(&self, out: &mut String, mid: u32) {
        line(out, format_args!("c=IN IP4 0.0.0.0"));
        line(out, format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        line(out, format_args!("a=ice-ufrag:{}", self.link.ours.ufrag));
        line(out, format_args!("a=ice-pwd:{}", self.link.ours.password));
        line(out, format_args!("a=ice-options:trickle"));
        line(out, format_args!("a=fingerprint:sha-256 {}", self.link.fingerprint()));
        line(out, format_args!("a=setup:actpass"));
        line(out, format_args!("a=mid:{mid}"));
    }

    fn audio(&self, out: &mut String) {
        let red = self.voice.sends_red();
        let formats = if red { "63 111" } else { "111" };
        line(out, format_args!("m=audio 9 UDP/TLS/RTP/SAVPF {formats}"));
        self.head(out, AUDIO_MID);
        line(out, format_args!("a=extmap:{LEVEL} {}", uri::AUDIO_LEVEL));
        line(out, format_args!("a=extmap:{TRANSPORT} {}", uri::TRANSPORT_CC));
        line(out, format_args!("a=extmap:{MID} {}", uri::MID));
        line(out, format_args!("a=sendrecv"));
        line(out, format_args!("a=rtcp-mux"));
        line(out, format_args!("a=rtcp-rsize"));
        if red {
            line(out, format_args!("a=rtpmap:{RED} red/48000/2"));
            line(out, format_args!("a=fmtp:{RED} {OPUS}/{OPUS}"));
        }
        line(out, format_args!("a=rtpmap:{OPUS} opus/48000/2"));
        line(out, format_args!("a=rtcp-fb:{OPUS} transport-cc"));
        line(out, format_args!("a=fmtp:{OPUS} minptime=10;useinbandfec=1"));
        line(out, format_args!("a=ssrc:{} cname:light", self.voice.ssrc()));
    }

    fn camera(&self, out: &mut String) {
        let Some(camera) = &self.camera else { return self.video(out, CAMERA_MID, 9, "inactive") };
        self.video(out, CAMERA_MID, 9, "sendrecv");
        if let [single] = camera.layers()
            && single.rid.is_none()
        {
            let (media, repair) = (single.ssrc, single.repair);
            line(out, format_args!("a=ssrc-group:FID {media} {repair}"));
            line(out, format_args!("a=ssrc:{media} cname:light"));
            line(out, format_args!("a=ssrc:{repair} cname:light"));
            return;
        }
        let mut marked = Vec::new();
        for layer in camera.layers() {
            let rid = layer.rid.as_deref().unwrap_or_default();
            line(out, format_args!("a=rid:{rid} send"));
            marked.push(format!("{}{rid}", if layer.kbps == 0 { "~" } else { "" }));
        }
        line(out, format_args!("a=simulcast:send {}", marked.join(";")));
    }

    fn video(&self, out: &mut String, mid: u32, port: u16, direction: &str) {
        line(out, format_args!("m=video {port} UDP/TLS/RTP/SAVPF {VP8} {RTX} {VP9} {VP9_RTX}"));
        self.head(out, mid);
        let extensions = [
            (TRANSPORT, uri::TRANSPORT_CC),
            (MID, uri::MID),
            (RID, uri::RID),
            (REPAIRED_RID, uri::REPAIRED_RID),
            (DEPENDENCY, uri::DEPENDENCY),
        ];
        for (id, uri) in extensions {
            line(out, format_args!("a=extmap:{id} {uri}"));
        }
        line(out, format_args!("a={direction}"));
        line(out, format_args!("a=rtcp-mux"));
        line(out, format_args!("a=rtcp-rsize"));
        for (name, media, repair) in [("VP8", VP8, RTX), ("VP9", VP9, VP9_RTX)] {
            line(out, format_args!("a=rtpmap:{media} {name}/90000"));
            for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
                line(out, format_args!("a=rtcp-fb:{media} {feedback}"));
            }
            line(out, format_args!("a=rtpmap:{repair} rtx/90000"));
            line(out, format_args!("a=fmtp:{repair} apt={media}"));
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _written = out.write_fmt(text);
    out.push_str("\r\n");
}
