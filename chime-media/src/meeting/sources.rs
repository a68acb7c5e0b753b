//! Videos that can be received, and how everybody is told of them (the signaling guide, sections 4.3 and 6.1).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Meeting;
use super::session::Session;
use crate::audio::Codecs;
use crate::event::{Happened, Output};
use crate::forward::cache::{Cache, Carried};
use crate::forward::dependency::Structure;
use crate::forward::nack::Missing;
use crate::forward::part::Part;
use crate::forward::rates::Rates;
use crate::ids::{Attendee, GroupId, SessionId, StreamId};
use crate::peer::Camera;
use crate::rtp::reception::Reception;
use crate::sdp::VideoCodec;
use crate::signal::proto::{
    FrameType, Index, SignalFrame, StreamAllocation, StreamDescriptor, StreamMediaType, VideoCodecCapability,
};

/// An encoding that sent nothing for this long is not sent at the moment.
const LIVE: Duration = Duration::from_secs(2);

/// A camera or a content share.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) session: SessionId,
    pub(super) attendee: Attendee,
    /// Its encodings, in the sender's order.
    pub(super) layers: Vec<Layer>,
    /// What its packets are, once one came.
    pub(super) codec: Option<VideoCodec>,
    /// Who gets it: sessions, and which of their tracks.
    pub(super) subscribers: Vec<(SessionId, usize)>,
    /// When the next key frame is asked for without a need.
    pub(super) next_keyframe: Option<Instant>,
}

/// One encoding.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) stream: StreamId,
    pub(super) rid: Option<String>,
    /// Most it may have, in kbit/s; zero while it is switched off.
    pub(super) max_kbps: u32,
    pub(super) framerate: u32,
    pub(super) ssrc: Option<u32>,
    pub(super) repair: Option<u32>,
    pub(super) cache: Cache,
    pub(super) missing: Missing,
    pub(super) reception: Option<Reception>,
    pub(super) last_packet: Option<Instant>,
    /// When it was asked for a key frame last.
    pub(super) asked: Option<Instant>,
    /// Octets since a moment, and the rate before that in bit/s.
    pub(super) meter: (usize, Instant, u32),
    /// It was of another source until the packet that comes next.
    pub(super) renewed: bool,
    /// How its layers share the rate.
    pub(super) rates: Rates,
    /// What frames its dependency descriptors are of.
    structure: Option<Structure>,
}

impl Layer {
    fn new(now: Instant, stream: StreamId, rid: Option<String>) -> Self {
        Self {
            stream,
            rid,
            max_kbps: 0,
            framerate: 0,
            ssrc: None,
            repair: None,
            cache: Cache::default(),
            missing: Missing::default(),
            reception: None,
            last_packet: None,
            asked: None,
            meter: (0, now, 0),
            renewed: false,
            rates: Rates::default(),
            structure: None,
        }
    }

    /// It has another source from now on, whose numbers have nothing to do with those before.
    pub(super) fn renew(&mut self, ssrc: Option<u32>) {
        self.renewed |= self.ssrc.is_some();
        self.ssrc = ssrc;
        (self.asked, self.last_packet) = (None, None);
        (self.cache, self.missing, self.reception) = (Cache::default(), Missing::default(), None);
        (self.rates, self.structure) = (Rates::default(), None);
    }

    /// Where a packet belongs among its layers, if it has layers.
    pub(super) fn part(&mut self, codec: VideoCodec, payload: &[u8], carried: &Carried) -> Option<Part> {
        Part::read(codec, payload, &carried.dependency, &mut self.structure)
    }

    /// Whether it is being sent.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.max_kbps > 0 && self.last_packet.is_some_and(|at| now.saturating_duration_since(at) < LIVE)
    }

    /// Counts octets of a part; the rate is over half a second.
    pub(super) fn measure(&mut self, now: Instant, octets: usize, part: Option<&Part>) {
        const OVER: Duration = Duration::from_millis(500);
        let (sum, since, _) = &mut self.meter;
        *sum += octets;
        let (spatial, temporal) = part.map_or((0, 0), |part| (part.spatial, part.temporal));
        self.rates.note(spatial, temporal, octets);
        let elapsed = now.saturating_duration_since(*since);
        if elapsed >= OVER {
            let bits = u128::try_from(*sum).unwrap_or_default() * 8_000_000 / elapsed.as_micros().max(1);
            let (bits, before) = (u32::try_from(bits).unwrap_or(u32::MAX), u64::from(self.meter.2));
            // Key frames and still pictures come and go: the rate follows them slowly.
            let smoothed = if before == 0 { u64::from(bits) } else { (3 * before + u64::from(bits)) / 4 };
            self.meter = (0, now, u32::try_from(smoothed).unwrap_or(u32::MAX));
            self.rates.settle();
        }
    }

    /// What it costs to send it, in bit/s: as measured, or as announced before it was.
    pub(super) fn cost(&self, now: Instant) -> u64 {
        match self.meter.2 {
            _ if !self.is_live(now) => 0,
            0 => u64::from(self.max_kbps) * 1000,
            measured => u64::from(measured),
        }
    }
}

