//! The promises of [`BlobStore`](campanile_core::port::BlobStore).

use bytes::Bytes;
use campanile_core::{port::BlobStore, upload::UploadId};
use std::sync::Arc;

const ONE: UploadId = UploadId([1; 16]);
const OTHER: UploadId = UploadId([0xfe; 16]);

/// Proves a blob store.
pub async fn blob_store(make: impl AsyncFn() -> Arc<dyn BlobStore>) {
    what_was_kept_is_read(&*make().await).await;
    an_empty_blob_is_one(&*make().await).await;
    what_was_not_kept_is_not_there(&*make().await).await;
    a_deleted_blob_is_gone(&*make().await).await;
    many_are_written_at_once(&*make().await).await;
}

async fn write(blobs: &dyn BlobStore, id: UploadId, chunks: &[Bytes]) {
    let mut writer = blobs.create().await.unwrap();
    for chunk in chunks {
        writer.write(chunk.clone()).await.unwrap();
    }
    writer.keep(id).await.unwrap();
}

async fn read(blobs: &dyn BlobStore, id: UploadId) -> Option<Vec<u8>> {
    let mut reader = blobs.read(id).await.unwrap()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.read().await.unwrap() {
        assert!(!chunk.is_empty(), "there is something in every piece");
        bytes.extend_from_slice(&chunk);
    }
    Some(bytes)
}

async fn what_was_kept_is_read(blobs: &dyn BlobStore) {
    let chunks: Vec<Bytes> = (0..40_u8).map(|byte| vec![byte; 10_000].into()).collect();
    write(blobs, ONE, &chunks).await;
    let expected = chunks.concat();
    assert_eq!(read(blobs, ONE).await, Some(expected.clone()));
    assert_eq!(read(blobs, ONE).await, Some(expected), "again, from the start");
    assert_eq!(read(blobs, OTHER).await, None);
}

async fn an_empty_blob_is_one(blobs: &dyn BlobStore) {
    write(blobs, ONE, &[]).await;
    assert_eq!(read(blobs, ONE).await, Some(Vec::new()));
}

async fn what_was_not_kept_is_not_there(blobs: &dyn BlobStore) {
    let mut writer = blobs.create().await.unwrap();
    writer.write(Bytes::from_static(b"half")).await.unwrap();
    assert_eq!(read(blobs, ONE).await, None, "it is being written");
    drop(writer);
    assert_eq!(read(blobs, ONE).await, None, "it was given up");
    assert!(!blobs.delete(ONE).await.unwrap());
}

async fn a_deleted_blob_is_gone(blobs: &dyn BlobStore) {
    write(blobs, ONE, &[Bytes::from_static(b"one")]).await;
    write(blobs, OTHER, &[Bytes::from_static(b"other")]).await;
    assert!(blobs.delete(ONE).await.unwrap(), "there was one");
    assert!(!blobs.delete(ONE).await.unwrap(), "there was none");
    assert_eq!(read(blobs, ONE).await, None);
    assert_eq!(read(blobs, OTHER).await, Some(b"other".to_vec()));
}

async fn many_are_written_at_once(blobs: &dyn BlobStore) {
    let mut writers = Vec::new();
    for number in 0..8_u8 {
        let mut writer = blobs.create().await.unwrap();
        writer.write(vec![number; 100].into()).await.unwrap();
        writers.push(writer);
    }
    for (number, mut writer) in (0..8_u8).zip(writers) {
        writer.write(vec![number; 100].into()).await.unwrap();
        writer.keep(UploadId([number; 16])).await.unwrap();
    }
    for number in 0..8_u8 {
        assert_eq!(read(blobs, UploadId([number; 16])).await, Some(vec![number; 200]));
    }
}
