//! The rules of the catalogue, checked while it compiles.
//!
//! A name that breaks a rule does not build:
//!
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// A counter has to end in `_total`.
//!     pub struct Bad { /// Joins.
//!         counter joins() = "chat_room_joins"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// Nothing but a counter may end in `_total`.
//!     pub struct Bad { /// Joins.
//!         gauge joins() = "chat_room_joins_total"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// A unit in the name has to be declared.
//!     pub struct Bad { /// Bytes.
//!         gauge stored() = "chat_archive_stored_bytes"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// A declared unit has to be in the name.
//!     pub struct Bad { /// Bytes.
//!         gauge stored() = "chat_archive_stored" [Bytes]; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// Only base units.
//!     pub struct Bad { /// Time.
//!         gauge age() = "chat_archive_age_ms"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// Expositions make names that end so; a family may not take one.
//!     pub struct Bad { /// Rooms.
//!         gauge rooms() = "chat_rooms_count"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// Only an info metric ends in `_info`.
//!     pub struct Bad { /// Build.
//!         gauge build() = "chat_build_info"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// `x_total` is of family `x`, so nothing else may be.
//!     pub struct Bad {
//!         /// Connections open.
//!         gauge connections() = "chat_connections";
//!         /// Connections opened.
//!         counter opened() = "chat_connections_total";
//!     }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// A histogram without buckets cannot be added up over servers.
//!     pub struct Bad { /// Time.
//!         histogram took() = "chat_archive_query_duration_seconds" [Seconds]; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::catalogue! {
//!     /// Buckets ascend.
//!     pub struct Bad { /// Time.
//!         histogram took() = "chat_query_duration_seconds" [Seconds] buckets &[0.5, 0.1]; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::labels! { /// A reserved label.
//!     pub enum Job("job") { A = "a" } }
//! campanile_metrics::catalogue! {
//!     /// Some labels belong to Prometheus.
//!     pub struct Bad { /// Runs.
//!         counter runs(Job) = "chat_job_runs_total"; }
//! }
//! ```
//! ```compile_fail
//! campanile_metrics::labels! { /// Ways.
//!     pub enum Way("way") { In = "in", Out = "out" } }
//! campanile_metrics::catalogue! {
//!     /// A label may be there once only.
//!     pub struct Bad { /// Runs.
//!         counter runs(Way, Way) = "chat_runs_total"; }
//! }
//! ```
//!
//! The same declaration, obeying them, builds:
//!
//! ```
//! campanile_metrics::catalogue! {
//!     /// Every rule obeyed.
//!     pub struct Good {
//!         /// Connections open.
//!         gauge active() = "chat_connections_active";
//!         /// Connections opened.
//!         counter opened() = "chat_connections_opened_total";
//!         /// Bytes kept.
//!         gauge stored() = "chat_archive_stored_bytes" [Bytes];
//!         /// Time taken.
//!         histogram took() = "chat_query_duration_seconds" [Seconds] buckets &[0.1, 0.5];
//!         /// Build of the running binary.
//!         info build(version) = "chat_build_info";
//!     }
//! }
//! ```

use crate::description::{Description, Kind};

/// Two declarations that cannot both be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric {second} clashes with {first}: both are of family {family}")]
pub struct Clash {
    /// The name declared first.
    pub first: &'static str,
    /// The name that came later.
    pub second: &'static str,
    /// The family both claim.
    pub family: &'static str,
}

/// Looks for clashes within and between catalogues. Declaring the very same metric twice is
/// no clash: both get the same series.
pub fn check(catalogues: &[&[Description]]) -> Result<(), Clash> {
    let mut declared: Vec<&Description> = Vec::new();
    for description in catalogues.iter().copied().flatten() {
        check_against(&declared, description)?;
        declared.push(description);
    }
    Ok(())
}

/// Looks for one of `declared` that `description` cannot stand beside.
pub(crate) fn check_against(
    declared: &[&Description],
    description: &Description,
) -> Result<(), Clash> {
    let family = description.family();
    match declared.iter().find(|other| other.family() == family && **other != description) {
        Some(first) => Err(Clash { first: first.name, second: description.name, family }),
        None => Ok(()),
    }
}

