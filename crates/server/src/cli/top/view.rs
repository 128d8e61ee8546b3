//! One frame of `campanile top`: at most 80 columns, made of the last looks.

use crate::readings::{Buckets, Reading, quantile_of};
use std::{fmt::Write, time::Instant};

/// The widest line.
const COLUMNS: usize = 80;

/// What the numbers were at one moment.
pub(super) struct Look {
    pub(super) at: Instant,
    pub(super) reading: Reading,
}

/// How a frame is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As text, one frame after the other.
    Plain,
    /// Over the last one, with light and shade.
    Screen,
}

/// Draws the last look, and what changed since the one before. There are at least two.
pub(super) fn frame(url: &str, looks: &[Look], style: Style) -> String {
    let [.., before, now] = looks else { return String::new() };
    let change = Change { before, now };
    let mut lines = vec![head(url, &now.reading), String::new()];
    lines.extend(people(&change));
    lines.push(String::new());
    lines.extend(machine(&change));
    lines.push(String::new());
    lines.push(plot("connections", looks, |reading| reading.sum("chat_connections_active", &[])));
    lines.push(rates("messages in", looks, "chat_messages_received_total"));
    lines.push(rates("messages out", looks, "chat_messages_sent_total"));
    draw(&lines, style)
}

/// Two looks and the time between them.
struct Change<'a> {
    before: &'a Look,
    now: &'a Look,
}

impl Change<'_> {
    fn rate(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.rate_where(name, |own| {
            labels.iter().all(|(key, value)| own.iter().any(|(k, v)| k == key && v == value))
        })
    }

    fn rate_where(&self, name: &str, wanted: impl Fn(&[(String, String)]) -> bool) -> f64 {
        let seconds = (self.now.at - self.before.at).as_secs_f64().max(0.001);
        let rise = self.now.reading.sum_where(name, &wanted)
            - self.before.reading.sum_where(name, &wanted);
        // A server that was started again counts from nothing.
        rise.max(0.0) / seconds
    }

    fn quantile(&self, name: &str, quantile: f64) -> Option<f64> {
        let now = self.now.reading.buckets(name, &[]);
        let before = self.before.reading.buckets(name, &[]);
        let risen = now.into_iter().enumerate().map(|(place, (bound, count))| {
            let earlier = before.get(place).map_or(0.0, |(_, count)| *count);
            (bound, (count - earlier).max(0.0))
        });
        quantile_of(&risen.collect::<Buckets>(), quantile)
    }

    fn gauge(&self, name: &str) -> f64 {
        self.now.reading.sum(name, &[])
    }
}

fn head(url: &str, reading: &Reading) -> String {
    let version = reading.label("chat_build_info", "version").unwrap_or("?");
    let up = reading.sum("chat_uptime_seconds", &[]);
    clip(format!("campanile {version}  up {}  {url}", duration(up)))
}

fn people(change: &Change<'_>) -> Vec<String> {
    let processed =
        |result| rate(change.rate("chat_messages_processed_total", &[("result", result)]));
    let delivery = "chat_message_delivery_latency_seconds_bucket";
    vec![
        row(
            "connections",
            &[
                ("open", count(change.gauge("chat_connections_active"))),
                ("opened", rate(change.rate("chat_connections_opened_total", &[]))),
                ("closed", rate(change.rate("chat_connections_closed_total", &[]))),
                ("refused", rate(change.rate("chat_connections_rejected_total", &[]))),
            ],
        ),
        row(
            "people",
            &[
                ("online", count(change.gauge("chat_users_online"))),
                ("rooms", count(change.gauge("chat_rooms_active"))),
                ("joins", rate(change.rate("chat_room_joins_total", &[]))),
                ("waiting", count(change.gauge("chat_connection_send_queue_messages"))),
            ],
        ),
        row(
            "messages",
            &[
                ("in", rate(change.rate("chat_messages_received_total", &[]))),
                ("out", rate(change.rate("chat_messages_sent_total", &[]))),
                ("accepted", processed("accepted")),
                ("failed", processed("failed")),
            ],
        ),
        row(
            "delivery",
            &[
                ("p50", time(change.quantile(delivery, 0.5))),
                ("p99", time(change.quantile(delivery, 0.99))),
                ("dropped", rate(change.rate("chat_messages_dropped_total", &[]))),
                ("limited", rate(change.rate("chat_rate_limit_rejections_total", &[]))),
            ],
        ),
    ]
}

fn machine(change: &Change<'_>) -> Vec<String> {
    let is_error = |labels: &[(String, String)]| {
        labels.iter().any(|(key, value)| key == "status" && value.starts_with('5'))
    };
    let up = |probe| match change.now.reading.sum("chat_health_probe_success", &[("probe", probe)])
    {
        0.0 => "DOWN".to_owned(),
        _ => "up".to_owned(),
    };
    vec![
        row(
            "http",
            &[
                ("requests", rate(change.rate("chat_http_requests_total", &[]))),
                ("errors", rate(change.rate_where("chat_http_requests_total", is_error))),
                ("p99", time(change.quantile("chat_http_request_duration_seconds_bucket", 0.99))),
                (
                    "logins",
                    rate(change.rate("chat_auth_successes_total", &[("mechanism", "plain")])),
                ),
            ],
        ),
        row(
            "store",
            &[
                ("is", up("storage")),
                ("calls", rate(change.rate("chat_storage_operations_total", &[]))),
                ("errors", rate(change.rate("chat_storage_errors_total", &[]))),
                (
                    "p99",
                    time(change.quantile("chat_storage_operation_duration_seconds_bucket", 0.99)),
                ),
            ],
        ),
        row(
            "bus",
            &[
                ("is", up("broker")),
                ("signals", rate(change.rate("chat_broker_messages_total", &[]))),
                ("errors", rate(change.rate("chat_broker_errors_total", &[]))),
            ],
        ),
        row(
            "process",
            &[
                ("cpu", format!("{:.0} %", 100.0 * change.rate("process_cpu_seconds_total", &[]))),
                ("memory", bytes(change.gauge("process_resident_memory_bytes"))),
                ("files", count(change.gauge("process_open_fds"))),
                ("late", time(Some(change.gauge("chat_runtime_scheduler_lag_max_seconds")))),
            ],
        ),
    ]
}

