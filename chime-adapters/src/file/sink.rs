//! Exported events as newline-delimited JSON: a directory for each stream, in it numbered files, the last of which
//! grows until it is large enough.
//!
//! # Our choices
//!
//! - A run is on disk before it counts as taken. What a crash left of a line is cut off when the file is opened again,
//!   since the events that were not taken come again.
//! - A stream exists as soon as something is written to it, so that none is missing and none is too small.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::ports::{CheckError, Sink, SinkError, SinkRecord, Taken};
use tokio::task::spawn_blocking;

/// How large a file grows before the next one is begun, in bytes, unless told otherwise.
const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Writes exported events into files below a directory.
#[derive(Clone, Debug)]
pub struct FileSink {
    directory: PathBuf,
    file_bytes: u64,
    streams: Arc<Mutex<HashMap<String, Arc<Mutex<Stream>>>>>,
}

/// One stream, and its last file once that is open.
#[derive(Debug)]
struct Stream {
    directory: PathBuf,
    file_bytes: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: File,
    length: u64,
}

impl FileSink {
    /// A sink below `directory`, which is made when something is written.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), file_bytes: FILE_BYTES, streams: Arc::default() }
    }

    /// Begins a new file as soon as one has so many bytes.
    #[must_use]
    pub fn with_file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }

    fn stream(&self, name: &str) -> Arc<Mutex<Stream>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Stream { directory: self.directory.join(name), file_bytes: self.file_bytes, open: None };
        Arc::clone(streams.entry(name.to_owned()).or_insert_with(|| Arc::new(Mutex::new(new()))))
    }
}

/// The name of a stream by its ARN; `None` when that is no name of a directory.
fn name(destination: &str) -> Option<&str> {
    let name = destination.rsplit_once(":stream/").map_or(destination, |(_, name)| name);
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    (plain && !name.is_empty() && !name.starts_with('.')).then_some(name)
}

#[async_trait]
impl Sink for FileSink {
    async fn check(&self, destination: &str) -> Result<(), CheckError> {
        let name = name(destination);
        name.map(drop).ok_or_else(|| CheckError::Refused("its name is not one of a directory".into()))
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        let Some(name) = name(destination) else {
            return Taken::none(SinkError::Rejected("its name is not one of a directory".into()));
        };
        let stream = self.stream(name);
        let count = records.len();
        let mut lines = Vec::with_capacity(records.iter().map(|record| record.data.0.len() + 1).sum());
        for record in records {
            lines.extend_from_slice(&record.data.0);
            lines.push(b'\n');
        }
        // A poisoned stream is opened anew below, as after a crash.
        let write = move || stream.lock().unwrap_or_else(PoisonError::into_inner).append(&lines);
        match spawn_blocking(write).await {
            Ok(Ok(())) => Taken::all(count),
            Ok(Err(error)) => Taken::none(SinkError::Unavailable(Box::new(error))),
            Err(error) => Taken::none(SinkError::Unavailable(Box::new(error))),
        }
    }
}

impl Stream {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        // Whatever goes wrong, the file is opened anew, which repairs its end.
        let mut open = match self.open.take() {
            Some(open) if open.length < self.file_bytes => open,
            Some(open) => self.create(open.number + 1)?,
            None => self.last()?,
        };
        match open.file.write_all(lines).and_then(|()| open.file.sync_data()) {
            Ok(()) => {
                open.length += lines.len() as u64;
                self.open = Some(open);
                Ok(())
            }
            Err(error) => {
                // What was written of the run comes again; the next opening does the same for half a line.
                let _ = open.file.set_len(open.length);
                Err(error)
            }
        }
    }

    /// The file to go on with.
    fn last(&self) -> io::Result<Open> {
        fs::create_dir_all(&self.directory)?;
        let mut last = None;
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".ndjson")?.parse::<u64>().ok());
            last = last.max(number);
        }
        let Some(number) = last else { return self.create(1) };
        let mut file = File::options().read(true).append(true).open(self.path(number))?;
        let length = whole_lines(&mut file)?;
        file.set_len(length)?;
        if length < self.file_bytes { Ok(Open { number, file, length }) } else { self.create(number + 1) }
    }

    fn create(&self, number: u64) -> io::Result<Open> {
        let file = File::options().create_new(true).append(true).open(self.path(number))?;
        for directory in [Some(self.directory.as_path()), self.directory.parent()].into_iter().flatten() {
            if directory != Path::new("") {
                File::open(directory)?.sync_all()?;
            }
        }
        Ok(Open { number, file, length: 0 })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:08}.ndjson"))
    }
}