/// The most label combinations one metric may have.
pub const COMBINATIONS_MAX: usize = 5_000;

/// The family of a metric's name.
pub const fn family(name: &'static str, kind: Kind) -> &'static str {
    match kind {
        Kind::Counter | Kind::FractionalCounter => without(name, "_total"),
        Kind::Info => without(name, "_info"),
        Kind::Gauge | Kind::Histogram => name,
    }
}

/// Stops the build when a catalogue breaks a rule. Called by [`catalogue!`](crate::catalogue).
pub const fn enforce(descriptions: &[Description]) {
    let mut index = 0;
    while index < descriptions.len() {
        if let Some(fault) = fault(&descriptions[index]) {
            refuse(descriptions[index].name, fault);
        }
        let mut earlier = 0;
        while earlier < index {
            if equal(descriptions[earlier].family(), descriptions[index].family()) {
                refuse(descriptions[index].name, "another metric here is of the same family");
            }
            earlier += 1;
        }
        index += 1;
    }
}

/// Stops the build when metrics of different catalogues are of one family and not the same. For a
/// program to say of all its catalogues, in groups as it has them:
///
/// ```compile_fail
/// use campanile_metrics::{catalogue, rules::enforce_together};
/// catalogue! {
///     /// What is open.
///     pub struct Here { /// Doors open.
///         gauge doors() = "chat_doors"; }
/// }
/// catalogue! {
///     /// What was opened.
///     pub struct There { /// Doors opened.
///         counter doors() = "chat_doors_total"; }
/// }
/// const _: () = enforce_together(&[&[Here::DESCRIPTIONS], &[There::DESCRIPTIONS]]);
/// ```
pub const fn enforce_together(groups: &[&[&[Description]]]) {
    let mut place = 0;
    while let Some(catalogue) = nth(groups, place) {
        let mut earlier = 0;
        while earlier < place {
            if let Some(before) = nth(groups, earlier) {
                enforce_apart(before, catalogue);
            }
            earlier += 1;
        }
        place += 1;
    }
}

/// One catalogue of all groups, by its place.
const fn nth<'a>(groups: &[&[&'a [Description]]], mut place: usize) -> Option<&'a [Description]> {
    let mut group = 0;
    while group < groups.len() {
        if place < groups[group].len() {
            return Some(groups[group][place]);
        }
        place -= groups[group].len();
        group += 1;
    }
    None
}

const fn enforce_apart(one: &[Description], other: &[Description]) {
    let mut left = 0;
    while left < one.len() {
        let mut right = 0;
        while right < other.len() {
            let is_same = equal(one[left].name, other[right].name);
            if !is_same && equal(one[left].family(), other[right].family()) {
                refuse(other[right].name, "a metric of another catalogue is of the same family");
            }
            right += 1;
        }
        left += 1;
    }
}

/// The rule that a description breaks by itself.
const fn fault(description: &Description) -> Option<&'static str> {
    let Description { name, kind, unit, help, .. } = *description;
    if !is_plain(name) {
        return Some("a name is of a-z, 0-9 and _, and starts with a letter");
    }
    if help.is_empty() {
        return Some("say in one sentence what it tells");
    }
    if kind.is_counter() != ends_with(name, "_total") {
        return Some("counters, and only counters, end in _total");
    }
    if matches!(kind, Kind::Info) != ends_with(name, "_info") {
        return Some("info metrics, and only they, end in _info");
    }
    if ends_with_any(
        family(name, kind),
        &["_total", "_created", "_bucket", "_sum", "_count", "_info"],
    ) {
        return Some("expositions make names with this ending; choose another");
    }
    if let Some(fault) = unit_fault(family(name, kind), unit) {
        return Some(fault);
    }
    if equal(name, "up") || starts_with(name, "scrape_") {
        return Some("this name belongs to Prometheus");
    }
    if let Some(fault) = bucket_fault(kind, description.buckets) {
        return Some(fault);
    }
    if description.combinations > COMBINATIONS_MAX {
        return Some("it has too many label combinations");
    }
    label_fault(description)
}

