//! Announcements as bytes.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use chime_domain::ports::{Announced, Key, Position, Record, Stamp};
use chime_domain::time::Timestamp;

/// First byte of a message: the version of what follows. A node skips versions that it does not know.
const VERSION: u8 = 1;

/// Splits a run into messages of at most `most` bytes. An announcement that is larger by itself is left out.
pub(super) fn encode(run: &[Announced], most: usize) -> Vec<Bytes> {
    let (mut messages, mut message) = (Vec::new(), BytesMut::new());
    for announced in run {
        let size = size(announced);
        if 1 + size > most {
            continue;
        }
        if !message.is_empty() && message.len() + size > most {
            messages.push(message.split().freeze());
        }
        if message.is_empty() {
            message.put_u8(VERSION);
        }
        put(&mut message, announced);
    }
    if !message.is_empty() {
        messages.push(message.freeze());
    }
    messages
}

fn size(announced: &Announced) -> usize {
    let entry = announced.entry.as_ref().map_or(0, |(id, _)| 4 + id.len() + 16);
    8 + 4 + announced.subject.as_str().len() + 4 + announced.record.bytes().len() + 1 + entry
}

fn put(message: &mut BytesMut, announced: &Announced) {
    message.put_u64(announced.position.0);
    put_bytes(message, announced.subject.as_str().as_bytes());
    put_bytes(message, announced.record.bytes());
    match &announced.entry {
        Some((id, stamp)) => {
            message.put_u8(1);
            put_bytes(message, id.as_bytes());
            message.put_u64(stamp.seq);
            message.put_i64(stamp.at.millis());
        }
        None => message.put_u8(0),
    }
}

fn put_bytes(message: &mut BytesMut, bytes: &[u8]) {
    message.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    message.put_slice(bytes);
}

/// Reads a message; `None` when it is none of ours.
pub(super) fn decode(mut message: Bytes) -> Option<Arc<[Announced]>> {
    if message.try_get_u8().ok()? != VERSION {
        return None;
    }
    let mut run = Vec::new();
    while message.has_remaining() {
        let position = Position(message.try_get_u64().ok()?);
        let subject = Key::from_stored(&text(&mut message)?);
        let record = Record::from_bytes(bytes(&mut message)?.to_vec());
        let entry = match message.try_get_u8().ok()? {
            0 => None,
            1 => {
                let id = text(&mut message)?.into();
                let seq = message.try_get_u64().ok()?;
                let at = Timestamp::from_millis(message.try_get_i64().ok()?);
                Some((id, Stamp { seq, at }))
            }
            _ => return None,
        };
        run.push(Announced { position, subject, record, entry });
    }
    Some(run.into())
}

fn bytes(message: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(message.try_get_u32().ok()?).ok()?;
    (length <= message.remaining()).then(|| message.split_to(length))
}

fn text(message: &mut Bytes) -> Option<String> {
    String::from_utf8(bytes(message)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use chime_domain::conformance::things::{Dice, key, thing};

    use super::*;

    fn run(sizes: &[usize]) -> Vec<Announced> {
        let one = |(n, size): (usize, &usize)| Announced {
            position: Position(n as u64 + 1),
            subject: key("a/\u{0}é"),
            record: thing(&"x".repeat(*size)),
            entry: (n % 2 == 0)
                .then(|| ("id".into(), Stamp { seq: u64::MAX, at: Timestamp::from_millis(-5) })),
        };
        sizes.iter().enumerate().map(one).collect()
    }

    fn form(run: &[Announced]) -> Vec<String> {
        run.iter().map(|one| format!("{one:?} {:?}", one.record.bytes())).collect()
    }

    #[test]
    fn a_run_comes_back_in_order_in_messages_within_the_limit() {
        let run = run(&[10, 500, 300, 900, 10, 10, 800]);
        for most in [1200, 2000, 100_000] {
            let messages = encode(&run, most);
            assert!(messages.iter().all(|message| message.len() <= most));
            let back: Vec<Announced> =
                messages.into_iter().flat_map(|message| decode(message).unwrap().to_vec()).collect();
            assert_eq!(form(&back), form(&run), "{most}");
        }
    }

    #[test]
    fn what_does_not_fit_alone_is_left_out() {
        let run = run(&[10, 5000, 10]);
        let messages = encode(&run, 1000);
        let positions: Vec<u64> = messages
            .into_iter()
            .flat_map(|m| decode(m).unwrap().to_vec())
            .map(|one| one.position.0)
            .collect();
        assert_eq!(positions, [1, 3]);
        assert!(encode(&[], 1000).is_empty());
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused() {
        let good = encode(&run(&[10, 20]), 10_000).pop().unwrap();
        let mut dice = Dice::new(7);
        for _ in 0..20_000 {
            let mut bytes = good.to_vec();
            for _ in 0..=dice.below(3) {
                let place = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
                bytes[place] = u8::try_from(dice.below(256)).unwrap();
            }
            bytes.truncate(usize::try_from(dice.below(bytes.len() as u64 + 1)).unwrap());
            let _ = decode(Bytes::from(bytes));
        }
        assert!(decode(Bytes::new()).is_none());
        assert!(decode(Bytes::from_static(&[2, 0])).is_none());
    }
}
