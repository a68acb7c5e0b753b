//! Datagrams: how they come and go, and one buffer for all that go out, so that sending allocates nothing.

use std::net::SocketAddr;
use std::ops::Range;

/// How a peer is reached. Packets of one peer over different carriers are different paths of it (RFC 8445).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// What carries the datagrams.
    pub via: Via,
    /// The peer's address there.
    pub address: SocketAddr,
}

/// What carries datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The socket.
    Socket,
    /// A byte stream with this number, in which each has its length before it (RFC 4571, RFC 6544).
    Stream(u32),
    /// An allocation of our relay, and which of our candidates its client speaks to.
    Relay(u32, u8),
}

impl From<SocketAddr> for Path {
    /// Over the socket.
    fn from(address: SocketAddr) -> Self {
        Self { via: Via::Socket, address }
    }
}

/// Datagrams to send, in order.
#[derive(Debug, Default)]
pub struct Datagrams {
    bytes: Vec<u8>,
    list: Vec<(Path, Range<usize>)>,
}

impl Datagrams {
    /// Adds one.
    pub fn push(&mut self, to: impl Into<Path>, datagram: &[u8]) {
        self.write(to, |bytes| bytes.extend_from_slice(datagram));
    }

    /// Adds what `write` appends to the buffer; nothing, if that is nothing.
    pub fn write(&mut self, to: impl Into<Path>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > start {
            self.list.push((to.into(), start..self.bytes.len()));
        }
    }

    /// Adds what `write` appends to the buffer from the place that it is told; takes it back when that fails.
    ///
    /// # Errors
    ///
    /// Whatever `write` fails with.
    pub fn try_write<E>(
        &mut self,
        to: impl Into<Path>,
        write: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        let result = write(&mut self.bytes, start);
        match result {
            Ok(()) => self.list.push((to.into(), start..self.bytes.len())),
            Err(_) => self.bytes.truncate(start),
        }
        result
    }

    /// The datagrams, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Path, &[u8])> {
        self.list.iter().map(|(to, range)| (*to, self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// The datagrams in runs that one call can send: to one address, of one size but for the last, which may be smaller;
    /// at most `most` of them and `bytes` in all.
    pub fn runs(&self, most: usize, bytes: usize) -> impl Iterator<Item = Run<'_>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let (to, first) = self.list.get(next)?;
            let (segment, mut end, mut count) = (first.len(), first.end, 1);
            while count < most
                && let Some((other, range)) = self.list.get(next + count)
                && other == to
                && range.len() <= segment
                && range.end - first.start <= bytes
            {
                end = range.end;
                count += 1;
                if range.len() < segment {
                    break;
                }
            }
            next += count;
            Some(Run {
                to: *to,
                segment,
                count,
                contents: self.bytes.get(first.start..end).unwrap_or_default(),
            })
        })
    }

    /// Length of the last one, in bytes.
    #[must_use]
    pub fn last_len(&self) -> usize {
        self.list.last().map_or(0, |(_, range)| range.len())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets them and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
    }
}

/// Datagrams that one call can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Where they go.
    pub to: Path,
    /// Length of each but the last, in bytes.
    pub segment: usize,
    /// How many they are.
    pub count: usize,
    /// All of them, one behind the other.
    pub contents: &'a [u8],
}

impl Run<'_> {
    /// Each of them.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.contents.chunks(self.segment.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        SocketAddr::from(([127, 0, 0, 1], port)).into()
    }

    #[test]
    fn runs_are_of_one_address_and_size_but_for_the_last() {
        let (one, two) = (path(1), path(2));
        let mut datagrams = Datagrams::default();
        for (to, size) in [(one, 9), (one, 9), (one, 4), (one, 4), (two, 4), (two, 5), (two, 5), (two, 5)] {
            datagrams.push(to, &vec![0; size]);
        }
        let runs: Vec<_> =
            datagrams.runs(2, 100).map(|run| (run.to, run.segment, run.count, run.contents.len())).collect();
        let expected = [(one, 9, 2, 18), (one, 4, 2, 8), (two, 4, 1, 4), (two, 5, 2, 10), (two, 5, 1, 5)];
        assert_eq!(runs, expected);
        let runs: Vec<_> = datagrams.runs(64, 100).map(|run| (run.count, run.contents.len())).collect();
        assert_eq!(runs, [(3, 22), (1, 4), (1, 4), (3, 15)]);
    }
}
