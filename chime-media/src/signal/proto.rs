//! The messages of the signaling, written down by hand from their field numbers (the signaling guide, section 3).
//!
//! Members have the names of the protocol; what they mean is said there. Left out is what the server does not read:
//! metrics and timings of the client.

#![expect(missing_docs, reason = "the members' meaning is the protocol's, and stands in the guide")]

/// The envelope: every WebSocket message carries one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SignalFrame {
    /// The sender's wall clock, in milliseconds since 1970.
    #[prost(uint64, required, tag = "1")]
    pub timestamp_ms: u64,
    /// Which of the others is meant.
    #[prost(enumeration = "FrameType", required, tag = "2", default = "Join")]
    pub kind: i32,
    #[prost(message, optional, tag = "3")]
    pub error: Option<Error>,
    #[prost(message, optional, tag = "4")]
    pub join: Option<Join>,
    #[prost(message, optional, tag = "5")]
    pub joinack: Option<JoinAck>,
    #[prost(message, optional, tag = "6")]
    pub sub: Option<Subscribe>,
    #[prost(message, optional, tag = "7")]
    pub suback: Option<SubscribeAck>,
    #[prost(message, optional, tag = "8")]
    pub index: Option<Index>,
    #[prost(message, optional, tag = "10")]
    pub pause: Option<PauseResume>,
    #[prost(message, optional, tag = "11")]
    pub leave: Option<Leave>,
    #[prost(message, optional, tag = "12")]
    pub leave_ack: Option<LeaveAck>,
    #[prost(message, optional, tag = "14")]
    pub bitrates: Option<BitrateFrame>,
    #[prost(message, optional, tag = "17")]
    pub audio_control: Option<AudioControl>,
    #[prost(message, optional, tag = "18")]
    pub audio_metadata: Option<AudioMetadata>,
    #[prost(message, optional, tag = "19")]
    pub audio_stream_id_info: Option<AudioStreamIdInfoFrame>,
    #[prost(message, optional, tag = "20")]
    pub ping_pong: Option<PingPong>,
    #[prost(message, optional, tag = "21")]
    pub audio_status: Option<AudioStatus>,
    #[prost(message, optional, tag = "23")]
    pub data_message: Option<DataMessageFrame>,
    #[prost(message, optional, tag = "25")]
    pub remote_video_update: Option<RemoteVideoUpdate>,
    #[prost(message, optional, tag = "26")]
    pub primary_meeting_join: Option<PrimaryMeetingJoin>,
    #[prost(message, optional, tag = "27")]
    pub primary_meeting_join_ack: Option<PrimaryMeetingJoinAck>,
    #[prost(message, optional, tag = "28")]
    pub primary_meeting_leave: Option<PrimaryMeetingLeave>,
    #[prost(message, optional, tag = "35")]
    pub notification: Option<Notification>,
}

impl SignalFrame {
    /// A frame of a type, whose part is still to be filled in.
    #[must_use]
    pub fn new(timestamp_ms: u64, kind: FrameType) -> Self {
        Self { timestamp_ms, kind: kind.into(), ..Self::default() }
    }
}

/// A status in any frame.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Error {
    #[prost(uint32, optional, tag = "1")]
    pub status: Option<u32>,
    #[prost(string, optional, tag = "2")]
    pub description: Option<String>,
}

/// What the client says of itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ClientDetails {
    #[prost(string, optional, tag = "1")]
    pub app_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub app_version: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub device_model: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub device_make: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub platform_name: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub platform_version: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub client_source: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub chime_sdk_version: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub client_utc_offset: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub os_name: Option<String>,
    #[prost(string, optional, tag = "11")]
    pub os_version: Option<String>,
}

/// The client joins.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Join {
    #[prost(uint32, optional, tag = "1")]
    pub protocol_version: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub max_num_of_videos: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub flags: Option<u32>,
    #[prost(message, optional, tag = "4")]
    pub client_details: Option<ClientDetails>,
    #[prost(uint64, optional, tag = "6")]
    pub audio_session_id: Option<u64>,
    #[prost(bool, optional, tag = "7")]
    pub wants_compressed_sdp: Option<bool>,
    #[prost(enumeration = "ServerSideNetworkAdaption", optional, tag = "10")]
    pub server_side_network_adaption: Option<i32>,
    #[prost(enumeration = "ServerSideNetworkAdaption", repeated, packed = "false", tag = "11")]
    pub supported_server_side_network_adaptions: Vec<i32>,
    #[prost(bool, optional, tag = "12")]
    pub wants_all_temporal_layers_in_index: Option<bool>,
    #[prost(bool, optional, tag = "13")]
    pub disable_periodic_keyframe_request_on_content_sender: Option<bool>,
}

/// The answer to a join.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JoinAck {
    #[prost(message, optional, tag = "1")]
    pub turn_credentials: Option<TurnCredentials>,
    #[prost(uint32, optional, tag = "2")]
    pub video_subscription_limit: Option<u32>,
    #[prost(bool, optional, tag = "3")]
    pub wants_compressed_sdp: Option<bool>,
    #[prost(enumeration = "ServerSideNetworkAdaption", optional, tag = "4")]
    pub default_server_side_network_adaption: Option<i32>,
}