/// The length of a file up to the end of its last whole line.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let begin = end.saturating_sub(STEP);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(begin))?;
        Read::take(&mut *file, end - begin).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|b| *b == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chime_domain::conformance::sink::Reader;
    use chime_domain::ports::Position;
    use chime_domain::text::Private;

    use super::*;
    use crate::test_clock::tests::run;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn sink(&self) -> FileSink {
            FileSink::new(self.0.path().join("out")).with_file_bytes(2_000)
        }

        fn lines(&self, name: &str) -> Vec<Vec<u8>> {
            let mut all = Vec::new();
            for number in 1.. {
                let path = self.0.path().join("out").join(name).join(format!("{number:08}.ndjson"));
                let Ok(bytes) = fs::read(path) else { break };
                all.extend(
                    bytes.split_inclusive(|b| *b == b'\n').map(|line| line[..line.len() - 1].to_vec()),
                );
            }
            all
        }
    }

    #[async_trait]
    impl Reader for Files {
        async fn destination(&self, name: &str) -> String {
            format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}")
        }

        async fn arrived(&self, destination: &str) -> Vec<Vec<u8>> {
            self.lines(name(destination).unwrap())
        }

        async fn set_down(&self, _: bool) -> bool {
            // A claim of its own, below.
            false
        }
    }

    chime_domain::sink_conformance!(run = run, async {
        let files = Files::new();
        (files.sink(), files)
    });

    fn record(text: &str) -> SinkRecord {
        let data = Private(Bytes::from(text.to_owned()));
        SinkRecord { key: "k".into(), data, position: Position(1) }
    }

    async fn put(sink: &FileSink, texts: &[&str]) -> Taken {
        let records: Vec<_> = texts.iter().map(|text| record(text)).collect();
        sink.put("s", &records).await
    }

    #[test]
    fn half_a_line_that_a_crash_left_is_cut_off_and_whole_ones_stay() {
        run(Box::pin(async {
            let files = Files::new();
            put(&files.sink(), &["one", "two"]).await;
            let path = files.0.path().join("out/s/00000001.ndjson");
            let mut file = File::options().append(true).open(path).unwrap();
            // Longer than what is read at once from the end.
            file.write_all(&vec![b'x'; 200_000]).unwrap();
            assert!(put(&files.sink(), &["three"]).await.error.is_none());
            assert_eq!(files.lines("s"), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        }));
    }

    #[test]
    fn a_file_that_is_large_enough_is_followed_by_the_next_also_after_a_restart() {
        run(Box::pin(async {
            let files = Files::new();
            let long = "x".repeat(1_500);
            for _ in 0..3 {
                put(&files.sink(), &[&long]).await;
            }
            let sink = files.sink();
            for _ in 0..3 {
                put(&sink, &[&long]).await;
            }
            assert_eq!(files.lines("s").len(), 6);
            assert_eq!(fs::read_dir(files.0.path().join("out/s")).unwrap().count(), 3);
        }));
    }

    #[test]
    fn a_name_that_steps_out_of_the_directory_is_refused() {
        run(Box::pin(async {
            let sink = Files::new().sink();
            for name in ["..", "../a", "a/b", "", ".hidden", "a b"] {
                let destination = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}");
                assert!(sink.check(&destination).await.is_err(), "{name}");
                let taken = sink.put(&destination, &[record("x")]).await;
                assert!(matches!(taken.error, Some(SinkError::Rejected(_))), "{name}");
            }
        }));
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_unavailable_until_it_can() {
        run(Box::pin(async {
            let files = Files::new();
            fs::write(files.0.path().join("out"), "no directory").unwrap();
            let sink = files.sink();
            let taken = put(&sink, &["one"]).await;
            assert!(matches!(taken.error, Some(SinkError::Unavailable(_))) && taken.taken.is_empty());
            fs::remove_file(files.0.path().join("out")).unwrap();
            assert!(put(&sink, &["one"]).await.error.is_none());
            assert_eq!(files.lines("s"), [b"one".to_vec()]);
        }));
    }
}
