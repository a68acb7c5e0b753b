//! Who is present, muted, loud, and on a weak connection (the signaling guide, sections 8.1 to 8.4).

use std::time::{Duration, Instant};

use super::Meeting;
use super::session::Session;
use crate::audio::Codecs;
use crate::event::Happened;
use crate::ids::{Attendee, SessionId};
use crate::signal::proto::{
    AudioAttendeeState, AudioMetadata, AudioStreamIdInfo, AudioStreamIdInfoFrame, FrameType, SignalFrame,
};

/// Time between two tellings of volumes.
pub(super) const METADATA: Duration = Duration::from_millis(200);
/// Loss of a client's voice from which its signal counts as weak, and as bad, in 256ths.
const WEAK: (u8, u8) = (13, 52);
/// A volume that stands for silence.
const SILENT: u8 = 42;

impl<C: Codecs> Meeting<C> {
    /// The client's media connection is up: it is present from now on.
    pub(super) fn present(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.informed = true;
        if session.is_viewer() {
            if !std::mem::replace(&mut session.announced, true) {
                let attendee = session.attendee.clone();
                self.event(attendee, Happened::Joined);
            }
        } else {
            self.appear(now, id, true);
        }
        let told = |(of, session): (&SessionId, &Session)| {
            let told = session.told()?;
            // What it shares as whom it was promoted to be is its own still.
            let own = self.owner_of_promoted(*of).filter(|(owner, _)| *owner == id);
            Some(own.map_or_else(|| told.clone(), |(_, own)| told_as(told.clone(), &own)))
        };
        let all: Vec<AudioStreamIdInfo> = self.sessions.iter().filter_map(told).collect();
        self.tell_roster(now, id, all);
    }

    /// It has a place in the roster from now on, of which everybody is told; itself, unless it is told otherwise.
    pub(super) fn appear(&mut self, now: Instant, id: SessionId, otherwise: bool) {
        let owner = self.owner_of_promoted(id);
        let next = self.next_audio;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.stream.is_some() {
            return;
        }
        session.stream = Some(next);
        session.announced = true;
        let attendee = session.attendee.clone();
        let told = session.told();
        self.next_audio += 1;
        let but = [otherwise.then_some(id), owner.as_ref().map(|(owner, _)| *owner)];
        if let Some((owner, own)) = owner {
            let told = told.clone().map(|told| told_as(told, &own));
            let frame = self.roster_frame(now, told.into_iter().collect());
            if self.sessions.get(&owner).is_some_and(|session| session.informed) {
                self.send(owner, &frame);
            }
        }
        self.tell_others(now, but, told.into_iter().collect());
        self.event(attendee, Happened::Joined);
    }

    pub(super) fn tell_gone(&mut self, now: Instant, stream: u32, dropped: bool) {
        let gone = AudioStreamIdInfo {
            audio_stream_id: Some(stream),
            dropped: dropped.then_some(true),
            ..AudioStreamIdInfo::default()
        };
        self.tell_others(now, [None; 2], vec![gone]);
    }

    pub(super) fn set_muted(&mut self, now: Instant, id: SessionId, muted: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.room.set_muted(session.audio, muted);
        if session.muted == muted {
            return;
        }
        session.muted = muted;
        let Some(stream) = session.stream else { return };
        let change = AudioStreamIdInfo {
            audio_stream_id: Some(stream),
            muted: Some(muted),
            ..AudioStreamIdInfo::default()
        };
        self.tell_others(now, [None; 2], vec![change]);
    }

