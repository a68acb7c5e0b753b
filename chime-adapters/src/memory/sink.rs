//! A sink in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::ports::{CheckError, Sink, SinkError, SinkRecord, Taken};

/// Keeps what is exported, by destination. It can be told to fail.
#[derive(Debug, Default)]
pub struct MemorySink {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    streams: BTreeMap<String, Vec<SinkRecord>>,
    failures: VecDeque<(usize, SinkError)>,
    unfit: Option<CheckError>,
}

impl MemorySink {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Every change below is made whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a later run fail after so many of its records; the first failure for the next run, and so on.
    pub fn fail_after(&self, records: usize, error: SinkError) {
        self.inner().failures.push_back((records, error));
    }

    /// Answers the next check with an error.
    pub fn fail_check(&self, error: CheckError) {
        self.inner().unfit = Some(error);
    }

    /// What a destination has.
    #[must_use]
    pub fn delivered(&self, destination: &str) -> Vec<SinkRecord> {
        self.inner().streams.get(destination).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn check(&self, _: &str) -> Result<(), CheckError> {
        self.inner().unfit.take().map_or(Ok(()), Err)
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        let mut inner = self.inner();
        let (count, error) = match inner.failures.pop_front() {
            Some((count, error)) => (count.min(records.len()), Some(error)),
            None => (records.len(), None),
        };
        let stream = inner.streams.entry(destination.to_owned()).or_default();
        stream.extend(records.iter().take(count).cloned());
        Taken { error, ..Taken::all(count) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chime_domain::conformance::sink::Reader;

    use super::*;

    #[derive(Clone, Debug)]
    struct Kept(Arc<MemorySink>);

    #[async_trait]
    impl Sink for Kept {
        async fn check(&self, destination: &str) -> Result<(), CheckError> {
            self.0.check(destination).await
        }

        async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
            self.0.put(destination, records).await
        }
    }

    #[async_trait]
    impl Reader for Kept {
        async fn destination(&self, name: &str) -> String {
            name.to_owned()
        }

        async fn arrived(&self, destination: &str) -> Vec<Vec<u8>> {
            self.0.delivered(destination).iter().map(|record| record.data.0.to_vec()).collect()
        }

        async fn set_down(&self, down: bool) -> bool {
            if down {
                self.0.fail_after(3, SinkError::Throttled);
            }
            true
        }
    }

    chime_domain::sink_conformance!(async {
        let kept = Kept(Arc::new(MemorySink::new()));
        (kept.clone(), kept)
    });
}
