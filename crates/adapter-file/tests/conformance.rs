//! The adapter keeps every promise of its port, and leaves nothing lying about.

use bytes::Bytes;
use campanile_adapter_file::FileBlobs;
use campanile_conformance as conformance;
use campanile_core::{port::BlobStore, upload::UploadId};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const ID: UploadId = UploadId([0xab; 16]);

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("plain text");
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = AtomicUsize::new(0);
    conformance::blob_store(async || {
        let number = made.fetch_add(1, Ordering::Relaxed).to_string();
        let blobs = FileBlobs::open(&directory.path().join(number)).expect("it can be made");
        Arc::new(blobs) as Arc<dyn BlobStore>
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_leaves_no_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = FileBlobs::open(directory.path()).expect("it can be made");
    let mut writer = blobs.create().await.expect("it can be written");
    writer.write(Bytes::from_static(b"half of it")).await.expect("written");
    assert_eq!(names(directory.path()).len(), 1);
    drop(writer);
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_being_written_when_the_process_ended_is_cleared_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = FileBlobs::open(directory.path()).expect("it can be made");
    let mut writer = blobs.create().await.expect("it can be written");
    writer.write(Bytes::from_static(b"whole")).await.expect("written");
    writer.keep(ID).await.expect("kept");
    std::mem::forget(blobs.create().await.expect("it can be written"));
    assert_eq!(names(directory.path()).len(), 2);
    let blobs = FileBlobs::open(directory.path()).expect("it is there");
    assert_eq!(names(directory.path()), [ID.to_string()]);
    assert!(blobs.read(ID).await.expect("no fault").is_some());
}

#[tokio::test]
async fn nobody_else_may_look() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("uploads");
    let blobs = FileBlobs::open(&place).expect("it can be made");
    let writer = blobs.create().await.expect("it can be written");
    writer.keep(ID).await.expect("kept");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    assert_eq!(mode(&place.join(ID.to_string())), 0o600);
}

#[test]
fn a_place_that_cannot_be_one_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = FileBlobs::open(&file.path().join("uploads")).expect_err("refused").to_string();
    assert!(error.contains("uploads"), "{error}");
}
