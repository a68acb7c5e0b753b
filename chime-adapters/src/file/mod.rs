//! Blobs as files below a directory.

mod blobs;

pub use blobs::FileBlobs;