/// The client leaves.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Leave {}

/// The answer to that.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LeaveAck {}

/// What the client sends and wants, with its offer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Subscribe {
    #[prost(enumeration = "StreamServiceType", optional, tag = "1")]
    pub duplex: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub send_streams: Vec<StreamDescriptor>,
    #[prost(uint32, repeated, packed = "false", tag = "3")]
    pub receive_stream_ids: Vec<u32>,
    #[prost(string, optional, tag = "4")]
    pub sdp_offer: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub audio_host: Option<String>,
    #[prost(bool, optional, tag = "6")]
    pub audio_checkin: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub audio_muted: Option<bool>,
    #[prost(bytes = "vec", optional, tag = "8")]
    pub compressed_sdp_offer: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "9")]
    pub video_subscription_configuration: Vec<VideoSubscriptionConfiguration>,
}

/// The answer to that, with ours.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SubscribeAck {
    #[prost(enumeration = "StreamServiceType", optional, tag = "1")]
    pub duplex: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub allocations: Vec<StreamAllocation>,
    #[prost(string, optional, tag = "3")]
    pub sdp_answer: Option<String>,
    #[prost(message, repeated, tag = "4")]
    pub tracks: Vec<TrackMapping>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub compressed_sdp_answer: Option<Vec<u8>>,
}

/// All videos that can be subscribed to.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Index {
    #[prost(bool, optional, tag = "1")]
    pub at_capacity: Option<bool>,
    #[prost(message, repeated, tag = "2")]
    pub sources: Vec<StreamDescriptor>,
    #[prost(uint32, repeated, packed = "false", tag = "3")]
    pub paused_at_source_ids: Vec<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub num_participants: Option<u32>,
    #[prost(enumeration = "VideoCodecCapability", repeated, packed = "false", tag = "5")]
    pub supported_receive_codec_intersection: Vec<i32>,
}

/// Tiles that are paused or go on.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PauseResume {
    #[prost(uint32, repeated, packed = "false", tag = "1")]
    pub stream_ids: Vec<u32>,
    #[prost(uint32, repeated, packed = "false", tag = "2")]
    pub group_ids: Vec<u32>,
}

/// Measured rates of sources.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BitrateFrame {
    #[prost(message, repeated, tag = "1")]
    pub bitrates: Vec<Bitrate>,
    #[prost(uint32, optional, tag = "2")]
    pub server_available_outgoing_bitrate: Option<u32>,
}

/// One encoding of a source.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamDescriptor {
    #[prost(uint32, optional, tag = "1")]
    pub stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub framerate: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub max_bitrate_kbps: Option<u32>,
    #[prost(string, optional, tag = "4")]
    pub track_label: Option<String>,
    #[prost(uint32, optional, tag = "6")]
    pub group_id: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub avg_bitrate_bps: Option<u32>,
    #[prost(string, optional, tag = "8")]
    pub attendee_id: Option<String>,
    #[prost(enumeration = "StreamMediaType", optional, tag = "9")]
    pub media_type: Option<i32>,
    #[prost(string, optional, tag = "10")]
    pub external_user_id: Option<String>,
    #[prost(uint32, optional, tag = "11")]
    pub width: Option<u32>,
    #[prost(uint32, optional, tag = "12")]
    pub height: Option<u32>,
}

/// The ids given to an encoding.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamAllocation {
    #[prost(string, optional, tag = "1")]
    pub track_label: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub group_id: Option<u32>,
}

/// Which stream a section of the answer carries.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrackMapping {
    #[prost(uint32, optional, tag = "1")]
    pub stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub ssrc: Option<u32>,
    #[prost(string, optional, tag = "3")]
    pub track_label: Option<String>,
}

/// The rate of an encoding.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Bitrate {
    #[prost(uint32, optional, tag = "1")]
    pub source_stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub avg_bitrate_bps: Option<u32>,
}

/// The client mutes or unmutes itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioControl {
    #[prost(bool, optional, tag = "1")]
    pub muted: Option<bool>,
}

/// Volumes and signal strengths.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioMetadata {
    #[prost(message, repeated, tag = "1")]
    pub attendee_states: Vec<AudioAttendeeState>,
}

/// Those of one attendee.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioAttendeeState {
    #[prost(uint32, optional, tag = "1")]
    pub audio_stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub volume: Option<u32>,
    #[prost(bool, optional, tag = "3")]
    pub muted: Option<bool>,
    #[prost(uint32, optional, tag = "4")]
    pub signal_strength: Option<u32>,
}

/// Changes of the roster.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioStreamIdInfoFrame {
    #[prost(message, repeated, tag = "1")]
    pub streams: Vec<AudioStreamIdInfo>,
}

