//! What the program reads: files, folders, and what a server answers.

use std::io;
use std::path::{Path, PathBuf};
use std::{fs, result};

use campanile_monitor_lint::{Catalogue, CatalogueError, File};
use serde_json::Value;

/// Files of these endings are looked at in folders.
const ENDINGS: [&str; 4] = ["json", "md", "yaml", "yml"];

/// A server that does not answer for so long is not there.
const SECONDS_MAX: u64 = 10;

/// Why something that was named could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("cannot read {path}: {source}")]
    File { path: String, source: io::Error },
    #[error("{path} has no {what}")]
    Nothing { path: String, what: &'static str },
    #[error("cannot write {path}: {source}")]
    Mended { path: String, source: io::Error },
    #[error("cannot ask {url}: {why}")]
    Server { url: String, why: String },
    #[error("{of}: {source}")]
    Catalogue { of: String, source: CatalogueError },
    #[error("cannot write: {0}")]
    Output(io::Error),
}

type Result<T> = result::Result<T, ReadError>;

pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        let count = files.len();
        read(path, true, &mut files)?;
        if files.len() == count {
            let path = path.display().to_string();
            return Err(ReadError::Nothing {
                path,
                what: "file to look at (.yaml, .yml, .json, .md)",
            });
        }
    }
    Ok(files)
}

/// Puts files in the places of those that they were read from, each at once.
pub(crate) fn write_back(files: &[File]) -> Result<()> {
    files.iter().try_for_each(|File { path, text }| {
        let failed = |source| ReadError::Mended { path: path.clone(), source };
        // What a link leads to is changed, and not the link.
        let real = fs::canonicalize(path).map_err(failed)?;
        let mut beside = real.clone().into_os_string();
        beside.push(".mended");
        fs::write(&beside, text).map_err(failed)?;
        let mode = fs::metadata(&real).map_err(failed)?.permissions();
        fs::set_permissions(&beside, mode).map_err(failed)?;
        fs::rename(&beside, &real).map_err(failed)
    })
}

/// A file that was named is read whatever its ending; in a folder, those that we know.
fn read(path: &Path, is_named: bool, files: &mut Vec<File>) -> Result<()> {
    let failed = |source| ReadError::File { path: path.display().to_string(), source };
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(failed)?;
        let mut inside: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        inside.sort();
        let hidden = |path: &Path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
        };
        return inside
            .iter()
            .filter(|path| !hidden(path))
            .try_for_each(|path| read(path, false, files));
    }
    let is_known =
        path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    if is_named || is_known {
        let text = fs::read_to_string(path).map_err(failed)?;
        files.push(File { path: path.display().to_string(), text });
    }
    Ok(())
}

/// What is known of metrics, from what was named.
pub(crate) fn catalogue(catalogue: Option<&str>, prometheus: Option<&str>) -> Result<Catalogue> {
    let mut known = match catalogue {
        None => Catalogue::default(),
        Some(of) => {
            let text = if is_url(of) { ask(of)? } else { read_text(of)? };
            Catalogue::parse(&text)
                .map_err(|source| ReadError::Catalogue { of: of.to_owned(), source })?
        }
    };
    if let Some(url) = prometheus {
        learn(&mut known, url.trim_end_matches('/'))?;
    }
    Ok(known)
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn read_text(path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|source| ReadError::File { path: path.to_owned(), source })
}

fn ask(url: &str) -> Result<String> {
    let failed = |why: String| ReadError::Server { url: url.to_owned(), why };
    let answer = minreq::get(url)
        .with_timeout(SECONDS_MAX)
        .send()
        .map_err(|error| failed(error.to_string()))?;
    if answer.status_code != 200 {
        return Err(failed(format!("it answers {}", answer.status_code)));
    }
    answer.as_str().map(str::to_owned).map_err(|error| failed(error.to_string()))
}

/// Types and names, as Prometheus has them.
fn learn(known: &mut Catalogue, url: &str) -> Result<()> {
    let data = |path: &str| -> Result<Value> {
        let asked = format!("{url}{path}");
        let text = ask(&asked)?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| ReadError::Server { url: asked.clone(), why: error.to_string() })?;
        Ok(value["data"].clone())
    };
    let types = data("/api/v1/metadata")?;
    for (name, described) in types.as_object().into_iter().flatten() {
        if let Some(kind) = described[0]["type"].as_str() {
            known.learn_kind(name, kind);
        }
    }
    let names = data("/api/v1/label/__name__/values")?;
    known.learn_names(names.as_array().into_iter().flatten().filter_map(Value::as_str));
    Ok(())
}