    /// Volumes of who is loud, and signals of who is weak. Whoever is not named is silent, and well.
    pub(super) fn tell_volumes(&mut self, now: Instant) {
        let levels: Vec<(crate::audio::SourceId, u8)> = self
            .room
            .levels(now)
            .filter(|voice| voice.speaking && voice.volume < SILENT)
            .map(|voice| (voice.id, voice.volume))
            .collect();
        let mut states: Vec<AudioAttendeeState> = Vec::new();
        for session in self.sessions.values_mut() {
            let Some(stream) = session.stream else { continue };
            let volume =
                levels.iter().find(|(id, _)| *id == session.audio).map(|(_, volume)| u32::from(*volume));
            let lost = session
                .peer
                .as_ref()
                .and_then(|peer| peer.voice.as_ref()?.reception.as_ref())
                .map_or(0, crate::rtp::reception::Reception::fraction_lost);
            session.signal = match lost {
                _ if session.lost.is_some() => 0,
                lost if lost >= WEAK.1 => 0,
                lost if lost >= WEAK.0 => 1,
                _ => 2,
            };
            let signal_strength = (session.signal < 2).then_some(u32::from(session.signal));
            if volume.is_some() || signal_strength.is_some() {
                states.push(AudioAttendeeState {
                    audio_stream_id: Some(stream),
                    volume,
                    muted: None,
                    signal_strength,
                });
            }
        }
        // Stream 0 is nobody: with a volume it tells that the others have none, with a signal that the others' is good.
        if states.iter().all(|state| state.volume.is_none()) {
            states.push(AudioAttendeeState {
                audio_stream_id: Some(0),
                volume: Some(u32::from(SILENT)),
                muted: None,
                signal_strength: Some(2),
            });
        } else if states.iter().all(|state| state.signal_strength.is_none()) {
            let nobody = AudioAttendeeState {
                audio_stream_id: Some(0),
                signal_strength: Some(2),
                ..Default::default()
            };
            states.push(nobody);
        }
        // A voice that goes on has to be told again, or clients take it for silent; what else is the same need not.
        if levels.is_empty() && self.told_volumes.as_ref() == Some(&states) {
            return;
        }
        let frame = SignalFrame {
            audio_metadata: Some(AudioMetadata { attendee_states: states.clone() }),
            ..self.frame(now, FrameType::AudioMetadata)
        };
        self.told_volumes = Some(states);
        self.tell_informed([None; 2], &frame);
    }

    fn tell_roster(&mut self, now: Instant, id: SessionId, streams: Vec<AudioStreamIdInfo>) {
        let frame = self.roster_frame(now, streams);
        self.send(id, &frame);
        self.told_volumes = None;
    }

    fn tell_others(&mut self, now: Instant, but: [Option<SessionId>; 2], streams: Vec<AudioStreamIdInfo>) {
        let frame = self.roster_frame(now, streams);
        self.tell_informed(but, &frame);
    }

    fn roster_frame(&self, now: Instant, streams: Vec<AudioStreamIdInfo>) -> SignalFrame {
        SignalFrame {
            audio_stream_id_info: Some(AudioStreamIdInfoFrame { streams }),
            ..self.frame(now, FrameType::AudioStreamIdInfo)
        }
    }

    /// Sends a frame to everybody who knows the roster but these, encoded once.
    fn tell_informed(&mut self, but: [Option<SessionId>; 2], frame: &SignalFrame) {
        let message: std::sync::Arc<[u8]> = crate::signal::encode(frame).into();
        for (id, session) in &self.sessions {
            if session.informed && session.socket && !but.contains(&Some(*id)) {
                let message = std::sync::Arc::clone(&message);
                self.outputs.push_back(crate::event::Output::Signal { session: *id, message });
            }
        }
    }
}

/// What is told of somebody, under another name.
fn told_as(told: AudioStreamIdInfo, who: &Attendee) -> AudioStreamIdInfo {
    let external_user_id = Some(who.external_user_id.to_string());
    AudioStreamIdInfo { attendee_id: Some(who.name()), external_user_id, ..told }
}

impl Session {
    /// How the roster tells it, if it is present.
    fn told(&self) -> Option<AudioStreamIdInfo> {
        Some(AudioStreamIdInfo {
            audio_stream_id: Some(self.stream?),
            attendee_id: Some(self.attendee.name()),
            muted: Some(self.muted),
            external_user_id: Some(self.attendee.external_user_id.to_string()),
            dropped: None,
        })
    }
}
