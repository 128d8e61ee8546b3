//! The bytes of uploads, in parts: with many nodes an upload is read on each.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::Columns,
    work::{Work, Worker},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use campanile_core::{
    port::{BlobReader, BlobStore, BlobWriter, Fault},
    upload::UploadId,
};
use sqlx::{Error, PgConnection, query, query_scalar};

/// Bytes of one part, but for the last.
const PART_BYTES: usize = 256 * 1024;

/// What is being written, before it has a name.
type Draft = [u8; 16];

/// The bytes of uploads alone, without the rest of the store.
#[derive(Clone, Debug)]
pub struct PostgresBlobs {
    worker: Worker,
}

impl PostgresBlobs {
    pub(crate) fn new(worker: Worker) -> Self {
        Self { worker }
    }
}

#[async_trait]
impl BlobStore for PostgresStore {
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault> {
        self.blobs().create().await
    }

    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault> {
        self.blobs().read(id).await
    }

    async fn delete(&self, id: UploadId) -> Result<bool, Fault> {
        self.blobs().delete(id).await
    }
}

#[async_trait]
impl BlobStore for PostgresBlobs {
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault> {
        let (worker, draft) = (self.worker.clone(), rand::random());
        let buffer = BytesMut::new();
        Ok(Box::new(Writer { worker, draft, parts: 0, buffer, is_over: false }))
    }

    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault> {
        let Some(draft) = self.worker.read(Find(id)).await? else {
            return Ok(None);
        };
        let worker = self.worker.clone();
        Ok(Some(Box::new(Reader { worker, part: Part { draft, number: 0 } })))
    }

    async fn delete(&self, id: UploadId) -> Result<bool, Fault> {
        self.worker.change(Delete(id)).await
    }
}

struct Writer {
    worker: Worker,
    draft: Draft,
    parts: i32,
    buffer: BytesMut,
    is_over: bool,
}

impl Writer {
    async fn write_part(&mut self, bytes: Bytes) -> Result<(), Fault> {
        let put = PutPart { draft: self.draft, number: self.parts, bytes };
        self.worker.change(put).await?;
        self.parts += 1;
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.buffer.extend_from_slice(&chunk);
        while self.buffer.len() >= PART_BYTES {
            let part = self.buffer.split_to(PART_BYTES).freeze();
            self.write_part(part).await?;
        }
        Ok(())
    }

    async fn keep(mut self: Box<Self>, id: UploadId) -> Result<(), Fault> {
        if !self.buffer.is_empty() {
            let rest = self.buffer.split().freeze();
            self.write_part(rest).await?;
        }
        self.worker.change(Keep { draft: self.draft, id }).await?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.is_over || self.parts == 0 {
            return;
        }
        // Where this does not come about, upkeep does it a day later.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (worker, draft) = (self.worker.clone(), self.draft);
            runtime.spawn(async move {
                let _counted = worker.change(GiveUp(draft)).await;
            });
        }
    }
}

struct Reader {
    worker: Worker,
    part: Part,
}

#[async_trait]
impl BlobReader for Reader {
    async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        let read = self.worker.read(self.part).await?;
        self.part.number += 1;
        Ok(read)
    }
}

struct PutPart {
    draft: Draft,
    number: i32,
    bytes: Bytes,
}

#[async_trait]
impl Work for PutPart {
    type Answer = ();
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        query("INSERT INTO blob_parts (draft, part, bytes) VALUES ($1, $2, $3)")
            .bind(self.draft.as_slice())
            .bind(self.number)
            .bind(&self.bytes[..])
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct Keep {
    draft: Draft,
    id: UploadId,
}

#[async_trait]
impl Work for Keep {
    type Answer = ();
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        query("INSERT INTO blobs (id, draft) VALUES ($1, $2)")
            .bind(self.id.0.as_slice())
            .bind(self.draft.as_slice())
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct GiveUp(Draft);

#[async_trait]
impl Work for GiveUp {
    type Answer = ();
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        query(
            "DELETE FROM blob_parts WHERE draft = $1 \
             AND NOT EXISTS (SELECT 1 FROM blobs WHERE draft = $1)",
        )
        .bind(self.0.as_slice())
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Find(UploadId);

#[async_trait]
impl Work for Find {
    type Answer = Option<Draft>;
    const STATEMENT: Statement = Statement::UploadGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found: Option<Vec<u8>> = query_scalar("SELECT draft FROM blobs WHERE id = $1")
            .bind(self.0.0.as_slice())
            .fetch_optional(connection)
            .await?;
        Ok(found.and_then(|draft| draft.try_into().ok()))
    }
}

#[derive(Clone, Copy)]
struct Part {
    draft: Draft,
    number: i32,
}

#[async_trait]
impl Work for Part {
    type Answer = Option<Bytes>;
    const STATEMENT: Statement = Statement::UploadGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query("SELECT bytes FROM blob_parts WHERE draft = $1 AND part = $2")
            .bind(self.draft.as_slice())
            .bind(self.number)
            .fetch_optional(connection)
            .await?;
        let bytes = found.map(|row| Columns::of(&row).take::<Vec<u8>>());
        Ok(bytes.transpose()?.map(Bytes::from))
    }
}

struct Delete(UploadId);

#[async_trait]
impl Work for Delete {
    type Answer = bool;
    const STATEMENT: Statement = Statement::UploadPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let deleted = query(
            "WITH gone AS (DELETE FROM blobs WHERE id = $1 RETURNING draft), \
             parts AS (DELETE FROM blob_parts WHERE draft IN (SELECT draft FROM gone)) \
             SELECT 1 FROM gone",
        )
        .bind(self.0.0.as_slice())
        .fetch_optional(connection)
        .await?;
        Ok(deleted.is_some())
    }
}
