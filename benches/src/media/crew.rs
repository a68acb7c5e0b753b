//! Many clients on one socket and one thread.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chime_media::client::{Client, Config, Event, Media};
use chime_media::transport::dtls::Identity;
use futures_util::{SinkExt, StreamExt};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::room::Ticket;

/// Buffers that are asked of the system, in bytes.
const BUFFER: usize = 8 << 20;
/// Largest batch of segments that is sent in one call.
const MOST_BYTES: usize = 60_000;

/// One client.
#[derive(Debug)]
pub struct Member {
    /// What it is.
    pub client: Client,
    frames: UnboundedSender<Bytes>,
    address: Ipv4Addr,
    /// When its WebSocket was opened.
    pub opened: Instant,
    /// When it says something next.
    pub speaks: Instant,
    /// Frames it has said.
    pub said: usize,
    /// The picture it sent last.
    picture: u32,
    due: Option<Instant>,
}

impl Member {
    /// Something was done to the client: it has something to send.
    pub fn wake(&mut self) {
        self.due = Some(Instant::now());
    }
}

/// What came from the server for a client's WebSocket; `None` when that is gone.
type Incoming = (usize, Option<Vec<u8>>);

/// Clients that run together.
#[derive(Debug)]
pub struct Crew {
    http: SocketAddr,
    media: SocketAddr,
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
    identity: Identity,
    /// The clients.
    pub members: Vec<Member>,
    incoming: UnboundedReceiver<Incoming>,
    arrived: UnboundedSender<Incoming>,
    buffers: Vec<Vec<u8>>,
    /// Datagrams that the system did not take.
    pub unsent: u64,
}

/// What somebody says, and what is done with what comes.
pub trait Part {
    /// A client may say 20 ms of something.
    ///
    /// # Errors
    ///
    /// Whatever ends the run.
    fn speak(&mut self, now: Instant, number: usize, member: &mut Member) -> Result<()>;
    /// A packet of the mix came.
    fn heard(&mut self, now: Instant, number: usize, payload: &[u8]);
    /// A client has sent the picture of this number.
    fn shown(&mut self, _now: Instant, _number: usize, _picture: u32) {}
    /// A picture can be shown.
    fn seen(&mut self, now: Instant, number: usize, picture: chime_media::client::Picture);
}

