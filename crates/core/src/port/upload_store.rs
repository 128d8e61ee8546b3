//! Uploads: which there are, whose they are, and how much they hold.

use super::Fault;
use crate::{
    name::UserName,
    upload::{Upload, UploadId},
};
use async_trait::async_trait;

/// Keeps what is known of uploads. Each call is atomic and durable.
///
/// Uploads go with their room: once it is deleted nobody finds them, not even in a later room of
/// the same name. They count for their owner until they are forgotten.
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Adds an upload, unless its user would then hold more than `quota_bytes`; of many at once
    /// none goes beyond it. Membership is checked first, and in the same transaction.
    async fn put(&self, upload: Upload, quota_bytes: u64) -> Result<(), PutUploadError>;

    /// The upload of this id, if there is one and its room is still there.
    async fn find(&self, id: UploadId) -> Result<Option<Upload>, Fault>;

    /// How many bytes a user's uploads hold.
    async fn held_by(&self, user: &UserName) -> Result<u64, Fault>;

    /// How many bytes all uploads hold.
    async fn held(&self) -> Result<u64, Fault>;

    /// Uploads whose room is gone, at most `limit`.
    async fn orphans(&self, limit: usize) -> Result<Vec<UploadId>, Fault>;

    /// Forgets these uploads. Unknown ones are passed over.
    async fn forget(&self, ids: &[UploadId]) -> Result<(), Fault>;
}

/// Why an upload was not added.
#[derive(Debug, thiserror::Error)]
pub enum PutUploadError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// The user is no member of the room.
    #[error("the user is no member of the room")]
    NotMember,
    /// The user would hold too much.
    #[error("the user's uploads would hold too much")]
    Quota,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
