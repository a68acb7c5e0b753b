//! Janus' AudioBridge with the same talkers and listeners, to put beside `meeting`: plain RTP, so without what encryption
//! costs us.

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chime_media::rtp::packet::Header;
use clap::Args;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use serde_json::{Value, json};

use crate::load::janus::{Janus as Server, WITHIN, number};
use crate::load::report::Report;
use crate::load::server::process_cpu;
use crate::load::tally::Times;
use crate::media::sound::{Bursts, Ear, Loop};

/// Payload type of Opus.
const OPUS: u8 = 111;

/// Janus' AudioBridge, over plain RTP.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Janus {
    /// Participants of the one room.
    #[arg(long, default_value_t = 100)]
    pub attendees: usize,
    /// Of these, how many talk.
    #[arg(long, default_value_t = 3)]
    pub talkers: usize,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
}

/// A participant that listens there; where it has to send to.
fn join(janus: &Server, room: u64, listens: SocketAddr) -> Result<SocketAddr> {
    let handle = janus.attach("audiobridge")?;
    let rtp = json!({
        "ip": listens.ip().to_string(), "port": listens.port(), "payload_type": OPUS, "audiolevel_ext": 1,
    });
    janus.message(handle, &json!({ "request": "join", "room": room, "rtp": rtp }))?;
    let start = Instant::now();
    while start.elapsed() < WITHIN {
        let event = janus.event()?;
        if event.get("sender").and_then(Value::as_u64) != Some(handle) {
            continue;
        }
        if let Some(rtp) = event.pointer("/plugindata/data/rtp") {
            let port = u16::try_from(number(rtp, "/port")?)?;
            return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        if let Some(error) = event.pointer("/plugindata/data/error") {
            bail!("janus: {error}");
        }
    }
    bail!("janus told no address")
}

struct Participant {
    to: SocketAddr,
    /// Ours, where its mix comes to and its packets come from.
    address: IpAddr,
    sequence: u16,
    timestamp: u32,
    speaks: Instant,
    said: usize,
}

/// Runs it.
///
/// # Errors
///
/// When Janus is not there or does not answer as it should.
pub fn run(args: &Janus) -> Result<()> {
    if args.talkers == 0 || args.talkers >= args.attendees {
        bail!("there must be one who talks and one who only listens");
    }
    let janus = Server::start()?;
    let keeper = janus.attach("audiobridge")?;
    let room = json!({ "request": "create", "room": 1234, "sampling_rate": 48000, "audiolevel_event": false, "allow_rtp_participants": true });
    janus.message(keeper, &room)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let _less = state.set_recv_buffer_size(UdpSockRef::from(&socket), 8 << 20);
    socket.set_nonblocking(true)?;
    let port = socket.local_addr()?.port();
    let mut people = Vec::new();
    for place in 0..args.attendees {
        let [high, low] = u16::try_from(place)?.to_be_bytes();
        let address = IpAddr::from(Ipv4Addr::new(127, 1, high, low));
        let to = join(&janus, 1234, SocketAddr::new(address, port))?;
        let phase = Duration::from_micros(u64::try_from(place)? * 20_011 % 20_000);
        people.push(Participant {
            to,
            address,
            sequence: 1,
            timestamp: 1,
            speaks: Instant::now() + phase,
            said: 0,
        });
    }
    let mut room = Room {
        talkers: args.talkers,
        people,
        bursts: Bursts::new(23)?,
        ear: Ear::new()?,
        tones: (0..args.talkers)
            .map(|place| Loop::tone(180.0 + 60.0 * place as f32))
            .collect::<Result<_>>()?,
        quiet: Loop::quiet()?,
        late: Times::new()?,
        heard: 0,
        buffers: (0..BATCH_SIZE).map(|_| vec![0; 2048 * state.gro_segments()]).collect(),
        socket,
        state,
    };
    room.run(Duration::from_secs(3))?;
    (room.late, room.heard) = (Times::new()?, 0);
    let (cpu, clock) = (process_cpu(janus.id())?, Instant::now());
    room.run(Duration::from_secs(args.seconds))?;
    let (elapsed, used) = (clock.elapsed(), process_cpu(janus.id())?.saturating_sub(cpu));

    let cores = used.as_secs_f64() / elapsed.as_secs_f64();
    let total = args.attendees as f64;
    let mut report = Report::new(format!(
        "janus: AudioBridge over plain RTP, {} participants, {} talkers, everybody sends",
        args.attendees, args.talkers
    ));
    report.figure("processor time of janus", cores * 100.0, "% of a core");
    report.figure("processor time for each participant", cores * 100.0 / total, "% of a core");
    report.figure("added latency, p50", room.late.quantile(0.5), "ms");
    report.figure("added latency, p99", room.late.quantile(0.99), "ms");
    report.figure("bursts timed", room.late.count() as f64, "");
    let expected = elapsed.as_secs_f64() * 50.0 * total;
    report.figure("packets of the mix heard", 100.0 * room.heard as f64 / expected, "% of 50/s");
    report.print()
}

struct Room {
    talkers: usize,
    people: Vec<Participant>,
    bursts: Bursts,
    ear: Ear,
    tones: Vec<Loop>,
    quiet: Loop,
    late: Times,
    heard: u64,
    buffers: Vec<Vec<u8>>,
    socket: UdpSocket,
    state: UdpSocketState,
}

impl Room {
    fn run(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.receive()?;
            self.speak()?;
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    fn speak(&mut self) -> Result<()> {
        let now = Instant::now();
        for place in 0..self.people.len() {
            let Some(person) = self.people.get_mut(place).filter(|person| now >= person.speaks) else {
                continue;
            };
            person.speaks += Duration::from_millis(20);
            let burst;
            let (payload, level) = if place == 0 {
                burst = self.bursts.next(now)?;
                (burst.0.as_slice(), burst.1)
            } else {
                let said = self.tones.get(place).filter(|_| place < self.talkers).unwrap_or(&self.quiet);
                (said.frame(person.said), said.level)
            };
            person.said += 1;
            person.sequence = person.sequence.wrapping_add(1);
            person.timestamp = person.timestamp.wrapping_add(960);
            let mut packet = vec![0x90, OPUS];
            packet.extend_from_slice(&person.sequence.to_be_bytes());
            packet.extend_from_slice(&person.timestamp.to_be_bytes());
            packet.extend_from_slice(&u32::try_from(place + 1)?.to_be_bytes());
            // One header extension, of one byte: the level (RFC 6464).
            packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, level, 0, 0]);
            packet.extend_from_slice(payload);
            // Janus takes packets from the address only that it sends to.
            let transmit = Transmit {
                destination: person.to,
                ecn: None,
                contents: &packet,
                segment_size: None,
                src_ip: Some(person.address),
            };
            let _full = self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let listener = self.people.len() - 1;
        loop {
            let mut slices: Vec<IoSliceMut<'_>> =
                self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let Ok(count) = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas) else {
                return Ok(());
            };
            let now = Instant::now();
            for (meta, buffer) in metas.iter().take(count).zip(&self.buffers) {
                let Some(IpAddr::V4(address)) = meta.dst_ip else { continue };
                let [_, _, high, low] = address.octets();
                let place = usize::from(u16::from_be_bytes([high, low]));
                for packet in buffer.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                    self.heard += 1;
                    let payload = Header::parse(packet).and_then(|header| header.payload(packet));
                    if place == listener
                        && let Some(payload) = payload
                        && let Some(late) = self.ear.hear(now, payload, self.bursts.began)
                    {
                        self.late.record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
                    }
                }
            }
        }
    }
}
