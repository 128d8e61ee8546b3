//! Blobs: the bytes of uploads.

use super::Fault;
use crate::upload::UploadId;
use async_trait::async_trait;
use bytes::Bytes;

/// Keeps bytes under an id. Nothing is held in memory whole.
///
/// A blob is there whole or not at all: it is written apart, and appears only when it is kept.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins a blob. Whoever drops the writer before [`BlobWriter::keep`] leaves nothing behind.
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault>;

    /// Reads the blob of this id from its start, if there is one.
    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault>;

    /// Deletes the blob of this id; whether there was one. Whoever is reading it may fail.
    async fn delete(&self, id: UploadId) -> Result<bool, Fault>;
}

/// A blob that is being written.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes at the end.
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault>;

    /// Makes it the blob of this id. When this answers, the blob survives the end of the process
    /// and of the machine, as far as the adapter promises to survive anything. An error leaves
    /// nothing behind.
    async fn keep(self: Box<Self>, id: UploadId) -> Result<(), Fault>;
}

/// A blob that is being read.
#[async_trait]
pub trait BlobReader: Send {
    /// The next bytes; `None` at the end.
    async fn read(&mut self) -> Result<Option<Bytes>, Fault>;
}
