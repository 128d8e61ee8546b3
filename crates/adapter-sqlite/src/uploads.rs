//! What is known of uploads.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{Columns, limit_number, senseless},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PutUploadError, UploadStore},
    upload::{FileName, MediaType, Upload, UploadId},
};
use sqlx::{Error, SqliteConnection, query, query_as, query_scalar, sqlite::SqliteRow};

#[async_trait]
impl UploadStore for SqliteStore {
    async fn put(&self, upload: Upload, quota_bytes: u64) -> Result<(), PutUploadError> {
        self.writer().change(Put { upload, quota_bytes }).await?
    }

    async fn find(&self, id: UploadId) -> Result<Option<Upload>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT r.name, u.user, u.name, u.media_type, u.bytes, u.at \
             FROM uploads u JOIN rooms r ON r.id = u.room_id WHERE u.id = ?1",
        )
        .bind(id.0.to_vec())
        .fetch_optional(&mut *reader)
        .await
        .map_err(fault)?;
        let upload = found.as_ref().map(|row| upload(row, id));
        upload.transpose().map_err(fault)
    }

    async fn held_by(&self, user: &UserName) -> Result<u64, Fault> {
        let mut reader = self.reader().await?;
        held_by(&mut reader, user).await.map_err(fault)
    }

    async fn held(&self) -> Result<u64, Fault> {
        let mut reader = self.reader().await?;
        let held: i64 = query_scalar("SELECT coalesce(sum(bytes), 0) FROM uploads")
            .fetch_one(&mut *reader)
            .await
            .map_err(fault)?;
        Ok(held.unsigned_abs())
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<UploadId>, Fault> {
        let mut reader = self.reader().await?;
        let found: Vec<Vec<u8>> = query_scalar(
            "SELECT id FROM uploads WHERE room_id NOT IN (SELECT id FROM rooms) LIMIT ?1",
        )
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        let id = |bytes: Vec<u8>| match bytes.try_into() {
            Ok(bytes) => Ok(UploadId(bytes)),
            Err(_) => Err(fault(senseless("an upload's id has 16 bytes"))),
        };
        found.into_iter().map(id).collect()
    }

    async fn forget(&self, ids: &[UploadId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        self.writer().change(Forget(ids.to_vec())).await
    }
}

struct Put {
    upload: Upload,
    quota_bytes: u64,
}

#[async_trait]
impl Change for Put {
    type Answer = Result<(), PutUploadError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { upload, quota_bytes } = self;
        let found: Option<(i64, bool)> = query_as(
            "SELECT r.id, m.user IS NOT NULL FROM rooms r \
             LEFT JOIN members m ON m.room_id = r.id AND m.user = ?2 WHERE r.name = ?1",
        )
        .bind(upload.room.as_str().to_owned())
        .bind(upload.by.as_str().to_owned())
        .fetch_optional(ledger.connection())
        .await?;
        let room_id = match found {
            Some((room_id, true)) => room_id,
            Some((_, false)) => return Ok(Err(PutUploadError::NotMember)),
            None => return Ok(Err(PutUploadError::UnknownRoom)),
        };
        let held = held_by(ledger.connection(), &upload.by).await?;
        if held.saturating_add(upload.bytes) > *quota_bytes {
            return Ok(Err(PutUploadError::Quota));
        }
        query(
            "INSERT INTO uploads (id, room_id, user, name, media_type, bytes, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(upload.id.0.to_vec())
        .bind(room_id)
        .bind(upload.by.as_str().to_owned())
        .bind(upload.name.as_str().to_owned())
        .bind(upload.media_type.as_str())
        .bind(i64::try_from(upload.bytes).map_err(senseless)?)
        .bind(upload.at.0)
        .execute(ledger.connection())
        .await?;
        Ok(Ok(()))
    }
}

struct Forget(Vec<UploadId>);

#[async_trait]
impl Change for Forget {
    type Answer = ();

    async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
        for id in &self.0 {
            query("DELETE FROM uploads WHERE id = ?1")
                .bind(id.0.to_vec())
                .execute(ledger.connection())
                .await?;
        }
        Ok(())
    }
}

async fn held_by(connection: &mut SqliteConnection, user: &UserName) -> Result<u64, Error> {
    let held: i64 = query_scalar("SELECT coalesce(sum(bytes), 0) FROM uploads WHERE user = ?1")
        .bind(user.as_str().to_owned())
        .fetch_one(connection)
        .await?;
    Ok(held.unsigned_abs())
}

fn upload(row: &SqliteRow, id: UploadId) -> Result<Upload, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Upload {
        id,
        room: columns.room_name()?,
        by: columns.user()?,
        name: FileName::tidy(columns.take()?),
        media_type: MediaType::parse(columns.take()?)
            .ok_or_else(|| senseless("no kind of file has this name"))?,
        bytes: columns.take::<i64>()?.unsigned_abs(),
        at: columns.time()?,
    })
}
