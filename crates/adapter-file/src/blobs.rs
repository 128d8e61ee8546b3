//! Blobs as files: the directory, writing, reading.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use campanile_core::{
    port::{BlobReader, BlobStore, BlobWriter, Fault, FaultKind},
    upload::UploadId,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt},
};

/// What the name of a blob ends in as long as it is being written.
const UNFINISHED: &str = ".part";

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Blobs as files in one directory, which nobody else writes to.
#[derive(Clone, Debug)]
pub struct FileBlobs {
    directory: Arc<Path>,
}

/// Why the directory cannot hold blobs.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep uploads in {}: {source}", path.display())]
pub struct OpenError {
    /// The directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl FileBlobs {
    /// Blobs in this directory. It is made, for its owner only, when it is not there, and what was
    /// not finished is cleared away.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let prepared = make(directory).and_then(|()| clear(directory));
        match prepared {
            Ok(()) => Ok(Self { directory: directory.into() }),
            Err(source) => Err(OpenError { path: directory.to_owned(), source }),
        }
    }

    /// Blobs in this directory, to read them beside a server that has it open. It need not be
    /// there, and nothing in it is touched.
    pub fn open_beside(directory: &Path) -> Self {
        Self { directory: directory.into() }
    }

    fn path(&self, id: UploadId) -> PathBuf {
        self.directory.join(id.to_string())
    }
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn create(&self) -> Result<Box<dyn BlobWriter>, Fault> {
        let name = format!("{:032x}{UNFINISHED}", rand::random::<u128>());
        let unfinished = Unfinished(Some(self.directory.join(name)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(unfinished.path()).await.map_err(fault)?;
        Ok(Box::new(Writer { blobs: self.clone(), file, unfinished }))
    }

    async fn read(&self, id: UploadId) -> Result<Option<Box<dyn BlobReader>>, Fault> {
        match File::open(self.path(id)).await {
            Ok(file) => Ok(Some(Box::new(Reader(file)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn delete(&self, id: UploadId) -> Result<bool, Fault> {
        match tokio::fs::remove_file(self.path(id)).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(fault(error)),
        }
    }
}

struct Writer {
    blobs: FileBlobs,
    file: File,
    unfinished: Unfinished,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.file.write_all(&chunk).await.map_err(fault)
    }

    async fn keep(mut self: Box<Self>, id: UploadId) -> Result<(), Fault> {
        let kept = async {
            self.file.flush().await?;
            self.file.sync_all().await?;
            tokio::fs::rename(self.unfinished.path(), self.blobs.path(id)).await?;
            self.unfinished.0 = None;
            // The new name is in the directory, which has to be synced for itself.
            File::open(&self.blobs.directory).await?.sync_all().await
        };
        kept.await.map_err(fault)
    }
}

struct Reader(File);

#[async_trait]
impl BlobReader for Reader {
    async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let count = self.0.read_buf(&mut chunk).await.map_err(fault)?;
        Ok((count > 0).then(|| chunk.freeze()))
    }
}

/// A file that goes away unless it was renamed.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn path(&self) -> &Path {
        self.0.as_deref().expect("it is taken only once the file is renamed")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed now is removed at the next start.
            let _removed = fs::remove_file(path);
        }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn clear(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().ends_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn fault(error: io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => FaultKind::Timeout,
        _ => FaultKind::Other,
    };
    Fault::new(kind, error)
}
