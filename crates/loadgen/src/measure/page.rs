//! The report as a page: one file, with its style and plots in it, that asks for nothing else.

use std::fmt::Write;

use super::meter::{Phase, Sample};
use super::plot::{Horizontal, Plot, Series, short};
use super::report::{Measurement, PERCENTILES};
use crate::report::Latency;

const STYLE: &str = include_str!("page.css");

/// The page of a measurement.
pub(super) fn page(measurement: &Measurement) -> String {
    let Measurement { scenario, protocol, url, seconds, .. } = measurement;
    let class = if measurement.is_well() { "" } else { " bad" };
    let verdict = escape(measurement.verdict());
    let mut html = format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <title>{scenario} over {protocol}</title>\n<style>\n{STYLE}</style>\n<main>\n\
         <header><h1>{scenario}</h1><span class=\"verdict{class}\">{verdict}</span>\
         <p>{protocol} protocol at {} for {seconds:.0} s</p></header>\n",
        escape(url)
    );
    for warning in &measurement.warnings {
        let _ = writeln!(html, "<p class=warning>{}</p>", escape(warning));
    }
    put_cards(&mut html, measurement);
    put_plots(&mut html, measurement);
    put_latencies(&mut html, measurement);
    put_phases(&mut html, &measurement.phases);
    put_counts(&mut html, measurement);
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(
        html,
        "<footer>campanile-loadgen {version}. Latencies count from when a message was due. CPU is \
         that of the server's processes, user and system together.</footer>\n</main>"
    );
    html
}

fn put_cards(html: &mut String, measurement: &Measurement) {
    html.push_str("<ul class=cards>\n");
    let latencies = measurement.latencies.rows();
    let told = latencies.into_iter().find(|(_, latency)| latency.count > 0);
    let times = told.into_iter().flat_map(|(name, latency)| {
        let Latency { p50_ms, p99_ms, .. } = *latency;
        [(format!("half of all, {name}"), p50_ms), (format!("99 of 100, {name}"), p99_ms)]
    });
    for (name, millis) in times {
        let value = short(millis);
        let _ = writeln!(html, "<li><b>{value} <small>ms</small></b><span>{name}</span>");
    }
    for (name, value, unit) in measurement.costs.rows() {
        if let Some(value) = value {
            let value = short(value);
            let _ = writeln!(html, "<li><b>{value} <small>{unit}</small></b><span>{name}</span>");
        }
    }
    html.push_str("</ul>\n");
}

fn put_plots(html: &mut String, measurement: &Measurement) {
    let samples = &measurement.samples;
    let measured = samples.iter().filter(|sample| matches!(sample.phase, "traffic" | "idle"));
    let ends: Vec<f64> = measured.map(|sample| sample.seconds).collect();
    let shaded = ends.first().copied().zip(ends.last().copied());
    let series = |name, value: fn(&Sample) -> Option<f64>| Series {
        name,
        values: samples.iter().map(|sample| (sample.seconds, value(sample))).collect(),
    };
    let plot =
        |title, unit, series| Plot { title, unit, series, horizontal: Horizontal::Seconds(shaded) };
    let plots = [
        plot(
            "Latency",
            "ms, of each second",
            vec![
                series("p50", |sample| sample.p50_ms),
                series("p99", |sample| sample.p99_ms),
                series("longest", |sample| sample.max_ms),
            ],
        ),
        spectrum(measurement),
        plot(
            "CPU",
            "cores",
            vec![
                series("server", |sample| sample.server_cores),
                series("this program", |sample| Some(sample.own_cores)),
            ],
        ),
        plot(
            "Memory of the server",
            "MiB resident",
            vec![series("server", |sample| Some(sample.server_rss_bytes? as f64 / 1_048_576.0))],
        ),
        plot(
            "Messages",
            "a second",
            vec![
                series("deliveries", |sample| Some(sample.deliveries_per_second)),
                series("published", |sample| Some(sample.published_per_second)),
            ],
        ),
        plot("Connections", "open", vec![series("open", |sample| Some(sample.open as f64))]),
    ];
    html.push_str("<h2>Over time</h2>\n<div class=plots>\n");
    for plot in plots.iter().filter(|plot| !plot.is_empty()) {
        html.push_str(&plot.figure());
    }
    html.push_str("</div>\n");
}