impl Crew {
    /// Nobody yet.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn new(http: SocketAddr, media: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let _less = state.set_send_buffer_size(UdpSockRef::from(&socket), BUFFER);
        let _less = state.set_recv_buffer_size(UdpSockRef::from(&socket), BUFFER);
        socket.set_nonblocking(true)?;
        let (arrived, incoming) = unbounded_channel();
        let room = 2048 * state.gro_segments();
        Ok(Self {
            http,
            media,
            socket: tokio::net::UdpSocket::from_std(socket)?,
            state,
            identity: Identity::generate()?,
            members: Vec::new(),
            incoming,
            arrived,
            buffers: (0..BATCH_SIZE).map(|_| vec![0; room]).collect(),
            unsent: 0,
        })
    }

    /// Opens the WebSocket of one more client, which joins by itself from then on.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn join(&mut self, ticket: &Ticket, videos: usize) -> Result<()> {
        let number = self.members.len();
        let opened = Instant::now();
        let stream = TcpStream::connect(self.http).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{}{}", self.http, ticket.path).into_client_request()?;
        let protocols = format!("_aws_wt_session, {}", ticket.token);
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&protocols)?);
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        let (mut out, mut input) = socket.split();
        let (frames, mut waiting) = unbounded_channel::<Bytes>();
        tokio::spawn(async move {
            while let Some(frame) = waiting.recv().await {
                if out.send(Message::Binary(frame)).await.is_err() {
                    break;
                }
            }
        });
        let arrived = self.arrived.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = input.next().await {
                if let Message::Binary(bytes) = message
                    && arrived.send((number, Some(bytes.into()))).is_err()
                {
                    return;
                }
            }
            // The run may be over.
            let _over = arrived.send((number, None));
        });
        let mut config = Config::new(&ticket.attendee, u64::try_from(number)? + 1);
        config.videos = videos;
        let client = Client::new(config, &self.identity, opened);
        let [high, low] = u16::try_from(number)?.to_be_bytes();
        let phase = Duration::from_micros(u64::try_from(number)? * 20_011 % 20_000);
        self.members.push(Member {
            client,
            frames,
            address: Ipv4Addr::new(127, 1, high, low),
            opened,
            speaks: opened + phase,
            said: 0,
            picture: 0,
            due: Some(opened),
        });
        Ok(())
    }

    /// Runs everybody for a while.
    ///
    /// # Errors
    ///
    /// When a client is sent away; the part's.
    pub async fn run(&mut self, time: Duration, part: &mut dyn Part) -> Result<()> {
        let end = Instant::now() + time;
        let mut clock = tokio::time::interval(Duration::from_millis(1));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while Instant::now() < end {
            tokio::select! {
                biased;
                arrived = self.incoming.recv() => {
                    let (number, message) = arrived.context("no channel")?;
                    self.arrived(number, message)?;
                }
                ready = self.socket.readable() => {
                    ready?;
                    self.receive(part)?;
                }
                _ = clock.tick() => self.due(part)?,
            }
            self.due(part)?;
        }
        Ok(())
    }

    fn arrived(&mut self, number: usize, message: Option<Vec<u8>>) -> Result<()> {
        let now = Instant::now();
        let member = self.members.get_mut(number).context("a member")?;
        let Some(message) = message else { bail!("the server closed the WebSocket of client {number}") };
        member.client.message(now, &message);
        while let Some(event) = member.client.poll_event() {
            match event {
                Event::Refused(status) | Event::Ended(status) => bail!("client {number} was told {status}"),
                _ => {}
            }
        }
        member.due = Some(now);
        self.flush(number)
    }

    fn receive(&mut self, part: &mut dyn Part) -> Result<()> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        for _ in 0..8 {
            let (state, buffers) = (&self.state, &mut self.buffers);
            let mut slices: Vec<IoSliceMut<'_>> =
                buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let received = self.socket.try_io(tokio::io::Interest::READABLE, || {
                state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas)
            });
            let count = match received {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            for (meta, buffer) in metas.iter().take(count).zip(buffers) {
                let Some(IpAddr::V4(address)) = meta.dst_ip else { continue };
                let [_, _, high, low] = address.octets();
                let number = usize::from(u16::from_be_bytes([high, low]));
                let Some(member) = self.members.get_mut(number) else { continue };
                let bytes = buffer.get_mut(..meta.len).unwrap_or_default();
                for datagram in bytes.chunks_mut(meta.stride.max(1)) {
                    match member.client.datagram(now, datagram) {
                        Media::Audio { payload, .. } => part.heard(now, number, payload),
                        Media::Video { picture: Some(picture), .. } => part.seen(now, number, picture),
                        Media::Nothing => member.due = Some(now),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn due(&mut self, part: &mut dyn Part) -> Result<()> {
        let now = Instant::now();
        for number in 0..self.members.len() {
            let Some(member) = self.members.get_mut(number) else { continue };
            let mut busy = false;
            if now >= member.speaks {
                member.speaks += Duration::from_millis(20);
                if member.client.is_connected() {
                    part.speak(now, number, member)?;
                    member.said += 1;
                    busy = true;
                }
            }
            if member.due.is_some_and(|due| now >= due) {
                member.client.timeout(now);
                let picture = member.client.counts().picture;
                if std::mem::replace(&mut member.picture, picture) != picture {
                    part.shown(now, number, picture);
                }
                member.due = member.client.poll_timeout();
                busy = true;
            }
            if busy {
                self.flush(number)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, number: usize) -> Result<()> {
        let member = self.members.get_mut(number).context("a member")?;
        while let Some(frame) = member.client.poll_message() {
            // A WebSocket that is gone says so itself.
            let _gone = member.frames.send(frame.into());
        }
        let (address, media) = (member.address, self.media);
        let datagrams = member.client.datagrams();
        for run in datagrams.runs(self.state.max_gso_segments(), MOST_BYTES) {
            let transmit = Transmit {
                destination: media,
                ecn: None,
                contents: run.contents,
                segment_size: (run.count > 1).then_some(run.segment),
                src_ip: Some(address.into()),
            };
            let sent = self.socket.try_io(tokio::io::Interest::WRITABLE, || {
                self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
            });
            if sent.is_err() {
                self.unsent += u64::try_from(run.count)?;
            }
        }
        datagrams.clear();
        Ok(())
    }
}