const fn unit_fault(family: &str, unit: Option<crate::Unit>) -> Option<&'static str> {
    use crate::Unit::{Bytes, Seconds};
    if ends_with(family, "_seconds") != matches!(unit, Some(Seconds)) {
        return Some("[Seconds] and the ending _seconds go together");
    }
    if ends_with(family, "_bytes") != matches!(unit, Some(Bytes)) {
        return Some("[Bytes] and the ending _bytes go together");
    }
    if ends_with_any(
        family,
        &["_ms", "_milliseconds", "_us", "_ns", "_minutes", "_kb", "_mb", "_percent"],
    ) {
        return Some("only base units: seconds, bytes, and ratios from 0 to 1");
    }
    None
}

const fn bucket_fault(kind: Kind, buckets: &[f64]) -> Option<&'static str> {
    if matches!(kind, Kind::Histogram) == buckets.is_empty() {
        return Some("histograms, and only histograms, have buckets");
    }
    let mut index = 0;
    while index < buckets.len() {
        if !buckets[index].is_finite() || (index > 0 && buckets[index] <= buckets[index - 1]) {
            return Some("buckets are finite and ascend");
        }
        index += 1;
    }
    None
}

const fn label_fault(description: &Description) -> Option<&'static str> {
    let labels = description.labels.as_slice();
    let mut index = 0;
    while index < labels.len() {
        let key = labels[index].key;
        if !is_plain(key) || starts_with(key, "__") {
            return Some("a label name is of a-z, 0-9 and _, and starts with a letter");
        }
        if equal(key, "job") || equal(key, "instance") || equal(key, "le") || equal(key, "quantile")
        {
            return Some("this label belongs to Prometheus");
        }
        let mut earlier = 0;
        while earlier < index {
            if equal(labels[earlier].key, key) {
                return Some("it has the same label twice");
            }
            earlier += 1;
        }
        index += 1;
    }
    None
}

/// Panics with both words in one message, which formatting cannot do in a constant.
const fn refuse(name: &str, fault: &str) -> ! {
    let mut message = [b' '; 160];
    let mut length = 0;
    let parts: [&str; 3] = [name, ": ", fault];
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut index = 0;
        while index < bytes.len() && length < message.len() {
            message[length] = bytes[index];
            length += 1;
            index += 1;
        }
        part += 1;
    }
    match std::str::from_utf8(message.split_at(length).0) {
        Ok(message) => panic!("{}", message),
        Err(_) => panic!("a metric breaks a rule of the catalogue"),
    }
}

const fn is_plain(word: &str) -> bool {
    let bytes = word.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        let plain = bytes[index].is_ascii_lowercase()
            || (index > 0 && (bytes[index].is_ascii_digit() || bytes[index] == b'_'));
        if !plain {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

const fn ends_with_any(text: &str, endings: &[&str]) -> bool {
    let mut index = 0;
    while index < endings.len() {
        if ends_with(text, endings[index]) {
            return true;
        }
        index += 1;
    }
    false
}

const fn ends_with(text: &str, ending: &str) -> bool {
    let (text, ending) = (text.as_bytes(), ending.as_bytes());
    if text.len() < ending.len() {
        return false;
    }
    same(text.split_at(text.len() - ending.len()).1, ending)
}

const fn starts_with(text: &str, start: &str) -> bool {
    let (text, start) = (text.as_bytes(), start.as_bytes());
    text.len() >= start.len() && same(text.split_at(start.len()).0, start)
}

const fn without(text: &'static str, ending: &str) -> &'static str {
    if ends_with(text, ending) { text.split_at(text.len() - ending.len()).0 } else { text }
}

const fn equal(left: &str, right: &str) -> bool {
    same(left.as_bytes(), right.as_bytes())
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
