//! The upload store and the blobs, measured. A blob is one `put` when it is kept; writing its
//! pieces is counted only where it fails.

use super::{Gauge, Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{BlobReader, BlobStore, BlobWriter, Fault, PutUploadError, UploadStore},
    upload::{Upload, UploadId},
};
use async_trait::async_trait;
use bytes::Bytes;

#[async_trait]
impl UploadStore for Instrumented<dyn UploadStore> {
    async fn put(&self, upload: Upload, quota_bytes: u64) -> Result<(), PutUploadError> {
        self.gauge.count(StoreCall::UploadsPut, self.inner.put(upload, quota_bytes)).await
    }

    async fn find(&self, id: UploadId) -> Result<Option<Upload>, Fault> {
        self.gauge.count(StoreCall::UploadsGet, self.inner.find(id)).await
    }

    async fn held_by(&self, user: &UserName) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::UploadsQuery, self.inner.held_by(user)).await
    }

    async fn held(&self) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::UploadsScan, self.inner.held()).await
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<UploadId>, Fault> {
        self.gauge.count(StoreCall::UploadsScan, self.inner.orphans(limit)).await
    }

    async fn forget(&self, ids: &[UploadId]) -> Result<(), Fault> {
        self.gauge.count(StoreCall::UploadsDelete, self.inner.forget(ids)).await
    }
}

#[async_trait]
impl BlobStore for Instrumented<dyn BlobStore> {
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault> {
        let created = self.inner.create().await;
        let inner = created.inspect_err(|fault| self.gauge.failed(StoreCall::UploadsPut, fault))?;
        Ok(Box::new(InstrumentedWriter { inner, gauge: self.gauge.clone() }))
    }

    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault> {
        self.gauge.count(StoreCall::UploadsGet, self.inner.read(id)).await
    }

    async fn delete(&self, id: UploadId) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::UploadsDelete, self.inner.delete(id)).await
    }
}

struct InstrumentedWriter {
    inner: Box<dyn BlobWriter>,
    gauge: Gauge,
}

#[async_trait]
impl BlobWriter for InstrumentedWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        let written = self.inner.write(chunk).await;
        written.inspect_err(|fault| self.gauge.failed(StoreCall::UploadsPut, fault))
    }

    async fn keep(self: Box<Self>, id: UploadId) -> Result<(), Fault> {
        self.gauge.count(StoreCall::UploadsPut, self.inner.keep(id)).await
    }
}
