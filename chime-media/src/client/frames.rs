//! Frames of a client, and what it does with those of the server.

use std::time::Instant;

use super::answer::Answered;
use super::attendee::{Client, Stage};
use super::event::Event;
use crate::signal::encode;
use crate::signal::proto::{
    AudioControl, Credentials, DataMessageFrame, DataMessagePayload, FrameType, Join, Leave, PauseResume,
    PingPong, PingPongType, PrimaryMeetingJoin, PrimaryMeetingLeave, RemoteVideoUpdate,
    ServerSideNetworkAdaption, SignalFrame, StreamDescriptor, StreamMediaType, StreamServiceType, Subscribe,
    SubscribeAck,
};

/// No video may be sent (the signaling guide, section 6.9).
const VIEW_ONLY: u32 = 206;

impl Client {
    fn send(&mut self, now: Instant, kind: FrameType, fill: impl FnOnce(&mut SignalFrame)) {
        if self.stage == Stage::Over {
            return;
        }
        let since = now.saturating_duration_since(self.start).as_millis();
        let wall = self.config.wall_ms.saturating_add(u64::try_from(since).unwrap_or_default());
        let mut frame = SignalFrame::new(wall, kind);
        fill(&mut frame);
        self.messages.push_back(encode(&frame));
    }

    pub(super) fn ping(&mut self, now: Instant) {
        self.pings += 1;
        let ping = PingPong { kind: PingPongType::Ping.into(), ping_id: self.pings };
        self.send(now, FrameType::PingPong, |frame| frame.ping_pong = Some(ping));
    }

    pub(super) fn join(&mut self, now: Instant) {
        use ServerSideNetworkAdaption::{
            BandwidthProbing, BandwidthProbingAndVideoQualityAdaption, Default, None,
        };
        let (wants, supported) = if self.config.adapts {
            let all = [None, BandwidthProbing, BandwidthProbingAndVideoQualityAdaption];
            (BandwidthProbingAndVideoQualityAdaption, all.map(i32::from).to_vec())
        } else {
            (Default, Vec::new())
        };
        let join = Join {
            protocol_version: Some(2),
            flags: Some(2),
            audio_session_id: Some(self.config.audio_session),
            wants_compressed_sdp: Some(true),
            server_side_network_adaption: Some(wants.into()),
            supported_server_side_network_adaptions: supported,
            wants_all_temporal_layers_in_index: Some(self.config.adapts),
            disable_periodic_keyframe_request_on_content_sender: Some(false),
            ..Join::default()
        };
        self.send(now, FrameType::Join, |frame| frame.join = Some(join));
    }

    /// Leaves; the session is over when the server has acknowledged it.
    pub fn leave(&mut self, now: Instant) {
        self.send(now, FrameType::Leave, |frame| frame.leave = Some(Leave {}));
    }

    /// Closes the media without a word to the server's signaling.
    pub fn close(&mut self, now: Instant) {
        self.connection.link.close(now, &mut self.connection.out);
        self.connected = false;
    }

    /// Mutes or unmutes; whoever drives it goes on to call [`Self::say`], with silence.
    pub fn mute(&mut self, now: Instant, muted: bool) {
        self.muted = muted;
        let control = AudioControl { muted: Some(muted) };
        self.send(now, FrameType::AudioControl, |frame| frame.audio_control = Some(control));
    }

    /// Sends a data message.
    pub fn tell(&mut self, now: Instant, topic: &str, data: &[u8], lifetime_ms: u32) {
        let message = DataMessagePayload {
            topic: Some(topic.to_owned()),
            data: Some(data.to_vec()),
            lifetime_ms: Some(lifetime_ms),
            ..DataMessagePayload::default()
        };
        let messages = DataMessageFrame { messages: vec![message] };
        self.send(now, FrameType::DataMessage, |frame| frame.data_message = Some(messages));
    }

