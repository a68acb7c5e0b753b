//! Janus' VideoRoom, to put beside `video`: pictures come and go as plain RTP, so without what encryption, feedback and the
//! estimate of each path cost us.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chime_media::rtp::packet::{self, Header, Outgoing};
use clap::Args;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use serde_json::json;

use crate::load::janus::{Janus, number};
use crate::load::report::Report;
use crate::load::server::process_cpu;
use crate::load::tally::Times;

/// The source that Janus expects of the first video of a publisher from elsewhere.
const SSRC: u32 = 1000;
/// Payload type of VP8.
const VP8: u8 = 96;
/// Pictures in a second.
const FPS: u32 = 30;
/// Largest packet, in bytes of payload.
const PACKET: u32 = 1100;

/// Janus' VideoRoom: one shows, all others watch, over plain RTP.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct JanusVideo {
    /// Rooms.
    #[arg(long, default_value_t = 8)]
    pub meetings: u8,
    /// Who watch in each.
    #[arg(long, default_value_t = 16)]
    pub watchers: u8,
    /// Rate of each video, in kbit/s.
    #[arg(long, default_value_t = 2000)]
    pub kbps: u32,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// All cameras take their pictures at the same instant; without it, each room's at one of its own.
    #[arg(long)]
    pub together: bool,
}

struct Camera {
    to: SocketAddr,
    sequence: u16,
    picture: u32,
    shows: Instant,
}

struct Rooms {
    kbps: u32,
    cameras: Vec<Camera>,
    socket: UdpSocket,
    state: UdpSocketState,
    buffers: Vec<Vec<u8>>,
    /// When pictures were sent, by room and number.
    sent: HashMap<(usize, u32), Instant>,
    late: Times,
    packets: u64,
    seen: u64,
}

/// Runs it.
///
/// # Errors
///
/// When Janus is not there or does not answer as it should.
pub fn run(args: &JanusVideo) -> Result<()> {
    if args.meetings == 0 || args.watchers == 0 {
        bail!("there must be somebody who shows and somebody who watches");
    }
    let janus = Janus::start()?;
    let keeper = janus.attach("videoroom")?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let _less = state.set_recv_buffer_size(UdpSockRef::from(&socket), 8 << 20);
    socket.set_nonblocking(true)?;
    let port = socket.local_addr()?.port();
    let apart =
        if args.together { Duration::ZERO } else { Duration::from_secs(1) / FPS / u32::from(args.meetings) };
    let mut cameras = Vec::new();
    for room in 0..args.meetings {
        let number_of = u64::from(room) + 1;
        let create = json!({ "request": "create", "room": number_of, "publishers": 2, "videocodec": "vp8" });
        janus.message(keeper, &create)?;
        let stream = json!({ "mindex": 0, "mid": "0", "type": "video", "codec": "vp8" });
        let publish = json!({
            "request": "add_remote_publisher", "room": number_of, "id": 7, "iface": "127.0.0.1", "streams": [stream],
        });
        let answer = janus.message(keeper, &publish)?;
        let to = u16::try_from(number(&answer, "/plugindata/data/port")?)?;
        for watcher in 0..args.watchers {
            let stream = json!({ "mid": "0", "port": port, "pt": VP8, "ssrc": SSRC });
            let forward = json!({
                "request": "rtp_forward", "room": number_of, "publisher_id": 7,
                "host": format!("127.1.{room}.{}", watcher + 1), "host_family": "ipv4", "streams": [stream],
            });
            number(&janus.message(keeper, &forward)?, "/plugindata/data/forwarders/0/stream_id")?;
        }
        cameras.push(Camera {
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, to)),
            sequence: 1,
            picture: 0,
            shows: Instant::now(),
        });
    }
    let buffers = (0..BATCH_SIZE).map(|_| vec![0; 2048 * state.gro_segments()]).collect();
    let (sent, late) = (HashMap::new(), Times::new()?);
    let mut rooms =
        Rooms { kbps: args.kbps, cameras, socket, state, buffers, sent, late, packets: 0, seen: 0 };
    let start = Instant::now();
    for (camera, room) in rooms.cameras.iter_mut().zip(0..) {
        camera.shows = start + apart * room;
    }
    rooms.run(Duration::from_secs(3))?;
    (rooms.late, rooms.packets, rooms.seen) = (Times::new()?, 0, 0);
    let (cpu, clock) = (process_cpu(janus.id())?, Instant::now());
    rooms.run(Duration::from_secs(args.seconds))?;
    let elapsed = clock.elapsed().as_secs_f64();
    let used = process_cpu(janus.id())?.saturating_sub(cpu).as_secs_f64();

    let mut report = Report::new(format!(
        "janus: VideoRoom over plain RTP, {} room(s), 1 to {} at {} kbit/s",
        args.meetings, args.watchers, args.kbps
    ));
    let expected = elapsed * f64::from(FPS) * f64::from(args.meetings) * f64::from(args.watchers);
    report.figure("packets sent for each second of a core", rooms.packets as f64 / used, "");
    report.figure("packets seen", rooms.packets as f64 / elapsed, "/s");
    report.figure("processor time of janus", used / elapsed * 100.0, "% of a core");
    report.figure("added latency of a whole picture, p50", rooms.late.quantile(0.5), "ms");
    report.figure("added latency of a whole picture, p99", rooms.late.quantile(0.99), "ms");
    report.figure("pictures seen", 100.0 * rooms.seen as f64 / expected, "% of 30/s");
    report.print()
}