/// How long the slow ones took.
fn spectrum(measurement: &Measurement) -> Plot<'_> {
    const NAMES: &[&str] = &["50", "75", "90", "95", "99", "99.9", "99.99", "all"];
    let of = |name, millis: &[f64]| Series {
        name,
        values: millis.iter().enumerate().map(|(at, ms)| (at as f64, Some(*ms))).collect(),
    };
    debug_assert_eq!(NAMES.len(), PERCENTILES.len());
    let spectra = &measurement.percentiles_ms;
    let all = [
        of("heard", &spectra.delivery),
        of("acknowledged", &spectra.acknowledgement),
        of("connected", &spectra.connecting),
    ];
    Plot {
        title: "Latency by percentile",
        unit: "ms, of all",
        series: all.into_iter().filter(|series| !series.values.is_empty()).collect(),
        horizontal: Horizontal::Names(NAMES),
    }
}

fn put_latencies(html: &mut String, measurement: &Measurement) {
    let heads = ["latency in ms", "count", "p50", "p90", "p99", "p99.9", "max"];
    let rows = measurement.latencies.rows().into_iter().filter(|(_, latency)| latency.count > 0);
    let rows = rows.map(|(name, latency)| {
        let Latency { count, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = *latency;
        let times = [p50_ms, p90_ms, p99_ms, p999_ms, max_ms].map(|time| format!("{time:.2}"));
        [name.to_owned(), count.to_string()].into_iter().chain(times).collect()
    });
    put_table(html, "Latencies", &heads, rows);
}

fn put_phases(html: &mut String, phases: &[Phase]) {
    let heads = [
        "phase",
        "seconds",
        "connected",
        "subscribed",
        "published",
        "delivered",
        "server CPU s",
        "user",
        "system",
        "server RSS MiB",
        "own CPU s",
    ];
    let rows = phases.iter().map(|phase| {
        let Phase { name, seconds, counts, server, own } = phase;
        let of_server = match server {
            Some(spent) => [
                format!("{:.3}", spent.cpu.cpu_seconds),
                format!("{:.2}", spent.cpu.user_seconds),
                format!("{:.2}", spent.cpu.system_seconds),
                format!("{:.1}", spent.rss_bytes_after as f64 / 1_048_576.0),
            ],
            None => [const { String::new() }; 4],
        };
        let counts =
            [counts.connections, counts.subscriptions, counts.published, counts.deliveries];
        [(*name).to_owned(), format!("{seconds:.2}")]
            .into_iter()
            .chain(counts.map(|count| count.to_string()))
            .chain(of_server)
            .chain([format!("{:.3}", own.cpu.cpu_seconds)])
            .collect()
    });
    put_table(html, "Phases", &heads, rows);
}

fn put_counts(html: &mut String, measurement: &Measurement) {
    let rows = measurement
        .counts()
        .into_iter()
        .map(|(name, count)| vec![name.to_owned(), count.to_string()]);
    let refused = measurement.refused.iter().map(|(why, count)| ("refused", why, count));
    let closed = measurement.closed.iter().map(|(code, count)| ("closed", code, count));
    let others = refused
        .chain(closed)
        .map(|(what, why, count)| vec![format!("{what}: {}", escape(why)), count.to_string()]);
    put_table(html, "Counts", &["what", "how many"], rows.chain(others));
    let faults = &measurement.faults.named;
    if !faults.is_empty() {
        html.push_str("<h2>The first faults</h2>\n<ul class=faults>\n");
        for fault in faults {
            let _ = writeln!(html, "<li>{}", escape(fault));
        }
        html.push_str("</ul>\n");
    }
}

fn put_table(
    html: &mut String,
    title: &str,
    heads: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) {
    let _ = write!(html, "<h2>{title}</h2>\n<div class=table><table><thead><tr>");
    html.extend(heads.iter().map(|head| format!("<th scope=col>{head}</th>")));
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        html.extend(row.iter().map(|cell| format!("<td>{cell}</td>")));
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

/// Text of others, so that it is text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_text_in_the_page() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
