//! Room on the volumes this program writes to.

use std::io;
use std::path::{Path, PathBuf};

use crate::registry::Registry;

crate::labels! {
    /// A place this program writes to, by a name that configuration gives: `data`, `uploads`,
    /// `logs`. One that is not there has no series, since 0 would mean full.
    pub struct Volume("volume", max 4);
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
    /// Registers these and reads them whenever collectors run.
    pub fn install(registry: &Registry, volumes: impl IntoIterator<Item = (Volume, PathBuf)>) {
        let metrics = Self::register(registry);
        let directories: Vec<_> = volumes.into_iter().collect();
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
    Ok((volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    #[test]
    fn a_volume_has_room_and_one_that_is_gone_has_none() {
        let builder = Registry::builder().values::<Volume>(["data", "uploads"]);
        let recording = Recording::with(builder);
        let registry = recording.registry();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let gone = directory.path().join("gone");
        let volumes = [("data", directory.path().to_owned()), ("uploads", gone)];
        let volumes = volumes.map(|(name, directory)| (registry.label(name), directory));
        VolumeMetrics::install(registry, volumes);
        let probe = recording.probe();
        let available = |volume| probe.value("chat_volume_available_bytes", &[("volume", volume)]);
        let size = |volume| probe.value("chat_volume_size_bytes", &[("volume", volume)]);
        assert!(available("data") > Some(0.0) && size("data") >= available("data"));
        assert_eq!((available("uploads"), size("uploads")), (Some(0.0), Some(0.0)));
        assert_eq!(available("logs"), None);
    }
}
