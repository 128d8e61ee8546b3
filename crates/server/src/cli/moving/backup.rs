//! `campanile backup`: everything in a new directory that a server can be started from.

use super::{Place, fill};
use crate::{
    apps::APP_FILE,
    cli::{Failure, output},
    config::{Flags, Sources},
    wiring::push::KEY_FILE,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What the store's file is called there, as a server does with its own.
const FILE: &str = "campanile.db";

/// What a server makes for itself once, where its settings do not say it: with other keys, browsers
/// would have to subscribe to notifications again, and clients of its application would find none.
const MADE: [&str; 2] = [KEY_FILE, APP_FILE];

pub(in crate::cli) fn run(to: &Path, flags: Flags) -> Result<ExitCode, Failure> {
    let config = Sources::of_process(flags).load()?;
    let url = config.store_url();
    let uploads = url.starts_with("sqlite://").then(|| config.uploads_dir());
    let from = Place::parse(&url, uploads).map_err(Failure::wrong)?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(Failure::failed(format!("{} is there already", to.display())));
    }
    let data = &config.server.data_dir;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(async {
        tokio::select! {
            made = make(&from, data, to) => made?,
            _ = tokio::signal::ctrl_c() => return Err(Failure::failed("interrupted")),
        }
        output::line(&format!("everything is in {}", to.display()));
        Ok(ExitCode::SUCCESS)
    })
}

/// Fills a directory of another name, which gets its own once it is whole.
async fn make(from: &Place, data: &Path, to: &Path) -> Result<(), Failure> {
    let mut source = from.source_beside().await?;
    let unfinished = Unfinished::make(to).map_err(|error| cannot_make(to, error))?;
    let file = unfinished.0.join(FILE);
    let uploads = unfinished.0.join("uploads");
    fill(&mut source, &from.name(), &Place::Sqlite { file: file.clone(), uploads }).await?;
    source.records.close().await;
    for name in MADE {
        let copied = copy(&data.join(name), &unfinished.0.join(name));
        copied.map_err(|error| cannot_make(to, error))?;
    }
    unfinished.keep(to).map_err(|error| cannot_make(to, error))
}

/// Copies a file, where there is one.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::copy(from, to) {
        Ok(_) => fs::File::open(to)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn cannot_make(to: &Path, error: io::Error) -> Failure {
    Failure::failed(format!("cannot make {}: {error}", to.display()))
}

/// A directory that goes away unless it was renamed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn make(to: &Path) -> io::Result<Self> {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = format!(".{name}.{:016x}.part", rand::random::<u64>());
        let path = to.with_file_name(unfinished);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }

    /// Gives it its name, for good.
    fn keep(self, to: &Path) -> io::Result<()> {
        fs::remove_file(self.0.join(format!("{FILE}.lock")))?;
        sync(&self.0)?;
        fs::rename(&self.0, to)?;
        let parent = to.parent().filter(|parent| *parent != Path::new(""));
        sync(parent.unwrap_or(Path::new(".")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Once it is renamed there is nothing to remove.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}
