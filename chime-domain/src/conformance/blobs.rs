//! Claims about a blob store.

use std::sync::Arc;
use std::thread;

use bytes::Bytes;

use super::run::{Run, drive};
use crate::ports::{BlobError, Blobs};

type Subject = Arc<dyn Blobs>;

pub async fn a_blob_comes_back_as_it_was_put(blobs: Subject) {
    let large = Bytes::from((0..1_500_000_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    for (name, bytes) in [("a", Bytes::from_static(b"one")), ("empty", Bytes::new()), ("dir/large", large)] {
        blobs.put(name, bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(name).await.unwrap(), Some(bytes), "{name}");
    }
    assert_eq!(blobs.get("none").await.unwrap(), None);
}

pub async fn a_blob_takes_the_place_of_one_with_its_name(blobs: Subject) {
    blobs.put("a", Bytes::from_static(b"the longer first one")).await.unwrap();
    blobs.put("a", Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(blobs.get("a").await.unwrap().unwrap(), "second");
}

pub async fn a_deleted_blob_is_gone_and_deleting_again_does_nothing(blobs: Subject) {
    blobs.put("a/b", Bytes::from_static(b"x")).await.unwrap();
    blobs.delete("a/b").await.unwrap();
    assert_eq!(blobs.get("a/b").await.unwrap(), None);
    blobs.delete("a/b").await.unwrap();
    blobs.delete("never/was").await.unwrap();
}

pub async fn a_name_may_begin_like_another(blobs: Subject) {
    let names = ["a", "a/b", "a/b/c", "a.b", "ab", "A", "a/b.tmp", "é", "%41", "-", "..."];
    for name in names {
        blobs.put(name, Bytes::from(name)).await.unwrap();
    }
    for name in names {
        assert_eq!(blobs.get(name).await.unwrap().unwrap(), name);
    }
    blobs.delete("a").await.unwrap();
    assert!(blobs.get("a/b").await.unwrap().is_some());
}

pub async fn a_name_that_steps_out_is_refused(blobs: Subject) {
    let long = "x".repeat(1025);
    for name in ["", "/", "/etc/passwd", "..", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0b", &long] {
        let invalid = |result: Result<(), BlobError>| matches!(result, Err(BlobError::InvalidName));
        assert!(invalid(blobs.put(name, Bytes::new()).await), "put {name:?}");
        assert!(invalid(blobs.get(name).await.map(drop)), "get {name:?}");
        assert!(invalid(blobs.delete(name).await), "delete {name:?}");
    }
}

pub fn a_blob_is_never_seen_in_part(blobs: Subject, run: Run) {
    let whole = |n: u8| Bytes::from(vec![n; 200_000]);
    drive(run, blobs.put("a", whole(0))).unwrap();
    thread::scope(|scope| {
        for writer in 1..3 {
            let blobs = &blobs;
            scope.spawn(move || {
                for _ in 0..15 {
                    drive(run, blobs.put("a", whole(writer))).unwrap();
                }
            });
        }
        for _ in 0..30 {
            let found = drive(run, blobs.get("a")).unwrap().unwrap();
            assert_eq!(found.len(), 200_000);
            assert!(found.iter().all(|byte| *byte == found[0]));
        }
    });
}
