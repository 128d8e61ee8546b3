//! Room on the volumes this program writes to.

use std::io;
use std::path::{Path, PathBuf};

use crate::registry::Registry;

crate::labels! {
    /// A place this program writes to.
    pub enum Volume("volume") { Data = "data", Uploads = "uploads", Logs = "logs" }
}

crate::catalogue! {
    /// Room on the volumes this program writes to.
    pub struct VolumeMetrics {
        /// Free bytes of a volume this server writes to.
        gauge available(Volume) = "chat_volume_available_bytes" [Bytes];
        /// Size of a volume this server writes to.
        gauge size(Volume) = "chat_volume_size_bytes" [Bytes];
    }
}

impl VolumeMetrics {
    /// Registers these and reads them whenever collectors run. Volumes that are not given,
    /// or cannot be read, are 0 large.
    pub fn install(registry: &Registry, directories: impl IntoIterator<Item = (Volume, PathBuf)>) {
        let metrics = Self::register(registry);
        let directories: Vec<_> = directories.into_iter().collect();
        registry.add_collector(move || {
            for (volume, directory) in &directories {
                // What cannot be read is told as full, never as room that may be gone.
                let (available, size) = room(directory).unwrap_or((0, 0));
                metrics.available.set(available, *volume);
                metrics.size.set(size, *volume);
            }
        });
    }
}

/// Free and total bytes around a directory.
fn room(directory: &Path) -> io::Result<(u64, u64)> {
    let volume = rustix::fs::statvfs(directory)?;
    Ok((
        volume.f_bavail * volume.f_frsize,
        volume.f_blocks * volume.f_frsize,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    #[test]
    fn a_given_volume_has_room_and_the_others_are_nought() {
        let recording = Recording::new();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let gone = directory.path().join("gone");
        let volumes = [
            (Volume::Data, directory.path().to_owned()),
            (Volume::Uploads, gone),
        ];
        VolumeMetrics::install(recording.registry(), volumes);
        let probe = recording.probe();
        let value = |name, volume| probe.value(name, &[("volume", volume)]).expect("declared");
        assert!(
            value("chat_volume_size_bytes", "data") >= value("chat_volume_available_bytes", "data")
        );
        assert!(value("chat_volume_available_bytes", "data") > 0.0);
        for absent in ["uploads", "logs"] {
            assert_eq!(value("chat_volume_size_bytes", absent), 0.0);
            assert_eq!(value("chat_volume_available_bytes", absent), 0.0);
        }
    }
}