/// One change of the roster.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioStreamIdInfo {
    #[prost(uint32, optional, tag = "1")]
    pub audio_stream_id: Option<u32>,
    #[prost(string, optional, tag = "2")]
    pub attendee_id: Option<String>,
    #[prost(bool, optional, tag = "3")]
    pub muted: Option<bool>,
    #[prost(string, optional, tag = "4")]
    pub external_user_id: Option<String>,
    #[prost(bool, optional, tag = "5")]
    pub dropped: Option<bool>,
}

/// Keeps the connection alive.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PingPong {
    #[prost(enumeration = "PingPongType", required, tag = "1")]
    pub kind: i32,
    #[prost(uint32, required, tag = "2")]
    pub ping_id: u32,
}

/// The status of the session.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AudioStatus {
    #[prost(uint32, optional, tag = "1")]
    pub audio_status: Option<u32>,
}

/// Data messages.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DataMessageFrame {
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<DataMessagePayload>,
}

/// A data message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DataMessagePayload {
    #[prost(string, optional, tag = "1")]
    pub topic: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub data: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "3")]
    pub lifetime_ms: Option<u32>,
    #[prost(string, optional, tag = "4")]
    pub sender_attendee_id: Option<String>,
    #[prost(int64, optional, tag = "5")]
    pub ingest_time_ns: Option<i64>,
    #[prost(string, optional, tag = "6")]
    pub sender_external_user_id: Option<String>,
}

/// How to reach us through a relay.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TurnCredentials {
    #[prost(string, optional, tag = "1")]
    pub username: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub password: Option<String>,
    #[prost(uint32, optional, tag = "3")]
    pub ttl: Option<u32>,
    #[prost(string, repeated, tag = "4")]
    pub uris: Vec<String>,
}

/// Other wishes about received videos, without a new offer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RemoteVideoUpdate {
    #[prost(message, repeated, tag = "1")]
    pub added_or_updated_video_subscriptions: Vec<VideoSubscriptionConfiguration>,
    #[prost(string, repeated, tag = "2")]
    pub removed_video_subscription_mids: Vec<String>,
}

/// A wish about one section.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VideoSubscriptionConfiguration {
    #[prost(string, required, tag = "1")]
    pub mid: String,
    #[prost(string, optional, tag = "2")]
    pub attendee_id: Option<String>,
    #[prost(uint32, optional, tag = "3")]
    pub stream_id: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub priority: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    pub target_bitrate_kbps: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub group_id: Option<u32>,
    #[prost(enumeration = "VideoQualityAdaptationPreference", optional, tag = "7")]
    pub quality_adaptation_preference: Option<i32>,
}

/// Something for the client's log.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Notification {
    #[prost(enumeration = "NotificationLevel", optional, tag = "1")]
    pub level: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub message: Option<String>,
}

/// An attendee of a replica wants to be promoted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PrimaryMeetingJoin {
    #[prost(message, optional, tag = "1")]
    pub credentials: Option<Credentials>,
}

/// What proves to be an attendee.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
#[prost(skip_debug)]
pub struct Credentials {
    #[prost(string, optional, tag = "1")]
    pub attendee_id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub external_user_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub join_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("attendee_id", &self.attendee_id).finish_non_exhaustive()
    }
}

/// The answer to that.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PrimaryMeetingJoinAck {}

/// The promotion ends.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PrimaryMeetingLeave {}

/// Which part of a frame is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum FrameType {
    Join = 1,
    JoinAck = 2,
    Subscribe = 3,
    SubscribeAck = 4,
    Index = 5,
    Pause = 7,
    Resume = 8,
    Leave = 9,
    LeaveAck = 10,
    Bitrates = 13,
    AudioControl = 16,
    AudioMetadata = 17,
    AudioStreamIdInfo = 18,
    PingPong = 19,
    AudioStatus = 20,
    ClientMetric = 21,
    DataMessage = 22,
    RemoteVideoUpdate = 24,
    PrimaryMeetingJoin = 25,
    PrimaryMeetingJoinAck = 26,
    PrimaryMeetingLeave = 27,
    Notification = 34,
    MeetingSessionTiming = 43,
}

/// Who chooses the encodings that a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ServerSideNetworkAdaption {
    Default = 1,
    None = 2,
    BandwidthProbing = 3,
    BandwidthProbingAndVideoQualityAdaption = 4,
}

/// Whether video is sent, received or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum StreamServiceType {
    Rx = 1,
    Tx = 2,
    Duplex = 3,
}

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum StreamMediaType {
    Audio = 1,
    Video = 2,
}

/// A question or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PingPongType {
    Ping = 1,
    Pong = 2,
}

/// What to give up first when bandwidth is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum VideoQualityAdaptationPreference {
    Balanced = 1,
    MaintainFramerate = 2,
    MaintainResolution = 3,
}

/// How loud a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum NotificationLevel {
    Info = 1,
    Warning = 2,
    Error = 3,
}

/// Codecs that a client can decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum VideoCodecCapability {
    Vp8 = 1,
    H264BaselineProfile = 2,
    H264ConstrainedBaselineProfile = 3,
    H264MainProfile = 4,
    H264HighProfile = 5,
    H264ConstrainedHighProfile = 6,
    Vp9Profile0 = 8,
    Av1MainProfile = 11,
}