    /// Asks to be promoted from a replica, as an attendee of the meeting itself.
    pub fn promote(&mut self, now: Instant, attendee: &str, token: &str) {
        let credentials = Credentials {
            attendee_id: Some(attendee.to_owned()),
            external_user_id: None,
            join_token: Some(token.to_owned()),
        };
        let join = PrimaryMeetingJoin { credentials: Some(credentials) };
        self.send(now, FrameType::PrimaryMeetingJoin, |frame| frame.primary_meeting_join = Some(join));
    }

    /// Goes back to only receiving.
    pub fn demote(&mut self, now: Instant) {
        let leave = PrimaryMeetingLeave {};
        self.send(now, FrameType::PrimaryMeetingLeave, |frame| frame.primary_meeting_leave = Some(leave));
    }

    /// The application pauses the tile of an attendee, or lets it go on.
    pub fn pause_tile(&mut self, now: Instant, attendee: &str, paused: bool) {
        let Some(stream) = self.connection.subscriptions.of(attendee).map(|slot| slot.stream) else { return };
        let kind = if paused { FrameType::Pause } else { FrameType::Resume };
        let pause = PauseResume { stream_ids: vec![stream], ..PauseResume::default() };
        self.send(now, kind, |frame| frame.pause = Some(pause));
    }

    pub(super) fn tell_preference(&mut self, now: Instant, attendee: &str) {
        let subscriptions = &self.connection.subscriptions;
        let Some(slot) = subscriptions.of(attendee) else { return };
        let update = RemoteVideoUpdate {
            added_or_updated_video_subscriptions: vec![subscriptions.configuration(slot)],
            ..RemoteVideoUpdate::default()
        };
        self.send(now, FrameType::RemoteVideoUpdate, |frame| frame.remote_video_update = Some(update));
    }

    /// Makes an offer, or notes that one is due while another is out.
    pub(super) fn subscribe(&mut self, now: Instant) {
        if self.stage != Stage::Joined || self.offered {
            self.stale = true;
            return;
        }
        (self.offered, self.stale) = (true, false);
        self.connection.counts.offers += 1;
        let mut streams = vec![StreamDescriptor {
            stream_id: Some(1),
            framerate: Some(15),
            max_bitrate_kbps: Some(600),
            track_label: Some("AmazonChimeExpressAudio".to_owned()),
            group_id: Some(1),
            attendee_id: Some(self.config.attendee.clone()),
            media_type: Some(StreamMediaType::Audio.into()),
            ..StreamDescriptor::default()
        }];
        if let Some(camera) = &self.connection.camera {
            let described = camera.layers().iter().enumerate().map(|(place, stream)| StreamDescriptor {
                stream_id: self.allocated.get(place).copied(),
                framerate: Some(camera.fps()),
                max_bitrate_kbps: Some(stream.kbps),
                attendee_id: Some(self.config.attendee.clone()),
                media_type: Some(StreamMediaType::Video.into()),
                ..StreamDescriptor::default()
            });
            streams.extend(described);
        }
        let subscriptions = &self.connection.subscriptions;
        let wanted = subscriptions.slots().filter(|slot| slot.is_wanted() && self.config.adapts);
        let duplex =
            if self.connection.camera.is_some() { StreamServiceType::Duplex } else { StreamServiceType::Rx };
        let subscribe = Subscribe {
            duplex: Some(duplex.into()),
            send_streams: streams,
            receive_stream_ids: std::iter::once(0)
                .chain(subscriptions.slots().map(|slot| slot.stream))
                .collect(),
            sdp_offer: Some(self.connection.offer()),
            audio_host: Some("light".to_owned()),
            audio_checkin: Some(false),
            audio_muted: Some(self.muted),
            video_subscription_configuration: wanted.map(|slot| subscriptions.configuration(slot)).collect(),
            ..Subscribe::default()
        };
        self.send(now, FrameType::Subscribe, |frame| frame.sub = Some(subscribe));
    }

