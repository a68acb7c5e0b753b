//! What a message says of itself, so that whoever receives it can tell how long it took and whether one is missing.

use memchr::memmem::Finder;

/// Begins a mark; the characters are the same inside JSON inside JSON.
const BEGIN: &str = "~T";
const SENT: usize = 16;
const SENDER: usize = 4;
const NUMBER: usize = 8;
/// Bytes of a mark.
pub const LENGTH: usize = BEGIN.len() + SENT + SENDER + NUMBER;

/// The mark of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it was sent, in microseconds.
    pub sent: u64,
    /// Who sent it.
    pub sender: u16,
    /// Its number among those of its sender, from 1.
    pub number: u32,
}

impl Mark {
    /// The content of a message of `length` bytes, or of those of the mark if that is more.
    #[must_use]
    pub fn content(self, length: usize) -> String {
        let Self { sent, sender, number } = self;
        let mut text = format!("{BEGIN}{sent:016x}{sender:04x}{number:08x}");
        text.extend(std::iter::repeat_n('x', length.saturating_sub(LENGTH)));
        text
    }
}

/// Finds marks.
#[derive(Debug)]
pub struct Marks(Finder<'static>);

impl Default for Marks {
    fn default() -> Self {
        Self(Finder::new(BEGIN))
    }
}

impl Marks {
    /// The first mark in a frame.
    #[must_use]
    pub fn find(&self, frame: &[u8]) -> Option<Mark> {
        let at = self.0.find(frame)?;
        let digits = std::str::from_utf8(frame.get(at + BEGIN.len()..at + LENGTH)?).ok()?;
        let (sent, rest) = digits.split_at_checked(SENT)?;
        let (sender, number) = rest.split_at_checked(SENDER)?;
        Some(Mark {
            sent: u64::from_str_radix(sent, 16).ok()?,
            sender: u16::from_str_radix(sender, 16).ok()?,
            number: u32::from_str_radix(number, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again_within_a_frame() {
        let mark = Mark { sent: 0xdead_beef, sender: 513, number: 70_000 };
        let content = mark.content(200);
        assert_eq!(content.len(), 200);
        let frame = format!(r#"{{"Headers":{{}},"Payload":"{{\"Content\":\"{content}\"}}"}}"#);
        assert_eq!(Marks::default().find(frame.as_bytes()), Some(mark));
        assert_eq!(Marks::default().find(b"{}"), None);
        assert_eq!(Marks::default().find(b"~T00"), None);
    }
}
