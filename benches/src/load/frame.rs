//! Frames of a server, as far as counting them needs (RFC 6455 section 5.2): unmasked, unfragmented.

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A text.
    Text(&'a [u8]),
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A close with its code; 1005 without one.
    Close(u16),
    /// Any other.
    Other,
}

/// The first frame and what follows it; `None` while it is not whole.
#[must_use]
pub fn first(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (&[kind, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    let frame = match kind & 0x0f {
        1 => Frame::Text(payload),
        8 => Frame::Close(payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code))),
        9 => Frame::Ping(payload),
        _ => Frame::Other,
    };
    Some((frame, rest))
}

/// The answer to a ping. Masked with zeros, which leaves the payload as it is.
#[must_use]
pub fn pong(payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(125).min(125);
    let mut frame = vec![0x8a, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(payload.get(..usize::from(length)).unwrap_or_default());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_cut_at_their_ends() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut bytes = vec![0x81];
            match length {
                0..=125 => bytes.push(length as u8),
                126..=65_535 => {
                    bytes.push(126);
                    bytes.extend((length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(127);
                    bytes.extend((length as u64).to_be_bytes());
                }
            }
            bytes.extend(&payload);
            assert_eq!(first(&bytes[..bytes.len() - 1]), None);
            bytes.push(0x88);
            assert_eq!(first(&bytes), Some((Frame::Text(&payload), &[0x88][..])));
        }
    }

    #[test]
    fn control_frames_are_told_apart() {
        assert_eq!(first(&[0x88, 2, 0x03, 0xf5]), Some((Frame::Close(1013), &[][..])));
        assert_eq!(first(&[0x88, 0]), Some((Frame::Close(1005), &[][..])));
        assert_eq!(first(&[0x89, 1, 7]), Some((Frame::Ping(&[7]), &[][..])));
        assert_eq!(pong(&[7]), [0x8a, 0x81, 0, 0, 0, 0, 7]);
    }
}
