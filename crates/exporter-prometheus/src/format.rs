//! Which format a scraper is answered in.

use std::cmp::Reverse;

use campanile_metrics::labels;

labels! {
    /// A format of expositions.
    pub enum Format("format") {
        /// What every scraper understands.
        Text = "text_0_0_4",
        /// The newer one, with units and a certain end.
        OpenMetrics = "openmetrics_1_0_0",
    }
}

impl Format {
    /// The format that a scraper likes best of those there are; the plain one if it has no
    /// preference, or none that can be met.
    pub fn negotiate(accept: &str) -> Self {
        let ranges: Vec<Range<'_>> = accept.split(',').map(Range::parse).collect();
        let liked = |format: Self| {
            let matching = ranges.iter().enumerate().filter_map(|(place, range)| {
                let exactness = format.exactness(range)?;
                Some((exactness, range.quality, Reverse(place)))
            });
            // The range that says most about a format says how much it is wanted (RFC 9110,
            // section 12.5.1).
            let (exactness, quality, place) = matching.max()?;
            (quality > 0).then_some((quality, exactness, place))
        };
        match (liked(Self::Text), liked(Self::OpenMetrics)) {
            (text, Some(open_metrics)) if text < Some(open_metrics) => Self::OpenMetrics,
            _ => Self::Text,
        }
    }

    /// The value of the header `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// How much a range says about this format; nothing if it does not hold it.
    fn exactness(self, range: &Range<'_>) -> Option<u8> {
        let (media, group, versions): (_, _, &[&str]) = match self {
            Self::Text => ("text/plain", "text/*", &["0.0.4"]),
            Self::OpenMetrics => {
                ("application/openmetrics-text", "application/*", &["1.0.0", "0.0.1"])
            }
        };
        match range.media.as_str() {
            asked if asked == media => match range.version {
                None => Some(2),
                Some(version) => versions.contains(&version).then_some(3),
            },
            asked if asked == group => Some(1),
            "*/*" => Some(0),
            _ => None,
        }
    }
}

/// True when a client would take gzip.
pub(crate) fn accepts_gzip(accept_encoding: &str) -> bool {
    let ranges: Vec<Range<'_>> = accept_encoding.split(',').map(Range::parse).collect();
    let quality =
        |name: &str| ranges.iter().find(|range| range.media == name).map(|range| range.quality);
    quality("gzip").or_else(|| quality("x-gzip")).or_else(|| quality("*")).unwrap_or(0) > 0
}

/// One element of an `Accept…` header.
struct Range<'a> {
    media: String,
    version: Option<&'a str>,
    // Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut range = Self { media, version: None, quality: 1000 };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "q" => range.quality = thousandths(value.trim()),
                "version" => range.version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        range
    }
}

/// A quality as a whole number; what is none counts as not wanted.
fn thousandths(quality: &str) -> u16 {
    match quality.parse::<f32>() {
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_format_is_chosen() {
        use Format::{OpenMetrics, Text};
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let protobuf = "application/vnd.google.protobuf;\
             proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let cases = [
            ("", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text),
            (prometheus, OpenMetrics),
            (protobuf, Text),
            ("application/openmetrics-text", OpenMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", OpenMetrics),
            ("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics),
            ("Application/OpenMetrics-Text;Version=0.0.1", OpenMetrics),
            ("application/openmetrics-text;version=2.0.0", Text),
            (
                "application/openmetrics-text;version=2.0.0,application/openmetrics-text",
                OpenMetrics,
            ),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.7", Text),
            ("application/openmetrics-text;q=0.7,text/plain;q=0.3", OpenMetrics),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=0,*/*", Text),
            ("application/openmetrics-text;q=0,application/*", Text),
            ("text/plain;q=0,*/*", OpenMetrics),
            ("*/*;q=0.9,text/plain;q=0.1,application/openmetrics-text;q=0.5", OpenMetrics),
            ("application/openmetrics-text;q=nonsense", Text),
            ("application/openmetrics-text;q=1.5", Text),
            ("text/plain,application/openmetrics-text", Text),
            ("application/openmetrics-text,text/plain", OpenMetrics),
            ("*/*,application/openmetrics-text", OpenMetrics),
            ("*/*;q=0.9,application/openmetrics-text;q=0.8", Text),
            ("application/*", OpenMetrics),
            ("text/*;q=0.5,application/openmetrics-text;q=0.4", Text),
            ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OpenMetrics),
            ("image/png", Text),
            (";;=,,,", Text),
        ];
        for (accept, format) in cases {
            assert_eq!(Format::negotiate(accept), format, "{accept}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_say_so() {
        for yes in ["gzip", "GZip", "deflate, gzip;q=0.5", "*", "x-gzip", "gzip;q=0.001, *;q=0"] {
            assert!(accepts_gzip(yes), "{yes}");
        }
        for no in ["", "identity", "deflate", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=x"] {
            assert!(!accepts_gzip(no), "{no}");
        }
    }
}
