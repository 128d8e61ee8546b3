//! Plots as SVG, which stands in a page as it is and takes its colours from there.

use std::fmt::Write;

/// Values over something, with a line for each series.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What is on the vertical axis.
    pub(super) unit: &'a str,
    pub(super) series: Vec<Series<'a>>,
    pub(super) horizontal: Horizontal<'a>,
}

/// A line. Where there is no value, there is a gap.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<(f64, Option<f64>)>,
}

/// What is on the horizontal axis.
pub(super) enum Horizontal<'a> {
    /// Seconds, with a part that is shaded.
    Seconds(Option<(f64, f64)>),
    /// Places with these names.
    Names(&'a [&'a str]),
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;

impl Plot<'_> {
    /// Whether there is anything to be seen.
    pub(super) fn is_empty(&self) -> bool {
        let has_value = |series: &Series<'_>| series.values.iter().any(|(_, y)| y.is_some());
        !self.series.iter().any(has_value)
    }

    /// A figure with its caption and legend.
    pub(super) fn figure(&self) -> String {
        let mut html = String::new();
        let Self { title, unit, .. } = self;
        let _ = write!(html, "<figure><figcaption><b>{title}</b> <span>{unit}</span></figcaption>");
        html.push_str(&self.svg());
        html.push_str("<ul class=legend>");
        for (index, series) in self.series.iter().enumerate() {
            let _ = write!(html, "<li class=s{index}>{}</li>", series.name);
        }
        if matches!(self.horizontal, Horizontal::Seconds(Some(_))) {
            html.push_str("<li class=measured>measured</li>");
        }
        html.push_str("</ul></figure>\n");
        html
    }

    fn svg(&self) -> String {
        let (right, top) = (self.right(), steps(self.top()));
        let x = |value: f64| LEFT + value / right * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / top.last() * (HEIGHT - TOP - BOTTOM);
        let mut svg = String::new();
        let title = self.title;
        let _ = write!(
            svg,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{title}, {}\">",
            self.unit
        );
        if let Horizontal::Seconds(Some((from, to))) = self.horizontal {
            let (from, to) = (x(from.min(right)), x(to.min(right)));
            let (width, height) = (to - from, HEIGHT - TOP - BOTTOM);
            let _ = write!(
                svg,
                "<rect class=measured x={from:.1} y={TOP} width={width:.1} height={height} />"
            );
        }
        for value in top.all() {
            let (at, text) = (y(value), short(value));
            let _ = write!(
                svg,
                "<path class=grid d=\"M{LEFT} {at:.1}H{}\"/><text x={} y={:.1} \
                 text-anchor=end>{text}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
        }
        for (value, text) in self.ticks(right) {
            let (at, below) = (x(value), HEIGHT - 8.0);
            let _ = write!(svg, "<text x={at:.1} y={below} text-anchor=middle>{text}</text>");
        }
        for (index, series) in self.series.iter().enumerate() {
            let path = path(&series.values, x, y);
            let _ = write!(svg, "<path class=\"line s{index}\" d=\"{path}\"/>");
        }
        self.put_hints(&mut svg, right, x);
        svg.push_str("</svg>");
        svg
    }

    /// What is said of a place when one points there.
    fn put_hints(&self, svg: &mut String, right: f64, x: impl Fn(f64) -> f64) {
        let Some(first) = self.series.first() else { return };
        let width = (WIDTH - LEFT - RIGHT) / first.values.len().max(1) as f64;
        for (index, (at, _)) in first.values.iter().enumerate() {
            let told = self.series.iter().filter_map(|series| {
                let (_, value) = series.values.get(index)?;
                Some(format!("{} {}", series.name, short((*value)?)))
            });
            let told = told.collect::<Vec<_>>().join(", ");
            let place = match self.horizontal {
                Horizontal::Seconds(_) => format!("{at:.0} s"),
                Horizontal::Names(names) => names.get(index).copied().unwrap_or("").to_owned(),
            };
            let (left, height) = (x(at.min(right)) - width / 2.0, HEIGHT - TOP - BOTTOM);
            let _ = write!(
                svg,
                "<rect class=hint x={left:.1} y={TOP} width={width:.1} height={height}>\
                 <title>{place}: {told}</title></rect>"
            );
        }
    }

    fn top(&self) -> f64 {
        let values = self.series.iter().flat_map(|series| series.values.iter());
        values.filter_map(|(_, y)| *y).fold(0.0, f64::max)
    }

    fn right(&self) -> f64 {
        match self.horizontal {
            Horizontal::Names(names) => names.len().saturating_sub(1).max(1) as f64,
            Horizontal::Seconds(_) => {
                let values = self.series.iter().flat_map(|series| series.values.iter());
                values.map(|(x, _)| *x).fold(1.0, f64::max)
            }
        }
    }

    fn ticks(&self, right: f64) -> Vec<(f64, String)> {
        match self.horizontal {
            Horizontal::Names(names) => {
                let named = names.iter().enumerate();
                named.map(|(place, name)| (place as f64, (*name).to_owned())).collect()
            }
            Horizontal::Seconds(_) => {
                let steps = steps(right).all().filter(|value| *value <= right);
                steps.map(|value| (value, format!("{} s", short(value)))).collect()
            }
        }
    }
}

