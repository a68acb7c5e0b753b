//! A meeting with two clients whose media flows, in time that the input moves, on a network without delay.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chime_media::audio::{self, Opus};
use chime_media::client::{Client, Config, Show};
use chime_media::config::Limits;
use chime_media::event::Output;
use chime_media::ids::{Attendee, Capabilities, SessionId};
use chime_media::meeting::Meeting;
use chime_media::transport::dtls::Identity;

/// After so many inputs the meeting begins anew.
const INPUTS: u32 = 2000;
/// Who keeps to the rules, and who sends what the input says.
const HONEST: SessionId = SessionId(1);
const OTHER: SessionId = SessionId(2);

/// A meeting and its clients.
pub struct Media {
    meeting: Meeting<Opus>,
    clients: [(SessionId, SocketAddr, Client); 2],
    now: Instant,
    inputs: u32,
}

thread_local! {
    static MEDIA: RefCell<Option<Media>> = const { RefCell::new(None) };
}

/// Lends the meeting to a target.
pub fn with_media(run: impl FnOnce(&mut Media)) {
    MEDIA.with_borrow_mut(|media| {
        let media = media.get_or_insert_with(Media::new);
        run(media);
        media.inputs += 1;
        if media.inputs == INPUTS {
            *media = Media::new();
        }
    });
}

impl Media {
    #[allow(clippy::disallowed_methods, reason = "time has to begin somewhere")]
    fn new() -> Self {
        let (now, identity) = (Instant::now(), Identity::generate().expect("an identity"));
        let server = SocketAddr::from(([192, 0, 2, 1], 3478));
        let mut config = chime_media::config::Config::default();
        config.candidates.push(server);
        let audio = audio::Config::default();
        let meeting =
            Meeting::new(Arc::new(config), Limits::default(), identity.clone(), audio, Opus, now, 0);
        let mut meeting = meeting.expect("a meeting");
        let clients = [(HONEST, "honest", 1_u8), (OTHER, "other", 2)].map(|(session, name, last)| {
            let capabilities = Capabilities::default();
            let attendee =
                Attendee { id: name.into(), external_user_id: name.into(), content: false, capabilities, replica: None };
            meeting.connect(session, attendee);
            let client = Client::new(Config::new(name, last.into()), &identity, now);
            (session, SocketAddr::from(([198, 51, 100, last], 40_000)), client)
        });
        let mut this = Self { meeting, clients, now, inputs: 0 };
        this.pass(Duration::from_secs(1));
        for (_, _, client) in &mut this.clients {
            assert!(client.is_connected(), "media flows");
            client.show(this.now, Show::simulcast(50, 100, 200));
        }
        this.pass(Duration::from_secs(1));
        this
    }

    /// The input, taken apart: what to do, and with how many bytes.
    pub fn run(&mut self, mut data: &[u8]) {
        while let Some(((what, length), rest)) =
            data.split_first_chunk().map(|([a, b], rest)| ((*a, *b), rest))
        {
            let (bytes, rest) = rest.split_at(rest.len().min(usize::from(length) * 4));
            data = rest;
            let (_, address, client) = &mut self.clients[1];
            let (cameras, voice) = client.sources();
            match what % 8 {
                0 => drop(self.meeting.message(self.now, OTHER, &[&[5], bytes].concat())),
                1 => self.meeting.datagram(self.now, OTHER, *address, &mut bytes.to_vec()),
                2 => client.forge_rtcp(bytes),
                3 => client.forge_rtp(111, voice, u64::from(what), &[(1, &[20])], bytes),
                4 => client.forge_rtp(63, voice, u64::from(what) + 1000, &[(1, &[20])], bytes),
                5 => {
                    let (media, repair) = cameras.first().copied().unwrap_or_default();
                    let rid: (u8, &[u8]) = (10, b"low");
                    client.forge_rtp(96, media, u64::from(what) * 7, &[rid], bytes);
                    client.forge_rtp(97, repair, u64::from(what) * 7, &[(11, b"low")], bytes);
                }
                6 => client.forge_rtp(
                    what & 0x7f,
                    u32::from(what),
                    1,
                    &[(length % 15 + 1, bytes.get(..16).unwrap_or(&[0]))],
                    bytes,
                ),
                _ => self.pass(Duration::from_millis(u64::from(length))),
            }
            self.flush();
        }
        self.pass(Duration::from_millis(40));
        let honest = &self.clients[0].2;
        assert!(honest.roster().names().contains_key("honest"), "one who keeps to the rules stays");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + Duration::from_millis(10)).min(end);
            self.meeting.timeout(self.now);
            for (_, _, client) in &mut self.clients {
                client.timeout(self.now);
                client.say(&[0xf8, 0xff, 0xfe], 40);
            }
            self.flush();
        }
    }

    /// Carries everything to where it goes, until there is nothing left.
    fn flush(&mut self) {
        for _ in 0..16 {
            let mut idle = true;
            for (session, address, client) in &mut self.clients {
                while let Some(message) = client.poll_message() {
                    idle = false;
                    drop(self.meeting.message(self.now, *session, &message));
                }
                for (_, datagram) in std::mem::take(client.datagrams()).iter() {
                    idle = false;
                    self.meeting.datagram(self.now, *session, *address, &mut datagram.to_vec());
                }
                while client.poll_event().is_some() {}
            }
            for (to, datagram) in std::mem::take(self.meeting.datagrams()).iter() {
                for (_, _, client) in self.clients.iter_mut().filter(|(_, address, _)| *address == to.address)
                {
                    client.datagram(self.now, &mut datagram.to_vec());
                }
            }
            while let Some(output) = self.meeting.poll_output() {
                if let Output::Signal { session, message } = output {
                    for (_, _, client) in self.clients.iter_mut().filter(|(id, ..)| *id == session) {
                        client.message(self.now, &message);
                    }
                }
            }
            if idle {
                return;
            }
        }
    }
}
