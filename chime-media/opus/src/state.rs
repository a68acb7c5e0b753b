//! The memory that a libopus encoder or decoder lives in.

use std::fmt;
use std::mem::MaybeUninit;

/// A unit of that memory, aligned as `malloc` aligns, which is what libopus is written for.
///
/// `MaybeUninit` because C leaves padding unwritten and keeps pointers (to its constant tables) inside: a copy of
/// `MaybeUninit` bytes is defined for both.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Block(#[expect(dead_code, reason = "only C reads it")] [MaybeUninit<u8>; 16]);

/// A libopus state: one contiguous block without pointers into itself, hence movable, copyable and sendable.
#[derive(Clone)]
pub(crate) struct State(Box<[Block]>);

impl State {
    /// Zeroed memory of at least `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self(vec![Block([MaybeUninit::new(0); 16]); size.div_ceil(16)].into_boxed_slice())
    }

    /// Becomes a copy without allocating; `false` if the sizes differ, and then nothing is changed.
    pub(crate) fn copy_from(&mut self, other: &Self) -> bool {
        let same = self.0.len() == other.0.len();
        if same {
            self.0.copy_from_slice(&other.0);
        }
        same
    }

    pub(crate) fn as_mut<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({} bytes)", self.0.len() * 16)
    }
}
