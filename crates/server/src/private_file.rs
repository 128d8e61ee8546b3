//! Files of the data directory that are for their owner only.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// What nobody but the owner may do anything with.
const MODE: u32 = 0o600;

/// Keeps these bytes in a file. It has its name once it is whole and synced.
pub(crate) fn keep(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = file.with_extension("new");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(MODE);
    let mut written = options.open(&unfinished)?;
    // One that was left behind may have been anyone's to read.
    written.set_permissions(Permissions::from_mode(MODE))?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&unfinished, file)?;
    match file.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
