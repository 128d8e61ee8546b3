//! What processes use: CPU time and memory, as `/proc` says.

use std::collections::HashMap;
use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;
use serde::Serialize;

/// What processes have used up to some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// CPU time of their own code and of the system on their behalf, to the nanosecond where the
    /// system counts so.
    pub(super) cpu: Duration,
    /// Of it, the share of the system, in ticks of a hundredth of a second.
    pub(super) system: Duration,
    /// The share of their own code, in the same ticks.
    pub(super) user: Duration,
}

/// A reading of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) used: Used,
    /// Bytes of theirs that are in memory.
    pub(super) resident_bytes: u64,
}

/// Processes that are read again and again.
#[derive(Debug)]
pub(super) struct Processes {
    pids: Vec<u32>,
    /// CPU time of each thread that was ever seen: those that ended count on.
    threads: HashMap<(u32, u64), Duration>,
}

/// A process, on the command line: a number above 0.
pub(super) type Pid = u32;

impl Processes {
    /// These processes; they have to be there.
    pub(super) fn of(pids: &[Pid]) -> Result<Self> {
        let mut processes = Self { pids: pids.to_vec(), threads: HashMap::new() };
        for pid in pids {
            let read = read_process(*pid);
            read.with_context(|| format!("cannot read process {pid}, which --pid names"))?;
        }
        processes.read();
        Ok(processes)
    }

    /// What they have used by now, all together. One that has ended uses nothing more.
    pub(super) fn read(&mut self) -> Reading {
        let mut all = Reading::default();
        for pid in self.pids.clone() {
            if let Ok(reading) = read_process(pid) {
                all.used.user += reading.used.user;
                all.used.system += reading.used.system;
                all.resident_bytes += reading.resident_bytes;
            }
            self.read_threads(pid);
        }
        all.used.cpu = self.threads.values().sum();
        if all.used.cpu.is_zero() {
            // A system that does not count by the nanosecond.
            all.used.cpu = all.used.user + all.used.system;
        }
        all
    }

    fn read_threads(&mut self, pid: Pid) {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
        for thread in threads.flatten() {
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
            let id = thread.file_name().to_str().and_then(|id| id.parse().ok());
            if let (Some(nanos), Some(id)) = (nanos, id) {
                self.threads.insert((pid, id), Duration::from_nanos(nanos));
            }
        }
    }
}

/// All but the time by the nanosecond.
fn read_process(pid: Pid) -> Result<Reading> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything, and ends at the last parenthesis.
    let (_, fields) = stat.rsplit_once(") ").context("it has no name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |index: usize| -> Result<u64> {
        Ok(fields.get(index).context("it has too few fields")?.parse()?)
    };
    // From proc_pid_stat(5): fields 14 and 15, of which the first two are cut off.
    let time = |index| -> Result<Duration> {
        let seconds = number(index)? as f64 / clock_ticks_per_second() as f64;
        Ok(Duration::from_secs_f64(seconds))
    };
    let used = Used { cpu: Duration::ZERO, user: time(11)?, system: time(12)? };
    Ok(Reading { used, resident_bytes: resident_bytes(pid)? })
}

fn resident_bytes(pid: Pid) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    // A process that has ended and is not waited for has none.
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.map_or(Ok(0), str::parse::<u64>)? * 1024)
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            system: self.system.saturating_sub(earlier.system),
            user: self.user.saturating_sub(earlier.user),
        }
    }
}

/// CPU time of a phase, for people.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct CpuSeconds {
    /// In all.
    pub(super) cpu_seconds: f64,
    /// Of it, in its own code.
    pub(super) user_seconds: f64,
    /// Of it, in the system.
    pub(super) system_seconds: f64,
}

impl From<Used> for CpuSeconds {
    fn from(used: Used) -> Self {
        let [cpu_seconds, user_seconds, system_seconds] =
            [used.cpu, used.user, used.system].map(|time| time.as_secs_f64());
        Self { cpu_seconds, user_seconds, system_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    #[test]
    fn what_this_process_uses_is_seen() {
        let mut own = Processes::of(&[process::id()]).unwrap();
        let before = own.read();
        // A thread that ends meanwhile counts on.
        let worked = std::thread::spawn(|| {
            let mut own = Processes::of(&[process::id()]).unwrap();
            let begun = own.read().used.cpu;
            let mut spun: u64 = 0;
            while own.read().used.cpu - begun < Duration::from_millis(50) {
                spun += (0..10_000).sum::<u64>();
            }
            spun
        });
        while !worked.is_finished() {
            own.read();
        }
        assert!(worked.join().unwrap() > 0);
        let after = own.read();
        assert!((after.used - before.used).cpu >= Duration::from_millis(40));
        assert!(after.resident_bytes > 1024 * 1024);
        let ticks = after.used.user + after.used.system;
        assert!(ticks.abs_diff(after.used.cpu) < Duration::from_secs(1), "{ticks:?} {after:?}");
    }

    #[test]
    fn a_process_that_is_not_there_is_refused() {
        let error = Processes::of(&[u32::MAX]).unwrap_err();
        assert!(error.to_string().contains("4294967295"), "{error}");
    }
}
