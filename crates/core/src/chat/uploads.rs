//! Uploads: taking a file piece by piece, and giving it to members of its room.

use super::{AccessError, Chat, Limited};
use crate::{
    labels::UploadResult,
    limits::Limits,
    metrics::UploadMetrics,
    name::{RoomName, UserName},
    port::{BlobReader, BlobWriter, Clock, Fault, Limiter, LimiterContext, PutUploadError},
    time::Moment,
    upload::{FileName, HEAD_BYTES, MediaType, Upload, UploadId},
};
use bytes::Bytes;
use std::sync::Arc;

/// Uploads of deleted rooms that are cleared away at once.
const CLEARED_AT_ONCE: usize = 100;

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The asker may not put anything there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// It is too long.
    #[error("an upload has at most {max} bytes")]
    TooLarge {
        /// What it may have.
        max: u64,
    },
    /// The asker would hold too much.
    #[error("one's uploads hold at most {max} bytes")]
    Quota {
        /// What they may hold.
        max: u64,
    },
    /// It is of a kind that is not taken.
    #[error(
        "this kind of file is not taken: images, sound, films, PDF, archives and plain text are"
    )]
    Kind,
    /// Too many uploads.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// A store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An upload that is arriving. Dropped before its end, it leaves nothing behind.
pub struct Arrival {
    room: RoomName,
    by: UserName,
    writer: Box<dyn BlobWriter>,
    /// The first bytes, by which the kind is told; at most [`HEAD_BYTES`].
    head: Vec<u8>,
    media_type: Option<MediaType>,
    bytes: u64,
    bytes_max: u64,
    /// What this user's quota leaves, with the quota.
    left: (u64, u64),
    meter: Meter,
}

/// Counts an upload once, however it ends.
struct Meter {
    metrics: UploadMetrics,
    clock: Arc<dyn Clock>,
    started: Moment,
    is_over: bool,
}

impl Chat {
    /// Begins an upload into a room that `by` is a member of. `announced` is how much the client
    /// says will come at most: what is too long is refused before it is read.
    pub async fn begin_upload(
        &self,
        by: &UserName,
        room: &RoomName,
        announced: Option<u64>,
    ) -> Result<Arrival, UploadError> {
        self.entered(by, room).await?;
        let limited = (Limiter::Upload, LimiterContext::User);
        self.pass(limited, by.as_str(), |rates| rates.uploads_per_user).await?;
        let mut meter = Meter::begin(self);
        let begun = self.prepare(by, announced).await;
        let (writer, left) = begun.inspect_err(|error| meter.refused(error))?;
        Ok(Arrival {
            room: room.clone(),
            by: by.clone(),
            writer,
            head: Vec::new(),
            media_type: None,
            bytes: 0,
            bytes_max: self.limits().upload_bytes_max,
            left,
            meter,
        })
    }

    /// Keeps what has arrived. To be run to its end: given up half-way it may leave a blob that
    /// nobody can find.
    pub async fn finish_upload(
        &self,
        arrival: Arrival,
        id: UploadId,
        name: FileName,
    ) -> Result<Upload, UploadError> {
        let Arrival { room, by, writer, head, media_type, bytes, mut meter, .. } = arrival;
        let kept = async {
            let sniffed = media_type.or_else(|| MediaType::sniff(&head));
            let media_type = sniffed.ok_or(UploadError::Kind)?;
            let at = self.clock().now();
            let upload = Upload { id, room, by, name, media_type, bytes, at };
            writer.keep(id).await?;
            let quota = self.limits().upload_quota_bytes_max;
            if let Err(error) = self.ports.uploads.put(upload.clone(), quota).await {
                self.ports.blobs.delete(id).await?;
                return Err(UploadError::of(error, quota));
            }
            Ok(upload)
        };
        match kept.await {
            Ok(upload) => {
                meter.stored(upload.bytes);
                Ok(upload)
            }
            Err(error) => {
                meter.refused(&error);
                Err(error)
            }
        }
    }