impl<C: Codecs> Meeting<C> {
    /// A session sends the video that `streams` describe; tells the ids it was given, or `None` when there is no room.
    pub(super) fn publish(
        &mut self,
        now: Instant,
        id: SessionId,
        camera: &Camera,
        streams: &[StreamDescriptor],
    ) -> Option<Vec<StreamAllocation>> {
        let session = self.sessions.get(&id)?;
        let wanted = if camera.layers.is_empty() { 1 } else { camera.layers.len() };
        let attendee = session.attendee.clone();
        let kept = session
            .group
            .filter(|group| self.sources.get(group).is_some_and(|source| source.layers.len() == wanted));
        let group = match kept {
            Some(group) => group,
            None => {
                let showed = self.take_source(id).is_some();
                if !attendee.content && self.cameras() >= self.limits.video_tiles {
                    if showed {
                        self.event(attendee, Happened::VideoStopped);
                    }
                    return None;
                }
                // Whoever goes on in other encodings has neither stopped nor started.
                if !showed {
                    self.event(attendee.clone(), Happened::VideoStarted);
                }
                self.new_source(now, id, &attendee, camera, wanted)
            }
        };
        let source = self.sources.get_mut(&group)?;
        for (place, layer) in source.layers.iter_mut().enumerate() {
            let described = streams.get(place).or(streams.last());
            layer.max_kbps = described.and_then(|stream| stream.max_bitrate_kbps).unwrap_or(1500);
            layer.framerate = described.and_then(|stream| stream.framerate).unwrap_or(15);
            if camera.layers.is_empty() {
                let ssrc = camera.ssrcs.first().copied();
                if layer.ssrc != ssrc {
                    layer.renew(ssrc);
                }
                layer.repair =
                    camera.repairs.iter().find(|(media, _)| Some(*media) == ssrc).map(|(_, repair)| *repair);
            }
        }
        self.stale_index = true;
        let allocations = source.layers.iter().enumerate().map(|(place, layer)| StreamAllocation {
            track_label: streams.get(place).and_then(|stream| stream.track_label.clone()),
            stream_id: Some(layer.stream.0),
            group_id: Some(group.0),
        });
        Some(allocations.collect())
    }

    fn cameras(&self) -> usize {
        self.sources.values().filter(|source| !source.attendee.content).count()
    }

