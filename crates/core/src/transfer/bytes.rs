//! The bytes of uploads: copied, and told apart.

use super::{Part, TransferError, Value};
use crate::{
    port::{BlobStore, Fault},
    upload::UploadId,
};
use sha2::{Digest, Sha256};

/// The id in an upload's record.
pub(super) fn upload_id(record: &[Value]) -> Option<UploadId> {
    match record.first() {
        Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(UploadId),
        _ => None,
    }
}

/// Copies the bytes of an upload, whatever was there before. An upload that has none stays so.
pub(super) async fn copy(
    source: &dyn BlobStore,
    target: &dyn BlobStore,
    id: UploadId,
) -> Result<(), TransferError> {
    let cannot_read = |source| TransferError::Read { part: Part::Uploads, source };
    let cannot_write = |source| TransferError::Write { part: Part::Uploads, source };
    let Some(mut reader) = source.read(id).await.map_err(cannot_read)? else {
        return Ok(());
    };
    target.delete(id).await.map_err(cannot_write)?;
    let mut writer = target.create().await.map_err(cannot_write)?;
    while let Some(chunk) = reader.read().await.map_err(cannot_read)? {
        writer.write(chunk).await.map_err(cannot_write)?;
    }
    writer.keep(id).await.map_err(cannot_write)
}

/// What the bytes of an upload are known by; `None` when there are none.
pub(super) async fn digest(blobs: &dyn BlobStore, id: UploadId) -> Result<Option<Vec<u8>>, Fault> {
    let Some(mut reader) = blobs.read(id).await? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    while let Some(chunk) = reader.read().await? {
        hash.update(chunk);
    }
    Ok(Some(hash.finalize().to_vec()))
}