    pub(super) fn frame(&mut self, now: Instant, frame: SignalFrame) {
        let status = frame.error.as_ref().and_then(|error| error.status).unwrap_or_default();
        if frame.kind() == FrameType::PrimaryMeetingJoinAck {
            return self.events.push_back(Event::Promoted(status));
        }
        if status >= 300 {
            (self.stage, self.next_ping) = (Stage::Over, None);
            return self.events.push_back(Event::Refused(status));
        }
        match frame.kind() {
            FrameType::JoinAck => self.events.push_back(Event::Joined),
            FrameType::Index => {
                self.index = frame.index.unwrap_or_default();
                if self.stage == Stage::Joining {
                    self.stage = Stage::Joined;
                    self.subscribe(now);
                } else {
                    self.follow(now);
                }
            }
            FrameType::SubscribeAck => {
                self.answered(now, &frame.suback.unwrap_or_default(), status == VIEW_ONLY)
            }
            FrameType::AudioStreamIdInfo => {
                self.roster.change(&frame.audio_stream_id_info.unwrap_or_default())
            }
            FrameType::AudioMetadata => self.roster.volumes(&frame.audio_metadata.unwrap_or_default()),
            FrameType::AudioStatus => {
                let status = frame.audio_status.and_then(|status| status.audio_status).unwrap_or_default();
                (self.stage, self.next_ping) = (Stage::Over, None);
                self.events.push_back(Event::Ended(status));
            }
            FrameType::LeaveAck => {
                (self.stage, self.next_ping) = (Stage::Over, None);
                self.events.push_back(Event::Left);
            }
            FrameType::DataMessage => {
                let messages = frame.data_message.unwrap_or_default().messages;
                self.events.extend(messages.into_iter().map(Event::Data));
            }
            FrameType::Pause => {
                self.events.push_back(Event::Paused(frame.pause.unwrap_or_default().group_ids))
            }
            FrameType::Resume => {
                self.events.push_back(Event::Resumed(frame.pause.unwrap_or_default().group_ids))
            }
            FrameType::PrimaryMeetingLeave => self.events.push_back(Event::Demoted),
            FrameType::Bitrates => {
                let rates = frame.bitrates.unwrap_or_default();
                let each = rates.bitrates.iter();
                let each =
                    each.map(|rate| (rate.source_stream_id.unwrap_or(0), rate.avg_bitrate_bps.unwrap_or(0)));
                self.events
                    .push_back(Event::Bitrates(rates.server_available_outgoing_bitrate, each.collect()));
            }
            FrameType::PingPong => {
                let ping = frame.ping_pong.filter(|ping| ping.kind() == PingPongType::Ping);
                if let Some(PingPong { ping_id, .. }) = ping {
                    let pong = PingPong { kind: PingPongType::Pong.into(), ping_id };
                    self.send(now, FrameType::PingPong, |frame| frame.ping_pong = Some(pong));
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, now: Instant, ack: &SubscribeAck, view_only: bool) {
        self.offered = false;
        self.allocated = ack.allocations.iter().map(|each| each.stream_id.unwrap_or_default()).collect();
        if let Some(answer) = ack.sdp_answer.as_deref().and_then(Answered::parse) {
            self.connection.answered(now, &answer, !view_only);
        }
        if view_only {
            self.connection.camera = None;
            self.events.push_back(Event::ViewOnly);
        }
        self.events.push_back(Event::Answered);
        if self.stale {
            self.subscribe(now);
        }
        self.follow(now);
    }

    /// Follows the videos there are; only once media flows, as the SDK does.
    pub(super) fn follow(&mut self, now: Instant) {
        let Self { connection, index, config, .. } = self;
        if self.connected
            && !self.offered
            && connection.subscriptions.follow(index, &config.attendee, config.videos)
        {
            self.subscribe(now);
        }
    }
}
