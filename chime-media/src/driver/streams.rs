//! Clients over TCP, or TLS on top of it: ICE over TCP (RFC 6544) and TURN over streams, told apart by their first bytes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::Engine;
use super::worker::now;

/// The cookie of STUN.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// How long a stream may say nothing: checks and refreshes come more often.
const SILENCE: Duration = Duration::from_secs(60);
/// How long it may take for its first message.
const FIRST: Duration = Duration::from_secs(10);
/// Streams at a time.
const MOST: usize = 10_000;
/// Bytes taken at a time.
const READ: usize = 16 << 10;

/// How datagrams are told apart in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Two bytes of length before each (RFC 4571).
    Length,
    /// Each tells its length itself; channel data is filled up to a multiple of four (RFC 8656 section 12.5).
    Turn,
}

impl Framing {
    /// The framing that a stream begins with; `None` while that cannot be told.
    fn tell(start: &[u8]) -> Option<io::Result<Self>> {
        if start.get(4..8) == Some(&COOKIE) {
            return Some(Ok(Self::Turn));
        }
        let end = start.get(6..10)?;
        Some(if end == COOKIE {
            Ok(Self::Length)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "neither ICE nor TURN"))
        })
    }

    pub(super) fn frame(self, datagram: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Length => {
                let length = u16::try_from(datagram.len()).ok()?;
                Some([&length.to_be_bytes(), datagram].concat())
            }
            Self::Turn => {
                let mut frame = datagram.to_vec();
                frame.resize(datagram.len().next_multiple_of(4), 0);
                Some(frame)
            }
        }
    }

    /// Where the first datagram is and how long it is with all that belongs to it; `None` if it has not come whole.
    fn first(self, bytes: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
        match (self, bytes) {
            (Self::Length, [high, low, ..]) => {
                let end = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                (bytes.len() >= end).then_some((2..end, end))
            }
            (Self::Turn, [first, _, high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let channel = first >> 6 == 1;
                let end = length + if channel { 4 } else { 20 };
                let whole = end.next_multiple_of(4);
                (bytes.len() >= whole).then_some((0..end, whole))
            }
            _ => None,
        }
    }
}

impl Engine {
    /// Serves a client that has come over a byte stream, plain or inside of TLS, until it is gone. `unproven` is dropped
    /// once the client has said its first word: with it, whoever accepts streams can bound those that never say one.
    ///
    /// # Errors
    ///
    /// What reading fails with; [`io::ErrorKind::InvalidData`] for a stream that is neither ICE nor TURN,
    /// [`io::ErrorKind::TimedOut`] for one that says nothing, [`io::ErrorKind::ConnectionRefused`] if there are too many.
    pub async fn stream<S>(&self, stream: S, peer: SocketAddr, unproven: impl Send) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite,
    {
        if self.0.sorter.exits().streams() >= MOST {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut bytes = Vec::with_capacity(READ);
        let framing = timeout(FIRST, async {
            loop {
                if let Some(framing) = Framing::tell(&bytes) {
                    return framing;
                }
                if reader.read_buf(&mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        });
        let framing = framing.await.map_err(|_late| io::ErrorKind::TimedOut)??;
        drop(unproven);
        let (path, mut frames) = self.0.sorter.exits().open(framing, peer);
        let _closes = Closes { engine: self, path };
        let reading = async {
            let mut hands = self.0.sorter.hands();
            loop {
                let mut done = 0;
                while let Some((datagram, length)) = framing.first(bytes.get(done..).unwrap_or_default()) {
                    let datagram = bytes.get(done..).and_then(|rest| rest.get(datagram)).unwrap_or_default();
                    self.0.sorter.sort(now(), path, datagram, &mut hands);
                    done += length;
                }
                self.0.sorter.flush(&mut hands);
                bytes.drain(..done);
                bytes.reserve(READ);
                let read = timeout(SILENCE, reader.read_buf(&mut bytes)).await;
                if read.map_err(|_late| io::ErrorKind::TimedOut)?? == 0 {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            result = reading => result,
            result = write(&mut frames, &mut writer) => result,
        }
    }
}

async fn write(frames: &mut Receiver<Vec<u8>>, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut waiting = Vec::new();
    while frames.recv_many(&mut waiting, 64).await > 0 {
        writer.write_all(&waiting.concat()).await?;
        writer.flush().await?;
        waiting.clear();
    }
    Ok(())
}

/// Closes a stream's exit when its task ends, however it ends.
struct Closes<'a> {
    engine: &'a Engine,
    path: crate::io::Path,
}

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.engine.0.sorter.exits().close(self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_by_the_place_of_the_cookie() {
        let turn = [0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42];
        assert_eq!(Framing::tell(&turn).unwrap().unwrap(), Framing::Turn);
        assert!(Framing::tell(&turn[..7]).is_none());
        let ice = [0, 28, 0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42];
        assert_eq!(Framing::tell(&ice).unwrap().unwrap(), Framing::Length);
        assert!(Framing::tell(&ice[..9]).is_none());
        assert!(Framing::tell(b"GET / HTTP/1.1").unwrap().is_err());
    }

    #[test]
    fn what_is_framed_is_found_again_however_it_arrives() {
        for framing in [Framing::Length, Framing::Turn] {
            let datagram: &[u8] = &[0x40, 1, 0, 3, b'a', b'b', b'c'];
            let bytes = [framing.frame(datagram).unwrap(), vec![9]].concat();
            let (place, length) = framing.first(&bytes).unwrap();
            assert_eq!((&bytes[place], &bytes[length..]), (datagram, &[9][..]));
            for end in 0..length {
                assert_eq!(framing.first(&bytes[..end]), None, "{framing:?} {end}");
            }
        }
    }
}