/// A name and up to four columns of what and how much.
fn row(name: &str, columns: &[(&str, String)]) -> String {
    let mut line = format!("{name:<13}");
    for (what, value) in columns {
        let _ = write!(line, "{what:<9}{value:<8}");
    }
    clip(line)
}

/// A row of bars, the latest on the right.
fn plot(name: &str, looks: &[Look], value: impl Fn(&Reading) -> f64) -> String {
    let values: Vec<f64> = looks.iter().map(|look| value(&look.reading)).collect();
    bars(name, &values)
}

fn rates(name: &str, looks: &[Look], metric: &str) -> String {
    let pairs = looks.windows(2).map(|pair| Change { before: &pair[0], now: &pair[1] });
    bars(name, &pairs.map(|change| change.rate(metric, &[])).collect::<Vec<_>>())
}

fn bars(name: &str, values: &[f64]) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = values.iter().copied().fold(0.0, f64::max);
    let drawn: String = values
        .iter()
        .map(|value| {
            let height = if largest > 0.0 { value / largest * 8.0 } else { 0.0 };
            BARS[(height.ceil() as usize).min(8)]
        })
        .collect();
    let most = format!("most {}", count(largest));
    clip(format!("{name:<13}{most:<17}{drawn}"))
}

fn draw(lines: &[String], style: Style) -> String {
    match style {
        Style::Plain => lines.iter().map(|line| format!("{}\n", line.trim_end())).collect(),
        Style::Screen => {
            // Each line is cleared behind its end, and the rest of the screen behind the last.
            let shaded = lines.iter().enumerate().map(|(place, line)| {
                let is_head = place == 0;
                let trouble = line.contains("DOWN");
                let start = match (is_head, trouble) {
                    (true, _) => "\u{1b}[1m",
                    (false, true) => "\u{1b}[31m",
                    (false, false) => "",
                };
                format!("{start}{line}\u{1b}[0m\u{1b}[K\r\n")
            });
            format!("\u{1b}[H{}\u{1b}[J", shaded.collect::<String>())
        }
    }
}

fn clip(line: String) -> String {
    line.chars().take(COLUMNS).collect()
}

fn count(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1} M", value / 1e6),
        value if value >= 1e4 => format!("{:.1} k", value / 1e3),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn rate(value: f64) -> String {
    format!("{}/s", count(if value < 10.0 { (value * 10.0).round() / 10.0 } else { value.round() }))
}

fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds < 0.001 => format!("{:.0} us", seconds * 1e6),
        Some(seconds) if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        Some(seconds) if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        Some(seconds) => format!("{seconds:.1} s"),
    }
}

fn bytes(value: f64) -> String {
    let mebibytes = value / (1024.0 * 1024.0);
    if mebibytes < 1024.0 {
        format!("{mebibytes:.0} MiB")
    } else {
        format!("{:.1} GiB", mebibytes / 1024.0)
    }
}

fn duration(seconds: f64) -> String {
    let seconds = seconds as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn looks() -> [Look; 2] {
        let at = Instant::now();
        let before = "chat_messages_received_total{kind=\"room\"} 100\n\
            chat_http_requests_total{status=\"200\"} 10\n";
        let now = "chat_build_info{version=\"1.2.3\"} 1\nchat_uptime_seconds 3725\n\
            chat_connections_active{transport=\"websocket\"} 12345\n\
            chat_messages_received_total{kind=\"room\"} 150\n\
            chat_http_requests_total{status=\"200\"} 10\n\
            chat_http_requests_total{status=\"503\"} 4\n\
            chat_message_delivery_latency_seconds_bucket{le=\"0.005\"} 10\n\
            chat_message_delivery_latency_seconds_bucket{le=\"+Inf\"} 10\n\
            chat_health_probe_success{probe=\"storage\"} 1\n\
            process_resident_memory_bytes 104857600\n";
        let later = at + Duration::from_secs(2);
        [Look { at, reading: Reading::of(before) }, Look { at: later, reading: Reading::of(now) }]
    }

    #[test]
    fn a_frame_tells_rates_and_states() {
        let frame = frame("http://127.0.0.1:9601/metrics", &looks(), Style::Plain);
        for part in [
            "campanile 1.2.3  up 1 h 2 min",
            "open     12.3 k",
            "in       25/s",
            "p99      5.0 ms",
            "errors   2/s",
            "store        is       up",
            "bus          is       DOWN",
            "memory   100 MiB",
        ] {
            assert!(frame.contains(part), "{part:?} in:\n{frame}");
        }
    }

    #[test]
    fn a_frame_fits_into_a_small_terminal() {
        let url = format!("http://{}/metrics", "long".repeat(40));
        let frame = frame(&url, &looks(), Style::Plain);
        for line in frame.lines() {
            assert!(line.chars().count() <= COLUMNS, "{line}");
        }
        assert!(frame.lines().count() <= 24, "{frame}");
    }

    #[test]
    fn a_screen_is_drawn_over() {
        let frame = frame("http://x/metrics", &looks(), Style::Screen);
        assert!(frame.starts_with("\u{1b}[H") && frame.ends_with("\u{1b}[J"));
    }
}
