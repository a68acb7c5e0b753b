//! Redundant audio data, RFC 2198: earlier packets carried again in front of the newest.

use thiserror::Error;

/// What a malformed payload lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RedError {
    /// It ends within a header or a block.
    #[error("payload is cut short")]
    Short,
    /// More redundant blocks than [`MAX_BLOCKS`].
    #[error("too many blocks")]
    Blocks,
    /// A block is too long or too old for its header.
    #[error("block does not fit its header")]
    Range,
}

/// Redundant blocks that are read at most; senders use one to three.
pub const MAX_BLOCKS: usize = 8;

/// A redundant block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block<'a> {
    /// RTP payload type.
    pub payload_type: u8,
    /// How much older it is than the primary, in timestamp units; below 16,384 (341 ms).
    pub offset: u32,
    /// The packet, at most 1023 bytes.
    pub payload: &'a [u8],
}

/// A payload taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Red<'a> {
    blocks: [Block<'a>; MAX_BLOCKS],
    count: usize,
    /// RTP payload type of the primary.
    pub primary_type: u8,
    /// The newest packet.
    pub primary: &'a [u8],
}

impl<'a> Red<'a> {
    /// Takes a payload apart.
    ///
    /// # Errors
    ///
    /// [`RedError::Short`] and [`RedError::Blocks`].
    pub fn parse(payload: &'a [u8]) -> Result<Self, RedError> {
        let mut lengths = [0_usize; MAX_BLOCKS];
        let mut blocks = [Block::default(); MAX_BLOCKS];
        let mut count = 0;
        let mut rest = payload;
        let primary_type = loop {
            let (&first, after) = rest.split_first().ok_or(RedError::Short)?;
            if first & 0x80 == 0 {
                rest = after;
                break first;
            }
            let (&[a, b, c], after) = after.split_first_chunk().ok_or(RedError::Short)?;
            let (Some(block), Some(length)) = (blocks.get_mut(count), lengths.get_mut(count)) else {
                return Err(RedError::Blocks);
            };
            block.payload_type = first & 0x7f;
            block.offset = u32::from(a) << 6 | u32::from(b) >> 2;
            *length = usize::from(b & 3) << 8 | usize::from(c);
            count += 1;
            rest = after;
        };
        for (block, length) in blocks.iter_mut().zip(lengths).take(count) {
            (block.payload, rest) = rest.split_at_checked(length).ok_or(RedError::Short)?;
        }
        Ok(Self { blocks, count, primary_type, primary: rest })
    }

    /// The redundant blocks, oldest first as senders write them.
    #[must_use]
    pub fn blocks(&self) -> &[Block<'a>] {
        self.blocks.get(..self.count).unwrap_or_default()
    }
}

/// Appends a payload with these redundant blocks to `out`.
///
/// # Errors
///
/// [`RedError::Blocks`] and [`RedError::Range`]; `out` is unchanged then.
pub fn write(
    blocks: &[Block<'_>],
    primary_type: u8,
    primary: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RedError> {
    if blocks.len() > MAX_BLOCKS {
        return Err(RedError::Blocks);
    }
    let fits = |b: &Block<'_>| b.offset < 1 << 14 && b.payload.len() < 1 << 10 && b.payload_type < 0x80;
    if !blocks.iter().all(fits) || primary_type >= 0x80 {
        return Err(RedError::Range);
    }
    for block in blocks {
        let word = 1 << 31
            | u32::from(block.payload_type) << 24
            | block.offset << 10
            | u32::try_from(block.payload.len()).map_err(|_| RedError::Range)?;
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.push(primary_type);
    for block in blocks {
        out.extend_from_slice(block.payload);
    }
    out.extend_from_slice(primary);
    Ok(())
}