    /// An upload and its bytes, for members of its room; for everybody else there is none.
    pub async fn open_upload(
        &self,
        viewer: &UserName,
        id: UploadId,
    ) -> Result<Option<(Upload, Box<dyn BlobReader>)>, Fault> {
        let Some(upload) = self.ports.uploads.find(id).await? else {
            return Ok(None);
        };
        if self.role(viewer, &upload.room).await?.is_none() {
            return Ok(None);
        }
        let reader = self.ports.blobs.read(id).await?;
        Ok(reader.map(|reader| (upload, reader)))
    }

    /// Clears away uploads whose room is gone, and counts what is left.
    pub async fn clear_uploads(&self) -> Result<(), Fault> {
        loop {
            let orphans = self.ports.uploads.orphans(CLEARED_AT_ONCE).await?;
            for id in &orphans {
                self.ports.blobs.delete(*id).await?;
            }
            self.ports.uploads.forget(&orphans).await?;
            if orphans.len() < CLEARED_AT_ONCE {
                break;
            }
        }
        let held = self.ports.uploads.held().await?;
        self.metrics().uploads.stored.set(held);
        Ok(())
    }

    async fn prepare(
        &self,
        by: &UserName,
        announced: Option<u64>,
    ) -> Result<(Box<dyn BlobWriter>, (u64, u64)), UploadError> {
        let Limits { upload_bytes_max: max, upload_quota_bytes_max: quota, .. } = *self.limits();
        if announced.is_some_and(|bytes| bytes > max) {
            return Err(UploadError::TooLarge { max });
        }
        let left = quota.saturating_sub(self.ports.uploads.held_by(by).await?);
        if left == 0 {
            return Err(UploadError::Quota { max: quota });
        }
        Ok((self.ports.blobs.create().await?, (left, quota)))
    }
}

impl Arrival {
    /// Takes the next bytes. After an error the upload is over.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), UploadError> {
        let written = self.take(chunk).await;
        written.inspect_err(|error| self.meter.refused(error))
    }

    async fn take(&mut self, chunk: Bytes) -> Result<(), UploadError> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        if self.bytes > self.bytes_max {
            return Err(UploadError::TooLarge { max: self.bytes_max });
        }
        let (left, quota) = self.left;
        if self.bytes > left {
            return Err(UploadError::Quota { max: quota });
        }
        if self.media_type.is_none() {
            let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
            self.head.extend_from_slice(&chunk[..wanted]);
            if self.head.len() == HEAD_BYTES {
                let sniffed = MediaType::sniff(&self.head);
                self.media_type = Some(sniffed.ok_or(UploadError::Kind)?);
            }
        }
        Ok(self.writer.write(chunk).await?)
    }
}

impl UploadError {
    fn of(error: PutUploadError, quota: u64) -> Self {
        match error {
            PutUploadError::UnknownRoom => AccessError::UnknownRoom.into(),
            PutUploadError::NotMember => AccessError::NotMember.into(),
            PutUploadError::Quota => Self::Quota { max: quota },
            PutUploadError::Fault(fault) => fault.into(),
        }
    }
}

impl From<&UploadError> for UploadResult {
    fn from(error: &UploadError) -> Self {
        match error {
            UploadError::TooLarge { .. } => Self::TooLarge,
            UploadError::Quota { .. } => Self::Quota,
            UploadError::Kind => Self::Kind,
            UploadError::Fault(_) => Self::Storage,
            // The room went away, or the asker from it, while it arrived.
            UploadError::Access(_) | UploadError::Limited(_) => Self::Aborted,
        }
    }
}

impl Meter {
    fn begin(chat: &Chat) -> Self {
        Self {
            metrics: chat.metrics().uploads.clone(),
            clock: chat.ports.clock.clone(),
            started: chat.clock().moment(),
            is_over: false,
        }
    }

    fn stored(&mut self, bytes: u64) {
        self.end(UploadResult::Ok);
        self.metrics.received.add(bytes);
        self.metrics.size.observe(bytes);
        self.metrics.stored.add(bytes);
    }

    fn refused(&mut self, error: &UploadError) {
        self.end(error.into());
    }

    fn end(&mut self, result: UploadResult) {
        if !self.is_over {
            self.is_over = true;
            self.metrics.uploads.increment(result);
            self.metrics.duration.observe(self.clock.moment().since(self.started));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.end(UploadResult::Aborted);
    }
}
