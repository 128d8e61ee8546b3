//! The process as the system sees it, under the names that every Prometheus client uses.

use std::fs;
use std::io;

use procfs::process::{LimitValue, Process};

use crate::registry::Registry;

crate::catalogue! {
    /// The process as the system sees it.
    pub struct ProcessMetrics {
        /// Total user and system CPU time spent in seconds.
        fractional_counter cpu() = "process_cpu_seconds_total" [Seconds];
        /// Resident memory size in bytes.
        gauge resident_memory() = "process_resident_memory_bytes" [Bytes];
        /// Virtual memory size in bytes.
        gauge virtual_memory() = "process_virtual_memory_bytes" [Bytes];
        /// Start time of the process since unix epoch in seconds.
        gauge start_time() = "process_start_time_seconds" [Seconds];
        /// Number of open file descriptors.
        gauge open_fds() = "process_open_fds";
        /// Maximum number of open file descriptors.
        gauge max_fds() = "process_max_fds";
        /// Number of OS threads in the process.
        gauge threads() = "process_threads";
    }
}

impl ProcessMetrics {
    /// Registers these and reads them whenever collectors run.
    pub fn install(registry: &Registry) {
        let metrics = Self::register(registry);
        registry.add_collector(move || metrics.read());
    }

    /// What cannot be read, in a jail without `/proc` for instance, keeps its last value.
    fn read(&self) {
        if let Ok(count) = open_files() {
            self.open_fds.set(count);
        }
        let Ok(process) = Process::myself() else {
            return;
        };
        if let Ok(stat) = process.stat() {
            let ticks = procfs::ticks_per_second() as f64;
            self.cpu.follow((stat.utime + stat.stime) as f64 / ticks);
            self.resident_memory.set(stat.rss * procfs::page_size());
            self.virtual_memory.set(stat.vsize);
            self.threads.set(stat.num_threads);
            if let Ok(booted) = procfs::boot_time_secs() {
                self.start_time.set(booted as f64 + stat.starttime as f64 / ticks);
            }
        }
        if let Ok(limits) = process.limits() {
            match limits.max_open_files.soft_limit {
                LimitValue::Value(files) => self.max_fds.set(files),
                LimitValue::Unlimited => self.max_fds.set(f64::INFINITY),
            }
        }
    }
}

/// Counts open files at a price that does not grow with them: since Linux 6.2 the size of
/// the directory is their number. Older systems say 0, and the directory has to be listed.
fn open_files() -> io::Result<u64> {
    match fs::metadata("/proc/self/fd")?.len() {
        // Listing opens one file more, which is gone afterwards.
        0 => Ok((fs::read_dir("/proc/self/fd")?.count() as u64).saturating_sub(1)),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    #[test]
    fn the_process_is_told_as_proc_tells_it() {
        let recording = Recording::new();
        ProcessMetrics::install(recording.registry());
        let probe = recording.probe();
        let value = |name| probe.value(name, &[]).expect("declared");
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_resident_memory_bytes") > 1e5);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_start_time_seconds") > 1.7e9);
        assert!(value("process_max_fds") >= 16.0);
        assert!(value("process_threads") >= 1.0);
    }

    #[test]
    fn an_open_file_counts_while_it_is_open() {
        // Other tests open files too, so many are opened and most have to be seen.
        let before = open_files().expect("proc is mounted");
        let files: Vec<_> = (0..200).map(|_| fs::File::open("/dev/null").expect("open")).collect();
        let during = open_files().expect("proc is mounted");
        assert!(during >= before + 150, "{before} and then {during}");
        drop(files);
        assert!(open_files().expect("proc is mounted") + 150 <= during);
    }
}
