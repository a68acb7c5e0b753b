//! Everything that a store holds, for showing that something left no trace.

use chime_domain::Chime;
use chime_domain::limits::QUOTAS;
use chime_domain::ports::{EntryQuery, Key, Order, Scan};
use chime_domain::time::Timestamp;

/// Every record with its revision, every counter and message log that records speak of, and how far the outbox has got.
///
/// # Panics
///
/// When the store fails.
pub async fn dump(chime: &Chime) -> Vec<String> {
    let store = chime.store();
    let scan = Scan { prefix: String::new(), after: None, before: None, limit: usize::MAX };
    let records = store.scan(scan).await.expect("every record");
    let mut lines = vec![format!("outbox {:?}", store.newest().await.expect("the outbox's end"))];
    for (key, found) in &records {
        let bytes = String::from_utf8_lossy(found.record.bytes()).into_owned();
        lines.push(format!("{key} @{} {bytes}", found.revision));
        let parts: Vec<&str> = key.as_str().split('/').collect();
        let (kind, of) = parts.split_first().expect("a kind");
        if !matches!(*kind, "app-instance" | "channel" | "deleted-channel") {
            continue;
        }
        for quota in QUOTAS {
            let parts: Vec<&str> = std::iter::once(quota.name).chain(of.iter().copied()).collect();
            let value = store.count(&Key::new("count", &parts)).await.expect("a counter");
            lines.push(format!("{key} {} {value}", quota.name));
        }
        let stream = Key::new("messages", of);
        let head = store.heads(std::slice::from_ref(&stream)).await.expect("a head");
        let query = EntryQuery {
            stream,
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            behind: None,
            order: Order::Ascending,
            limit: usize::MAX,
        };
        let entries = store.entries(query).await.expect("entries");
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| (entry.stamp, String::from_utf8_lossy(entry.record.bytes()).into_owned()))
            .collect();
        lines.push(format!("{key} {head:?} {entries:?}"));
    }
    lines
}
