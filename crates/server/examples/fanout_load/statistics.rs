//! What many measurements come to.

use std::time::Duration;

/// The value that such a part of them does not exceed; `values` need no order.
pub(crate) fn quantile<T: PartialOrd + Copy>(values: &[T], part: f64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).expect("they are numbers"));
    let place = ((sorted.len() as f64 * part) as usize).min(sorted.len().checked_sub(1)?);
    sorted.get(place).copied()
}

/// The same of times, in milliseconds.
pub(crate) fn millis(times: &[Duration], part: f64) -> f64 {
    quantile(times, part).unwrap_or_default().as_secs_f64() * 1e3
}

/// The median, and the quarter below and above it.
pub(crate) fn quartiles(values: &[f64]) -> String {
    let [low, median, high] = [0.25, 0.5, 0.75].map(|part| quantile(values, part));
    let text = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.4}"));
    format!("median {} (quartiles {} to {})", text(median), text(low), text(high))
}
