//! An archive that was changed, cut or put together from others is refused.

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn row(kind: RecordKind, at: i64) -> ArchivedRow {
    ArchivedRow {
        kind,
        id: format!("id_{at}"),
        at,
        columns: json!({ "name": "token.issued" }),
    }
}

/// Two events and a receipt.
fn written(key: &SigningKey) -> Vec<String> {
    let head = ArchiveHead {
        version: VERSION,
        issuer: "https://as.example".into(),
        before: NOW.rfc3339(),
        made_at: NOW.rfc3339(),
        previous: None,
    };
    let (mut writer, first) = ArchiveWriter::begin(head).unwrap();
    let mut lines = vec![first];
    for row in [
        row(RecordKind::Event, 1),
        row(RecordKind::Event, 2),
        row(RecordKind::Receipt, 1),
    ] {
        lines.push(writer.row(row).unwrap());
    }
    assert_eq!(writer.rows(), 3);
    lines.push(writer.end(key, NOW).unwrap().0);
    lines
}

fn read(lines: &[String], key: &SigningKey) -> Result<ArchiveEnd, ArchiveFault> {
    let mut reader = ArchiveReader::default();
    for line in lines {
        reader.line(line.trim_end_matches('\n'))?;
    }
    let found = reader.verify(|kid| (kid == key.kid()).then(|| key.public().clone()));
    found.map(|(_, end)| end)
}

#[test]
fn an_archive_reads_back_and_is_signed() {
    let key = SigningKey::generate().unwrap();
    let end = read(&written(&key), &key).unwrap();
    assert_eq!(end.rows, 3);
    let other = SigningKey::generate().unwrap();
    let refused = read(&written(&key), &other).unwrap_err();
    assert!(matches!(refused, ArchiveFault::Signature(_)), "{refused}");
}

#[test]
fn every_change_is_noticed() {
    let key = SigningKey::generate().unwrap();
    let whole = written(&key);
    let without = |place: usize| {
        let mut lines = whole.clone();
        lines.remove(place);
        lines
    };
    let replaced = |place: usize, from: &str, to: &str| {
        let mut lines = whole.clone();
        let changed = lines[place].replace(from, to);
        assert_ne!(changed, lines[place]);
        lines[place] = changed;
        lines
    };
    let changed = [
        without(1),
        without(2),
        without(3),
        replaced(0, "as.example", "other.example"),
        replaced(1, "token.issued", "token.refused"),
        // A change that means nothing is one all the same.
        replaced(2, ":", ": "),
        replaced(4, "\"rows\":3", "\"rows\":2"),
    ];
    for lines in changed {
        assert_eq!(read(&lines, &key), Err(ArchiveFault::Changed), "{lines:?}");
    }
    assert_eq!(read(&without(4), &key), Err(ArchiveFault::NoEnd));
}

#[test]
fn what_stands_out_of_place_is_refused() {
    let key = SigningKey::generate().unwrap();
    let whole = written(&key);
    let ordered = |places: &[usize]| -> Vec<String> {
        places.iter().map(|place| whole[*place].clone()).collect()
    };
    for (places, line) in [
        (&[1, 0, 2, 3, 4][..], 1),
        (&[0, 2, 1, 3, 4], 3),
        (&[0, 3, 1, 2, 4], 3),
        (&[0, 0, 1, 2, 3, 4], 2),
        (&[0, 1, 2, 3, 4, 1], 6),
        (&[0, 1, 2, 3, 4, 4], 6),
        (&[4], 1),
    ] {
        let refused = read(&ordered(places), &key).unwrap_err();
        assert!(
            matches!(refused, ArchiveFault::Line(at, _) if at == line),
            "{places:?}: {refused}"
        );
    }
    let refused = read(&["no JSON".to_owned()], &key).unwrap_err();
    assert!(matches!(refused, ArchiveFault::Line(1, _)), "{refused}");
}
