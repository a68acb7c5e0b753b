//! Blobs, and exported events, as files below a directory.

mod blobs;
mod sink;

pub use blobs::FileBlobs;
pub use sink::FileSink;
