//! Reading a stream.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{HEADER, Row, StateError, StateHash};

/// Reads rows, and refuses what the format does not allow.
#[derive(Debug)]
pub struct StateReader<R: Read> {
    from: BufReader<R>,
    hash: Sha256,
    /// The row before: its rank, key and number.
    before: (u8, Vec<u8>, i64),
    /// How far the log has got whose entries are read.
    head: i64,
    ended: bool,
}

/// Reads a whole stream in a file and gives its hash.
///
/// # Errors
///
/// [`StateError`].
pub fn check(path: &Path) -> Result<StateHash, StateError> {
    let mut reader = StateReader::new(File::open(path)?)?;
    while reader.row()?.is_some() {}
    Ok(reader.finish())
}

impl<R: Read> StateReader<R> {
    /// Begins to read.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn new(from: R) -> Result<Self, StateError> {
        let mut reader = Self {
            from: BufReader::with_capacity(256 * 1024, from),
            hash: Sha256::new(),
            before: (0, Vec::new(), 0),
            head: 0,
            ended: false,
        };
        let mut header = [0; HEADER.len()];
        reader.exactly(&mut header)?;
        if header != HEADER {
            return Err(StateError::Damaged("it does not begin as a state of this version does"));
        }
        Ok(reader)
    }

    /// The next row; `None` behind the end.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn row(&mut self) -> Result<Option<Row<Vec<u8>>>, StateError> {
        if self.ended {
            return match self.from.read(&mut [0])? {
                0 => Ok(None),
                _ => Err(StateError::Damaged("something follows its end")),
            };
        }
        let mut letter = [0];
        self.exactly(&mut letter)?;
        let row = match &letter {
            b"R" => Row::Record { key: self.text()?, revision: self.number()?, body: self.bytes()? },
            b"C" => Row::Counter { key: self.text()?, value: self.number()? },
            b"S" => {
                let (key, seq, at) = (self.text()?, self.number()?, self.number()?);
                let last_kept = if self.flag()? { Some(self.number()?) } else { None };
                Row::Stream { key, seq, at, last_kept }
            }
            b"E" => {
                let (seq, id, at) = (self.number()?, self.text()?, self.number()?);
                Row::Entry { seq, id, at, body: self.bytes()? }
            }
            b"A" => {
                let (position, subject) = (self.number()?, self.text()?);
                let entry =
                    if self.flag()? { Some((self.text()?, self.number()?, self.number()?)) } else { None };
                Row::Announcement { position, subject, entry, body: self.bytes()? }
            }
            b"Z" => {
                self.ended = true;
                let (position, revision, settled) = (self.number()?, self.number()?, self.number()?);
                Row::End { position, revision, settled }
            }
            _ => return Err(StateError::Damaged("a row is of no known kind")),
        };
        self.in_order(&row)?;
        Ok(Some(row))
    }

    /// The hash of what was read.
    #[must_use]
    pub fn finish(self) -> StateHash {
        StateHash(self.hash.finalize().into())
    }

    fn in_order(&mut self, row: &Row<Vec<u8>>) -> Result<(), StateError> {
        let (rank, key, number) = match row {
            Row::Record { key, .. } => (1, key.as_slice(), 0),
            Row::Counter { key, .. } => (2, key.as_slice(), 0),
            Row::Stream { key, seq, .. } => {
                self.head = *seq;
                (3, key.as_slice(), 0)
            }
            Row::Entry { seq, .. } => {
                // The key of the log stays for the next one; sequence numbers begin at 1.
                let (rank, _, before) = &mut self.before;
                if *rank != 3 || *before >= *seq || *seq > self.head {
                    return Err(StateError::Damaged("an entry is not in its place"));
                }
                *before = *seq;
                return Ok(());
            }
            Row::Announcement { position, .. } => (4, [].as_slice(), *position),
            Row::End { .. } => (5, [].as_slice(), 0),
        };
        let (rank_before, key_before, number_before) = &self.before;
        let follows = match rank.cmp(rank_before) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal if rank == 4 => number > *number_before,
            std::cmp::Ordering::Equal => key > key_before.as_slice(),
            std::cmp::Ordering::Less => false,
        };
        if !follows {
            return Err(StateError::Damaged("a row is not in its place"));
        }
        self.before = (rank, key.to_vec(), number);
        Ok(())
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), StateError> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => StateError::Damaged("it ends early"),
            _ => error.into(),
        })?;
        self.hash.update(bytes);
        Ok(())
    }

    fn flag(&mut self) -> Result<bool, StateError> {
        let mut flag = [0];
        self.exactly(&mut flag)?;
        match flag {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(StateError::Damaged("a value is neither there nor absent")),
        }
    }

    fn number(&mut self) -> Result<i64, StateError> {
        let mut number = [0; 8];
        self.exactly(&mut number)?;
        Ok(i64::from_be_bytes(number))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, StateError> {
        let mut length = [0; 4];
        self.exactly(&mut length)?;
        let length = u32::from_be_bytes(length);
        // A damaged length must not reserve memory: it grows with what is there.
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(length.into()).read_to_end(&mut bytes)?;
        if u64::try_from(read).ok() != Some(length.into()) {
            return Err(StateError::Damaged("it ends early"));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }

    fn text(&mut self) -> Result<Vec<u8>, StateError> {
        let bytes = self.bytes()?;
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(StateError::Damaged("a key or an id is no text")),
        }
    }
}
