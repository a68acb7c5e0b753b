//! Writing a stream.

use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

use super::{HEADER, Row, StateError, StateHash};

/// Writes rows, which come in the order of the format.
#[derive(Debug)]
pub struct StateWriter<W: Write> {
    to: BufWriter<W>,
    hash: Sha256,
    entries: i64,
}

impl StateWriter<io::Sink> {
    /// One that only finds out the hash.
    #[must_use]
    pub fn hashing() -> Self {
        Self { to: BufWriter::new(io::sink()), hash: Sha256::new_with_prefix(HEADER), entries: 0 }
    }
}

impl<W: Write> StateWriter<W> {
    /// Begins a stream.
    ///
    /// # Errors
    ///
    /// [`StateError::Io`].
    pub fn new(to: W) -> Result<Self, StateError> {
        let mut to = BufWriter::with_capacity(256 * 1024, to);
        to.write_all(HEADER)?;
        Ok(Self { to, hash: Sha256::new_with_prefix(HEADER), entries: 0 })
    }

    /// Writes a row.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn row<B: AsRef<[u8]>>(&mut self, row: &Row<B>) -> Result<(), StateError> {
        match row {
            Row::Record { key, revision, body } => {
                self.put(b"R")?;
                self.bytes(key)?;
                self.number(*revision)?;
                self.bytes(body)
            }
            Row::Counter { key, value } => {
                self.put(b"C")?;
                self.bytes(key)?;
                self.number(*value)
            }
            Row::Stream { key, seq, at, last_kept } => {
                self.put(b"S")?;
                self.bytes(key)?;
                self.number(*seq)?;
                self.number(*at)?;
                self.put(&[u8::from(last_kept.is_some())])?;
                last_kept.map_or(Ok(()), |last_kept| self.number(last_kept))
            }
            Row::Entry { seq, id, at, body } => {
                self.entries += 1;
                self.put(b"E")?;
                self.number(*seq)?;
                self.bytes(id)?;
                self.number(*at)?;
                self.bytes(body)
            }
            Row::Announcement { position, subject, entry, body } => {
                self.put(b"A")?;
                self.number(*position)?;
                self.bytes(subject)?;
                self.put(&[u8::from(entry.is_some())])?;
                if let Some((id, seq, at)) = entry {
                    self.bytes(id)?;
                    self.number(*seq)?;
                    self.number(*at)?;
                }
                self.bytes(body)
            }
            Row::End { position, revision, settled } => {
                self.put(b"Z")?;
                self.number(*position)?;
                self.number(*revision)?;
                self.number(*settled)
            }
        }
    }

    /// Entries so far.
    pub(crate) fn entries(&self) -> i64 {
        self.entries
    }

    /// Ends the stream: gives what was written to, and the hash.
    ///
    /// # Errors
    ///
    /// [`StateError::Io`].
    pub fn finish(self) -> Result<(W, StateHash), StateError> {
        let to = self.to.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((to, StateHash(self.hash.finalize().into())))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.hash.update(bytes);
        Ok(self.to.write_all(bytes)?)
    }

    fn number(&mut self, number: i64) -> Result<(), StateError> {
        self.put(&number.to_be_bytes())
    }

    fn bytes(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), StateError> {
        let bytes = bytes.as_ref();
        let length = u32::try_from(bytes.len()).map_err(|_| StateError::Damaged("a value is too long"))?;
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }
}
