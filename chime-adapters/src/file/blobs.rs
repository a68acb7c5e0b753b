//! A blob is a file; it appears under its name by renaming, whole or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chime_domain::ports::{BlobError, Blobs};

/// Keeps blobs below a directory and syncs them to the disk. Needs a tokio runtime.
///
/// The segments of a name become directories `d-SEGMENT` and a file `f-SEGMENT`, so that a blob may be named like the
/// beginning of another. One process at a time may use a directory.
#[derive(Debug)]
pub struct FileBlobs {
    root: Arc<Path>,
    parts: AtomicU64,
}

impl FileBlobs {
    /// Uses a directory, made if it is not there, and removes what an interrupted [`Blobs::put`] left.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let parts = root.join("parts");
        match fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&parts)?,
        }
        Ok(Self { root: root.into(), parts: AtomicU64::new(0) })
    }

    fn place(&self, name: &str) -> Result<PathBuf, BlobError> {
        BlobError::check(name)?;
        let mut place = self.root.join("blobs");
        let (directories, leaf) = name.rsplit_once('/').unwrap_or(("", name));
        for segment in directories.split('/').filter(|segment| !segment.is_empty()) {
            place.push(format!("d-{segment}"));
        }
        place.push(format!("f-{leaf}"));
        Ok(place)
    }
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        let place = self.place(name)?;
        let part = self.root.join("parts").join(self.parts.fetch_add(1, Ordering::Relaxed).to_string());
        on_disk(move || {
            let written = write(&part, &place, &bytes);
            if written.is_err() {
                // Nothing more can be done about the part; opening the directory again removes it.
                let _ = fs::remove_file(&part);
            }
            written
        })
        .await
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, BlobError> {
        let place = self.place(name)?;
        on_disk(move || match fs::read(place) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(|bytes| Some(bytes.into())),
        })
        .await
    }

    async fn delete(&self, name: &str) -> Result<(), BlobError> {
        let place = self.place(name)?;
        on_disk(move || match fs::remove_file(place) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        })
        .await
    }
}

fn write(part: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let directory = place.parent().unwrap_or(place);
    fs::create_dir_all(directory)?;
    fs::rename(part, place)?;
    File::open(directory)?.sync_all()
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        // A segment longer than the file system's names.
        Ok(Err(error)) if error.kind() == ErrorKind::InvalidFilename => Err(BlobError::InvalidName),
        Ok(Err(error)) => Err(BlobError::Unavailable(error.into())),
        Err(error) => Err(BlobError::Unavailable(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::tests::run;

    chime_domain::blobs_conformance!(run = run, guarded async {
        let directory = tempfile::tempdir().unwrap();
        (FileBlobs::open(directory.path()).unwrap(), directory)
    });

    #[test]
    fn blobs_are_there_when_the_directory_is_opened_again_and_parts_are_not() {
        let directory = tempfile::tempdir().unwrap();
        run(Box::pin(async {
            let blobs = FileBlobs::open(directory.path()).unwrap();
            blobs.put("a/b", Bytes::from_static(b"x")).await.unwrap();
        }));
        fs::write(directory.path().join("parts/99"), "half").unwrap();
        run(Box::pin(async {
            let blobs = FileBlobs::open(directory.path()).unwrap();
            assert_eq!(blobs.get("a/b").await.unwrap().unwrap(), "x");
        }));
        assert_eq!(fs::read_dir(directory.path().join("parts")).unwrap().count(), 0);
    }
}
