//! What is known of uploads.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, limit_number, senseless},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PutUploadError, UploadStore},
    upload::{FileName, MediaType, Upload, UploadId},
};
use sqlx::{Error, PgConnection, query, query_as, query_scalar};

#[async_trait]
impl UploadStore for PostgresStore {
    async fn put(&self, upload: Upload, quota_bytes: u64) -> Result<(), PutUploadError> {
        self.worker().change(Put { upload, quota_bytes }).await?
    }

    async fn find(&self, id: UploadId) -> Result<Option<Upload>, Fault> {
        self.worker().read(Find(id)).await
    }

    async fn held_by(&self, user: &UserName) -> Result<u64, Fault> {
        self.worker().read(Held(Some(user))).await
    }

    async fn held(&self) -> Result<u64, Fault> {
        self.worker().read(Held(None)).await
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<UploadId>, Fault> {
        self.worker().read(Orphans(limit)).await
    }

    async fn forget(&self, ids: &[UploadId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        self.worker().change(Forget(ids)).await
    }
}

struct Put {
    upload: Upload,
    quota_bytes: u64,
}

#[async_trait]
impl Work for Put {
    type Answer = Result<(), PutUploadError>;
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { upload, quota_bytes } = self;
        let found: Option<(i64, bool)> = query_as(
            "SELECT r.id, EXISTS (SELECT 1 FROM members m \
             WHERE m.room_id = r.id AND m.account = $2) \
             FROM rooms r WHERE r.name = $1 FOR SHARE OF r",
        )
        .bind(upload.room.as_str())
        .bind(upload.by.as_str())
        .fetch_optional(&mut *connection)
        .await?;
        let room_id = match found {
            Some((room_id, true)) => room_id,
            Some((_, false)) => return Ok(Err(PutUploadError::NotMember)),
            None => return Ok(Err(PutUploadError::UnknownRoom)),
        };
        // Of many uploads of one user each knows what the others hold.
        query("SELECT 1 FROM accounts WHERE name = $1 FOR NO KEY UPDATE")
            .bind(upload.by.as_str())
            .execute(&mut *connection)
            .await?;
        let held = Held(Some(&upload.by)).run(connection).await?;
        if held.saturating_add(upload.bytes) > *quota_bytes {
            return Ok(Err(PutUploadError::Quota));
        }
        query(
            "INSERT INTO uploads (id, room_id, account, name, media_type, bytes, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(upload.id.0.as_slice())
        .bind(room_id)
        .bind(upload.by.as_str())
        .bind(upload.name.as_str().as_bytes())
        .bind(upload.media_type.as_str())
        .bind(i64::try_from(upload.bytes).map_err(senseless)?)
        .bind(upload.at.0)
        .execute(connection)
        .await?;
        Ok(Ok(()))
    }
}

struct Find(UploadId);

#[async_trait]
impl Work for Find {
    type Answer = Option<Upload>;
    const STATEMENT: Statement = Statement::UploadGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT r.name, u.account, u.name, u.media_type, u.bytes, u.at \
             FROM uploads u JOIN rooms r ON r.id = u.room_id WHERE u.id = $1",
        )
        .bind(self.0.0.as_slice())
        .fetch_optional(connection)
        .await?;
        let upload = found.map(|row| {
            let mut columns = Columns::of(&row);
            Ok(Upload {
                id: self.0,
                room: columns.room_name()?,
                by: columns.user()?,
                name: FileName::tidy(columns.text()?),
                media_type: MediaType::parse(columns.take()?)
                    .ok_or_else(|| senseless("no kind of file has this name"))?,
                bytes: columns.count()?,
                at: columns.time()?,
            })
        });
        upload.transpose()
    }
}

/// How much a user holds, or all of them.
struct Held<'a>(Option<&'a UserName>);

#[async_trait]
impl Work for Held<'_> {
    type Answer = u64;
    const STATEMENT: Statement = Statement::UploadGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        let held: i64 = match self.0 {
            Some(user) => query_scalar(
                "SELECT coalesce(sum(bytes), 0)::bigint FROM uploads WHERE account = $1",
            )
            .bind(user.as_str()),
            None => query_scalar("SELECT coalesce(sum(bytes), 0)::bigint FROM uploads"),
        }
        .fetch_one(connection)
        .await?;
        Ok(held.unsigned_abs())
    }
}

struct Orphans(usize);

#[async_trait]
impl Work for Orphans {
    type Answer = Vec<UploadId>;
    const STATEMENT: Statement = Statement::UploadGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found: Vec<Vec<u8>> = query_scalar(
            "SELECT u.id FROM uploads u \
             WHERE NOT EXISTS (SELECT 1 FROM rooms r WHERE r.id = u.room_id) LIMIT $1",
        )
        .bind(limit_number(self.0))
        .fetch_all(connection)
        .await?;
        let id = |bytes: Vec<u8>| bytes.try_into().map(UploadId);
        let ids = found.into_iter().map(id).collect::<Result<_, _>>();
        ids.map_err(|_| senseless("an upload's id has 16 bytes"))
    }
}

struct Forget<'a>(&'a [UploadId]);

#[async_trait]
impl Work for Forget<'_> {
    type Answer = ();
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let ids: Vec<&[u8]> = self.0.iter().map(|id| id.0.as_slice()).collect();
        query("DELETE FROM uploads WHERE id = ANY ($1)").bind(ids).execute(connection).await?;
        Ok(())
    }
}
