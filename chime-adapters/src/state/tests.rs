use super::*;

type Rows = Vec<Row<Vec<u8>>>;

fn rows() -> Rows {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        Row::Record { key: text("a/1"), revision: 3, body: vec![0, 255] },
        Row::Record { key: text("a/2"), revision: 1, body: vec![] },
        Row::Counter { key: text("a/1"), value: 7 },
        Row::Stream { key: text("log"), seq: 2, at: -5, last_kept: Some(9) },
        Row::Entry { seq: 1, id: text("x"), at: 4, body: text("one") },
        Row::Entry { seq: 2, id: text("w"), at: 9, body: text("two") },
        Row::Stream { key: text("logs"), seq: 0, at: 0, last_kept: None },
        Row::Announcement {
            position: 8,
            subject: text("log"),
            entry: Some((text("w"), 2, 9)),
            body: text("two"),
        },
        Row::Announcement { position: 9, subject: text("a"), entry: None, body: text("!") },
        Row::End { position: 9, revision: 3, settled: 7 },
    ]
}

fn written(rows: &[Row<Vec<u8>>]) -> (Vec<u8>, StateHash) {
    let mut writer = StateWriter::new(Vec::new()).unwrap();
    rows.iter().for_each(|row| writer.row(row).unwrap());
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<(Rows, StateHash), StateError> {
    let mut reader = StateReader::new(bytes)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.row()? {
        rows.push(row);
    }
    Ok((rows, reader.finish()))
}

#[test]
fn what_is_read_is_what_was_written_with_its_hash() {
    let (bytes, hash) = written(&rows());
    assert_eq!(read(&bytes).unwrap(), (rows(), hash));
    assert_eq!(hash.to_string().parse::<StateHash>().unwrap(), hash);
    let mut hashing = StateWriter::hashing();
    rows().iter().for_each(|row| hashing.row(row).unwrap());
    assert_eq!(hashing.finish().unwrap().1, hash);
}

#[test]
fn a_stream_that_was_cut_or_grew_is_damaged() {
    let (mut bytes, _) = written(&rows());
    for end in 0..bytes.len() {
        assert!(matches!(read(&bytes[..end]), Err(StateError::Damaged(_))), "cut at {end}");
    }
    bytes.push(0);
    assert!(matches!(read(&bytes), Err(StateError::Damaged(_))));
}

#[test]
fn a_changed_byte_is_damage_or_changes_the_hash() {
    let (bytes, hash) = written(&rows());
    for place in 0..bytes.len() {
        let mut other = bytes.clone();
        other[place] ^= 0x80;
        assert!(read(&other).is_ok_and(|(_, found)| found == hash).eq(&false), "byte {place}");
    }
}

#[test]
fn rows_out_of_their_order_are_damage() {
    let all = rows();
    for place in 1..all.len() {
        let mut swapped = all.clone();
        swapped.swap(place - 1, place);
        assert!(read(&written(&swapped).0).is_err(), "rows {} and {place}", place - 1);
    }
    let mut twice = all.clone();
    twice.insert(0, all[0].clone());
    assert!(read(&written(&twice).0).is_err());
}
