//! The spool, whatever is left of it.

use super::*;
use crate::batch::tests::entry;
use tempfile::TempDir;

fn spool(directory: &TempDir) -> (Spool, Vec<Segment>) {
    Spool::open(&config(directory)).expect("a spool")
}

fn config(directory: &TempDir) -> SpoolConfig {
    SpoolConfig { directory: directory.path().to_owned(), bytes_max: 1 << 20 }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn batch(lines: &[&str]) -> Batch {
    let mut batch = Batch::default();
    lines.iter().for_each(|line| batch.add("{a=\"b\"}", entry(1, line)));
    batch
}

fn lines(segment: &Segment) -> Vec<String> {
    let batch = segment.read().expect("it can be read");
    batch.into_lines().map(|(_, entry)| entry.line).collect()
}

/// A spool with a segment of two records, which was left.
fn left(directory: &TempDir) -> PathBuf {
    let (mut spool, _) = spool(directory);
    let mut open = spool.begin().expect("a segment");
    open.append(&mut batch(&["a", "b"])).expect("there is room");
    open.append(&mut batch(&["c"])).expect("there is room");
    open.segment.path.clone()
}

#[test]
fn what_was_written_is_found_in_order() {
    let directory = directory();
    let (mut first, found) = spool(&directory);
    assert!(found.is_empty());
    for line in ["a", "b"] {
        first.begin().expect("a segment").append(&mut batch(&[line])).expect("there is room");
    }
    drop(first);
    let (mut second, found) = spool(&directory);
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [["a"], ["b"]]);
    // Its own come behind those.
    second.begin().expect("a segment").append(&mut batch(&["c"])).expect("there is room");
    drop(second);
    let (_spool, found) = spool(&directory);
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [["a"], ["b"], ["c"]]);
    found.into_iter().for_each(Segment::delete);
}

#[test]
fn wherever_the_end_was_cut_off_the_rest_is_read() {
    let original = directory();
    let whole = fs::read(left(&original)).expect("it is there");
    let first = batch(&["a", "b"]).encode().len() + HEAD_BYTES;
    for kept in 0..=whole.len() {
        let directory = directory();
        let path = directory.path().join(format!("{:020}.segment", 7));
        fs::write(&path, &whole[..kept]).expect("there is room");
        let (spool, found) = spool(&directory);
        let found: Vec<_> = found.iter().map(lines).collect();
        let expected: &[&[&str]] = match kept {
            kept if kept < first => &[],
            kept if kept < whole.len() => &[&["a", "b"]],
            _ => &[&["a", "b", "c"]],
        };
        assert_eq!(found, expected, "{kept} bytes");
        // What has no line in it is gone.
        assert_eq!((path.exists(), spool.next), (!expected.is_empty(), 8));
    }
}

#[test]
fn a_record_that_was_changed_ends_its_segment() {
    let directory = directory();
    let path = left(&directory);
    let mut bytes = fs::read(&path).expect("it is there");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(&path, bytes).expect("there is room");
    let (_spool, found) = spool(&directory);
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [["a", "b"]]);
}

#[test]
fn a_disk_that_is_full_takes_all_of_a_batch_or_nothing() {
    // The kernel's own disk that is always full.
    let file = File::options().write(true).open("/dev/full").expect("it is there");
    let segment = Segment { path: "full".into(), lines: 0, bytes: 0, span: Span::default() };
    let mut open = OpenSegment { file, segment, plain_bytes: 0 };
    let error = open.append(&mut batch(&["a"])).expect_err("it is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!((open.segment().lines, open.segment().bytes, open.plain_bytes), (0, 0, 0));
}

#[test]
fn two_processes_cannot_have_one_spool() {
    let directory = directory();
    let (_spool, _) = spool(&directory);
    let Err(error) = Spool::open(&config(&directory)) else { panic!("it is in use") };
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let config = SpoolConfig { directory: "/dev/null/spool".into(), bytes_max: 1 };
    let Err(error) = Spool::open(&config) else { panic!("it cannot be there") };
    assert!(error.to_string().starts_with("cannot use the log spool /dev/null/spool: "));
}

#[test]
fn what_is_no_segment_is_left_alone() {
    let directory = directory();
    for name in ["notes.txt", "x.segment", "7.other"] {
        fs::write(directory.path().join(name), "mine").expect("there is room");
    }
    assert!(spool(&directory).1.is_empty());
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 4);
}
