//! Places: stores by URL, opened to be read or to be filled.

use crate::cli::{Failure, chain};
use campanile_adapter_file::FileBlobs;
use campanile_adapter_postgres as postgres;
use campanile_adapter_sqlite as sqlite;
use campanile_core::{
    port::Export,
    transfer::{Part, Source, Target},
};
use campanile_metrics::Registry;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file, with the bytes of uploads in a directory.
    Sqlite { file: PathBuf, uploads: PathBuf },
    /// In a database.
    Postgres { url: String },
}

/// Why there is no such place.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("no store can be moved from or to {0}: there is sqlite://FILE and postgres://…")]
    Unknown(String),
    #[error("uploads are not in {0} where the store is postgres://…, which has them itself")]
    NoFiles(PathBuf),
}

impl Place {
    /// The store that the URL names. Uploads that are files are in `uploads` beside the file, if
    /// it is not said where.
    pub(super) fn parse(url: &str, uploads: Option<PathBuf>) -> Result<Self, PlaceError> {
        if let Some(file) = url.strip_prefix("sqlite://").filter(|file| !file.is_empty()) {
            let file = whole(Path::new(file));
            let uploads = uploads.unwrap_or_else(|| file.with_file_name("uploads"));
            return Ok(Self::Sqlite { file, uploads });
        }
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        match uploads {
            _ if !is_postgres => Err(PlaceError::Unknown(without_password(url))),
            Some(uploads) => Err(PlaceError::NoFiles(uploads)),
            None => Ok(Self::Postgres { url: url.to_owned() }),
        }
    }

    /// What it is called: the same however it was written, and without a password.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Sqlite { file, .. } => format!("sqlite://{}", file.display()),
            Self::Postgres { url } => without_password(url),
        }
    }

    /// Opens it to be read, while no server changes it.
    pub(super) async fn source(&self) -> Result<Source, Failure> {
        match self {
            Self::Sqlite { file, uploads } => {
                let export = sqlite::Config::new(file).export().await.map_err(failed)?;
                with_files(Box::new(export), uploads).await
            }
            Self::Postgres { url } => {
                let export = connecting(url).export(&nobody_counts()).await.map_err(failed)?;
                with_blobs(Box::new(export), url).await
            }
        }
    }

    /// Opens it to be read as it is now, whatever becomes of it meanwhile.
    pub(super) async fn source_beside(&self) -> Result<Source, Failure> {
        match self {
            Self::Sqlite { file, uploads } => {
                let export = sqlite::Config::new(file).export_beside().await.map_err(failed)?;
                with_files(Box::new(export), uploads).await
            }
            Self::Postgres { url } => {
                let export = connecting(url).export_beside(&nobody_counts()).await;
                with_blobs(Box::new(export.map_err(failed)?), url).await
            }
        }
    }

    /// Opens what was just filled to be read again.
    pub(super) async fn again(&self) -> Result<Source, Failure> {
        self.source_beside().await
    }

    /// Opens it to be filled.
    pub(super) async fn target(&self) -> Result<Target, Failure> {
        match self {
            Self::Sqlite { file, uploads } => {
                if !file.exists() && holds_something(uploads) {
                    let what = format!("the destination is not empty: {}", uploads.display());
                    return Err(Failure::failed(what));
                }
                let import = sqlite::Config::new(file).import().await.map_err(failed)?;
                let blobs = Arc::new(FileBlobs::open(uploads).map_err(failed)?);
                Ok(Target { records: Box::new(import), blobs })
            }
            Self::Postgres { url } => {
                let import = connecting(url).import(&nobody_counts()).await.map_err(failed)?;
                let blobs = connecting(url).blobs(&nobody_counts()).await.map_err(failed)?;
                Ok(Target { records: Box::new(import), blobs: Arc::new(blobs) })
            }
        }
    }
}

async fn with_files(mut records: Box<dyn Export>, uploads: &Path) -> Result<Source, Failure> {
    let count = records.count(Part::Uploads).await.map_err(failed)?;
    if count > 0 && !uploads.is_dir() {
        return Err(Failure::failed(format!(
            "there are {count} uploads, but there is no directory {}",
            uploads.display()
        )));
    }
    Ok(Source { records, blobs: Arc::new(FileBlobs::open_beside(uploads)) })
}

async fn with_blobs(records: Box<dyn Export>, url: &str) -> Result<Source, Failure> {
    let blobs = connecting(url).blobs(&nobody_counts()).await.map_err(failed)?;
    Ok(Source { records, blobs: Arc::new(blobs) })
}

fn connecting(url: &str) -> postgres::Config {
    postgres::Config::new(url)
}

fn nobody_counts() -> Registry {
    Registry::builder().build()
}

fn holds_something(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn failed(error: impl Error) -> Failure {
    Failure::failed(chain(&error))
}

/// The whole path, with links followed as far as there is something.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Host, port and database: what tells one from another, and no more.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let scheme = if scheme == "postgresql" { "postgres" } else { scheme };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let port = if has_port || scheme != "postgres" { "" } else { ":5432" };
    format!("{scheme}://{host}{port}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> String {
        Place::parse(url, None).unwrap().name()
    }

    #[test]
    fn a_name_has_no_password_and_one_spelling() {
        for (url, expected) in [
            ("postgres://ada:p%40ss@db/chat?sslmode=disable", "postgres://db:5432/chat"),
            ("postgresql://db:5432/chat", "postgres://db:5432/chat"),
            ("postgres://ada:p@ss@[::1]/chat", "postgres://[::1]:5432/chat"),
            ("sqlite:///nowhere/at/all.db", "sqlite:///nowhere/at/all.db"),
        ] {
            assert_eq!(name(url), expected, "{url}");
        }
        assert_eq!(name("sqlite://x.db"), name("sqlite://./x.db"));
    }

    #[test]
    fn uploads_are_beside_the_file_if_nothing_else_is_said() {
        let place = Place::parse("sqlite:///nowhere/at/all.db", None).unwrap();
        let uploads = PathBuf::from("/nowhere/at/uploads");
        assert!(matches!(place, Place::Sqlite { uploads: found, .. } if found == uploads));
    }

    #[test]
    fn what_is_no_store_is_refused_without_its_password() {
        for url in ["mysql://ada:secret@db/chat", "sqlite://", "memory:", ""] {
            let error = Place::parse(url, None).unwrap_err().to_string();
            assert!(error.starts_with("no store can be moved") && !error.contains("secret"));
        }
        let error = Place::parse("postgres://db/chat", Some("files".into())).unwrap_err();
        assert!(matches!(error, PlaceError::NoFiles(_)));
    }
}
