//! What the rules say of a panel and of its queries, as people write them.

use std::time::Duration;

use super::super::expand::{Variables, expand};
use super::super::source::{Datasource, Panel, PanelKind, PanelQuery};
use crate::tower::{Query, Selector};

/// The units of Grafana that panels have; another is added here when one has it.
const UNITS: [&str; 8] = ["none", "short", "percentunit", "s", "bytes", "Bps", "ops", "reqps"];

/// The histograms whose buckets name a trace, as `docs/logs.md` has it.
pub(crate) const WITH_EXEMPLARS: &[&str] = &["chat_message_delivery_latency_seconds"];

/// What stands for the variables of time while a query is looked at: no query looks back so long.
const RATE_INTERVAL: Duration = Duration::from_secs(7_919);
const RANGE: Duration = Duration::from_secs(7_927);
const OTHER_INTERVAL: Duration = Duration::from_secs(7_933);

/// They are given what is between two scrapes, or several of them; nothing else makes sense.
const RATES: [&str; 2] = ["rate", "irate"];

/// What is shown over time of a histogram that has exemplars shows these; and nothing else has any.
pub(super) fn exemplars_are_shown(panel: &Panel) -> Option<String> {
    let has = WITH_EXEMPLARS.iter().any(|name| {
        panel.queries.iter().any(|query| query.expr.contains(&format!("{name}_bucket")))
    });
    let can = has && panel.datasource == Datasource::Prometheus && !panel.kind.is_instant();
    match (can, panel.exemplars) {
        (true, false) => Some("it hides the exemplars of its histogram".to_owned()),
        (false, true) => Some("nothing that it shows has exemplars".to_owned()),
        _ => None,
    }
}

pub(super) fn has_title_and_description(panel: &Panel) -> Option<String> {
    let empty = panel.title.trim().is_empty() || panel.description.trim().is_empty();
    empty.then(|| "it has no title or no description".to_owned())
}

/// Only lines of a log have none.
pub(super) fn has_unit(panel: &Panel) -> Option<String> {
    if panel.kind == PanelKind::Logs || UNITS.contains(&panel.unit.as_str()) {
        return None;
    }
    Some(format!("it has no unit that we know: `{}`", panel.unit))
}

pub(super) fn asks_for_job(panel: &Panel) -> Option<String> {
    asks_for("job", panel)
}

pub(super) fn asks_for_instance(panel: &Panel) -> Option<String> {
    asks_for("instance", panel)
}

/// Every name is asked for with what people chose to look at.
fn asks_for(label: &str, panel: &Panel) -> Option<String> {
    let chosen = format!("${label}");
    let asks = |selector: &Selector| {
        let mut matchers = selector.matchers.iter();
        matchers.any(|matcher| {
            matcher.label == label && matcher.pattern.as_deref() == Some(chosen.as_str())
        })
    };
    queries(panel).find_map(|(text, query)| {
        let lacking = query.selectors().into_iter().find(|selector| !asks(selector))?;
        Some(format!("`{}` in `{text}` does not ask for {label}=~\"{chosen}\"", lacking.name))
    })
}

/// A rate over `$__rate_interval`; what is no rate may be over all that is shown, too.
pub(super) fn rates_use_the_interval(panel: &Panel) -> Option<String> {
    queries(panel).find_map(|(text, query)| {
        let wrong = query.ranges().into_iter().find(|range| {
            let is_rate = RATES.contains(&range.function.as_str());
            range.length != RATE_INTERVAL && (is_rate || range.length != RANGE)
        })?;
        Some(format!("`{}` in `{text}` is not over [$__rate_interval]", wrong.function))
    })
}

/// Of Loki every range is `$__auto`, which Grafana takes for what suits the kind of the query.
pub(super) fn logs_use_the_interval(panel: &Panel) -> Option<String> {
    if panel.datasource != Datasource::Loki {
        return None;
    }
    panel.queries.iter().find_map(|PanelQuery { expr, .. }| {
        let plain = without_texts(expr);
        let mut ranges = plain.split('[').skip(1).filter_map(|rest| rest.split(']').next());
        let other = ranges.find(|range| range.trim() != "$__auto")?;
        Some(format!("`{expr}` looks back [{other}], not [$__auto]"))
    })
}

pub(super) fn counters_are_rated(panel: &Panel) -> Option<String> {
    queries(panel).find_map(|(text, query)| {
        let mut selectors = query.selectors().into_iter();
        let bare = selectors.find(|one| one.name.ends_with("_total") && !one.as_counter)?;
        Some(format!("`{}` in `{text}` is shown as it is", bare.name))
    })
}

pub(super) fn series_have_names(panel: &Panel) -> Option<String> {
    let needs = matches!(panel.kind, PanelKind::Graph | PanelKind::Bars | PanelKind::Stat);
    let nameless = panel.queries.iter().find(|query| needs && query.legend.is_empty());
    nameless.map(|query| format!("`{}` has no legend", query.expr))
}

/// The queries to Prometheus, with their texts. That one cannot be read is said elsewhere.
fn queries(panel: &Panel) -> impl Iterator<Item = (&str, Query)> {
    let asked = panel.queries.iter().filter(|_| panel.datasource == Datasource::Prometheus);
    asked.filter_map(|PanelQuery { expr, .. }| {
        Some((expr.as_str(), Query::parse(&marked(expr)).ok()?))
    })
}

/// The query with marks for the variables of time; those of labels stay as they are.
fn marked(query: &str) -> String {
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    let query = query.replace("$__rate_interval", &seconds(RATE_INTERVAL));
    let variables = Variables {
        job: "$job".to_owned(),
        instance: "$instance".to_owned(),
        interval: seconds(OTHER_INTERVAL),
        range: seconds(RANGE),
    };
    expand(&query, &variables)
}

/// A query without what stands in quotes, of either kind.
fn without_texts(query: &str) -> String {
    let mut rest = String::new();
    let mut within: Option<char> = None;
    let mut letters = query.chars();
    while let Some(letter) = letters.next() {
        match within {
            None if letter == '"' || letter == '`' => within = Some(letter),
            None => rest.push(letter),
            // Nothing is escaped between backticks.
            Some('"') if letter == '\\' => {
                letters.next();
            }
            Some(quote) if letter == quote => within = None,
            Some(_) => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_quotes_is_no_range() {
        let text = r#"{a="b[1]"} |~ "\"[5m]" | json c=`d[0]\` [$__auto]"#;
        assert_eq!(without_texts(text), "{a=} |~  | json c= [$__auto]");
    }

    #[test]
    fn every_variable_of_time_has_a_mark_of_its_own() {
        let marked =
            marked("a[$__rate_interval] b[$__range] c[$__interval] d[$__auto] e{f=\"$job\"}");
        assert_eq!(marked, "a[7919s] b[7927s] c[7933s] d[7933s] e{f=\"$job\"}");
    }
}
