//! What a client is.

/// Settings of a client. Start from [`Config::new`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The attendee's id, with `#content` for a content share.
    pub attendee: String,
    /// The same over the reconnects of one device (the signaling guide, section 3.2, `audio_session_id`).
    pub audio_session: u64,
    /// What credentials and sources are made from.
    pub seed: u64,
    /// Offers and sends RED with as many earlier packets in each (RFC 2198).
    pub red: Option<usize>,
    /// Says that it is muted when it joins.
    pub muted: bool,
    /// The server chooses layers and pauses videos (the signaling guide, section 6.6): the client has the priority policy.
    pub adapts: bool,
    /// Remote videos that it subscribes to at most; those with the lowest streams first.
    pub videos: usize,
    /// Sends transport-wide feedback.
    pub feedback: bool,
    /// Wall clock at its beginning, in milliseconds since 1970.
    pub wall_ms: u64,
}

impl Config {
    /// An attendee that receives all videos and lets the server adapt them.
    #[must_use]
    pub fn new(attendee: &str, seed: u64) -> Self {
        Self {
            attendee: attendee.to_owned(),
            audio_session: seed,
            seed,
            red: None,
            muted: false,
            adapts: true,
            videos: 25,
            feedback: true,
            wall_ms: 1_700_000_000_000,
        }
    }
}
