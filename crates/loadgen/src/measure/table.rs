//! The report as tables, for a terminal.

use std::fmt;

use super::meter::{Phase, Spent};
use super::report::Measurement;
use crate::report::Latency;

impl fmt::Display for Measurement {
    /// As tables.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, protocol, url, seconds, .. } = self;
        writeln!(formatter, "{scenario} over the {protocol} protocol at {url}, {seconds:.1} s\n")?;
        self.write_phases(formatter)?;
        self.write_costs(formatter)?;
        writeln!(
            formatter,
            "\n  latency in ms              count        p50        p90        p99      p99.9        max"
        )?;
        for (name, latency) in self.latencies.rows() {
            let Latency { count, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = latency;
            if *count > 0 {
                writeln!(
                    formatter,
                    "  {name:<20} {count:>11} {p50_ms:>10.2} {p90_ms:>10.2} {p99_ms:>10.2} \
                     {p999_ms:>10.2} {max_ms:>10.2}"
                )?;
            }
        }
        self.write_counts(formatter)?;
        for warning in &self.warnings {
            writeln!(formatter, "\n  mind: {warning}")?;
        }
        write!(formatter, "\n  {}", self.verdict())
    }
}

impl Measurement {
    fn write_phases(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "  phase        seconds  connected  subscribed  published   delivered  server CPU s  \
             (user + system)  server RSS MiB  own CPU s"
        )?;
        for phase in &self.phases {
            let Phase { name, seconds, counts, server, own } = phase;
            let server = match server {
                Some(Spent { cpu, rss_bytes_after, .. }) => format!(
                    "{:>12.3}   {:>6.2} + {:>6.2} {:>15.1}",
                    cpu.cpu_seconds,
                    cpu.user_seconds,
                    cpu.system_seconds,
                    *rss_bytes_after as f64 / 1_048_576.0
                ),
                None => format!("{:>12}  {:>16} {:>15}", "-", "-", "-"),
            };
            writeln!(
                formatter,
                "  {name:<10} {seconds:>9.2} {:>10} {:>11} {:>10} {:>11}  {server} {:>10.3}",
                counts.connections,
                counts.subscriptions,
                counts.published,
                counts.deliveries,
                own.cpu.cpu_seconds
            )?;
        }
        Ok(())
    }

    fn write_costs(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter)?;
        for (name, value, unit) in self.costs.rows() {
            if let Some(value) = value {
                writeln!(formatter, "  {name:<32} {value:>12.2} {unit}")?;
            }
        }
        Ok(())
    }

    fn write_counts(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = &self.faults;
        writeln!(formatter)?;
        for (name, count) in self.counts() {
            writeln!(formatter, "  {name:<32} {count:>9}")?;
        }
        let lists = [("refused", &self.refused), ("closed by the server", &self.closed)];
        for (title, counts) in lists.iter().filter(|(_, counts)| !counts.is_empty()) {
            writeln!(formatter, "\n  {title}")?;
            for (code, count) in *counts {
                writeln!(formatter, "    {code:<30} {count:>9}")?;
            }
        }
        if !faults.named.is_empty() {
            writeln!(formatter, "\n  the first faults")?;
        }
        faults.named.iter().try_for_each(|text| writeln!(formatter, "    {text}"))
    }
}