impl Rooms {
    fn run(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.receive()?;
            self.show()?;
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    fn show(&mut self) -> Result<()> {
        let now = Instant::now();
        let size = self.kbps * 1000 / 8 / FPS;
        let count = size.div_ceil(PACKET).max(1);
        for (room, camera) in self.cameras.iter_mut().enumerate().filter(|(_, camera)| now >= camera.shows) {
            camera.shows += Duration::from_secs(1) / FPS;
            camera.picture += 1;
            self.sent.insert((room, camera.picture), now);
            for place in 0..count {
                let mut bytes = Vec::with_capacity(1200);
                let header = Outgoing {
                    marker: place + 1 == count,
                    padding: false,
                    payload_type: VP8,
                    sequence: camera.sequence,
                    timestamp: camera.picture.wrapping_mul(90_000 / FPS),
                    ssrc: SSRC,
                };
                let length = packet::write(&mut bytes, &header, &[]);
                // The descriptor: the first packet begins the picture. Then the picture's number.
                bytes.push(if place == 0 { 0x10 } else { 0 });
                bytes.extend_from_slice(&camera.picture.to_be_bytes());
                bytes.resize(length + usize::try_from(size / count)?, 7);
                camera.sequence = camera.sequence.wrapping_add(1);
                self.socket.send_to(&bytes, camera.to)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let mut slices: Vec<IoSliceMut<'_>> =
                self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let Ok(count) = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas) else {
                return Ok(());
            };
            let now = Instant::now();
            for (meta, buffer) in metas.iter().take(count).zip(&self.buffers) {
                let Some(IpAddr::V4(address)) = meta.dst_ip else { continue };
                let [_, _, room, _] = address.octets();
                for bytes in buffer.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                    self.packets += 1;
                    let Some(header) = Header::parse(bytes).filter(|header| header.marker) else { continue };
                    self.seen += 1;
                    let picture =
                        header.payload(bytes).and_then(|payload| payload.get(1..5)?.try_into().ok());
                    let Some(picture) = picture.map(u32::from_be_bytes) else { continue };
                    if let Some(sent) = self.sent.get(&(usize::from(room), picture)) {
                        let late = now.saturating_duration_since(*sent);
                        self.late.record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
                    }
                }
            }
        }
    }
}
