//! Blobs in memory, for tests.

use crate::lock;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use campanile_core::{
    port::{BlobReader, BlobStore, BlobWriter, Fault},
    upload::UploadId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Keeps blobs in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs {
    blobs: Arc<Mutex<HashMap<UploadId, Bytes>>>,
}

struct Writer {
    blobs: MemoryBlobs,
    written: BytesMut,
}

struct Reader(Option<Bytes>);

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault> {
        Ok(Box::new(Writer { blobs: self.clone(), written: BytesMut::new() }))
    }

    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault> {
        let found = lock(&self.blobs).get(&id).cloned();
        Ok(found.map(|bytes| Box::new(Reader(Some(bytes))) as Box<dyn BlobReader>))
    }

    async fn delete(&self, id: UploadId) -> Result<bool, Fault> {
        Ok(lock(&self.blobs).remove(&id).is_some())
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.written.extend_from_slice(&chunk);
        Ok(())
    }

    async fn keep(self: Box<Self>, id: UploadId) -> Result<(), Fault> {
        lock(&self.blobs.blobs).insert(id, self.written.freeze());
        Ok(())
    }
}

#[async_trait]
impl BlobReader for Reader {
    async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        Ok(self.0.take().filter(|bytes| !bytes.is_empty()))
    }
}
