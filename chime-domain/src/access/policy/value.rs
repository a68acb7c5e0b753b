//! The value of a condition key, and its text.

use std::fmt::{self, Write};
use std::net::IpAddr;

use crate::time::Timestamp;

/// One value of a condition key, as the request has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Time(Timestamp),
    Epoch(Timestamp),
    Ip(IpAddr),
}

impl<'a> Value<'a> {
    /// The text that string operators and variables see.
    pub(super) fn render(self) -> Rendered<'a> {
        match self {
            Self::Text(text) => Rendered::Borrowed(text),
            Self::Bool(true) => Rendered::Borrowed("true"),
            Self::Bool(false) => Rendered::Borrowed("false"),
            Self::Time(at) => Rendered::inline(format_args!("{at}")),
            Self::Epoch(at) => Rendered::inline(format_args!("{}", at.seconds())),
            Self::Ip(address) => Rendered::inline(format_args!("{address}")),
        }
    }
}

/// Text that is borrowed from the request or fits on the stack.
#[derive(Clone, Debug)]
pub(super) enum Rendered<'a> {
    Borrowed(&'a str),
    Inline(Inline),
}

impl Rendered<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Inline(inline) => inline.as_str(),
        }
    }

    fn inline(text: fmt::Arguments<'_>) -> Self {
        let mut inline = Inline { bytes: [0; CAPACITY], len: 0 };
        // The longest of these values, an IPv6 address with a scope, has 50 bytes.
        let _ = inline.write_fmt(text);
        Self::Inline(inline)
    }
}

const CAPACITY: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Inline {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Inline {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Write for Inline {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