    fn new_source(
        &mut self,
        now: Instant,
        id: SessionId,
        attendee: &Attendee,
        camera: &Camera,
        wanted: usize,
    ) -> GroupId {
        let group = GroupId(self.next_group);
        self.next_group += 1;
        let peer = self.sessions.get(&id).and_then(|session| session.peer.as_ref());
        let layers = (0..wanted).map(|place| {
            let rid = camera.layers.get(place).map(|layer| layer.rid.clone());
            let known = peer.zip(rid.as_ref()).and_then(|(peer, rid)| peer.named.get(rid).copied());
            let stream = StreamId(self.next_stream);
            self.next_stream += 1;
            let (ssrc, repair) = known.unwrap_or_default();
            Layer { ssrc, repair, ..Layer::new(now, stream, rid) }
        });
        let layers = layers.collect();
        let periodic =
            attendee.content && self.sessions.get(&id).is_some_and(|session| !session.no_periodic_keyframes);
        let source = Source {
            session: id,
            attendee: attendee.clone(),
            layers,
            codec: None,
            subscribers: Vec::new(),
            next_keyframe: periodic.then(|| now + self.config.content_keyframes),
        };
        self.sources.insert(group, source);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.group = Some(group);
        }
        group
    }

    /// A session sends no video any more.
    pub(super) fn withdraw(&mut self, id: SessionId) {
        if let Some(attendee) = self.take_source(id) {
            self.event(attendee, Happened::VideoStopped);
        }
    }

    /// Takes away what a session shows, without a word; gives its attendee.
    fn take_source(&mut self, id: SessionId) -> Option<Attendee> {
        let session = self.sessions.get_mut(&id)?;
        let source = self.sources.remove(&session.group.take()?)?;
        self.stale_index = true;
        if let Some(peer) = &mut session.peer {
            // Browsers name an encoding until its packets are acknowledged, and not again when the camera is back.
            let named = |layer: Layer| Some((layer.rid?, (layer.ssrc, layer.repair)));
            peer.named = source.layers.into_iter().filter_map(named).collect();
        }
        Some(source.attendee)
    }

    /// Takes away what an attendee may not send, or receive, any more.
    pub(super) fn withdraw_forbidden(&mut self, id: SessionId) {
        if self.sessions.get(&id).is_some_and(|session| !session.may_show()) {
            self.withdraw(id);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (cameras, contents) = (session.may_watch(false), session.may_watch(true));
        let sources = &self.sources;
        let Some(peer) = &mut session.peer else { return };
        for track in &mut peer.tracks {
            let content =
                track.wish.group.and_then(|group| sources.get(&group)).map(|source| source.attendee.content);
            if content.is_some_and(|content| if content { !contents } else { !cameras }) {
                track.want(None, None);
            }
        }
        self.resubscribe();
    }

    /// Notes anew who gets what.
    pub(super) fn resubscribe(&mut self) {
        for source in self.sources.values_mut() {
            source.subscribers.clear();
        }
        for (id, session) in &self.sessions {
            let tracks = session.peer.iter().flat_map(|peer| peer.tracks.iter().enumerate());
            for (place, track) in tracks {
                if let Some(source) = track.wish.group.and_then(|group| self.sources.get_mut(&group)) {
                    source.subscribers.push((*id, place));
                }
            }
        }
    }

    /// The group of a stream.
    pub(super) fn group_of(&self, stream: StreamId) -> Option<GroupId> {
        self.sources
            .iter()
            .find(|(_, source)| source.layers.iter().any(|layer| layer.stream == stream))
            .map(|(group, _)| *group)
    }

    /// The videos that a session may receive, told to it now.
    pub(super) fn index_for(&mut self, now: Instant, id: SessionId) -> SignalFrame {
        let index = self.index(&self.common(), self.sessions.get(&id));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.told_index = Some(Arc::new(index.clone()));
        }
        SignalFrame { index: Some(index), ..self.frame(now, FrameType::Index) }
    }

    /// What everybody is told, but for the videos.
    fn common(&self) -> Index {
        let counts = |session: &&Session| session.joined && !session.is_viewer() && !session.attendee.content;
        Index {
            at_capacity: Some(self.cameras() >= self.limits.video_tiles),
            num_participants: u32::try_from(self.sessions.values().filter(counts).count()).ok(),
            supported_receive_codec_intersection: self.common_codecs(),
            ..Index::default()
        }
    }

    /// The videos that a session may receive; without one, those that somebody may who shows nothing.
    fn index(&self, common: &Index, session: Option<&Session>) -> Index {
        let mut index = common.clone();
        // Whoever may not show itself is told that there is no room.
        if session.is_some_and(Session::is_viewer) {
            index.at_capacity = Some(true);
        }
        let visible = self.sources.iter().filter(|(_, source)| {
            session.is_none_or(|session| {
                source.attendee.id != session.attendee.id && session.may_watch(source.attendee.content)
            })
        });
        for (group, source) in visible {
            for layer in source.layers.iter().filter(|layer| layer.max_kbps > 0) {
                index.sources.push(StreamDescriptor {
                    stream_id: Some(layer.stream.0),
                    framerate: Some(layer.framerate),
                    max_bitrate_kbps: Some(layer.max_kbps),
                    group_id: Some(group.0),
                    avg_bitrate_bps: Some(layer.max_kbps.saturating_mul(1000)),
                    attendee_id: Some(source.attendee.name()),
                    media_type: Some(StreamMediaType::Video.into()),
                    external_user_id: Some(source.attendee.external_user_id.to_string()),
                    ..StreamDescriptor::default()
                });
            }
        }
        index
    }

    /// Codecs that all who may watch can decode; empty while that is not known of anybody.
    fn common_codecs(&self) -> Vec<i32> {
        let mut common: Option<Vec<VideoCodecCapability>> = None;
        for session in self.sessions.values().filter(|session| !session.attendee.content) {
            let Some(peer) = &session.peer else { continue };
            let known: Vec<VideoCodecCapability> = match peer.tracks.first() {
                Some(track) => track.codecs().filter_map(VideoCodec::capability).collect(),
                None => peer.camera.codecs().filter_map(VideoCodec::capability).collect(),
            };
            // Whoever takes no video at all is in nobody's way.
            if known.is_empty() {
                continue;
            }
            match &mut common {
                None => common = Some(known),
                Some(common) => common.retain(|codec| known.contains(codec)),
            }
        }
        let mut codecs: Vec<i32> = common.unwrap_or_default().into_iter().map(i32::from).collect();
        codecs.sort_unstable();
        codecs.dedup();
        codecs
    }

    /// Tells everybody the videos. What most are told is made once.
    pub(super) fn tell_index(&mut self, now: Instant) {
        let common = self.common();
        let usual = Arc::new(self.index(&common, None));
        let message = |index: &Index| -> Arc<[u8]> {
            let frame = SignalFrame { index: Some(index.clone()), ..self.frame(now, FrameType::Index) };
            crate::signal::encode(&frame).into()
        };
        let of_usual = message(&usual);
        let mut told: Vec<(SessionId, Arc<Index>, Arc<[u8]>)> = Vec::new();
        for (id, session) in self.sessions.iter().filter(|(_, session)| session.joined) {
            let shows = self.sources.values().any(|source| source.attendee.id == session.attendee.id);
            let is_usual =
                !shows && !session.is_viewer() && session.may_watch(false) && session.may_watch(true);
            let index =
                if is_usual { Arc::clone(&usual) } else { Arc::new(self.index(&common, Some(session))) };
            if session.told_index.as_ref() != Some(&index) {
                let message = if is_usual { Arc::clone(&of_usual) } else { message(&index) };
                told.push((*id, index, message));
            }
        }
        for (id, index, message) in told {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            session.told_index = Some(index);
            if session.socket {
                self.outputs.push_back(Output::Signal { session: id, message });
            }
        }
    }
}
