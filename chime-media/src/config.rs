//! What an operator decides about meetings.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Settings of all meetings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where clients reach us over UDP; the first is preferred.
    pub candidates: Vec<SocketAddr>,
    /// Where they reach us over TCP.
    pub tcp_candidates: Vec<SocketAddr>,
    /// The relay that clients are told to use; with none they come directly (the signaling guide, fact 1).
    pub turn: Option<TurnService>,
    /// How long an attendee whose connection was lost is waited for before it counts as dropped.
    pub grace: Duration,
    /// How often the receivers of a content share get a key frame, unless its sender asked for none.
    pub content_keyframes: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            tcp_candidates: Vec::new(),
            turn: None,
            grace: Duration::from_secs(15),
            content_keyframes: Duration::from_secs(10),
        }
    }
}

/// A relay that clients use.
#[derive(Clone)]
pub struct TurnService {
    /// `turn:` and `turns:` URIs.
    pub uris: Vec<String>,
    /// How long credentials are good for.
    pub ttl: Duration,
    /// What passwords are made from; the relay has the same.
    pub secret: [u8; 32],
}

impl fmt::Debug for TurnService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnService")
            .field("uris", &self.uris)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl TurnService {
    /// User name and password for an attendee, good from `now`, in seconds since 1970. The relay needs to keep nothing:
    /// the name tells until when, and the password is its code under the secret.
    #[must_use]
    pub fn credentials(&self, name: &str, now: u64) -> (String, String) {
        let username = format!("{}:{name}", now.saturating_add(self.ttl.as_secs()));
        let password = self.password(&username);
        (username, password)
    }

    /// What an attendee is told of the relay, good from `now`, in seconds since 1970.
    #[must_use]
    pub fn session(&self, name: &str, now: u64) -> RelaySession {
        let (username, password) = self.credentials(name, now);
        RelaySession { username, password, ttl: self.ttl, uris: self.uris.clone() }
    }

    /// The password of a user name.
    #[must_use]
    pub fn password(&self, username: &str) -> String {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.secret);
        let tag = ring::hmac::sign(&key, username.as_bytes());
        tag.as_ref().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What an attendee logs in to a relay with; the default, without URIs, says: come directly.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RelaySession {
    /// Its user name, which tells until when it is good.
    pub username: String,
    /// Its password.
    pub password: String,
    /// How long they are good for.
    pub ttl: Duration,
    /// Where the relay is.
    pub uris: Vec<String>,
}

impl fmt::Debug for RelaySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelaySession")
            .field("ttl", &self.ttl)
            .field("uris", &self.uris)
            .finish_non_exhaustive()
    }
}

/// What one meeting may have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Cameras at a time (rule QTA-04).
    pub video_tiles: usize,
    /// Content shares at a time (rule QTA-05).
    pub content_shares: usize,
    /// Audio connections at a time (rule QTA-03).
    pub audio_streams: usize,
}

impl Default for Limits {
    /// The published limits of the documents' time.
    fn default() -> Self {
        Self { video_tiles: 16, content_shares: 2, audio_streams: 250 }
    }
}

impl Limits {
    /// The same with other numbers.
    #[must_use]
    pub fn with(mut self, video_tiles: usize, content_shares: usize, audio_streams: usize) -> Self {
        (self.video_tiles, self.content_shares, self.audio_streams) =
            (video_tiles, content_shares, audio_streams);
        self
    }
}
