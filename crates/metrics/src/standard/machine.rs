//! How long the program has run, and how much memory and CPU it may use.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::registry::Registry;

crate::catalogue! {
    /// What the program may use, so that alerts can be ratios.
    pub struct MachineMetrics {
        /// Seconds since this process started.
        gauge uptime() = "chat_uptime_seconds" [Seconds];
        /// Memory this process may use: cgroup limit, else machine total.
        gauge memory_limit() = "chat_memory_limit_bytes" [Bytes];
        /// Cores this process may use: cgroup quota, else machine cores.
        gauge cpu_limit() = "chat_cpu_limit_cores";
    }
}

impl MachineMetrics {
    /// Registers these and reads them whenever collectors run. Call it early: up-time
    /// begins here.
    pub fn install(registry: &Registry) {
        let metrics = Self::register(registry);
        let started = Instant::now();
        registry.add_collector(move || {
            let system = System::at("/");
            metrics.uptime.set(started.elapsed());
            if let Some(bytes) = system.memory_limit() {
                metrics.memory_limit.set(bytes);
            }
            if let Some(cores) = system.cpu_limit() {
                metrics.cpu_limit.set(cores);
            }
        });
    }
}

/// The files in which the system tells its limits.
struct System {
    root: PathBuf,
}

impl System {
    fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn memory_limit(&self) -> Option<u64> {
        let machine = self.machine_memory();
        let unified =
            self.control_groups("", "/sys/fs/cgroup").map(|group| group.join("memory.max"));
        let legacy = self
            .control_groups("memory", "/sys/fs/cgroup/memory")
            .map(|group| group.join("memory.limit_in_bytes"));
        let limits = unified.chain(legacy).filter_map(|file| read(&file)?.trim().parse().ok());
        // Without a limit the old interface tells a number larger than any machine.
        limits.chain(machine).min()
    }

    fn cpu_limit(&self) -> Option<f64> {
        let machine = self.machine_cores();
        let unified = self.control_groups("", "/sys/fs/cgroup").filter_map(|group| {
            let limit = read(&group.join("cpu.max"))?;
            let (quota, period) = limit.trim().split_once(' ')?;
            cores(quota, period)
        });
        let legacy = self.control_groups("cpu", "/sys/fs/cgroup/cpu").filter_map(|group| {
            let quota = read(&group.join("cpu.cfs_quota_us"))?;
            let period = read(&group.join("cpu.cfs_period_us"))?;
            cores(quota.trim(), period.trim())
        });
        unified.chain(legacy).chain(machine).reduce(f64::min)
    }

    /// The group of this process in one hierarchy and the groups around it, whose limits
    /// hold too. In a container the path may be one of the host; then only the top exists.
    fn control_groups(&self, controller: &str, mount: &str) -> impl Iterator<Item = PathBuf> {
        let groups = read(&self.root.join("proc/self/cgroup")).unwrap_or_default();
        let group = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let controllers = parts.next()?;
            controllers.split(',').any(|name| name == controller).then(|| parts.next())?
        });
        let path = group.unwrap_or("/").trim_start_matches('/').to_owned();
        let mount = self.root.join(mount.trim_start_matches('/'));
        let groups: Vec<PathBuf> =
            Path::new(&path).ancestors().map(|part| mount.join(part)).collect();
        groups.into_iter()
    }

    fn machine_memory(&self) -> Option<u64> {
        let memory = read(&self.root.join("proc/meminfo"))?;
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = total.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// The cores this process is allowed to run on.
    fn machine_cores(&self) -> Option<f64> {
        let status = read(&self.root.join("proc/self/status"))?;
        let mask = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:"))?;
        let cores: u32 =
            mask.trim().chars().filter_map(|digit| digit.to_digit(16)).map(u32::count_ones).sum();
        (cores > 0).then(|| f64::from(cores))
    }
}

/// Time per period as cores; nothing when there is no quota, `max` or -1.
fn cores(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

fn read(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    /// A machine of 8 GiB and 4 cores with these further files.
    fn check(files: &[(&str, &str)], memory: u64, cores: f64) {
        let root = tempfile::tempdir().expect("a temporary directory");
        let machine = [
            ("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n"),
            ("proc/self/status", "Name:\tx\nCpus_allowed:\t0000000f\nCpus_allowed_list:\t0-3\n"),
        ];
        for (file, text) in machine.iter().chain(files) {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().expect("in a directory")).expect("made");
            fs::write(file, text).expect("written");
        }
        let system = System::at(root.path());
        assert_eq!(system.memory_limit(), Some(memory));
        assert_eq!(system.cpu_limit(), Some(cores));
    }

    const GIB: u64 = 1 << 30;

    #[test]
    fn without_control_groups_the_machine_is_the_limit() {
        check(&[], 8 * GIB, 4.0);
    }

    #[test]
    fn a_unified_group_limits_and_so_does_the_one_around_it() {
        let files = [
            ("proc/self/cgroup", "0::/pod/app\n"),
            ("sys/fs/cgroup/pod/app/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/pod/app/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/pod/memory.max", "1073741824\n"),
            ("sys/fs/cgroup/pod/cpu.max", "150000 100000\n"),
        ];
        check(&files, GIB, 1.5);
    }

    #[test]
    fn a_container_finds_its_limits_at_the_top() {
        let files = [
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1073741824\n"),
            ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
        ];
        check(&files, GIB, 0.5);
    }

    #[test]
    fn the_old_interface_limits_too() {
        let files = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1073741824\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
        ];
        check(&files, GIB, 2.0);
    }

    #[test]
    fn no_quota_is_no_limit() {
        let files = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ];
        check(&files, 8 * GIB, 4.0);
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let recording = Recording::new();
        MachineMetrics::install(recording.registry());
        let probe = recording.probe();
        assert!(probe.value("chat_memory_limit_bytes", &[]) > Some(1e6));
        assert!(probe.value("chat_cpu_limit_cores", &[]) > Some(0.0));
        assert!(probe.value("chat_uptime_seconds", &[]) > Some(0.0));
    }
}