/// Round numbers from 0 to above a value.
struct Steps {
    step: f64,
    count: u32,
}

fn steps(value: f64) -> Steps {
    if value <= 0.0 {
        return Steps { step: 1.0, count: 1 };
    }
    let magnitude = 10_f64.powf((value / 4.0).log10().floor());
    let fits = |step: &f64| value / step <= 5.0;
    let step = [1.0, 2.0, 5.0].map(|part| part * magnitude).into_iter().find(fits);
    let step = step.unwrap_or(10.0 * magnitude);
    Steps { step, count: (value / step).ceil() as u32 }
}

impl Steps {
    fn all(&self) -> impl Iterator<Item = f64> + use<> {
        let (step, count) = (self.step, self.count);
        (0..=count).map(move |number| f64::from(number) * step)
    }

    fn last(&self) -> f64 {
        f64::from(self.count) * self.step
    }
}

fn path(values: &[(f64, Option<f64>)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let (mut path, mut is_on) = (String::new(), false);
    for (at, value) in values {
        match value {
            Some(value) => {
                let command = if is_on { 'L' } else { 'M' };
                let _ = write!(path, "{command}{:.1} {:.1}", x(*at), y(*value));
                if !is_on {
                    // A point between gaps is seen as a dot.
                    path.push_str("h.01");
                }
                is_on = true;
            }
            None => is_on = false,
        }
    }
    path
}

/// A number as people write it on an axis.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let numbers = [(0.0, "0"), (0.5, "0.5"), (1.25, "1.25"), (100.0, "100"), (1234.0, "1234")];
        for (value, text) in numbers.into_iter().chain([(45_600.0, "45.6k"), (2e6, "2M")]) {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn axes_have_a_few_round_numbers_and_reach_above_all() {
        for value in [0.0, 0.003, 1.0, 4.9, 17.0, 99.9, 1000.0, 123_456.0] {
            let steps = steps(value);
            assert!(steps.last() >= value, "{value}");
            assert!((1..=5).contains(&steps.count), "{value}: {}", steps.count);
        }
    }

    #[test]
    fn a_gap_is_a_gap_and_nothing_is_outside() {
        let values = vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0))];
        let series = vec![Series { name: "p50", values }];
        let horizontal = Horizontal::Seconds(Some((1.0, 9.0)));
        let plot = Plot { title: "latency", unit: "ms", series, horizontal };
        let figure = plot.figure();
        assert_eq!(figure.matches("h.01").count(), 2, "{figure}");
        assert!(!figure.contains("NaN") && !figure.contains("inf"), "{figure}");
        assert!(figure.contains("<title>2 s: p50 3</title>"), "{figure}");
        let plot = Plot { series: Vec::new(), ..plot };
        assert!(plot.is_empty() && !plot.figure().contains("NaN"));
    }
}
